/*
 * Places that `save` takes values from: read as they are, with their types, or said to be absent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "step/save.h"
#include "suite/reader.h"

static struct header headers[] = {{{"X-Job", 5}, {"j-7", 3}}, {{"Empty", 5}, {"", 0}}};

/* An answer with everything. */
static struct observation answer(struct arena *arena)
{
    struct observation o = {
        .arena = arena,
        .seen = OBSERVED_STATUS | OBSERVED_HEADERS | OBSERVED_BODY | OBSERVED_TEXT | OBSERVED_STOP,
        .status = 201,
        .headers = headers,
        .header_count = 2,
        .body = SLICE("{\"id\": 7, \"list\": [{\"a\": null}, {\"a\": \"x\"}], \"on\": false}"),
        .text = SLICE("Hello"),
        .stop_reason = SLICE("EOS"),
    };
    return o;
}

static void assert_saved(const char *where, const char *json)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct observation o = answer(arena);
    const char *why = NULL;
    const json_t *value = save_read(arena, slice_str(where), &o, &why);
    if (!value)
        fail_msg("%s: %s", where, why);
    assert_string_equal(arena_string(arena, jsontext_write(arena, value)), json);
}

static void assert_absent(unsigned seen, const char *where, const char *words)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct observation o = answer(arena);
    const char *why = NULL;
    o.seen = seen;
    assert_null(save_read(arena, slice_str(where), &o, &why));
    assert_string_equal(why, words);
}

static void a_path_keeps_the_type(void **state)
{
    (void)state;
    assert_saved("$.id", "7");
    assert_saved("$.on", "false");
    assert_saved("$.list[0]", "{\"a\":null}");
    assert_saved("$.list[0].a", "null");
    assert_saved("$", "{\"id\":7,\"list\":[{\"a\":null},{\"a\":\"x\"}],\"on\":false}");
}

static void of_several_values_the_first_is_kept(void **state)
{
    (void)state;
    assert_saved("$.list[?@.a == 'x'].a", "\"x\"");
    assert_saved("$..a", "null");
}

static void parts_are_kept_by_name(void **state)
{
    (void)state;
    assert_saved("status", "201");
    assert_saved("text", "\"Hello\"");
    assert_saved("stop_reason", "\"EOS\"");
    assert_saved("header x-job", "\"j-7\"");
    assert_saved("header  Empty ", "\"\"");
}

static void what_is_not_there_is_no_value(void **state)
{
    (void)state;
    unsigned all = OBSERVED_STATUS | OBSERVED_HEADERS | OBSERVED_BODY;
    assert_absent(all, "$.nothing", "the path selects nothing");
    assert_absent(all, "header X-None", "the answer has no such part");
    assert_absent(all, "text", "the answer has no such part");
    assert_absent(all, "stdout", "the answer has no such part");
    assert_absent(0, "status", "the answer has no such part");
}

static void an_answer_that_is_no_json_says_why(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct observation o = answer(arena);
    const char *why = NULL;
    o.body = SLICE("<html>");
    assert_null(save_read(arena, SLICE("$.id"), &o, &why));
    assert_non_null(strstr(why, "not JSON"));
}

static void output_of_a_program_is_read_as_json_too(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    const char *why = NULL;
    struct observation o = {.arena = arena,
                            .seen = OBSERVED_OUTPUT | OBSERVED_EXIT,
                            .standard_output = SLICE("{\"a\": [1]}\n")};
    assert_int_equal(json_array_size(save_read(arena, SLICE("$.a"), &o, &why)), 1);
    assert_string_equal(json_string_value(save_read(arena, SLICE("stdout"), &o, &why)),
                        "{\"a\": [1]}\n");
}

static size_t faults_of(const char *save)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct diagnostics d = diagnostics_in(arena);
    const struct node *node;
    reader_text(arena, "x.json", slice_str(save), &d, &node);
    assert_non_null(node);
    save_check(node, &d);
    return d.count;
}

static void wrong_places_are_found_when_the_suite_is_read(void **state)
{
    (void)state;
    assert_int_equal(
        faults_of("{\"a\": \"$.id\", \"b\": \"status\", \"c\": \"header X\", \"d\": \"stdout\"}"),
        0);
    assert_int_equal(faults_of("{\"a\": \"$.\", \"b\": \"statsu\", \"c\": \"X\", \"d\": \"$[\"}"),
                     4);
    assert_int_equal(faults_of("{\"a\": \"$.x[${n}]\"}"), 0);
    assert_int_equal(faults_of("{\"a\": \"\"}"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_keeps_the_type),
        cmocka_unit_test(of_several_values_the_first_is_kept),
        cmocka_unit_test(parts_are_kept_by_name),
        cmocka_unit_test(what_is_not_there_is_no_value),
        cmocka_unit_test(an_answer_that_is_no_json_says_why),
        cmocka_unit_test(output_of_a_program_is_read_as_json_too),
        cmocka_unit_test(wrong_places_are_found_when_the_suite_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
