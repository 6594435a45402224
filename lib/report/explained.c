/*
 * The sink that explains. It has no state but the others: what it tells stands in the store.
 */
#include "report/explained.h"

#include "core/log.h"
#include "core/memory.h"
#include "record/store.h"
#include "report/aggregate.h"
#include "report/explain.h"

/* Rows of one way of grouping: those that fail most. */
#define ROWS_TOLD 20

struct explained {
    struct sink base;
    char *url;
    struct sink **sinks;
    size_t count;
    bool failed; /* a case did */
    bool totals; /* one of them wants totals */
};

static void tell(const struct explained *x, const struct event *event)
{
    for (size_t i = 0; i < x->count; i++)
        x->sinks[i]->event(x->sinks[i], event);
}

static struct failure_cause cause_of(struct arena *arena, const struct failure_group *g)
{
    struct slice *keys = ARENA_ARRAY(arena, struct slice, g->count);
    struct failure_cause cause = {
        .severity = slice_str(severity_word(g->severity)),
        .text = explain_title(arena, g),
        .reproduce = g->reproduce,
        .last_good = g->last_good,
        .first_bad = g->last_good.len ? g->first_bad : (struct slice){0},
        .keys = keys,
        .cases = g->count,
        .skipped = g->skipped,
    };
    for (size_t i = 0; i < g->count; i++)
        keys[i] = g->cases[i]->definition->key;
    if (g->cause_count) {
        const struct cause *top = &g->causes[0];
        cause.name = slice_str(cause_name(top->kind));
        cause.strength = slice_str(evidence_word(top->strength));
        cause.evidence = top->evidence;
        cause.remedy = slice_str(cause_remedy(top->kind));
    }
    return cause;
}

static struct result load(const char *url, struct arena *arena, struct slice run,
                          struct run_data **data)
{
    struct store *store = NULL;
    TRY(store_open(url, &store));
    struct result loaded = run_data_load(store, arena, &run, 1, data);
    store_close(store);
    return loaded;
}

static struct group_total total_of(struct slice by, const struct aggregate_row *row)
{
    const struct time_summary *times = &row->times;
    return (struct group_total){
        .by = by,
        .name = row->name,
        .cases = row->cases,
        .passed = row->counts[CASE_PASSED],
        .failed = row->counts[CASE_FAILED],
        .errors = row->counts[CASE_ERROR],
        .pass_rate = row->pass_rate,
        .low = row->rate.low,
        .high = row->rate.high,
        .mean = times->mean,
        .p50 = times->p50,
        .p90 = times->p90,
        .p95 = times->p95,
        .p99 = times->p99,
        .most = times->most,
    };
}

static void tell_totals(const struct explained *x, const struct event *end,
                        const struct run_data *data)
{
    const struct aggregate *a = aggregate_run(data);
    struct group_total *totals =
        ARENA_ARRAY(data->arena, struct group_total, 1 + AGGREGATE_BY_COUNT * ROWS_TOLD);
    size_t count = 0;
    totals[count++] = total_of((struct slice){0}, &a->all);
    for (enum aggregate_by by = 0; by < AGGREGATE_BY_COUNT; by++) {
        const struct aggregate_table *table = &a->by[by];
        for (size_t i = 0; aggregate_says_more(a, by) && i < table->count && i < ROWS_TOLD; i++)
            totals[count++] = total_of(slice_str(aggregate_by_name(by)), &table->rows[i]);
    }
    const struct event event = {
        .kind = EVENT_TOTALS, .at_wall = end->at_wall, .run = end->run, .totals = {totals, count}};
    for (size_t i = 0; i < x->count; i++)
        if (x->sinks[i]->totals)
            x->sinks[i]->event(x->sinks[i], &event);
}

static void explain(const struct explained *x, const struct event *end)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct run_data *data = NULL;
    if (!result_ok(load(x->url, arena, end->run->id, &data))) {
        log_info("report", "failures are not explained: %s", error_last()->text);
        return;
    }
    if (x->totals)
        tell_totals(x, end, data);
    const struct explanation *e = explain_failures(data);
    struct failure_cause *causes = ARENA_ARRAY(arena, struct failure_cause, e->count + 1);
    for (size_t i = 0; i < e->count; i++)
        causes[i] = cause_of(arena, &e->groups[i]);
    const struct event event = {.kind = EVENT_CAUSES,
                                .at_wall = end->at_wall,
                                .run = end->run,
                                .causes = {causes, e->count}};
    if (e->count)
        tell(x, &event);
}

static void on_event(struct sink *sink, const struct event *event)
{
    struct explained *x = (struct explained *)sink;
    if (event->kind == EVENT_CASE_FINISHED)
        x->failed = x->failed || event->finished->status == CASE_FAILED ||
                    event->finished->status == CASE_ERROR;
    if (event->kind == EVENT_RUN_FINISHED && (x->failed || x->totals))
        explain(x, event);
    tell(x, event);
}

static void on_tick(struct sink *sink, int64_t now)
{
    const struct explained *x = (const struct explained *)sink;
    for (size_t i = 0; i < x->count; i++)
        if (x->sinks[i]->tick)
            x->sinks[i]->tick(x->sinks[i], now);
}

/* The first failure counts; the others are closed all the same. */
static struct result close_all(struct sink *sink)
{
    struct explained *x = (struct explained *)sink;
    struct result first = RESULT_OK;
    struct error kept = {0};
    for (size_t i = 0; i < x->count; i++) {
        struct result closed = x->sinks[i]->close(x->sinks[i]);
        if (result_ok(first) && !result_ok(closed)) {
            first = closed;
            kept = *error_last();
        }
    }
    mem_free(x->sinks);
    mem_free(x->url);
    mem_free(x);
    return result_ok(first) ? first : error_set(kept.code, "%s", kept.text);
}

struct sink *sink_explained(const char *url, struct sink *const *sinks, size_t count)
{
    struct explained *x = NEW(struct explained);
    x->base = (struct sink){.event = on_event, .tick = on_tick, .close = close_all};
    x->url = mem_string(url);
    x->sinks = mem_alloc((count + 1) * sizeof(x->sinks[0]));
    memcpy(x->sinks, sinks, count * sizeof(x->sinks[0]));
    x->count = count;
    for (size_t i = 0; i < count; i++)
        x->totals = x->totals || sinks[i]->totals;
    return &x->base;
}
