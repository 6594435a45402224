/*
 * JSONPath against the examples of RFC 9535 and the JSONPath Compliance Test Suite (every test of
 * both; nothing is excluded), and what the RFC leaves to us: limits and what errors say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "check/path.h"
#include "core/limits.h"
#include "core/text.h"
#include "test_data.h"

static struct slice member(const json_t *object, const char *name)
{
    return jsontext_slice(json_object_get(object, name));
}

/* Values and normalized paths of what was selected, as JSON arrays. */
static void describe(struct arena *arena, const struct path_nodes *nodes, json_t **values,
                     json_t **paths)
{
    *values = jsontext_keep(arena, json_array());
    *paths = jsontext_keep(arena, json_array());
    for (size_t i = 0; i < nodes->count; i++) {
        struct slice path = path_normalized(arena, nodes->items[i]);
        json_array_append(*values, (json_t *)(uintptr_t)nodes->items[i]->value);
        json_array_append(*paths, jsontext_string(arena, path));
    }
}

static bool select_all(struct arena *arena, struct slice query, const json_t *document,
                       json_t **values, json_t **paths)
{
    struct path *path = NULL;
    struct path_nodes nodes;
    if (!result_ok(path_parse(arena, query, &path)) ||
        !result_ok(path_select(path, document, arena, &nodes)))
        return false;
    describe(arena, &nodes, values, paths);
    return true;
}

static void the_examples_of_the_rfc_select_what_it_says(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    const json_t *data = test_data_json(arena, "jsonpath/rfc9535.json");
    const json_t *documents = json_object_get(data, "documents");
    const json_t *cases = json_object_get(data, "cases");
    assert_true(json_array_size(cases) >= 90);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        const json_t *document = json_object_get(documents, member(c, "document").data);
        json_t *values = NULL, *paths = NULL;
        bool ok = select_all(arena, member(c, "selector"), document, &values, &paths);
        if (!ok || !jsontext_equal(values, json_object_get(c, "values")) ||
            !jsontext_equal(paths, json_object_get(c, "paths")))
            fail_msg("section %s: %s gave %s", member(c, "section").data,
                     member(c, "selector").data,
                     ok ? jsontext_write(arena, paths).data : error_last()->text);
    }
}

static void the_rfcs_table_of_well_typed_functions_holds(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    const json_t *data = test_data_json(arena, "jsonpath/rfc9535.json");
    const json_t *cases = json_object_get(data, "well_typed");
    assert_int_equal(json_array_size(cases), 10);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        struct path *path = NULL;
        bool valid = result_ok(path_parse(arena, member(c, "selector"), &path));
        if (valid != json_is_true(json_object_get(c, "valid")))
            fail_msg("%s was %s", member(c, "selector").data, valid ? "accepted" : "refused");
    }
}

static void the_rfcs_normalized_paths_are_written_so(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    const json_t *data = test_data_json(arena, "jsonpath/rfc9535.json");
    const json_t *cases = json_object_get(data, "normalized");
    assert_int_equal(json_array_size(cases), 6);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        json_t *values = NULL, *paths = NULL;
        assert_true(select_all(arena, member(c, "selector"), json_object_get(c, "document"),
                               &values, &paths));
        assert_int_equal(json_array_size(paths), 1);
        assert_string_equal(json_string_value(json_array_get(paths, 0)), member(c, "path").data);
    }
}

/* A test with one "result", or several "results" of which any will do. */
static bool any_equal(const json_t *test, const char *one, const char *several, const json_t *got)
{
    const json_t *alternatives = json_object_get(test, several);
    if (json_object_get(test, one))
        return jsontext_equal(json_object_get(test, one), got);
    for (size_t i = 0; i < json_array_size(alternatives); i++)
        if (jsontext_equal(json_array_get(alternatives, i), got))
            return true;
    return !alternatives;
}

static void the_compliance_test_suite_passes_whole(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    const json_t *tests = json_object_get(test_data_json(arena, "jsonpath/cts.json"), "tests");
    size_t failed = 0, total = json_array_size(tests);
    for (size_t i = 0; i < total; i++) {
        const json_t *t = json_array_get(tests, i);
        json_t *values = NULL, *paths = NULL;
        bool ok = select_all(arena, member(t, "selector"), json_object_get(t, "document"), &values,
                             &paths);
        bool good = json_object_get(t, "invalid_selector")
                        ? !ok && error_last()->code == ERR_SYNTAX
                        : ok && any_equal(t, "result", "results", values) &&
                              any_equal(t, "result_paths", "results_paths", paths);
        if (!good) {
            failed++;
            print_message("# %s: %s: %s\n", member(t, "name").data, member(t, "selector").data,
                          ok ? jsontext_write(arena, paths).data : error_last()->text);
        }
    }
    print_message("# JSONPath compliance test suite: %zu of %zu passed, 0 excluded\n",
                  total - failed, total);
    assert_int_equal(failed, 0);
    assert_int_equal(total, 706);
}

static void an_error_tells_the_character_and_what_was_expected(void **state)
{
    (void)state;
    static const struct {
        const char *query, *text;
    } cases[] = {
        {"", "expected $ to begin the query, got the end at character 1"},
        {"a", "expected $ to begin the query, got 'a' at character 1"},
        {"$.é.", "expected a name or * after ., got the end at character 5"},
        {"$['é', 01]", "an integer has no leading zeros at character 8"},
        {"$[9007199254740992]", "an integer must be within ±(2^53 − 1) at character 3"},
        {"$[1", "expected ',' or ']', got the end at character 4"},
        {"$['a]", "a string that does not end at character 3"},
        {"$[?lenght(@.a) > 1]", "unknown function, did you mean length()? at character 4"},
        {"$[?length(@.*) > 1]", "length() takes a single value here"},
        {"$[?count(1) > 1]", "count() takes a query here at character 10"},
        {"$[?@.* == 1]", "only a query that selects at most one node can be compared"},
        {"$[?match(@.a, 'x') == true]", "match() is true or false by itself"},
        {"$[?length(@.a)]", "expected a comparison after length(), got ']' at character 15"},
        {"$[?'a']", "expected a comparison after the literal"},
        {"$.a ", "expected . or [ or the end, got ' ' at character 4"},
    };
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct path *path = NULL;
        struct result r = path_parse(arena, slice_str(cases[i].query), &path);
        assert_int_equal(r.code, ERR_SYNTAX);
        if (!strstr(error_last()->text, cases[i].text))
            fail_msg("%s: %s", cases[i].query, error_last()->text);
    }
}

static void a_query_that_is_not_utf8_is_refused(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct path *path = NULL;
    assert_int_equal(path_parse(arena, SLICE("$.a\xff"), &path).code, ERR_SYNTAX);
    assert_non_null(strstr(error_last()->text, "character 4"));
}

static void singular_queries_are_told_from_others(void **state)
{
    (void)state;
    static const char *const singular[] = {"$", "$.a", "$['a'][0]", "$[-1].b"};
    static const char *const plural[] = {"$.*", "$..a", "$[0:1]", "$['a','b']", "$[?@.a]"};
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct path *path = NULL;
    for (size_t i = 0; i < sizeof singular / sizeof *singular; i++) {
        assert_true(result_ok(path_parse(arena, slice_str(singular[i]), &path)));
        assert_true(path_singular(path));
    }
    for (size_t i = 0; i < sizeof plural / sizeof *plural; i++) {
        assert_true(result_ok(path_parse(arena, slice_str(plural[i]), &path)));
        assert_false(path_singular(path));
    }
}

static void a_query_nested_too_deep_is_refused(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    static const char *const open[] = {"$[?", "(", "!(", "@[?"};
    for (size_t kind = 0; kind < sizeof open / sizeof *open; kind++) {
        struct text query = text_in(arena);
        struct path *path = NULL;
        text_add_str(&query, "$[?");
        for (int i = 0; i <= LIMIT_DEPTH; i++)
            text_add_str(&query, open[kind]);
        assert_int_equal(path_parse(arena, text_slice(&query), &path).code, ERR_TOO_LARGE);
    }
}

static void a_query_that_visits_too_many_nodes_fails(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text text = text_in(arena);
    for (int i = 0; i < 100; i++)
        text_add_str(&text, "[[],");
    text_add_str(&text, "0");
    for (int i = 0; i < 100; i++)
        text_add_str(&text, "]");
    json_t *document = NULL;
    struct path *path = NULL;
    struct path_nodes nodes;
    assert_true(result_ok(jsontext_read_in(arena, text_slice(&text), &document)));
    assert_true(result_ok(path_parse(arena, SLICE("$..*..*..*..*..*..*"), &path)));
    assert_int_equal(path_select(path, document, arena, &nodes).code, ERR_TOO_LARGE);
}

static void a_regular_expression_that_explodes_is_an_error_and_not_a_miss(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    json_t *document = NULL;
    struct path *path = NULL;
    struct path_nodes nodes;
    assert_true(result_ok(jsontext_read_in(
        arena, SLICE("[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"]"), &document)));
    assert_true(result_ok(path_parse(arena, SLICE("$[?match(@, '((a*)*)*')]"), &path)));
    assert_int_equal(path_select(path, document, arena, &nodes).code, ERR_TOO_LARGE);
}

static void a_json_pointer_escapes_tilde_and_slash(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    json_t *document = NULL;
    struct path *path = NULL;
    struct path_nodes nodes;
    assert_true(result_ok(jsontext_read_in(arena, SLICE("{\"a/~b\": [[], 1]}"), &document)));
    assert_true(result_ok(path_parse(arena, SLICE("$.*[1]"), &path)));
    assert_true(result_ok(path_select(path, document, arena, &nodes)));
    assert_int_equal(nodes.count, 1);
    assert_true(slice_is(path_pointer(arena, nodes.items[0]), "/a~1~0b/1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_rfc_select_what_it_says),
        cmocka_unit_test(the_rfcs_table_of_well_typed_functions_holds),
        cmocka_unit_test(the_rfcs_normalized_paths_are_written_so),
        cmocka_unit_test(the_compliance_test_suite_passes_whole),
        cmocka_unit_test(an_error_tells_the_character_and_what_was_expected),
        cmocka_unit_test(a_query_that_is_not_utf8_is_refused),
        cmocka_unit_test(singular_queries_are_told_from_others),
        cmocka_unit_test(a_query_nested_too_deep_is_refused),
        cmocka_unit_test(a_query_that_visits_too_many_nodes_fails),
        cmocka_unit_test(a_regular_expression_that_explodes_is_an_error_and_not_a_miss),
        cmocka_unit_test(a_json_pointer_escapes_tilde_and_slash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
