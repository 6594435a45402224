/*
 * Questions as steps.
 */
#include "run/grading.h"

#include "core/memory.h"
#include "core/text.h"
#include "step/models.h"

#define JUDGE_TIMEOUT "60s"
#define JUDGE_ATTEMPTS 3

/* One time of asking. */
struct vote {
    struct grading *grading;
    const struct question *question;
    struct question_answer *answer;
    const struct node *config;
    struct step step;
    uv_timer_t *timer; /* the question's time limit, or the wait before the next try */
    bool under_way;
};

struct grading {
    struct grading_options o;
    struct question *question; /* the one being asked */
    struct vote *votes;
    uint32_t count, open;
    bool beginning, cancelled;
};

static void next_question(struct grading *g);
static void begin(struct vote *vote);

/* ── the configuration of a question ── */

static const struct node *judge_value(const struct grading *g, const char *name)
{
    return node_get(node_get(g->o.model_settings, "judge"), name);
}

static void copy_from_judge(const struct grading *g, json_t *config, const char *name)
{
    const struct node *value = judge_value(g, name);
    if (value && !json_object_get(config, name))
        json_object_set(config, name, node_json(g->o.arena, value));
}

static void set_format(const struct grading *g, json_t *config)
{
    struct slice format = node_string(judge_value(g, "format"), SLICE("json_schema"));
    json_t *schema = json_object_get(config, "format");
    if (slice_is(format, "json_schema"))
        json_object_set_new(config, "response_format",
                            json_pack("{s:s, s:O}", "type", "json_schema", "json_schema", schema));
    else if (slice_is(format, "json_object"))
        json_object_set_new(config, "response_format", json_pack("{s:s}", "type", "json_object"));
    json_object_del(config, "format");
}

/* What a chat step would be told, with the judge's settings where the question leaves them out. */
static json_t *judge_config(const struct grading *g, uint32_t number)
{
    static const char *const settings[] = {"model",    "max_tokens", "timeout", "provider",
                                           "api_base", "headers",    "extra",   "temperature"};
    const struct question *q = g->question;
    json_t *config = jsontext_keep(g->o.arena, json_copy(q->config));
    set_format(g, config);
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        copy_from_judge(g, config, settings[i]);
    if (!json_object_get(config, "temperature"))
        json_object_set_new(config, "temperature", json_integer(0));
    if (!json_object_get(config, "timeout"))
        json_object_set_new(config, "timeout", json_string(JUDGE_TIMEOUT));
    if (g->count > 1)
        json_object_set_new(config, "seed", json_integer(number + 1));
    json_object_set_new(config, "retry_config", json_pack("{s:i}", "max_attempts", JUDGE_ATTEMPTS));
    return config;
}

static bool is_judged(const struct question *q)
{
    return strcmp(q->kind, "chat") == 0;
}

/* ── votes ── */

static void timer_closed(uv_handle_t *handle)
{
    mem_free(handle);
}

static void stop_timer(struct vote *vote)
{
    if (vote->timer)
        uv_close((uv_handle_t *)vote->timer, timer_closed);
    vote->timer = NULL;
}

static void set_timer(struct vote *vote, int64_t after, uv_timer_cb callback)
{
    stop_timer(vote);
    vote->timer = NEW(uv_timer_t);
    uv_timer_init(vote->grading->o.loop, vote->timer);
    vote->timer->data = vote;
    uv_update_time(vote->grading->o.loop);
    uv_timer_start(vote->timer, callback, (uint64_t)((after + NS_PER_MS - 1) / NS_PER_MS), 0);
}

static void mark_graded(struct observation *o)
{
    for (size_t i = 0; i < o->usage_count; i++)
        o->usages[i].graded = true;
}

static void vote_over(struct vote *vote, struct result result, const char *error)
{
    struct grading *g = vote->grading;
    stop_timer(vote);
    vote->answer->result = result;
    vote->answer->error = error;
    vote->answer->observation = vote->step.observation;
    mark_graded(vote->step.observation);
    g->open--;
    if (g->open == 0 && !g->beginning)
        next_question(g);
}

static void on_wait(uv_timer_t *timer)
{
    struct vote *vote = timer->data;
    stop_timer(vote);
    begin(vote);
}

static void on_limit(uv_timer_t *timer)
{
    struct vote *vote = timer->data;
    vote->step.kind->cancel(&vote->step);
    vote->under_way = false;
    vote_over(vote, error_set(ERR_TIMEOUT, "it took too long"), "it took too long");
}

static bool is_bad(const struct observation *o, struct result result)
{
    return !result_ok(result) || (o->seen & OBSERVED_STATUS && o->status >= 300);
}

static void on_finished(struct step *step, struct result result)
{
    struct vote *vote = step->owner;
    struct arena *arena = vote->grading->o.arena;
    const char *error = result_ok(result) ? "" : arena_printf(arena, "%s", error_last()->text);
    bool again = false;
    int64_t wait = 0;
    vote->under_way = false;
    if (step->kind->again && is_bad(step->observation, result) &&
        result_ok(step->kind->again(step, result, NULL, &again, &wait)) && again) {
        set_timer(vote, wait, on_wait);
        return;
    }
    vote_over(vote, result, error);
}

static const struct step_kind *kind_named(const char *name)
{
    for (size_t i = 0; step_kinds[i]; i++)
        if (strcmp(step_kinds[i]->name, name) == 0)
            return step_kinds[i];
    MUST(false, "no step kind %s", name);
    return NULL;
}

static void begin(struct vote *vote)
{
    const struct grading *g = vote->grading;
    struct observation *o = ARENA_NEW(g->o.arena, struct observation);
    uint32_t tries = vote->step.tries + 1;
    void *carried = vote->step.carried;
    o->arena = g->o.arena;
    o->intended = clock_now();
    vote->step = (struct step){
        .kind = kind_named(vote->question->kind),
        .config = vote->config,
        .arena = g->o.arena,
        .observation = o,
        .loop = g->o.loop,
        .client = g->o.client,
        .base_url = g->o.base_url,
        .folder = g->o.folder,
        .finished = on_finished,
        .owner = vote,
        .models = g->o.models,
        .model_settings = g->o.model_settings,
        .tries = tries,
        .carried = carried,
    };
    struct result result = vote->step.kind->start(&vote->step);
    vote->under_way = result_ok(result);
    if (!vote->under_way)
        vote_over(vote, result, arena_printf(g->o.arena, "%s", error_last()->text));
    else if (vote->question->timeout != CLOCK_NEVER)
        set_timer(vote, vote->question->timeout, on_limit);
}

/* ── questions ── */

static uint32_t times_of(const struct grading *g, const struct question *q)
{
    return q->times ? q->times : (uint32_t)node_integer(judge_value(g, "votes"), 1);
}

static struct question_answer *refuse(struct grading *g, const char *why)
{
    struct question_answer *answer = ARENA_NEW(g->o.arena, struct question_answer);
    answer->result = error_set(ERR_SUITE, "%s", why);
    answer->error = why;
    return answer;
}

static void ask(struct grading *g, struct question *q)
{
    g->question = q;
    g->count = times_of(g, q);
    g->votes = ARENA_ARRAY(g->o.arena, struct vote, g->count);
    struct question_answer *answers = ARENA_ARRAY(g->o.arena, struct question_answer, g->count);
    q->answers = answers;
    q->answer_count = g->count;
    q->asked = true;
    for (uint32_t i = 0; i < g->count; i++) {
        json_t *config = is_judged(q) ? judge_config(g, i) : q->config;
        const json_t *model = json_object_get(config, "model");
        if (is_judged(q) && !json_is_string(model)) {
            q->answers = refuse(g, "there is no judge: name one with the validator (\"model\"), or "
                                   "for all with \"judge\" in the suite");
            q->answer_count = 1;
            return;
        }
        if (json_is_string(model))
            q->model = jsontext_slice(model);
        g->votes[i] = (struct vote){
            .grading = g,
            .question = q,
            .answer = &answers[i],
            .config = node_from_json(g->o.arena, config, q->about->at),
        };
    }
    g->open = g->count;
    g->beginning = true;
    for (uint32_t i = 0; i < g->count && !g->cancelled; i++)
        begin(&g->votes[i]);
    g->beginning = false;
}

static void next_question(struct grading *g)
{
    for (struct question *q = g->o.observation->questions; q && !g->cancelled; q = q->next) {
        if (q->asked)
            continue;
        ask(g, q);
        if (g->open > 0)
            return;
    }
    if (!g->cancelled)
        g->o.finished(g->o.context);
}

bool grading_start(const struct grading_options *options, struct grading **out)
{
    *out = NULL;
    if (!options->observation->questions)
        return false;
    struct grading *g = ARENA_NEW(options->arena, struct grading);
    *out = g;
    g->o = *options;
    next_question(g);
    return true;
}

void grading_cancel(struct grading *g)
{
    g->cancelled = true;
    for (uint32_t i = 0; i < g->count; i++) {
        struct vote *vote = &g->votes[i];
        if (vote->under_way)
            vote->step.kind->cancel(&vote->step);
        vote->under_way = false;
        stop_timer(vote);
    }
}
