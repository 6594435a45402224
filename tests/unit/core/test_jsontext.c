/*
 * JSON: what is refused and where, equality by JSON Schema's rule, and writing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/jsontext.h"
#include "core/limits.h"
#include "core/text.h"

static json_t *read_in(struct arena *arena, const char *text)
{
    json_t *value = NULL;
    struct result r = jsontext_read_in(arena, slice_str(text), &value);
    if (!result_ok(r))
        fail_msg("%s: %s", text, error_last()->text);
    return value;
}

static void what_is_not_json_is_refused_with_its_place(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",      " ",        "{",          "{\"a\":1,}", "[1,]",      "{\"a\":1 \"b\":2}", "01",
        "1 2",   "nul",      "'a'",        "[1] x",      "\"\\x41\"", "{\"a\":1,\"a\":1}", "NaN",
        "1e999", "\"\xff\"", "{\"a\0\":1}"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        json_t *value = NULL;
        assert_int_equal(jsontext_read(slice_str(wrong[i]), &value).code, ERR_SYNTAX);
        assert_null(value);
    }
    json_t *value;
    assert_int_equal(jsontext_read(SLICE("{\n  \"a\": x\n}"), &value).code, ERR_SYNTAX);
    assert_non_null(strstr(error_last()->text, "line 2, column 8"));
}

static void nesting_is_allowed_up_to_the_limit_and_no_further(void **state)
{
    (void)state;
    for (int extra = 0; extra <= 1; extra++) {
        char text[2 * LIMIT_DEPTH + 2];
        size_t depth = LIMIT_DEPTH + (size_t)extra;
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        DEFER(jsontext_release)
        json_t *value = NULL;
        struct result r = jsontext_read(slice_of(text, 2 * depth), &value);
        assert_int_equal(r.code, extra ? ERR_TOO_LARGE : ERR_OK);
    }
}

static void brackets_in_strings_are_not_nesting(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    text_add_str(&t, "\"\\\"");
    for (int i = 0; i < 2 * LIMIT_DEPTH; i++)
        text_add_byte(&t, '[');
    text_add_byte(&t, '"');
    json_t *value;
    assert_true(result_ok(jsontext_read_in(arena, text_slice(&t), &value)));
}

static void every_kind_of_value_is_read_and_named(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"null", "null"},   {"true", "boolean"}, {" false\n", "boolean"},  {"0", "integer"},
        {"1.0", "integer"}, {"1.5", "number"},   {"-1e300", "integer"},    {"\"\"", "string"},
        {"[]", "array"},    {"{}", "object"},    {"\"\\u0000\"", "string"}};
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(jsontext_type(read_in(arena, cases[i][0])), cases[i][1]);
    assert_int_equal(jsontext_slice(read_in(arena, "\"a\\u0000b\"")).len, 3);
}

static void integers_beyond_64_bits_become_reals(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    assert_true(json_is_integer(read_in(arena, "9223372036854775807")));
    assert_true(json_is_real(read_in(arena, "9223372036854775808")));
    assert_true(json_is_real(read_in(arena, "123456789012345678901234567890")));
}

/* Values of one row are equal to each other and to nothing of another row. */
static const char *const equals[][3] = {
    {"null"},
    {"false"},
    {"true"},
    {"0", "0.0", "-0.0"},
    {"1", "1.0", "10e-1"},
    {"9007199254740992", "9007199254740992.0"},
    {"9007199254740993"}, /* as doubles it would be the one above */
    {"9223372036854775807"},
    {"9223372036854775808", "9.223372036854775808e18"},
    {"-9223372036854775808", "-9223372036854775808.0"},
    {"0.1", "1e-1"},
    {"\"\"", "\"\""},
    {"\"1\"", "\"\\u0031\""},
    {"\"a\\u0000\""},
    {"\"a\""},
    {"[]", "[ ]"},
    {"[1,2]", "[1.0,2.0]"},
    {"[2,1]"},
    {"[[1,2]]"},
    {"{}", "{ }"},
    {"{\"a\":1,\"b\":[{}]}", "{\"b\":[{}],\"a\":1.0}"},
    {"{\"a\":1,\"c\":[{}]}"},
    {"{\"a\":1}"},
    {"{\"a\":null}"},
};

static void equality_is_that_of_json_schema(void **state)
{
    (void)state;
    enum { ROWS = sizeof(equals) / sizeof(equals[0]) };
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    for (size_t i = 0; i < ROWS * 3; i++) {
        for (size_t j = 0; j < ROWS * 3; j++) {
            const char *a = equals[i / 3][i % 3], *b = equals[j / 3][j % 3];
            if (!a || !b)
                continue;
            bool equal = jsontext_equal(read_in(arena, a), read_in(arena, b));
            if (equal != (i / 3 == j / 3))
                fail_msg("%s and %s are %s", a, b, equal ? "equal" : "unequal");
        }
    }
}

static void writing_keeps_the_order_of_keys_and_reads_back(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    static const char text[] = "{\"z\":[1,2.5,\"é\\n\"],\"a\":null}";
    json_t *value = read_in(arena, text);
    assert_true(slice_is(jsontext_write(arena, value), text));
    assert_true(slice_is(jsontext_write_pretty(arena, value),
                         "{\n  \"z\": [\n    1,\n    2.5,\n    \"é\\n\"\n  ],\n  \"a\": null\n}"));
    assert_true(slice_is(jsontext_write(arena, read_in(arena, "\"a\"")), "\"a\""));
}

static void a_string_that_is_not_utf8_is_mended(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    json_t *value = jsontext_string(arena, SLICE("a\xff\0b"));
    assert_true(slice_eq(jsontext_slice(value), SLICE("a\xef\xbf\xbd\0b")));
    assert_int_equal(jsontext_slice(jsontext_string(arena, slice_of(NULL, 0))).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_json_is_refused_with_its_place),
        cmocka_unit_test(nesting_is_allowed_up_to_the_limit_and_no_further),
        cmocka_unit_test(brackets_in_strings_are_not_nesting),
        cmocka_unit_test(every_kind_of_value_is_read_and_named),
        cmocka_unit_test(integers_beyond_64_bits_become_reals),
        cmocka_unit_test(equality_is_that_of_json_schema),
        cmocka_unit_test(writing_keeps_the_order_of_keys_and_reads_back),
        cmocka_unit_test(a_string_that_is_not_utf8_is_mended),
    };
    return cmocka_run_group_tests_name("jsontext", tests, NULL, NULL);
}
