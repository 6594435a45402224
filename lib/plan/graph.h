/*
 * The graph of needs: references resolved, cycles found and shown as a path, and for every case the
 * longest chain of work that waits for it.
 */
#ifndef PLAN_GRAPH_H
#define PLAN_GRAPH_H

#include "plan/plan.h"

/* Point every case's `needs` at the cases they name. Unknown ones, duplicates of keys and cycles
 * are reported. */
void graph_link(struct arena *arena, struct plan_case **cases, size_t count, struct diagnostics *d);

/* Set `tail` of the plan's cases. An unknown duration counts as the mean of the known ones. */
void graph_tails(const struct plan *plan);

#endif
