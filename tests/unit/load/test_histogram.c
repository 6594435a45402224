/*
 * Histograms against the sorted values themselves, for distributions of many shapes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "core/memory.h"
#include "core/random.h"
#include "load/histogram.h"

#define VALUES 20000

static const double percents[] = {0, 0.1, 1, 10, 25, 50, 75, 90, 99, 99.9, 99.99, 100};
#define PERCENTS (sizeof(percents) / sizeof(percents[0]))

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* One value of each kind of distribution that latencies have, and of some they do not have. */
static int64_t draw(struct random *random, int kind)
{
    double u = random_unit(random);
    switch (kind) {
    case 0:
        return random_between(random, 0, 300); /* around where exactness ends */
    case 1:
        return (int64_t)(-log1p(-u) * 2e7);
    case 2:
        return (int64_t)exp(u * 43); /* every magnitude up to 2^62 */
    case 3:
        return u < 0.98 ? 100000 : 2000000000; /* a stall */
    default:
        return 123456789;
    }
}

static void near(int64_t got, int64_t exact)
{
    double error = fabs((double)got - (double)exact);
    if (error > 0.004 * (double)exact)
        fail_msg("got %lld, exactly %lld", (long long)got, (long long)exact);
}

static void a_percentile_is_within_four_tenths_of_a_percent(void **state)
{
    (void)state;
    struct random random = random_seeded(7);
    struct histogram *h = NEW(struct histogram);
    int64_t *values = mem_alloc(VALUES * sizeof(*values));
    for (int kind = 0; kind < 5; kind++) {
        for (size_t count = 1; count <= VALUES; count = count * 3 + 1) {
            histogram_clear(h);
            for (size_t i = 0; i < count; i++)
                histogram_add(h, values[i] = draw(&random, kind));
            qsort(values, count, sizeof(*values), ascending);
            for (size_t p = 0; p < PERCENTS; p++) {
                size_t rank = (size_t)ceil(percents[p] * (double)count / 100 - 1e-9);
                near(histogram_percentile(h, percents[p]), values[rank ? rank - 1 : 0]);
            }
            assert_int_equal(h->least, values[0]);
            assert_int_equal(histogram_percentile(h, 100), values[count - 1]);
        }
    }
    mem_free(values);
    mem_free(h);
}

static void merged_histograms_are_the_histogram_of_all(void **state)
{
    (void)state;
    struct random random = random_seeded(8);
    struct histogram *all = NEW(struct histogram), *merged = NEW(struct histogram),
                     *part = NEW(struct histogram);
    histogram_clear(all);
    histogram_clear(merged);
    for (int kind = 0; kind < 5; kind++) {
        histogram_clear(part);
        for (int i = 0; i < 1000 * kind; i++) {               /* the first is empty */
            int64_t value = draw(&random, kind) & 0xffffffff; /* sums stay exact */
            histogram_add(all, value);
            histogram_add(part, value);
        }
        histogram_merge(merged, part);
    }
    assert_memory_equal(merged->counts, all->counts, sizeof(all->counts));
    assert_int_equal(merged->count, all->count);
    assert_int_equal(merged->least, all->least);
    assert_int_equal(merged->most, all->most);
    assert_true(merged->sum == all->sum);
    mem_free(all);
    mem_free(merged);
    mem_free(part);
}

static void steps_cover_every_value_once(void **state)
{
    (void)state;
    int64_t low = 0, high = -1;
    for (size_t i = 0; i < HISTOGRAM_SIZE; i++) {
        int64_t before = high;
        histogram_step(i, &low, &high);
        assert_int_equal(low, before + 1);
        assert_true(high >= low);
        assert_int_equal(histogram_index(low), i);
        assert_int_equal(histogram_index(high), i);
    }
    assert_int_equal(high, INT64_MAX);
}

static void of_none_everything_is_zero(void **state)
{
    (void)state;
    struct histogram *h = NEW(struct histogram);
    histogram_clear(h);
    assert_int_equal(histogram_percentile(h, 50), 0);
    assert_true(histogram_mean(h) == 0);
    assert_true(histogram_deviation(h) == 0);
    assert_int_equal(histogram_at_most(h, INT64_MAX), 0);
    mem_free(h);
}

static void mean_and_deviation_are_those_of_the_values(void **state)
{
    (void)state;
    struct histogram *h = NEW(struct histogram);
    histogram_clear(h);
    for (int64_t i = 1; i <= 100; i++)
        histogram_add(h, i);
    assert_true(histogram_mean(h) == 50.5);
    assert_true(fabs(histogram_deviation(h) - 29.011491975882016) < 1e-9);
    histogram_clear(h);
    for (int64_t i = 1; i <= 1000; i++)
        histogram_add(h, i * 1000000);
    assert_true(fabs(histogram_deviation(h) / 288819436.1 - 1) < 0.004);
    mem_free(h);
}

static void a_clock_that_went_back_counts_as_zero(void **state)
{
    (void)state;
    struct histogram *h = NEW(struct histogram);
    histogram_clear(h);
    histogram_add(h, -5);
    assert_int_equal(h->count, 1);
    assert_int_equal(h->least, 0);
    assert_int_equal(histogram_at_most(h, 0), 1);
    assert_int_equal(histogram_at_most(h, -1), 0);
    mem_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_percentile_is_within_four_tenths_of_a_percent),
        cmocka_unit_test(merged_histograms_are_the_histogram_of_all),
        cmocka_unit_test(steps_cover_every_value_once),
        cmocka_unit_test(of_none_everything_is_zero),
        cmocka_unit_test(mean_and_deviation_are_those_of_the_values),
        cmocka_unit_test(a_clock_that_went_back_counts_as_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
