/*
 * The run of one case: services leased, trials begun, the time limit kept, failing examples made
 * smaller, attempts repeated, and one case_result in the end.
 */
#ifndef RUN_CASE_RUN_H
#define RUN_CASE_RUN_H

#include "run/pool.h"

struct case_run;

struct case_run_options {
    uv_loop_t *loop;
    struct client *client;
    struct models *models; /* of the suite */
    struct pool *pool;
    const struct plan_case *pc;
    uint32_t slot;
    int64_t queued;       /* ns that it waited for its turn */
    struct slice held_by; /* what it waited for longest; copied */
    uint64_t run_seed;    /* for the jitter of retries */
    /* The result is the callee's from here on; the case_run is gone when this returns. */
    void (*finished)(void *context, struct case_run *run, struct case_result *result);
    void *context;
};

/* Begin; `*out` is set first. `finished` comes from the loop, or from within. */
void case_run_start(const struct case_run_options *options, struct case_run **out);

/* End it as cancelled; `finished` follows when its own services are gone. Again: nothing more. */
void case_run_cancel(struct case_run *c, const char *reason);

/* A result for a case that is not run at all. */
struct case_result *case_not_run(const struct plan_case *pc, enum case_status status,
                                 const char *reason);

#endif
