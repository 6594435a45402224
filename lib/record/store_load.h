/*
 * Loads in the store. A load is a run like others, with an id, a command, a host, a beginning and
 * an exit status; beside these it has what stands here. The store knows nothing of what loads
 * measure: metrics and failures have names, histograms and parameters are texts (lib/load/keep.h
 * writes and reads them).
 *
 * Workload: a row a second while it goes on, a few dozen at its end. What was written survives
 * whatever happens to the program; a load without a verdict never ended.
 */
#ifndef RECORD_STORE_LOAD_H
#define RECORD_STORE_LOAD_H

#include "record/store.h"

struct stored_metric {
    struct slice name;                              /* "latency" */
    int64_t count, mean, p50, p90, p99, p999, most; /* for people who ask the database */
    struct slice histogram;                         /* all there is to know */
};

struct stored_failure {
    struct slice class, example;
    int64_t count;
};

struct stored_second {
    int64_t at, span; /* ns: its end since the load began, and how long it took */
    int64_t started, answered, failed, tokens, bytes;
    int64_t in_flight;                 /* at its end */
    int64_t reads, lag, lag_most;      /* ns: how late they were, together and at most */
    int64_t late_most;                 /* ns: how late a request went that could have gone */
    struct slice failures, histograms; /* JSON by class and by metric; failures: empty: none */
};

struct stored_load {
    struct slice name, parameters;          /* parameters: JSON object */
    struct slice verdict, reasons, outcome; /* empty: it never ended; JSON array; JSON object */
    struct stored_metric *metrics;
    size_t metric_count;
    struct stored_failure *failures;
    size_t failure_count;
    struct stored_second *seconds;
    size_t second_count;
};

/* Begin a load, durably; `run->load` is true. */
struct result store_load_begin(struct store *store, const struct run_info *run, struct slice name,
                               struct slice parameters) MUST_USE;

/* The second of this number, from 1, durably. */
struct result store_load_second(struct store *store, struct slice run_id, int64_t number,
                                const struct stored_second *second) MUST_USE;

/* Verdict, outcome, metrics, failures and the run's end, durably and together; the name, the
 * parameters and the seconds of `load` are not looked at. */
struct result store_load_end(struct store *store, const struct run_info *run,
                             const struct stored_load *load) MUST_USE;

/* All of a load; arena-owned. ERR_USAGE when the run is none. */
struct result store_load_read(struct store *store, struct arena *arena, struct slice run_id,
                              struct stored_load *out) MUST_USE;

#endif
