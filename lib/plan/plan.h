/*
 * The plan: suites as read, turned into the cases that will run. Matrices and rows are expanded,
 * variables put in, names and references checked, filters applied, the order worked out. A plan is
 * made completely or not at all: whatever can be known to be wrong before anything runs is reported
 * here, with its place.
 */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include "core/clock.h"
#include "record/event.h"
#include "step/step.h"
#include "suite/diagnostics.h"
#include "suite/node.h"

struct plan_suite {
    struct slice name;
    const char *file;   /* as given, or as found in a folder */
    const char *folder; /* of the file; programs run there and relative paths start there */
    const struct node *root;
    const struct names *names;
    const struct node
        *models;  /* {providers, judge, budget, cache}, filled; NULL: nothing is said */
    size_t index; /* in plan.suites */
};

struct plan_service {
    struct slice name;
    const struct plan_suite *suite;
    const struct node *node; /* filled but for ${port} */
    bool per_case;           /* scope "case": a fresh one for every attempt at a case */
    bool ours;               /* has a command: started and stopped by us */
    size_t index;            /* in plan.services */
};

/* A named semaphore, shared by all suites that name it. */
struct plan_resource {
    struct slice name;
    int64_t capacity;
    struct place at;
    size_t index; /* in plan.resources */
};

struct plan_use {
    const struct plan_resource *resource;
    int64_t amount;
};

struct plan_step {
    const struct step_kind *kind;
    const struct node *node;            /* the step, or the case when it is its own step */
    const struct plan_service *service; /* where paths go; NULL: nowhere */
    bool asks_models;                   /* itself, or a judge in its checks */
    uint32_t parallel;                  /* executions at once; 1 usually */
    int64_t every, within;              /* ns; of `until` */
    int64_t timeout;                    /* ns, or CLOCK_NEVER */
    /* Steps that run while this one does, once it has shown so much. */
    struct plan_step *during;
    size_t during_count;
    size_t during_tokens, during_events;
    int64_t during_after; /* ns after the start; used when neither of the others is set */
};

struct plan_retry {
    uint32_t attempts;            /* in all; 1: none */
    int64_t backoff, backoff_max; /* ns before the second attempt, and at most before any */
    double factor;                /* each wait is so many times the one before */
    double jitter;                /* the wait is drawn from ±this fraction */
    unsigned on; /* after what it is tried again: 1 << CASE_FAILED, 1 << CASE_ERROR, … */
};

/* In plan_retry.on: after a time limit was met. */
#define PLAN_RETRY_TIMEOUT (1u << 31)

struct plan_case {
    struct slice key;     /* "suite/id", unique */
    struct slice id;      /* with matrix values: "every level [opt=O0 simd=true]" */
    struct slice base_id; /* as written, before expansion: what `needs` names */
    struct slice describe, model;
    const struct slice *tags;
    size_t tag_count;
    struct place at;
    const struct plan_suite *suite;
    const struct names *names; /* everything known before the run */
    struct plan_step *steps;
    size_t step_count;
    const char *skip; /* the reason why it is not run, or NULL */
    int priority;     /* 0–10 */
    int64_t timeout;  /* ns of one attempt, CLOCK_NEVER: none */
    int64_t slow;     /* ns: longer is flagged; CLOCK_NEVER: never */
    bool isolate;     /* nothing else runs meanwhile */
    struct plan_retry retry;
    uint32_t repeat;               /* trials one after another */
    uint32_t parallel;             /* trials at once */
    const struct node *given;      /* generators by name, or NULL */
    uint32_t examples;             /* trials with generated values */
    uint64_t seed;                 /* of the generators */
    const struct node *pass_rate;  /* matcher on the share of passed trials, or NULL: all pass */
    const struct node *needs_node; /* as written: ids of the suite */
    struct plan_case **needs;
    size_t need_count;
    struct plan_use *uses;
    size_t use_count;
    const struct plan_service **services; /* those that must be up */
    size_t service_count;
    int64_t expected; /* ns it usually takes: history, else declared, else -1 */
    bool expected_from_history;
    int64_t tail;  /* ns from its start to the end of the longest chain that needs it */
    uint32_t turn; /* place in the order that plan_arrange found; 0: by priority and tail alone */
    bool selected; /* by the filters, or needed by one that is */
    bool needed_only; /* selected only because another one needs it */
    unsigned mark;    /* scratch for walks over the graph */
};

struct plan {
    struct arena *arena;
    struct plan_suite **suites;
    size_t suite_count;
    struct plan_case **cases; /* selected ones only, in the order of the text */
    size_t case_count;
    size_t filtered; /* how many were read and not selected */
    struct plan_service **services;
    size_t service_count;
    struct plan_resource **resources;
    size_t resource_count;
    const struct slice *secrets; /* values that must not be shown */
    size_t secret_count;
};

/* What an earlier run left to be done (--resume, --rerun-failed). Keys in any order. */
struct plan_earlier {
    const struct slice *keys; /* these cases, and no others … */
    size_t key_count;
    bool dependents; /* … but those that did not pass because they need one of them */
    const struct slice *not_passed; /* a case that needs one of these, not run again, is skipped */
    size_t not_passed_count;
};

struct plan_options {
    const char *const *paths; /* files and folders */
    size_t path_count;
    const char *const *sets; /* "name=value" */
    size_t set_count;
    const char *filter; /* an expression (plan/filter.h), or NULL */
    const char *const *tags;
    size_t tag_count;
    const char *const *cases; /* ids or keys */
    size_t case_count;
    uint32_t shard, shards;             /* from 1; 0 of 0: all */
    const struct plan_earlier *earlier; /* go on from an earlier run; NULL: a run of its own */
    uint64_t seed;
    int64_t timeout; /* ns for cases that give none themselves; 0: PLAN_TIMEOUT */
    /* How long a case usually takes in ns, -1 when unknown; may be NULL. */
    int64_t (*expected)(void *context, struct slice key);
    void *context;
};

#define PLAN_TIMEOUT (60 * NS_PER_S)

/*
 * Read the suites and make the plan. Everything lives in `arena`. ERR_SUITE when `d` holds faults;
 * ERR_USAGE, ERR_IO or ERR_NOT_FOUND for wrong options, with the error text set.
 */
struct result plan_make(struct arena *arena, const struct plan_options *options,
                        struct diagnostics *d, struct plan **out) MUST_USE;

/* What the plan promises for a number of jobs. */
struct plan_estimate {
    size_t known;     /* cases whose duration is known; the others count as the mean of these */
    int64_t total;    /* ns, one after another */
    int64_t makespan; /* ns with these jobs, resources and needs, in the planned order */
    const struct plan_case **critical; /* the longest chain, first case first */
    size_t critical_count;
    int64_t critical_length; /* ns */
};

struct plan_estimate plan_estimate(struct arena *arena, const struct plan *plan, uint32_t jobs);

/*
 * Look for an order that is quicker with so many jobs than "the longest chain first", from the
 * durations that are expected; does nothing when one of them is not known.
 */
void plan_arrange(struct plan *plan, uint32_t jobs);

/* The order in which ready cases are begun: negative when `a` goes before `b`. */
int plan_order(const struct plan_case *a, const struct plan_case *b);

#endif
