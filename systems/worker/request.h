/*
 * The bodies of POST /execute and POST /cancel: read and validated as the original worker does,
 * every failure collected, in the order of its fields, with its messages. What the original leaves
 * to its framework (a field that is missing or of another type, malformed JSON) is reported in the
 * same form, so that a client needs one reader:
 *
 *     {"errors":[{"field":"max_tokens","constraint":"range(1..=2048)",
 *                 "message":"max_tokens must be at most 2048 (got 4096)","value":"4096"}]}
 */
#ifndef WORKER_REQUEST_H
#define WORKER_REQUEST_H

#include "core/arena.h"
#include "stop.h"

#define REQUEST_PROMPT_MAX 32768 /* Unicode characters */
#define REQUEST_TOKENS_MAX 2048
#define REQUEST_SEED 42 /* when the request names none */

/* Failures listed at most: a hostile list of stop sequences has a million. */
#define REQUEST_ERRORS_MAX 100

/* A valid request. Slices live in the arena. */
struct execute_request {
    struct slice job_id, prompt;
    uint32_t max_tokens, top_k;
    uint64_t seed;
    float temperature, top_p, repetition_penalty, min_p;
    size_t stop_count;
    struct slice stop[STOP_COUNT_MAX];
};

/*
 * Read the body. False when it is refused; `*errors` is then the JSON text of the answer (400), in
 * the arena. `tokens_max` bounds max_tokens, at most REQUEST_TOKENS_MAX.
 */
bool request_execute(struct arena *arena, struct slice body, uint32_t tokens_max,
                     struct execute_request *out, struct slice *errors) MUST_USE;

/* The same for {"job_id": "…"}. */
bool request_cancel(struct arena *arena, struct slice body, struct slice *job_id,
                    struct slice *errors) MUST_USE;

/* The text of an answer with this one failure; `value` may be NULL. */
struct slice request_failure(struct arena *arena, const char *field, const char *constraint,
                             const char *message, const char *value);

#endif
