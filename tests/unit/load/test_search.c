/*
 * The search against simulated services whose limit is known (queue.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "core/clock.h"
#include "queue.h"

static const struct search_plan usual_plan = {
    .least = 0.01, .most = 1e6, .first = 10, .precision = 0.02, .steps = SEARCH_STEPS};

static void expect_within(struct service *s, double truth, double share)
{
    struct search_answer a = search_with(s, &usual_plan);
    double off = a.load / truth - 1;
    print_message("[   INFO   ] capacity %g: limit %.4g, found %.4g in %.4g..%.4g (%+.2f %%), %u "
                  "steps (%u cut short), %.0f requests\n",
                  s->capacity, truth, a.load, a.low, a.high, 100 * off, s->steps, s->saturated,
                  s->spent * truth);
    assert_int_equal(a.state, SEARCH_FOUND);
    assert_true(a.low <= a.load && a.load <= a.high);
    if (fabs(off) > share)
        fail_msg("%+.2f %%", 100 * off);
}

static const double capacities[] = {3, 8, 17, 50, 120, 333, 800, 1200, 2500, 4000};
#define CAPACITIES (sizeof(capacities) / sizeof(capacities[0]))

static void the_knee_of_ten_queues_is_found_within_three_percent(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAPACITIES; i++) {
        struct service s = exponential(capacities[i], 30, 100 + i);
        expect_within(&s, limit_of(&s), 0.03);
    }
}

static void the_capacity_of_ten_services_with_slots_is_found_within_three_percent(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAPACITIES; i++) {
        struct service s = exponential(capacities[i], 30, 200 + i);
        s.constant = true;
        s.slots = 1 + (uint32_t)i;
        s.slo.bound = 2 * s.slots / s.capacity * NS_PER_S;
        expect_within(&s, s.capacity, 0.03);
    }
}

static void a_service_that_stood_still_once_is_not_taken_for_slow(void **state)
{
    (void)state;
    for (uint32_t step = 0; step < 8; step++) {
        struct service s = exponential(400, 30, 300 + step);
        s.stall = 5;
        s.stall_step = step;
        expect_within(&s, limit_of(&s), 0.04);
    }
}

static void too_much_is_recognised_early_and_what_can_be_kept_up_with_never_is(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct service s = exponential(200, 30, seed);
        assert_int_equal(simulate(&s, 190, 1).kind, SEARCH_MEASURED);
        s.spent = 0;
        assert_int_equal(simulate(&s, 800, 1).kind, SEARCH_SATURATED);
        assert_true(s.spent < 10); /* of 100 s */
    }
}

/* ------------------------------------------------------------------ searching without a service */

/* Holds up to `limit`, and the client can go up to `client`. */
static struct search_answer search_plainly(const struct search_plan *plan, double limit,
                                           double client, uint32_t *steps)
{
    struct search search = search_begin(plan);
    double load = 0;
    uint32_t length = 0;
    while (search_next(&search, &load, &length)) {
        assert_true(load >= plan->least && load <= plan->most);
        assert_true(!plan->whole || load == floor(load));
        struct search_step step = {load, length, SEARCH_MEASURED, load <= limit ? 5 : -5, 0};
        if (load > client)
            step.kind = SEARCH_INVALID;
        search_tell(&search, &step);
    }
    *steps = search.count;
    return search_answer(&search);
}

static void a_number_of_users_is_found_exactly(void **state)
{
    (void)state;
    static const struct search_plan plan = {.least = 1,
                                            .most = 100000,
                                            .first = 1,
                                            .precision = 1e-6,
                                            .whole = true,
                                            .steps = SEARCH_STEPS};
    static const double limits[] = {1, 2, 3, 7, 8, 31, 64, 100, 999, 4097};
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        uint32_t steps = 0;
        struct search_answer a = search_plainly(&plan, limits[i], INFINITY, &steps);
        assert_int_equal(a.state, SEARCH_FOUND);
        assert_true(a.load == limits[i] && a.low == limits[i] && a.high == limits[i]);
        assert_true(steps <= 32);
    }
}

static void when_the_client_is_the_limit_the_answer_says_so(void **state)
{
    (void)state;
    uint32_t steps = 0;
    struct search_answer a = search_plainly(&usual_plan, 1000, 500, &steps);
    assert_int_equal(a.state, SEARCH_CLIENT);
    assert_true(a.load <= 500 && a.load * 1.1 >= 500);
    a = search_plainly(&usual_plan, 1000, 0, &steps); /* never believed */
    assert_int_equal(a.state, SEARCH_CLIENT);
    assert_true(a.load == 0);
    a = search_plainly(&usual_plan, 490, 500, &steps);
    assert_true(a.state == SEARCH_CLIENT || fabs(a.load / 490 - 1) < 0.03);
}

static void one_invalid_step_is_tried_again_and_changes_nothing(void **state)
{
    (void)state;
    struct search search = search_begin(&usual_plan);
    double load = 0, again = 0;
    uint32_t length = 0;
    assert_true(search_next(&search, &load, &length));
    search_tell(&search, &(struct search_step){load, length, SEARCH_INVALID, 0, 1});
    assert_true(search_next(&search, &again, &length));
    assert_true(again == load);
    search_tell(&search, &(struct search_step){load, length, SEARCH_MEASURED, 5, 0});
    assert_true(search_next(&search, &again, &length));
    assert_true(again > load);
}

static void a_limit_beyond_the_range_is_said_to_be(void **state)
{
    (void)state;
    struct search_plan plan = usual_plan;
    uint32_t steps = 0;
    plan.least = 5;
    plan.most = 100;
    struct search_answer a = search_plainly(&plan, 1000, INFINITY, &steps);
    assert_int_equal(a.state, SEARCH_OPEN);
    assert_true(a.load == 100);
    a = search_plainly(&plan, 3, INFINITY, &steps);
    assert_int_equal(a.state, SEARCH_NONE);
    assert_true(a.load == 5);
}

static void steps_that_decide_nothing_come_to_an_end(void **state)
{
    (void)state;
    struct search_plan plan = usual_plan;
    plan.steps = 40;
    struct search search = search_begin(&plan);
    double load = 0;
    uint32_t length = 0;
    while (search_next(&search, &load, &length))
        search_tell(&search, &(struct search_step){load, length, SEARCH_MEASURED,
                                                   search.count % 2 ? 0.3 : -0.3, 0});
    assert_int_equal(search.count, 40);
    assert_int_equal(search_answer(&search).state, SEARCH_VAGUE);
}

/* With two in a hundred steps wrong at random, most answers are right all the same. */
static void limits_of_all_sizes_are_found_although_steps_err(void **state)
{
    (void)state;
    struct random random = random_seeded(5);
    int off = 0, runs = 300;
    for (int i = 0; i < runs; i++) {
        double limit = exp(log(0.05) + random_unit(&random) * log(1e6)), load = 0;
        struct search search = search_begin(&usual_plan);
        uint32_t length = 0;
        while (search_next(&search, &load, &length)) {
            bool err = random_unit(&random) < 0.02, good = load <= limit;
            search_tell(&search, &(struct search_step){load, length, SEARCH_MEASURED,
                                                       good != err ? 3 : -3, 0});
        }
        off += fabs(search_answer(&search).load / limit - 1) > 0.03;
    }
    print_message("[   INFO   ] %d of %d off\n", off, runs);
    assert_true(off <= runs / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_knee_of_ten_queues_is_found_within_three_percent),
        cmocka_unit_test(the_capacity_of_ten_services_with_slots_is_found_within_three_percent),
        cmocka_unit_test(a_service_that_stood_still_once_is_not_taken_for_slow),
        cmocka_unit_test(too_much_is_recognised_early_and_what_can_be_kept_up_with_never_is),
        cmocka_unit_test(a_number_of_users_is_found_exactly),
        cmocka_unit_test(when_the_client_is_the_limit_the_answer_says_so),
        cmocka_unit_test(one_invalid_step_is_tried_again_and_changes_nothing),
        cmocka_unit_test(a_limit_beyond_the_range_is_said_to_be),
        cmocka_unit_test(steps_that_decide_nothing_come_to_an_end),
        cmocka_unit_test(limits_of_all_sizes_are_found_although_steps_err),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
