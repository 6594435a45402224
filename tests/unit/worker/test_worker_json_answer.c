/*
 * Answers made for schemas: what is made is valid, by a validator that knows nothing of the maker;
 * what cannot be made is refused by name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "check/schema.h"
#include "json_answer.h"

static json_t *read_json(struct arena *arena, const char *text)
{
    json_t *json = NULL;
    struct result read = jsontext_read_in(arena, slice_str(text), &json);
    if (!result_ok(read))
        fail_msg("%s: %s", text, error_last()->text);
    return json;
}

static void assert_valid(struct arena *arena, const char *schema_text, uint64_t seed)
{
    const json_t *root = read_json(arena, schema_text);
    struct random random = random_seeded(seed);
    struct slice text;
    struct schema *schema;
    struct schema_report report;
    if (!result_ok(json_answer(arena, root, &random, &text)))
        fail_msg("%s: %s", schema_text, error_last()->text);
    assert_true(result_ok(schema_compile(arena, root, NULL, &schema)));
    assert_true(result_ok(
        schema_validate(schema, read_json(arena, arena_string(arena, text)), 1, arena, &report)));
    if (!report.valid)
        fail_msg("%s: %.*s: %.*s", schema_text, SLICE_ARG(text), SLICE_ARG(report.faults[0].text));
}

static void what_is_made_is_valid(void **state)
{
    (void)state;
    static const char *const schemas[] = {
        "true",
        "{}",
        "{\"type\":\"integer\",\"minimum\":-3,\"exclusiveMaximum\":-1}",
        "{\"type\":\"integer\",\"exclusiveMinimum\":0.5,\"maximum\":1.5}",
        "{\"type\":\"number\",\"exclusiveMinimum\":0,\"exclusiveMaximum\":0.001}",
        "{\"type\":\"number\",\"minimum\":7,\"maximum\":7}",
        "{\"maximum\":-1000}",
        "{\"type\":\"string\",\"minLength\":9}",
        "{\"type\":\"string\",\"maxLength\":0}",
        "{\"type\":[\"null\",\"string\"]}",
        "{\"type\":\"boolean\"}",
        "{\"enum\":[1,\"a\",null],\"type\":\"string\"}",
        "{\"const\":{\"a\":[1]}}",
        "{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"minItems\":4,\"maxItems\":5}",
        "{\"type\":\"array\",\"items\":false}",
        "{\"properties\":{\"a\":{\"type\":\"string\"},\"b\":false},\"required\":[\"a\",\"c\"]}",
        "{\"required\":[\"z\"],\"additionalProperties\":{\"type\":\"integer\"}}",
        "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"object\",\"required\":[\"x\"]}]}",
        "{\"anyOf\":[false,{\"const\":1}]}",
        "{\"$defs\":{\"t/~\":{\"type\":\"object\",\"properties\":{\"v\":{\"type\":\"number\"},"
        "\"kids\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/t~1~0\"}}},"
        "\"required\":[\"v\",\"kids\"],\"additionalProperties\":false}},\"$ref\":\"#/$defs/"
        "t~1~0\"}",
        "{\"type\":\"object\",\"properties\":{\"next\":{\"$ref\":\"#\"}}}",
    };
    for (size_t i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++) {
        struct arena *arena = arena_new();
        for (uint64_t seed = 0; seed < 20; seed++)
            assert_valid(arena, schemas[i], seed);
        arena_free(arena);
    }
}

static void the_same_seed_makes_the_same(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const json_t *schema =
        read_json(arena, "{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}");
    struct random a = random_seeded(5), b = random_seeded(5), c = random_seeded(6);
    struct slice first, again, other;
    assert_true(result_ok(json_answer(arena, schema, &a, &first)));
    assert_true(result_ok(json_answer(arena, schema, &b, &again)));
    assert_true(result_ok(json_answer(arena, schema, &c, &other)));
    assert_true(slice_eq(first, again));
    assert_false(slice_eq(first, other));
    arena_free(arena);
}

static void what_cannot_be_made_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *schema;
        enum error_code code;
        const char *says;
    } cases[] = {
        {"{\"type\":\"string\",\"pattern\":\"a\"}", ERR_UNSUPPORTED, "'pattern'"},
        {"{\"properties\":{\"a\":{\"not\":{}}}}", ERR_UNSUPPORTED, "'not'"},
        {"{\"anyOf\":[{}],\"required\":[\"a\"]}", ERR_UNSUPPORTED, "'required' beside 'anyOf'"},
        {"{\"type\":\"colour\"}", ERR_VALUE, "'colour'"},
        {"{\"type\":\"integer\",\"minimum\":2,\"maximum\":1}", ERR_VALUE, "no whole number"},
        {"{\"minimum\":\"2\"}", ERR_VALUE, "'minimum'"},
        {"{\"enum\":[]}", ERR_VALUE, "no value"},
        {"{\"$ref\":\"#/$defs/x\"}", ERR_VALUE, "#/$defs/x"},
        {"{\"$ref\":\"#\"}", ERR_TOO_LARGE, "recurses"},
        {"{\"type\":\"array\",\"items\":true,\"minItems\":1000000}", ERR_TOO_LARGE, "values"},
        {"false", ERR_VALUE, "allows nothing"},
        {"[]", ERR_VALUE, "object"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena *arena = arena_new();
        struct random random = random_seeded(1);
        struct slice text;
        struct result made = json_answer(arena, read_json(arena, cases[i].schema), &random, &text);
        assert_int_equal(made.code, cases[i].code);
        assert_non_null(strstr(error_last()->text, cases[i].says));
        arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_made_is_valid),
        cmocka_unit_test(the_same_seed_makes_the_same),
        cmocka_unit_test(what_cannot_be_made_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
