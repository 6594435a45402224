/*
 * The execution of one planned step: templates filled, the step begun, tried again for `until`,
 * its time limit kept, steps that run during it started when it has shown enough, its answer
 * checked and saved from. One verdict comes out, as a step_result.
 */
#ifndef RUN_EXECUTION_H
#define RUN_EXECUTION_H

#include "run/scope.h"

struct execution;

struct execution_options {
    uv_loop_t *loop;
    struct client *client;
    struct models *models; /* of the suite */
    struct arena *arena;
    const struct plan_step *step;
    struct scope *scope; /* values may be added to it: what the step saves */
    const struct lease *lease;
    const char *folder;
    uint32_t trial, index;
    /* A result per step that ran: those during it first, its own last. */
    void (*ended)(void *context, struct step_result *result);
    void (*finished)(void *context);
    void *context;
};

/* Begin; `*out` is set first. `finished` comes from the loop or from within, after every `ended`.
 */
void execution_start(const struct execution_options *options, struct execution **out);

/*
 * End it and what runs during it; `ended` comes for each that was under way, with this status and
 * reason, `finished` does not. The execution is gone afterwards.
 */
void execution_cancel(struct execution *x, enum case_status status, const char *reason);

#endif
