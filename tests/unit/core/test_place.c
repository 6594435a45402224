/*
 * Places: bytes to lines and columns and back, with every kind of line ending.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/place.h"

static void lines_are_given_without_their_ending(void **state)
{
    (void)state;
    struct source source = {"a", SLICE("one\r\ntwo\n\nfour")};
    assert_true(slice_is(source_line(&source, 1), "one"));
    assert_true(slice_is(source_line(&source, 2), "two"));
    assert_true(slice_is(source_line(&source, 3), ""));
    assert_true(slice_is(source_line(&source, 4), "four"));
    assert_int_equal(source_line(&source, 5).len, 0);
    assert_int_equal(source_line(&source, 0).len, 0);
    assert_int_equal(source_line(&(struct source){"none", {NULL, 0}}, 1).len, 0);
}

static void each_byte_stands_where_its_place_says(void **state)
{
    (void)state;
    struct source source = {"a", SLICE("{\n  \"a\": 1,\r\n\n  \"é\": 2\n}")};
    for (size_t i = 0; i < source.text.len; i++) {
        struct place place = source_place(&source, i);
        struct slice line = source_line(&source, place.line);
        if (source.text.data[i] == '\n' || source.text.data[i] == '\r')
            assert_true(place.column > line.len);
        else
            assert_int_equal(line.data[place.column - 1], source.text.data[i]);
    }
}

static void an_offset_past_the_end_is_the_end(void **state)
{
    (void)state;
    struct source source = {"a", SLICE("ab\ncd")};
    struct place place = source_place(&source, 999);
    assert_int_equal(place.line, 2);
    assert_int_equal(place.column, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_given_without_their_ending),
        cmocka_unit_test(each_byte_stands_where_its_place_says),
        cmocka_unit_test(an_offset_past_the_end_is_the_end),
    };
    return cmocka_run_group_tests_name("place", tests, NULL, NULL);
}
