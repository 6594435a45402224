/*
 * Runs of cases. An attempt is: lease the services, run the trials, give the services back. What
 * decides over another attempt is how the whole attempt ended, never a single trial.
 */
#include "run/case_run.h"

#include <math.h>
#include <stdio.h>

#include "check/match.h"
#include "core/memory.h"
#include "core/parse.h"
#include "core/random.h"
#include "core/text.h"
#include "run/given.h"
#include "run/trial.h"

/* Of a case with many trials, so many that did not pass are kept with all their steps. */
#define TRIALS_KEPT 20
/* Trials spent on making a failing example smaller. */
#define SHRINK_TRIALS GIVEN_SIMPLER_MAX

/* Making a failing example smaller: `best` fails, `candidates` are its simpler neighbours. */
struct shrink {
    struct arena *arena;
    const json_t *best;
    json_t *candidates;
    size_t next;
    uint32_t tries;
};

struct case_run {
    struct case_run_options o;
    struct arena *arena; /* the result's */
    struct case_result *result;
    struct lease *lease;
    uv_timer_t *timer; /* the attempt's time limit, or the wait before the next one */
    bool cancelled;    /* no further attempt */

    struct attempt_result *attempt;
    struct attempt_result **attempt_end;
    struct step_result **step_end;
    int64_t started;
    const char *reason; /* why the attempt did not pass */
    bool timed_out, leaky;
    bool flaky;  /* a step of the attempt passed only when it was asked again */
    bool ending; /* the attempt's verdict is in */

    struct trial **running; /* o.pc->parallel of them at most, NULL where free */
    uint32_t total, begun, over, kept;
    bool beginning;      /* trials are being begun: their end is looked at afterwards */
    struct arena *spent; /* of the last trial that was not kept: it may still be on the stack */
    struct shrink shrink;
};

static void begin_attempt(struct case_run *c);
static void end_attempt(struct case_run *c, enum case_status status, const char *reason);

/* ── results ── */

/* What it depends on, by name. */
static void name_dependencies(struct case_result *r, const struct plan_case *pc)
{
    struct slice *needs = ARENA_ARRAY(r->arena, struct slice, pc->need_count + 1),
                 *uses = ARENA_ARRAY(r->arena, struct slice, pc->use_count + 1),
                 *services = ARENA_ARRAY(r->arena, struct slice, pc->service_count + 1);
    for (size_t i = 0; i < pc->need_count; i++)
        needs[i] = pc->needs[i]->key;
    for (size_t i = 0; i < pc->use_count; i++)
        uses[i] = pc->uses[i].resource->name;
    for (size_t i = 0; i < pc->service_count; i++)
        services[i] = pc->services[i]->name;
    r->needs = needs;
    r->need_count = pc->need_count;
    r->uses = uses;
    r->use_count = pc->use_count;
    r->services = services;
    r->service_count = pc->service_count;
}

static struct case_result *new_result(struct arena *arena, const struct plan_case *pc)
{
    struct case_result *r = ARENA_NEW(arena, struct case_result);
    *r = (struct case_result){
        .arena = arena,
        .key = pc->key,
        .suite = pc->suite->name,
        .id = pc->id,
        .describe = pc->describe,
        .model = pc->model,
        .file = slice_str(pc->suite->file),
        .tags = pc->tags,
        .tag_count = pc->tag_count,
        .at = pc->at,
    };
    name_dependencies(r, pc);
    return r;
}

struct case_result *case_not_run(const struct plan_case *pc, enum case_status status,
                                 const char *reason)
{
    struct arena *arena = arena_new();
    struct case_result *r = new_result(arena, pc);
    r->status = status;
    r->reason = arena_copy(arena, slice_str(reason));
    return r;
}

static void free_arena(void *arena)
{
    arena_free(arena);
}

static void drop_spent(struct case_run *c)
{
    arena_free(c->spent);
    c->spent = NULL;
}

/* Keep a trial's results with the case. */
static void keep_trial(struct case_run *c, struct trial *trial)
{
    *c->step_end = trial_outcome(trial)->steps;
    while (*c->step_end)
        c->step_end = &(*c->step_end)->next;
    arena_defer(c->arena, free_arena, trial_arena(trial));
    c->kept++;
}

/* ── the end of an attempt ── */

static void timer_closed(uv_handle_t *handle)
{
    mem_free(handle);
}

static void stop_timer(struct case_run *c)
{
    if (c->timer)
        uv_timer_stop(c->timer);
}

static void set_timer(struct case_run *c, int64_t after, uv_timer_cb callback)
{
    if (!c->timer) {
        c->timer = NEW(uv_timer_t);
        uv_timer_init(c->o.loop, c->timer);
        c->timer->data = c;
    }
    uv_update_time(c->o.loop);
    uv_timer_start(c->timer, callback, (uint64_t)((after + NS_PER_MS - 1) / NS_PER_MS), 0);
}

static void finish(struct case_run *c)
{
    struct case_result *r = c->result;
    r->status = c->attempt->status;
    r->duration = clock_now() - c->started;
    r->reason = slice_str(c->reason ? c->reason : "");
    r->flags |= (r->duration > c->o.pc->slow ? CASE_SLOW : 0u) |
                (c->timed_out ? CASE_TIMED_OUT : 0u) | (c->leaky ? CASE_LEAKY : 0u);
    if (r->status == CASE_PASSED && (c->attempt->number > 1 || c->flaky))
        r->flags |= CASE_FLAKY;
    if (c->timer)
        uv_close((uv_handle_t *)c->timer, timer_closed);
    drop_spent(c);
    arena_free(c->shrink.arena);
    struct case_run_options o = c->o;
    o.finished(o.context, c, r);
}

static void on_backoff(uv_timer_t *timer)
{
    begin_attempt(timer->data);
}

static int64_t backoff_of(const struct case_run *c)
{
    const struct plan_retry *retry = &c->o.pc->retry;
    double wait = (double)retry->backoff * pow(retry->factor, c->attempt->number - 1);
    struct random r = random_for(c->o.run_seed + c->attempt->number, c->o.pc->key);
    wait = wait > (double)retry->backoff_max ? (double)retry->backoff_max : wait;
    return (int64_t)(wait * (1 + retry->jitter * (2 * random_unit(&r) - 1)));
}

static bool try_again(const struct case_run *c)
{
    const struct plan_retry *retry = &c->o.pc->retry;
    if (c->cancelled || c->attempt->number >= retry->attempts)
        return false;
    if (c->timed_out)
        return retry->on & PLAN_RETRY_TIMEOUT || retry->on & (1u << c->attempt->status);
    return retry->on & (1u << c->attempt->status);
}

static void on_released(void *context, bool leaky)
{
    struct case_run *c = context;
    c->lease = NULL;
    c->leaky = c->leaky || leaky;
    if (try_again(c))
        set_timer(c, backoff_of(c), on_backoff);
    else
        finish(c);
}

static void cancel_trials(struct case_run *c, enum case_status status, const char *reason)
{
    for (uint32_t i = 0; i < c->o.pc->parallel; i++) {
        struct trial *trial = c->running[i];
        if (!trial)
            continue;
        c->running[i] = NULL;
        trial_cancel(trial, status, reason);
        keep_trial(c, trial);
    }
}

static void end_attempt(struct case_run *c, enum case_status status, const char *reason)
{
    c->ending = true;
    cancel_trials(c, status, reason ? reason : "another trial ended the attempt");
    stop_timer(c);
    c->attempt->status = status;
    c->attempt->duration = clock_now() - c->attempt->started;
    c->attempt->trials = c->over;
    c->reason = reason ? arena_printf(c->arena, "%s", reason) : NULL;
    lease_release(c->lease, on_released, c);
}

static void finish_shrinking(struct case_run *c);

static void on_limit(uv_timer_t *timer)
{
    struct case_run *c = timer->data;
    if (c->shrink.arena) {
        /* The example fails for a reason of its own: it is as small as there was time for. */
        drop_spent(c);
        trial_cancel(c->running[0], CASE_CANCELLED, "there was no time left");
        c->spent = trial_arena(c->running[0]);
        c->running[0] = NULL;
        finish_shrinking(c);
        return;
    }
    char limit[DURATION_TEXT], reason[96];
    format_duration(limit, c->o.pc->timeout);
    snprintf(reason, sizeof(reason), "the case took longer than its time limit of %s", limit);
    c->timed_out = true;
    end_attempt(c, CASE_FAILED, reason);
}

/* ── trials ── */

static void begin_trials(struct case_run *c);
static void shrink_on(struct case_run *c);

/* The share of passed trials against `pass_rate`, as a result of its own. */
static enum case_status check_rate(struct case_run *c)
{
    struct verdicts verdicts = verdicts_in(c->arena);
    json_t *rate = jsontext_keep(c->arena, json_real((double)c->attempt->trials_passed / c->over));
    match(&verdicts, "pass_rate", c->o.pc->pass_rate, rate, "pass_rate", UNIT_NONE);
    struct step_result *r = ARENA_NEW(c->arena, struct step_result);
    *r = (struct step_result){
        .name = slice_str(
            arena_printf(c->arena, "%u of %u trials passed", c->attempt->trials_passed, c->over)),
        .kind = SLICE("trials"),
        .status = verdicts.failed ? CASE_FAILED : CASE_PASSED,
        .at = c->o.pc->pass_rate->at,
        .started = c->attempt->started,
        .duration = clock_now() - c->attempt->started,
        .verdicts = verdicts.first,
    };
    *c->step_end = r;
    c->step_end = &r->next;
    c->reason = verdicts.failed ? verdicts.first->message : NULL;
    return r->status;
}

static void all_over(struct case_run *c)
{
    enum case_status status = c->attempt->status;
    const char *reason = c->reason;
    if (c->o.pc->pass_rate && status != CASE_ERROR) {
        status = check_rate(c);
        reason = c->reason;
    } else if (status != CASE_PASSED && c->total > 1 && !c->shrink.arena) {
        reason = arena_printf(c->arena, "%u of %u trials did not pass; the first: %s",
                              c->over - c->attempt->trials_passed, c->over, reason);
    }
    end_attempt(c, status, reason);
}

static void note_trial(struct case_run *c, const struct trial_outcome *outcome)
{
    c->leaky = c->leaky || outcome->leaky;
    c->flaky = c->flaky || outcome->flaky;
    if (outcome->status == CASE_PASSED) {
        c->attempt->trials_passed++;
        return;
    }
    if (!c->reason)
        c->reason = arena_printf(c->arena, "%s", outcome->reason);
    if (outcome->status > c->attempt->status)
        c->attempt->status = outcome->status;
    c->timed_out = c->timed_out || outcome->timed_out;
}

static void free_slot(struct case_run *c, const struct trial *trial)
{
    for (uint32_t i = 0; i < c->o.pc->parallel; i++)
        if (c->running[i] == trial)
            c->running[i] = NULL;
}

static void on_trial(void *context, struct trial *trial)
{
    struct case_run *c = context;
    const struct trial_outcome *outcome = trial_outcome(trial);
    free_slot(c, trial);
    c->over++;
    note_trial(c, outcome);
    drop_spent(c);
    /* One trial is the usual case; of many, the first is kept and the failed ones up to a limit. */
    bool failed_example = outcome->status != CASE_PASSED && c->o.pc->given;
    if (!failed_example &&
        (c->kept == 0 || (outcome->status != CASE_PASSED && c->kept < TRIALS_KEPT)))
        keep_trial(c, trial);
    else
        c->spent = trial_arena(trial);
    if (failed_example)
        c->begun = c->total; /* this one is made smaller; no further examples */
    if (!c->beginning)
        begin_trials(c);
}

static json_t *example_of(struct case_run *c, struct arena *arena, uint32_t number)
{
    return c->o.pc->given ? given_example(arena, c->o.pc->given, c->o.pc->seed, number) : NULL;
}

static void begin_trial(struct case_run *c, uint32_t slot, const json_t *values,
                        void (*finished)(void *, struct trial *))
{
    union {
        const json_t *in;
        json_t *out;
    } given = {.in = values}; /* the trial copies them */
    struct trial_options options = {
        .loop = c->o.loop,
        .client = c->o.client,
        .models = c->o.models,
        .pc = c->o.pc,
        .lease = c->lease,
        /* A failing example made smaller is still the same trial. */
        .number = c->shrink.arena ? c->over - 1 : c->begun,
        .attempt = c->attempt->number,
        .values = given.out,
        .finished = finished,
        .context = c,
    };
    trial_start(&options, &c->running[slot]);
}

/* Begin what may begin; when nothing is left, the attempt is over. */
static void begin_trials(struct case_run *c)
{
    c->beginning = true;
    for (uint32_t slot = 0; slot < c->o.pc->parallel; slot++) {
        while (!c->running[slot] && c->begun < c->total) {
            DEFER(arena_free_pointer)
            struct arena *arena = arena_new();
            const json_t *values = example_of(c, arena, c->begun);
            uint32_t number = c->begun;
            begin_trial(c, slot, values, on_trial);
            /* A failing example ends the drawing of further ones. */
            if (c->begun == number)
                c->begun++;
        }
    }
    c->beginning = false;
    for (uint32_t slot = 0; slot < c->o.pc->parallel; slot++)
        if (c->running[slot])
            return;
    if (c->o.pc->given && c->attempt->status != CASE_PASSED)
        shrink_on(c);
    else
        all_over(c);
}

/* ── a failing example made smaller ── */

static void shrink_to(struct case_run *c, const json_t *failing)
{
    struct shrink *s = &c->shrink;
    struct arena *arena = arena_new(), *old = s->arena;
    union {
        const json_t *in;
        json_t *out;
    } best = {.in = failing}; /* only its references are counted */
    s->best = jsontext_keep(arena, json_incref(best.out));
    s->candidates = given_simpler(arena, c->o.pc->given, failing);
    s->next = 0;
    s->arena = arena;
    arena_free(old);
}

static void finish_shrinking(struct case_run *c)
{
    struct slice values = jsontext_write(c->arena, c->shrink.best);
    c->attempt->given = values;
    const char *reason =
        arena_printf(c->arena, "with %.*s: %s (example %u of %u, seed %llu)", SLICE_ARG(values),
                     c->reason, c->over, c->total, (unsigned long long)c->o.run_seed);
    end_attempt(c, c->attempt->status, reason);
}

static void on_shrunk(void *context, struct trial *trial)
{
    struct case_run *c = context;
    struct shrink *s = &c->shrink;
    const struct trial_outcome *outcome = trial_outcome(trial);
    free_slot(c, trial);
    drop_spent(c);
    bool fails = outcome->status != CASE_PASSED;
    if (fails) {
        /* The smallest one so far is the one whose steps are shown. */
        c->attempt->steps = NULL;
        c->step_end = (struct step_result **)(uintptr_t)&c->attempt->steps;
        keep_trial(c, trial);
        c->reason = arena_printf(c->arena, "%s", outcome->reason);
        c->attempt->status = outcome->status;
        if (s->candidates)
            shrink_to(c, json_array_get(s->candidates, s->next - 1));
    } else {
        c->spent = trial_arena(trial);
    }
    if (!c->beginning)
        shrink_on(c);
}

static void shrink_on(struct case_run *c)
{
    struct shrink *s = &c->shrink;
    if (!s->arena) {
        /* First the failing example again, so that its steps are at hand. */
        s->arena = arena_new();
        s->best = given_example(s->arena, c->o.pc->given, c->o.pc->seed, c->over - 1);
        s->candidates = NULL;
    }
    c->beginning = true;
    while (!c->running[0]) {
        if (s->tries > 0 && !s->candidates)
            shrink_to(c, s->best);
        bool done = s->candidates &&
                    (s->next == json_array_size(s->candidates) || s->tries >= SHRINK_TRIALS);
        if (done) {
            c->beginning = false;
            finish_shrinking(c);
            return;
        }
        const json_t *values = s->candidates ? json_array_get(s->candidates, s->next++) : s->best;
        s->tries++;
        begin_trial(c, 0, values, on_shrunk);
    }
    c->beginning = false;
}

/* ── attempts ── */

static bool has_own_services(const struct plan_case *pc)
{
    for (size_t i = 0; i < pc->service_count; i++)
        if (pc->services[i]->per_case)
            return true;
    return false;
}

static void on_ready(void *context, const char *why, enum error_code code)
{
    struct case_run *c = context;
    if (why) {
        c->timed_out = code == ERR_TIMEOUT;
        end_attempt(c, CASE_ERROR, why);
        return;
    }
    if (!has_own_services(c->o.pc))
        c->result->starting += clock_now() - c->attempt->started;
    if (c->o.pc->timeout != CLOCK_NEVER)
        set_timer(c, c->o.pc->timeout, on_limit);
    begin_trials(c);
}

static void on_died(void *context, const char *why)
{
    struct case_run *c = context;
    if (!c->ending)
        end_attempt(c, CASE_ERROR, why);
}

static void begin_attempt(struct case_run *c)
{
    struct attempt_result *attempt = ARENA_NEW(c->arena, struct attempt_result);
    attempt->number = c->attempt ? c->attempt->number + 1 : 1;
    attempt->started = clock_now();
    attempt->status = CASE_PASSED;
    *c->attempt_end = attempt;
    c->attempt_end = &attempt->next;
    c->attempt = attempt;
    c->step_end = (struct step_result **)(uintptr_t)&attempt->steps;
    c->begun = c->over = c->kept = 0;
    c->reason = NULL;
    c->timed_out = c->ending = false;
    arena_free(c->shrink.arena);
    c->shrink = (struct shrink){0};
    struct lease_events events = {.context = c, .on_ready = on_ready, .on_died = on_died};
    pool_lease(c->o.pool, c->o.pc, c->arena, events, &c->lease);
}

void case_run_start(const struct case_run_options *options, struct case_run **out)
{
    struct arena *arena = arena_new();
    struct case_run *c = ARENA_NEW(arena, struct case_run);
    const struct plan_case *pc = options->pc;
    *out = c;
    c->o = *options;
    c->arena = arena;
    c->result = new_result(arena, pc);
    c->result->started_wall = clock_wall();
    c->result->queued = options->queued;
    c->result->held_by = arena_copy(arena, options->held_by);
    c->result->slot = options->slot;
    c->attempt_end = (struct attempt_result **)(uintptr_t)&c->result->attempts;
    c->started = clock_now();
    c->running = ARENA_ARRAY(arena, struct trial *, pc->parallel);
    c->total = pc->given ? pc->examples : pc->repeat * pc->parallel;
    begin_attempt(c);
}

void case_run_cancel(struct case_run *c, const char *reason)
{
    if (c->cancelled)
        return;
    c->cancelled = true;
    if (!c->ending) {
        end_attempt(c, CASE_CANCELLED, reason);
    } else if (!c->lease) {
        /* Between two attempts: it ends as the last one did. */
        stop_timer(c);
        finish(c);
    }
}
