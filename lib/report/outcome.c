/*
 * Flaky, broken or fine; the header states the rule.
 */
#include "report/outcome.h"

#include "core/text.h"

const char *outcome_kind_name(enum outcome_kind kind)
{
    static const char *const names[] = {
        [OUTCOME_PASSING] = "passing",
        [OUTCOME_BROKEN] = "broken",
        [OUTCOME_FLAKY] = "flaky",
        [OUTCOME_UNKNOWN] = "unknown",
    };
    return names[kind];
}

static bool failed(const struct past_result *r)
{
    return r->status != CASE_PASSED;
}

static bool retried(const struct past_result *r)
{
    return r->status == CASE_PASSED && (r->flags & CASE_FLAKY);
}

static bool same_state(const struct past *past, const struct past_result *a,
                       const struct past_result *b)
{
    const struct past_run *x = &past->runs[a->run], *y = &past->runs[b->run];
    return x->revision.len && slice_eq(x->revision, y->revision) && slice_eq(x->host, y->host);
}

/* Changes between passing and failing, over the row in which a retried pass is two outcomes. */
struct row {
    size_t passes, failures, runs;
    int last; /* -1: none yet, else whether it failed */
};

static void row_add(struct row *row, bool failure)
{
    row->passes += !failure;
    row->failures += failure;
    row->runs += row->last != failure;
    row->last = failure;
}

static void find_stretch(struct outcome *o, const struct past_result *results, size_t count)
{
    ptrdiff_t at = (ptrdiff_t)count - 1;
    while (at >= 0 && !failed(&results[at]))
        at--;
    o->fixed = at >= 0 && at + 1 < (ptrdiff_t)count ? at + 1 : -1;
    while (at >= 0 && failed(&results[at]))
        o->first_bad = at--;
    o->last_good = o->first_bad < 0 ? (ptrdiff_t)count - 1 : at;
}

struct outcome outcome_judge(const struct past *past, const struct past_result *results,
                             size_t count)
{
    struct outcome o = {
        .kind = OUTCOME_UNKNOWN, .results = count, .last_good = -1, .first_bad = -1, .fixed = -1};
    struct row row = {.last = -1};
    ptrdiff_t before = -1; /* the pass before the failures at hand */
    for (size_t i = 0; i < count; i++) {
        if (retried(&results[i]) || failed(&results[i]))
            row_add(&row, true);
        if (!failed(&results[i]))
            row_add(&row, false);
        o.passed += !failed(&results[i]) && !retried(&results[i]);
        o.retried += retried(&results[i]);
        if (failed(&results[i]))
            continue;
        bool recovered = i > 0 && failed(&results[i - 1]);
        o.recoveries += recovered || retried(&results[i]);
        o.unexplained += retried(&results[i]) || (recovered && before >= 0 &&
                                                  same_state(past, &results[before], &results[i]) &&
                                                  same_state(past, &results[i - 1], &results[i]));
        before = (ptrdiff_t)i;
    }
    o.rate = statistics_wilson(o.passed, count, OUTCOME_CONFIDENCE);
    o.together = statistics_runs(row.passes, row.failures, row.runs);
    o.telling =
        row.passes && row.failures && statistics_runs(row.passes, row.failures, 2) < OUTCOME_LEVEL;
    find_stretch(&o, results, count);
    if (count == 0)
        return o;
    bool fails_now = failed(&results[count - 1]), together = o.together < OUTCOME_LEVEL;
    bool flaky = o.unexplained > 0 || (o.recoveries >= 2 && !together);
    o.kind = fails_now && together ? OUTCOME_BROKEN
             : flaky               ? OUTCOME_FLAKY
             : fails_now           ? OUTCOME_BROKEN
                                   : OUTCOME_PASSING;
    return o;
}

const char *outcome_reason(struct arena *arena, const struct outcome *o)
{
    struct text t = text_in(arena);
    text_printf(&t, "passed %zu of %zu (%.0f–%.0f %%)", o->passed, o->results, 100 * o->rate.low,
                100 * o->rate.high);
    if (o->retried)
        text_printf(&t, ", %zu more only on a retry", o->retried);
    if (o->recoveries)
        text_printf(&t, "; recovered %zu %s", o->recoveries, o->recoveries == 1 ? "time" : "times");
    if (o->unexplained)
        text_printf(&t, ", %zu with nothing changed", o->unexplained);
    return text_str(&t);
}
