/*
 * Distributions of times: their statistics over many samples of one seed, and what they are read
 * from.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/memory.h"
#include "timing.h"

#define SAMPLES 100000

static double samples[SAMPLES]; /* ms, sorted */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct timing timing_of(const char *text, struct arena *arena)
{
    struct timing timing;
    if (!result_ok(timing_read(slice_str(text), arena, &timing)))
        fail_msg("%s: %s", text, error_last()->text);
    return timing;
}

/* Mean and deviation; the samples are in `samples`. */
static void draw(const struct timing *timing, double *mean, double *deviation)
{
    struct random random = random_seeded(7);
    double sum = 0, squares = 0;
    for (int i = 0; i < SAMPLES; i++) {
        samples[i] = (double)timing_next(timing, &random) / (double)NS_PER_MS;
        sum += samples[i];
        squares += samples[i] * samples[i];
    }
    *mean = sum / SAMPLES;
    *deviation = sqrt(squares / SAMPLES - *mean * *mean);
    qsort(samples, SAMPLES, sizeof(samples[0]), by_size);
}

static void expect_near(double value, double expected, double part)
{
    if (fabs(value - expected) > expected * part)
        fail_msg("expected %g within %g %%, got %g", expected, part * 100, value);
}

static void a_constant_is_constant(void **state)
{
    (void)state;
    struct random random = random_seeded(1), before = random;
    struct timing timing = timing_of("0.5", NULL);
    assert_int_equal(timing_next(&timing, &random), 500000);
    assert_memory_equal(&random, &before, sizeof(random));
}

static void a_normal_has_its_mean_deviation_and_quantiles(void **state)
{
    (void)state;
    double mean, deviation;
    struct timing timing = timing_of("normal:20,5", NULL);
    draw(&timing, &mean, &deviation);
    expect_near(mean, 20, 0.01);
    expect_near(deviation, 5, 0.01);
    expect_near(samples[SAMPLES / 2], 20, 0.01);
    expect_near(samples[SAMPLES * 84 / 100], 24.97, 0.01); /* one deviation */
    expect_near(samples[SAMPLES * 999 / 1000], 35.45, 0.02);
}

static void a_normal_is_never_negative(void **state)
{
    (void)state;
    double mean, deviation;
    struct timing timing = timing_of("normal:1,10", NULL);
    draw(&timing, &mean, &deviation);
    assert_true(samples[0] >= 0);
    expect_near(samples[SAMPLES / 2], 1, 0.2);
}

static void a_lognormal_has_its_median_and_tail(void **state)
{
    (void)state;
    double mean, deviation;
    struct timing timing = timing_of("lognormal:20,0.5", NULL);
    draw(&timing, &mean, &deviation);
    expect_near(samples[SAMPLES / 2], 20, 0.01);
    expect_near(mean, 20 * exp(0.125), 0.01);
    expect_near(samples[SAMPLES * 99 / 100], 20 * exp(0.5 * 2.3263), 0.02);
}

static void a_table_gives_its_lines_each_as_often(void **state)
{
    (void)state;
    char path[] = "/tmp/timing-XXXXXX", text[64];
    int fd = mkstemp(path);
    static const char lines[] = "# measured\n10\n20.5\n\n30\n40\n";
    double mean, deviation;
    assert_int_equal(write(fd, lines, sizeof(lines) - 1), sizeof(lines) - 1);
    close(fd);
    snprintf(text, sizeof(text), "table:%s", path);
    struct arena *arena = arena_new();
    struct timing timing = timing_of(text, arena);
    assert_int_equal(timing.table_count, 4);
    draw(&timing, &mean, &deviation);
    expect_near(mean, 25.125, 0.01);
    assert_true(samples[0] == 10 && samples[SAMPLES / 3] == 20.5 && samples[SAMPLES - 1] == 40);
    arena_free(arena);
    unlink(path);
}

static void the_same_seed_gives_the_same_times(void **state)
{
    (void)state;
    struct timing timing = timing_of("lognormal:20,1", NULL);
    struct random a = random_seeded(3), b = random_seeded(3), c = random_seeded(4);
    bool different = false;
    for (int i = 0; i < 1000; i++) {
        int64_t first = timing_next(&timing, &a);
        assert_int_equal(first, timing_next(&timing, &b));
        different = different || first != timing_next(&timing, &c);
    }
    assert_true(different);
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "-1",
                                        "normal",
                                        "normal:1",
                                        "normal:1,x",
                                        "normal:1,2,3",
                                        "lognormal:1,11",
                                        "gamma:1,2",
                                        "1 s",
                                        "table:/etc/hosts"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct timing timing;
        if (result_ok(timing_read(slice_str(texts[i]), NULL, &timing)))
            fail_msg("\"%s\" is a time", texts[i]);
        assert_non_null(strstr(error_last()->text, "expected milliseconds such as 20"));
    }
    struct arena *arena = arena_new();
    struct timing timing;
    assert_false(result_ok(timing_read(SLICE("table:/nowhere/table"), arena, &timing)));
    assert_non_null(strstr(error_last()->text, "cannot read the table of times /nowhere/table"));
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_constant_is_constant),
        cmocka_unit_test(a_normal_has_its_mean_deviation_and_quantiles),
        cmocka_unit_test(a_normal_is_never_negative),
        cmocka_unit_test(a_lognormal_has_its_median_and_tail),
        cmocka_unit_test(a_table_gives_its_lines_each_as_often),
        cmocka_unit_test(the_same_seed_gives_the_same_times),
        cmocka_unit_test(what_is_no_time_is_refused),
    };
    mem_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
