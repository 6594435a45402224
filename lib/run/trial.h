/*
 * A trial: one pass through the steps of a case, with its own saved and generated values. Trials of
 * a case run one after another (repeat, given) or at once (parallel); they share nothing but the
 * case's services.
 */
#ifndef RUN_TRIAL_H
#define RUN_TRIAL_H

#include "run/pool.h"

struct trial;

/* What a trial needs to know. */
struct trial_options {
    uv_loop_t *loop;
    struct client *client;
    struct models *models; /* of the suite */
    const struct plan_case *pc;
    const struct lease *lease;
    uint32_t number;  /* 0-based, in the case */
    uint32_t attempt; /* from 1 */
    json_t *values;   /* generated ones, copied; may be NULL */
    void (*finished)(void *context, struct trial *trial);
    void *context;
};

/* What came of it; arena-owned by the trial. */
struct trial_outcome {
    enum case_status status;
    bool leaky;
    bool flaky; /* it passed, but not with every first request */
    bool timed_out;
    struct step_result *steps; /* in the order in which they ended */
    const char *reason;        /* why it did not pass, one line; NULL when it did */
};

/* Begin; `*out` is set first. `finished` comes from the loop, or from within. */
void trial_start(const struct trial_options *options, struct trial **out);

/* End it now with a status and reason for the steps under way; `finished` is not called. */
void trial_cancel(struct trial *trial, enum case_status status, const char *reason);

const struct trial_outcome *trial_outcome(const struct trial *trial);
/* The trial lives in this arena: free it, or keep it as long as the results are needed. */
struct arena *trial_arena(const struct trial *trial);

#endif
