/*
 * What generates tokens, behind a table of functions: the worker drives any engine the same way and
 * trusts none. An engine returns bytes as its tokenizer cuts them, perhaps in the middle of a
 * character; making whole characters of them, matching stop sequences and counting is the worker's
 * part (generation.h).
 */
#ifndef WORKER_ENGINE_H
#define WORKER_ENGINE_H

#include <uv.h>

#include "core/result.h"

/* What a job asks of the engine. The slices are valid only during start(). */
struct engine_request {
    struct slice prompt; /* valid UTF-8, 1 to 32768 characters */
    uint64_t seed;
    float temperature, top_p, min_p, repetition_penalty;
    uint32_t top_k;
};

enum engine_step {
    ENGINE_TOKEN,  /* a token came */
    ENGINE_EOS,    /* the model ended its answer; no token came with this */
    ENGINE_FAILED, /* the inference failed; nothing comes after this */
    ENGINE_WAIT,   /* no token yet: the engine calls when there may be one */
    ENGINE_HUNG,   /* the engine does not come back; nothing comes after this */
};

/* A token longer than this is a fault of the engine. */
#define ENGINE_TOKEN_BYTES 256

/* The functions are called on the threads of all loops at once; those of one sequence always on the
 * thread that started it. */
struct engine {
    const char *name;
    uint64_t weights_bytes; /* memory that the loaded model takes */

    /* How many tokens a prompt is to this engine. */
    uint64_t (*prompt_tokens)(struct slice prompt);

    /* Begin a sequence; the caller frees it. Failing with a sentence is allowed. */
    struct result (*start)(const struct engine_request *request, void **sequence) MUST_USE;

    /* The next token: its bytes are valid until the next call with the same sequence. */
    enum engine_step (*next)(void *sequence, struct slice *token);

    void (*free)(void *sequence);

    /* Why ENGINE_FAILED came, as a sentence. NULL: there is nothing to say. */
    const char *(*problem)(void *sequence);

    /* For engines on a thread of their own, NULL for others: call `ready` on this thread, which
     * runs the loop, when a sequence that was started on it and had to wait may have a token; and
     * stop doing so. Each of the worker's loops attaches itself. */
    void (*attach)(uv_loop_t *loop, void (*ready)(void *context), void *context);
    void (*detach)(void);

    /* False when the engine cannot do any more work. NULL: it always can. */
    bool (*healthy)(void);
};

#endif
