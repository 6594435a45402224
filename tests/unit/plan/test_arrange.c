/*
 * The order that plan_arrange finds, on plans made by hand. Three and two are the classic: on two
 * slots 3 3 2 2 2 take 6, longest first makes 7 of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan/plan.h"

#define CASES_MAX 16

/* A plan of independent cases of so many ms; -1 ends the list. */
struct bench {
    struct arena *arena;
    struct plan plan;
    struct plan_case cases[CASES_MAX];
    struct plan_case *pointers[CASES_MAX];
};

static struct bench *bench_new(const int *ms)
{
    struct arena *arena = arena_new();
    struct bench *b = ARENA_NEW(arena, struct bench);
    b->arena = arena;
    b->plan = (struct plan){.arena = arena, .cases = b->pointers};
    for (size_t i = 0; ms[i] >= 0; i++) {
        b->cases[i].expected = b->cases[i].tail = ms[i] * NS_PER_MS;
        b->cases[i].priority = 5;
        b->pointers[i] = &b->cases[i];
        b->plan.case_count++;
    }
    return b;
}

static int64_t makespan(struct bench *b, uint32_t jobs)
{
    return plan_estimate(b->arena, &b->plan, jobs).makespan / NS_PER_MS;
}

static const int three_and_two[] = {300, 300, 200, 200, 200, -1};

static void two_slots_are_filled_where_longest_first_leaves_a_gap(void **state)
{
    (void)state;
    struct bench *b = bench_new(three_and_two);
    assert_int_equal(makespan(b, 2), 700);
    plan_arrange(&b->plan, 2);
    assert_int_equal(makespan(b, 2), 600);
    arena_free(b->arena);
}

static void ten_cases_on_three_slots_get_the_best_schedule_there_is(void **state)
{
    (void)state;
    struct bench *b =
        bench_new((const int[]){761, 543, 334, 548, 357, 492, 642, 458, 780, 263, -1});
    assert_int_equal(makespan(b, 3), 1892);
    plan_arrange(&b->plan, 3);
    assert_int_equal(makespan(b, 3), 1733); /* by trying all assignments */
    arena_free(b->arena);
}

static void the_slots_of_a_resource_are_filled_too(void **state)
{
    (void)state;
    struct bench *b = bench_new(three_and_two);
    struct plan_resource gpu = {.name = SLICE("gpu"), .capacity = 2};
    struct plan_resource *resources[] = {&gpu};
    struct plan_use use = {&gpu, 1};
    b->plan.resources = resources;
    b->plan.resource_count = 1;
    for (size_t i = 0; i < b->plan.case_count; i++) {
        b->cases[i].uses = &use;
        b->cases[i].use_count = 1;
    }
    assert_int_equal(makespan(b, 5), 700);
    plan_arrange(&b->plan, 5);
    assert_int_equal(makespan(b, 5), 600);
    arena_free(b->arena);
}

static void a_higher_priority_still_goes_first(void **state)
{
    (void)state;
    struct bench *b = bench_new(three_and_two);
    b->cases[4].priority = 9;
    plan_arrange(&b->plan, 2);
    for (size_t i = 0; i < 4; i++)
        assert_true(plan_order(&b->cases[4], &b->cases[i]) < 0);
    arena_free(b->arena);
}

static void an_order_that_is_no_quicker_is_not_kept(void **state)
{
    (void)state;
    /* The last one waits for the first, so that its slot cannot be filled as if it were free. */
    struct bench *b = bench_new((const int[]){300, 300, 300, 300, 100, -1});
    struct plan_case *needs[] = {&b->cases[0]};
    b->cases[4].needs = needs;
    b->cases[4].need_count = 1;
    b->cases[0].tail = 400 * NS_PER_MS;
    int64_t before = makespan(b, 2);
    plan_arrange(&b->plan, 2);
    assert_int_equal(makespan(b, 2), before);
    for (size_t i = 0; i < b->plan.case_count; i++)
        assert_int_equal(b->cases[i].turn, 0);
    arena_free(b->arena);
}

static void nothing_is_arranged_while_a_duration_is_unknown(void **state)
{
    (void)state;
    struct bench *b = bench_new(three_and_two);
    b->cases[2].expected = -1;
    plan_arrange(&b->plan, 2);
    for (size_t i = 0; i < b->plan.case_count; i++)
        assert_int_equal(b->cases[i].turn, 0);
    arena_free(b->arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_slots_are_filled_where_longest_first_leaves_a_gap),
        cmocka_unit_test(ten_cases_on_three_slots_get_the_best_schedule_there_is),
        cmocka_unit_test(the_slots_of_a_resource_are_filled_too),
        cmocka_unit_test(a_higher_priority_still_goes_first),
        cmocka_unit_test(an_order_that_is_no_quicker_is_not_kept),
        cmocka_unit_test(nothing_is_arranged_while_a_duration_is_unknown),
    };
    return cmocka_run_group_tests_name("arrange", tests, NULL, NULL);
}
