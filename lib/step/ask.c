/*
 * One question to several endpoints:
 *
 *     next target ──► may it be asked? ──► kept answer? ──► request ──► answered ──► account
 *         ▲                 │ no               │ yes           │ time limit            │
 *         └─────────────────┴──────────────────┼───────────────┴──── not now ──────────┤
 *                                              └──────────────────────────────────────► finish
 */
#include "step/ask.h"

#include <time.h>

#include "core/log.h"
#include "core/memory.h"
#include "core/parse.h"
#include "core/sha256.h"
#include "core/text.h"
#include "step/answers.h"

struct ask {
    struct ask_options o;
    struct step *step;
    size_t next;                       /* index of the next target */
    const struct model_target *target; /* the one asked */
    struct call_request request;
    uv_timer_t *timer; /* the time limit of the request, or the turn of the loop before a kept
                          answer is told */
    struct answer kept;
    char key[SHA256_HEX];
    bool telling;   /* `kept` is told when the timer fires */
    bool told;      /* what is there came from the cache */
    bool under_way; /* a request is */
};

static struct result next_target(struct ask *a);

/* ── the timer ── */

static void timer_closed(uv_handle_t *handle)
{
    mem_free(handle);
}

static void close_timer(struct ask *a)
{
    if (a->timer)
        uv_close((uv_handle_t *)a->timer, timer_closed);
    a->timer = NULL;
}

static void on_timer(uv_timer_t *timer);

static void arm(struct ask *a, int64_t after)
{
    close_timer(a);
    a->timer = NEW(uv_timer_t);
    uv_timer_init(a->step->loop, a->timer);
    a->timer->data = a;
    uv_update_time(a->step->loop);
    uv_timer_start(a->timer, on_timer, (uint64_t)((after + NS_PER_MS - 1) / NS_PER_MS), 0);
}

/* ── the end ── */

bool ask_may_try_again(const struct observation *o, struct result result)
{
    if (!result_ok(result))
        return error_retryable(result.code);
    return o->status == 408 || o->status == 409 || o->status == 425 || o->status == 429 ||
           o->status >= 500;
}

int64_t ask_retry_after(const struct observation *o)
{
    struct slice text = slice_trim(observation_header(o, SLICE("retry-after")));
    struct tm date = {0};
    uint64_t seconds;
    char copy[64] = "";
    if (text.len == 0 || text.len >= sizeof(copy))
        return 0;
    if (result_ok(parse_unsigned(text, UINT32_MAX, &seconds))) {
        int64_t wait = (int64_t)seconds * NS_PER_S;
        return wait < ASK_WAIT_MAX ? wait : ASK_WAIT_MAX;
    }
    memcpy(copy, text.data, text.len);
    const char *end = strptime(copy, "%a, %d %b %Y %H:%M:%S GMT", &date);
    if (!end || *end)
        return 0;
    int64_t wait = (int64_t)timegm(&date) * NS_PER_S - clock_wall();
    return wait < 0 ? 0 : wait < ASK_WAIT_MAX ? wait : ASK_WAIT_MAX;
}

static int64_t count_of(const json_t *usage, const char *name, const char *other)
{
    const json_t *count = json_object_get(usage, name);
    if (!json_is_integer(count))
        count = json_object_get(usage, other);
    json_int_t n = json_is_integer(count) ? json_integer_value(count) : -1;
    return n >= 0 && n < INT32_MAX ? n : -1; /* more than 2 billion is no count of tokens */
}

/* Every answer of an endpoint is an entry, also one that tells no tokens. */
static const struct usage *add_usage(struct ask *a)
{
    struct observation *o = a->step->observation;
    const json_t *answer = json_is_object(o->body_json) ? o->body_json : NULL,
                 *usage = json_object_get(answer, "usage"),
                 *model = json_object_get(answer, "model");
    struct usage *all = ARENA_ARRAY(o->arena, struct usage, o->usage_count + 1);
    if (o->usage_count)
        memcpy(all, o->usages, o->usage_count * sizeof(*all));
    struct usage *u = &all[o->usage_count];
    *u = (struct usage){
        .model = json_is_string(model) ? jsontext_slice(model) : a->target->model,
        .input_tokens = count_of(usage, "prompt_tokens", "input_tokens"),
        .output_tokens = count_of(usage, "completion_tokens", "output_tokens"),
        .cached = a->told,
    };
    if (u->output_tokens < 0 && u->input_tokens >= 0)
        u->output_tokens = 0; /* embeddings and such have none */
    u->cost = a->told ? 0 : models_cost(a->target, u);
    o->usages = all;
    o->usage_count++;
    models_spend(a->step->models, u);
    return u;
}

static bool is_good(const struct observation *o, struct result result)
{
    return result_ok(result) && o->status >= 200 && o->status < 300 && !(o->seen & OBSERVED_ERROR);
}

static void keep_answer(struct ask *a)
{
    const struct step *step = a->step;
    const struct observation *o = step->observation;
    struct answers *answers = models_answers(step->models, a->o.cached);
    struct answer answer = {o->status, o->headers, o->header_count, o->body};
    if (!answers || a->told || step->timed || !models_may_keep(step->models, o->body))
        return;
    answers_keep(answers, step->arena, a->key, &answer);
}

static void note_breaker(struct ask *a, struct result result)
{
    struct breaker *breaker = models_breaker(a->target);
    const struct observation *o = a->step->observation;
    if (!breaker || a->told)
        return;
    if (!result_ok(result) || o->status >= 500)
        breaker_failed(breaker, clock_now());
    else
        breaker_succeeded(breaker);
}

static void finish(struct ask *a, struct result result)
{
    struct observation *o = a->step->observation;
    close_timer(a);
    if (a->told) {
        o->seen &= ~((unsigned)OBSERVED_TIME | OBSERVED_STREAM_TIME);
        o->first_byte = o->first_token = 0;
    }
    a->step->flaky = a->next > 1;
    step_finish(a->step, result);
}

/* Forget what the last endpoint answered. The time counts on: whoever waits, waits for all of it.
 */
static void forget(struct observation *o)
{
    *o = (struct observation){
        .arena = o->arena,
        .intended = o->intended,
        .usages = o->usages,
        .usage_count = o->usage_count,
    };
}

static void on_answered(struct step *step, struct result result)
{
    struct ask *a = step->state;
    struct observation *o = step->observation;
    const char *why = result_ok(result) ? "" : arena_printf(step->arena, "%s", error_last()->text);
    a->under_way = false;
    close_timer(a);
    note_breaker(a, result);
    if (is_good(o, result)) {
        const struct usage *u = add_usage(a);
        keep_answer(a);
        result = models_counted(step->models, u);
        finish(a, result);
        return;
    }
    bool further = a->next < a->o.target_count &&
                   (ask_may_try_again(o, result) || (result_ok(result) && o->status == 404));
    if (further) {
        log_info("model", "%.*s did not answer (%s); the next model is asked",
                 SLICE_ARG(a->target->model),
                 result_ok(result) ? arena_printf(step->arena, "status %d", o->status) : why);
        forget(o);
        result = next_target(a);
        if (result_ok(result))
            return;
    } else if (!result_ok(result)) {
        result = error_set(result.code, "%s", why);
    }
    finish(a, result);
}

static void on_timer(uv_timer_t *timer)
{
    struct ask *a = timer->data;
    struct step *step = a->step;
    char limit[DURATION_TEXT];
    if (a->telling) {
        a->telling = false;
        a->told = true;
        close_timer(a);
        struct call_events events = *a->o.events;
        events.finish = on_answered;
        call_replay(step, &a->request, &events, a->kept.status, a->kept.headers,
                    a->kept.header_count, a->kept.body);
        return;
    }
    call_cancel(step);
    step->observation->seen |= OBSERVED_TIME;
    int64_t timeout = a->target->timeout != CLOCK_NEVER ? a->target->timeout : a->o.timeout;
    on_answered(step, error_set(ERR_TIMEOUT, "the model did not answer within %s",
                                format_duration(limit, timeout)));
}

/* ── a target ── */

/* Credentials say who asks, not what. */
static bool is_credential(struct slice name)
{
    static const char *const names[] = {"authorization", "api-key", "x-api-key", "cookie",
                                        "proxy-authorization"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (slice_eq_nocase(name, slice_str(names[i])))
            return true;
    return false;
}

static void find_key(struct ask *a)
{
    const struct node *headers = a->request.headers;
    struct text t = text_in(a->step->arena);
    text_printf(&t, "%s %.*s\n", a->request.method, SLICE_ARG(a->request.url));
    for (size_t i = 0; headers && i < headers->count; i++)
        if (!is_credential(headers->entries[i].key))
            text_printf(&t, "%.*s: %.*s\n", SLICE_ARG(headers->entries[i].key),
                        SLICE_ARG(node_text(a->step->arena, headers->entries[i].value)));
    text_add_byte(&t, '\n');
    text_add_json(&t, a->o.variant);
    text_add(&t, a->request.body);
    sha256_hex(text_slice(&t), a->key);
}

static bool find_kept(struct ask *a)
{
    const struct step *step = a->step;
    struct answers *answers = models_answers(step->models, a->o.cached);
    if (!answers || step->timed)
        return false;
    find_key(a);
    return !a->o.refresh && models_answers_used(step->models) &&
           answers_find(answers, step->arena, a->key, &a->kept);
}

static struct result send_request(struct ask *a)
{
    struct step *step = a->step;
    struct call_events events = *a->o.events;
    int64_t timeout = a->target->timeout != CLOCK_NEVER ? a->target->timeout : a->o.timeout;
    events.finish = on_answered;
    struct result result = call_start(step, &a->request, &events);
    if (step->wire) /* it is over, or never will be */
        return result;
    a->under_way = result_ok(result);
    if (a->under_way && timeout != CLOCK_NEVER)
        arm(a, timeout);
    return result;
}

static struct result circuit_allows(const struct ask *a)
{
    struct breaker *breaker = models_breaker(a->target);
    int64_t wait;
    char window[DURATION_TEXT], left[DURATION_TEXT];
    if (!breaker || breaker_allows(breaker, clock_now(), &wait))
        return RESULT_OK;
    return error_set(ERR_CONNECT,
                     "the circuit of %.*s is open after %u failures within %s; it is tried again "
                     "in %s",
                     SLICE_ARG(a->target->url), breaker->limits.failures,
                     format_duration(window, breaker->limits.window), format_duration(left, wait));
}

static void make_request(struct ask *a)
{
    struct step *step = a->step;
    json_t *body = jsontext_keep(step->arena, json_object());
    if (a->target->model.len)
        json_object_set(body, "model", jsontext_string(step->arena, a->target->model));
    json_object_update_missing(body, a->o.body);
    a->request = (struct call_request){
        .method = "POST",
        .url = a->target->url,
        .headers = a->target->headers,
        .content_type = "application/json",
        .body = jsontext_write(step->arena, body),
        .has_body = true,
    };
}

/* Ask the next target whose circuit lets it be asked. */
static struct result next_target(struct ask *a)
{
    struct result result = RESULT_OK;
    while (a->next < a->o.target_count) {
        a->target = &a->o.targets[a->next++];
        a->told = false;
        make_request(a);
        if (find_kept(a)) {
            a->telling = true;
            arm(a, 0);
            return RESULT_OK;
        }
        TRY(models_afford(a->step->models, a->target));
        result = circuit_allows(a);
        if (!result_ok(result))
            continue;
        result = send_request(a);
        if (result_ok(result))
            return result;
        if (models_breaker(a->target))
            breaker_undecided(models_breaker(a->target));
        return result;
    }
    return result;
}

struct result ask_start(struct step *step, const struct ask_options *options)
{
    struct ask *a = ARENA_NEW(step->arena, struct ask);
    a->o = *options;
    a->step = step;
    step->state = a;
    step->observation->started = clock_now();
    return next_target(a);
}

void ask_cancel(struct step *step)
{
    struct ask *a = step->state;
    close_timer(a);
    if (!a->under_way)
        return;
    if (models_breaker(a->target))
        breaker_undecided(models_breaker(a->target));
    call_cancel(step);
}
