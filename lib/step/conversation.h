/*
 * What is said to a model: the messages of a chat step, with images read in, and how they go on
 * when an answer did not pass. The rules are those of the older runner's retry_config: wait (longer
 * each time, never all at the same moment), show the model its answer and what was wrong about it,
 * offer tools after some attempts, call for a person after some more. What trying again cannot mend
 * (a refused key, a wrong request) is not tried again.
 */
#ifndef STEP_CONVERSATION_H
#define STEP_CONVERSATION_H

#include "step/step.h"

extern const struct shape conversation_messages, conversation_retry, conversation_images;

#define CONVERSATION_FIELDS                                                                        \
    {"messages", &conversation_messages,                                                           \
     .help = "The conversation. A file as `url` of an `image_url` is sent as a data URL.",         \
     .example = "[{ \"role\": \"user\", \"content\": \"Hi\" }]"},                                  \
        {"question", &shape_text, .help = "Short for one message of the user."},                   \
        {"prompt", &shape_text, .help = "The same as question."},                                  \
        {"system", &shape_text, .help = "With question: a system message before it."},             \
        {"images", &conversation_images,                                                           \
         .help = "With question: image files (PNG, JPEG, GIF, WebP) or URLs sent with it."},       \
        {"image_directory", &shape_string,                                                         \
         .help = "Where image files are, from the folder of the suite."},                          \
        {"retry_config", &conversation_retry,                                                      \
         .help = "Go on with the conversation when the answer does not pass. A pass that is not "  \
                 "the first is flagged flaky."},                                                   \
        {"max_attempts_before_tool_use", &shape_count,                                             \
         .help = "With retry_config: `tools` are offered only after so many attempts."},           \
        {"debug_tool_name", &shape_string,                                                         \
         .help = "With max_attempts_before_tool_use: the one of `tools` that is offered."},        \
        {"max_attempts_before_human", &shape_positive,                                             \
         .help = "With retry_config: after so many attempts the case is an error that calls for "  \
                 "a person."},                                                                     \
        {"original_user_prompt", &shape_text,                                                      \
         .help = "With retry_config: said again with what was wrong."}

/* The `check` of the shape of a step with these fields. */
void conversation_check(const struct node *config, struct diagnostics *d);

/* The messages of this try, in step->carried: those of the configuration, or those that
 * conversation_again left. Reads images. */
struct result conversation_begin(struct step *step) MUST_USE;

/* Add `messages`, and `tools` and `tool_choice` when they are offered. */
void conversation_fill(struct step *step, json_t *body);

/* A kind's `again`. */
struct result conversation_again(struct step *step, struct result answer,
                                 const struct verdict *verdicts, bool *again, int64_t *wait);

#endif
