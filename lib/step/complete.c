/*
 * The `complete` step: one exchange with an OpenAI-compatible completions endpoint, the older of
 * the two, which continues a prompt. Streamed or not, it lets see what a chat step does.
 */
#include "step/ask.h"
#include "step/kinds.h"
#include "step/openai.h"

static const struct field complete_fields[] = {
    {"model", &shape_string, .help = "The model asked for."},
    {"prompt", &shape_any, .required = true, .help = "A text, or a list of texts."},
    {"stream", &shape_any, .help = "Ask for a stream of events. Default false."},
    {"stream_options", &shape_any, .help = "Sent as it is."},
    {"max_tokens", &shape_any, .help = "Sent as it is."},
    {"temperature", &shape_any, .help = "Sent as it is."},
    {"top_p", &shape_any, .help = "Sent as it is."},
    {"seed", &shape_any, .help = "Sent as it is."},
    {"stop", &shape_any, .help = "Sent as it is."},
    {"n", &shape_any, .help = "Sent as it is; checks see the first choice."},
    {"logprobs", &shape_any, .help = "Sent as it is."},
    {"echo", &shape_any, .help = "Sent as it is."},
    {"extra", &shape_object, .help = "Further fields of the body, as they are."},
    OPENAI_FIELDS,
    OPENAI_ASK_FIELDS,
    {NULL},
};

static const struct shape complete_shape = {
    .name = "complete step",
    .kind = SHAPE_OBJECT,
    .fields = (const struct field *const[]){complete_fields, NULL},
    .help = "One exchange with an OpenAI-compatible completions endpoint.",
};

static struct result complete_start(struct step *step)
{
    struct ask_options ask = {0};
    TRY(openai_ask(step, "/completions", &ask));
    TRY(jsontext_read_in(step->arena, openai_body(step), &ask.body));
    return ask_start(step, &ask);
}

const struct step_kind step_complete = {
    .name = "complete",
    .shape = &complete_shape,
    .yields = OPENAI_YIELDS,
    .help = "One exchange with an OpenAI-compatible completions endpoint. " OPENAI_EVENTS_HELP,
    .example = "{ \"complete\": { \"model\": \"m\", \"prompt\": \"Once\", \"max_tokens\": 5 }, "
               "\"expect\": { \"stop_reason\": \"length\" } }",
    .title = openai_title,
    .start = complete_start,
    .cancel = ask_cancel,
};
