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
#include "step/kinds.h"
#include "step/openai.h"

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
    {"max_completion_tokens", &shape_any, .help = "Sent as it is."},
    {"seed", &shape_any, .help = "Sent as it is."},
    {"stop", &shape_any, .help = "Sent as it is."},
    {"n", &shape_any, .help = "Sent as it is; checks see the first choice."},
    {"logprobs", &shape_any, .help = "Sent as it is."},
    {"top_logprobs", &shape_any, .help = "Sent as it is."},
    {"response_format", &shape_object, .help = "Sent as it is.",
     .example = "{ \"type\": \"json_object\" }"},
    {"stream_options", &shape_object, .help = "Sent as it is."},
    {"tools", &shape_any, .help = "Sent as it is."},
    {"tool_choice", &shape_any, .help = "Sent as it is."},
    {"functions", &shape_any, .help = "Sent as it is."},
    {"extra", &shape_object, .help = "Further fields of the body, as they are."},
    OPENAI_FIELDS,
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
        "model",          "stream", "temperature", "top_p",     "max_tokens",
        "seed",           "stop",   "n",           "logprobs",  "response_format",
        "stream_options", "tools",  "tool_choice", "functions", "max_completion_tokens",
        "top_logprobs"};
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

static struct result chat_start(struct step *step)
{
    struct call_request request = {
        .method = "POST", .content_type = "application/json", .has_body = true};
    TRY(refuse_unsupported(step->config));
    TRY(openai_url(step, "/chat/completions", &request.url));
    request.headers = openai_headers(step);
    request.body = build_body(step);
    return call_start(step, &request, &openai_events);
}

const struct step_kind step_chat = {
    .name = "chat",
    .shape = &chat_shape,
    .yields = OPENAI_YIELDS,
    .help = "One exchange with an OpenAI-compatible chat endpoint. " OPENAI_EVENTS_HELP,
    .example = "{ \"chat\": { \"model\": \"m\", \"question\": \"Say hi\" }, \"expect\": { "
               "\"text\": { \"matches\": \"(?i)hi\" } } }",
    .title = openai_title,
    .start = chat_start,
    .cancel = call_cancel,
};
