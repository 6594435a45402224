/*
 * One suite's text compiled into plan cases: the part of plan_make that looks at a single file.
 */
#ifndef PLAN_COMPILE_H
#define PLAN_COMPILE_H

#include "plan/keys.h"
#include "plan/names.h"
#include "plan/plan.h"

/* What grows while suites are compiled. */
struct compilation {
    struct arena *arena;
    const struct plan_options *options;
    struct diagnostics *d;
    struct keys keys;
    struct plan *plan;
    struct plan_case **all; /* of all suites, before filters */
    size_t count;
    struct slice *secrets;
    bool *set_used; /* one per options->sets */
};

/* Add a suite's services, resources and cases; faults go to c->d. */
void compile_suite(struct compilation *c, const char *file, const struct node *root);

#endif
