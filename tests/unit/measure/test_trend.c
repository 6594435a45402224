/*
 * Slopes and significance against values worked out by hand, and against what they promise of
 * random numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "core/clock.h"
#include "core/random.h"
#include "measure/trend.h"

#define NEAR(a, b) assert_true(fabs((a) - (double)(b)) < 1e-9 * (1 + fabs((double)(b))))

static void fill(struct point *points, const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        points[i] = (struct point){(int64_t)i * NS_PER_S, values[i]};
}

static void a_line_is_found_exactly(void **state)
{
    (void)state;
    struct point points[10];
    for (size_t i = 0; i < 10; i++)
        points[i] = (struct point){(int64_t)i * NS_PER_S / 2, 7 + 3 * (double)i};
    struct trend t = trend_of(points, 10);
    NEAR(t.slope, 6);
    NEAR(t.low, 6);
    NEAR(t.high, 6);
    NEAR(t.from, 7);
    NEAR(t.to, 34);
    NEAR(t.scatter, 0);
    /* S = 45, its variance 10 · 9 · 25 / 18 = 125. */
    NEAR(t.z, 44 / sqrt(125));
}

static void a_quarter_of_wild_values_does_not_move_it(void **state)
{
    (void)state;
    struct point points[20];
    for (size_t i = 0; i < 20; i++)
        points[i] = (struct point){(int64_t)i * NS_PER_S, i % 5 == 2 ? 1e6 : (double)i};
    NEAR(trend_of(points, 20).slope, 1);
}

static void the_slope_is_the_median_of_all_pairs(void **state)
{
    (void)state;
    struct point points[4];
    /* Pairs: 4, 1, 2, -2, 1, 4; sorted -2 1 1 2 4 4; the median is 1.5. S = 5 - 1 = 4. */
    fill(points, (const double[]){1, 5, 3, 7}, 4);
    struct trend t = trend_of(points, 4);
    NEAR(t.slope, 1.5);
    NEAR(t.z, 3 / sqrt(4.0 * 3 * 13 / 18));
}

static void what_falls_has_a_negative_trend(void **state)
{
    (void)state;
    struct point points[5];
    fill(points, (const double[]){9, 7, 5, 3, 1}, 5);
    struct trend t = trend_of(points, 5);
    NEAR(t.slope, -2);
    assert_true(t.z < 0 && t.high < 0);
}

/* Under the hypothesis of no trend, z is standard normal: |z| > 1.96 in 5 % of the cases. */
static void noise_is_significant_as_seldom_as_it_says(void **state)
{
    (void)state;
    struct random random = random_seeded(11);
    size_t significant = 0, outside = 0;
    for (size_t run = 0; run < 2000; run++) {
        struct point points[24];
        for (size_t i = 0; i < 24; i++)
            points[i] = (struct point){(int64_t)i * NS_PER_S, random_unit(&random)};
        struct trend t = trend_of(points, 24);
        significant += fabs(t.z) > 1.96;
        outside += t.low > 0 || t.high < 0;
    }
    assert_in_range(significant, 60, 130);
    assert_in_range(outside, 50, 150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_found_exactly),
        cmocka_unit_test(a_quarter_of_wild_values_does_not_move_it),
        cmocka_unit_test(the_slope_is_the_median_of_all_pairs),
        cmocka_unit_test(what_falls_has_a_negative_trend),
        cmocka_unit_test(noise_is_significant_as_seldom_as_it_says),
    };
    return cmocka_run_group_tests_name("trend", tests, NULL, NULL);
}
