/*
 * Thresholds in the grammar of k6: what is read, what it is compared with, when it ends a run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/memory.h"
#include "load/threshold.h"
#include "load/verdict.h"

static struct arena *arena;
static struct load_outcome *outcome;

/* 200 requests in 10 s, 190 answered, 180 good; ttft of 1 to 100 ms. */
static int make_outcome(void **state)
{
    (void)state;
    arena = arena_new();
    outcome = mem_zero(sizeof(*outcome));
    metrics_clear(&outcome->metrics);
    outcome->measured = 10 * NS_PER_S;
    outcome->metrics.requests = 200;
    outcome->metrics.answered = outcome->metrics.ended = 190;
    outcome->metrics.good = 180;
    outcome->metrics.ended_tokens = 5000;
    outcome->metrics.ended_bytes = 1000000;
    for (int64_t i = 1; i <= 100; i++) {
        metrics_add(&outcome->metrics, METRIC_TTFT, i * NS_PER_MS);
        metrics_add(&outcome->metrics, METRIC_LATENCY_SENT, 300 * NS_PER_MS);
        metrics_add(&outcome->metrics, METRIC_TOKENS, 8);
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

static struct slo threshold(const char *text)
{
    struct slo slo;
    if (!result_ok(threshold_read_text(arena, text, &slo)))
        fail_msg("%s: %s", text, error_last()->text);
    return slo;
}

static bool holds(const char *text)
{
    struct slo slo = threshold(text);
    return slo_holds(&slo, outcome);
}

static void every_aggregation_is_of_its_metric(void **state)
{
    (void)state;
    assert_true(holds("ttft: p(99)<100")); /* milliseconds */
    assert_false(holds("ttft: p(99)<98"));
    assert_true(holds("ttft: p(99) < 100ms"));
    assert_true(holds("ttft:avg<=50.5"));
    assert_false(holds("ttft: avg<50.5"));
    assert_true(holds(" ttft : med>49 "));
    assert_true(holds("ttft: min>=1"));
    assert_true(holds("ttft: p(0)<=1"));
    assert_true(holds("ttft: max==100"));
    assert_true(holds("ttft: max!=99"));
    assert_true(holds("ttft: count===100"));
    assert_true(holds("output_tokens: avg==8")); /* no time, so no milliseconds */
    assert_true(holds("errors: rate<=0.05"));
    assert_false(holds("errors: rate<0.05"));
    assert_true(holds("errors: count==10"));
    assert_true(holds("goodput: rate>0.89"));
    assert_true(holds("goodput: value>0.89"));
    outcome->metrics.checked = 100;
    outcome->metrics.failures[FAILURE_CHECK] = 2;
    assert_true(holds("checks: rate==0.98"));
    assert_true(holds("checks: count==98"));
    assert_true(holds("rate: rate==19"));
    assert_true(holds("tokens: rate>=500"));
    assert_true(holds("tokens: count==5000"));
}

static void names_of_k6_stand_for_what_means_the_same(void **state)
{
    (void)state;
    assert_true(holds("http_req_duration: p(95)==300"));
    assert_true(holds("http_req_failed: rate<0.06"));
    assert_true(holds("http_reqs: count==200"));
    assert_true(holds("http_reqs: rate==20"));
    assert_true(holds("iterations: rate==20"));
    assert_true(holds("data_received: rate==100000"));
}

static void refused(const char *text, const char *because)
{
    struct slo slo;
    assert_false(result_ok(threshold_read_text(arena, text, &slo)));
    if (!strstr(error_last()->text, because))
        fail_msg("%s: %s", text, error_last()->text);
}

static void what_is_no_threshold_is_refused_with_the_reason(void **state)
{
    (void)state;
    refused("", "expected METRIC: EXPRESSION");
    refused("ttft p99 < 200ms", "expected METRIC: EXPRESSION");
    refused("ttf: p(99)<1", "did you mean ttft");
    refused("ttft{route:chat}: p(99)<1", "have no tags");
    refused("vus: value<1", "means the same");
    refused("http_req_connecting: avg<1", "`connect` has");
    refused("ttft: p99<1", "expected avg");
    refused("ttft: p()<1", "expected avg");
    refused("ttft: p(101)<1", "expected avg");
    refused("ttft: rate<1", "expected avg");
    refused("errors: avg<1", "expected rate or count");
    refused("errors: rate<5", "did you mean 0.05?");
    refused("ttft: avg", "expected <");
    refused("ttft: avg=1", "expected <");
    refused("ttft: avg<", "milliseconds");
    refused("ttft: avg<1x", "milliseconds");
    refused("errors: rate<1%", "a share");
    refused("ttft: avg<1e300", "too much");
}

static void what_aborts_is_looked_at_after_its_delay(void **state)
{
    (void)state;
    struct slo slos[2] = {threshold("ttft: max<1")}; /* fails, and does not abort */
    assert_true(result_ok(threshold_read_abort(arena, "errors: rate<0.01 after 5s", &slos[1])));
    assert_string_equal(slos[1].text, "errors: rate<0.01");
    assert_int_equal(slos[1].delay, 5 * NS_PER_S);
    outcome->measured = 4 * NS_PER_S;
    assert_null(load_aborted_by(outcome, slos, 2));
    outcome->measured = 5 * NS_PER_S;
    assert_ptr_equal(load_aborted_by(outcome, slos, 2), &slos[1]);
    outcome->metrics.answered = 200;
    assert_null(load_aborted_by(outcome, slos, 2));
    assert_int_equal(slo_watched(slos, 2),
                     1); /* LATENCY stands for none: counts are always there */
}

static void what_was_never_seen_aborts_nothing(void **state)
{
    (void)state;
    struct slo slo;
    assert_true(result_ok(threshold_read_abort(arena, "itl: p(99)<1", &slo)));
    assert_null(load_aborted_by(outcome, &slo, 1));
    assert_int_equal(slo_watched(&slo, 1), 1ull << METRIC_ITL);
    assert_false(result_ok(threshold_read_abort(arena, "itl: p(99)<1 after soon", &slo)));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_outcome, free_outcome)
    const struct CMUnitTest tests[] = {
        TEST(every_aggregation_is_of_its_metric),
        TEST(names_of_k6_stand_for_what_means_the_same),
        TEST(what_is_no_threshold_is_refused_with_the_reason),
        TEST(what_aborts_is_looked_at_after_its_delay),
        TEST(what_was_never_seen_aborts_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
