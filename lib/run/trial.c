/*
 * Trials: step after step, and all executions of a parallel step at once. The first step that does
 * not pass ends the trial: the next ones stand on what it was to bring about.
 */
#include "run/trial.h"

#include "check/match.h"
#include "core/text.h"
#include "run/execution.h"

struct trial {
    struct trial_options o;
    struct arena *arena;
    struct scope scope;
    struct trial_outcome outcome;
    struct step_result **end; /* where the next result is hung */
    size_t next;              /* index of the next step */
    struct member *members;   /* executions of the current step */
    size_t member_count, open;
    size_t passed;  /* members that passed */
    bool beginning; /* members are still being begun */
};

/* One execution of the current step. */
struct member {
    struct trial *trial;
    struct execution *execution; /* NULL once over */
    bool failed;
};

static void begin_step(struct trial *t);

/* The first thing that went wrong, in one line. */
static const char *reason_of(struct trial *t, const struct step_result *r)
{
    struct text line = text_in(t->arena);
    if (t->o.pc->step_count > 1)
        text_printf(&line, "step %u, ", r->index + 1);
    text_printf(&line, "%.*s: ", SLICE_ARG(r->name));
    if (r->error.len) {
        text_add(&line, r->error);
        return text_str(&line);
    }
    for (const struct verdict *v = r->verdicts; v; v = v->next) {
        if (v->passed)
            continue;
        struct slice rest = slice_str(v->message), first = {0};
        slice_split(&rest, '\n', &first);
        text_add(&line, first);
        break;
    }
    return text_str(&line);
}

static void note_status(struct trial *t, const struct step_result *r)
{
    if (r->status == CASE_PASSED)
        return;
    /* Steps during another end first; the first fault is the one to tell, but not what it cut. */
    if (!t->outcome.reason && r->status != CASE_CANCELLED)
        t->outcome.reason = reason_of(t, r);
    if (r->status > t->outcome.status)
        t->outcome.status = r->status;
    t->outcome.timed_out = t->outcome.timed_out || r->error_code == ERR_TIMEOUT;
}

static bool own_pass_rate(const struct trial *t)
{
    const struct plan_step *planned = &t->o.pc->steps[t->next];
    return planned->parallel > 1 && node_get(node_get(planned->node, "expect"), "pass_rate");
}

static void on_ended(void *context, struct step_result *result)
{
    struct member *m = context;
    struct trial *t = m->trial;
    *t->end = result;
    t->end = &result->next;
    m->failed = m->failed || result->status != CASE_PASSED;
    t->outcome.leaky = t->outcome.leaky || result->leaky;
    t->outcome.flaky = t->outcome.flaky || result->flaky;
    /* With a pass rate of the step's own, single failures are what the rate is about. */
    bool counted = own_pass_rate(t) && result->status == CASE_FAILED;
    if (!counted)
        note_status(t, result);
}

/* Of a parallel step with a pass rate: one more result, for the step as a whole. */
static void check_rate(struct trial *t)
{
    const struct plan_step *planned = &t->o.pc->steps[t->next];
    const struct node *matcher = node_get(node_get(planned->node, "expect"), "pass_rate");
    struct verdicts verdicts = verdicts_in(t->arena);
    json_t *rate = jsontext_keep(t->arena, json_real((double)t->passed / (double)t->member_count));
    match(&verdicts, "pass_rate", matcher, rate, "pass_rate", UNIT_NONE);
    struct step_result *r = ARENA_NEW(t->arena, struct step_result);
    *r = (struct step_result){
        .name = slice_str(arena_printf(t->arena, "%zu at once", t->member_count)),
        .kind = slice_str(planned->kind->name),
        .trial = t->o.number,
        .index = (uint32_t)t->next,
        .status = verdicts.failed ? CASE_FAILED : CASE_PASSED,
        .at = matcher->at,
        .started = clock_now(),
        .verdicts = verdicts.first,
    };
    *t->end = r;
    t->end = &r->next;
    note_status(t, r);
}

static void step_over(struct trial *t)
{
    if (own_pass_rate(t))
        check_rate(t);
    t->next++;
    if (t->outcome.status != CASE_PASSED || t->next == t->o.pc->step_count)
        t->o.finished(t->o.context, t);
    else
        begin_step(t);
}

static void on_finished(void *context)
{
    struct member *m = context;
    struct trial *t = m->trial;
    m->execution = NULL;
    t->passed += !m->failed;
    t->open--;
    if (t->open == 0 && !t->beginning)
        step_over(t);
}

static void begin_step(struct trial *t)
{
    const struct plan_step *planned = &t->o.pc->steps[t->next];
    t->member_count = planned->parallel;
    t->members = ARENA_ARRAY(t->arena, struct member, t->member_count);
    t->open = t->member_count;
    t->passed = 0;
    t->beginning = true;
    for (size_t i = 0; i < t->member_count; i++) {
        struct member *m = &t->members[i];
        m->trial = t;
        struct execution_options options = {
            .loop = t->o.loop,
            .client = t->o.client,
            .models = t->o.models,
            .arena = t->arena,
            .step = planned,
            .scope = &t->scope,
            .lease = t->o.lease,
            .folder = t->o.pc->suite->folder,
            .trial = t->o.number,
            .index = (uint32_t)t->next,
            .ended = on_ended,
            .finished = on_finished,
            .context = m,
        };
        execution_start(&options, &m->execution);
    }
    t->beginning = false;
    if (t->open == 0)
        step_over(t);
}

void trial_start(const struct trial_options *options, struct trial **out)
{
    struct arena *arena = arena_new();
    struct trial *t = ARENA_NEW(arena, struct trial);
    *out = t;
    t->o = *options;
    t->arena = arena;
    t->scope = scope_new(arena, options->pc, options->lease, options->attempt, options->number,
                         options->values);
    t->end = &t->outcome.steps;
    begin_step(t);
}

void trial_cancel(struct trial *t, enum case_status status, const char *reason)
{
    for (size_t i = 0; i < t->member_count; i++)
        if (t->members[i].execution)
            execution_cancel(t->members[i].execution, status, reason);
    if (t->outcome.status < status)
        t->outcome.status = status;
    t->outcome.reason = arena_printf(t->arena, "%s", reason);
}

const struct trial_outcome *trial_outcome(const struct trial *t)
{
    return &t->outcome;
}

struct arena *trial_arena(const struct trial *t)
{
    return t->arena;
}
