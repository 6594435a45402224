/*
 * Where the time of a run went, and what would make it shorter: sums of the phases of its cases, by
 * service and by what they waited for; the chain of cases that the run could not be shorter than;
 * and the run played again (plan/play.h) with the times that were measured and twice as many jobs,
 * or twice as much of a resource.
 */
#ifndef RUN_BOTTLENECK_H
#define RUN_BOTTLENECK_H

#include "plan/plan.h"
#include "record/event.h"

struct bottleneck;

struct bottleneck *bottleneck_new(const struct plan *plan, uint32_t jobs);
void bottleneck_free(struct bottleneck *b); /* NULL is allowed */

/* A case is over; monotonic times, `begun` 0 when it was not run. Before its result is given away.
 */
void bottleneck_case(struct bottleneck *b, const struct plan_case *pc,
                     const struct case_result *result, int64_t begun, int64_t ended);

/* The whole: a text of some lines and its figures as JSON. The marks of the plan's cases change.
   False: nothing to tell, because fewer than two cases ran. */
bool bottleneck_find(struct bottleneck *b, int64_t started, int64_t ended, struct arena *arena,
                     struct slice *text, struct slice *json);

#endif
