/*
 * One request to OpenAI's API under way, as its handlers see it.
 */
#ifndef WORKER_OPENAI_CALL_H
#define WORKER_OPENAI_CALL_H

#include "openai_error.h"
#include "worker.h"

struct api_call {
    struct loop *loop;
    struct worker *worker; /* the loop's */
    struct exchange *ex;
    struct arena *arena; /* until the handler returns, unless an answer took it over */
    const struct pace *pace;
    struct slice rest; /* of the path, behind the route's */
};

void openai_reply(struct api_call *call, unsigned status, struct slice json);
void openai_reply_error(struct api_call *call, const struct openai_error *error);

/* An error without a parameter; `code` may be NULL. */
void openai_reply_refusal(struct api_call *call, unsigned status, const char *code,
                          const char *message);

/* The answer to a request of /v1/chat/completions, /v1/completions or /v1/embeddings, at once and
 * as text in the arena. */
struct slice openai_run(struct worker *w, struct arena *arena, struct slice url, struct slice body,
                        unsigned *status);

#endif
