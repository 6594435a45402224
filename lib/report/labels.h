/*
 * Names to numbers: the first name gets 0, the next new one 1, and so on, for tables indexed by a
 * model, a tag or a case. Names are not copied.
 *
 * Workload: a handful of names looked up millions of times, or a million names looked up twice.
 */
#ifndef REPORT_LABELS_H
#define REPORT_LABELS_H

#include "core/arena.h"

struct labels {
    struct arena *arena;
    struct slice *names; /* by number */
    uint32_t count;
    uint32_t *slots; /* numbers + 1 by hash, 0: free */
    uint32_t slot_count, capacity;
};

#define LABEL_NONE UINT32_MAX

static inline struct labels labels_in(struct arena *arena)
{
    return (struct labels){.arena = arena};
}

/* The number of a name, given to it when it is new. */
uint32_t labels_number(struct labels *labels, struct slice name);

/* LABEL_NONE when it has none. */
uint32_t labels_find(const struct labels *labels, struct slice name);

#endif
