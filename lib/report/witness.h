/*
 * Witnesses: what the evidence of one failure says about its cause. Each looks at one kind of
 * evidence (how the step ended, the answer, the checks, the service's changes and log) and names
 * causes with their strength; none knows of the others, or of other failures.
 */
#ifndef REPORT_WITNESS_H
#define REPORT_WITNESS_H

#include "report/explain.h"

struct testimony {
    struct arena *arena;
    const struct run_data *data;
    const struct case_outcome *outcome;
    struct cause causes[EXPLAIN_CAUSES]; /* the best first */
    size_t count;
};

/* Everything the evidence says; `t` has arena, data and outcome (with its detail) set. */
void witness_hear(struct testimony *t);

/* Add a cause, or make one of the same kind and subject stronger; the worst of too many is lost. */
void testimony_add(struct cause causes[EXPLAIN_CAUSES], size_t *count, struct cause cause);

#endif
