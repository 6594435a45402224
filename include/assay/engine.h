/*
 * The engine interface of assay-worker: what a shared library has to offer so that
 *
 *     assay-worker --engine ./my_engine.so --model PATH
 *
 * serves its tokens over every wire the worker speaks. Plain C, a table of functions, one exported
 * symbol: `const struct assay_engine *assay_engine(void)`. docs/examples/engine_example.c is one.
 *
 * Threads: every function is called on one thread of the worker, one call after the other, however
 * many threads serve clients (--threads); so an engine needs no locks. The exception is `cancel`,
 * which comes from other threads, one at a time, and may come during a call of `next`.
 *
 * What may go wrong: nothing an engine does stops the worker from answering. A call that takes
 * longer than --engine-timeout-sec ends its jobs with the error TIMEOUT, and the worker, which
 * cannot get its thread back, is unhealthy from then on. What is no valid answer (a count that is
 * negative or too large, text that is not UTF-8) ends that job with INFERENCE_FAILED and a message.
 * A crash ends the process with status 4 and a line on stderr that names the function. Sequences
 * that `usage` still counts when all have been freed are reported on stderr.
 */
#ifndef ASSAY_ENGINE_H
#define ASSAY_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Goes up when a member of these structures changes its meaning; new members are added at the end
 * of `struct assay_engine` only, and counted by its `size`. */
#define ASSAY_ENGINE_ABI 1

/* Bytes of one token at most. */
#define ASSAY_ENGINE_TOKEN_BYTES 256

/* What `next` returns when it is not a count of bytes. */
#define ASSAY_ENGINE_END (-1)    /* the model ended its answer; no token comes with this */
#define ASSAY_ENGINE_FAILED (-2) /* the inference failed */

/* One job. Pointers are valid during `start` only. */
struct assay_engine_request {
    const char *prompt; /* valid UTF-8, not terminated */
    size_t prompt_len;
    uint64_t seed;
    float temperature; /* 0: greedy */
    float top_p, min_p, repetition_penalty;
    uint32_t top_k; /* 0: no limit */
};

/* What the engine holds now. */
struct assay_engine_usage {
    uint64_t sequences;    /* started and not freed */
    uint64_t memory_bytes; /* of the model and all sequences */
};

struct assay_engine {
    uint32_t abi;  /* ASSAY_ENGINE_ABI */
    uint32_t size; /* sizeof(struct assay_engine) */
    const char *name;

    /* Load a model; `model` is the text behind --model. 0, or anything else with a sentence in
     * `error`, which has `error_size` bytes. */
    int (*load)(const char *model, void **engine, char *error, size_t error_size);

    /* How many tokens this text is; not negative. */
    int64_t (*count)(void *engine, const char *text, size_t len);

    /* Begin a sequence. 0, or anything else with a sentence in `error`. */
    int (*start)(void *engine, const struct assay_engine_request *request, void **sequence,
                 char *error, size_t error_size);

    /* Put the next token's bytes, which may be a part of a character, into `token`, which has
     * `size` bytes; returns how many, or one of the codes above. */
    int64_t (*next)(void *engine, void *sequence, char *token, size_t size);

    /* Nobody wants this sequence any more: a call of `next` that is under way should return soon.
     * `free` follows. It has to return at once. May be NULL. */
    void (*cancel)(void *engine, void *sequence);

    /* Give back a sequence; once for each that was started. */
    void (*free)(void *engine, void *sequence);

    void (*usage)(void *engine, struct assay_engine_usage *usage);

    /* Give back the engine. */
    void (*unload)(void *engine);
};

const struct assay_engine *assay_engine(void);

#ifdef __cplusplus
}
#endif

#endif
