/*
 * The parts of compiling a suite, in the order they happen. Private to lib/plan.
 */
#ifndef PLAN_COMPILE_PARTS_H
#define PLAN_COMPILE_PARTS_H

#include "plan/compile.h"

/* Variables, each with its value, into `names`. */
void compile_vars(struct compilation *c, const struct node *vars, struct names *names);

/* What the suite and assay.providers.json beside it say of models; NULL: nothing. Keys of providers
 * become secrets of the plan. */
const struct node *compile_models(struct compilation *c, const struct plan_suite *suite);

/* The key that a step carries itself is a secret of the plan. */
void compile_step_key(struct compilation *c, const struct node *config);

/* A value that must not be shown. */
void compile_secret(struct compilation *c, struct slice text);

/* All expansions of one case. */
void compile_case(struct compilation *c, const struct plan_suite *suite, const struct node *node);

/* The suite's service called `name`, or NULL. */
const struct plan_service *compile_service_find(const struct compilation *c,
                                                const struct plan_suite *suite, struct slice name);

/* The plan's resource called `name`, or NULL. */
const struct plan_resource *compile_resource_find(const struct compilation *c, struct slice name);

#endif
