/*
 * The `chat` step: a question to an OpenAI-compatible chat endpoint, streamed or not. It gives the
 * text of the first choice, which the LLM validators read, and for a stream every event and token.
 * Prompt cases of the older form become chat steps, so their keys are known here; one that cannot
 * be carried out says so by name, and why, and the step does not pretend.
 *
 * With `retry_config` the conversation goes on: an answer that did not pass its checks is shown to
 * the model again, with what was wrong about it (step/conversation.h).
 */
#include "step/ask.h"
#include "step/conversation.h"
#include "step/kinds.h"
#include "step/openai.h"

static const struct field chat_fields[] = {
    {"model", &shape_string, .help = "The model asked for, or an alias of a provider."},
    CONVERSATION_FIELDS,
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
    {"function_call", &shape_any, .help = "Sent as it is."},
    {"extra", &shape_object, .help = "Further fields of the body, as they are."},
    OPENAI_FIELDS,
    OPENAI_ASK_FIELDS,
    {"description", &shape_any, .help = "Older form; a remark."},
    {"default_validate", &shape_any,
     .help = "Older form; which validators it stands for is decided when the case is read."},
    {NULL},
};

#define NOT_POSSIBLE "Older form; not possible here, and a case that has it is an error."
#define SIMULATED                                                                                  \
    "it would test this program and not the service; ask the service for a fault (assay-worker: "  \
    "X-Assay-Fault)"
#define BATCH                                                                                      \
    "requests of a batch become cases where prompt cases are read; here use matrix or each"

/* Known, so that suites which have them are read; and why they are not carried out. */
static const struct {
    const char *name, *why;
} impossible[] = {
    {"mcp_config", "no MCP servers are started: a model is asked with `tools` alone"},
    {"debug_tool_mcp_config", "no MCP servers are started: a model is asked with `tools` alone"},
    {"batch_mode", BATCH},
    {"requests", BATCH},
    {"parallel", BATCH},
    {"max_concurrent", BATCH},
    {"simulate_error", SIMULATED},
    {"simulate_timeout", SIMULATED},
    {"simulate_rate_limit", SIMULATED},
    {"simulate_failure", SIMULATED},
};

static const struct field impossible_fields[] = {
    {"mcp_config", &shape_any, .help = NOT_POSSIBLE},
    {"debug_tool_mcp_config", &shape_any, .help = NOT_POSSIBLE},
    {"batch_mode", &shape_any, .help = "Older form; see `requests`."},
    {"requests", &shape_any,
     .help =
         "Older form; in a list of prompt cases each becomes a case of its own. Here an error."},
    {"parallel", &shape_any, .help = "Older form; see `requests`."},
    {"max_concurrent", &shape_any, .help = "Older form; see `requests`."},
    {"simulate_error", &shape_any, .help = NOT_POSSIBLE},
    {"simulate_timeout", &shape_any, .help = NOT_POSSIBLE},
    {"simulate_rate_limit", &shape_any, .help = NOT_POSSIBLE},
    {"simulate_failure", &shape_any, .help = NOT_POSSIBLE},
    {NULL},
};

static const struct shape chat_shape = {
    .name = "chat step",
    .kind = SHAPE_OBJECT,
    .fields = (const struct field *const[]){chat_fields, impossible_fields, NULL},
    .help = "One exchange with an OpenAI-compatible chat endpoint.",
    .check = conversation_check,
};

static struct result refuse_impossible(const struct node *config)
{
    for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++) {
        const struct node_entry *entry = node_entry(config, impossible[i].name);
        bool off = !entry || entry->value->kind == NODE_NULL ||
                   (entry->value->kind == NODE_BOOL && !entry->value->boolean);
        if (!off)
            return error_at(ERR_UNSUPPORTED, entry->key_at, "\"%s\" is not possible: %s",
                            impossible[i].name, impossible[i].why);
    }
    return RESULT_OK;
}

static json_t *build_body(struct step *step)
{
    static const char *const sent[] = {
        "stream",         "temperature", "top_p",         "max_tokens",           "seed",
        "stop",           "n",           "logprobs",      "top_logprobs",         "response_format",
        "stream_options", "functions",   "function_call", "max_completion_tokens"};
    json_t *body = jsontext_keep(step->arena, json_object());
    const struct node *extra = node_get(step->config, "extra");
    for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
        const struct node *value = node_get(step->config, sent[i]);
        if (value)
            json_object_set(body, sent[i], node_json(step->arena, value));
    }
    conversation_fill(step, body);
    if (extra)
        json_object_update(body, node_json(step->arena, extra));
    return body;
}

static struct result chat_start(struct step *step)
{
    struct ask_options ask = {0};
    TRY(refuse_impossible(step->config));
    TRY(openai_ask(step, "/chat/completions", &ask));
    TRY(conversation_begin(step));
    ask.body = build_body(step);
    return ask_start(step, &ask);
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
    .again = conversation_again,
    .cancel = ask_cancel,
};
