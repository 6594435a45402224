/*
 * The event stream of a run: what happened, in order, as values that every sink (store, console,
 * JUnit, …) reads and none changes. The same events come live from a run and, later, from the
 * store, so every report can be made again.
 *
 * Ownership: an event and what it points to belong to the emitter; a sink copies what it keeps.
 * Secrets were removed before any sink sees the event (record/redact.h).
 */
#ifndef RECORD_EVENT_H
#define RECORD_EVENT_H

#include "check/check.h"
#include "measure/sample.h"

/* A case's verdict. The order is by how bad it is, for taking the worst of several. */
#define CASE_STATUS_TABLE(X)                                                                       \
    X(PASSED, "passed")                                                                            \
    X(SKIPPED, "skipped")     /* not run, with a reason */                                         \
    X(CANCELLED, "cancelled") /* interrupted, or not begun because the run ended early */          \
    X(FAILED, "failed")       /* a check said no */                                                \
    X(ERROR, "error")         /* the test could not be carried out */

enum case_status {
#define X(code, name) CASE_##code,
    CASE_STATUS_TABLE(X)
#undef X
        CASE_STATUS_COUNT
};

enum case_flag {
    CASE_SLOW = 1 << 0,  /* took longer than its `slow` limit */
    CASE_FLAKY = 1 << 1, /* passed, but not on the first attempt */
    CASE_LEAKY = 1 << 2, /* left a process behind */
    CASE_TIMED_OUT = 1 << 3,
};

const char *case_status_name(enum case_status status);
bool case_status_parse(struct slice name, enum case_status *out);

/* As counts are told: "3 passed", "1 error", "2 errors". */
const char *case_status_counted(enum case_status status, size_t count);

/* "slow", "flaky", … for bit number `i` (0-based); NULL past the last. */
const char *case_flag_name(size_t i);

/* One execution of one step. */
struct step_result {
    struct step_result *next;
    struct slice name; /* "http POST /v1/models", as shown */
    struct slice kind; /* "http" */
    uint32_t trial;    /* 0-based: which pass of repeat, parallel or given */
    uint32_t index;    /* 0-based position in the trial */
    enum case_status status;
    struct slice error; /* why it could not be carried out; empty when it could */
    enum error_code error_code;
    struct place at;                 /* of the step in the suite */
    int64_t started, duration;       /* ns; `started` monotonic */
    int64_t first_byte, first_token; /* ns since intended start; 0: none */
    int64_t connect;            /* ns from the intended start until connected; 0: unknown, reused */
    int64_t checks;             /* ns that its checks took */
    struct slice service;       /* whom it called; empty: none */
    const struct usage *usages; /* of models */
    size_t usage_count;
    bool leaky; /* its program left processes behind */
    bool flaky; /* it passed, but not with its first request */
    const struct verdict *verdicts;
    /* Evidence, only when the step did not pass; may be empty. */
    struct slice request, response, log;
};

/* One try at a case; more than one only with `retry`. */
struct attempt_result {
    struct attempt_result *next;
    uint32_t number; /* from 1 */
    enum case_status status;
    int64_t started, duration; /* ns, monotonic */
    const struct step_result *steps;
    uint32_t trials, trials_passed;
    struct slice given; /* JSON of the generated values that fail (shrunk); empty when none */
};

struct case_result {
    struct arena *arena; /* owns everything here */
    struct slice key;    /* "suite/id" with matrix values: unique in a plan, stable across runs */
    struct slice suite, id, describe, model;
    struct slice file; /* path of the suite */
    const struct slice *tags;
    size_t tag_count;
    /* What it depends on: keys of cases, names of resources and of services. */
    const struct slice *needs, *uses, *services;
    size_t need_count, use_count, service_count;
    struct place at;
    enum case_status status;
    unsigned flags;
    struct slice reason;      /* one line why it did not pass */
    int64_t started_wall;     /* ns since the epoch; 0 when it never began */
    int64_t queued, duration; /* ns: waiting for its turn; from start to end with all attempts */
    int64_t starting;         /* ns of `duration` until services that others use too were ready */
    struct slice held_by;     /* what it waited for longest: "jobs", "resource gpu", "need a", … */
    uint32_t slot;            /* which of the --jobs slots ran it, from 0 */
    const struct attempt_result *attempts;
    struct slice rerun; /* the command that reruns just this case; kept when it did not pass */
};

/* What models were used for in a run. Answers from the cache are counted and cost nothing. */
struct model_totals {
    size_t answers, cached, graded;
    int64_t input_tokens, output_tokens; /* as far as they were told */
    int64_t cost;                        /* in 10^-9, as far as it is known */
    size_t untold, unpriced;             /* answers that told no tokens; that have no price */
};

/* What is known of a run as a whole. */
struct run_info {
    struct slice id;      /* sortable by time: "20261121-101530-4f2a" */
    bool load;            /* a load (record/store_load.h), not a run of suites */
    struct slice command; /* as typed, quoted for a shell, secrets removed */
    json_t *options;      /* what --resume needs to make the same plan again */
    struct slice host, version;
    struct slice machine; /* JSON: {"cores", "memory", "kernel", "revision"}; revision: of git */
    uint64_t seed;
    uint32_t jobs;
    int64_t started_wall, duration;
    size_t planned;
    int64_t expected; /* ns, how long the run should take by history; 0 when unknown; not stored */
    size_t counts[CASE_STATUS_COUNT];
    size_t slow, flaky, leaky, timed_out;
    struct model_totals models;
    int exit_status; /* -1 while it has not ended */
};

enum event_kind {
    EVENT_RUN_STARTED,
    EVENT_SERVICE, /* a service changed its state */
    EVENT_CASE_STARTED,
    EVENT_CASE_FINISHED, /* only after the result is durable */
    EVENT_NOTE,          /* something people should know: a retried port, a warning */
    EVENT_SAMPLES,       /* measured meanwhile; for the store, sinks do not hear of them */
    EVENT_ANOMALY,       /* something was found in them; of the whole run or a subject's life */
    EVENT_BOTTLENECK,    /* where the time of the run went: `anomaly` with text and evidence */
    EVENT_RESOURCES,     /* what all samples of one name come to; before the run's end */
    EVENT_CAUSES,        /* why cases failed, as far as it is known; before the run's end */
    EVENT_TOTALS,        /* rates and times, for sinks that want them; before the run's end */
    EVENT_RUN_FINISHED,
};

/* A cause and the failures it explains (lib/report/explain.h makes them). */
struct failure_cause {
    struct slice name;     /* "service_died"; empty: not known */
    struct slice severity; /* "critical", "high", "medium", "low" */
    struct slice text;     /* one sentence; the message of the failures when it is not known */
    struct slice strength; /* of the evidence: "certain", "strong", "weak" */
    struct slice evidence, remedy, reproduce;
    struct slice last_good, first_bad; /* ids of runs; empty: not known */
    const struct slice *keys;          /* of the cases */
    size_t cases, skipped;             /* skipped: because of these */
};

/* What the cases of one group come to (lib/report/aggregate.h defines the words). */
struct group_total {
    struct slice by, name; /* "model", "m"; by is empty: all cases */
    size_t cases, passed, failed, errors;
    double pass_rate, low, high;            /* NaN: no case came to a verdict */
    int64_t mean, p50, p90, p95, p99, most; /* ns; 0: no case took time */
};

const char *event_kind_name(enum event_kind kind);

/* Add a finished case to the run's counts. */
void run_count(struct run_info *run, const struct case_result *result);

struct event {
    enum event_kind kind;
    int64_t at_wall;            /* ns since the epoch */
    const struct run_info *run; /* counts and duration are filled only in EVENT_RUN_FINISHED */
    bool earlier;               /* a case that finished in an earlier session of a resumed run */
    union {
        struct {
            struct slice name, state, detail; /* "worker", "ready", "pid 123, port 4711, 8.1 ms" */
            uint32_t instance;                /* which of that name in this run, from 1 */
            int64_t pid;                      /* 0: not ours, or not known */
            int signal, exit_code;            /* of a death; exit_code -1: none */
            struct slice log;                 /* of a death or failure: the last lines */
        } service;
        struct {
            struct slice key, id;
            uint32_t slot;
        } started;
        const struct case_result *finished;
        struct slice note;
        struct samples samples;
        struct anomaly anomaly;
        struct resources resources;
        struct {
            const struct failure_cause *all; /* the most severe first */
            size_t count;
        } causes;
        struct {
            const struct group_total *all;
            size_t count;
        } totals;
    };
};

#endif
