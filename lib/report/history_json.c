/*
 * Histories for programs. Times are milliseconds; what is not known is null.
 */
#include <math.h>

#include "core/clock.h"
#include "core/jsontext.h"
#include "report/history.h"

static json_t *text_or_null(struct slice s)
{
    return s.len ? json_stringn(s.data, s.len) : json_null();
}

static json_t *milliseconds(double nanoseconds)
{
    return isfinite(nanoseconds) ? json_real(nanoseconds / NS_PER_MS) : json_null();
}

static json_t *run_or_null(const struct history *h, const struct history_case *c, ptrdiff_t at)
{
    return at < 0 ? json_null() : text_or_null(h->past->runs[c->results[at].run].id);
}

static json_t *metric_json(const struct history_metric *m)
{
    bool trend = history_has_trend(m);
    return json_pack("{s:I, s:o, s:o, s:s, s:o, s:f}", "results", (json_int_t)m->count, "median_ms",
                     milliseconds(m->median), "p90_ms", milliseconds(m->p90), "percentile",
                     STATISTICS_PERCENTILE, "trend_ms_per_run",
                     trend ? milliseconds(m->slope) : json_null(), "trend_p", m->p);
}

static json_t *results_json(const struct history *h, const struct history_case *c)
{
    json_t *results = json_array();
    for (size_t i = 0; i < c->count; i++) {
        const struct past_result *r = &c->results[i];
        json_array_append_new(results,
                              json_pack("{s:o, s:s, s:b, s:o}", "run",
                                        text_or_null(h->past->runs[r->run].id), "status",
                                        case_status_name(r->status), "retried",
                                        r->status == CASE_PASSED && (r->flags & CASE_FLAKY),
                                        "time_ms", milliseconds(r->metrics[PAST_TIME])));
    }
    return results;
}

static json_t *quarantine_json(const struct quarantined *q, int64_t now)
{
    char expires[CLOCK_TEXT];
    if (!q)
        return json_null();
    return json_pack("{s:o, s:o, s:s, s:b}", "owner", text_or_null(q->owner), "reason",
                     text_or_null(q->reason), "expires", clock_text(expires, q->expires), "expired",
                     q->expires <= now);
}

static json_t *case_json(const struct history *h, const struct history_case *c)
{
    const struct outcome *o = &c->outcome;
    json_t *metrics = json_object();
    for (size_t m = 0; m < PAST_METRICS; m++)
        if (c->metrics[m].count)
            json_object_set_new(metrics, past_metric_names[m], metric_json(&c->metrics[m]));
    return json_pack(
        "{s:o, s:s, s:I, s:I, s:I, s:[f, f], s:I, s:I, s:f, s:o, s:o, s:o, s:o, s:o, s:o}", "key",
        text_or_null(c->of.key), "outcome", outcome_kind_name(o->kind), "results",
        (json_int_t)o->results, "passed", (json_int_t)o->passed, "retried", (json_int_t)o->retried,
        "wilson", o->rate.low, o->rate.high, "recoveries", (json_int_t)o->recoveries,
        "unexplained_recoveries", (json_int_t)o->unexplained, "runs_test_p", o->together,
        "last_good", run_or_null(h, c, o->last_good), "first_bad", run_or_null(h, c, o->first_bad),
        "fixed", run_or_null(h, c, o->fixed), "quarantine", quarantine_json(c->quarantine, h->now),
        "metrics", metrics, "history", results_json(h, c));
}

json_t *history_json(struct arena *arena, const struct history *h)
{
    json_t *cases = json_array();
    for (size_t i = 0; i < h->count; i++)
        json_array_append_new(cases, case_json(h, &h->cases[i]));
    return jsontext_keep(arena, json_pack("{s:o}", "cases", cases));
}
