/*
 * Messages, and how they go on.
 */
#include "step/conversation.h"

#include <math.h>

#include "check/check.h"
#include "core/limits.h"
#include "core/random.h"
#include "core/text.h"
#include "step/ask.h"
#include "step/image.h"
#include "step/openai.h"

/* What the model is shown of an answer: a hundred attempts must not make a request without end. */
#define ANSWER_SHOWN_BYTES (256u << 10)
#define ATTEMPTS 3
#define DELAY NS_PER_S
#define FACTOR 2.0
#define DELAY_MAX (60 * NS_PER_S)
#define JITTER 0.1

/* step->carried */
struct conversation {
    json_t *messages;
};

/* ── shapes ── */

const struct shape conversation_messages = {
    .kind = SHAPE_LIST, .min = 1, .max = 100000, .of = &shape_object};
const struct shape conversation_images = {
    .kind = SHAPE_LIST, .min = 1, .max = LIMIT_IMAGES, .of = &shape_string};

static const struct shape shape_attempts = {.kind = SHAPE_INTEGER, .min = 1, .max = 100};
static const struct shape shape_factor = {.kind = SHAPE_NUMBER, .min = 1, .max = 100};
static const struct shape shape_fraction = {.kind = SHAPE_NUMBER, .min = 0, .max = 1};
static const struct shape shape_jitter = {
    .kind = SHAPE_EITHER,
    .either = (const struct shape *const[]){&shape_fraction, &shape_bool, NULL}};
static const struct field retry_fields[] = {
    {"max_attempts", &shape_attempts, .help = "In all, the first included. Default 3."},
    {"initial_delay", &openai_seconds,
     .help = "Before the second attempt, as a duration or in seconds. Default 1s. A Retry-After of "
             "up to a minute is honoured when it is longer."},
    {"backoff_factor", &shape_factor,
     .help = "Each wait is so many times the one before. Default 2."},
    {"max_delay", &openai_seconds, .help = "The longest wait. Default 60s."},
    {"jitter", &shape_jitter,
     .help = "Each wait is drawn from ± this share of it; true: 0.1, as without it."},
    {"debug_mode", &shape_any, .help = "Older form; how much its runner printed."},
    {NULL},
};
const struct shape conversation_retry = {
    .name = "retry_config",
    .kind = SHAPE_OBJECT,
    .fields = (const struct field *const[]){retry_fields, NULL},
    .help = "Ask again when the answer did not pass its checks, with the answer and what was wrong "
            "about it; or when there was none (a broken connection, a time limit, 408, 409, 425, "
            "429, 5xx), with the same. Other failures are not tried again."};

static bool has_tool(const struct node *tools, struct slice name)
{
    for (size_t i = 0; tools && tools->kind == NODE_LIST && i < tools->count; i++) {
        const struct node *called = node_get(node_get(tools->items[i], "function"), "name");
        if (called && called->kind == NODE_STRING && slice_eq(called->string, name))
            return true;
    }
    return false;
}

static void need(const struct node *config, const char *key, const char *other, const char *why,
                 struct diagnostics *d)
{
    const struct node_entry *entry = node_entry(config, key);
    if (entry && !node_get(config, other))
        diagnose(d, entry->key_at, "%s needs %s: %s", key, other, why);
}

void conversation_check(const struct node *config, struct diagnostics *d)
{
    const struct node *tool = node_get(config, "debug_tool_name"),
                      *tools = node_get(config, "tools");
    if (!node_get(config, "messages") && !node_get(config, "question") &&
        !node_get(config, "prompt") && !node_get(config, "requests"))
        diagnose(d, config->at, "a chat step says something: messages, question or prompt")->hint =
            "for example \"question\": \"What is the capital of France?\"";
    need(config, "max_attempts_before_tool_use", "retry_config", "there is one attempt", d);
    need(config, "max_attempts_before_human", "retry_config", "there is one attempt", d);
    need(config, "debug_tool_name", "max_attempts_before_tool_use", "when it is offered", d);
    if (node_get(config, "max_attempts_before_tool_use") && !tools)
        diagnose(d, node_entry(config, "max_attempts_before_tool_use")->key_at,
                 "max_attempts_before_tool_use needs tools: what is offered then");
    if (tool && tools && tool->kind == NODE_STRING && !tool->has_template && !tools->has_template &&
        !has_tool(tools, tool->string))
        diagnose(d, tool->at, "tools have no function \"%.*s\"", SLICE_ARG(tool->string));
}

/* ── messages ── */

/* Images of one request, and the size of them all. */
struct images {
    struct step *step;
    struct slice folder;
    size_t count, bytes;
};

static struct result add_image(struct images *images, struct slice named, struct slice *url)
{
    *url = named;
    ENSURE(++images->count <= LIMIT_IMAGES, ERR_TOO_LARGE, "a request has at most %d images",
           LIMIT_IMAGES);
    if (!image_is_url(named))
        TRY(image_data_url(images->step->arena, images->folder, named, url));
    images->bytes += url->len;
    ENSURE(images->bytes <= LIMIT_BODY_BYTES, ERR_TOO_LARGE,
           "the images of a request have more than %u MiB", LIMIT_BODY_BYTES >> 20);
    return RESULT_OK;
}

static json_t *text_part(struct step *step, struct slice text)
{
    return json_pack("{s:s, s:O}", "type", "text", "text", jsontext_string(step->arena, text));
}

static json_t *image_part(struct step *step, struct slice url)
{
    return json_pack("{s:s, s:{s:O}}", "type", "image_url", "image_url", "url",
                     jsontext_string(step->arena, url));
}

static json_t *message(struct step *step, const char *role, struct slice content)
{
    return json_pack("{s:s, s:O}", "role", role, "content", jsontext_string(step->arena, content));
}

/* Files in {"type": "image_url", "image_url": {"url": FILE}}, or with a text as image_url. */
static struct result fill_parts(struct images *images, json_t *content)
{
    size_t i;
    json_t *part;
    json_array_foreach(content, i, part)
    {
        json_t *image = json_object_get(part, "image_url");
        const json_t *url = json_is_object(image) ? json_object_get(image, "url") : image;
        struct slice filled;
        if (!json_is_string(url))
            continue;
        TRY(add_image(images, jsontext_slice(url), &filled));
        json_t *sent = image_part(images->step, filled);
        if (json_is_object(image))
            json_object_update_missing(json_object_get(sent, "image_url"), image);
        json_array_set_new(content, i, sent);
    }
    return RESULT_OK;
}

static struct result given_messages(struct images *images, const struct node *messages,
                                    json_t **out)
{
    struct step *step = images->step;
    size_t i;
    json_t *one;
    *out = jsontext_keep(step->arena, json_deep_copy(node_json(step->arena, messages)));
    json_array_foreach(*out, i, one) TRY(fill_parts(images, json_object_get(one, "content")));
    return RESULT_OK;
}

static struct result question_messages(struct images *images, json_t **out)
{
    struct step *step = images->step;
    const struct node *question = node_get(step->config, "question"),
                      *system = node_get(step->config, "system"),
                      *files = node_get(step->config, "images");
    if (!question)
        question = node_get(step->config, "prompt");
    json_t *list = *out = jsontext_keep(step->arena, json_array());
    struct slice text = node_string(question, SLICE(""));
    if (system)
        json_array_append_new(list, message(step, "system", system->string));
    if (!files) {
        json_array_append_new(list, message(step, "user", text));
        return RESULT_OK;
    }
    json_t *parts = jsontext_keep(step->arena, json_array());
    json_array_append_new(parts, text_part(step, text));
    for (size_t i = 0; i < files->count; i++) {
        struct slice url;
        TRY(add_image(images, files->items[i]->string, &url));
        json_array_append_new(parts, image_part(step, url));
    }
    json_array_append_new(list, json_pack("{s:s, s:O}", "role", "user", "content", parts));
    return RESULT_OK;
}

static struct slice image_folder(struct step *step)
{
    struct slice inner = node_string(node_get(step->config, "image_directory"), SLICE(""));
    if (inner.len == 0 || step->folder.len == 0 || inner.data[0] == '/')
        return inner.len ? inner : step->folder;
    return slice_str(
        arena_printf(step->arena, "%.*s/%.*s", SLICE_ARG(step->folder), SLICE_ARG(inner)));
}

struct result conversation_begin(struct step *step)
{
    if (step->carried)
        return RESULT_OK;
    struct images images = {.step = step, .folder = image_folder(step)};
    struct conversation *c = ARENA_NEW(step->arena, struct conversation);
    const struct node *messages = node_get(step->config, "messages");
    TRY(messages ? given_messages(&images, messages, &c->messages)
                 : question_messages(&images, &c->messages));
    step->carried = c;
    return RESULT_OK;
}

/* Until they are offered, the model does not know of them. */
static void fill_tools(struct step *step, json_t *body)
{
    const struct node *tools = node_get(step->config, "tools"),
                      *choice = node_get(step->config, "tool_choice"),
                      *only = node_get(step->config, "debug_tool_name");
    int64_t before = node_integer(node_get(step->config, "max_attempts_before_tool_use"), 0);
    if (!tools || step->tries <= before)
        return;
    json_t *list = node_json(step->arena, tools);
    if (only && json_is_array(list)) {
        json_t *one, *chosen = jsontext_keep(step->arena, json_array());
        size_t i;
        json_array_foreach(list, i, one)
        {
            const json_t *name = json_object_get(json_object_get(one, "function"), "name");
            if (json_is_string(name) && slice_eq(jsontext_slice(name), only->string))
                json_array_append(chosen, one);
        }
        list = chosen;
    }
    json_object_set(body, "tools", list);
    if (choice)
        json_object_set(body, "tool_choice", node_json(step->arena, choice));
}

void conversation_fill(struct step *step, json_t *body)
{
    const struct conversation *c = step->carried;
    fill_tools(step, body);
    json_object_set(body, "messages", c->messages);
}

/* ── again ── */

static struct slice feedback(struct step *step, const struct verdict *verdicts)
{
    const struct node *original = node_get(step->config, "original_user_prompt");
    struct text t = text_in(step->arena);
    text_add_str(&t, "Your answer was not accepted:\n");
    for (const struct verdict *v = verdicts; v; v = v->next)
        if (!v->passed)
            text_printf(&t, "- %s\n", v->message);
    if (original)
        text_printf(&t, "The request was:\n%.*s\n", SLICE_ARG(original->string));
    text_add_str(&t, "Answer again, the whole of it, so that it is accepted.");
    return text_slice(&t);
}

static void go_on(struct step *step, const struct verdict *verdicts)
{
    const struct observation *o = step->observation;
    struct conversation *c = step->carried;
    json_t *messages = jsontext_keep(step->arena, json_copy(c->messages));
    if (o->text.len)
        json_array_append_new(
            messages, message(step, "assistant", slice_part(o->text, 0, ANSWER_SHOWN_BYTES)));
    json_array_append_new(messages, message(step, "user", feedback(step, verdicts)));
    c->messages = messages;
}

static int64_t wait_before(struct step *step, const struct node *retry)
{
    double wait = (double)openai_duration(node_get(retry, "initial_delay"), DELAY),
           most = (double)openai_duration(node_get(retry, "max_delay"), DELAY_MAX);
    const struct node *given = node_get(retry, "jitter");
    double jitter = !given || given->kind == NODE_NULL ? JITTER
                    : given->kind == NODE_BOOL         ? (given->boolean ? JITTER : 0)
                                                       : node_number(given, JITTER);
    struct random r = random_seeded((uint64_t)clock_now());
    wait *= pow(node_number(node_get(retry, "backoff_factor"), FACTOR), step->tries - 1);
    wait = wait < most ? wait : most;
    wait *= 1 + jitter * (2 * random_unit(&r) - 1);
    int64_t asked = ask_retry_after(step->observation);
    return asked > (int64_t)wait ? asked : (int64_t)wait;
}

struct result conversation_again(struct step *step, struct result answer,
                                 const struct verdict *verdicts, bool *again, int64_t *wait)
{
    const struct node *retry = node_get(step->config, "retry_config"),
                      *human = node_get(step->config, "max_attempts_before_human");
    const struct observation *o = step->observation;
    bool not_now = ask_may_try_again(o, answer);
    bool mendable = not_now || (result_ok(answer) && o->status < 400);
    *again = false;
    for (const struct verdict *v = verdicts; v; v = v->next)
        mendable = mendable && !v->impossible;
    if (!retry || !mendable || !step->carried)
        return RESULT_OK;
    ENSURE(!human || step->tries < human->integer, ERR_UNSUPPORTED,
           "a person has to look at it: %u attempts did not pass (max_attempts_before_human)",
           step->tries);
    if (step->tries >= node_integer(node_get(retry, "max_attempts"), ATTEMPTS))
        return RESULT_OK;
    if (!not_now)
        go_on(step, verdicts);
    *again = true;
    *wait = wait_before(step, retry);
    return RESULT_OK;
}
