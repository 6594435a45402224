/*
 * The thread of a stage has a loop and a pool of services (run/pool.h). What others look at is
 * handed over under a mutex: that the services are ready, or why not, and that one died.
 */
#include "run/stage.h"

#include <pthread.h>
#include <time.h>

#include "core/memory.h"
#include "run/scope.h"

#define LOOK_NS (50 * NS_PER_MS)

struct stage {
    const struct plan *plan;
    struct plan_case *const *wanted;
    size_t count;
    struct arena *arena; /* the thread's until it is ready, nobody's afterwards */
    struct staged *cases;
    pthread_t thread;
    bool started;

    pthread_mutex_t mutex;
    enum { STAGE_STARTING, STAGE_READY, STAGE_FAILED } state;
    struct result result; /* of STAGE_FAILED */
    char *why;            /* of STAGE_FAILED, or why a service died */
    struct place place;

    /* The thread's own. */
    uv_loop_t loop;
    uv_async_t end;
    struct recorder *recorder;
    struct run_info info;
    struct pool *pool;
    struct lease **leases;
    size_t ready, released;
    bool ending;
};

static void fail(struct stage *stage, struct result result, const char *why, struct place place)
{
    pthread_mutex_lock(&stage->mutex);
    if (!stage->why)
        stage->why = mem_string(why);
    if (stage->state == STAGE_STARTING) {
        stage->state = STAGE_FAILED;
        stage->result = result;
        stage->place = place;
    }
    pthread_mutex_unlock(&stage->mutex);
}

static void fail_with_last_error(struct stage *stage, struct result result)
{
    fail(stage, result, error_last()->text, error_last()->place);
}

/* ── filling, when the services' ports are known ── */

static struct result fill(struct stage *stage, size_t i)
{
    const struct plan_case *pc = stage->wanted[i];
    const struct plan_step *step = &pc->steps[0];
    struct scope scope = scope_new(stage->arena, pc, stage->leases[i], 1, 0, NULL);
    struct staged *staged = &stage->cases[i];
    scope.partial = pc->given != NULL;
    staged->pc = pc;
    TRY(scope_fill(&scope, step->node, &staged->node));
    if (!step->service)
        return RESULT_OK;
    const char *url = service_url(lease_service(stage->leases[i], step->service));
    staged->base_url = arena_copy(stage->arena, slice_str(url));
    return RESULT_OK;
}

static void on_ready(void *context, const char *why, enum error_code code)
{
    struct stage *stage = context;
    struct result result = RESULT_OK;
    if (why) {
        fail(stage, (struct result){code}, why, (struct place){0});
        return;
    }
    if (++stage->ready < stage->count)
        return;
    for (size_t i = 0; i < stage->count && result_ok(result); i++)
        result = fill(stage, i);
    if (!result_ok(result)) {
        fail_with_last_error(stage, result);
        return;
    }
    pthread_mutex_lock(&stage->mutex);
    if (stage->state == STAGE_STARTING)
        stage->state = STAGE_READY;
    pthread_mutex_unlock(&stage->mutex);
}

static void on_died(void *context, const char *why)
{
    struct stage *stage = context;
    fail(stage, (struct result){ERR_DIED}, why, (struct place){0});
}

/* ── the thread ── */

static void on_stopped(void *context)
{
    struct stage *stage = context;
    uv_close((uv_handle_t *)&stage->end, NULL);
}

static void on_released(void *context, bool leaky)
{
    struct stage *stage = context;
    (void)leaky;
    if (++stage->released == stage->count)
        pool_stop(stage->pool, on_stopped, stage);
}

static void on_end(uv_async_t *end)
{
    struct stage *stage = end->data;
    if (stage->ending)
        return;
    stage->ending = true;
    for (size_t i = 0; i < stage->count; i++)
        lease_release(stage->leases[i], on_released, stage);
}

static void *run(void *argument)
{
    struct stage *stage = argument;
    struct lease_events events = {.context = stage, .on_ready = on_ready, .on_died = on_died};
    stage->pool = pool_new(&stage->loop, stage->plan, stage->recorder, &stage->info, NULL);
    for (size_t i = 0; i < stage->count; i++)
        pool_lease(stage->pool, stage->wanted[i], stage->arena, events, &stage->leases[i]);
    uv_run(&stage->loop, UV_RUN_DEFAULT);
    pool_free(stage->pool);
    recorder_free(stage->recorder);
    uv_run(&stage->loop, UV_RUN_DEFAULT);
    return NULL;
}

/* ── from outside ── */

static int state_of(struct stage *stage)
{
    pthread_mutex_lock(&stage->mutex);
    int state = (int)stage->state;
    pthread_mutex_unlock(&stage->mutex);
    return state;
}

static struct result start_thread(struct stage *stage)
{
    uv_loop_init(&stage->loop);
    uv_async_init(&stage->loop, &stage->end, on_end);
    stage->end.data = stage;
    stage->recorder = recorder_new(&stage->loop, NULL, NULL, 0, NULL);
    int fault = pthread_create(&stage->thread, NULL, run, stage);
    stage->started = fault == 0;
    ENSURE(stage->started, ERR_IO, "a thread cannot be had: %s", strerror(fault));
    return RESULT_OK;
}

struct result stage_begin(const struct plan *plan, struct plan_case *const *cases, size_t count,
                          const sigset_t *signals, struct stage **out)
{
    struct stage *stage = NEW(struct stage);
    *out = stage;
    stage->plan = plan;
    stage->wanted = cases;
    stage->count = count;
    stage->arena = arena_new();
    stage->cases = ARENA_ARRAY(stage->arena, struct staged, count + 1);
    stage->leases = ARENA_ARRAY(stage->arena, struct lease *, count + 1);
    pthread_mutex_init(&stage->mutex, NULL);
    TRY(start_thread(stage));
    while (state_of(stage) == STAGE_STARTING) {
        struct timespec time = {0, LOOK_NS};
        if (sigtimedwait(signals, NULL, &time) > 0)
            return error_set(ERR_CANCELLED, "interrupted while services were started");
    }
    if (state_of(stage) == STAGE_READY)
        return RESULT_OK;
    return error_at(stage->result.code, stage->place, "%s", stage->why);
}

const struct staged *stage_cases(const struct stage *stage)
{
    return stage->cases;
}

const char *stage_loss(struct stage *stage)
{
    pthread_mutex_lock(&stage->mutex);
    const char *why = stage->why;
    pthread_mutex_unlock(&stage->mutex);
    return why;
}

void stage_end(struct stage *stage)
{
    if (!stage)
        return;
    if (stage->started) {
        uv_async_send(&stage->end);
        pthread_join(stage->thread, NULL);
        uv_loop_close(&stage->loop);
    }
    pthread_mutex_destroy(&stage->mutex);
    arena_free(stage->arena);
    mem_free(stage->why);
    mem_free(stage);
}

void stage_end_pointer(struct stage **stage)
{
    stage_end(*stage);
}
