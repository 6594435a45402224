/*
 * Schedules: the same seed gives the same one, and profiles are followed. That the processes are
 * what they are called is tested against SciPy, in against_scipy.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "core/clock.h"
#include "load/arrival.h"

static const struct arrival_stage second_of_a_thousand = {1, 1000, 1000};

static void a_constant_rate_is_evenly_spaced_without_drift(void **state)
{
    (void)state;
    const struct arrival_stage hour = {3600, 997, 997};
    struct arrival a = arrival_begin(ARRIVAL_CONSTANT, 1, &hour, 1, 1);
    int64_t count = 0, at;
    while ((at = arrival_next(&a)) >= 0) {
        assert_true(llabs(at - (int64_t)llround((double)count * 1e9 / 997)) <= 1);
        count++;
    }
    assert_int_equal(count, 3600 * 997);
}

static void the_same_seed_gives_the_same_schedule(void **state)
{
    (void)state;
    for (int kind = 0; kind < ARRIVAL_TRACE; kind++) {
        struct arrival a = arrival_begin(kind, 0.5, &second_of_a_thousand, 1, 42);
        struct arrival b = arrival_begin(kind, 0.5, &second_of_a_thousand, 1, 42);
        struct arrival c = arrival_begin(kind, 0.5, &second_of_a_thousand, 1, 43);
        int64_t at = 0, last = 0;
        int other = 0;
        while (at >= 0) {
            at = arrival_next(&a);
            assert_int_equal(at, arrival_next(&b));
            other += at != arrival_next(&c);
            assert_true(at < 0 || at >= last);
            last = at;
        }
        if (kind == ARRIVAL_CONSTANT)
            assert_int_equal(other, 0);
        else
            assert_true(other > 900);
    }
}

static void a_ramp_from_zero_begins_at_once_and_grows(void **state)
{
    (void)state;
    const struct arrival_stage ramp = {10, 0, 200};
    struct arrival a = arrival_begin(ARRIVAL_CONSTANT, 1, &ramp, 1, 1);
    assert_int_equal(arrival_next(&a), 0);
    int64_t count = 1, at, halves[2] = {1, 0};
    while ((at = arrival_next(&a)) >= 0) {
        double t = (double)at / 1e9;
        assert_true(fabs(t * t * 10 - (double)count) < 1e-3); /* 20·t²/2 by then */
        halves[at >= 5 * NS_PER_S]++;
        count++;
    }
    assert_int_equal(count, 1000);
    assert_int_equal(halves[0], 250);
}

static void stages_follow_one_another(void **state)
{
    (void)state;
    const struct arrival_stage stages[] = {{1, 100, 100}, {2, 0, 0}, {1, 300, 300}};
    assert_true(arrival_expected(stages, 3) == 400);
    struct arrival a = arrival_begin(ARRIVAL_CONSTANT, 1, stages, 3, 1);
    int64_t counts[4] = {0}, at;
    while ((at = arrival_next(&a)) >= 0)
        counts[at / NS_PER_S]++;
    assert_int_equal(counts[0], 100);
    assert_int_equal(counts[1] + counts[2], 0);
    assert_int_equal(counts[3], 300);
}

static void a_schedule_that_is_over_stays_over(void **state)
{
    (void)state;
    struct arrival a = arrival_begin(ARRIVAL_POISSON, 1, &second_of_a_thousand, 1, 5);
    while (arrival_next(&a) >= 0)
        continue;
    assert_int_equal(arrival_next(&a), -1);
    const struct arrival_stage nothing = {5, 0, 0};
    struct arrival b = arrival_begin(ARRIVAL_CONSTANT, 1, &nothing, 1, 5);
    assert_int_equal(arrival_next(&b), -1);
}

static void a_trace_is_replayed_as_it_was_recorded(void **state)
{
    (void)state;
    const int64_t times[] = {0, 5, 5, 700};
    struct arrival a = arrival_replay(times, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(arrival_next(&a), times[i]);
    assert_int_equal(arrival_next(&a), -1);
    struct arrival second_of_three = arrival_replay(times, 4);
    assert_int_equal(arrival_skip(&second_of_three, 2), 5);
    assert_int_equal(arrival_skip(&second_of_three, 3), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_constant_rate_is_evenly_spaced_without_drift),
        cmocka_unit_test(the_same_seed_gives_the_same_schedule),
        cmocka_unit_test(a_ramp_from_zero_begins_at_once_and_grows),
        cmocka_unit_test(stages_follow_one_another),
        cmocka_unit_test(a_schedule_that_is_over_stays_over),
        cmocka_unit_test(a_trace_is_replayed_as_it_was_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
