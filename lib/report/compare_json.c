/*
 * A comparison for programs. Times are milliseconds; what is not known is null.
 */
#include <math.h>

#include "core/clock.h"
#include "core/jsontext.h"
#include "report/compare.h"

static json_t *text_or_null(struct slice s)
{
    return s.len ? json_stringn(s.data, s.len) : json_null();
}

static json_t *number_or_null(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *side_json(const struct past *past, const struct compare_side *side)
{
    json_t *runs = json_array();
    for (size_t i = 0; i < side->run_count; i++)
        json_array_append_new(runs, text_or_null(past->runs[side->runs[i]].id));
    return json_pack("{s:s, s:o, s:s?, s:I, s:I}", "name", side->name, "runs", runs, "poisoned",
                     side->poisoned, "passed", (json_int_t)side->passed, "failed",
                     (json_int_t)side->failed);
}

static json_t *metric_json(const struct compared_metric *m)
{
    const struct change *c = &m->change;
    return json_pack(
        "{s:s, s:o, s:o, s:o, s:[o, o], s:o, s:o, s:o, s:I, s:I, s:I}", "change",
        change_kind_name(m->kind), "before_ms", number_or_null(c->median_before / NS_PER_MS),
        "after_ms", number_or_null(c->median_after / NS_PER_MS), "ratio", number_or_null(c->ratio),
        "interval", number_or_null(m->interval.low), number_or_null(m->interval.high), "p",
        number_or_null(m->p), "cliff_delta", number_or_null(c->delta), "spells",
        number_or_null(c->spells), "results_before", (json_int_t)c->before, "results_after",
        (json_int_t)c->after, "results_needed", (json_int_t)c->needed);
}

static json_t *counts_json(size_t passed, size_t failed, size_t other)
{
    return json_pack("{s:I, s:I, s:I}", "passed", (json_int_t)passed, "failed", (json_int_t)failed,
                     "other", (json_int_t)other);
}

static json_t *case_json(struct arena *arena, const struct compared_case *cc)
{
    json_t *metrics = json_object();
    for (size_t m = 0; m < PAST_METRICS; m++)
        if (cc->metrics[m].measured)
            json_object_set_new(metrics, past_metric_names[m], metric_json(&cc->metrics[m]));
    return json_pack("{s:o, s:s, s:b, s:b, s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:o}", "key",
                     text_or_null(cc->of.key), "kind", compared_kind_name(cc->kind), "flaky_before",
                     cc->flaky_before, "quarantined", cc->quarantined, "before",
                     counts_json(cc->before.passed, cc->before.failed, cc->before.other), "after",
                     counts_json(cc->after.passed, cc->after.failed, cc->after.other), "reason",
                     text_or_null(cc->reason), "outcome", outcome_kind_name(cc->outcome.kind),
                     "history", outcome_reason(arena, &cc->outcome), "last_good",
                     text_or_null(cc->last_good), "first_bad", text_or_null(cc->first_bad),
                     "metrics", metrics);
}

json_t *compare_json(struct arena *arena, const struct comparison *c)
{
    json_t *cases = json_array(), *counts = json_object();
    for (size_t i = 0; i < c->count; i++)
        json_array_append_new(cases, case_json(arena, &c->cases[i]));
    for (size_t k = 0; k < COMPARED_KINDS; k++)
        json_object_set_new(counts, compared_kind_name((enum compared_kind)k),
                            json_integer((json_int_t)c->kinds[k]));
    json_object_set_new(counts, "slower", json_integer((json_int_t)c->slower));
    json_object_set_new(counts, "faster", json_integer((json_int_t)c->faster));
    json_object_set_new(counts, "unclear", json_integer((json_int_t)c->unclear));
    json_object_set_new(counts, "unknown", json_integer((json_int_t)c->unknown));
    json_t *rule = json_pack("{s:s, s:f, s:f, s:f, s:s}", "test", "Mann-Whitney, two-sided",
                             "level", CHANGE_LEVEL, "threshold", c->threshold, "confidence",
                             CHANGE_CONFIDENCE, "adjusted", "Benjamini-Hochberg, and for spells");
    json_t *root =
        json_pack("{s:b, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o}", "worse", compare_worse(c),
                  "before", side_json(c->past, &c->before), "after", side_json(c->past, &c->after),
                  "counts", counts, "rule", rule, "host", text_or_null(c->host), "times_compared",
                  !c->other_host, "ratio", number_or_null(c->ratio), "cases", cases);
    return jsontext_keep(arena, root);
}
