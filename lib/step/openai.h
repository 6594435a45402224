/*
 * What the steps for OpenAI-compatible endpoints share: where a request goes, its key, and what is
 * made of the answer, streamed or not.
 */
#ifndef STEP_OPENAI_H
#define STEP_OPENAI_H

#include "step/call.h"

/* For the help of the kinds that use openai_events. */
#define OPENAI_EVENTS_HELP                                                                         \
    "Events of a stream are named role, content, tool_call, finish, usage, done ([DONE]), error, " \
    "or chunk when it is none of these. Of a stream, json sees the answer put together: choices "  \
    "with message (or text), tool_calls and finish_reason, usage and error, as in an answer in "   \
    "one piece; and `stream` counts chunks, done, after_done, not_json, ids, models, objects "     \
    "(different ones), usages, usages_with_choices, bad_choices, bad_calls, comments, no_space, "  \
    "unknown_fields and invalid_utf8, in each choice `stream` roles, role_late, finishes and "     \
    "after_finish."

/* Fields of the kinds: how to get there. */
#define OPENAI_FIELDS                                                                              \
    {"headers", &shape_string_map, .help = "Request headers."},                                    \
        {"path", &shape_string, .help = "Where to send it, instead of OpenAI's path."},            \
        {"api_base", &shape_string,                                                                \
         .help =                                                                                   \
             "The endpoint before OpenAI's path, /v1 included, instead of the service's url."},    \
        {"api_key", &shape_string,                                                                 \
         .help =                                                                                   \
             "Sent as a bearer token. Better a variable marked secret, or os.environ/NAME for "    \
             "the value of an environment variable."}

/* Fields of the kinds that ask a model by step/ask.h. */
#define OPENAI_ASK_FIELDS                                                                          \
    {"provider", &shape_string,                                                                    \
     .help = "Who is asked: one of the suite's providers. Without it, the one that lists the "     \
             "model, or PROVIDER/MODEL. With api_base it changes nothing."},                       \
        {"fallback_models", &openai_models,                                                        \
         .help = "Asked one after the other when a model gives no answer or one that says not "    \
                 "now: a broken connection, a time limit, 404, 408, 409, 425, 429, 5xx. A case "   \
                 "that passes so is flagged flaky.",                                               \
         .example = "[\"small\", \"openai/gpt-4o\"]"},                                             \
        {"timeout", &openai_seconds,                                                               \
         .help = "Time limit of one request, as a duration or in seconds."},                       \
        {"cache_key", &shape_string,                                                               \
         .help = "Keep the answer in the answer cache, under the request and this name."},         \
        {"force_refresh", &shape_bool, .help = "Do not use the kept answer, renew it."}

/* A list of names of models; a number of seconds or a duration. */
extern const struct shape openai_models, openai_seconds;

struct ask_options;

/* What OPENAI_ASK_FIELDS say, with a full url for every target. `path` is as below. */
struct result openai_ask(struct step *step, const char *path, struct ask_options *out) MUST_USE;

/* The value of a field of shape openai_seconds, in ns. */
int64_t openai_duration(const struct node *node, int64_t absent);

/* `path` is OpenAI's, behind /v1. */
struct result openai_url(struct step *step, const char *path, struct slice *url) MUST_USE;
const struct node *openai_headers(struct step *step);

/* The body: every field of the step but those of OPENAI_FIELDS and `extra`, and those of `extra`.
 */
struct slice openai_body(struct step *step);

/* "MODEL" or "the default model". */
struct slice openai_title(struct arena *arena, const struct node *config);

/* Text, tokens, finish reason and error of the first choice; a stream put together. */
extern const struct call_events openai_events;

/* All that openai_events can let us see. */
#define OPENAI_YIELDS                                                                              \
    (OBSERVED_STATUS | OBSERVED_HEADERS | OBSERVED_BODY | OBSERVED_EVENTS | OBSERVED_TEXT |        \
     OBSERVED_TOKENS | OBSERVED_STOP | OBSERVED_ERROR | OBSERVED_TIME | OBSERVED_STREAM_TIME |     \
     OBSERVED_MEMORY)

#endif
