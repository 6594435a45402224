/*
 * Scenarios: a load as a file of its own, `assay load FILE`. A scenario is a short way to write a
 * suite whose cases are loads, and becomes one as soon as it was read, each node at its old place;
 * what comes after knows suites only.
 */
#ifndef PLAN_SCENARIO_H
#define PLAN_SCENARIO_H

#include "suite/shape.h"

/* Is this a scenario? It says what to load at its top, and has no cases. */
bool scenario_is(const struct node *root);

/* The suite it stands for: a case for each of its `loads`, or one. `shape` is keys.scenario. NULL,
 * with faults in `d`, when something is wrong with it. */
const struct node *scenario_suite(struct arena *arena, const struct shape *shape,
                                  const struct node *root, struct diagnostics *d);

#endif
