/*
 * Executions of steps, as a state machine on the loop:
 *
 *     try ──► answered? ──► until met? ──► checks ──► those during it over? ──► result
 *      ▲                        │ no: after `every`
 *      └────────────────────────┘
 */
#include "run/execution.h"

#include "run/grading.h"

#include "core/limits.h"
#include "core/memory.h"
#include "core/parse.h"
#include "core/text.h"
#include "service/condition.h"

/* How long the death of a service may take to be noticed after its connections broke. */
#define DEATH_NOTICE (250 * NS_PER_MS)

struct execution {
    struct execution_options o;
    struct step step;
    const struct node *node;   /* the step with its templates filled */
    const struct node *config; /* the value of its kind's key */
    struct result answer;      /* how the last try ended */
    const char *answer_text;   /* why it could not be carried out */
    struct verdicts verdicts;
    int64_t started;
    int64_t checks;                    /* ns that checks took so far */
    struct grading *grading;           /* while checks ask others before they judge */
    const struct node *model_settings; /* of the suite, filled */
    struct usage *usages;              /* of models, in all tries */
    size_t usage_count;
    uint32_t tries;
    bool flaky;                     /* it was asked again because an answer did not pass */
    bool under_way;                 /* the kind was begun and has not finished */
    struct measure_request request; /* to its service, while the try is under way */
    bool memory;                    /* a check wants to know the service's memory */
    bool answered;                  /* no further try */
    bool timed_out;

    /* One timer for whichever comes first; CLOCK_NEVER where nothing is due. */
    uv_timer_t *timer;
    int64_t limit_at, try_at, during_at, conclude_at;

    bool during_begun;
    size_t during_next;           /* index of the next of those steps */
    struct execution *during_now; /* the one under way */
};

static void try_now(struct execution *x);
static void arm(struct execution *x);

/* ── the result ── */

static const struct service *service_of(const struct execution *x)
{
    return x->o.step->service ? lease_service(x->o.lease, x->o.step->service) : NULL;
}

static void add_evidence(struct execution *x, struct step_result *r)
{
    const struct observation *o = x->step.observation;
    const struct service *service = service_of(x);
    if (x->step.show)
        x->step.show(&x->step);
    if (o) {
        r->request = slice_part(o->request_shown, 0, LIMIT_EVIDENCE_BYTES);
        r->response = slice_part(o->response_shown, 0, LIMIT_EVIDENCE_BYTES);
    }
    if (service)
        r->log = linelog_text(service_log(service), x->started, clock_now(), LIMIT_EVIDENCE_BYTES,
                              x->o.arena);
}

static struct slice name_of(const struct execution *x)
{
    const struct step_kind *kind = x->o.step->kind;
    const struct node *given = node_get(x->o.step->node, "name");
    bool own = node_get(x->o.step->node, "id") != NULL;
    if (given && !own)
        return node_text(x->o.arena, given);
    struct slice title = kind->title(x->o.arena, x->config);
    return slice_str(arena_printf(x->o.arena, "%s %.*s", kind->name,
                                  (int)(title.len > 200 ? 200 : title.len), title.data));
}

/* The error, and what could be seen of its circumstances: a moment later nobody can tell. */
static struct slice error_seen(struct execution *x, const char *error)
{
    const struct service *service = service_of(x);
    const struct observation *o = x->step.observation;
    bool timed_out = x->timed_out || x->answer.code == ERR_TIMEOUT;
    struct text t = text_in(x->o.arena);
    char ago[DURATION_TEXT];

    text_add_str(&t, error);
    if (!*error)
        return text_slice(&t);
    if (timed_out && o && x->o.step->kind->yields & OBSERVED_STATUS && o->started)
        text_add_str(&t, o->last_byte
                             ? arena_printf(x->o.arena, "; the last byte had come %s before",
                                            format_duration(ago, clock_now() - o->last_byte))
                             : "; not a byte had come");
    pid_t pid = service ? service_pid(service) : 0;
    struct slice condition = process_condition(x->o.arena, pid);
    if (condition.len)
        text_printf(&t, "; process %d of service \"%s\" %.*s", (int)pid, service_name(service),
                    SLICE_ARG(condition));
    return text_slice(&t);
}

static struct step_result *make_result(struct execution *x, enum case_status status,
                                       const char *error)
{
    const struct observation *o = x->step.observation;
    struct step_result *r = ARENA_NEW(x->o.arena, struct step_result);
    *r = (struct step_result){
        .name = name_of(x),
        .kind = slice_str(x->o.step->kind->name),
        .trial = x->o.trial,
        .index = x->o.index,
        .status = status,
        .error = error_seen(x, error),
        .error_code = x->timed_out ? ERR_TIMEOUT : x->answer.code,
        .at = x->o.step->node->at,
        .started = x->started,
        .duration = clock_now() - x->started,
        .checks = x->checks,
        .service = x->o.step->service ? x->o.step->service->name : (struct slice){0},
        .verdicts = x->verdicts.first,
        .leaky = x->step.leaky,
        .flaky = status == CASE_PASSED && (x->flaky || x->step.flaky),
        .usages = x->usages,
        .usage_count = x->usage_count,
    };
    if (o && o->connected)
        r->connect = o->connected - o->intended;
    if (o && o->first_byte)
        r->first_byte = o->first_byte - o->intended;
    if (o && o->first_token)
        r->first_token = o->first_token - o->intended;
    if (status != CASE_PASSED)
        add_evidence(x, r);
    return r;
}

static void timer_closed(uv_handle_t *handle)
{
    mem_free(handle);
}

/* The last thing an execution does: it may be gone when the callbacks return. */
static void finish(struct execution *x, enum case_status status, const char *error)
{
    struct step_result *result = make_result(x, status, error);
    if (x->timer)
        uv_close((uv_handle_t *)x->timer, timer_closed);
    x->timer = NULL;
    x->o.ended(x->o.context, result);
    x->o.finished(x->o.context);
}

static enum case_status judge(const struct execution *x)
{
    if (!result_ok(x->answer))
        return CASE_ERROR;
    for (const struct verdict *v = x->verdicts.first; v; v = v->next)
        if (v->impossible)
            return CASE_ERROR;
    return x->verdicts.failed ? CASE_FAILED : CASE_PASSED;
}

static void check_during_ran(struct execution *x)
{
    const struct plan_step *planned = x->o.step;
    if (planned->during_count == 0 || x->during_begun)
        return;
    struct observation *o = x->step.observation;
    struct verdict *v =
        verdict_add(&x->verdicts, "during", node_get(planned->node, "during")->at, false);
    v->expected = SLICE("steps that run during this one");
    v->actual = SLICE("(never begun)");
    v->message = arena_printf(
        x->o.arena,
        "the step was over before they could begin: it showed %zu tokens and %zu events",
        o->token_count, o->event_count);
}

/* What did not pass may be tried once more, if the kind of step knows how. */
static bool tried_again(struct execution *x)
{
    bool again = false;
    int64_t wait = 0;
    if (!x->step.kind->again || judge(x) == CASE_PASSED)
        return false;
    struct result result =
        x->step.kind->again(&x->step, x->answer, x->verdicts.first, &again, &wait);
    if (!result_ok(result)) {
        x->answer = result;
        x->answer_text = arena_printf(x->o.arena, "%s", error_last()->text);
    }
    if (!again)
        return false;
    x->verdicts = verdicts_in(x->o.arena);
    x->answered = false;
    x->flaky = true;
    x->try_at = clock_now() + wait;
    arm(x);
    return true;
}

static void conclude(struct execution *x)
{
    if (x->during_now || x->grading)
        return; /* it concludes when those are over */
    if (tried_again(x))
        return;
    if (result_ok(x->answer))
        check_during_ran(x);
    finish(x, judge(x), x->answer_text);
}

/* ── answers ── */

static void check_answer(struct execution *x)
{
    struct observation *o = x->step.observation;
    const struct node *expect = node_get(x->node, "expect");
    int64_t began = clock_now();
    if (expect)
        check_run(o, expect, &x->verdicts);
    check_objectives(o, x->config->at, &x->verdicts);
    scope_save(x->o.scope, node_get(x->node, "save"), o, &x->verdicts);
    x->checks += clock_now() - began;
}

static void keep_usages(struct execution *x, const struct observation *o)
{
    if (!o || o->usage_count == 0)
        return;
    struct usage *all = ARENA_ARRAY(x->o.arena, struct usage, x->usage_count + o->usage_count);
    if (x->usage_count)
        memcpy(all, x->usages, x->usage_count * sizeof(*all));
    memcpy(all + x->usage_count, o->usages, o->usage_count * sizeof(*all));
    x->usages = all;
    x->usage_count += o->usage_count;
}

static void keep_graded(struct execution *x)
{
    for (const struct question *q = x->step.observation->questions; q; q = q->next)
        for (uint32_t i = 0; i < q->answer_count; i++)
            keep_usages(x, q->answers[i].observation);
}

static const char *tries_text(const struct execution *x)
{
    return x->tries == 1 ? "1 try" : arena_printf(x->o.arena, "%u tries", x->tries);
}

/* What of `until` the last answer did not meet, in words that say so. */
static void tell_unmet(struct execution *x)
{
    char limit[DURATION_TEXT];
    format_duration(limit, x->o.step->within);
    for (struct verdict *v = x->verdicts.first; v; v = v->next) {
        v->check = arena_printf(x->o.arena, "until %s", v->check);
        if (!v->passed)
            v->message = arena_printf(x->o.arena, "not so within %s (%s): %s", limit, tries_text(x),
                                      v->message);
    }
}

/* Is `until` met? If not and there is time left, the next try is arranged. */
static bool settled(struct execution *x)
{
    const struct node *until = node_get(x->node, "until");
    if (!until)
        return true;
    x->verdicts = verdicts_in(x->o.arena);
    if (result_ok(x->answer)) {
        int64_t began = clock_now();
        check_run(x->step.observation, until, &x->verdicts);
        x->checks += clock_now() - began;
        if (x->verdicts.failed == 0) {
            x->verdicts = verdicts_in(x->o.arena);
            return true;
        }
    }
    int64_t next = clock_now() + x->o.step->every;
    if (next < x->started + x->o.step->within) {
        x->try_at = next;
        arm(x);
        return false;
    }
    tell_unmet(x);
    char limit[DURATION_TEXT];
    format_duration(limit, x->o.step->within);
    if (!result_ok(x->answer))
        x->answer_text = arena_printf(x->o.arena, "not answered within %s (%s): %s", limit,
                                      tries_text(x), x->answer_text);
    x->answered = true;
    conclude(x);
    return false;
}

/*
 * A connection to a service of ours that broke: most likely the service died, and its end will be
 * known in a moment. Then that is what is told, and no further case is sent to a dead service.
 */
static bool may_have_died(const struct execution *x)
{
    const struct service *service = service_of(x);
    bool broke = x->answer.code == ERR_CLOSED || x->answer.code == ERR_CONNECT;
    return broke && service && service_is_ours(service);
}

/* A request to a service of ours is watched, and what the service holds is noted when asked for. */
static void begin_request(struct execution *x)
{
    struct observation *o = x->step.observation;
    const struct plan_step *planned = x->o.step;
    /* Kinds that speak HTTP see a status; a load's many are not its own. */
    bool calls =
        planned->service && (planned->kind->needs_url || (planned->kind->yields & OBSERVED_STATUS));
    struct measure_subject *subject = calls ? lease_subject(x->o.lease, planned->service) : NULL;
    if (subject && x->memory)
        o->memory_before = measure_resident(subject);
    measure_request_begin(&x->request, subject);
}

static void end_request(struct execution *x)
{
    struct observation *o = x->step.observation;
    const struct measure_subject *subject = x->request.subject;
    measure_request_end(&x->request);
    if (!subject || !x->memory)
        return;
    o->memory_after = measure_resident(subject);
    const int64_t seen[] = {o->memory_before, o->memory_after, x->request.rss_max};
    for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++)
        o->memory_peak = seen[i] > o->memory_peak ? seen[i] : o->memory_peak;
    o->seen |= o->memory_before && o->memory_after ? OBSERVED_MEMORY : 0;
}

static void judge_answer(struct execution *x)
{
    if (result_ok(x->answer))
        check_answer(x);
    conclude(x);
}

static void on_graded(void *context)
{
    struct execution *x = context;
    x->grading = NULL;
    keep_graded(x);
    judge_answer(x);
}

/* Checks that another model or a program has to help with: it is asked before they are made. */
static bool asks_others(struct execution *x)
{
    const struct node *expect = node_get(x->node, "expect");
    struct observation *o = x->step.observation;
    const struct service *service = service_of(x);
    if (!expect)
        return false;
    questions_collect(o, expect);
    struct grading_options options = {
        .loop = x->o.loop,
        .client = x->o.client,
        .arena = x->o.arena,
        .models = x->o.models,
        .model_settings = x->model_settings,
        .base_url = slice_str(service ? service_url(service) : NULL),
        .folder = slice_str(x->o.folder),
        .observation = o,
        .finished = on_graded,
        .context = x,
    };
    return grading_start(&options, &x->grading);
}

static void answer(struct execution *x, struct result result)
{
    x->under_way = false;
    keep_usages(x, x->step.observation);
    end_request(x);
    x->answer = result;
    x->answer_text = result_ok(result) ? "" : arena_printf(x->o.arena, "%s", error_last()->text);
    if (!settled(x))
        return;
    x->answered = true;
    x->try_at = CLOCK_NEVER;
    if (may_have_died(x)) {
        x->conclude_at = clock_now() + DEATH_NOTICE;
        arm(x);
        return;
    }
    if (!result_ok(result) || !asks_others(x))
        judge_answer(x);
}

static void on_finished(struct step *step, struct result result)
{
    struct execution *x = step->owner;
    answer(x, result);
}

/* ── steps during this one ── */

static void during_ended(void *context, struct step_result *result)
{
    struct execution *x = context;
    if (result->status != CASE_PASSED)
        x->during_next = x->o.step->during_count; /* the rest depends on it */
    x->o.ended(x->o.context, result);
}

static void next_during(struct execution *x);

static void during_finished(void *context)
{
    struct execution *x = context;
    x->during_now = NULL;
    next_during(x);
    if (!x->during_now && x->answered && x->conclude_at == CLOCK_NEVER)
        conclude(x);
}

static void next_during(struct execution *x)
{
    if (x->during_next >= x->o.step->during_count)
        return;
    struct execution_options options = x->o;
    options.step = &x->o.step->during[x->during_next++];
    options.ended = during_ended;
    options.finished = during_finished;
    options.context = x;
    execution_start(&options, &x->during_now);
}

/* Called from inside the step's own reading: what it starts must wait for the next turn. */
static void on_progress(struct step *step)
{
    struct execution *x = step->owner;
    const struct plan_step *planned = x->o.step;
    measure_request_heard(&x->request);
    if (planned->during_count == 0 || x->during_begun || x->during_at != CLOCK_NEVER)
        return;
    bool tokens =
        planned->during_tokens && step->observation->token_count >= planned->during_tokens;
    bool events =
        planned->during_events && step->observation->event_count >= planned->during_events;
    if (!tokens && !events)
        return;
    x->during_at = clock_now();
    arm(x);
}

/* ── time ── */

/* Votes that are in were paid for. */
static void stop_grading(struct execution *x)
{
    if (!x->grading)
        return;
    grading_cancel(x->grading);
    x->grading = NULL;
    keep_graded(x);
}

/* A try that hangs must not outlast the time that `until` has. */
static bool limit_is_within(const struct plan_step *planned)
{
    return node_get(planned->node, "until") && planned->within < planned->timeout;
}

static void time_over(struct execution *x)
{
    const struct plan_step *planned = x->o.step;
    bool waited = limit_is_within(planned);
    char limit[DURATION_TEXT];
    x->timed_out = true;
    if (x->under_way) {
        x->step.kind->cancel(&x->step);
        measure_request_end(&x->request);
    }
    x->under_way = false;
    if (x->during_now)
        execution_cancel(x->during_now, CASE_CANCELLED, "the step around it met its time limit");
    x->during_now = NULL;
    stop_grading(x);
    format_duration(limit, waited ? planned->within : planned->timeout);
    if (waited)
        tell_unmet(x);
    finish(x, CASE_FAILED,
           waited
               ? arena_printf(x->o.arena,
                              "what it waits for did not come within %s (try %u was not answered)",
                              limit, x->tries)
               : arena_printf(x->o.arena, "it took longer than its time limit of %s", limit));
}

static void on_timer(uv_timer_t *timer)
{
    struct execution *x = timer->data;
    int64_t now = clock_now();
    if (now >= x->limit_at) {
        time_over(x);
        return;
    }
    if (now >= x->during_at) {
        x->during_at = CLOCK_NEVER;
        x->during_begun = true;
        arm(x);
        next_during(x);
        return;
    }
    if (now >= x->conclude_at) {
        x->conclude_at = CLOCK_NEVER;
        arm(x);
        conclude(x);
        return;
    }
    if (now >= x->try_at) {
        x->try_at = CLOCK_NEVER;
        arm(x);
        try_now(x);
        return;
    }
    arm(x);
}

static void arm(struct execution *x)
{
    int64_t at = x->limit_at < x->try_at ? x->limit_at : x->try_at;
    at = x->during_at < at ? x->during_at : at;
    at = x->conclude_at < at ? x->conclude_at : at;
    if (at == CLOCK_NEVER) {
        if (x->timer)
            uv_timer_stop(x->timer);
        return;
    }
    if (!x->timer) {
        x->timer = NEW(uv_timer_t);
        uv_timer_init(x->o.loop, x->timer);
        x->timer->data = x;
    }
    int64_t left = at - clock_now();
    uv_update_time(x->o.loop);
    uv_timer_start(x->timer, on_timer,
                   left > 0 ? (uint64_t)((left + NS_PER_MS - 1) / NS_PER_MS) : 0, 0);
}

/* ── beginning ── */

static void try_now(struct execution *x)
{
    const struct service *service = service_of(x);
    const char *url = service ? service_url(service) : NULL;
    struct observation *o = ARENA_NEW(x->o.arena, struct observation);
    o->arena = x->o.arena;
    o->intended = clock_now();
    x->tries++;
    x->step = (struct step){
        .kind = x->o.step->kind,
        .config = x->config,
        .arena = x->o.arena,
        .observation = o,
        .loop = x->o.loop,
        .client = x->o.client,
        .base_url = slice_str(url),
        .folder = slice_str(x->o.folder),
        .finished = on_finished,
        .progressed = on_progress,
        .owner = x,
        .models = x->o.models,
        .model_settings = x->model_settings,
        .tries = x->tries,
        .carried = x->step.carried,
        .timed = node_get(node_get(x->node, "expect"), "time") ||
                 node_get(node_get(x->node, "until"), "time"),
    };
    begin_request(x);
    struct result result = x->step.kind->start(&x->step);
    x->under_way = result_ok(result);
    if (!x->under_way)
        answer(x, result);
}

static void check_values(const struct node *expect, struct diagnostics *d)
{
    for (size_t i = 0; expect && i < expect->count; i++) {
        const struct check_kind *kind = check_find(expect->entries[i].key);
        if (kind)
            shape_check(kind->shape, expect->entries[i].value, d);
    }
}

/* Values that came with the run are checked against the shape like those that were written. */
static struct result check_filled(struct execution *x)
{
    const struct shape *shape = x->o.step->kind->shape;
    x->config = node_get(x->node, x->o.step->kind->name);
    if (x->node == x->o.step->node)
        return RESULT_OK;
    struct diagnostics d = diagnostics_in(x->o.arena);
    x->config = shape_convert(x->o.arena, shape, x->config);
    shape_check(shape, x->config, &d);
    check_values(node_get(x->node, "expect"), &d);
    check_values(node_get(x->node, "until"), &d);
    return diagnostics_result(&d);
}

/* Urls of providers and of the judge may be those of services. */
static struct result fill_settings(struct execution *x)
{
    x->model_settings = x->o.scope->pc->suite->models;
    return x->o.step->asks_models && x->model_settings && x->model_settings->has_template
               ? scope_fill(x->o.scope, x->model_settings, &x->model_settings)
               : RESULT_OK;
}

void execution_start(const struct execution_options *options, struct execution **out)
{
    struct execution *x = ARENA_NEW(options->arena, struct execution);
    const struct plan_step *planned = options->step;
    *out = x;
    x->o = *options;
    x->verdicts = verdicts_in(options->arena);
    x->started = clock_now();
    int64_t limit = limit_is_within(planned) ? planned->within : planned->timeout;
    x->limit_at = limit == CLOCK_NEVER ? CLOCK_NEVER : x->started + limit;
    x->try_at = CLOCK_NEVER;
    x->during_at = x->conclude_at = CLOCK_NEVER;
    bool by_time = planned->during_count && !planned->during_tokens && !planned->during_events;
    if (by_time)
        x->during_at = x->started + planned->during_after;
    x->memory = node_get(node_get(planned->node, "expect"), "memory") ||
                node_get(node_get(planned->node, "until"), "memory");
    x->node = planned->node;
    struct result result = scope_fill(options->scope, planned->node, &x->node);
    if (result_ok(result))
        result = check_filled(x);
    if (result_ok(result))
        result = fill_settings(x);
    if (!result_ok(result)) {
        x->answer = result;
        x->node = planned->node;
        x->config = node_get(x->node, planned->kind->name);
        finish(x, CASE_ERROR, arena_printf(options->arena, "%s", error_last()->text));
        return;
    }
    arm(x);
    try_now(x);
}

void execution_cancel(struct execution *x, enum case_status status, const char *reason)
{
    if (x->under_way) {
        x->step.kind->cancel(&x->step);
        measure_request_end(&x->request);
    }
    x->under_way = false;
    if (x->during_now)
        execution_cancel(x->during_now, status, reason);
    stop_grading(x);
    /* What ends a step from outside: its service died, its case's time is over, the run ends. */
    x->answer.code = status == CASE_ERROR    ? ERR_DIED
                     : status == CASE_FAILED ? ERR_TIMEOUT
                                             : ERR_CANCELLED;
    struct step_result *result = make_result(x, status, arena_printf(x->o.arena, "%s", reason));
    if (x->timer)
        uv_close((uv_handle_t *)x->timer, timer_closed);
    x->timer = NULL;
    x->o.ended(x->o.context, result);
}
