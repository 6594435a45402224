/*
 * From a case as written to the cases it stands for, and the choice among them.
 */
#include "plan_test.h"

static void a_matrix_is_every_combination_with_the_last_key_fastest(void **state)
{
    struct planning *p = *state;
    planning_suite(p, "s", LIST(CASE("m", "matrix: {a: [1, 2], b: [x, null]}")));
    planning_make(p);
    assert_string_equal(planning_ids(p),
                        "m [a=1 b=x]\nm [a=1 b=null]\nm [a=2 b=x]\nm [a=2 b=null]\n");
}

static void rows_stand_outside_the_matrix(void **state)
{
    struct planning *p = *state;
    planning_file(p, "rows.csv", "r\none\ntwo\n");
    planning_suite(p, "s", LIST(CASE("m", "each: rows.csv, matrix: {a: [1, 2]}")));
    planning_make(p);
    assert_string_equal(planning_ids(p),
                        "m [row 1 a=1]\nm [row 1 a=2]\nm [row 2 a=1]\nm [row 2 a=2]\n");
}

static void an_id_with_a_template_says_itself_what_sets_it_apart(void **state)
{
    struct planning *p = *state;
    planning_suite(p, "s",
                   LIST(CASE("m ${a}", "matrix: {a: [1.5, [2]]}, tags: ['t${a}', '${case.id}']")));
    planning_make(p);
    assert_string_equal(planning_ids(p), "m 1.5\nm [2]\n");
    const struct plan_case *pc = planning_case(p, "m 1.5");
    assert_true(slice_is(pc->tags[0], "t1.5"));
    assert_true(slice_is(pc->tags[1], "m 1.5"));
    assert_true(slice_is(pc->base_id, "m ${a}"));
    assert_true(slice_is(pc->key, "s/m 1.5"));
}

static void a_need_of_an_expanded_case_means_all_of_it(void **state)
{
    struct planning *p = *state;
    planning_suite(p, "s", LIST(CASE("m", "matrix: {a: [1, 2, 3]}"), CASE("n", "needs: m")));
    planning_make(p);
    assert_int_equal(planning_case(p, "n")->need_count, 3);
}

static void too_large_a_matrix_is_refused_before_it_is_made(void **state)
{
    struct planning *p = *state;
    struct text values = text_in(p->arena);
    for (int i = 0; i < 1100; i++)
        text_printf(&values, "%s%d", i ? "," : "", i);
    const char *wide = arena_printf(p->arena, CASE("m", "matrix: {a: [%s], b: [%s]}"),
                                    text_str(&values), text_str(&values));
    planning_suite(p, "s", LIST(wide));
    assert_non_null(strstr(planning_refused(p), "the matrix gives more than 1000000 cases"));
}

static void one_name_chooses_all_expansions_and_a_full_one_chooses_one(void **state)
{
    struct planning *p = *state;
    static const char *const all[] = {"m"}, *const one[] = {"m [a=2]"}, *const none[] = {"m [a=4]"};
    planning_suite(p, "s", LIST(CASE("m", "matrix: {a: [1, 2]}"), CASE("n", "")));
    p->options.cases = all;
    p->options.case_count = 1;
    planning_make(p);
    assert_string_equal(planning_ids(p), "m [a=1]\nm [a=2]\n");
    assert_int_equal(p->plan->filtered, 1);
    p->options.cases = one;
    planning_make(p);
    assert_string_equal(planning_ids(p), "m [a=2]\n");
    p->options.cases = none;
    assert_string_equal(planning_refused(p),
                        "--case: there is no case \"m [a=4]\"; did you mean \"m [a=1]\"?");
}

static void shards_are_disjoint_and_together_all(void **state)
{
    struct planning *p = *state;
    planning_suite(p, "s", LIST(CASE("m", "matrix: {a: [1,2,3,4,5,6,7,8,9], b: [1,2,3,4,5]}")));
    size_t total = 0;
    for (uint32_t shard = 1; shard <= 4; shard++) {
        p->options.shard = shard;
        p->options.shards = 4;
        planning_make(p);
        assert_in_range(p->plan->case_count, 1, 44);
        total += p->plan->case_count;
    }
    assert_int_equal(total, 45);
}

static void a_resumed_plan_drops_needs_that_passed_and_skips_what_needs_a_failure(void **state)
{
    struct planning *p = *state;
    static const struct slice left[] = {{"s/c", 3}, {"s/d", 3}}, failed[] = {{"s/b", 3}};
    const struct plan_earlier earlier = {
        .keys = left, .key_count = 2, .not_passed = failed, .not_passed_count = 1};
    planning_suite(
        p, "s",
        LIST(CASE("a", ""), CASE("b", ""), CASE("c", "needs: a"), CASE("d", "needs: [a, b]")));
    p->options.earlier = &earlier;
    planning_make(p);
    assert_string_equal(planning_ids(p), "c\nd\n");
    assert_null(planning_case(p, "c")->skip);
    assert_int_equal(planning_case(p, "c")->need_count, 0);
    assert_string_equal(planning_case(p, "d")->skip, "it needs \"b\", which did not pass earlier");
}

static void what_was_skipped_for_a_failure_is_rerun_with_it(void **state)
{
    struct planning *p = *state;
    static const struct slice failed[] = {{"s/a", 3}},
                              not_passed[] = {{"s/c", 3}, {"s/a", 3}, {"s/b", 3}, {"s/e", 3}};
    const struct plan_earlier earlier = {.keys = failed,
                                         .key_count = 1,
                                         .dependents = true,
                                         .not_passed = not_passed,
                                         .not_passed_count = 4};
    planning_suite(p, "s",
                   LIST(CASE("c", "needs: b"), CASE("b", "needs: a"), CASE("a", ""), CASE("d", ""),
                        CASE("e", "")));
    p->options.earlier = &earlier;
    planning_make(p);
    assert_string_equal(planning_ids(p), "c\nb\na\n");
    assert_int_equal(planning_case(p, "c")->need_count, 1);
}

static void the_seed_of_a_case_is_its_own(void **state)
{
    struct planning *p = *state;
#define NUMBERS "given: {n: {int: [0, 9]}}"
    p->options.seed = 7;
    planning_suite(p, "s",
                   LIST(CASE("a", NUMBERS), CASE("b", NUMBERS), CASE("c", NUMBERS ", seed: 5")));
    planning_make(p);
    uint64_t a = planning_case(p, "a")->seed;
    assert_int_not_equal(a, planning_case(p, "b")->seed);
    assert_int_equal(planning_case(p, "c")->seed, 5);
    planning_make(p);
    assert_int_equal(planning_case(p, "a")->seed, a);
    p->options.seed = 8;
    planning_make(p);
    assert_int_not_equal(planning_case(p, "a")->seed, a);
}

static void the_same_resource_in_two_suites_has_one_number(void **state)
{
    struct planning *p = *state;
    planning_suite(p, "s", LIST(CASE("a", "uses: {gpu: 2}")));
    planning_suite(p, "t", LIST(CASE("a", "uses: {gpu: 1}")));
    planning_make(p);
    assert_int_equal(p->plan->resource_count, 1);
    assert_ptr_equal(p->plan->cases[0]->uses[0].resource, p->plan->cases[1]->uses[0].resource);
    p->paths[p->path_count++] =
        planning_file(p, "u.yaml", "resources: {gpu: 3}\ncases:\n" CASE("a", ""));
    p->options.path_count++;
    assert_non_null(strstr(planning_refused(p), "there are 3 of \"gpu\" here and 2 in "));
}

static void tags_of_every_case_stand_before_its_own(void **state)
{
    struct planning *p = *state;
    p->paths[0] = planning_file(
        p, "t.yaml",
        "defaults: {tags: ['area:x', all]}\ncases:\n" CASE("own", "tags: [own]") CASE("none", ""));
    p->options.paths = p->paths;
    p->options.path_count = p->path_count = 1;
    planning_make(p);
    const struct plan_case *own = planning_case(p, "own"), *none = planning_case(p, "none");
    assert_int_equal(own->tag_count, 3);
    assert_true(slice_is(own->tags[0], "area:x"));
    assert_true(slice_is(own->tags[1], "all"));
    assert_true(slice_is(own->tags[2], "own"));
    assert_int_equal(none->tag_count, 2);
}

static void a_service_that_runs_already_is_not_started(void **state)
{
    struct planning *p = *state;
    const char *sets[] = {"url=http://127.0.0.1:9"};
    p->paths[0] = planning_file(
        p, "t.yaml",
        "vars: {url: ''}\nservices: {w: {command: ['true'], ready: {log: up}, running: '${url}'}}\n"
        "cases: [{id: a, http: {get: /}, expect: {status: 200}}]\n");
    p->options.paths = p->paths;
    p->options.path_count = p->path_count = 1;
    planning_make(p);
    assert_true(p->plan->services[0]->ours);
    p->options.sets = sets;
    p->options.set_count = 1;
    planning_make(p);
    assert_false(p->plan->services[0]->ours);
    assert_true(slice_is(node_string(node_get(p->plan->services[0]->node, "url"), SLICE("")),
                         "http://127.0.0.1:9"));
    assert_null(node_get(p->plan->services[0]->node, "ready"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAN_TEST(a_matrix_is_every_combination_with_the_last_key_fastest),
        PLAN_TEST(rows_stand_outside_the_matrix),
        PLAN_TEST(an_id_with_a_template_says_itself_what_sets_it_apart),
        PLAN_TEST(a_need_of_an_expanded_case_means_all_of_it),
        PLAN_TEST(too_large_a_matrix_is_refused_before_it_is_made),
        PLAN_TEST(one_name_chooses_all_expansions_and_a_full_one_chooses_one),
        PLAN_TEST(shards_are_disjoint_and_together_all),
        PLAN_TEST(a_resumed_plan_drops_needs_that_passed_and_skips_what_needs_a_failure),
        PLAN_TEST(what_was_skipped_for_a_failure_is_rerun_with_it),
        PLAN_TEST(the_seed_of_a_case_is_its_own),
        PLAN_TEST(the_same_resource_in_two_suites_has_one_number),
        PLAN_TEST(tags_of_every_case_stand_before_its_own),
        PLAN_TEST(a_service_that_runs_already_is_not_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
