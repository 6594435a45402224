/*
 * What the store knows of the past: its runs, and what one case did in them, oldest first: by when
 * a run began, wherever it was recorded. History and comparisons stand on this alone.
 *
 * A result's time is what the steps of its last attempt took, without starting services or waiting
 * for a turn; of several trials that the store has, the median. Only passed results have one: a
 * failure that came quickly says nothing about speed.
 *
 * Workload: thousands of cases, up to CHANGE_HISTORY results of each, by an index; all runs of the
 * store, a few words each.
 */
#ifndef REPORT_PAST_H
#define REPORT_PAST_H

#include "record/store.h"

struct past_run {
    int64_t number; /* in the store: not in the order of time when runs were imported */
    struct slice id, host;
    struct slice load;     /* the name of a load; empty: a run of suites */
    struct slice revision; /* of the suites in git; empty: unknown */
    int64_t started;       /* ns since the epoch */
};

enum past_metric { PAST_TIME, PAST_FIRST_TOKEN, PAST_METRICS };
extern const char *const past_metric_names[PAST_METRICS]; /* "time", "first token" */

struct past_result {
    uint32_t run; /* index in past.runs */
    enum case_status status;
    unsigned flags;
    double metrics[PAST_METRICS]; /* ns; NaN: none */
};

struct past_case {
    int64_t number; /* in the store */
    struct slice key;
};

struct past {
    struct store *store;
    struct arena *arena;
    struct past_run *runs; /* of suites, in the order in which they began */
    size_t run_count;
    uint32_t *by_number;    /* indices in `runs`, by the numbers of the runs */
    struct past_run *loads; /* the same of loads */
    size_t load_count;
    struct query *results, *steps, *of_run, *find, *cases;
};

/* Read the runs; texts live in `arena`. `past_close` leaves the store open. */
struct result past_open(struct store *store, struct arena *arena, struct past *out) MUST_USE;
void past_close(struct past *past); /* for DEFER */

/* Which run: an index in `loads`, or in `runs`. */
struct past_place {
    bool load;
    uint32_t index;
};

/* A run by id, unique prefix, "last", or "last~3": the third of its kind before the last. */
struct result past_find_run(struct past *past, struct slice wanted,
                            struct past_place *out) MUST_USE;

const struct past_run *past_run_at(const struct past *past, struct past_place place);

/* The index in `runs` of the run of suites with this number; UINT32_MAX when there is none. */
uint32_t past_run_index(const struct past *past, int64_t number);

/* The last `limit` results of a case that passed or failed, up to run `last` (an index in `runs`).
 */
struct result past_results(struct past *past, int64_t test_case, uint32_t last, size_t limit,
                           struct past_result **out, size_t *count) MUST_USE;

/* A case's result in one run. */
struct past_seen {
    struct past_case of;
    enum case_status status;
    unsigned flags;
    struct slice reason;
};

/* All results of a run, in the order of their keys. */
struct result past_run_results(struct past *past, uint32_t run, struct past_seen **out,
                               size_t *count) MUST_USE;

/* All cases there are, in the order of their keys. */
struct result past_cases(struct past *past, struct past_case **out, size_t *count) MUST_USE;

/* A case by key, or by id when only one suite has it. ERR_NOT_FOUND says which are near. */
struct result past_find_case(struct past *past, struct slice wanted,
                             struct past_case *out) MUST_USE;

#endif
