/*
 * Failures explained: what did not pass, in groups that have one cause each, with the causes that
 * the evidence speaks for, the strongest first.
 *
 *   run_data ─ witness ─ causes of each failure ─ group by cause and message ─ what a group has in
 *   common, since when, what is related ─ explanation
 *
 * Workload: up to LIMIT_REPORT_DETAILS failures with all their evidence, and any number of passes
 * to compare them with. What is not known is left empty; nothing here guesses.
 */
#ifndef REPORT_EXPLAIN_H
#define REPORT_EXPLAIN_H

#include "report/cause.h"
#include "report/run_data.h"

/* Causes kept of one failure or group. */
#define EXPLAIN_CAUSES 4
/* Groups named as related. */
#define EXPLAIN_RELATED 4

struct cause {
    enum cause_kind kind;
    enum evidence strength;
    struct slice subject;  /* whom or what: a service, an address, an error code; may be empty */
    struct slice text;     /* one sentence: service "worker" was killed by signal 9 (SIGKILL) */
    struct slice evidence; /* what it rests on, one line */
};

struct failure_group {
    struct slice message; /* of its first failure, normalised */
    struct slice stack;   /* "load < main"; empty: none was seen */
    enum severity severity;
    const char *severity_reason;
    struct cause causes[EXPLAIN_CAUSES]; /* the first is the one the group is named after */
    size_t cause_count;                  /* 0: nothing speaks for any */
    const struct case_outcome **cases;   /* in the order they finished */
    size_t count;
    size_t skipped;         /* cases that were skipped because one of these failed */
    struct slice first_bad; /* run in which the first of them began to fail; empty: no history */
    struct slice last_good; /* the run before that in which it passed; empty: never seen */
    size_t
        related[EXPLAIN_RELATED]; /* indices of groups that are likely to hang together with it */
    size_t related_count;
    struct slice related_why; /* "same service \"worker\" at the same time" */
    struct slice reproduce;   /* the command that runs one of them again, and only that */
};

struct explanation {
    struct failure_group *groups; /* the most severe first, then the largest */
    size_t count;
    size_t failures;     /* all cases that failed or could not be carried out */
    size_t unexplained;  /* of them, those in groups without a cause */
    size_t not_examined; /* beyond LIMIT_REPORT_DETAILS: grouped by nothing, explained by nothing */
    size_t by_severity[SEVERITY_COUNT]; /* failures */
};

/* Everything lives in `data->arena`. */
struct explanation *explain_failures(const struct run_data *data);

/* A line for a group: its cause, or its message when there is none. */
struct slice explain_title(struct arena *arena, const struct failure_group *group);

#endif
