/*
 * Interpolation: types kept, escapes, two fills one after the other, and what is refused where.
 */
#include "suite/template.h"
#include "suite_test.h"

/* Values by name from a JSON object; what it lacks stays for later, "secret" fails. */
static struct result lookup(void *context, const struct template_name *name, json_t **value)
{
    ENSURE(!slice_is(name->name, "secret"), ERR_NOT_FOUND, "no \"secret\" here");
    *value = json_object_getn(context, name->name.data, name->name.len);
    return RESULT_OK;
}

static struct template_scope scope_of(struct fixture *f, const char *json)
{
    json_t *values;
    assert_true(result_ok(jsontext_read_in(f->arena, slice_str(json), &values)));
    return (struct template_scope){lookup, values};
}

static const struct node *fill(struct fixture *f, const struct node *node, const char *values)
{
    struct template_scope scope = scope_of(f, values);
    const struct node *filled = NULL;
    if (!result_ok(template_fill(f->arena, node, &scope, &filled)))
        fail_msg("%s", error_last()->text);
    return filled;
}

static void assert_fills(struct fixture *f, const char *suite, const char *values, const char *json)
{
    assert_string_equal(as_json(f, fill(f, read_as(f, "x.json", suite), values)), json);
}

static void a_whole_string_keeps_the_type_of_its_value(void **state)
{
    struct fixture *f = *state;
    assert_fills(f, "[\"${n}\", \"${l}\", \"n=${n}\", \"${l}!\", \"${s}${s}\", \" ${n}\"]",
                 "{\"n\":1.5,\"l\":[1,{\"a\":null}],\"s\":\"é\"}",
                 "[1.5,[1,{\"a\":null}],\"n=1.5\",\"[1,{\\\"a\\\":null}]!\",\"éé\",\" 1.5\"]");
}

static void dollars_are_literal_unless_a_template_follows(void **state)
{
    struct fixture *f = *state;
    assert_fills(f, "[\"$${a}\", \"$$${a}\", \"$$$${a}\", \"$5 $$ $ ${a}$\", \"{a}\"]", "{\"a\":1}",
                 "[\"${a}\",\"$1\",\"$${a}\",\"$5 $$ $ 1$\",\"{a}\"]");
    assert_true(template_present(SLICE("a ${b}")));
    assert_true(template_present(SLICE("$$${b}")));
    assert_false(template_present(SLICE("$${b} $ {c} $b")));
}

static void keys_are_filled_too(void **state)
{
    struct fixture *f = *state;
    assert_fills(f, "{\"${a}.x\": 1, \"y\": \"${a}\"}", "{\"a\":2}", "{\"2.x\":1,\"y\":2}");
    struct template_scope scope = scope_of(f, "{\"a\":\"y\"}");
    const struct node *map = read_as(f, "x.json", "{\"${a}\": 1, \"y\": 2}"), *out;
    assert_int_equal(template_fill(f->arena, map, &scope, &out).code, ERR_SUITE);
    assert_string_equal(error_last()->text, "the filled key \"y\" is in the map twice");
    assert_int_equal(error_last()->place.column, 2);
}

static void what_is_not_known_yet_waits_for_the_next_fill(void **state)
{
    struct fixture *f = *state;
    const struct node *node = read_as(f, "x.json", "[\"${now} ${later} $${x}\", \"${later}\", 1]");
    const struct node *once = fill(f, node, "{\"now\":\"a ${later} $\"}");
    assert_true(once->has_template);
    assert_string_equal(as_json(f, once), "[\"a $${later} $ ${later} $${x}\",\"${later}\",1]");
    const struct node *twice = fill(f, once, "{\"later\":7}");
    assert_string_equal(as_json(f, twice), "[\"a ${later} $ 7 ${x}\",7,1]");
    assert_false(twice->has_template);
    assert_ptr_equal(fill(f, twice, "{\"x\":1,\"later\":1}"), twice);
}

static void a_value_at_the_edge_of_a_template_does_not_become_one(void **state)
{
    struct fixture *f = *state;
    static const char values[] = "{\"d\":\"$\",\"b\":\"{x}\"}";
    const struct node *node = read_as(f, "x.json", "[\"${d}${later}|${d}{x}|${d}${b}\"]");
    const struct node *once = fill(f, node, values);
    assert_string_equal(as_json(f, fill(f, once, "{\"later\":7,\"x\":9}")), "[\"$7|${x}|${x}\"]");
    node = read_as(f, "x.json", "{\"${d}{x}\": \"${later}\"}");
    once = fill(f, node, values);
    assert_string_equal(as_json(f, fill(f, once, "{\"later\":7,\"x\":9}")), "{\"${x}\":7}");
}

static void nodes_without_templates_are_shared(void **state)
{
    struct fixture *f = *state;
    const struct node *node = read_as(f, "x.json", "{\"a\": [1, 2], \"b\": \"${c}\"}");
    const struct node *filled = fill(f, node, "{\"c\":1}");
    assert_ptr_not_equal(filled, node);
    assert_ptr_equal(node_get(filled, "a"), node_get(node, "a"));
}

struct seen {
    struct fixture *f;
    const char *names;
};

static void see(void *context, const struct template_name *name)
{
    struct seen *seen = context;
    struct slice fallback = name->fallback;
    seen->names = arena_printf(seen->f->arena, "%s%.*s%s%.*s@%u:%u ", seen->names,
                               SLICE_ARG(name->name), name->has_fallback ? ":-" : "",
                               SLICE_ARG(fallback), name->at.line, name->at.column);
}

static void every_name_is_visited_with_its_place(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {f, ""};
    const struct node *node = read_as(f, "x.json",
                                      "{\"${key}\": [\"é ${a}${env.B-1:-x:-${}\", \"$${no}\",\n"
                                      "\"\\t${escaped}\"]}");
    template_each(node, &f->d, see, &seen);
    assert_string_equal(shown(f), "x.json:1:35: error: what follows :- is plain text, it cannot "
                                  "hold another ${…} (character 21 of the string)\n"
                                  "  1 | {\"${key}\": [\"é ${a}${env.B-1:-x:-${}\", \"$${no}\",\n"
                                  "    |                                  ^\n"
                                  "\n"
                                  "1 error\n");
    assert_string_equal(seen.names, "key@1:3 a@1:17 escaped@2:1 ");
    seen.names = "";
    template_each(read_as(f, "x.yaml", "a: b ${c}\nd: ${e:-}\nf: '${g:-h i}'\n"), &f->d, see,
                  &seen);
    assert_string_equal(seen.names, "c@1:6 e:-@2:4 g:-h i@3:5 ");
}

static void a_broken_template_says_which_character_is_wrong(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text, *words;
        unsigned column;
    } cases[] = {
        {"[\"a ${b\"]",
         "\"${\" is never closed by \"}\"; a literal one is written \"$${\" (character 3 of the "
         "string)",
         5},
        {"[\"${}\"]", "${} without a name (character 1 of the string)", 3},
        {"[\"${:-x}\"]", "${} without a name (character 1 of the string)", 3},
        {"[\"é${a b}\"]",
         "\" \" cannot stand there in ${…}: names are made of letters, digits, _ . and - "
         "(character 5 of the string)",
         8},
        {"[\"${1}\"]",
         "\"1\" cannot stand first in ${…}: names are made of letters, digits, _ . and - "
         "(character 3 of the string)",
         5},
        {"[\"${a:b}\"]",
         "\":\" cannot stand there in ${…}: names are made of letters, digits, _ . and - "
         "(character 4 of the string)",
         6},
    };
    struct template_scope scope = scope_of(f, "{}");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct node *out;
        struct result r =
            template_fill(f->arena, read_as(f, "x.json", cases[i].text), &scope, &out);
        assert_int_equal(r.code, ERR_SYNTAX);
        assert_string_equal(error_last()->text, cases[i].words);
        assert_int_equal(error_last()->place.column, cases[i].column);
    }
}

static void the_scopes_own_error_is_placed_at_the_name(void **state)
{
    struct fixture *f = *state;
    struct template_scope scope = scope_of(f, "{}");
    const struct node *out;
    const struct node *node = read_as(f, "x.json", "{\"a\":\n \"key ${secret}\"}");
    assert_int_equal(template_fill(f->arena, node, &scope, &out).code, ERR_NOT_FOUND);
    assert_string_equal(error_last()->text, "no \"secret\" here");
    assert_int_equal(error_last()->place.line, 2);
    assert_int_equal(error_last()->place.column, 7);
}

static void a_text_is_filled_alone_as_well(void **state)
{
    struct fixture *f = *state;
    struct template_scope scope = scope_of(f, "{\"port\":8080}");
    struct slice out;
    assert_true(result_ok(template_fill_text(f->arena, SLICE("http://h:${port}/$${x}"),
                                             (struct place){0}, &scope, &out)));
    assert_true(slice_is(out, "http://h:8080/${x}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(a_whole_string_keeps_the_type_of_its_value),
        SUITE_TEST(dollars_are_literal_unless_a_template_follows),
        SUITE_TEST(keys_are_filled_too),
        SUITE_TEST(what_is_not_known_yet_waits_for_the_next_fill),
        SUITE_TEST(a_value_at_the_edge_of_a_template_does_not_become_one),
        SUITE_TEST(nodes_without_templates_are_shared),
        SUITE_TEST(every_name_is_visited_with_its_place),
        SUITE_TEST(a_broken_template_says_which_character_is_wrong),
        SUITE_TEST(the_scopes_own_error_is_placed_at_the_name),
        SUITE_TEST(a_text_is_filled_alone_as_well),
    };
    return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
