/*
 * Reading and judging histories; see the header.
 */
#include "report/history.h"

#include <math.h>
#include <stdlib.h>

#include "core/memory.h"

bool history_has_trend(const struct history_metric *m)
{
    return m->p < CHANGE_LEVEL;
}

static void measure(const struct history_case *c, enum past_metric which,
                    struct history_metric *out)
{
    double *x = mem_alloc((c->count + 1) * sizeof(*x)), *y = mem_alloc((c->count + 1) * sizeof(*y));
    size_t n = 0;
    for (size_t i = 0; i < c->count; i++) {
        if (isnan(c->results[i].metrics[which]))
            continue;
        x[n] = (double)i;
        y[n++] = c->results[i].metrics[which];
    }
    size_t rows_of = n / 4 < CHANGE_RESULTS ? n / 4 : CHANGE_RESULTS;
    bool after[2 * CHANGE_RESULTS] = {false}; /* neighbouring rows */
    for (size_t i = rows_of; i < 2 * rows_of; i++)
        after[i] = true;
    struct trend trend = statistics_trend(x, y, n);
    /* Spells are what is left beside the trend. */
    double *rest = mem_alloc((n + 1) * sizeof(*rest));
    for (size_t i = 0; i < n; i++)
        rest[i] = y[i] - trend.slope * x[i];
    *out = (struct history_metric){
        .count = n,
        .slope = trend.slope,
        .p = change_allow(trend.p, change_spells(rest, n, after, 2 * rows_of)),
    };
    mem_free(rest);
    statistics_sort(y, n);
    out->median = statistics_median(y, n);
    out->p90 = statistics_percentile(y, n, 90);
    mem_free(x);
    mem_free(y);
}

static int compare_cases(const void *a, const void *b)
{
    static const int order[] = {
        [OUTCOME_BROKEN] = 0, [OUTCOME_FLAKY] = 1, [OUTCOME_PASSING] = 2, [OUTCOME_UNKNOWN] = 3};
    const struct history_case *x = a, *y = b;
    int apart = order[x->outcome.kind] - order[y->outcome.kind];
    return apart ? apart : slice_cmp(x->of.key, y->of.key);
}

static struct result read_case(struct past *past, size_t results, struct history_case *c)
{
    struct past_result *found;
    TRY(past_results(past, c->of.number, (uint32_t)past->run_count - 1, results, &found,
                     &c->count));
    c->results = found;
    c->outcome = outcome_judge(past, c->results, c->count);
    for (size_t m = 0; m < PAST_METRICS; m++)
        measure(c, (enum past_metric)m, &c->metrics[m]);
    return RESULT_OK;
}

struct result history_read(struct past *past, const struct past_case *one, size_t results,
                           int64_t now, struct history **out)
{
    struct history *h = ARENA_NEW(past->arena, struct history);
    struct past_case *cases = NULL;
    struct quarantined *list;
    size_t count = 0, listed;
    *h = (struct history){.past = past, .now = now};
    *out = h;
    if (past->run_count == 0)
        return RESULT_OK;
    TRY(quarantine_list(past->store, past->arena, &list, &listed));
    if (!one)
        TRY(past_cases(past, &cases, &count));
    h->count = one ? 1 : count;
    h->cases = ARENA_ARRAY(past->arena, struct history_case, h->count + 1);
    for (size_t i = 0; i < h->count; i++) {
        h->cases[i].of = one ? *one : cases[i];
        TRY(read_case(past, results, &h->cases[i]));
        for (size_t q = 0; q < listed; q++)
            if (list[q].test_case == h->cases[i].of.number)
                h->cases[i].quarantine = &list[q];
    }
    qsort(h->cases, h->count, sizeof(*h->cases), compare_cases);
    return RESULT_OK;
}
