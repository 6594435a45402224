/*
 * Baselines: runs with a name, that others are compared with. A baseline stays with its run until
 * it is set again; one that turns out to be no good is poisoned with a reason, which every
 * comparison with it shows.
 */
#ifndef REPORT_BASELINE_H
#define REPORT_BASELINE_H

#include "record/store.h"

struct baseline {
    struct slice name, run; /* the run's id */
    struct slice load;      /* the name of the load that it is; empty: a run of suites */
    int64_t pinned;         /* ns since the epoch */
    struct slice poisoned;  /* why; empty: it is good */
};

/* All, by name; texts are arena-owned. */
struct result baseline_list(struct store *store, struct arena *arena, struct baseline **out,
                            size_t *count) MUST_USE;

/* NULL when there is none of this name. */
struct result baseline_find(struct store *store, struct arena *arena, struct slice name,
                            const struct baseline **out) MUST_USE;

/* Pin a run under a name, which then is not poisoned. ERR_USAGE for a name that means something
   else: "last", or what is not letters, digits, '.', '_', '-' and '/', beginning with a letter. */
struct result baseline_set(struct store *store, struct slice name, int64_t run,
                           int64_t now) MUST_USE;

/* ERR_NOT_FOUND when there is none of this name. */
struct result baseline_poison(struct store *store, struct slice name, struct slice reason) MUST_USE;
struct result baseline_remove(struct store *store, struct slice name) MUST_USE;

#endif
