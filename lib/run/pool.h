/*
 * The services of a run: started when a case first needs them, shared or fresh as their scope says,
 * restarted after a death, stopped when no case that is left needs them. A case holds its services
 * by a lease; whatever happens to one of them comes to the lease.
 */
#ifndef RUN_POOL_H
#define RUN_POOL_H

#include "plan/plan.h"
#include "record/recorder.h"
#include "run/metering.h"
#include "service/service.h"

struct pool;
struct lease;

/* `metering` measures the services; it may be NULL. */
struct pool *pool_new(uv_loop_t *loop, const struct plan *plan, struct recorder *recorder,
                      const struct run_info *run, struct metering *metering);
/* Only when nothing runs any more (pool_stop's callback, or nothing was ever started). */
void pool_free(struct pool *pool);

struct lease_events {
    void *context;
    /* All services are ready, or one could not be started: `why` is NULL or a sentence with its
       log, valid during the call. Always from the loop, or from within pool_lease when all are
       ready. */
    void (*on_ready)(void *context, const char *why, enum error_code code);
    /* A service of the lease died after on_ready. */
    void (*on_died)(void *context, const char *why);
};

/* Hold the services of a case; `*out` is set before any event. `arena` must outlive the lease. */
void pool_lease(struct pool *pool, const struct plan_case *pc, struct arena *arena,
                struct lease_events events, struct lease **out);

/*
 * Give them back: those of scope "case" are stopped, and `released` tells (once, maybe from within)
 * when they are gone and whether they left processes behind. No event of the lease comes any more.
 */
void lease_release(struct lease *lease, void (*released)(void *context, bool leaky), void *context);

/* The instance a lease holds for a service of the plan; NULL when it has none. */
struct service *lease_service(const struct lease *lease, const struct plan_service *service);

/* What measures that instance; NULL: nothing does, or it has ended. */
struct measure_subject *lease_subject(const struct lease *lease,
                                      const struct plan_service *service);

/* A case that will not run any more no longer keeps the services alive. */
void pool_case_over(struct pool *pool, const struct plan_case *pc);

/* Stop everything; `stopped` comes when nothing is left, maybe from within. */
void pool_stop(struct pool *pool, void (*stopped)(void *context), void *context);

/* Whatever runs or is being stopped gets no more grace. */
void pool_kill(struct pool *pool);

#endif
