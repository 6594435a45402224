/*
 * The summary as JSON. Durations are milliseconds, times RFC 3339 in UTC; null is what is not
 * known.
 *
 *   runs         [ id, host, started, duration_ms, jobs, speed_up, efficiency, workers:
 *                  [ cases, busy_ms, share ] ]
 *   percentiles  how they are defined: "nearest rank"
 *   summary      a row of everything
 *   by           { suite, model, tag, resource, service, host, run: [ row ] }
 *   checks       [ name, passed, failed, impossible ]
 *   waiting      [ for, cases, queued_ms ]
 *   failures     count, groups, unexplained, not_examined, by_severity, groups:
 *     [ severity, severity_reason, message, stack, cases [key], skipped, first_bad, last_good,
 *       related [index], related_why, reproduce, causes:
 *       [ name, evidence_strength, subject, text, evidence, remedy ] ]
 *
 *   a row:       name, cases, passed, failed, error, skipped, cancelled, slow, flaky, leaky,
 *                timed_out, pass_rate, pass_rate_low, pass_rate_high (Wilson, 95 %), queued_ms,
 *                times { count, total_ms, min_ms, mean_ms, max_ms, p50_ms, p90_ms, p95_ms, p99_ms }
 */
#include <errno.h>
#include <math.h>

#include "core/clock.h"
#include "core/jsontext.h"
#include "report/summary.h"

static json_t *text_of(struct slice s)
{
    return s.len ? json_stringn(s.data, s.len) : json_null();
}

static json_t *ms(int64_t ns)
{
    return json_real((double)ns / NS_PER_MS);
}

static json_t *real(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *integer(size_t n)
{
    return json_integer((json_int_t)n);
}

static json_t *times_json(const struct time_summary *t)
{
    json_t *o = json_object();
    const struct {
        const char *name;
        int64_t value;
    } values[] = {{"total_ms", t->total}, {"min_ms", t->least}, {"mean_ms", t->mean},
                  {"max_ms", t->most},    {"p50_ms", t->p50},   {"p90_ms", t->p90},
                  {"p95_ms", t->p95},     {"p99_ms", t->p99}};
    json_object_set_new(o, "count", integer(t->count));
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        json_object_set_new(o, values[i].name, t->count ? ms(values[i].value) : json_null());
    return o;
}

static json_t *row_json(const struct aggregate_row *row)
{
    static const enum case_status order[] = {CASE_PASSED, CASE_FAILED, CASE_ERROR, CASE_SKIPPED,
                                             CASE_CANCELLED};
    json_t *o = json_object();
    if (row->name.data)
        json_object_set_new(o, "name", text_of(row->name));
    json_object_set_new(o, "cases", integer(row->cases));
    for (size_t i = 0; i < CASE_STATUS_COUNT; i++)
        json_object_set_new(o, case_status_name(order[i]), integer(row->counts[order[i]]));
    json_object_set_new(o, "slow", integer(row->slow));
    json_object_set_new(o, "flaky", integer(row->flaky));
    json_object_set_new(o, "leaky", integer(row->leaky));
    json_object_set_new(o, "timed_out", integer(row->timed_out));
    json_object_set_new(o, "pass_rate", real(row->pass_rate));
    json_object_set_new(o, "pass_rate_low", real(row->rate.low));
    json_object_set_new(o, "pass_rate_high", real(row->rate.high));
    json_object_set_new(o, "queued_ms", ms(row->queued));
    json_object_set_new(o, "times", times_json(&row->times));
    return o;
}

static json_t *table_json(const struct aggregate_table *table)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < table->count; i++)
        json_array_append_new(rows, row_json(&table->rows[i]));
    return rows;
}

static json_t *run_json(const struct run_use *use)
{
    char started[CLOCK_TEXT];
    json_t *o = json_object(), *workers = json_array();
    json_object_set_new(o, "id", text_of(use->run->id));
    json_object_set_new(o, "host", text_of(use->run->host));
    json_object_set_new(o, "started", json_string(clock_text(started, use->run->started_wall)));
    json_object_set_new(o, "duration_ms", ms(use->run->duration));
    json_object_set_new(o, "jobs", json_integer(use->run->jobs));
    json_object_set_new(o, "speed_up", real(use->speed_up));
    json_object_set_new(o, "efficiency", real(use->efficiency));
    for (size_t i = 0; i < use->workers; i++) {
        json_t *worker = json_object();
        json_object_set_new(worker, "cases", integer(use->by_worker[i].cases));
        json_object_set_new(worker, "busy_ms", ms(use->by_worker[i].busy));
        json_object_set_new(worker, "share", real(use->by_worker[i].share));
        json_array_append_new(workers, worker);
    }
    json_object_set_new(o, "workers", workers);
    return o;
}

/* ── failures ── */

static json_t *cause_json(const struct cause *c)
{
    json_t *o = json_object();
    json_object_set_new(o, "name", json_string(cause_name(c->kind)));
    json_object_set_new(o, "evidence_strength", json_string(evidence_word(c->strength)));
    json_object_set_new(o, "subject", text_of(c->subject));
    json_object_set_new(o, "text", text_of(c->text));
    json_object_set_new(o, "evidence", text_of(c->evidence));
    json_object_set_new(o, "remedy", json_string(cause_remedy(c->kind)));
    return o;
}

static json_t *group_json(const struct failure_group *g)
{
    json_t *o = json_object(), *causes = json_array(), *cases = json_array();
    json_t *related = json_array();
    for (size_t i = 0; i < g->cause_count; i++)
        json_array_append_new(causes, cause_json(&g->causes[i]));
    for (size_t i = 0; i < g->count; i++)
        json_array_append_new(cases, text_of(g->cases[i]->definition->key));
    for (size_t i = 0; i < g->related_count; i++)
        json_array_append_new(related, integer(g->related[i]));
    json_object_set_new(o, "severity", json_string(severity_word(g->severity)));
    json_object_set_new(o, "severity_reason", json_string(g->severity_reason));
    json_object_set_new(o, "message", text_of(g->message));
    json_object_set_new(o, "stack", text_of(g->stack));
    json_object_set_new(o, "causes", causes);
    json_object_set_new(o, "cases", cases);
    json_object_set_new(o, "skipped", integer(g->skipped));
    json_object_set_new(o, "first_bad", text_of(g->first_bad));
    json_object_set_new(o, "last_good", text_of(g->last_good));
    json_object_set_new(o, "related", related);
    json_object_set_new(o, "related_why", text_of(g->related_why));
    json_object_set_new(o, "reproduce", text_of(g->reproduce));
    return o;
}

static json_t *failures_json(const struct explanation *e)
{
    json_t *o = json_object(), *severities = json_object(), *groups = json_array();
    for (enum severity s = 0; s < SEVERITY_COUNT; s++)
        json_object_set_new(severities, severity_word(s), integer(e->by_severity[s]));
    for (size_t i = 0; i < e->count; i++)
        json_array_append_new(groups, group_json(&e->groups[i]));
    json_object_set_new(o, "count", integer(e->failures));
    json_object_set_new(o, "unexplained", integer(e->unexplained));
    json_object_set_new(o, "not_examined", integer(e->not_examined));
    json_object_set_new(o, "by_severity", severities);
    json_object_set_new(o, "groups", groups);
    return o;
}

/* ── all of it ── */

static json_t *checks_json(const struct aggregate *a)
{
    json_t *checks = json_array();
    for (size_t i = 0; i < a->check_count; i++) {
        json_t *o = json_object();
        json_object_set_new(o, "name", text_of(a->checks[i].name));
        json_object_set_new(o, "passed", json_integer(a->checks[i].passed));
        json_object_set_new(o, "failed", json_integer(a->checks[i].failed));
        json_object_set_new(o, "impossible", json_integer(a->checks[i].impossible));
        json_array_append_new(checks, o);
    }
    return checks;
}

static json_t *waiting_json(const struct aggregate *a)
{
    json_t *waits = json_array();
    for (size_t i = 0; i < a->wait_count; i++) {
        json_t *o = json_object();
        json_object_set_new(o, "for", text_of(a->waits[i].name));
        json_object_set_new(o, "cases", integer(a->waits[i].cases));
        json_object_set_new(o, "queued_ms", ms(a->waits[i].queued));
        json_array_append_new(waits, o);
    }
    return waits;
}

static json_t *summary_json(const struct aggregate *a, const struct explanation *e)
{
    json_t *o = json_object(), *runs = json_array(), *by = json_object();
    for (size_t i = 0; i < a->run_count; i++)
        json_array_append_new(runs, run_json(&a->runs[i]));
    for (enum aggregate_by b = 0; b < AGGREGATE_BY_COUNT; b++)
        json_object_set_new(by, aggregate_by_name(b), table_json(&a->by[b]));
    json_object_set_new(o, "generated_by", json_string("assay"));
    json_object_set_new(o, "runs", runs);
    json_object_set_new(o, "percentiles", json_string(STATISTICS_PERCENTILE));
    json_object_set_new(o, "summary", row_json(&a->all));
    json_object_set_new(o, "by", by);
    json_object_set_new(o, "checks", checks_json(a));
    json_object_set_new(o, "waiting", waiting_json(a));
    json_object_set_new(o, "failures", failures_json(e));
    return o;
}

struct result summary_write_json(FILE *to, const struct run_data *data)
{
    DEFER(jsontext_release)
    json_t *json = summary_json(aggregate_run(data), explain_failures(data));
    bool written = json_dumpf(json, to, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) == 0 &&
                   fputc('\n', to) != EOF && fflush(to) == 0;
    ENSURE(written, ERR_IO, "cannot write the report: %s", strerror(errno));
    return RESULT_OK;
}
