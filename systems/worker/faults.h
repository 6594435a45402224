/*
 * Faults on request: what a client may ask the worker to do wrong, said in one line of text
 *
 *     NAME[,KEY=VALUE]…[;NAME…]        reset,at=3      crlf;segments,bytes=1
 *
 * that comes as ?fault=…, as the header X-Assay-Fault or as the member "assay_fault" of a JSON
 * body. One table has every fault with its parameters and what it does: the parser, the page of the
 * documentation and the test of all faults are made from it. Doing it is fault_tap.h's part.
 */
#ifndef WORKER_FAULTS_H
#define WORKER_FAULTS_H

#include "core/arena.h"

enum fault_name {
    FAULT_STATUS,
    FAULT_SILENT,
    FAULT_ERROR,
    FAULT_RESET,
    FAULT_CLOSE,
    FAULT_EXIT,
    FAULT_STALL,
    FAULT_TRUNCATE,
    FAULT_OVERLONG,
    FAULT_MALFORMED,
    FAULT_SWAP,
    FAULT_DUPLICATE,
    FAULT_DROP,
    FAULT_ROLE_ONLY,
    FAULT_USAGE,
    FAULT_INVALID_UTF8,
    FAULT_SPLIT_UTF8,
    FAULT_CRLF,
    FAULT_NO_SPACE,
    FAULT_BUNDLE,
    FAULT_SEGMENTS,
    FAULT_ONE_SEGMENT,
    FAULT_LORIS,
    FAULT_COUNT,
};

/* What a frame of a stream is: for `event=`. */
enum frame_kind {
    FRAME_STARTED, /* `started`, or the chunk with the role */
    FRAME_TOKEN,
    FRAME_METRICS,
    FRAME_USAGE, /* the chunk with the usage */
    FRAME_END,   /* `end`, or the chunk with the finish_reason */
    FRAME_ERROR,
    FRAME_DONE, /* [DONE] */
    FRAME_KINDS,
};

enum fault_parameter {
    FAULT_AT,          /* number of the token it strikes at, from 0 */
    FAULT_MS,          /* milliseconds */
    FAULT_BYTES,       /* how many */
    FAULT_CODE,        /* HTTP status or exit status */
    FAULT_RETRY_AFTER, /* seconds */
    FAULT_TOKENS,      /* how many */
    FAULT_EVENT,       /* an enum frame_kind by name */
    FAULT_PARAMETERS,
};

/* Not given and without a default: for ever, or none. */
#define FAULT_NOT_GIVEN UINT64_MAX

/* One row of the table. */
struct fault_row {
    const char *name;
    const char *help;
    bool openai_only; /* needs a stream of the OpenAI form */
    struct {
        bool taken;
        uint64_t initial, min, max;
    } parameters[FAULT_PARAMETERS];
};

extern const struct fault_row fault_rows[FAULT_COUNT];

/* What a request asked for. */
struct fault_plan {
    bool asked[FAULT_COUNT];
    bool any;
    uint64_t values[FAULT_COUNT][FAULT_PARAMETERS];
};

/*
 * Add the faults of `text` to the plan, which began as zeros. ERR_VALUE with a sentence that says
 * what is known when it is wrong. `openai` tells whether the request is for a path below /v1/.
 */
struct result faults_read(struct slice text, bool openai, struct fault_plan *plan) MUST_USE;

/* The table as Markdown: name, parameters with their defaults, what it does. */
const char *faults_page(struct arena *arena);

#endif
