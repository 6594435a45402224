/*
 * From rows to a report. What was kept may have come from elsewhere: every text is read with care.
 */
#include "report/load_data.h"

#include "core/jsontext.h"
#include "core/memory.h"
#include "load/keep.h"

static struct result read_parameters(struct arena *arena, struct slice text, struct load_data *d)
{
    json_t *json = NULL;
    TRY(jsontext_read_in(arena, text, &json));
    d->parameters = json;
    TRY(keep_read_plan(arena, json_object_get(json, "plan"), &d->target, &d->plan));
    const json_t *objectives = json_object_get(json, "objectives");
    int64_t lag = json_integer_value(json_object_get(json, "lag_ns"));
    d->belief.usual = lag > 0 ? lag : BELIEF_USUAL;
    if (!objectives)
        return RESULT_OK;
    return slo_read(arena, arena_string(arena, jsontext_slice(objectives)), d->slos,
                    &d->report.slo_count);
}

static struct result read_verdict(struct arena *arena, const struct stored_load *stored,
                                  struct load_data *d)
{
    json_t *reasons = NULL;
    int verdict = 0;
    while (verdict <= VERDICT_NOTHING && !slice_is(stored->verdict, verdict_words[verdict].name))
        verdict++;
    ENSURE(verdict <= VERDICT_NOTHING, ERR_VALUE, "there is no verdict \"%.*s\"",
           SLICE_ARG(stored->verdict));
    d->judgement.verdict = (enum load_verdict)verdict;
    if (stored->reasons.len)
        TRY(jsontext_read_in(arena, stored->reasons, &reasons));
    for (size_t i = 0; i < json_array_size(reasons) && i < VERDICT_REASONS; i++)
        d->judgement.reasons[d->judgement.reason_count++] =
            arena_string(arena, jsontext_slice(json_array_get(reasons, i)));
    return RESULT_OK;
}

/* Metrics and failures whose names are not known here were measured by another version. */
static struct result read_metrics(const struct stored_load *stored, struct metrics *m)
{
    for (size_t i = 0; i < stored->metric_count; i++) {
        int metric = metric_find(stored->metrics[i].name);
        if (metric >= 0)
            TRY(keep_read_histogram(stored->metrics[i].histogram, &m->histograms[metric]));
    }
    for (size_t i = 0; i < stored->failure_count; i++) {
        const struct stored_failure *f = &stored->failures[i];
        for (int k = 1; k < FAILURE_COUNT; k++) {
            if (!slice_is(f->class, failure_kinds[k].name))
                continue;
            m->failures[k] = f->count > 0 ? (uint64_t)f->count : 0;
            snprintf(m->examples[k], FAILURE_EXAMPLE, "%.*s", SLICE_ARG(f->example));
        }
    }
    return RESULT_OK;
}

static struct result read_outcome(struct arena *arena, const struct stored_load *stored,
                                  struct load_data *d)
{
    json_t *json = NULL;
    struct load_outcome *outcome = ARENA_NEW(arena, struct load_outcome);
    metrics_clear(&outcome->metrics);
    TRY(jsontext_read_in(arena, stored->outcome, &json));
    keep_read_outcome(json, outcome);
    TRY(read_metrics(stored, &outcome->metrics));
    d->plan.bounds = slo_bounds(d->slos, d->report.slo_count);
    d->report.outcome = outcome;
    d->ended = true;
    return RESULT_OK;
}

static struct result read_second(const struct stored_second *s, struct load_second *out)
{
    DEFER(jsontext_release)
    json_t *histograms = NULL;
    DEFER(jsontext_release)
    json_t *failures = NULL;
    second_clear(out);
    if (s->histograms.len)
        TRY(jsontext_read(s->histograms, &histograms));
    if (s->failures.len)
        TRY(jsontext_read(s->failures, &failures));
    out->started = (uint64_t)s->started;
    out->answered = (uint64_t)s->answered;
    out->failed = (uint64_t)s->failed;
    out->tokens = (uint64_t)s->tokens;
    out->bytes = (uint64_t)s->bytes;
    out->busy = (uint32_t)s->in_flight;
    out->lags = (uint64_t)s->reads;
    out->lag_sum = s->lag;
    out->lag_most = s->lag_most;
    out->late_most = s->late_most;
    return keep_read_second(histograms, failures, out);
}

static struct result read_timeline(const struct stored_load *stored, struct load_data *d)
{
    DEFER(mem_free_pointer)
    struct load_second *second = mem_alloc(sizeof(*second));
    struct timeline *timeline = timeline_new();
    d->report.timeline = d->timeline = timeline;
    timeline->started_wall = d->run.started_wall;
    for (size_t i = 0; i < stored->second_count; i++) {
        const struct stored_second *s = &stored->seconds[i];
        TRY(read_second(s, second));
        timeline_add(timeline, second, s->at - s->span, s->at,
                     s->at - s->span / 2 < d->plan.warmup);
    }
    return RESULT_OK;
}

static struct result read_all(struct arena *arena, const struct stored_load *stored,
                              struct load_data *d)
{
    TRY(read_parameters(arena, stored->parameters, d));
    d->report.plan = &d->plan;
    d->report.slos = d->slos;
    d->report.belief = &d->belief;
    d->report.judgement = &d->judgement;
    d->report.run = arena_string(arena, d->run.id);
    TRY(read_timeline(stored, d));
    if (stored->verdict.len == 0)
        return RESULT_OK;
    TRY(read_verdict(arena, stored, d));
    return read_outcome(arena, stored, d);
}

void load_data_free(struct load_data **data)
{
    if (*data)
        timeline_free((*data)->timeline);
    *data = NULL;
}

struct result load_data_read(struct store *store, struct arena *arena, const struct run_info *run,
                             struct load_data **out)
{
    struct stored_load stored;
    DEFER(load_data_free)
    struct load_data *d = ARENA_NEW(arena, struct load_data);
    *d = (struct load_data){.run = *run};
    TRY(store_load_read(store, arena, run->id, &stored));
    d->name = stored.name;
    struct result r = read_all(arena, &stored, d);
    if (!result_ok(r)) {
        const char *why = arena_string(arena, slice_str(error_last()->text));
        return error_set(ERR_STORE, "load %.*s in the store: %s", SLICE_ARG(run->id), why);
    }
    *out = take(&d);
    return RESULT_OK;
}

const char *load_data_disbelief(struct arena *arena, const struct load_data *d)
{
    if (!d->ended)
        return "is incomplete: it was killed, or is still going on";
    if (d->judgement.verdict == VERDICT_NOTHING)
        return "had not one good answer";
    if (d->judgement.verdict == VERDICT_INVALID)
        return arena_printf(arena, "is INVALID: %s",
                            d->judgement.reason_count ? d->judgement.reasons[0] : "no reason kept");
    return NULL;
}
