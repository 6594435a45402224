/*
 * The cases of a suite as load: each case that is one request becomes an item of a load's stock
 * (load/stock.h), written once with all its templates filled, and its checks are what its answers
 * are looked into by (load/inspect.h). The same case is a check for `assay run` and a unit of load.
 */
#ifndef RUN_CASE_LOAD_H
#define RUN_CASE_LOAD_H

#include "load/inspect.h"
#include "load/stock.h"
#include "plan/plan.h"

struct case_load;

/* A case and where its path goes: below its service's url, or another given instead. */
struct case_load_source {
    const struct plan_case *pc;
    const struct node *node; /* its step, filled as far as services go */
    struct slice base_url;
};

/* Why a case of a plan is no load ("it has 3 steps"), arena-owned; NULL: it can be. */
const char *case_load_unfit(struct arena *arena, const struct plan_case *pc);

/* Made of nothing yet; free it when the load is over. */
struct case_load *case_load_new(void);
void case_load_free(struct case_load *load);
void case_load_free_pointer(struct case_load **load); /* for DEFER */

/*
 * Write the requests of the cases; one with generated values is written once for each of its
 * examples. `target` says where they all go and must outlive it, as the sources must. ERR_USAGE
 * for a case that goes to another host, ERR_TOO_LARGE past the limits of a stock, or as the step
 * would fail before it sends anything; the place is the case's.
 */
struct result case_load_write(struct case_load *load, const struct target *target,
                              const struct case_load_source *sources, size_t count,
                              uint64_t seed) MUST_USE;

/* What is asked, case after case. */
const struct stock *case_load_stock(const struct case_load *load);

/* How answers are looked into: `share` of them. */
struct inspection case_load_inspection(struct case_load *load, double share);

#endif
