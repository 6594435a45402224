/*
 * Aggregates of runs made by hand, and of the examples that the older runner published (POC 31, 32,
 * 34 and 35; systems.md 5.5): the same totals, percentiles and rates come out.
 *
 * Of its examples only the figures are published; the inputs here are the ones that give them.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "report/aggregate.h"
#include "report/explain.h"
#include "world.h"

#define MS NS_PER_MS

static const struct aggregate_row *row(const struct aggregate *a, enum aggregate_by by,
                                       const char *name)
{
    for (size_t i = 0; i < a->by[by].count; i++)
        if (slice_is(a->by[by].rows[i].name, name))
            return &a->by[by].rows[i];
    fail_msg("there is no %s %s", aggregate_by_name(by), name);
    return NULL;
}

static void assert_near(double got, double expected, double by)
{
    if (!(fabs(got - expected) <= by))
        fail_msg("%.6f is not within %.6f of %.6f", got, by, expected);
}

/* ── the older runner ── */

static void poc_31_gives_two_of_three_and_a_third_of_the_time(void **state)
{
    (void)state;
    struct world w = world_new();
    world_case(&w, (struct told){"a", .duration = 100 * MS});
    world_case(&w, (struct told){"b", .duration = 100 * MS});
    world_case(&w, (struct told){"c", .duration = 100 * MS, .status = CASE_FAILED});
    w.data.runs[0].jobs = 3;
    w.data.runs[0].duration = 100 * MS;
    for (uint32_t i = 0; i < 3; i++)
        w.data.cases[i].slot = i;
    const struct aggregate *a = aggregate_run(&w.data);
    assert_int_equal(a->all.cases, 3);
    assert_int_equal(a->all.counts[CASE_PASSED], 2);
    assert_int_equal(a->all.counts[CASE_FAILED], 1);
    assert_near(100 * a->all.pass_rate, 66.7, 0.05);
    assert_int_equal(a->all.times.total, 300 * MS); /* 0.30 s one after another, 0.10 s together */
    assert_near(a->runs[0].speed_up, 3, 1e-9);
    assert_near(a->runs[0].efficiency, 1, 1e-9);
    world_free(&w);
}

/* Its percentile: sorted[int(n * p)]. */
static int64_t older_percentile(const int64_t *sorted, size_t count, double p)
{
    return sorted[(size_t)((double)count * p)];
}

static void poc_32_gives_its_times_and_rates(void **state)
{
    (void)state;
    static const int64_t sorted[] = {50 * MS, 100 * MS, 150 * MS, 200 * MS, 300 * MS};
    struct world w = world_new();
    world_case(&w, (struct told){"a", .model = "gpt-4", .duration = 100 * MS});
    world_case(&w, (struct told){"b", .model = "gpt-4", .duration = 150 * MS});
    world_case(&w,
               (struct told){"c", .model = "gpt-3.5", .duration = 200 * MS, .status = CASE_FAILED});
    world_case(&w, (struct told){"d", .model = "gpt-3.5", .duration = 50 * MS});
    world_case(&w,
               (struct told){"e", .model = "gemini", .duration = 300 * MS, .status = CASE_ERROR});
    const struct aggregate *a = aggregate_run(&w.data);
    const struct time_summary *t = &a->all.times;
    assert_int_equal(t->total, 800 * MS);
    assert_int_equal(t->mean, 160 * MS);
    assert_int_equal(t->least, 50 * MS);
    assert_int_equal(t->p50, 150 * MS);
    assert_int_equal(t->p95, 300 * MS);
    assert_int_equal(t->p99, 300 * MS);
    assert_int_equal(t->p50, older_percentile(sorted, 5, 0.50));
    assert_int_equal(t->p95, older_percentile(sorted, 5, 0.95));
    assert_int_equal(t->p99, older_percentile(sorted, 5, 0.99));
    assert_near(a->all.pass_rate, 0.6, 1e-12);
    assert_near(1 - a->all.pass_rate, 0.4, 1e-12); /* its error rate: (failed + errors) / total */
    assert_near(row(a, AGGREGATE_MODEL, "gpt-4")->pass_rate, 1, 1e-12);
    assert_near(row(a, AGGREGATE_MODEL, "gpt-3.5")->pass_rate, 0.5, 1e-12);
    assert_near(row(a, AGGREGATE_MODEL, "gemini")->pass_rate, 0, 1e-12);
    world_free(&w);
}

/* Where the two definitions of a percentile part, and that ours is what most textbooks have. */
static void of_an_even_number_the_older_percentile_is_one_higher(void **state)
{
    (void)state;
    static const int64_t sorted[] = {10 * MS, 20 * MS, 30 * MS, 40 * MS};
    struct world w = world_new();
    for (size_t i = 0; i < 4; i++)
        world_case(&w, (struct told){"a", .duration = sorted[i]});
    const struct aggregate *a = aggregate_run(&w.data);
    assert_int_equal(a->all.times.p50, 20 * MS);
    assert_int_equal(older_percentile(sorted, 4, 0.5), 30 * MS);
    world_free(&w);
}

static void poc_34_gives_its_severities_and_patterns(void **state)
{
    (void)state;
    struct world w = world_new();
    struct told late = {"t", "w", .status = CASE_FAILED, .code = ERR_TIMEOUT};
    struct told json = {"j", "w", .status = CASE_FAILED, .check = "text", .message = "no"};
    late.error = "it took longer than its time limit of 5.00 s; not a byte had come";
    json.response = "HTTP 200\nContent-Type: application/json\n\n{";
    world_case(&w, late);
    world_case(&w, late);
    world_case(&w, json);
    world_case(&w, json);
    world_case(&w, (struct told){"p", "w", .status = CASE_FAILED,
                                 .response = "HTTP 403\n\npermission denied", .check = "status",
                                 .message = "got 403"});
    world_case(&w, (struct told){"f", "w", .status = CASE_FAILED, .check = "json $.name",
                                 .message = "expected $.name, got nothing"});
    const struct explanation *e = explain_failures(&w.data);
    assert_int_equal(e->failures, 6);
    assert_int_equal(e->by_severity[SEVERITY_CRITICAL], 1);
    assert_int_equal(e->by_severity[SEVERITY_HIGH], 2);
    assert_int_equal(e->by_severity[SEVERITY_MEDIUM], 3);
    assert_int_equal(e->count, 4);
    static const struct {
        enum cause_kind kind;
        size_t count;
    } groups[] = {{CAUSE_NOT_AUTHORISED, 1},
                  {CAUSE_NO_ANSWER, 2},
                  {CAUSE_MALFORMED_JSON, 2},
                  {CAUSE_OTHER_ANSWER, 1}};
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(cause_name(e->groups[i].causes[0].kind), cause_name(groups[i].kind));
        assert_int_equal(e->groups[i].count, groups[i].count);
    }
    world_free(&w);
}

/* 12 tests; `share` of the work for each of the workers. */
static void run_of(uint32_t jobs, int64_t busy_ms, int64_t took_ms, double speed_up,
                   double efficiency)
{
    struct world w = world_new();
    w.data.runs[0].jobs = jobs;
    w.data.runs[0].duration = took_ms * MS;
    for (uint32_t i = 0; i < 10; i++) {
        struct case_outcome *c = world_case(&w, (struct told){"a", .duration = busy_ms * MS / 10});
        c->slot = i % jobs;
    }
    const struct aggregate *a = aggregate_run(&w.data);
    assert_int_equal(a->runs[0].busy, busy_ms * MS);
    assert_near(a->runs[0].speed_up, speed_up, 0.005);
    assert_near(100 * a->runs[0].efficiency, efficiency, 0.15);
    assert_int_equal(a->runs[0].workers, jobs);
    double shares = 0;
    for (size_t i = 0; i < a->runs[0].workers; i++)
        shares += a->runs[0].by_worker[i].share;
    assert_near(shares, a->runs[0].speed_up, 1e-9);
    world_free(&w);
}

static void poc_35_gives_its_speed_up_and_efficiency(void **state)
{
    (void)state;
    run_of(1, 4970, 4970, 1, 100);
    run_of(3, 4963, 1730, 2.87, 95.6); /* each run slept for other random times */
    run_of(5, 4612, 1170, 3.94, 78.9);
}

/* ── ours ── */

static void skipped_and_cancelled_cases_say_nothing_about_the_rate(void **state)
{
    (void)state;
    struct world w = world_new();
    world_case(&w, (struct told){"a"});
    world_case(&w, (struct told){"b", .status = CASE_SKIPPED});
    world_case(&w, (struct told){"c", .status = CASE_CANCELLED});
    world_case(&w, (struct told){"d", .status = CASE_FAILED});
    const struct aggregate *a = aggregate_run(&w.data);
    assert_int_equal(a->all.cases, 4);
    assert_near(a->all.pass_rate, 0.5, 1e-12);
    assert_int_equal(a->all.times.count, 2);
    struct interval wilson = statistics_wilson(1, 2, 0.95);
    assert_near(a->all.rate.low, wilson.low, 1e-12);
    assert_near(a->all.rate.high, wilson.high, 1e-12);
    world_free(&w);
}

static void nothing_has_no_rate_and_no_times(void **state)
{
    (void)state;
    struct world w = world_new();
    const struct aggregate *a = aggregate_run(&w.data);
    assert_true(isnan(a->all.pass_rate));
    assert_int_equal(a->all.times.count, 0);
    assert_int_equal(a->all.times.p99, 0);
    assert_int_equal(a->by[AGGREGATE_TAG].count, 0);
    assert_int_equal(a->by[AGGREGATE_RUN].count, 1);
    world_free(&w);
}

static void a_case_counts_in_each_of_its_groups(void **state)
{
    (void)state;
    struct world w = world_new();
    world_case(&w, (struct told){"a", "worker", .tags = "fast stream", .uses = "gpu",
                                 .duration = 10 * MS});
    world_case(&w, (struct told){"b", "worker router", .tags = "fast", .duration = 30 * MS,
                                 .status = CASE_FAILED});
    const struct aggregate *a = aggregate_run(&w.data);
    assert_int_equal(row(a, AGGREGATE_TAG, "fast")->cases, 2);
    assert_int_equal(row(a, AGGREGATE_TAG, "fast")->times.most, 30 * MS);
    assert_int_equal(row(a, AGGREGATE_TAG, "stream")->cases, 1);
    assert_int_equal(row(a, AGGREGATE_TAG, "stream")->times.most, 10 * MS);
    assert_int_equal(row(a, AGGREGATE_SERVICE, "worker")->cases, 2);
    assert_int_equal(row(a, AGGREGATE_SERVICE, "router")->counts[CASE_FAILED], 1);
    assert_int_equal(row(a, AGGREGATE_RESOURCE, "gpu")->cases, 1);
    assert_int_equal(row(a, AGGREGATE_SUITE, "suite")->cases, 2);
    assert_int_equal(a->by[AGGREGATE_MODEL].count, 0);
    world_free(&w);
}

static void what_fails_most_comes_first(void **state)
{
    (void)state;
    struct world w = world_new();
    for (int i = 0; i < 3; i++)
        world_case(&w, (struct told){"a", .tags = "many"});
    world_case(&w, (struct told){"b", .tags = "bad", .status = CASE_FAILED});
    world_case(&w, (struct told){"c", .tags = "alone"});
    const struct aggregate_table *tags = &aggregate_run(&w.data)->by[AGGREGATE_TAG];
    assert_true(slice_is(tags->rows[0].name, "bad"));
    assert_true(slice_is(tags->rows[1].name, "many"));
    assert_true(slice_is(tags->rows[2].name, "alone"));
    world_free(&w);
}

static void hosts_are_told_apart_and_runs_of_one_host_put_together(void **state)
{
    (void)state;
    struct world w = world_new();
    struct run_info runs[3] = {w.data.runs[0], w.data.runs[0], w.data.runs[0]};
    runs[0].host = SLICE("one");
    runs[1].host = runs[2].host = SLICE("two");
    runs[1].id = SLICE("20261121-110000-0002");
    runs[2].id = SLICE("20261121-120000-0003");
    w.data.runs = runs;
    w.data.run_count = 3;
    for (uint32_t i = 0; i < 3; i++)
        world_case(&w, (struct told){"a", .duration = (i + 1) * MS})->run = i;
    const struct aggregate *a = aggregate_run(&w.data);
    assert_int_equal(a->by[AGGREGATE_HOST].count, 2);
    assert_int_equal(row(a, AGGREGATE_HOST, "two")->cases, 2);
    assert_int_equal(row(a, AGGREGATE_HOST, "two")->times.least, 2 * MS);
    assert_int_equal(a->by[AGGREGATE_RUN].count, 3);
    assert_int_equal(a->run_count, 3);
    world_free(&w);
}

static void waiting_is_summed_by_what_was_waited_for(void **state)
{
    (void)state;
    struct world w = world_new();
    w.data.waits[1] = SLICE("jobs");
    w.data.waits[2] = SLICE("resource gpu");
    w.data.wait_count = 3;
    for (int i = 0; i < 3; i++) {
        struct case_outcome *c = world_case(&w, (struct told){"a"});
        c->queued = (i + 1) * MS;
        c->held_by = (uint16_t)(i ? 2 : 1);
    }
    const struct aggregate *a = aggregate_run(&w.data);
    assert_int_equal(a->all.queued, 6 * MS);
    assert_int_equal(a->wait_count, 2);
    assert_true(slice_is(a->waits[0].name, "resource gpu"));
    assert_int_equal(a->waits[0].queued, 5 * MS);
    assert_int_equal(a->waits[0].cases, 2);
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(poc_31_gives_two_of_three_and_a_third_of_the_time),
        cmocka_unit_test(poc_32_gives_its_times_and_rates),
        cmocka_unit_test(of_an_even_number_the_older_percentile_is_one_higher),
        cmocka_unit_test(poc_34_gives_its_severities_and_patterns),
        cmocka_unit_test(poc_35_gives_its_speed_up_and_efficiency),
        cmocka_unit_test(skipped_and_cancelled_cases_say_nothing_about_the_rate),
        cmocka_unit_test(nothing_has_no_rate_and_no_times),
        cmocka_unit_test(a_case_counts_in_each_of_its_groups),
        cmocka_unit_test(what_fails_most_comes_first),
        cmocka_unit_test(hosts_are_told_apart_and_runs_of_one_host_put_together),
        cmocka_unit_test(waiting_is_summed_by_what_was_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
