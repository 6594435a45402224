/*
 * Shapes: every kind of fault with its words, the JSON Schema and the reference page.
 */
#include <math.h>

#include "suite/shape.h"
#include "suite_test.h"

/* A small format of its own, with everything a shape can say. */
static void check_fork(const struct node *node, struct diagnostics *d)
{
    if (!node_get(node, "http") == !node_get(node, "exec"))
        diagnose(d, node->at, "a step needs exactly one of http and exec");
}

static const struct shape method = {.kind = SHAPE_WORD,
                                    .words = (const char *const[]){"get", "post", "delete", NULL}};
static const struct shape priority = {.kind = SHAPE_INTEGER, .max = 10};
static const struct shape ratio = {.kind = SHAPE_NUMBER, .max = 1};
static const struct shape name = {.kind = SHAPE_STRING, .min = 1, .max = 8};
static const struct shape pair = {.kind = SHAPE_LIST, .min = 2, .max = 2, .of = &shape_any};
static const struct shape one_or_more = {.kind = SHAPE_LIST, .min = 1, .of = &shape_text};
static const struct shape string_or_strings = {
    .kind = SHAPE_EITHER,
    .either = (const struct shape *const[]){&shape_text, &shape_strings, NULL}};
static const struct shape every = {
    .kind = SHAPE_EITHER, .either = (const struct shape *const[]){&shape_duration, &method, NULL}};
static const struct shape number_or_size = {
    .kind = SHAPE_EITHER, .either = (const struct shape *const[]){&priority, &shape_bool, NULL}};

static const struct shape step;
static const struct shape steps = {.kind = SHAPE_LIST, .of = &step};
static const struct field step_fields[] = {
    {"http", &method, false, "How to ask.", "\"get\""},
    {"exec", &one_or_more, false, "What to run.", "[\"true\"]"},
    {"then", &steps, false, "Steps after this one.", NULL},
    {NULL},
};
static const struct shape step = {.name = "step",
                                  .kind = SHAPE_OBJECT,
                                  .fields = (const struct field *const[]){step_fields, NULL},
                                  .help = "One thing to do.",
                                  .check = check_fork};
static const struct field fields[] = {
    {"id", &name, true, "What it is called, a | b.", "\"one\""},
    {"priority", &priority, false, "Higher first.", "5"},
    {"rate", &ratio},
    {"timeout", &shape_duration, false, "How long.", "\"30s\""},
    {"limit", &shape_size},
    {"tags", &string_or_strings},
    {"every", &every},
    {"mixed", &number_or_size},
    {"on", &shape_bool},
    {"pair", &pair},
    {"match", &shape_regex},
    {"headers", &shape_string_map},
    {"count", &shape_count},
    {"jobs", &shape_positive},
    {"any", &shape_any},
    {NULL},
};
static const struct field more_fields[] = {{"steps", &steps, true, "What to do.", NULL}, {NULL}};
static const struct shape suite_case = {
    .name = "example",
    .kind = SHAPE_OBJECT,
    .fields = (const struct field *const[]){fields, more_fields, NULL},
    .help = "A case.",
};

#define REST ", \"id\": \"x\", \"steps\": []}"

static void assert_faults(struct fixture *f, const char *text, const char *words)
{
    const struct node *node = read_as(f, "x.json", text);
    if (!node)
        fail_msg("%s", shown(f));
    shape_check(&suite_case, node, &f->d);
    assert_string_equal(shown(f), words);
}

/* The only fault: place, words and hint. */
static void assert_fault(struct fixture *f, const char *text, unsigned column, const char *words,
                         const char *hint)
{
    const struct node *node = read_as(f, "x.json", text);
    if (!node)
        fail_msg("%s", shown(f));
    shape_check(&suite_case, node, &f->d);
    assert_int_equal(f->d.count, 1);
    assert_string_equal(f->d.first->text, words);
    assert_string_equal(f->d.first->hint ? f->d.first->hint : "", hint ? hint : "");
    assert_int_equal(f->d.first->at.column, column);
    f->d = diagnostics_in(f->arena);
}

static void what_fits_has_no_faults(void **state)
{
    struct fixture *f = *state;
    assert_faults(
        f,
        "{\"id\": \"éééééééé\", \"priority\": 10, \"rate\": 0.5, \"timeout\": \"1m30s\","
        "\"limit\": \"64KiB\", \"tags\": \"a\", \"every\": \"get\", \"mixed\": true,"
        "\"on\": false, \"pair\": [1, {}], \"match\": \"^a+$\", \"count\": 0, \"jobs\": 1,"
        "\"headers\": {\"a\": \"\", \"b\": 1, \"c\": true}, \"any\": null,"
        "\"steps\": [{\"http\": \"post\", \"then\": [{\"exec\": [\"x\"]}]}]}",
        "");
    assert_faults(f, "{\"limit\": 5, \"tags\": [\"a\"], \"every\": \"5s\", \"mixed\": 3" REST, "");
}

static void a_template_fits_every_scalar_but_no_list_or_map(void **state)
{
    struct fixture *f = *state;
    assert_faults(
        f,
        "{\"id\": \"${much.too.long}\", \"priority\": \"${p}\", \"timeout\": \"${t}s\","
        "\"every\": \"${e}\", \"on\": \"${o}\", \"match\": \"${m\\\\}(\", \"limit\":\"${l}\","
        "\"mixed\": \"${x}\", \"tags\": \"${t}\", \"steps\": [{\"http\": \"${h}\"}]}",
        "");
    assert_fault(f, "{\"pair\": \"${x}\"" REST, 10,
                 "\"pair\": expected a list, got the string \"${x}\"",
                 "${…} can stand for a single value here, not for a list or map");
    assert_fault(f, "{\"timeout\": \"$${x}\"" REST, 13,
                 "\"timeout\": expected a duration such as 500ms, 1.5s or 1m30s, got \"$${x}\" "
                 "(wrong at character 1)",
                 NULL);
}

static void an_unknown_key_suggests_the_known_one(void **state)
{
    struct fixture *f = *state;
    assert_faults(f, "{\"prioritty\": 1" REST,
                  "x.json:1:2: error: unknown key \"prioritty\" in an example\n"
                  "  1 | {\"prioritty\": 1, \"id\": \"x\", \"steps\": []}\n"
                  "    |  ^\n"
                  "help: did you mean \"priority\"?\n"
                  "\n"
                  "1 error\n");
    assert_fault(f, "{\"id\": \"x\", \"steps\": [{\"zebra\": 1}]}", 24,
                 "unknown key \"zebra\" in a step", "known here: http, exec, then");
}

static void a_missing_key_is_named(void **state)
{
    struct fixture *f = *state;
    assert_fault(f, "{\"id\": \"x\"}", 1, "an example needs the key \"steps\"", NULL);
}

static void a_wrong_kind_says_what_was_expected_and_what_came(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *pair, *words;
    } cases[] = {
        {"\"tags\": {}", "\"tags\": expected a string or a list of strings, got a map"},
        {"\"tags\": [1]", "\"tags\": expected a string, got the integer 1"},
        {"\"every\": \"x\"", "\"every\": expected a duration such as \"500ms\" or one of \"get\", "
                             "\"post\", \"delete\", got the string \"x\""},
        {"\"mixed\": 11", "\"mixed\": expected an integer from 0 to 10, got the integer 11"},
        {"\"mixed\": \"a\"",
         "\"mixed\": expected an integer from 0 to 10 or true or false, got the string \"a\""},
        {"\"priority\": 11", "\"priority\": expected an integer from 0 to 10, got the integer 11"},
        {"\"priority\": 1.5", "\"priority\": expected an integer from 0 to 10, got the number 1.5"},
        {"\"rate\": -1", "\"rate\": expected a number from 0 to 1, got the integer -1"},
        {"\"count\": -1", "\"count\": expected an integer of 0 or more, got the integer -1"},
        {"\"jobs\": 0", "\"jobs\": expected an integer of 1 or more, got the integer 0"},
        {"\"on\": null", "\"on\": expected true or false, got null"},
        {"\"pair\": [1]", "\"pair\": expected 2 items, got 1"},
        {"\"timeout\": 5", "\"timeout\": expected a duration such as \"500ms\", got the integer 5"},
        {"\"timeout\": \"5\"", "\"timeout\": expected a duration such as 500ms, 1.5s or 1m30s, got "
                               "\"5\" (wrong at character 2)"},
        {"\"limit\": -5", "\"limit\": expected a size such as \"64KiB\", got the integer -5"},
        {"\"headers\": {\"a\": []}",
         "\"a\": expected a string, a number or true or false, got a list"},
        {"\"match\": \"é(\"",
         "not a regular expression: missing closing parenthesis (at character 3)"},
        {"\"match\": \"\"", "\"match\": expected a non-empty string, got an empty string"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *text = arena_printf(f->arena, "{%s" REST, cases[i].pair);
        const struct node *node = read_as(f, "x.json", text);
        assert_non_null(node);
        shape_check(&suite_case, node, &f->d);
        assert_int_equal(f->d.count, 1);
        assert_string_equal(f->d.first->text, cases[i].words);
        f->d = diagnostics_in(f->arena);
    }
    assert_fault(f, "{\"id\": \"much too long\", \"steps\": []}", 8,
                 "\"id\": expected a string with a length from 1 to 8, got 13 characters", NULL);
    assert_fault(f, "{\"id\": \"x\", \"steps\": [{\"http\": \"pots\"}]}", 32,
                 "\"http\": expected one of \"get\", \"post\", \"delete\", got the string \"pots\"",
                 "did you mean \"post\"?");
    assert_fault(f, "[]", 1, "expected a map, got a list", NULL);
}

static void a_check_of_ones_own_runs_once_the_shape_is_right(void **state)
{
    struct fixture *f = *state;
    assert_fault(f, "{\"id\": \"x\", \"steps\": [{}]}", 23,
                 "a step needs exactly one of http and exec", NULL);
    assert_fault(f, "{\"id\": \"x\", \"steps\": [{\"http\": 1, \"exec\": [\"a\"]}]}", 32,
                 "\"http\": expected one of \"get\", \"post\", \"delete\", got the integer 1",
                 NULL);
}

static void the_json_schema_is_draft_2020_12_with_definitions(void **state)
{
    struct fixture *f = *state;
    json_t *schema = shape_schema(f->arena, &suite_case, "Example");
    json_t *expected;
    static const char text[] =
        "{\"$schema\": \"https://json-schema.org/draft/2020-12/schema\", \"title\": \"Example\","
        "\"$ref\": \"#/$defs/example\", \"$defs\": {"
        "\"step\": {\"type\": \"object\", \"additionalProperties\": false,"
        "  \"description\": \"One thing to do.\", \"properties\": {"
        "  \"http\": {\"description\": \"How to ask.\", \"examples\": [\"get\"], \"anyOf\": ["
        "    {\"enum\": [\"get\", \"post\", \"delete\"]}, {\"$ref\": \"#/$defs/template\"}]},"
        "  \"exec\": {\"type\": \"array\", \"minItems\": 1, \"items\": {\"type\": \"string\"},"
        "    \"description\": \"What to run.\", \"examples\": [[\"true\"]]},"
        "  \"then\": {\"type\": \"array\", \"items\": {\"$ref\": \"#/$defs/step\"},"
        "    \"description\": \"Steps after this one.\"}}},"
        "\"template\": {\"type\": \"string\", \"pattern\": \"\\\\$\\\\{.+\\\\}\", \"description\":"
        "  \"A text with ${…}: its value is put in when the case runs.\"}}}";
    assert_true(result_ok(jsontext_read_in(f->arena, slice_str(text), &expected)));
    json_t *example = json_object_get(json_object_get(schema, "$defs"), "example");
    assert_non_null(example);
    json_incref(example);
    json_object_del(json_object_get(schema, "$defs"), "example");
    jsontext_keep(f->arena, example);
    assert_true(jsontext_equal(schema, expected));

    static const struct {
        const char *key, *schema;
    } properties[] = {
        {"priority", "{\"anyOf\":[{\"type\":\"integer\",\"minimum\":0,\"maximum\":10},"
                     "{\"$ref\":\"#/$defs/template\"}],\"description\":\"Higher first.\","
                     "\"examples\":[5]}"},
        {"count", "{\"anyOf\":[{\"type\":\"integer\",\"minimum\":0},"
                  "{\"$ref\":\"#/$defs/template\"}]}"},
        {"tags", "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"items\":{\"type\":"
                 "\"string\"}}]}"},
        {"match", "{\"anyOf\":[{\"type\":\"string\",\"minLength\":1,\"format\":\"regex\"},"
                  "{\"$ref\":\"#/$defs/template\"}]}"},
        {"any", "{}"},
    };
    for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++) {
        json_t *property =
            json_object_get(json_object_get(example, "properties"), properties[i].key);
        assert_non_null(property);
        assert_string_equal(arena_string(f->arena, jsontext_write(f->arena, property)),
                            properties[i].schema);
    }
    assert_string_equal(
        arena_string(f->arena, jsontext_write(f->arena, json_object_get(example, "required"))),
        "[\"id\",\"steps\"]");
}

static void the_reference_page_has_a_row_for_every_key(void **state)
{
    struct fixture *f = *state;
    struct slice page = shape_reference(f->arena, &suite_case, "Format");
    static const char begins[] =
        "# Format\n"
        "\n"
        "## example\n"
        "\n"
        "A case.\n"
        "\n"
        "| key | value | required | what it is |\n"
        "|---|---|---|---|\n"
        "| `id` | a non-empty string | yes | What it is called, a \\| b. Example: `\"one\"` |\n"
        "| `priority` | an integer from 0 to 10 |  | Higher first. Example: `5` |\n"
        "| `rate` | a number from 0 to 1 |  |  |\n";
    static const char ends[] =
        "| `steps` | a list of [steps](#step) | yes | What to do. |\n"
        "\n"
        "## step\n"
        "\n"
        "One thing to do.\n"
        "\n"
        "| key | value | required | what it is |\n"
        "|---|---|---|---|\n"
        "| `http` | one of \"get\", \"post\", \"delete\" |  | How to ask. Example: `\"get\"` |\n"
        "| `exec` | a list of strings |  | What to run. Example: `[\"true\"]` |\n"
        "| `then` | a list of [steps](#step) |  | Steps after this one. |\n"
        "\n";
    assert_string_equal(arena_string(f->arena, slice_part(page, 0, strlen(begins))), begins);
    assert_true(slice_ends(page, slice_str(ends)));
    assert_true(slice_find(page, SLICE("| `tags` | a string or a list of strings |")) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(what_fits_has_no_faults),
        SUITE_TEST(a_template_fits_every_scalar_but_no_list_or_map),
        SUITE_TEST(an_unknown_key_suggests_the_known_one),
        SUITE_TEST(a_missing_key_is_named),
        SUITE_TEST(a_wrong_kind_says_what_was_expected_and_what_came),
        SUITE_TEST(a_check_of_ones_own_runs_once_the_shape_is_right),
        SUITE_TEST(the_json_schema_is_draft_2020_12_with_definitions),
        SUITE_TEST(the_reference_page_has_a_row_for_every_key),
    };
    return cmocka_run_group_tests_name("shape", tests, NULL, NULL);
}
