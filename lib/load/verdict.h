/*
 * May these numbers be believed, and are they good? A load generator that was itself too slow
 * measures itself; then the run is invalid, and says why.
 */
#ifndef LOAD_VERDICT_H
#define LOAD_VERDICT_H

#include "load/slo.h"

enum load_verdict {
    VERDICT_PASSED,
    VERDICT_FAILED,  /* an objective does not hold */
    VERDICT_INVALID, /* this program was too slow to be believed */
    VERDICT_NOTHING, /* not one good answer came */
};

/* How late this program may be. */
struct belief {
    int64_t usual; /* ns, of 99 % of what it did; the worst may be VERDICT_WORST times as late */
};
#define BELIEF_USUAL (1 * NS_PER_MS)
#define VERDICT_WORST 100
/* A thread that works for more of the time has nothing left to react with. (One that waits for a
 * processor is late, and that is seen.) */
#define VERDICT_BUSY 0.95

#define VERDICT_REASONS 8

/* Whether the run is to end now: the first of the objectives that abort which was seen not to hold;
 * NULL: none. */
const struct slo *load_aborted_by(const struct load_outcome *so_far, const struct slo *slos,
                                  size_t count);
/* Looks at what a running load has seen so far, and ends it in order when it is to end now. */
const struct slo *load_abort(struct load *load, const struct slo *slos, size_t count);

struct judgement {
    enum load_verdict verdict;
    const struct slo *aborted_by;         /* an objective ended the run; NULL: none */
    const char *reasons[VERDICT_REASONS]; /* why it is invalid; in the arena */
    size_t reason_count;
};

/* Objectives are judged by slo_holds; an invalid run is invalid whether they hold or not. */
struct judgement load_judge(struct arena *arena, const struct load_outcome *outcome,
                            const struct belief *belief, const struct slo *slos, size_t slo_count);

/* An objective ended the run (NULL: none): unless it is invalid, it has failed. */
void load_judge_aborted(struct judgement *judgement, const struct slo *aborted_by);

#endif
