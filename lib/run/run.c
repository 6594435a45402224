/*
 * The scheduler.
 */
#include "run/run.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/log.h"
#include "core/memory.h"
#include "core/text.h"
#include "net/client.h"
#include "run/bottleneck.h"
#include "run/case_run.h"
#include "run/metering.h"

enum progress { WAITING, RUNNING, OVER };

/* Why the scan for cases that can begin ended before its end: everything behind waits for it. */
enum hold_up { HOLD_UP_NONE, HOLD_UP_JOBS, HOLD_UP_ALONE, HOLD_UP_STORE, HOLD_UP_COUNT };

/* ns of each so far. */
struct hold_ups {
    int64_t time[HOLD_UP_COUNT];
};

/* Waits shorter than this are nobody's doing. */
#define HELD_BY_MIN NS_PER_MS

/* A case of the plan as the run sees it. */
struct entry {
    struct run *run;
    const struct plan_case *pc;
    struct case_run *case_run; /* while it runs */
    enum progress progress;
    enum case_status status;  /* when over */
    const char *reason;       /* when it was not run: why; else NULL */
    uint32_t slot;            /* while it runs */
    int64_t begun;            /* 0: it was not */
    int64_t ended;            /* when over */
    struct hold_ups hold_ups; /* of the run, when over: what a case that needs it counts from */
    const struct plan_resource *short_of; /* it could begin but for this one, when last looked at */
    int64_t short_since, short_time;      /* since when, and how long before that */
    struct entry *previous, *next;        /* among those that wait */
};

struct run {
    struct run_options o;
    struct arena *arena;
    struct client *client;
    struct models **models;        /* by suite */
    struct metering *metering;     /* NULL: nothing is measured, */
    struct bottleneck *bottleneck; /* and where time goes is not looked at */
    struct pool *pool;
    struct entry *entries; /* in the order in which they begin; plan_case.mark is the index */
    struct entry *waiting;
    size_t over;
    int64_t *held; /* by resource */
    bool *slots;   /* taken or not, by job */
    uint32_t running;
    bool isolated;   /* a case that must be alone runs */
    bool scheduling; /* a scan is under way: what ends within it asks for another one */
    bool again;
    const char *ending; /* nothing more begins, and why; else NULL */
    bool interrupted;
    bool spent;    /* a case was not begun because a budget was spent */
    bool stopping; /* all cases are over, the services are being stopped */
    size_t failed, errors;
    int64_t started;
    enum hold_up hold_up; /* how the last scan ended, */
    int64_t held_up_since;
    struct hold_ups hold_ups; /* and those before it */
};

static void schedule(struct run *run);

static int by_order(const void *x, const void *y)
{
    const struct entry *a = x, *b = y;
    int order = plan_order(a->pc, b->pc);
    /* As written, when nothing else decides. */
    return order ? order : (a->pc->mark > b->pc->mark) - (a->pc->mark < b->pc->mark);
}

static void unlink_waiting(struct entry *e)
{
    if (e->previous)
        e->previous->next = e->next;
    else
        e->run->waiting = e->next;
    if (e->next)
        e->next->previous = e->previous;
}

/* ── what cases wait for ── */

static struct hold_ups hold_ups_until(const struct run *run, int64_t now)
{
    struct hold_ups sum = run->hold_ups;
    sum.time[run->hold_up] += now - run->held_up_since;
    return sum;
}

static void set_hold_up(struct run *run, enum hold_up why)
{
    if (why == run->hold_up)
        return;
    int64_t now = clock_now();
    run->hold_ups = hold_ups_until(run, now);
    run->hold_up = why;
    run->held_up_since = now;
}

static void set_short_of(struct entry *e, const struct plan_resource *resource)
{
    if (e->short_of == resource)
        return;
    int64_t now = clock_now();
    if (e->short_of)
        e->short_time += now - e->short_since;
    e->short_of = resource;
    e->short_since = now;
}

/* The need that ended last; NULL when it has none. */
static const struct entry *last_need(const struct entry *e)
{
    const struct entry *last = NULL;
    for (size_t i = 0; i < e->pc->need_count; i++) {
        const struct entry *need = &e->run->entries[e->pc->needs[i]->mark];
        if (!last || need->ended > last->ended)
            last = need;
    }
    return last;
}

/*
 * What a case that begins now has waited for longest. Its time in the queue has two parts: until
 * its last need ended, and from then on; of the second part the run knows how long it was held up
 * by what, and the case how long it was short of a resource.
 */
static struct slice held_by(struct entry *e, int64_t now)
{
    struct run *run = e->run;
    const struct entry *need = last_need(e);
    const struct plan_resource *resource = e->short_of;
    struct hold_ups from = need ? need->hold_ups : (struct hold_ups){0};
    struct hold_ups to = hold_ups_until(run, now);
    int64_t ready = need ? need->ended : run->started, waits[4], most = ready - run->started;
    set_short_of(e, NULL);
    waits[0] = e->short_time;
    waits[1] = to.time[HOLD_UP_ALONE] - from.time[HOLD_UP_ALONE];
    waits[2] = to.time[HOLD_UP_STORE] - from.time[HOLD_UP_STORE];
    waits[3] = to.time[HOLD_UP_JOBS] - from.time[HOLD_UP_JOBS];
    size_t longest = 4;
    for (size_t i = 0; i < 4; i++) {
        if (waits[i] > most) {
            most = waits[i];
            longest = i;
        }
    }
    if (most < HELD_BY_MIN)
        return (struct slice){0};
    static const char *const names[] = {NULL, "isolation", "the store", "jobs"};
    if (longest == 4)
        return slice_str(arena_printf(run->arena, "need %.*s", SLICE_ARG(need->pc->id)));
    if (longest == 0)
        return slice_str(arena_printf(run->arena, "resource %.*s", SLICE_ARG(resource->name)));
    return slice_str(names[longest]);
}

/* ── ends ── */

static void add_rerun(const struct run *run, struct case_result *result)
{
    if (result->status != CASE_FAILED && result->status != CASE_ERROR)
        return;
    struct text command = text_in(result->arena);
    text_add_str(&command, "assay run ");
    text_add_shell(&command, result->file);
    text_add_str(&command, " --case ");
    text_add_shell(&command, result->id);
    text_add_str(&command, run->o.rerun_arguments);
    result->rerun = text_slice(&command);
}

static void judge_flaky(const struct run *run, struct case_result *result)
{
    if (!run->o.flaky_fails || !(result->flags & CASE_FLAKY))
        return;
    result->status = CASE_FAILED;
    result->reason = SLICE("it passed only after a failed attempt, and --flaky=fail is set");
}

/* Does the failure of a case, if it is one, fail the run? What is in quarantine says so itself. */
static bool failure_counts(struct run *run, struct case_result *result)
{
    bool counts = true;
    if ((result->status != CASE_FAILED && result->status != CASE_ERROR) || !run->o.quarantine)
        return true;
    const char *remark = run->o.quarantine(run->o.context, result->key, result->arena, &counts);
    if (remark)
        result->reason =
            slice_str(arena_printf(result->arena, "%s: %.*s", remark, SLICE_ARG(result->reason)));
    return counts;
}

static void case_over(struct entry *e, struct case_result *result)
{
    struct run *run = e->run;
    judge_flaky(run, result);
    add_rerun(run, result);
    bool counts = failure_counts(run, result);
    run->failed += counts && result->status == CASE_FAILED;
    run->errors += counts && result->status == CASE_ERROR;
    e->progress = OVER;
    e->status = result->status;
    e->ended = clock_now();
    e->hold_ups = hold_ups_until(run, e->ended);
    run->over++;
    log_debug("run", "case %.*s: %s", SLICE_ARG(e->pc->key), case_status_name(result->status));
    pool_case_over(run->pool, e->pc);
    if (run->bottleneck)
        bottleneck_case(run->bottleneck, e->pc, result, e->begun, e->ended);
    recorder_case(run->o.recorder, result);
    if (run->o.max_failures && run->failed + run->errors >= run->o.max_failures && !run->ending)
        run->ending =
            arena_printf(run->arena, "the run ended early, after %zu %s", run->failed + run->errors,
                         run->failed + run->errors == 1 ? "failure" : "failures");
    schedule(run);
}

static void not_run(struct entry *e, enum case_status status, const char *reason)
{
    e->reason = reason;
    unlink_waiting(e);
    case_over(e, case_not_run(e->pc, status, reason));
}

static void on_case(void *context, struct case_run *case_run, struct case_result *result)
{
    (void)case_run;
    struct entry *e = context;
    struct run *run = e->run;
    e->case_run = NULL;
    for (size_t i = 0; i < e->pc->use_count; i++)
        run->held[e->pc->uses[i].resource->index] -= e->pc->uses[i].amount;
    run->slots[e->slot] = false;
    run->isolated = false;
    run->running--;
    case_over(e, result);
}

/* ── beginnings ── */

static void begin(struct entry *e)
{
    struct run *run = e->run;
    int64_t now = clock_now();
    unlink_waiting(e);
    e->progress = RUNNING;
    e->begun = now;
    while (run->slots[e->slot])
        e->slot++;
    run->slots[e->slot] = true;
    run->running++;
    run->isolated = e->pc->isolate;
    for (size_t i = 0; i < e->pc->use_count; i++)
        run->held[e->pc->uses[i].resource->index] += e->pc->uses[i].amount;
    const struct event event = {
        .kind = EVENT_CASE_STARTED,
        .at_wall = clock_wall(),
        .run = run->o.info,
        .started = {e->pc->key, e->pc->id, e->slot},
    };
    log_debug("run", "case %.*s begins in slot %u", SLICE_ARG(e->pc->key), e->slot);
    recorder_emit(run->o.recorder, &event);
    struct case_run_options options = {
        .loop = run->o.loop,
        .client = run->client,
        .models = run->models[e->pc->suite->index],
        .pool = run->pool,
        .pc = e->pc,
        .slot = e->slot,
        .queued = now - run->started,
        .held_by = held_by(e, now),
        .run_seed = run->o.info->seed,
        .finished = on_case,
        .context = e,
    };
    case_run_start(&options, &e->case_run);
}

/* Why a case cannot pass because of a case it needs; NULL when it can, or when that is not known.
 */
static const char *unmet_need(const struct entry *e, bool *undecided)
{
    struct run *run = e->run;
    for (size_t i = 0; i < e->pc->need_count; i++) {
        const struct entry *need = &run->entries[e->pc->needs[i]->mark];
        if (need->progress != OVER) {
            *undecided = true;
            continue;
        }
        if (need->status == CASE_PASSED)
            continue;
        if (need->reason)
            return arena_printf(run->arena, "it needs \"%.*s\", which was not run: %s",
                                SLICE_ARG(need->pc->id), need->reason);
        const char *how = need->status == CASE_FAILED  ? "failed"
                          : need->status == CASE_ERROR ? "could not be carried out"
                                                       : "was cancelled";
        return arena_printf(run->arena, "it needs \"%.*s\", which %s", SLICE_ARG(need->pc->id),
                            how);
    }
    return NULL;
}

static bool resources_free(struct entry *e)
{
    for (size_t i = 0; i < e->pc->use_count; i++) {
        const struct plan_use *use = &e->pc->uses[i];
        if (e->run->held[use->resource->index] + use->amount > use->resource->capacity) {
            set_short_of(e, use->resource);
            return false;
        }
    }
    return true;
}

static enum hold_up hold_up_now(const struct run *run)
{
    if (run->isolated)
        return HOLD_UP_ALONE;
    if (recorder_pending(run->o.recorder) >= LIMIT_PENDING_RESULTS)
        return HOLD_UP_STORE;
    return run->running == run->o.jobs ? HOLD_UP_JOBS : HOLD_UP_NONE;
}

static void tell(struct run *run, const char *text)
{
    const struct event event = {
        .kind = EVENT_NOTE, .at_wall = clock_wall(), .run = run->o.info, .note = slice_str(text)};
    recorder_emit(run->o.recorder, &event);
}

/* Look at one waiting case; false when the scan need not go on. */
static bool consider(struct entry *e)
{
    struct run *run = e->run;
    if (run->ending) {
        not_run(e, CASE_CANCELLED, run->ending);
        return true;
    }
    if (e->pc->skip) {
        not_run(e, CASE_SKIPPED, e->pc->skip);
        return true;
    }
    const char *spent = models_spent(run->models[e->pc->suite->index]);
    if (spent) {
        if (!run->spent)
            tell(run, spent);
        run->spent = true;
        not_run(e, CASE_CANCELLED, spent);
        return true;
    }
    bool undecided = false;
    const char *unmet = unmet_need(e, &undecided);
    if (unmet) {
        not_run(e, CASE_SKIPPED, unmet);
        return true;
    }
    if (undecided)
        return true;
    set_hold_up(run, hold_up_now(run));
    if (run->hold_up)
        return false;
    if (!resources_free(e))
        return true;
    /* One that must be alone has its turn: nothing passes it by, or it would wait for ever. */
    if (e->pc->isolate && run->running > 0) {
        set_hold_up(run, HOLD_UP_ALONE);
        return false;
    }
    begin(e);
    return true;
}

static void tell_bottleneck(struct run *run)
{
    struct event event = {.kind = EVENT_BOTTLENECK, .at_wall = clock_wall(), .run = run->o.info};
    int64_t last = run->started;
    for (size_t i = 0; i < run->o.plan->case_count; i++)
        last = run->entries[i].ended > last ? run->entries[i].ended : last;
    event.anomaly = (struct anomaly){.kind = SLICE(ANOMALY_BOTTLENECK),
                                     .started = event.at_wall - (clock_now() - run->started),
                                     .ended = event.at_wall};
    if (run->bottleneck && bottleneck_find(run->bottleneck, run->started, last, run->arena,
                                           &event.anomaly.text, &event.anomaly.evidence))
        recorder_emit(run->o.recorder, &event);
    bottleneck_free(run->bottleneck);
    run->bottleneck = NULL;
}

static void on_next_turn(uv_handle_t *turn)
{
    struct run *run = turn->data;
    mem_free(turn);
    client_free(run->client);
    run->client = NULL;
    tell_bottleneck(run);
    metering_end(take(&run->metering));
    run->o.finished(run->o.context);
}

/* The last case may have ended within a callback of the client: it is freed a turn of the loop
 * later, which is when a closed handle says so. */
static void on_stopped(void *context)
{
    struct run *run = context;
    uv_idle_t *turn = NEW(uv_idle_t);
    uv_idle_init(run->o.loop, turn);
    turn->data = run;
    uv_close((uv_handle_t *)turn, on_next_turn);
}

static void schedule(struct run *run)
{
    run->again = true;
    if (run->scheduling)
        return;
    run->scheduling = true;
    while (run->again) {
        run->again = false;
        for (struct entry *e = run->waiting, *next; e; e = next) {
            next = e->next;
            if (!consider(e))
                break;
        }
    }
    run->scheduling = false;
    if (run->over == run->o.plan->case_count && !run->stopping) {
        run->stopping = true;
        pool_stop(run->pool, on_stopped, run);
    }
}

/* ── the run ── */

static void order_entries(struct run *run)
{
    const struct plan *plan = run->o.plan;
    run->entries = ARENA_ARRAY(run->arena, struct entry, plan->case_count + 1);
    for (size_t i = 0; i < plan->case_count; i++) {
        plan->cases[i]->mark = (unsigned)i;
        run->entries[i] = (struct entry){.run = run, .pc = plan->cases[i]};
    }
    qsort(run->entries, plan->case_count, sizeof(*run->entries), by_order);
    unsigned *index_of = ARENA_ARRAY(run->arena, unsigned, plan->case_count + 1);
    for (size_t i = 0; i < plan->case_count; i++) {
        struct entry *e = &run->entries[i];
        index_of[e->pc->mark] = (unsigned)i;
        e->previous = i > 0 ? e - 1 : NULL;
        e->next = i + 1 < plan->case_count ? e + 1 : NULL;
    }
    for (size_t i = 0; i < plan->case_count; i++)
        plan->cases[i]->mark = index_of[i];
    run->waiting = plan->case_count ? run->entries : NULL;
}

static void make_models(struct run *run)
{
    const struct plan *plan = run->o.plan;
    run->models = ARENA_ARRAY(run->arena, struct models *, plan->suite_count + 1);
    for (size_t i = 0; i < plan->suite_count; i++) {
        struct models_options options = {
            .settings = plan->suites[i]->models,
            .cache = run->o.cache,
            .secrets = plan->secrets,
            .secret_count = plan->secret_count,
        };
        run->models[i] = models_new(run->arena, &options);
    }
}

void run_start(const struct run_options *options, struct run **out)
{
    struct arena *arena = arena_new();
    struct run *run = ARENA_NEW(arena, struct run);
    *out = run;
    run->arena = arena;
    run->o = *options;
    run->started = run->held_up_since = clock_now();
    run->client = client_new(options->loop);
    make_models(run);
    if (options->measure_every) {
        run->metering =
            metering_new(options->loop, options->recorder, options->info, options->measure_every);
        run->bottleneck = bottleneck_new(options->plan, options->jobs);
    }
    run->pool =
        pool_new(options->loop, options->plan, options->recorder, options->info, run->metering);
    run->held = ARENA_ARRAY(arena, int64_t, options->plan->resource_count + 1);
    run->slots = ARENA_ARRAY(arena, bool, options->jobs);
    order_entries(run);
    schedule(run);
}

void run_interrupt(struct run *run)
{
    if (run->interrupted) {
        pool_kill(run->pool);
        return;
    }
    run->interrupted = true;
    run->ending = "the run was interrupted";
    run->scheduling = true; /* one scan when all are told */
    for (size_t i = 0; i < run->o.plan->case_count; i++)
        if (run->entries[i].case_run)
            case_run_cancel(run->entries[i].case_run, "the run was interrupted");
    run->scheduling = false;
    schedule(run);
}

void run_committed(struct run *run)
{
    schedule(run);
}

int run_exit_status(const struct run *run)
{
    if (run->interrupted)
        return 130;
    return run->failed ? 1 : run->errors || run->spent ? 3 : 0;
}

void run_free(struct run *run)
{
    pool_free(run->pool);
    arena_free(run->arena);
}
