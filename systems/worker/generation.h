/*
 * One generation: an engine's bytes become whole characters, then tokens with stop sequences taken
 * out, then events in a buffer. No I/O and no clock of its own: the caller says what time it is and
 * gives it turns, so that timing is tested without waiting.
 *
 *     started ─ (first_token) ─ token ─ (delay) ─ token … ─ end | error
 *
 * Timing is by absolute deadlines: each token is due a delay after the one before it was due,
 * whenever that one came; a turn that comes late gives all that are due. Without delays, tokens are
 * due at once, and a turn gives as many as its budget allows. Times that are drawn from a
 * distribution are the same for the same seed.
 */
#ifndef WORKER_GENERATION_H
#define WORKER_GENERATION_H

#include "characters.h"
#include "core/clock.h"
#include "engine.h"
#include "frame.h"
#include "load.h"
#include "stop.h"
#include "timing.h"

struct generation_options {
    const struct engine *engine;
    struct engine_request request; /* its slices are needed only during generation_start */
    uint32_t max_tokens;           /* tokens as the stream shows them; at least 1 */
    const struct slice *stop;      /* copied */
    size_t stop_count;
    uint64_t vram_bytes;         /* for metrics events */
    struct timing first_token;   /* from the start to the first token */
    struct timing delay;         /* from each token to the next */
    int64_t prefill;             /* ns more to the first token for each token of the prompt */
    double slowdown;             /* each other running generation makes all delays longer by this */
    struct load *load;           /* of the worker; NULL: it is alone */
    int64_t metrics_interval;    /* ns between metrics events; 0: none */
    int64_t timeout;             /* ns from the start; then the error TIMEOUT. CLOCK_NEVER: none */
    const struct frames *frames; /* the form of the events; NULL: that of frame.h */
    void *frames_context;        /* for them */
};

enum generation_state {
    GENERATION_RUNNING,
    GENERATION_ENDED,     /* an end event was written */
    GENERATION_CANCELLED, /* so, with the reason CANCELLED */
    GENERATION_FAILED,    /* an error event was written */
    GENERATION_TIMED_OUT, /* so, with the code TIMEOUT */
};

/* Read-only for callers. */
struct generation {
    enum generation_state state;
    struct characters characters;
    uint32_t tokens_out;   /* token events written */
    uint32_t tokens_taken; /* from the engine: written, or held for a stop sequence */
    uint32_t max_tokens;
    int64_t started;
    int64_t token_due; /* of the next token */
    struct timing delay;
    double slowdown;
    struct random random; /* for times */
    struct load *load;
    uint64_t cached; /* tokens in the cache of `load` */
    bool reserved;   /* the next token among them */
    int64_t metrics_interval, metrics_due, deadline;
    uint64_t vram_bytes;
    const struct frames *frames; /* NULL: those of frame.h */
    void *frames_context;
    const struct engine *engine;
    void *sequence;            /* the engine's */
    bool waiting;              /* for the engine: no turn gives a token before it has called */
    struct stop_matcher *stop; /* NULL without stop sequences */
};

/*
 * Begin; `now` is the start all deadlines count from. When the engine refuses, the state is
 * GENERATION_FAILED and its error event is in `out`, as it will be for a failure later on. The
 * started event is the caller's to write before.
 */
void generation_start(struct generation *g, const struct generation_options *options, int64_t now,
                      struct buf *out);

/* Write the events that are due at `now`, at most `budget` tokens. */
void generation_turn(struct generation *g, int64_t now, uint32_t budget, struct buf *out);

/* The engine may have a token now. True when this one was waiting for it. */
bool generation_wake(struct generation *g);

/* When the next turn is due; in the past when tokens are waiting. CLOCK_NEVER when it is over. */
int64_t generation_due(const struct generation *g);

/* End it now with the end event CANCELLED. Nothing when it is over already. */
void generation_cancel(struct generation *g, int64_t now, struct buf *out);

/* Give back the engine's sequence; at any time, once. */
void generation_free(struct generation *g);

#endif
