/*
 * The graph of needs: cycles as paths, chains, and what a plan promises for a number of jobs.
 */
#include "plan_test.h"

static void a_cycle_is_shown_from_the_case_where_it_closes(void **state)
{
    struct planning *p = *state;
    planning_suite(p, "s",
                   LIST(CASE("in", "needs: a"), CASE("a", "needs: [x, b]"), CASE("x", ""),
                        CASE("b", "needs: c"), CASE("c", "needs: a")));
    assert_non_null(strstr(planning_refused(p), "a cycle of needs: \"a\" → \"b\" → \"c\" → \"a\""));
}

static void a_diamond_is_no_cycle(void **state)
{
    struct planning *p = *state;
    planning_suite(p, "s",
                   LIST(CASE("a", ""), CASE("b", "needs: a"), CASE("c", "needs: a"),
                        CASE("d", "needs: [b, c, a]")));
    planning_make(p);
    assert_int_equal(planning_case(p, "d")->need_count, 3);
}

static void a_long_chain_is_walked_without_recursion(void **state)
{
    struct planning *p = *state;
    const char **cases = ARENA_ARRAY(p->arena, const char *, 20001);
    cases[0] = CASE("c0", "");
    for (int i = 1; i < 20000; i++)
        cases[i] = arena_printf(p->arena, CASE("c%d", "needs: c%d"), i, i - 1);
    planning_suite(p, "s", cases);
    planning_make(p);
    assert_int_equal(p->plan->case_count, 20000);
}

static void needs_are_of_the_same_suite(void **state)
{
    struct planning *p = *state;
    planning_suite(p, "s", LIST(CASE("health", "")));
    planning_suite(p, "t", LIST(CASE("b", "needs: health")));
    assert_non_null(strstr(planning_refused(p), "unknown case \"health\""));
}

static void the_tail_is_the_longest_chain_that_waits(void **state)
{
    struct planning *p = *state;
    planning_suite(p, "s",
                   LIST(CASE("a", "estimate: 1s"), CASE("b", "needs: a, estimate: 2s"),
                        CASE("c", "needs: [a, b], estimate: 4s"),
                        CASE("d", "needs: a, estimate: 5s"),
                        CASE("off", "needs: d, estimate: 90s, enabled: false")));
    planning_make(p);
    assert_int_equal(planning_case(p, "c")->tail, 4 * NS_PER_S);
    assert_int_equal(planning_case(p, "b")->tail, 6 * NS_PER_S);
    assert_int_equal(planning_case(p, "d")->tail, 5 * NS_PER_S);
    assert_int_equal(planning_case(p, "a")->tail, 7 * NS_PER_S);
}

static void priority_goes_before_the_length_of_the_chain(void **state)
{
    struct planning *p = *state;
    planning_suite(p, "s",
                   LIST(CASE("short", "estimate: 1s, priority: 6"), CASE("long", "estimate: 9s"),
                        CASE("longer", "estimate: 10s")));
    planning_make(p);
    const struct plan_case *first = planning_case(p, "short"), *second = planning_case(p, "longer"),
                           *third = planning_case(p, "long");
    assert_true(plan_order(first, second) < 0);
    assert_true(plan_order(second, third) < 0);
    assert_true(plan_order(third, first) > 0);
    assert_int_equal(plan_order(first, first), 0);
}

static int64_t makespan(struct planning *p, uint32_t jobs)
{
    return plan_estimate(p->arena, p->plan, jobs).makespan / NS_PER_S;
}

static void the_makespan_keeps_to_jobs_needs_and_resources(void **state)
{
    struct planning *p = *state;
    planning_suite(
        p, "s",
        LIST(CASE("a", "estimate: 4s, uses: {gpu: 2}"), CASE("b", "estimate: 3s, uses: {gpu: 1}"),
             CASE("c", "estimate: 3s, uses: {gpu: 1}"), CASE("d", "estimate: 2s, needs: a")));
    planning_make(p);
    struct plan_estimate e = plan_estimate(p->arena, p->plan, 4);
    assert_int_equal(e.total, 12 * NS_PER_S);
    assert_int_equal(e.known, 4);
    assert_int_equal(e.critical_length, 6 * NS_PER_S);
    assert_int_equal(e.critical_count, 2);
    assert_true(slice_is(e.critical[0]->id, "a"));
    assert_true(slice_is(e.critical[1]->id, "d"));
    assert_int_equal(makespan(p, 1), 12);
    assert_int_equal(makespan(p, 4), 7); /* b and c wait for the two that a holds */
}

static void a_case_that_must_be_alone_has_the_time_for_itself(void **state)
{
    struct planning *p = *state;
    planning_suite(p, "s",
                   LIST(CASE("a", "estimate: 2s"), CASE("b", "estimate: 2s"),
                        CASE("alone", "estimate: 1s, isolate: true")));
    planning_make(p);
    assert_int_equal(makespan(p, 8), 3);
}

static int64_t no_history(void *context, struct slice key)
{
    (void)context;
    return slice_is(key, "s/known") ? 6 * NS_PER_S : -1;
}

static void an_unknown_duration_counts_as_the_mean_of_the_known(void **state)
{
    struct planning *p = *state;
    p->options.expected = no_history;
    planning_suite(
        p, "s",
        LIST(CASE("known", "estimate: 1s"), CASE("declared", "estimate: 2s"), CASE("unknown", "")));
    planning_make(p);
    struct plan_estimate e = plan_estimate(p->arena, p->plan, 1);
    assert_int_equal(e.known, 2);
    assert_int_equal(e.total, 12 * NS_PER_S);
    assert_true(planning_case(p, "known")->expected_from_history);
    assert_false(planning_case(p, "declared")->expected_from_history);
    assert_int_equal(planning_case(p, "unknown")->expected, -1);
}

static void waits_are_their_own_estimate(void **state)
{
    struct planning *p = *state;
    planning_suite(p, "s",
                   LIST("- id: w\n"
                        "  repeat: 3\n"
                        "  steps: [{wait: 1s}, {wait: 500ms, expect: {time: {total: <9s}}}]\n"));
    planning_make(p);
    assert_int_equal(planning_case(p, "w")->expected, 4500 * NS_PER_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAN_TEST(a_cycle_is_shown_from_the_case_where_it_closes),
        PLAN_TEST(a_diamond_is_no_cycle),
        PLAN_TEST(a_long_chain_is_walked_without_recursion),
        PLAN_TEST(needs_are_of_the_same_suite),
        PLAN_TEST(the_tail_is_the_longest_chain_that_waits),
        PLAN_TEST(priority_goes_before_the_length_of_the_chain),
        PLAN_TEST(the_makespan_keeps_to_jobs_needs_and_resources),
        PLAN_TEST(a_case_that_must_be_alone_has_the_time_for_itself),
        PLAN_TEST(an_unknown_duration_counts_as_the_mean_of_the_known),
        PLAN_TEST(waits_are_their_own_estimate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
