/*
 * What one execution of a step let us see: the step fills it in while it runs, the checks read it
 * afterwards, and nothing else passes between them. `seen` says which parts hold data; a check that
 * needs a part which was not seen fails ("saw no data"), it never passes.
 */
#ifndef CHECK_OBSERVATION_H
#define CHECK_OBSERVATION_H

#include "core/clock.h"
#include "core/jsontext.h"

enum observed {
    OBSERVED_STATUS = 1 << 0,       /* an HTTP status */
    OBSERVED_HEADERS = 1 << 1,      /* response headers */
    OBSERVED_BODY = 1 << 2,         /* a response body, possibly empty */
    OBSERVED_EVENTS = 1 << 3,       /* an event stream was read, possibly without events */
    OBSERVED_TEXT = 1 << 4,         /* generated text, joined from its tokens */
    OBSERVED_TOKENS = 1 << 5,       /* the tokens one by one */
    OBSERVED_STOP = 1 << 6,         /* why the generation ended */
    OBSERVED_ERROR = 1 << 7,        /* an error the service reported in its own form */
    OBSERVED_EXIT = 1 << 8,         /* a program ended */
    OBSERVED_OUTPUT = 1 << 9,       /* what it wrote */
    OBSERVED_TIME = 1 << 10,        /* start and end */
    OBSERVED_STREAM_TIME = 1 << 11, /* first token and gaps */
    OBSERVED_MEMORY = 1 << 12,
    OBSERVED_TENSORS = 1 << 13,
    OBSERVED_ROWS = 1 << 14,
    OBSERVED_SPANS = 1 << 15,
    OBSERVED_SERIES = 1 << 16,
    OBSERVED_LOAD = 1 << 17, /* what a load measured */
};

struct header {
    struct slice name; /* as it came; compared without regard to case */
    struct slice value;
};

/* One event of a stream, in order of arrival. */
struct stream_event {
    struct slice
        name; /* the kind: "token", "end", …; from `type` in the data, else the event line */
    struct slice data; /* the data as it came */
    json_t *json;      /* the data as JSON, or NULL when it is none */
    int64_t at;        /* monotonic ns when we read it */
};

struct token {
    struct slice text;
    int64_t index; /* as the service numbered it, -1 when it did not */
    int64_t at;    /* monotonic ns */
};

struct tensor {
    struct slice name;  /* may be empty */
    struct slice dtype; /* "FP32", "INT64", … (KServe names) */
    size_t rank;
    const int64_t *shape; /* rank dimensions */
    size_t count;
    const double *values; /* count values, row-major */
};

/* What a model was used for in a step: what it took and what that costs. */
struct usage {
    struct slice model;
    int64_t input_tokens, output_tokens; /* -1: not told */
    int64_t cost; /* in 10^-9 of the currency of the price list; -1: unknown */
    bool cached;  /* the answer came from the answer cache: nothing was spent */
    bool graded;  /* asked by a graded validator, not by the case itself */
};

/* An objective of a load: as written, does it hold, and what there was instead. */
struct objective {
    const char *text;
    bool holds;
    struct slice actual;
};

struct question;
struct load_outcome;

struct observation {
    struct arena *arena; /* owns everything below */
    unsigned seen;       /* enum observed, or-ed */

    int status;
    const struct header *headers;
    size_t header_count;
    struct slice body;

    const struct stream_event *events;
    size_t event_count;
    const struct token *tokens;
    size_t token_count;
    struct slice text;
    struct slice stop_reason;
    struct slice stop_sequence; /* data NULL: none was reported */
    json_t *error;              /* as the service sent it: {"code", "message", …} */

    int exit_code; /* -1 when a signal ended the program */
    int signal;    /* 0 when none did */
    struct slice standard_output, standard_error;

    /* Monotonic ns; 0 where it did not happen. A latency counts from `intended`. */
    int64_t intended, started, connected, first_byte, first_token, last_byte, ended;

    int64_t memory_before, memory_after, memory_peak; /* bytes, resident */
    const struct tensor *tensors;
    size_t tensor_count;
    json_t *rows, *spans, *series; /* arrays of objects */

    const struct load_outcome *load; /* load/engine.h */
    const struct objective *objectives;
    size_t objective_count;

    struct usage *usages; /* of models; one per request that was answered */
    size_t usage_count;
    struct question *questions; /* what checks ask of others before they judge (check/question.h) */

    /* Filled on demand by observation_json. */
    json_t *body_json;
    const char *body_fault;

    /* The exchange as evidence: request and response as text, each at most LIMIT_EVIDENCE_BYTES.
       Made only when something failed; may hold secrets until the recorder removes them. */
    struct slice request_shown, response_shown;
};

/* The body (or standard output) as JSON, read once; NULL with `*fault` set when it is none. */
const json_t *observation_json(struct observation *o, const char **fault);

/* The first header of that name; data NULL when there is none. */
struct slice observation_header(const struct observation *o, struct slice name);

/* Inter-token gaps in ns, ascending, arena-owned; `*count` is token_count - 1, or 0. */
const int64_t *observation_gaps(struct observation *o, size_t *count);

#endif
