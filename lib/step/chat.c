/*
 * The `chat` step: one exchange with an OpenAI-compatible chat endpoint, streamed or not. It gives
 * the text of the first choice, which the LLM validators read, and for a stream every event and
 * token. Prompt cases of the older form become chat steps.
 *
 * Keys that go beyond one exchange (fallback models, tool loops, simulated faults, …) are known, so
 * that suites which have them are read; a step that uses one of them says that it cannot be carried
 * out, and does not pretend.
 */
#include "core/text.h"
#include "step/call.h"
#include "step/kinds.h"

static void check_chat(const struct node *config, struct diagnostics *d)
{
    if (!node_get(config, "messages") && !node_get(config, "question") &&
        !node_get(config, "prompt"))
        diagnose(d, config->at, "a chat step says something: messages, question or prompt")->hint =
            "for example \"question\": \"What is the capital of France?\"";
}

static const struct shape shape_messages = {
    .kind = SHAPE_LIST, .min = 1, .max = 100000, .of = &shape_object};

static const struct field chat_fields[] = {
    {"model", &shape_string, .help = "The model asked for."},
    {"messages", &shape_messages, .help = "The conversation.",
     .example = "[{ \"role\": \"user\", \"content\": \"Hi\" }]"},
    {"question", &shape_text, .help = "Short for one message of the user."},
    {"prompt", &shape_text, .help = "The same as question."},
    {"system", &shape_text, .help = "With question: a system message before it."},
    {"stream", &shape_bool, .help = "Ask for a stream of events. Default false."},
    {"temperature", &shape_any, .help = "Sent as it is."},
    {"top_p", &shape_any, .help = "Sent as it is."},
    {"max_tokens", &shape_any, .help = "Sent as it is."},
    {"seed", &shape_any, .help = "Sent as it is."},
    {"stop", &shape_any, .help = "Sent as it is."},
    {"n", &shape_any, .help = "Sent as it is; checks see the first choice."},
    {"logprobs", &shape_any, .help = "Sent as it is."},
    {"response_format", &shape_object, .help = "Sent as it is.",
     .example = "{ \"type\": \"json_object\" }"},
    {"stream_options", &shape_object, .help = "Sent as it is."},
    {"tools", &shape_any, .help = "Sent as it is."},
    {"tool_choice", &shape_any, .help = "Sent as it is."},
    {"functions", &shape_any, .help = "Sent as it is."},
    {"extra", &shape_object, .help = "Further fields of the body, as they are."},
    {"headers", &shape_string_map, .help = "Request headers."},
    {"path", &shape_string, .help = "Where to send it. Default /v1/chat/completions."},
    {"api_base", &shape_string,
     .help = "The endpoint before /chat/completions, instead of the service's url."},
    {"api_key", &shape_string, .help = "Sent as a bearer token. Better a variable marked secret."},
    {NULL},
};

/* Of the older form; not carried out by this version. */
static const struct field older_fields[] = {
    {"provider", &shape_any, .help = "Older form; ignored: the endpoint says who answers."},
    {"description", &shape_any, .help = "Older form; ignored."},
    {"default_validate", &shape_any,
     .help = "Older form; ignored: `validate` says what is checked."},
    {"original_user_prompt", &shape_any, .help = "Older form; ignored."},
    {"cache_key", &shape_any, .help = "Older form; ignored: nothing is cached."},
    {"force_refresh", &shape_any, .help = "Older form; ignored: nothing is cached."},
    {"timeout", &shape_any, .help = "Older form, in seconds; ignored: the case has its timeout."},
    {"fallback_models", &shape_any, .help = "Older form; not carried out by this version."},
    {"image_directory", &shape_any, .help = "Older form; not carried out by this version."},
    {"max_attempts_before_tool_use", &shape_any,
     .help = "Older form; not carried out by this version."},
    {"max_attempts_before_human", &shape_any,
     .help = "Older form; not carried out by this version."},
    {"debug_tool_name", &shape_any, .help = "Older form; not carried out by this version."},
    {"debug_tool_mcp_config", &shape_any, .help = "Older form; not carried out by this version."},
    {"batch_mode", &shape_any, .help = "Older form; not carried out by this version."},
    {"requests", &shape_any, .help = "Older form; not carried out by this version."},
    {"parallel", &shape_any, .help = "Older form; not carried out by this version."},
    {"max_concurrent", &shape_any, .help = "Older form; not carried out by this version."},
    {"simulate_error", &shape_any, .help = "Older form; not carried out by this version."},
    {"simulate_timeout", &shape_any, .help = "Older form; not carried out by this version."},
    {"simulate_rate_limit", &shape_any, .help = "Older form; not carried out by this version."},
    {"simulate_failure", &shape_any, .help = "Older form; not carried out by this version."},
    {NULL},
};

static const struct shape chat_shape = {
    .name = "chat step",
    .kind = SHAPE_OBJECT,
    .fields = (const struct field *const[]){chat_fields, older_fields, NULL},
    .help = "One exchange with an OpenAI-compatible chat endpoint.",
    .check = check_chat,
};

static bool chat_needs_url(const struct node *config)
{
    const struct node *path = node_get(config, "path");
    return !node_get(config, "api_base") && (!path || step_is_path(path));
}

static struct slice chat_title(struct arena *arena, const struct node *config)
{
    struct slice model = node_string(node_get(config, "model"), SLICE("the default model"));
    return slice_str(arena_printf(arena, "%.*s", SLICE_ARG(model)));
}

static struct result refuse_unsupported(const struct node *config)
{
    for (const struct field *f = older_fields; f->name; f++) {
        const struct node_entry *entry = node_entry(config, f->name);
        bool refused =
            entry && strstr(f->help, "not carried out") && entry->value->kind != NODE_NULL;
        if (refused)
            return error_at(
                ERR_UNSUPPORTED, entry->key_at,
                "\"%s\" is not carried out by this version; the case proves nothing without it",
                f->name);
    }
    return RESULT_OK;
}

static json_t *message(const char *role, const struct node *content)
{
    return json_pack("{s:s, s:s%}", "role", role, "content", content->string.data,
                     (int)content->string.len);
}

static json_t *build_messages(struct step *step)
{
    const struct node *messages = node_get(step->config, "messages"),
                      *question = node_get(step->config, "question"),
                      *system = node_get(step->config, "system");
    if (messages)
        return json_incref(node_json(step->arena, messages));
    json_t *list = json_array();
    if (system)
        json_array_append_new(list, message("system", system));
    json_array_append_new(list,
                          message("user", question ? question : node_get(step->config, "prompt")));
    return list;
}

static struct slice build_body(struct step *step)
{
    static const char *const sent[] = {
        "model",          "stream", "temperature", "top_p",    "max_tokens",
        "seed",           "stop",   "n",           "logprobs", "response_format",
        "stream_options", "tools",  "tool_choice", "functions"};
    json_t *body = jsontext_keep(step->arena, json_object());
    const struct node *extra = node_get(step->config, "extra");
    for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
        const struct node *value = node_get(step->config, sent[i]);
        if (value)
            json_object_set(body, sent[i], node_json(step->arena, value));
    }
    json_object_set_new(body, "messages", build_messages(step));
    if (extra)
        json_object_update(body, node_json(step->arena, extra));
    return jsontext_write(step->arena, body);
}

/* ── the answer ── */

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

static void keep_error(struct step *step, json_t *answer)
{
    json_t *error = json_object_get(answer, "error");
    if (!json_is_object(error))
        return;
    step->observation->error = error;
    step->observation->seen |= OBSERVED_ERROR;
}

static void keep_whole(struct step *step)
{
    struct observation *o = step->observation;
    const char *fault;
    if (!observation_json(o, &fault))
        return;
    const json_t *choice = first_choice(o->body_json);
    const json_t *content = json_object_get(json_object_get(choice, "message"), "content");
    if (json_is_string(content)) {
        o->text = arena_copy(step->arena, jsontext_slice(content));
        o->seen |= OBSERVED_TEXT;
    }
    keep_finish(step, choice);
    keep_error(step, o->body_json);
}

static struct result chat_event(struct step *step, struct stream *stream,
                                struct stream_event *event)
{
    const json_t *choice = first_choice(event->json),
                 *content = json_object_get(json_object_get(choice, "delta"), "content");
    if (slice_is(event->data, "[DONE]"))
        event->name = SLICE("done");
    else if (json_object_get(event->json, "error"))
        event->name = SLICE("error");
    else
        event->name = SLICE("chunk");
    if (json_is_string(content) && json_string_length(content) > 0)
        TRY(stream_token(stream, jsontext_slice(content), -1, event->at));
    keep_finish(step, choice);
    keep_error(step, event->json);
    return RESULT_OK;
}

static void chat_done(struct step *step, bool streamed)
{
    if (!streamed)
        keep_whole(step);
}

/* ── the exchange ── */

static struct result chat_url(struct step *step, struct slice *url)
{
    const struct node *base = node_get(step->config, "api_base");
    if (!base)
        return step_url(
            step, node_string(node_get(step->config, "path"), SLICE("/v1/chat/completions")), url);
    struct slice start = base->string;
    while (slice_ends(start, SLICE("/")))
        start.len--;
    *url = slice_str(arena_printf(step->arena, "%.*s/chat/completions", SLICE_ARG(start)));
    return RESULT_OK;
}

static const struct node *chat_headers(struct step *step)
{
    const struct node *given = node_get(step->config, "headers"),
                      *key = node_get(step->config, "api_key");
    if (!key)
        return given;
    const char *value = arena_printf(step->arena, "Bearer %.*s", SLICE_ARG(key->string));
    json_t *bearer = jsontext_keep(step->arena, json_pack("{s:s}", "Authorization", value));
    return node_merge(step->arena, node_from_json(step->arena, bearer, key->at), given);
}

static struct result chat_start(struct step *step)
{
    static const struct call_events events = {chat_event, chat_done};
    struct call_request request = {
        .method = "POST", .content_type = "application/json", .has_body = true};
    TRY(refuse_unsupported(step->config));
    TRY(chat_url(step, &request.url));
    request.headers = chat_headers(step);
    request.body = build_body(step);
    return call_start(step, &request, &events);
}

const struct step_kind step_chat = {
    .name = "chat",
    .shape = &chat_shape,
    .yields = OBSERVED_STATUS | OBSERVED_HEADERS | OBSERVED_BODY | OBSERVED_EVENTS | OBSERVED_TEXT |
              OBSERVED_TOKENS | OBSERVED_STOP | OBSERVED_ERROR | OBSERVED_TIME |
              OBSERVED_STREAM_TIME,
    .help = "One exchange with an OpenAI-compatible chat endpoint.",
    .example = "{ \"chat\": { \"model\": \"m\", \"question\": \"Say hi\" }, \"expect\": { "
               "\"text\": { \"matches\": \"(?i)hi\" } } }",
    .needs_url = chat_needs_url,
    .title = chat_title,
    .start = chat_start,
    .cancel = call_cancel,
};
