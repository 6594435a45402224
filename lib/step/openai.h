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
         .help = "Sent as a bearer token. Better a variable marked secret."}

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
     OBSERVED_TOKENS | OBSERVED_STOP | OBSERVED_ERROR | OBSERVED_TIME | OBSERVED_STREAM_TIME)

#endif
