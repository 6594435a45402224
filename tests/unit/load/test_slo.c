/*
 * Objectives and verdicts: what is read, what holds, what makes a run invalid.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/memory.h"
#include "load/verdict.h"

static struct arena *arena;
static struct load_outcome *outcome;

/* 100 requests in 10 s, 98 answered, 90 of them good; latencies of 1 to 98 ms. */
static int make_outcome(void **state)
{
    (void)state;
    arena = arena_new();
    outcome = mem_zero(sizeof(*outcome));
    metrics_clear(&outcome->metrics);
    outcome->measured = 10 * NS_PER_S;
    outcome->metrics.requests = 100;
    outcome->metrics.answered = outcome->metrics.ended = 98;
    outcome->metrics.good = 90;
    outcome->metrics.ended_tokens = 5000;
    outcome->metrics.reads = 1000;
    for (int64_t i = 1; i <= 98; i++) {
        metrics_add(&outcome->metrics, METRIC_LATENCY, i * NS_PER_MS);
    }
    for (int64_t i = 1; i <= 150; i++) {
        metrics_add(&outcome->metrics, METRIC_LATENESS, 20000);
        metrics_add(&outcome->metrics, METRIC_CLIENT_LAG, 10000);
    }
    return 0;
}

static int free_outcome(void **state)
{
    (void)state;
    arena_free(arena);
    mem_free(outcome);
    return 0;
}

static bool holds(const char *text)
{
    struct slo slos[SLO_MOST_OBJECTIVES];
    size_t count = 0;
    if (!result_ok(slo_read(arena, text, slos, &count)))
        fail_msg("%s: %s", text, error_last()->text);
    assert_int_equal(count, 1);
    return slo_holds(&slos[0], outcome);
}

static void objectives_hold_or_do_not(void **state)
{
    (void)state;
    assert_true(holds("latency p50 < 50ms"));
    assert_false(holds("latency p50<48ms"));
    assert_true(holds(" latency max <= 98ms "));
    assert_false(holds("latency max < 98ms"));
    assert_true(holds("latency min >= 1ms"));
    assert_false(holds("latency mean > 50ms"));
    assert_true(holds("errors <= 2%"));
    assert_false(holds("errors < 0.02"));
    assert_true(holds("goodput >= 90%"));
    assert_true(holds("rate > 9.7/s"));
    assert_false(holds("tokens > 500"));
}

static void what_was_never_seen_does_not_hold(void **state)
{
    (void)state;
    assert_false(holds("ttft p99 < 1h"));
    assert_false(holds("ttft p99 > 0"));
}

static void refused(const char *text, const char *because)
{
    struct slo slos[SLO_MOST_OBJECTIVES];
    size_t count = 0;
    assert_false(result_ok(slo_read(arena, text, slos, &count)));
    if (!strstr(error_last()->text, because))
        fail_msg("%s: %s", text, error_last()->text);
}

static void what_is_no_objective_is_refused_with_the_reason(void **state)
{
    (void)state;
    refused("ttf p99 < 1s", "did you mean ttft");
    refused("latency < 1s", "expected p50");
    refused("latency p101 < 1s", "expected p50");
    refused("latency p99 = 1s", "expected <");
    refused("latency p99 1s", "expected <");
    refused("latency p99", "expected <");
    refused("latency p99 < 5", "expected a duration");
    refused("errors p99 < 1%", "has no statistic");
    refused("errors < 1x", "expected a share");
    refused("tokens > 1e300", "too much");
    refused("goodput > 90", "did you mean 90%?");
    refused("latency p50 < 1s,", "there is no quantity");
    refused("", "");
}

static void bounds_of_goodput_are_the_tightest(void **state)
{
    (void)state;
    struct slo slos[SLO_MOST_OBJECTIVES];
    size_t count = 0;
    assert_true(result_ok(slo_read(arena,
                                   "ttft p50 < 100ms, ttft p99 < 200ms, itl p99 <= 50ms, "
                                   "latency min > 1s, errors < 1%",
                                   slos, &count)));
    struct bounds bounds = slo_bounds(slos, count);
    assert_int_equal(bounds.ttft, 100 * NS_PER_MS);
    assert_int_equal(bounds.itl_mean, 50 * NS_PER_MS);
    assert_int_equal(bounds.latency, 0);
}

static struct judgement judged(void)
{
    const struct belief belief = {BELIEF_USUAL};
    return load_judge(arena, outcome, &belief, NULL, 0);
}

static void a_run_that_was_quick_enough_is_believed(void **state)
{
    (void)state;
    assert_int_equal(judged().verdict, VERDICT_PASSED);
    outcome->processor = 0.5;
    outcome->waiting = 0.4;
    metrics_add(&outcome->metrics, METRIC_LATENESS, 90 * NS_PER_MS); /* once */
    assert_int_equal(judged().verdict, VERDICT_PASSED);
}

static void invalid_because(const char *why)
{
    struct judgement j = judged();
    assert_int_equal(j.verdict, VERDICT_INVALID);
    assert_int_equal(j.reason_count, 1);
    if (!strstr(j.reasons[0], why))
        fail_msg("%s", j.reasons[0]);
}

static void requests_that_went_late_make_it_invalid(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        metrics_add(&outcome->metrics, METRIC_LATENESS, 2 * NS_PER_MS);
    invalid_because("went late");
}

static void one_pause_makes_it_invalid(void **state)
{
    (void)state;
    metrics_add(&outcome->metrics, METRIC_CLIENT_LAG, 200 * NS_PER_MS);
    invalid_because("lay unread: once 200 ms");
}

static void a_busy_processor_makes_it_invalid(void **state)
{
    (void)state;
    outcome->processor = 0.96;
    outcome->waiting = 0.02;
    invalid_because("at work for 96 %");
}

static void a_clock_that_was_set_makes_it_invalid(void **state)
{
    (void)state;
    outcome->clock_steps = 1;
    invalid_because("clock");
}

static void reads_without_stamps_make_it_invalid(void **state)
{
    (void)state;
    outcome->metrics.unstamped = 11;
    invalid_because("no receive stamp");
}

static void invalid_goes_before_failed_and_nothing_before_all(void **state)
{
    (void)state;
    struct slo slo = {
        .text = "rate > 1000", .quantity = SLO_RATE, .comparison = SLO_GT, .bound = 1000};
    const struct belief belief = {BELIEF_USUAL};
    assert_int_equal(load_judge(arena, outcome, &belief, &slo, 1).verdict, VERDICT_FAILED);
    outcome->clock_steps = 1;
    assert_int_equal(load_judge(arena, outcome, &belief, &slo, 1).verdict, VERDICT_INVALID);
    outcome->metrics.answered = 0;
    assert_int_equal(load_judge(arena, outcome, &belief, &slo, 1).verdict, VERDICT_NOTHING);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_outcome, free_outcome)
    const struct CMUnitTest tests[] = {
        TEST(objectives_hold_or_do_not),
        TEST(what_was_never_seen_does_not_hold),
        TEST(what_is_no_objective_is_refused_with_the_reason),
        TEST(bounds_of_goodput_are_the_tightest),
        TEST(a_run_that_was_quick_enough_is_believed),
        TEST(requests_that_went_late_make_it_invalid),
        TEST(one_pause_makes_it_invalid),
        TEST(a_busy_processor_makes_it_invalid),
        TEST(a_clock_that_was_set_makes_it_invalid),
        TEST(reads_without_stamps_make_it_invalid),
        TEST(invalid_goes_before_failed_and_nothing_before_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
