/*
 * The recorder. The loop hands over results; one thread takes all that are waiting, commits them
 * and hands them back; the loop then tells the sinks. The faster cases finish, the more of them
 * share a commit, so the cost of an fsync per case falls as the load rises.
 */
#include "record/recorder.h"

#include <stdio.h>

#include "core/memory.h"
#include "core/text.h"

/* A progress line that moves more often is restless; less often looks stuck. */
#define TICK_MS 100

/* Commits follow each other by at least this much, so that under load each takes many results: a
   commit costs some 0.3 ms of processor time whatever is in it. A lone result does not wait. */
#define COMMIT_INTERVAL (5 * NS_PER_MS)

#define RECORDER_MAGIC 0x7265636fu

struct batch {
    struct case_result **results;
    size_t count, capacity;
};

/* Service changes and notes on their own wait this long for results to be committed with. */
#define EVENT_INTERVAL (100 * NS_PER_MS)

/* Service changes and notes, with the arena that holds them; NULL while there are none. */
struct event_batch {
    struct arena *arena;
    const struct event **events;
    size_t count, capacity;
    int64_t due; /* when they are committed at the latest, if they are alone */
};

/* A failure as it travels between threads; `error_last` is per thread. */
struct failure {
    enum error_code code;
    char text[sizeof(((struct error *)NULL)->text)];
};

/* Of results that are lost, so much is told. */
#define LOST_SHOWN 300

struct recorder {
    uint32_t magic;
    struct store *store;
    struct sink **sinks;
    size_t sink_count;
    const struct redactor *redactor;
    struct arena *arena; /* the run's texts, without secrets */
    struct run_info run;
    void (*committed)(void *context, struct result result);
    void *context;
    size_t pending;
    struct failure first; /* what recorder_end returns */
    struct batch delivering;

    uv_async_t wake;
    uv_timer_t ticker;
    int open_handles;
    uv_thread_t writer;
    bool writing; /* the thread was started and not yet joined */

    uv_mutex_t mutex; /* guards what follows */
    uv_cond_t work;
    struct batch queue, done;
    struct event_batch happened;
    struct failure store_failure; /* of the commits since the last delivery */
    size_t lost;                  /* results that could not be kept … */
    char lost_keys[LOST_SHOWN];   /* … and the first of them, with commas between */
    bool stop;
};

static void remember(struct failure *failure, struct result result)
{
    if (result_ok(result) || failure->code != ERR_OK)
        return;
    failure->code = result.code;
    memcpy(failure->text, error_last()->text, sizeof(failure->text));
}

static struct result as_result(const struct failure *failure)
{
    return failure->code == ERR_OK ? RESULT_OK : error_set(failure->code, "%s", failure->text);
}

static void batch_add(struct batch *batch, struct case_result *result)
{
    GROW(batch->results, batch->count, batch->capacity);
    batch->results[batch->count++] = result;
}

static void event_batch_add(struct event_batch *batch, const struct event *event)
{
    if (!batch->arena) {
        batch->arena = arena_new();
        batch->due = clock_now() + EVENT_INTERVAL;
    }
    struct event *copy = ARENA_NEW(batch->arena, struct event);
    *copy = *event;
    copy->run = NULL;
    if (copy->kind == EVENT_NOTE) {
        copy->note = arena_copy(batch->arena, event->note);
    } else if (copy->kind == EVENT_SAMPLES) {
        struct samples *s = &copy->samples;
        struct sample *items = ARENA_ARRAY(batch->arena, struct sample, s->count);
        memcpy(items, s->items, s->count * sizeof(*items));
        s->items = items;
        s->name = arena_copy(batch->arena, s->name);
    } else if (copy->kind == EVENT_ANOMALY || copy->kind == EVENT_BOTTLENECK) {
        struct anomaly *a = &copy->anomaly;
        struct slice *texts[] = {&a->kind, &a->subject, &a->text, &a->evidence};
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
            *texts[i] = arena_copy(batch->arena, *texts[i]);
    } else {
        struct slice *texts[] = {&copy->service.name, &copy->service.state, &copy->service.detail,
                                 &copy->service.log};
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
            *texts[i] = arena_copy(batch->arena, *texts[i]);
    }
    GROW(batch->events, batch->count, batch->capacity);
    batch->events[batch->count++] = copy;
}

static void event_batch_clear(struct event_batch *batch)
{
    arena_free(batch->arena);
    batch->arena = NULL;
    batch->count = 0;
}

static void batch_swap(struct batch *a, struct batch *b)
{
    struct batch t = *a;
    *a = *b;
    *b = t;
}

/* --- the writer's thread --- */

/* What is shown to have finished and is not kept has to be told. */
static void count_lost(struct recorder *r, const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct slice key = batch->results[i]->key;
        size_t used = strlen(r->lost_keys);
        r->lost++;
        if (used + key.len + sizeof(", …") < LOST_SHOWN)
            snprintf(r->lost_keys + used, LOST_SHOWN - used, "%s%.*s", used ? ", " : "",
                     SLICE_ARG(key));
        else if (used && r->lost_keys[used - 1] != '.')
            snprintf(r->lost_keys + used, LOST_SHOWN - used, " ...");
    }
}

static void hand_back(struct recorder *r, struct batch *written, struct result result)
{
    uv_mutex_lock(&r->mutex);
    if (!result_ok(result))
        count_lost(r, written);
    for (size_t i = 0; i < written->count; i++)
        batch_add(&r->done, written->results[i]);
    remember(&r->store_failure, result);
    uv_mutex_unlock(&r->mutex);
    written->count = 0;
    uv_async_send(&r->wake);
}

/* Take what is waiting, not before `earliest` unless the run ends; nothing when it has ended. */
static void await_work(struct recorder *r, struct batch *batch, struct event_batch *happened,
                       int64_t earliest)
{
    uv_mutex_lock(&r->mutex);
    while (!r->stop) {
        bool alone = r->queue.count == 0;
        int64_t due = alone && r->happened.due > earliest ? r->happened.due : earliest;
        int64_t early_by = due - clock_now();
        if (alone && r->happened.count == 0)
            uv_cond_wait(&r->work, &r->mutex);
        else if (early_by > 0)
            uv_cond_timedwait(&r->work, &r->mutex, (uint64_t)early_by);
        else
            break;
    }
    batch_swap(batch, &r->queue);
    struct event_batch taken = r->happened;
    r->happened = *happened;
    *happened = taken;
    uv_mutex_unlock(&r->mutex);
}

struct work {
    struct slice run_id;
    struct batch results;
    struct event_batch happened;
};

static struct result write_work(struct store *store, void *context)
{
    const struct work *w = context;
    if (w->happened.count)
        TRY(store_events(store, w->run_id, w->happened.events, w->happened.count));
    if (w->results.count == 0)
        return RESULT_OK;
    return store_results(store, w->run_id, (const struct case_result *const *)w->results.results,
                         w->results.count);
}

static void write_results(void *argument)
{
    struct recorder *r = argument;
    struct work work = {.run_id = r->run.id};
    int64_t earliest = 0;

    for (;;) {
        await_work(r, &work.results, &work.happened, earliest);
        if (work.results.count + work.happened.count == 0)
            break;
        earliest = clock_now() + COMMIT_INTERVAL;
        struct result result = RESULT_OK;
        if (r->store)
            result = store_transaction(r->store, write_work, &work);
        event_batch_clear(&work.happened);
        hand_back(r, &work.results, result);
    }
    mem_free(work.results.results);
    mem_free(work.happened.events);
}

/* --- the loop's side --- */

static void tell(struct recorder *r, struct event *event)
{
    event->run = &r->run;
    if (event->at_wall == 0)
        event->at_wall = clock_wall();
    for (size_t i = 0; i < r->sink_count; i++)
        r->sinks[i]->event(r->sinks[i], event);
}

static void deliver(struct recorder *r)
{
    struct failure failure;
    struct batch *batch = &r->delivering;

    uv_mutex_lock(&r->mutex);
    batch_swap(batch, &r->done);
    failure = r->store_failure;
    r->store_failure.code = ERR_OK;
    uv_mutex_unlock(&r->mutex);
    if (batch->count == 0 && failure.code == ERR_OK)
        return;

    struct result result = as_result(&failure);
    remember(&r->first, result);
    for (size_t i = 0; i < batch->count; i++) {
        struct case_result *finished = batch->results[i];
        run_count(&r->run, finished);
        tell(r, &(struct event){.kind = EVENT_CASE_FINISHED, .finished = finished});
        arena_free(finished->arena);
    }
    r->pending -= batch->count;
    if (batch->count && r->pending == 0)
        uv_unref((uv_handle_t *)&r->wake);
    batch->count = 0;
    if (r->committed)
        r->committed(r->context, as_result(&failure));
}

static void on_wake(uv_async_t *handle)
{
    struct recorder *r = handle->data;
    MAGIC_CHECK(r, RECORDER_MAGIC);
    deliver(r);
}

static void on_tick(uv_timer_t *handle)
{
    struct recorder *r = handle->data;
    MAGIC_CHECK(r, RECORDER_MAGIC);
    int64_t now = clock_now();
    for (size_t i = 0; i < r->sink_count; i++)
        if (r->sinks[i]->tick)
            r->sinks[i]->tick(r->sinks[i], now);
}

struct recorder *recorder_new(uv_loop_t *loop, struct store *store, struct sink *const *sinks,
                              size_t sink_count, const struct redactor *redactor)
{
    struct recorder *r = NEW(struct recorder);
    r->magic = RECORDER_MAGIC;
    r->store = store;
    r->sinks = mem_alloc((sink_count + 1) * sizeof(struct sink *));
    for (size_t i = 0; i < sink_count; i++)
        r->sinks[i] = sinks[i];
    r->sink_count = sink_count;
    r->redactor = redactor;
    r->arena = arena_new();
    MUST(uv_mutex_init(&r->mutex) == 0, "no mutex");
    MUST(uv_cond_init(&r->work) == 0, "no condition");
    MUST(uv_async_init(loop, &r->wake, on_wake) == 0, "no wake-up for the loop");
    uv_timer_init(loop, &r->ticker);
    r->open_handles = 2;
    r->wake.data = r->ticker.data = r;
    /* Neither keeps the loop alive by itself: only results under way do. */
    uv_unref((uv_handle_t *)&r->wake);
    uv_unref((uv_handle_t *)&r->ticker);
    return r;
}

/* A copy of what is known of the run, without secrets; nothing has finished yet. */
static void keep_run(struct recorder *r, const struct run_info *run)
{
    r->run = *run;
    struct slice *texts[] = {&r->run.command, &r->run.host, &r->run.version, &r->run.machine};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct slice clean = redact_text(r->redactor, r->arena, *texts[i]);
        *texts[i] = arena_copy(r->arena, utf8_repaired(r->arena, clean));
    }
    r->run.id = arena_copy(r->arena, run->id);
    if (run->options) {
        struct slice options = jsontext_write(r->arena, run->options);
        struct slice clean = redact_text(r->redactor, r->arena, options);
        struct result read = jsontext_read_in(r->arena, clean, &r->run.options);
        if (!result_ok(read)) /* a secret cut a JSON escape in two: better nothing than a part */
            r->run.options = NULL;
    }
    memset(r->run.counts, 0, sizeof(r->run.counts));
    r->run.slow = r->run.flaky = r->run.leaky = r->run.timed_out = 0;
    r->run.duration = 0;
    r->run.exit_status = -1;
}

static void tell_earlier(void *context, const struct case_result *result)
{
    struct recorder *r = context;
    run_count(&r->run, result);
    tell(r, &(struct event){.kind = EVENT_CASE_FINISHED,
                            .earlier = true,
                            .at_wall = result->started_wall + result->duration,
                            .finished = result});
}

static struct result begin_store(struct recorder *r, const struct planned_case *cases, size_t count,
                                 bool resumed)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    if (resumed)
        return store_resume(r->store, r->run.id);
    struct planned_case *clean = ARENA_ARRAY(arena, struct planned_case, count + 1);
    for (size_t i = 0; i < count; i++)
        clean[i] = (struct planned_case){redact_name(r->redactor, arena, cases[i].key),
                                         redact_name(r->redactor, arena, cases[i].id),
                                         redact_name(r->redactor, arena, cases[i].suite)};
    return store_begin(r->store, &r->run, clean, count);
}

struct result recorder_begin(struct recorder *r, const struct run_info *run,
                             const struct planned_case *cases, size_t count, bool resumed)
{
    MAGIC_CHECK(r, RECORDER_MAGIC);
    MUST(!r->writing, "a run has begun already");
    keep_run(r, run);
    if (r->store)
        TRY(begin_store(r, cases, count, resumed));
    tell(r, &(struct event){.kind = EVENT_RUN_STARTED, .at_wall = r->run.started_wall});
    if (r->store && resumed)
        TRY(store_visit(r->store, r->run.id, tell_earlier, r));
    int rc = uv_thread_create(&r->writer, write_results, r);
    ENSURE(rc == 0, ERR_IO, "cannot start the thread that stores results: %s", uv_strerror(rc));
    r->writing = true;
    uv_timer_start(&r->ticker, on_tick, TICK_MS, TICK_MS);
    uv_unref((uv_handle_t *)&r->ticker);
    return RESULT_OK;
}

/* For the store, with the next commit. */
static void keep_event(struct recorder *r, const struct event *event)
{
    if (!r->store || r->stop)
        return;
    uv_mutex_lock(&r->mutex);
    event_batch_add(&r->happened, event);
    uv_cond_signal(&r->work);
    uv_mutex_unlock(&r->mutex);
}

void recorder_emit(struct recorder *r, const struct event *event)
{
    MAGIC_CHECK(r, RECORDER_MAGIC);
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct event copy = *event;

    if (copy.kind == EVENT_SERVICE) {
        copy.service.name = redact_text(r->redactor, arena, copy.service.name);
        copy.service.detail = redact_exchange(r->redactor, arena, copy.service.detail);
        copy.service.log = redact_exchange(r->redactor, arena, copy.service.log);
    } else if (copy.kind == EVENT_CASE_STARTED) {
        copy.started.key = redact_name(r->redactor, arena, copy.started.key);
        copy.started.id = redact_name(r->redactor, arena, copy.started.id);
    } else if (copy.kind == EVENT_NOTE) {
        copy.note = redact_exchange(r->redactor, arena, copy.note);
    } else if (copy.kind == EVENT_SAMPLES) {
        copy.samples.name = redact_text(r->redactor, arena, copy.samples.name);
    } else if (copy.kind == EVENT_ANOMALY || copy.kind == EVENT_BOTTLENECK) {
        copy.anomaly.subject = redact_text(r->redactor, arena, copy.anomaly.subject);
        copy.anomaly.text = redact_text(r->redactor, arena, copy.anomaly.text);
        copy.anomaly.evidence = redact_text(r->redactor, arena, copy.anomaly.evidence);
    } else if (copy.kind == EVENT_RESOURCES) {
        copy.resources.name = redact_text(r->redactor, arena, copy.resources.name);
    } else {
        MUST(false, "event %s is the recorder's own", event_kind_name(copy.kind));
    }
    if (copy.at_wall == 0)
        copy.at_wall = clock_wall();
    if (copy.kind != EVENT_CASE_STARTED && copy.kind != EVENT_RESOURCES)
        keep_event(r, &copy);
    if (copy.kind != EVENT_SAMPLES)
        tell(r, &copy);
}

void recorder_case(struct recorder *r, struct case_result *result)
{
    MAGIC_CHECK(r, RECORDER_MAGIC);
    MUST(r->writing, "no run has begun");
    redact_result(r->redactor, result);
    if (r->pending++ == 0)
        uv_ref((uv_handle_t *)&r->wake);
    uv_mutex_lock(&r->mutex);
    batch_add(&r->queue, result);
    uv_cond_signal(&r->work);
    uv_mutex_unlock(&r->mutex);
}

void recorder_on_commit(struct recorder *r, void (*committed)(void *context, struct result result),
                        void *context)
{
    r->committed = committed;
    r->context = context;
}

size_t recorder_pending(const struct recorder *r)
{
    return r->pending;
}

static void stop_writer(struct recorder *r)
{
    if (!r->writing)
        return;
    uv_mutex_lock(&r->mutex);
    r->stop = true;
    uv_cond_signal(&r->work);
    uv_mutex_unlock(&r->mutex);
    uv_thread_join(&r->writer);
    r->writing = false;
    uv_timer_stop(&r->ticker);
}

static void close_sinks(struct recorder *r)
{
    for (size_t i = 0; i < r->sink_count; i++)
        remember(&r->first, r->sinks[i]->close(r->sinks[i]));
    r->sink_count = 0;
}

struct result recorder_end(struct recorder *r, struct run_info *run)
{
    MAGIC_CHECK(r, RECORDER_MAGIC);
    MUST(r->writing, "no run has begun");
    stop_writer(r);
    deliver(r);
    r->run.duration = run->duration;
    r->run.exit_status = run->exit_status;
    if (r->store)
        remember(&r->first, store_end(r->store, &r->run));
    tell(r, &(struct event){.kind = EVENT_RUN_FINISHED,
                            .at_wall = r->run.started_wall + r->run.duration});
    memcpy(run->counts, r->run.counts, sizeof(run->counts));
    run->slow = r->run.slow;
    run->flaky = r->run.flaky;
    run->leaky = r->run.leaky;
    run->timed_out = r->run.timed_out;
    close_sinks(r);
    if (r->lost == 0 || r->first.code == ERR_OK)
        return as_result(&r->first);
    return error_set(r->first.code, "%s; %zu result%s that finished %s not kept: %s", r->first.text,
                     r->lost, r->lost == 1 ? "" : "s", r->lost == 1 ? "is" : "are", r->lost_keys);
}

static void on_closed(uv_handle_t *handle)
{
    struct recorder *r = handle->data;
    if (--r->open_handles)
        return;
    uv_mutex_destroy(&r->mutex);
    uv_cond_destroy(&r->work);
    event_batch_clear(&r->happened);
    mem_free(r->happened.events);
    mem_free(r->queue.results);
    mem_free(r->done.results);
    mem_free(r->delivering.results);
    mem_free(r->sinks);
    arena_free(r->arena);
    mem_free(r);
}

void recorder_free(struct recorder *r)
{
    if (!r)
        return;
    MAGIC_CHECK(r, RECORDER_MAGIC);
    stop_writer(r);
    deliver(r);
    close_sinks(r);
    store_close(r->store);
    r->store = NULL;
    uv_close((uv_handle_t *)&r->wake, on_closed);
    uv_close((uv_handle_t *)&r->ticker, on_closed);
}
