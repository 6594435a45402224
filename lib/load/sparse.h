/*
 * A histogram at rest: only the steps in which there is something. Nothing is lost, and it becomes
 * a histogram again by being added to one.
 *
 * Workload: some hundred steps of 8 bytes in place of 58 KB; hundreds of them are kept of a run,
 * and added up two by two.
 */
#ifndef LOAD_SPARSE_H
#define LOAD_SPARSE_H

#include "load/histogram.h"

struct sparse_step {
    uint64_t index : 16, count : 48; /* of a histogram's counts */
};
_Static_assert(HISTOGRAM_SIZE <= 1 << 16, "an index has 16 bits");

struct sparse {
    struct sparse_step *steps; /* by index, ascending; of its own */
    uint32_t step_count;
    uint64_t count;
    int64_t least, most; /* as a histogram's */
    double sum;
};

/* A copy at rest; sparse_free frees it. */
struct sparse sparse_of(const struct histogram *h);
void sparse_free(struct sparse *s);

/* Add all of it, exactly. */
void sparse_spread(const struct sparse *s, struct histogram *into);
void sparse_merge(struct sparse *into, const struct sparse *from);

#endif
