/*
 * Samples are taken from the sampler every TAKE_MS: they are in no hurry, and the store writes them
 * with the results of that time.
 */
#include "run/metering.h"

#include "core/memory.h"

#define TAKE_MS 5000
/* Rows of one run in the store: an hour of a hundred services. */
#define SAMPLES_MAX 400000u

struct metering {
    struct recorder *recorder;
    const struct run_info *run;
    struct measure *measure;
    uv_timer_t *timer;
    struct arena *arena;
    struct resources *all; /* by name */
    size_t count, capacity, kept;
};

static void emit(struct metering *m, struct event *event)
{
    event->at_wall = clock_wall();
    event->run = m->run;
    recorder_emit(m->recorder, event);
}

static void note(void *context, const char *text)
{
    emit(context, &(struct event){.kind = EVENT_NOTE, .note = slice_str(text)});
}

static void samples(void *context, const struct samples *samples)
{
    struct metering *m = context;
    if (m->kept >= SAMPLES_MAX)
        return;
    m->kept += samples->count;
    emit(m, &(struct event){.kind = EVENT_SAMPLES, .samples = *samples});
    if (m->kept >= SAMPLES_MAX)
        note(m, "there are so many samples that no more of them are stored");
}

/* In the order in which names are first heard of. */
static struct resources *sum_of(struct metering *m, struct slice name)
{
    size_t i = 0;
    while (i < m->count && !slice_eq(m->all[i].name, name))
        i++;
    if (i == m->count) {
        GROW(m->all, m->count, m->capacity);
        m->all[m->count++] = (struct resources){.name = arena_copy(m->arena, name)};
    }
    return &m->all[i];
}

static void resources(void *context, const struct resources *resources)
{
    if (resources->samples) /* else it ended before it was looked at */
        resources_merge(sum_of(context, resources->name), resources);
}

static void anomaly(void *context, const struct anomaly *anomaly)
{
    emit(context, &(struct event){.kind = EVENT_ANOMALY, .anomaly = *anomaly});
}

static void collect(struct metering *m)
{
    const struct measure_news news = {m, samples, resources, anomaly, note};
    measure_take(m->measure, &news);
}

static void on_timer(uv_timer_t *timer)
{
    collect(timer->data);
}

static void on_closed(uv_handle_t *timer)
{
    mem_free(timer);
}

struct metering *metering_new(uv_loop_t *loop, struct recorder *recorder,
                              const struct run_info *run, int64_t interval)
{
    struct metering *m = NEW(struct metering);
    m->recorder = recorder;
    m->run = run;
    if (!result_ok(measure_start(interval, &m->measure))) {
        note(m, error_last()->text);
        mem_free(m);
        return NULL;
    }
    m->arena = arena_new();
    (void)sum_of(m, SLICE("assay"));
    m->timer = NEW(uv_timer_t);
    uv_timer_init(loop, m->timer);
    m->timer->data = m;
    uv_timer_start(m->timer, on_timer, TAKE_MS, TAKE_MS);
    uv_unref((uv_handle_t *)m->timer); /* it alone keeps no run alive */
    return m;
}

struct measure_subject *metering_add(struct metering *m, struct slice name, uint32_t instance,
                                     pid_t keeper, pid_t pid)
{
    if (!m)
        return NULL;
    (void)sum_of(m, name);
    return measure_add(m->measure, name, instance, keeper, pid);
}

void metering_end(struct metering *m)
{
    if (!m)
        return;
    uv_close((uv_handle_t *)m->timer, on_closed);
    measure_stop(m->measure);
    collect(m);
    for (size_t i = 0; i < m->count; i++)
        if (m->all[i].samples)
            emit(m, &(struct event){.kind = EVENT_RESOURCES, .resources = m->all[i]});
    measure_free(m->measure);
    mem_free(m->all);
    arena_free(m->arena);
    mem_free(m);
}
