/*
 * A run as the reports see it: read from the store once, and then only looked at. What is known of
 * every case is small and stands in one array, in the order they finished; everything there is to
 * tell (attempts, steps, verdicts, evidence) is kept only for cases that did not simply pass.
 *
 * Workload: from one case to a million of them; several runs, also of several machines, may be read
 * into one (`run` of a case says which).
 */
#ifndef REPORT_RUN_DATA_H
#define REPORT_RUN_DATA_H

#include "record/store.h"

/* What a case as a suite had it belongs to; shared by its results. */
struct case_definition {
    struct slice key, suite, model;
    const struct slice *tags, *needs, *uses, *services;
    uint32_t tag_count, need_count, use_count, service_count;
    uint32_t passed; /* of its results here */
};

/* What a case that did not pass did in the runs before, the latest LIMIT_REPORT_PAST_RUNS of them.
 */
struct case_past {
    size_t passed, failed;  /* of its earlier results; failed: an error too */
    size_t failing;         /* of the failed ones, those since it passed last */
    struct slice last_good; /* id of the latest earlier run it passed in; empty: none */
    struct slice first_bad; /* id of the first run after that it failed in; this one or earlier */
    int64_t usual, longest; /* ns, of its passes: their median and the longest; 0: none */
    struct slice last_machine; /* run_info.machine and .version of the last good run */
    struct slice last_version;
};

struct case_outcome {
    const struct case_definition *definition;
    /* Everything, for those that failed, could not be carried out, were flaky or leaky; of others,
       and beyond LIMIT_REPORT_DETAILS of them, NULL. */
    const struct case_result *detail;
    const struct case_past *past; /* of those that failed, as far as `detail`; else NULL */
    int64_t started;              /* ns since the epoch; 0: it never began */
    int64_t queued, duration;     /* ns */
    uint32_t run;                 /* index in run_data.runs */
    uint32_t slot;
    uint8_t status;   /* enum case_status */
    uint8_t flags;    /* enum case_flag */
    uint16_t held_by; /* what it waited for longest: index in run_data.waits; 0: nothing */
};

/* A service changed its state. */
struct service_change {
    int64_t at; /* ns since the epoch */
    struct slice service, state, detail;
    uint32_t instance, run;
    int64_t pid;
    int signal, exit_code; /* of a death; exit_code -1: none */
    struct slice log;
};

/* Something out of the ordinary while the run was measured. */
struct run_anomaly {
    struct slice kind, subject, text; /* "stall", "worker", a sentence */
    int64_t started, ended;           /* ns since the epoch */
    uint32_t run;
};

/* Verdicts by check kind, over all cases. */
struct check_count {
    struct slice name;
    int64_t passed, failed, impossible;
};

struct run_data {
    struct arena *arena; /* owns everything */
    struct run_info *runs;
    size_t run_count;
    struct case_outcome *cases;
    size_t count;
    struct case_definition *definitions;
    size_t definition_count;
    struct slice *waits; /* what cases waited for: "jobs", "resource gpu"; [0] is empty */
    size_t wait_count;
    struct service_change *changes; /* in the order of time */
    size_t change_count;
    struct run_anomaly *anomalies; /* in the order of time */
    size_t anomaly_count;
    struct check_count *checks; /* most failures first */
    size_t check_count;
};

/* Read runs (ids, unique prefixes or "last"); everything lives in `arena`. */
struct result run_data_load(struct store *store, struct arena *arena, const struct slice *runs,
                            size_t count, struct run_data **out) MUST_USE;

static inline bool outcome_is_bad(const struct case_outcome *c)
{
    return c->status == CASE_FAILED || c->status == CASE_ERROR;
}

#endif
