/*
 * From a case as written to the cases it stands for: one for every row of `each` times every
 * combination of `matrix`.
 */
#ifndef PLAN_EXPAND_H
#define PLAN_EXPAND_H

#include "plan/names.h"
#include "plan/plan.h"

struct expansion {
    struct names *names; /* with the row's and the combination's values */
    struct slice suffix; /* "[opt=O0 simd=true]", empty when there is only one */
};

/* All expansions of `node`, at least one unless a fault was reported. */
struct expansion *expand(struct arena *arena, const struct plan_suite *suite,
                         const struct node *node, struct diagnostics *d, size_t *count);

#endif
