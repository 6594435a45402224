/*
 * A plan played through with the durations that are expected, in the planned order, with the real
 * limits of jobs, needs and resources. A case of unknown duration counts as the mean of the others.
 */
#ifndef PLAN_PLAY_H
#define PLAN_PLAY_H

#include "plan/plan.h"

struct play {
    struct plan_case *pc;
    int64_t duration, ends; /* ns; `ends` counts from the start of the run */
    bool begun, over;
};

struct plays {
    struct play *items;
    size_t count;
    size_t known;  /* how many durations are */
    int64_t total; /* ns, one after another */
};

struct plays plays_new(struct arena *arena, const struct plan *plan);

/* The time until the last case ends, in ns; afterwards the items are in the planned order. */
int64_t play_through(struct arena *arena, const struct plan *plan, struct plays *plays,
                     uint32_t jobs);

#endif
