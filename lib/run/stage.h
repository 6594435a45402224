/*
 * The services of some cases, running for somebody who has no loop of his own: a thread starts them
 * when the stage begins, watches them, and stops them when it ends. `assay load` puts its load on
 * them meanwhile.
 */
#ifndef RUN_STAGE_H
#define RUN_STAGE_H

#include <signal.h>

#include "plan/plan.h"

struct stage;

/* A case whose services are ready. */
struct staged {
    const struct plan_case *pc;
    const struct node *node; /* its first step, templates filled but for generated values */
    struct slice base_url;   /* of the step's service; empty when it has none */
};

/*
 * Start the services of these cases of a plan and wait until all are ready; `*out` is set even when
 * that fails, and stage_end is due in any case. `signals` are blocked: one of them ends the wait
 * with ERR_CANCELLED. ERR_SPAWN, ERR_DIED, … when a service cannot be started; ERR_VALUE for a
 * template without a value.
 */
struct result stage_begin(const struct plan *plan, struct plan_case *const *cases, size_t count,
                          const sigset_t *signals, struct stage **out) MUST_USE;

/* In the order of `cases`. */
const struct staged *stage_cases(const struct stage *stage);

/* Why a service died since, owned by the stage; NULL: none did. */
const char *stage_loss(struct stage *stage);

/* Stop them and wait until nothing is left. NULL is allowed. */
void stage_end(struct stage *stage);
void stage_end_pointer(struct stage **stage); /* for DEFER */

#endif
