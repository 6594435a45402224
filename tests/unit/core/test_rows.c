/*
 * Rows: CSV as RFC 4180 has it, and JSON lines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/rows.h"

static void assert_rows(const char *name, const char *text, const char *json)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    json_t *rows;
    if (!result_ok(rows_parse(arena, name, slice_str(text), &rows)))
        fail_msg("%s", error_last()->text);
    assert_string_equal(arena_string(arena, jsontext_write(arena, rows)), json);
}

static void assert_refused(const char *name, const char *text, const char *words)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    json_t *rows;
    assert_false(result_ok(rows_parse(arena, name, slice_str(text), &rows)));
    assert_string_equal(error_last()->text, words);
}

static void csv_rows_are_objects_of_strings(void **state)
{
    (void)state;
    assert_rows("x.csv", "a,b\n1,2\n3,\n", "[{\"a\":\"1\",\"b\":\"2\"},{\"a\":\"3\",\"b\":\"\"}]");
    assert_rows("x.csv", " a , b\n 1 ,2", "[{\"a\":\" 1 \",\"b\":\"2\"}]");
}

static void lines_may_end_as_they_like(void **state)
{
    (void)state;
    assert_rows("x.csv", "a,b\r\n1,2\r\n", "[{\"a\":\"1\",\"b\":\"2\"}]");
    assert_rows("x.csv", "a\r1\r2", "[{\"a\":\"1\"},{\"a\":\"2\"}]");
    assert_rows("x.csv",
                "\xef\xbb\xbf"
                "a\n1\n\n2\n\n",
                "[{\"a\":\"1\"},{\"a\":\"2\"}]");
}

static void quoted_fields_hold_anything(void **state)
{
    (void)state;
    assert_rows("x.csv", "a,b\n\"1,\"\"2\"\"\n3\",\"\"\n",
                "[{\"a\":\"1,\\\"2\\\"\\n3\",\"b\":\"\"}]");
    assert_rows("x.csv", "\"a\",b\n1,5\" pipe\n", "[{\"a\":\"1\",\"b\":\"5\\\" pipe\"}]");
}

static void wrong_csv_says_in_which_line(void **state)
{
    (void)state;
    assert_refused("x.csv", "a,b\n1,2\n3\n", "x.csv:3: 1 field, but the head line has 2");
    assert_refused("x.csv", "a,b\n1,2,3\n", "x.csv:2: more fields than the head line has");
    assert_refused("x.csv", "a\n\"1\n2\n3", "x.csv:2: a quoted field is never closed");
    assert_refused("x.csv", "a\n\"1\"2\n", "x.csv:2: text after the closing quote of a field");
    assert_refused("x.csv", "a, a\n1,2\n", "x.csv:1: two columns are called \"a\"");
    assert_refused("x.csv", "a,,c\n1,2,3\n", "x.csv:1: column 2 has no name");
    assert_refused("x.csv", "a\n", "x.csv: no rows");
    assert_refused("x.csv", "", "x.csv:1: column 1 has no name");
}

static void json_lines_keep_their_types(void **state)
{
    (void)state;
    assert_rows("x.jsonl", "{\"a\": 1}\n\n {\"a\": [null]} \r\n", "[{\"a\":1},{\"a\":[null]}]");
    assert_rows("x.ndjson", "{\"a\": true}", "[{\"a\":true}]");
}

static void wrong_json_lines_say_in_which_line(void **state)
{
    (void)state;
    assert_refused("x.jsonl", "{\"a\": 1}\n[1]\n", "x.jsonl:2: expected an object, got array");
    assert_refused("x.jsonl", "\n\n", "x.jsonl: no rows");
    assert_refused("x.txt", "a\n1\n", "x.txt: rows come from a .csv or .jsonl file");
}

static void each_row_knows_its_line(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct rows rows;
    json_t *row;
    const size_t lines[] = {2, 4, 6};
    assert_true(result_ok(rows_begin(arena, "x.csv", SLICE("a\n1\n\n\"2\n\"\n3"), &rows)));
    for (size_t i = 0; i < 3; i++) {
        assert_true(result_ok(rows_next(&rows, &row)));
        assert_int_equal(rows.line, lines[i]);
        json_decref(row);
    }
    assert_true(result_ok(rows_next(&rows, &row)));
    assert_null(row);
    assert_true(result_ok(rows_next(&rows, &row)));
    assert_null(row);
}

static void a_missing_file_says_so(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    json_t *rows;
    assert_int_equal(rows_read(arena, "/no/such/rows.csv", &rows).code, ERR_IO);
    assert_string_equal(error_last()->text,
                        "cannot open /no/such/rows.csv: No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_rows_are_objects_of_strings),
        cmocka_unit_test(lines_may_end_as_they_like),
        cmocka_unit_test(quoted_fields_hold_anything),
        cmocka_unit_test(wrong_csv_says_in_which_line),
        cmocka_unit_test(json_lines_keep_their_types),
        cmocka_unit_test(wrong_json_lines_say_in_which_line),
        cmocka_unit_test(each_row_knows_its_line),
        cmocka_unit_test(a_missing_file_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
