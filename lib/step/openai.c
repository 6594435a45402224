/*
 * OpenAI-compatible answers as observations.
 */
#include "step/openai.h"

#include <math.h>
#include <stdlib.h>

#include "step/ask.h"
#include "step/assemble.h"

static const json_t *first_choice(const json_t *answer)
{
    return json_array_get(json_object_get(answer, "choices"), 0);
}

static void keep_finish(struct step *step, const json_t *choice)
{
    const json_t *reason = json_object_get(choice, "finish_reason");
    if (!json_is_string(reason))
        return;
    step->observation->stop_reason = arena_copy(step->arena, jsontext_slice(reason));
    step->observation->seen |= OBSERVED_STOP;
}

static void keep_error(struct step *step, const json_t *answer)
{
    json_t *error = json_object_get(answer, "error");
    if (!json_is_object(error))
        return;
    step->observation->error = error;
    step->observation->seen |= OBSERVED_ERROR;
}

/* The text of a choice: a message's, a delta's, or a completion's own. */
static const json_t *text_of(const json_t *choice, const char *in)
{
    const json_t *text = json_object_get(json_object_get(choice, in), "content");
    return text ? text : json_object_get(choice, "text");
}

static void keep_whole(struct step *step)
{
    struct observation *o = step->observation;
    const char *fault;
    if (!observation_json(o, &fault))
        return;
    const json_t *choice = first_choice(o->body_json), *content = text_of(choice, "message");
    if (json_is_string(content)) {
        o->text = arena_copy(step->arena, jsontext_slice(content));
        o->seen |= OBSERVED_TEXT;
    }
    keep_finish(step, choice);
    keep_error(step, o->body_json);
}

static struct result on_event(struct step *step, struct stream *stream, struct stream_event *event)
{
    const json_t *choice = first_choice(event->json), *content = text_of(choice, "delta");
    event->name = assemble_name(event);
    if (json_is_string(content) && json_string_length(content) > 0)
        TRY(stream_token(stream, jsontext_slice(content), -1, event->at));
    keep_finish(step, choice);
    keep_error(step, event->json);
    return RESULT_OK;
}

static void on_done(struct step *step, const struct sse_notes *notes)
{
    if (notes)
        step->observation->body_json = assemble_answer(step->observation, notes);
    else
        keep_whole(step);
}

const struct call_events openai_events = {on_event, on_done};

/* ── the request ── */

/* api_base, the service, or what programs for this interface agree on: prompt cases of the older
 * form name neither. */
struct result openai_url(struct step *step, const char *path, struct slice *url)
{
    const struct node *base = node_get(step->config, "api_base"),
                      *given = node_get(step->config, "path");
    if (!base && (step->base_url.len || given))
        return step_url(
            step, node_string(given, slice_str(arena_printf(step->arena, "/v1%s", path))), url);
    struct slice start = base ? base->string : slice_str(getenv("OPENAI_BASE_URL"));
    ENSURE(slice_find_byte(start, '\0') < 0, ERR_VALUE,
           "\"%.*s\" holds a zero byte, which no URL can", SLICE_ARG(start));
    ENSURE(start.len, ERR_SUITE,
           "the step does not say whom it talks to: give it a service, a provider or api_base, or "
           "set OPENAI_BASE_URL, such as http://localhost:8080/v1");
    while (slice_ends(start, SLICE("/")))
        start.len--;
    *url = slice_str(arena_printf(step->arena, "%.*s%s", SLICE_ARG(start), path));
    return RESULT_OK;
}

/* "os.environ/NAME", as suites of the older form have it, is the value of that variable. */
static struct slice key_of(struct step *step, struct slice key)
{
    static const struct slice prefix = {"os.environ/", 11};
    if (!slice_starts(key, prefix))
        return key;
    const char *value = getenv(arena_string(step->arena, slice_from(key, prefix.len)));
    return slice_str(value ? value : "");
}

const struct node *openai_headers(struct step *step)
{
    const struct node *given = node_get(step->config, "headers"),
                      *key = node_get(step->config, "api_key");
    if (!key)
        return given;
    const char *value =
        arena_printf(step->arena, "Bearer %.*s", SLICE_ARG(key_of(step, key->string)));
    json_t *bearer = jsontext_keep(step->arena, json_pack("{s:s}", "Authorization", value));
    return node_merge(step->arena, node_from_json(step->arena, bearer, key->at), given);
}

/* ── whom to ask ── */

static const struct shape shape_seconds = {.kind = SHAPE_NUMBER, .min = 0, .max = 86400};
const struct shape openai_seconds = {
    .kind = SHAPE_EITHER,
    .either = (const struct shape *const[]){&shape_duration, &shape_seconds, NULL}};
const struct shape openai_models = {.kind = SHAPE_LIST, .of = &shape_string, .min = 1, .max = 16};

int64_t openai_duration(const struct node *node, int64_t absent)
{
    if (!node || node->kind == NODE_NULL)
        return absent;
    return node->kind == NODE_STRING ? node_duration(node, absent)
                                     : llround(node_number(node, 0) * NS_PER_S);
}

/* Where the step says, unless a provider has the model. */
static struct result place_target(struct step *step, const char *path, struct model_target *t)
{
    const struct node *own = openai_headers(step);
    if (node_get(step->config, "api_base"))
        t->provider = NULL; /* its key is for its own endpoint */
    if (!t->provider) {
        t->headers = own;
        return openai_url(step, path, &t->url);
    }
    t->headers = node_merge(step->arena, t->headers, own);
    while (slice_ends(t->url, SLICE("/")))
        t->url.len--;
    t->url = slice_str(arena_printf(step->arena, "%.*s%s", SLICE_ARG(t->url), path));
    return RESULT_OK;
}

struct result openai_ask(struct step *step, const char *path, struct ask_options *out)
{
    const struct node *config = step->config, *others = node_get(config, "fallback_models"),
                      *provider = node_get(config, "provider"),
                      *base = node_get(config, "api_base");
    size_t count = 1 + (others ? others->count : 0);
    struct model_target *targets = ARENA_ARRAY(step->arena, struct model_target, count);
    /* Of an endpoint of its own it is only a remark. */
    struct slice named = base ? SLICE("") : node_string(provider, SLICE(""));
    for (size_t i = 0; i < count; i++) {
        struct slice model = i == 0 ? node_string(node_get(config, "model"), SLICE(""))
                                    : others->items[i - 1]->string;
        TRY(models_find(step->models, step->model_settings, step->arena, model, named,
                        &targets[i]));
        TRY(place_target(step, path, &targets[i]));
    }
    const struct node *key = node_get(config, "cache_key");
    out->targets = targets;
    out->target_count = count;
    out->timeout = openai_duration(node_get(config, "timeout"), CLOCK_NEVER);
    out->cached = key != NULL;
    out->variant = node_string(key, SLICE(""));
    out->refresh = node_boolean(node_get(config, "force_refresh"), false);
    out->events = &openai_events;
    return RESULT_OK;
}

struct slice openai_body(struct step *step)
{
    static const char *const ours[] = {"headers",   "path",         "api_base",        "api_key",
                                       "extra",     "provider",     "fallback_models", "timeout",
                                       "cache_key", "force_refresh"};
    const struct node *extra = node_get(step->config, "extra");
    json_t *body = jsontext_keep(step->arena, json_copy(node_json(step->arena, step->config)));
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        json_object_del(body, ours[i]);
    if (extra)
        json_object_update(body, node_json(step->arena, extra));
    return jsontext_write(step->arena, body);
}

struct slice openai_title(struct arena *arena, const struct node *config)
{
    struct slice model = node_string(node_get(config, "model"), SLICE("the default model"));
    return slice_str(arena_printf(arena, "%.*s", SLICE_ARG(model)));
}
