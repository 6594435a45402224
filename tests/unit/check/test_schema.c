/*
 * JSON Schema beyond the official suite: what faults say and in which order, what a wrong schema is
 * told, exact numbers, and limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "check/schema.h"
#include "core/limits.h"
#include "core/text.h"

static json_t *json(struct arena *arena, const char *text)
{
    json_t *value = NULL;
    if (!result_ok(jsontext_read_in(arena, slice_str(text), &value)))
        fail_msg("%s: %s", text, error_last()->text);
    return value;
}

static struct schema *compiled(struct arena *arena, const char *text)
{
    struct schema *schema = NULL;
    if (!result_ok(schema_compile(arena, json(arena, text), NULL, &schema)))
        fail_msg("%s: %s", text, error_last()->text);
    return schema;
}

static struct schema_report report_of(struct arena *arena, const char *schema, const char *instance,
                                      size_t most)
{
    struct schema_report report;
    if (!result_ok(
            schema_validate(compiled(arena, schema), json(arena, instance), most, arena, &report)))
        fail_msg("%s", error_last()->text);
    return report;
}

static void a_fault_is_one_sentence(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *instance, *text;
    } cases[] = {
        {"{\"type\":\"string\"}", "42", "expected string, got 42"},
        {"{\"type\":[\"string\",\"null\"]}", "[1]", "expected string or null, got [1]"},
        {"{\"const\":\"a\"}", "\"b\"", "expected \"a\", got \"b\""},
        {"{\"enum\":[\"a\",1]}", "\"b\"", "expected one of [\"a\",1], got \"b\""},
        {"{\"minimum\":3}", "2", "expected at least 3, got 2"},
        {"{\"exclusiveMaximum\":3}", "3", "expected less than 3, got 3"},
        {"{\"multipleOf\":0.1}", "0.25", "expected a multiple of 0.1, got 0.25"},
        {"{\"maxLength\":2}", "\"äöü\"", "expected at most 2 characters, got 3"},
        {"{\"minItems\":1}", "[]", "expected at least 1 items, got 0"},
        {"{\"pattern\":\"^a\"}", "\"b\"", "expected a match of ^a, got \"b\""},
        {"{\"required\":[\"name\"]}", "{}", "the property \"name\" is missing"},
        {"{\"properties\":{\"name\":{}},\"additionalProperties\":false}", "{\"nmae\":1}",
         "unexpected property \"nmae\"; did you mean \"name\"?"},
        {"{\"uniqueItems\":true}", "[1,2,1.0]", "expected different items, got 1 at both 0 and 2"},
        {"{\"contains\":{\"type\":\"null\"}}", "[1]", "expected at least 1 matching item, got 0"},
        {"{\"oneOf\":[{},true]}", "1", "exactly one alternative must fit, but both /0 and /1 do"},
        {"{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", "1",
         "none of the alternatives fits: expected string, got 1; expected null, got 1"},
        {"{\"not\":{}}", "1", "expected a value that does not fit the schema in \"not\", got 1"},
        {"{\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"a\":1}",
         "the property \"b\" is missing, which \"a\" needs"},
        {"false", "1", "expected no value here, got 1"},
    };
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct schema_report report = report_of(arena, cases[i].schema, cases[i].instance, 3);
        assert_false(report.valid);
        assert_int_equal(report.count, 1);
        assert_string_equal(report.faults[0].text.data, cases[i].text);
    }
}

static void a_fault_says_where_in_the_instance_and_in_the_schema(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct schema_report report =
        report_of(arena,
                  "{\"$defs\":{\"n\":{\"type\":\"number\"}},"
                  "\"properties\":{\"a/b\":{\"items\":{\"$ref\":\"#/$defs/n\"}}}}",
                  "{\"a/b\":[1,\"x\"]}", 3);
    assert_int_equal(report.count, 1);
    assert_true(slice_is(report.faults[0].pointer, "/a~1b/1"));
    assert_true(slice_is(report.faults[0].path, "$['a/b'][1]"));
    assert_true(slice_is(report.faults[0].schema, "#/$defs/n/type"));
}

static void of_alternatives_the_nearest_is_explained(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct schema_report report =
        report_of(arena,
                  "{\"oneOf\":["
                  "{\"properties\":{\"kind\":{\"const\":\"dog\"},\"bark\":{\"type\":\"boolean\"}},"
                  "\"required\":[\"kind\",\"bark\",\"owner\"]},"
                  "{\"properties\":{\"kind\":{\"const\":\"cat\"},\"lives\":{\"type\":\"integer\"}},"
                  "\"required\":[\"kind\",\"lives\"]}]}",
                  "{\"kind\":\"dog\",\"bark\":true}", 5);
    assert_int_equal(report.count, 2);
    assert_string_equal(report.faults[0].text.data, "the property \"owner\" is missing");
    assert_true(slice_is(report.faults[0].schema, "#/oneOf/0/required"));
    assert_string_equal(report.faults[1].text.data,
                        "none of the 2 alternatives fits; the nearest is /0");
}

static void certain_faults_come_before_those_of_alternatives(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct schema_report report =
        report_of(arena,
                  "{\"properties\":{\"a\":{\"anyOf\":[{\"minimum\":5},{\"minimum\":9}]},"
                  "\"b\":{\"type\":\"string\"}}}",
                  "{\"a\":1,\"b\":2}", 1);
    assert_int_equal(report.count, 1);
    assert_int_equal(report.more, 2);
    assert_true(slice_is(report.faults[0].pointer, "/b"));
}

static void numbers_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *instance;
        bool valid;
    } cases[] = {
        {"{\"multipleOf\":0.01}", "19.99", true},
        {"{\"multipleOf\":0.01}", "4.35", true},
        {"{\"multipleOf\":0.1}", "1e300", true},
        {"{\"multipleOf\":3}", "9007199254740993", true},
        {"{\"multipleOf\":2}", "9007199254740993", false},
        {"{\"multipleOf\":1e-300}", "1.5", true},
        {"{\"multipleOf\":1e300}", "1.5", false},
        {"{\"multipleOf\":7}", "-49.0", true},
        {"{\"multipleOf\":8}", "1e3", true},
        {"{\"multipleOf\":16}", "1e3", false},
        {"{\"multipleOf\":0.75}", "2.4e1", true},
        {"{\"maximum\":9007199254740992}", "9007199254740993", false},
        {"{\"maximum\":9007199254740992.0}", "9007199254740993", false},
        {"{\"minimum\":-9223372036854775808}", "-9223372036854775808", true},
        {"{\"exclusiveMinimum\":9223372036854775807}", "9223372036854775808", true},
        {"{\"maxLength\":2.0}", "\"abc\"", false},
    };
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (report_of(arena, cases[i].schema, cases[i].instance, 0).valid != cases[i].valid)
            fail_msg("%s against %s", cases[i].instance, cases[i].schema);
}

static void a_wrong_schema_is_told_where_and_what(void **state)
{
    (void)state;
    static const struct {
        const char *schema;
        enum error_code code;
        const char *text;
    } cases[] = {
        {"3", ERR_VALUE, "#: expected a schema"},
        {"{\"items\":{\"type\":\"strnig\"}}", ERR_VALUE, "#/items/type: expected null, boolean"},
        {"{\"type\":\"strnig\"}", ERR_VALUE, "got \"strnig\"; did you mean \"string\"?"},
        {"{\"minLength\":-1}", ERR_VALUE, "#/minLength: expected a whole number of 0 or more"},
        {"{\"multipleOf\":0}", ERR_VALUE, "#/multipleOf: expected a number greater than 0"},
        {"{\"required\":[1]}", ERR_VALUE, "#/required: expected an array of strings, got [1]"},
        {"{\"anyOf\":[]}", ERR_VALUE, "#/anyOf: expected an array of at least one schema"},
        {"{\"properties\":{\"a\":1}}", ERR_VALUE, "#/properties: expected an object of schemas"},
        {"{\"pattern\":\"(\"}", ERR_VALUE, "#/pattern: not a regular expression: missing closing"},
        {"{\"patternProperties\":{\"[\":{}}}", ERR_VALUE, "#/patternProperties: not a regular"},
        {"{\"$ref\":\"#/$defs/x\"}", ERR_VALUE, "#/$ref: nothing is at '/$defs/x' of #"},
        {"{\"$ref\":\"#x\"}", ERR_VALUE, "#/$ref: there is no anchor 'x' in #"},
        {"{\"$ref\":\"http://example.org/s\"}", ERR_NOT_FOUND,
         "#/$ref: the document 'http://example.org/s' was not handed in"},
        {"{\"$schema\":\"http://example.org/s\"}", ERR_UNSUPPORTED, "#/$schema: 'http://example"},
    };
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct schema *schema = NULL;
        struct result r = schema_compile(arena, json(arena, cases[i].schema), NULL, &schema);
        assert_int_equal(r.code, cases[i].code);
        assert_int_equal(error_last()->code, cases[i].code);
        if (!strstr(error_last()->text, cases[i].text))
            fail_msg("%s: %s", cases[i].schema, error_last()->text);
    }
}

static void a_schema_that_refers_to_itself_without_progress_is_an_error(void **state)
{
    (void)state;
    static const char *const schemas[] = {
        "{\"$ref\":\"#\"}",
        "{\"allOf\":[{\"anyOf\":[{\"$ref\":\"#/allOf/0\"}]}]}",
        "{\"$dynamicAnchor\":\"a\",\"not\":{\"$dynamicRef\":\"#a\"}}",
    };
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        struct schema_report report;
        struct schema *schema = compiled(arena, schemas[i]);
        assert_int_equal(schema_validate(schema, json_true(), 1, arena, &report).code, ERR_VALUE);
        assert_non_null(strstr(error_last()->text, "refers to itself"));
    }
}

static void a_recursive_schema_follows_an_instance_as_deep_as_may_be_read(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text deep = text_in(arena);
    for (int i = 0; i < LIMIT_DEPTH; i++)
        text_add_byte(&deep, '[');
    for (int i = 0; i < LIMIT_DEPTH; i++)
        text_add_byte(&deep, ']');
    assert_true(report_of(arena,
                          "{\"type\":\"array\",\"items\":{\"anyOf\":[{\"$ref\":\"#\"}]},"
                          "\"unevaluatedItems\":false}",
                          text_str(&deep), 1)
                    .valid);
}

static void a_schema_nested_too_deep_is_refused(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    json_t *value = json_true();
    for (int i = 0; i < LIMIT_DEPTH + 2; i++)
        value = json_pack("{s:o}", "not", value);
    jsontext_keep(arena, value);
    struct schema *schema = NULL;
    assert_int_equal(schema_compile(arena, value, NULL, &schema).code, ERR_TOO_LARGE);
}

static void unique_items_of_a_long_array_are_found_quickly(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    json_t *array = jsontext_keep(arena, json_array());
    for (int i = 0; i < 200000; i++)
        json_array_append_new(array, json_pack("{s:i, s:f}", "a", i, "b", i / 2.0));
    struct schema *schema = compiled(arena, "{\"uniqueItems\":true}");
    struct schema_report report;
    assert_true(result_ok(schema_validate(schema, array, 1, arena, &report)));
    assert_true(report.valid);
    json_array_append_new(array, json_pack("{s:f, s:i}", "b", 3.0, "a", 6));
    assert_true(result_ok(schema_validate(schema, array, 1, arena, &report)));
    assert_false(report.valid);
    assert_non_null(strstr(report.faults[0].text.data, "at both 6 and 200000"));
}

static void formats_are_asserted_only_when_asked_for(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    const json_t *root = json(arena, "{\"format\":\"date\"}");
    struct schema_options options = {.assert_formats = true};
    struct schema *schema = NULL;
    struct schema_report report;
    assert_true(report_of(arena, "{\"format\":\"date\"}", "\"2023-02-30\"", 1).valid);
    assert_true(result_ok(schema_compile(arena, root, &options, &schema)));
    assert_true(
        result_ok(schema_validate(schema, json(arena, "\"2023-02-30\""), 1, arena, &report)));
    assert_false(report.valid);
    assert_string_equal(report.faults[0].text.data,
                        "expected a string in the format date, got \"2023-02-30\"");
}

static void a_reference_finds_a_document_that_was_handed_in(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct schema_document document = {"http://example.org/b.json",
                                       json(arena, "{\"$defs\":{\"x\":{\"type\":\"null\"}}}")};
    struct schema_options options = {
        .uri = "http://example.org/a.json", .documents = &document, .document_count = 1};
    struct schema *schema = NULL;
    struct schema_report report;
    assert_true(result_ok(
        schema_compile(arena, json(arena, "{\"$ref\":\"b.json#/$defs/x\"}"), &options, &schema)));
    assert_true(result_ok(schema_validate(schema, json(arena, "1"), 1, arena, &report)));
    assert_int_equal(report.count, 1);
    assert_true(slice_is(report.faults[0].schema, "http://example.org/b.json#/$defs/x/type"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fault_is_one_sentence),
        cmocka_unit_test(a_fault_says_where_in_the_instance_and_in_the_schema),
        cmocka_unit_test(of_alternatives_the_nearest_is_explained),
        cmocka_unit_test(certain_faults_come_before_those_of_alternatives),
        cmocka_unit_test(numbers_are_exact),
        cmocka_unit_test(a_wrong_schema_is_told_where_and_what),
        cmocka_unit_test(a_schema_that_refers_to_itself_without_progress_is_an_error),
        cmocka_unit_test(a_recursive_schema_follows_an_instance_as_deep_as_may_be_read),
        cmocka_unit_test(a_schema_nested_too_deep_is_refused),
        cmocka_unit_test(unique_items_of_a_long_array_are_found_quickly),
        cmocka_unit_test(formats_are_asserted_only_when_asked_for),
        cmocka_unit_test(a_reference_finds_a_document_that_was_handed_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
