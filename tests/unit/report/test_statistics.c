/*
 * What the statistics say of nothing, of one value and of two, and examples from the literature;
 * against_scipy.py compares them with SciPy on random data.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/statistics.h"

static void what_has_no_answer_is_nan(void **state)
{
    (void)state;
    double one[] = {7};
    assert_true(isnan(statistics_mean(NULL, 0)));
    assert_true(isnan(statistics_median(NULL, 0)));
    assert_true(isnan(statistics_mad(NULL, 0)));
    assert_true(isnan(statistics_percentile(NULL, 0, 50)));
    assert_true(isnan(statistics_deviation(one, 1)));
    assert_true(isnan(statistics_shift(one, 1, NULL, 0)));
    assert_true(isnan(statistics_shift_bootstrap(NULL, 0, one, 1, 0.95, 10, 1).low));
    assert_true(isnan(statistics_trend(one, one, 1).slope));
}

static void a_test_of_nothing_finds_nothing(void **state)
{
    (void)state;
    double one[] = {7};
    assert_true(statistics_mann_whitney(NULL, 0, one, 1).p == 1);
    assert_true(statistics_trend(one, one, 1).p == 1);
    assert_true(statistics_fisher(0, 0, 3, 5) == 1);
    assert_true(statistics_runs(0, 9, 1) == 1);
    assert_true(statistics_wilson(0, 0, 0.95).low == 0 && statistics_wilson(0, 0, 0.95).high == 1);
}

static void one_value_is_its_own_percentile(void **state)
{
    (void)state;
    double one[] = {7};
    assert_true(statistics_percentile(one, 1, 0) == 7);
    assert_true(statistics_percentile(one, 1, 99) == 7);
    assert_true(statistics_mad(one, 1) == 0);
}

/* The numbers of the older runner: mean 160, p50 150, p95 and p99 300. */
static void percentiles_are_values_that_were_seen(void **state)
{
    (void)state;
    double durations[] = {300, 50, 200, 100, 150};
    statistics_sort(durations, 5);
    assert_true(statistics_mean(durations, 5) == 160);
    assert_true(statistics_percentile(durations, 5, 50) == 150);
    assert_true(statistics_percentile(durations, 5, 95) == 300);
    assert_true(statistics_percentile(durations, 5, 99) == 300);
    assert_true(statistics_percentile(durations, 4, 50) == 100);
    assert_true(statistics_median(durations, 4) == 125);
}

static void sums_lose_no_small_values(void **state)
{
    (void)state;
    double values[] = {1e16, 1, -1e16, 1};
    assert_true(statistics_mean(values, 4) == 0.5);
}

static void so_few_values_cannot_show_a_difference(void **state)
{
    (void)state;
    double a[] = {1, 2, 3}, b[] = {11, 12, 13};
    struct rank_test t = statistics_mann_whitney(a, 3, b, 3);
    assert_true(t.exact && t.u == 9);
    assert_float_equal(t.p, 0.1, 1e-15);
    assert_true(t.p == statistics_mann_whitney_smallest(3, 3));
    assert_true(statistics_cliff_delta(t.u, 3, 3) == 1);
    assert_true(statistics_shift(a, 3, b, 3) == 10);
}

static void values_all_alike_are_no_difference(void **state)
{
    (void)state;
    double a[] = {4, 4, 4}, b[] = {4, 4};
    assert_true(statistics_mann_whitney(a, 3, b, 2).p == 1);
    assert_true(statistics_trend(a, a, 3).p == 1);
    assert_true(statistics_shift_bootstrap(a, 3, b, 2, 0.95, 50, 1).high == 0);
}

/* Fisher's lady tasting tea: three of four cups right. */
static void the_lady_does_not_convince(void **state)
{
    (void)state;
    assert_float_equal(statistics_fisher(3, 4, 1, 4), 34.0 / 70, 1e-12);
}

static void the_same_seed_gives_the_same_interval(void **state)
{
    (void)state;
    double a[] = {10, 11, 12, 13}, b[] = {12, 13, 15, 19};
    struct interval one = statistics_shift_bootstrap(a, 4, b, 4, 0.95, 200, 5),
                    two = statistics_shift_bootstrap(a, 4, b, 4, 0.95, 200, 5);
    assert_true(one.low == two.low && one.high == two.high && one.low < one.high);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_no_answer_is_nan),
        cmocka_unit_test(a_test_of_nothing_finds_nothing),
        cmocka_unit_test(one_value_is_its_own_percentile),
        cmocka_unit_test(percentiles_are_values_that_were_seen),
        cmocka_unit_test(sums_lose_no_small_values),
        cmocka_unit_test(so_few_values_cannot_show_a_difference),
        cmocka_unit_test(values_all_alike_are_no_difference),
        cmocka_unit_test(the_lady_does_not_convince),
        cmocka_unit_test(the_same_seed_gives_the_same_interval),
    };
    return cmocka_run_group_tests_name("report statistics", tests, NULL, NULL);
}
