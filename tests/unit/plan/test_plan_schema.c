/*
 * The JSON Schema of `assay schema` and the reader come from one table. Here they are held against
 * each other: what one takes the other takes, the ready-made suites and the starter suite to begin
 * with; a fault of shape is seen by both.
 */
#include <ftw.h>

#include "assay/assay.h"
#include "check/schema.h"
#include "plan/keys.h"
#include "plan_test.h"
#include "suite/reader.h"

/* What `assay schema` prints, compiled. */
struct published {
    struct arena *arena;
    struct keys keys;
    struct schema *schema;
};

static struct published published(void)
{
    struct published p = {.arena = arena_new()};
    p.keys = keys_in(p.arena);
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    assert_int_equal(assay_schema(ASSAY_SCHEMA_JSON, to), 0);
    fclose(to);
    json_t *root;
    if (!result_ok(jsontext_read_in(p.arena, slice_of(text, size), &root)))
        fail_msg("%s", error_last()->text);
    free(text);
    if (!result_ok(schema_compile(p.arena, root, NULL, &p.schema)))
        fail_msg("%s", error_last()->text);
    return p;
}

/* Does the schema take it? The first fault goes to `*why`. */
static bool schema_takes(const struct published *p, const struct node *suite, const char **why)
{
    struct schema_report report;
    const json_t *value = node_json(p->arena, suite);
    if (!result_ok(schema_validate(p->schema, value, 1, p->arena, &report)))
        fail_msg("%s", error_last()->text);
    *why = report.valid ? ""
                        : arena_printf(p->arena, "%.*s: %.*s", SLICE_ARG(report.faults[0].pointer),
                                       SLICE_ARG(report.faults[0].text));
    return report.valid;
}

static bool reader_takes(const struct published *p, const struct node *suite)
{
    struct diagnostics d = diagnostics_in(p->arena);
    shape_check(p->keys.suite, suite, &d);
    return d.count == 0;
}

static const struct node *read_suite(const struct published *p, const char *path)
{
    struct diagnostics d = diagnostics_in(p->arena);
    const struct node *suite;
    reader_file(p->arena, path, &d, &suite);
    if (!suite)
        fail_msg("%s: %s", path, d.first->text);
    return suite;
}

static size_t suites_seen;

static int see_suite(const char *path, const struct stat *status, int kind)
{
    (void)status;
    bool readable = slice_ends(slice_str(path), SLICE(".json")) ||
                    slice_ends(slice_str(path), SLICE(".jsonc")) ||
                    slice_ends(slice_str(path), SLICE(".yaml"));
    if (kind != FTW_F || !readable)
        return 0;
    struct published p = published();
    const struct node *suite = read_suite(&p, path);
    const char *why;
    /* Folders hold parts too, which suites include. */
    if (node_get(suite, "cases") && !schema_takes(&p, suite, &why))
        fail_msg("%s: %s", path, why);
    suites_seen += node_get(suite, "cases") != NULL;
    arena_free(p.arena);
    return 0;
}

static void the_ready_made_suites_are_valid(void **state)
{
    (void)state;
    suites_seen = 0;
    assert_int_equal(ftw(SUITES, see_suite, 16), 0);
    assert_true(suites_seen >= 3);
}

static void the_starter_suite_is_valid(void **state)
{
    struct planning *planning = *state;
    struct published p = published();
    const char *why, *path = arena_printf(p.arena, "%s/starter.jsonc", planning->folder);
    FILE *nowhere = fopen("/dev/null", "we");
    const struct assay_streams streams = {.out = nowhere, .err = nowhere};
    assert_int_equal(assay_init_suite(path, &streams), 0);
    const struct node *suite = read_suite(&p, path);
    if (!schema_takes(&p, suite, &why))
        fail_msg("%s", why);
    assert_int_equal(assay_init_suite(path, &streams), 2);
    fclose(nowhere);
    unlink(path);
    arena_free(p.arena);
}

static const struct node *from_yaml(const struct published *p, const char *text)
{
    struct diagnostics d = diagnostics_in(p->arena);
    const struct node *suite;
    reader_text(p->arena, "x.yaml", slice_str(text), &d, &suite);
    if (!suite)
        fail_msg("%s: %s", text, d.first->text);
    return suite;
}

static void reader_and_schema_take_the_same(void **state)
{
    (void)state;
    static const char *const taken[] = {
        "cases:\n" CASE("a", ""),
        "cases:\n" CASE("a", "timeout: '${limit}', priority: '${n}', isolate: '${b}'"),
        "cases:\n" CASE("a", "needs: b") CASE("b", "needs: [a]"),
        "cases:\n" CASE("a", "retry: 3") CASE("b", "retry: {attempts: 2, on: [timeout]}"),
        "services: {a: {command: [x], port: {pattern: '(.)'}, scope: case}}\ncases:\n" CASE("a",
                                                                                            ""),
        "vars: {a: {env: B, secret: true}, c: [1]}\nresources: {gpu: 2}\ncases:\n" CASE(
            "a", "uses: {gpu: 1}"),
        "cases:\n" CASE("a", "matrix: {n: [1, null, {a: 1}]}, each: rows.csv"),
        "cases:\n" CASE("a", "given: {n: {list: [0, 3], of: {text: [0, 9]}}}, examples: 3"),
        "cases:\n- {id: a, steps: [{wait: 1s, during: {after: 1ms, steps: [{wait: 1ms}]}}]}\n",
        "cases:\n- {id: a, exec: {shell: x}, until: {exit: 0}, every: 1s, save: {x: $.a}}\n",
    };
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        struct published p = published();
        const struct node *suite = from_yaml(&p, taken[i]);
        const char *why;
        assert_true(reader_takes(&p, suite));
        if (!schema_takes(&p, suite, &why))
            fail_msg("%s\n%s", taken[i], why);
        arena_free(p.arena);
    }
}

static void reader_and_schema_refuse_the_same(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "{}\n",
        "cases: []\n",
        "cases: [1]\n",
        "cases:\n" CASE("", ""),
        "cases:\n" CASE("a", "tag: [x]"),
        "cases:\n" CASE("a", "timeout: 5"),
        "cases:\n" CASE("a", "timeout: soon"),
        "cases:\n" CASE("a", "priority: 11"),
        "cases:\n" CASE("a", "retry: {backoff: 1s}"),
        "cases:\n" CASE("a", "retry: {attempts: 2, on: [late]}"),
        "cases:\n" CASE("a", "given: {n: {int: [1]}}"),
        "cases:\n" CASE("a", "during: {after: 1ms}"),
        "cases:\n- {id: a, exec: {comand: [x]}, expect: {exit: 0}}\n",
        "cases:\n- {id: a, exec: {shell: x}, expect: {exti: 0}}\n",
        "cases:\n- {id: a, steps: []}\n",
        "cases:\n- {exec: {shell: x}, expect: {exit: 0}}\n",
        "servces: {}\ncases:\n" CASE("a", ""),
        "services: {a: {command: x}}\ncases:\n" CASE("a", ""),
        "services: {a: {command: [x], scope: run}}\ncases:\n" CASE("a", ""),
        "resources: {gpu: 0}\ncases:\n" CASE("a", ""),
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct published p = published();
        const struct node *suite = from_yaml(&p, refused[i]);
        const char *why;
        if (reader_takes(&p, suite))
            fail_msg("the reader takes %s", refused[i]);
        if (schema_takes(&p, suite, &why))
            fail_msg("the schema takes %s", refused[i]);
        arena_free(p.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ready_made_suites_are_valid),
        PLAN_TEST(the_starter_suite_is_valid),
        cmocka_unit_test(reader_and_schema_take_the_same),
        cmocka_unit_test(reader_and_schema_refuse_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
