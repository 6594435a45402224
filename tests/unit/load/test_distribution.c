/*
 * Distributions: read as they are written, and with the moments their names promise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "core/clock.h"
#include "load/distribution.h"

#define DRAWS 200000

static struct distribution counts(const char *text)
{
    struct distribution d;
    if (!result_ok(distribution_counts("--n", text, 1, 100000, &d)))
        fail_msg("%s", error_last()->text);
    return d;
}

static void moments(const struct distribution *d, double *mean, double *deviation)
{
    struct random random = random_seeded(7);
    double sum = 0, squares = 0;
    for (int i = 0; i < DRAWS; i++) {
        double value = (double)distribution_draw(d, &random);
        assert_true(value >= d->least && value <= d->most);
        sum += value;
        squares += value * value;
    }
    *mean = sum / DRAWS;
    *deviation = sqrt(squares / DRAWS - *mean * *mean);
}

static void assert_moments(const char *text, double mean, double deviation)
{
    struct distribution d = counts(text);
    double m, s;
    moments(&d, &m, &s);
    if (fabs(m - mean) > 0.01 * mean || fabs(s - deviation) > 0.02 * deviation + 1e-9)
        fail_msg("%s: mean %g, deviation %g", text, m, s);
}

static void each_has_the_mean_and_deviation_that_were_asked_for(void **state)
{
    (void)state;
    assert_moments("512", 512, 0);
    assert_moments("uniform:101..1000", 550.5, 900 / sqrt(12));
    assert_moments("normal:512,64", 512, 64);
    assert_moments("lognormal:500,250", 500, 250);
    assert_moments("exponential:1000", 1000, 1000);
}

static void draws_stay_within_their_bounds(void **state)
{
    (void)state;
    struct distribution narrow = {DISTRIBUTION_NORMAL, 10, 1000, 9, 11};
    struct distribution wide = counts("normal:3,50000");
    double mean, deviation;
    moments(&narrow, &mean, &deviation);
    moments(&wide, &mean, &deviation);
    assert_true(mean > 20000); /* what would be negative was drawn again, and not made 1 */
}

static void times_are_nanoseconds(void **state)
{
    (void)state;
    struct distribution d;
    struct random random = random_seeded(1);
    assert_true(result_ok(distribution_times("--think", "1.5s", 60 * NS_PER_S, &d)));
    assert_int_equal(distribution_draw(&d, &random), 3 * NS_PER_S / 2);
    assert_true(result_ok(distribution_times("--think", "uniform:1ms .. 2ms", NS_PER_S, &d)));
    for (int i = 0; i < 1000; i++)
        assert_in_range(distribution_draw(&d, &random), NS_PER_MS, 2 * NS_PER_MS);
    assert_true(result_ok(distribution_times("--think", "0", NS_PER_S, &d)));
}

static void the_same_seed_gives_the_same_values(void **state)
{
    (void)state;
    struct distribution d = counts("lognormal:500,250");
    struct random a = random_seeded(1), b = random_seeded(1), c = random_seeded(2);
    int other = 0;
    for (int i = 0; i < 100; i++) {
        int64_t value = distribution_draw(&d, &a);
        assert_int_equal(value, distribution_draw(&d, &b));
        other += value != distribution_draw(&d, &c);
    }
    assert_true(other > 90);
}

static void what_cannot_be_read_is_refused_with_the_option(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "x",
        "0",
        "100001",
        "-5",
        "1.5",
        "uniform:5",
        "normal:5",
        "uniform:9..3",
        "uniform:0..3",
        "normal:0,1",
        "poisson:3",
        "normal:5,x",
        "normal:,1",
        "lognormal:5,",
        "uniform:1..100001",
    };
    struct distribution d;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(distribution_counts("--n", wrong[i], 1, 100000, &d).code, ERR_USAGE);
        assert_true(slice_starts(slice_str(error_last()->text), SLICE("--n ")));
    }
    assert_int_equal(distribution_times("--think", "5", NS_PER_S, &d).code, ERR_USAGE);
    assert_int_equal(distribution_times("--think", "2s", NS_PER_S, &d).code, ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_has_the_mean_and_deviation_that_were_asked_for),
        cmocka_unit_test(draws_stay_within_their_bounds),
        cmocka_unit_test(times_are_nanoseconds),
        cmocka_unit_test(the_same_seed_gives_the_same_values),
        cmocka_unit_test(what_cannot_be_read_is_refused_with_the_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
