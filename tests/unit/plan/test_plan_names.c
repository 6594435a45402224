/*
 * Names that ${…} may use: scopes, the environment, and suggestions.
 */
#include "plan/names.h"
#include "plan_test.h"

static struct template_name called(const char *name, const char *fallback)
{
    return (struct template_name){
        .name = slice_str(name), .fallback = slice_str(fallback), .has_fallback = fallback != NULL};
}

static void an_inner_name_hides_an_outer_one(void **state)
{
    struct planning *p = *state;
    struct names *outer = names_new(p->arena, NULL), *inner = names_new(p->arena, outer);
    names_add(outer, SLICE("a"), jsontext_keep(p->arena, json_integer(1)));
    names_add(outer, SLICE("b"), NULL);
    names_add(inner, SLICE("a"), jsontext_keep(p->arena, json_integer(2)));
    assert_int_equal(json_integer_value(names_find(inner, SLICE("a"))->value), 2);
    assert_int_equal(json_integer_value(names_find(outer, SLICE("a"))->value), 1);
    assert_null(names_find(inner, SLICE("b"))->value);
    assert_null(names_find(inner, SLICE("c")));
}

static void the_environment_has_defaults_as_a_shell_has(void **state)
{
    struct planning *p = *state;
    json_t *value;
    setenv("ASSAY_TEST_SET", "x", 1);
    setenv("ASSAY_TEST_EMPTY", "", 1);
    unsetenv("ASSAY_TEST_UNSET");
    struct template_name set = called("env.ASSAY_TEST_SET", "d"),
                         empty = called("env.ASSAY_TEST_EMPTY", "d"),
                         bare = called("env.ASSAY_TEST_EMPTY", NULL),
                         absent = called("env.ASSAY_TEST_UNSET", "d"),
                         missing = called("env.ASSAY_TEST_UNSET", NULL);
    assert_true(result_ok(names_environment_value(p->arena, &set, &value)));
    assert_string_equal(json_string_value(value), "x");
    assert_true(result_ok(names_environment_value(p->arena, &empty, &value)));
    assert_string_equal(json_string_value(value), "d");
    assert_true(result_ok(names_environment_value(p->arena, &bare, &value)));
    assert_string_equal(json_string_value(value), "");
    assert_true(result_ok(names_environment_value(p->arena, &absent, &value)));
    assert_string_equal(json_string_value(value), "d");
    assert_int_equal(names_environment_value(p->arena, &missing, &value).code, ERR_VALUE);
    assert_non_null(strstr(error_last()->text, "ASSAY_TEST_UNSET is not set"));
}

static void only_the_environment_has_defaults(void **state)
{
    struct planning *p = *state;
    planning_suite(p, "s", LIST(CASE("a", "describe: '${uuid:-x}'")));
    assert_non_null(strstr(planning_refused(p), "only ${env.NAME:-default} can have a default"));
}

static void what_a_step_during_another_saves_is_known_afterwards(void **state)
{
    struct planning *p = *state;
    planning_suite(p, "s",
                   LIST("- id: a\n"
                        "  steps:\n"
                        "  - wait: 1ms\n"
                        "    during: {steps: [{exec: {command: [echo]}, save: {x: stdout}}]}\n"
                        "  - {exec: {command: [echo, '${x}']}, expect: {exit: 0}}\n"));
    planning_make(p);
}

static void a_variable_may_use_those_above_it_only(void **state)
{
    struct planning *p = *state;
    p->paths[0] = planning_file(p, "s.yaml",
                                "vars: {a: '1', b: '${a}2', c: '${d}', d: 4}\n"
                                "cases:\n" CASE("${b}", ""));
    p->options.paths = p->paths;
    p->options.path_count = 1;
    assert_non_null(strstr(planning_refused(p), "unknown name \"d\""));
    p->paths[0] =
        planning_file(p, "t.yaml", "vars: {a: '1', b: '${a}2'}\ncases:\n" CASE("${b}", ""));
    p->d = diagnostics_in(p->arena);
    planning_make(p);
    assert_string_equal(planning_ids(p), "12\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAN_TEST(an_inner_name_hides_an_outer_one),
        PLAN_TEST(the_environment_has_defaults_as_a_shell_has),
        PLAN_TEST(only_the_environment_has_defaults),
        PLAN_TEST(what_a_step_during_another_saves_is_known_afterwards),
        PLAN_TEST(a_variable_may_use_those_above_it_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
