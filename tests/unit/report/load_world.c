/*
 * Loads made up for tests.
 */
#include "load_world.h"

#include <math.h>

#include "core/clock.h"
#include "core/jsontext.h"
#include "core/memory.h"
#include "core/random.h"
#include "load/keep.h"

/* A standard normal value (Box and Muller). */
static double normal(struct random *random)
{
    double u = random_unit(random), v = random_unit(random);
    return sqrt(-2 * log(1 - u)) * cos(2 * M_PI * v);
}

struct making {
    struct arena *arena;
    const struct made_load *how;
    struct random random;
    double state; /* of the process from which latencies come */
    uint64_t turn;
    struct load_outcome *outcome;
    struct load_second *second;
};

static void answer(struct making *m)
{
    const struct made_load *how = m->how;
    double step = normal(&m->random) * sqrt(1 - how->memory * how->memory);
    m->state = how->memory * m->state + step;
    int64_t latency = (int64_t)(how->latency * exp(how->spread * m->state) * (double)NS_PER_S);
    struct metrics *metrics = &m->outcome->metrics;
    metrics->requests++;
    if (++m->turn % 100 < how->failed) {
        metrics->failures[FAILURE_TIMEOUT]++;
        m->second->failed++;
        m->second->failures[FAILURE_TIMEOUT]++;
        return;
    }
    metrics->answered++;
    metrics->good++;
    metrics->ended++;
    m->second->answered++;
    metrics_add(metrics, METRIC_LATENCY, latency);
    metrics_add(metrics, METRIC_TTFT, latency / 4);
    histogram_add(&m->second->measured[SECOND_LATENCY], latency);
    histogram_add(&m->second->measured[SECOND_TTFT], latency / 4);
}

static void make_second(struct making *m, uint32_t rate)
{
    second_clear(m->second);
    for (uint32_t i = 0; i < rate; i++)
        answer(m);
    m->second->started = rate;
}

struct load_data *made_load_data(struct arena *arena, const struct made_load *how)
{
    struct load_data *d = ARENA_NEW(arena, struct load_data);
    uint32_t rate = how->rate ? how->rate : 100, seconds = how->seconds ? how->seconds : 30;
    struct arrival_stage *stage = ARENA_NEW(arena, struct arrival_stage);
    struct making m = {.arena = arena, .how = how, .random = random_seeded(how->seed + 1)};
    *stage = (struct arrival_stage){seconds, rate, rate};
    *d = (struct load_data){
        .run = {.id = slice_str(how->id),
                .load = true,
                .host = SLICE("here"),
                .command = SLICE("assay load"),
                .version = SLICE("0"),
                .started_wall = how->started,
                .duration = seconds * NS_PER_S,
                .exit_status = how->cut ? -1 : 0},
        .name = slice_str(how->name ? how->name : "steady"),
        .ended = !how->cut,
        .target = {.url = how->url ? how->url : "http://127.0.0.1/", .api = TARGET_HTTP},
        .plan = {.threads = 1,
                 .connections = 64,
                 .duration = seconds * NS_PER_S,
                 .stages = stage,
                 .stage_count = 1},
        .belief = {BELIEF_USUAL},
        .judgement = {.verdict = how->verdict},
        .timeline = timeline_new(),
    };
    if (how->verdict == VERDICT_INVALID)
        d->judgement.reasons[d->judgement.reason_count++] = "a reason";
    d->plan.target = &d->target;
    m.outcome = ARENA_NEW(arena, struct load_outcome);
    m.second = ARENA_NEW(arena, struct load_second);
    metrics_clear(&m.outcome->metrics);
    m.outcome->measured = seconds * NS_PER_S;
    for (uint32_t i = 0; i < seconds; i++) {
        make_second(&m, rate);
        timeline_add(d->timeline, m.second, i * NS_PER_S, (i + 1) * NS_PER_S, false);
    }
    d->report = (struct load_report){.plan = &d->plan,
                                     .outcome = m.outcome,
                                     .belief = &d->belief,
                                     .judgement = &d->judgement,
                                     .timeline = d->timeline,
                                     .run = how->id};
    json_t *parameters = jsontext_keep(arena, json_object());
    json_object_set_new(parameters, "plan", print_plan_json(&d->plan));
    d->parameters = parameters;
    return d;
}

static struct result end_load(struct store *store, struct arena *arena, const struct load_data *d)
{
    const struct metrics *metrics = &d->report.outcome->metrics;
    struct stored_metric *all = ARENA_ARRAY(arena, struct stored_metric, METRIC_COUNT);
    struct stored_failure *failures = ARENA_ARRAY(arena, struct stored_failure, FAILURE_COUNT);
    struct stored_load load = {
        .verdict = slice_str(verdict_words[d->judgement.verdict].name),
        .reasons = d->judgement.reason_count ? SLICE("[\"a reason\"]") : SLICE("[]"),
        .outcome = jsontext_write(arena, jsontext_keep(arena, keep_outcome(d->report.outcome))),
        .metrics = all,
        .failures = failures,
    };
    for (int i = 0; i < METRIC_COUNT; i++) {
        const struct histogram *h = &metrics->histograms[i];
        struct text t = text_in(arena);
        if (h->count == 0)
            continue;
        keep_histogram(&t, h);
        all[load.metric_count++] = (struct stored_metric){.name = slice_str(metric_kinds[i].name),
                                                          .count = (int64_t)h->count,
                                                          .histogram = text_slice(&t)};
    }
    for (int i = 1; i < FAILURE_COUNT; i++)
        if (metrics->failures[i])
            failures[load.failure_count++] = (struct stored_failure){
                slice_str(failure_kinds[i].name), {0}, (int64_t)metrics->failures[i]};
    return store_load_end(store, &d->run, &load);
}

static struct stored_second row_of(struct arena *arena, const struct timeline_row *row)
{
    struct load_second *second = ARENA_NEW(arena, struct load_second);
    second_clear(second);
    for (int i = 0; i < SECOND_METRICS; i++)
        sparse_spread(&row->metrics[i], &second->measured[i]);
    memcpy(second->failures, row->failures, sizeof(second->failures));
    return (struct stored_second){
        .at = row->to,
        .span = row->to - row->from,
        .started = (int64_t)row->started,
        .answered = (int64_t)row->answered,
        .failed = (int64_t)row->failed,
        .failures = jsontext_write(arena, jsontext_keep(arena, keep_failures(second))),
        .histograms = jsontext_write(arena, jsontext_keep(arena, keep_second(second))),
    };
}

struct result made_load_store(struct store *store, const struct made_load *how)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    DEFER(load_data_free)
    struct load_data *d = made_load_data(arena, how);
    TRY(store_load_begin(store, &d->run, d->name, jsontext_write(arena, d->parameters)));
    for (size_t i = 0; i < d->timeline->count; i++) {
        struct stored_second second = row_of(arena, &d->timeline->rows[i]);
        TRY(store_load_second(store, d->run.id, (int64_t)i + 1, &second));
    }
    return how->cut ? RESULT_OK : end_load(store, arena, d);
}
