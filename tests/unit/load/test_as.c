/*
 * The figures of other tools from one recorded log, each worked out by hand. Of its four requests
 * one failed; times are ms since the load began, and the measured time is from 0 to 2000:
 *
 *     A  sent 10    50 role  100 reasoning  120 text  160 text  160 text  170 finish  170 usage
 *                   170 done  180 end; the service counts 8 tokens, and 5 of the prompt
 *     B  sent 1000  1040 text  1060 text  1100 tool call  1110 finish  1110 done  1120 end
 *     C  sent 1500  1600 failed
 *     D  sent 1900  1950 text  2050 text  2060 done  2060 end
 *
 * So tokens are 8, 3 and 2. A was to be sent at 0, the others when they were.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "core/arena.h"
#include "core/clock.h"
#include "load/replay.h"

struct read {
    struct arena *arena;
    struct replay *replay;
    json_t *figures;
};

static struct read read_as(enum as_tool tool)
{
    struct read r = {.arena = arena_new()};
    r.replay = replay_new(r.arena);
    r.replay->as = as_new(tool);
    if (!result_ok(replay_file(r.replay, EVENTS "/four.jsonl")))
        fail_msg("%s", error_last()->text);
    r.figures = as_json(r.replay->as, r.replay->outcome.measured);
    return r;
}

static void end(struct read *r)
{
    json_decref(r->figures);
    as_free(r->replay->as);
    replay_free_pointer(&r->replay);
    arena_free(r->arena);
}

static void is(const struct read *r, const char *name, const char *statistic, double wanted,
               double tolerance)
{
    const json_t *value = json_object_get(r->figures, name);
    if (statistic)
        value = json_object_get(value, statistic);
    double got = json_is_number(value) ? json_number_value(value) : NAN;
    if (!(fabs(got - wanted) <= tolerance * fabs(wanted) + 1e-9))
        fail_msg("%s %s: %.9g instead of %.9g", name, statistic ? statistic : "", got, wanted);
}

/* Exactly, but for rounding. */
static void exactly(const struct read *r, const char *name, const char *statistic, double wanted)
{
    is(r, name, statistic, wanted, 1e-9);
}

/* To what a histogram knows. */
static void nearly(const struct read *r, const char *name, const char *statistic, double wanted)
{
    is(r, name, statistic, wanted, 0.004);
}

/* Whatever has a choice counts: 50 100 120 160 160 170, 1040 1060 1100 1110, 1950 2050. */
static void vllm_pools_the_gaps_between_all_chunks(void **state)
{
    (void)state;
    struct read r = read_as(AS_VLLM);
    exactly(&r, "completed", NULL, 3);
    exactly(&r, "failed", NULL, 1);
    exactly(&r, "duration", NULL, 2.05); /* 10 to 2060 */
    exactly(&r, "total_input_tokens", NULL, 5);
    exactly(&r, "total_output_tokens", NULL, 13);
    exactly(&r, "request_throughput", NULL, 3 / 2.05);
    exactly(&r, "output_throughput", NULL, 13 / 2.05);
    exactly(&r, "total_token_throughput", NULL, 18 / 2.05);
    /* 50 - 10, 1040 - 1000, 1950 - 1900: 40, 40, 50 */
    exactly(&r, "mean_ttft_ms", NULL, 130 / 3.0);
    nearly(&r, "median_ttft_ms", NULL, 40);
    exactly(&r, "std_ttft_ms", NULL, sqrt(200 / 9.0)); /* (2 x (10/3)^2 + (20/3)^2) / 3 */
    nearly(&r, "p99_ttft_ms", NULL, 49.8);             /* rank 1.98 of 0 to 2: 40 + 0.98 x 10 */
    /* (170 - 50) / 7, (1110 - 1040) / 2, (2050 - 1950) / 1 */
    exactly(&r, "mean_tpot_ms", NULL, (120 / 7.0 + 35 + 100) / 3);
    nearly(&r, "median_tpot_ms", NULL, 35);
    /* 50 20 40 0 10, 20 40 10, 100; in order 0 10 10 20 20 40 40 50 100 */
    exactly(&r, "mean_itl_ms", NULL, 290 / 9.0);
    nearly(&r, "median_itl_ms", NULL, 20);
    nearly(&r, "p99_itl_ms", NULL, 96); /* rank 7.92 of 0 to 8: 50 + 0.92 x 50 */
    /* to the last chunk: 170 - 10, 1110 - 1000, 2050 - 1900 */
    exactly(&r, "mean_e2el_ms", NULL, (160 + 110 + 150) / 3.0);
    end(&r);
}

/* What has content counts: 100 120 160 160, 1040 1060 1100, 1950 2050. */
static void aiperf_divides_what_follows_the_first_token_by_the_others(void **state)
{
    (void)state;
    struct read r = read_as(AS_AIPERF);
    exactly(&r, "request_count", NULL, 3);
    exactly(&r, "error_request_count", NULL, 1);
    exactly(&r, "benchmark_duration", NULL, 2.04); /* 10 to the last content, 2050 */
    exactly(&r, "request_throughput", NULL, 3 / 2.04);
    exactly(&r, "output_token_throughput", NULL, 13 / 2.04);
    exactly(&r, "time_to_first_token", "avg", (90 + 40 + 50) / 3.0);
    exactly(&r, "time_to_second_token", "avg", (20 + 20 + 100) / 3.0);
    exactly(&r, "time_to_first_output_token", "avg", (110 + 40 + 50) / 3.0);
    exactly(&r, "request_latency", "avg", (150 + 100 + 150) / 3.0);
    exactly(&r, "request_latency", "min", 100);
    exactly(&r, "request_latency", "max", 150);
    /* (150 - 90) / 7, (100 - 40) / 2, (150 - 50) / 1 */
    exactly(&r, "inter_token_latency", "avg", (60 / 7.0 + 30 + 100) / 3);
    nearly(&r, "inter_token_latency", "p50", 30);
    nearly(&r, "inter_token_latency", "p90", 86); /* rank 1.8: 30 + 0.8 x 70 */
    /* 20 40 0, 20 40, 100 */
    exactly(&r, "inter_chunk_latency", "avg", 220 / 6.0);
    nearly(&r, "inter_chunk_latency", "p50", 30); /* rank 2.5: between 20 and 40 */
    /* 1 / ITL of each: 116.67, 33.33, 10 tokens a second */
    exactly(&r, "output_token_throughput_per_user", "avg", (7000 / 60.0 + 1000 / 30.0 + 10) / 3);
    exactly(&r, "output_sequence_length", "avg", 13 / 3.0);
    exactly(&r, "input_sequence_length", "avg", 5);
    end(&r);
}

/* The same events; means are weighed by tokens, percentiles are nearest rank. */
static void guidellm_weighs_by_tokens(void **state)
{
    (void)state;
    struct read r = read_as(AS_GUIDELLM);
    exactly(&r, "successful", NULL, 3);
    exactly(&r, "errored", NULL, 1);
    exactly(&r, "requests_per_second", NULL, 1); /* A and B ended within the 2 s */
    /* 8 of A, 3 of B, and of D's two the one that came at 1950 */
    exactly(&r, "output_tokens_per_second", NULL, 6);
    exactly(&r, "request_latency", "mean", (0.170 + 0.120 + 0.160) / 3);
    exactly(&r, "time_to_first_token_ms", "mean", (90 + 40 + 50) / 3.0);
    exactly(&r, "time_to_first_output_token_ms", "mean", (110 + 40 + 50) / 3.0);
    /* (160 - 100) / 7 seven times, (1100 - 1040) / 2 twice, 100 once */
    exactly(&r, "inter_token_latency_ms", "mean", (60 + 60 + 100) / 10.0);
    nearly(&r, "inter_token_latency_ms", "median", 60 / 7.0); /* the 5th of 10 */
    nearly(&r, "inter_token_latency_ms", "p90", 30);          /* the 9th */
    nearly(&r, "inter_token_latency_ms", "p95", 100);         /* the 10th */
    /* (160 - 10) / 8 eight times, (1100 - 1000) / 3 three times, (2050 - 1900) / 2 twice */
    exactly(&r, "time_per_output_token_ms", "mean", (150 + 100 + 150) / 13.0);
    nearly(&r, "time_per_output_token_ms", "median", 150 / 8.0); /* the 7th of 13 */
    nearly(&r, "time_per_output_token_ms", "p90", 75);           /* the 12th */
    end(&r);
}

/*
 * Text counts: 120 160 160, 1040 1060, 1950 2050. A's 8 tokens are 3, 3 and 2 of these events, so
 * its gaps are 0 0 40 0 0 0 0.
 */
static void inference_perf_has_no_gap_between_tokens_of_a_chunk(void **state)
{
    (void)state;
    struct read r = read_as(AS_INFERENCE_PERF);
    exactly(&r, "successes", NULL, 3);
    exactly(&r, "failures", NULL, 1);
    exactly(&r, "benchmark_time_seconds", NULL, 2.05);
    exactly(&r, "requests_per_sec", NULL, 3 / 2.05);
    exactly(&r, "input_tokens_per_sec", NULL, 5 / 2.05);
    exactly(&r, "output_tokens_per_sec", NULL, 13 / 2.05);
    exactly(&r, "total_tokens_per_sec", NULL, 18 / 2.05);
    exactly(&r, "schedule_delay", "mean", 0.0025); /* 10, 0, 0 and 0 */
    exactly(&r, "request_latency", "mean", (0.170 + 0.120 + 0.160) / 3);
    exactly(&r, "normalized_time_per_output_token", "mean",
            (0.170 / 8 + 0.120 / 3 + 0.160 / 2) / 3);
    /* (160 - 120) / 7, (1060 - 1040) / 2, (2050 - 1950) / 1 */
    exactly(&r, "time_per_output_token", "mean", (0.040 / 7 + 0.010 + 0.100) / 3);
    exactly(&r, "time_to_first_token", "mean", (0.110 + 0.040 + 0.050) / 3);
    exactly(&r, "inter_token_latency", "mean", 0.160 / 9); /* 40, 20, 100 and six times 0 */
    nearly(&r, "inter_token_latency", "median", 0);
    nearly(&r, "inter_token_latency", "p90", 0.052); /* rank 7.2 of 0 to 8: 40 + 0.2 x 60 */
    end(&r);
}

/* Text counts; A has 7 events before [DONE], B 4 and D 2. */
static void llmperf_has_the_first_token_in_its_gaps(void **state)
{
    (void)state;
    struct read r = read_as(AS_LLMPERF);
    exactly(&r, "num_requests_started", NULL, 4);
    exactly(&r, "error_rate", NULL, 0.25);
    exactly(&r, "num_completed_requests_per_min", NULL, 60 * 3 / 2.05);
    exactly(&r, "mean_output_throughput_token_per_s", NULL, 13 / 2.05);
    /* (160 - 10) / 7, (1060 - 1000) / 4, (2050 - 1900) / 2 */
    exactly(&r, "inter_token_latency_s", "mean", (0.150 / 7 + 0.015 + 0.075) / 3);
    exactly(&r, "ttft_s", "mean", (0.110 + 0.040 + 0.050) / 3);
    nearly(&r, "ttft_s", "p25", 0.045); /* rank 0.5: between 40 and 50 */
    /* of the sample: 130/3, -80/3 and -50/3 from the mean */
    exactly(&r, "ttft_s", "stddev", sqrt((130 * 130 + 80 * 80 + 50 * 50) / 9.0 / 2) / 1000);
    exactly(&r, "end_to_end_latency_s", "max", 0.170);
    exactly(&r, "request_output_throughput_token_per_s", "mean",
            (8 / 0.170 + 3 / 0.120 + 2 / 0.160) / 3);
    exactly(&r, "number_output_tokens", "mean", 13 / 3.0);
    end(&r);
}

/* Ours: reasoning and calls of tools are tokens, roles are not, and the clock starts when a request
 * should have been sent. */
static void a_log_gives_the_metrics_of_its_load(void **state)
{
    (void)state;
    struct read r = read_as(AS_VLLM);
    const struct metrics *m = &r.replay->outcome.metrics;
    assert_int_equal(m->requests, 4);
    assert_int_equal(m->answered, 3);
    assert_int_equal(m->failures[FAILURE_SERVER_ERROR], 1);
    assert_string_equal(m->examples[FAILURE_SERVER_ERROR], "status 503: busy");
    assert_int_equal(m->ended, 2); /* D ended after the measured time */
    assert_int_equal(m->ended_tokens, 11);
    assert_true(m->histograms[METRIC_TTFT].sum == 190e6);        /* 100, 40, 50 */
    assert_true(m->histograms[METRIC_TTFT_SENT].sum == 180e6);   /* 90, 40, 50 */
    assert_true(m->histograms[METRIC_TTFT_ANSWER].sum == 210e6); /* 120, 40, 50 */
    assert_true(m->histograms[METRIC_ITL].sum == 220e6);         /* 20 40 0, 20 40, 100 */
    assert_int_equal(m->histograms[METRIC_ITL].count, 6);
    assert_int_equal(m->together, 1);
    assert_int_equal(m->histograms[METRIC_TOKENS_PER_CHUNK].count, 4); /* of A: 2 each */
    assert_int_equal(m->histograms[METRIC_LATENCY].most, 180 * NS_PER_MS);
    assert_false(r.replay->outcome.cut);
    end(&r);
}

static void refused(const char *const *lines, const char *because)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    DEFER(replay_free_pointer)
    struct replay *replay = replay_new(arena);
    struct result result = RESULT_OK;
    for (; *lines && result_ok(result); lines++)
        result = replay_line(replay, slice_str(*lines));
    if (result_ok(result))
        result = replay_finish(replay);
    assert_false(result_ok(result));
    if (!strstr(error_last()->text, because))
        fail_msg("%s", error_last()->text);
}

#define BEGIN                                                                                      \
    "{\"assay_events\":1,\"plan\":{\"api\":\"chat\",\"stream\":true,\"duration_ns\":1000}}"

static void what_is_no_log_is_refused_with_the_reason(void **state)
{
    (void)state;
#define LOG(...) ((const char *const[]){__VA_ARGS__, NULL})
    refused(LOG(""), "is no event log");
    refused(LOG("{}"), "before the first line");
    refused(LOG("[]"), "expected an object");
    refused(LOG("{\"assay_events\":2}"), "version 2");
    refused(LOG(BEGIN, BEGIN), "begins twice");
    refused(LOG(BEGIN, "{}"), "no \"intended\"");
    refused(LOG(BEGIN, "{\"intended\":0,\"sent\":5}"), "no \"sent\", or no \"end\"");
    refused(LOG(BEGIN, "{\"intended\":-1}"), "whole number");
    refused(LOG(BEGIN, "{\"intended\":0,\"failure\":\"bad\"}"), "no class \"bad\"");
    refused(LOG(BEGIN, "{\"intended\":0,\"sent\":1,\"end\":2,\"events\":[[1,2]]}"), "expected [");
    refused(LOG(BEGIN, "{\"intended\":0,\"sent\":1,\"end\":2,\"events\":[[1,2,\"word\"]]}"),
            "no kind \"word\"");
}

static void a_log_without_an_end_is_not_believed(void **state)
{
    (void)state;
    const struct belief belief = {BELIEF_USUAL};
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    DEFER(replay_free_pointer)
    struct replay *replay = replay_new(arena);
    assert_true(result_ok(replay_line(replay, SLICE(BEGIN))));
    assert_true(result_ok(replay_line(replay, SLICE("{\"intended\":0,\"sent\":1,\"end\":2}"))));
    assert_true(result_ok(replay_finish(replay)));
    struct judgement j = load_judge(arena, &replay->outcome, &belief, NULL, 0);
    assert_int_equal(j.verdict, VERDICT_INVALID);
    assert_non_null(strstr(j.reasons[0], "no last line"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vllm_pools_the_gaps_between_all_chunks),
        cmocka_unit_test(aiperf_divides_what_follows_the_first_token_by_the_others),
        cmocka_unit_test(guidellm_weighs_by_tokens),
        cmocka_unit_test(inference_perf_has_no_gap_between_tokens_of_a_chunk),
        cmocka_unit_test(llmperf_has_the_first_token_in_its_gaps),
        cmocka_unit_test(a_log_gives_the_metrics_of_its_load),
        cmocka_unit_test(what_is_no_log_is_refused_with_the_reason),
        cmocka_unit_test(a_log_without_an_end_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
