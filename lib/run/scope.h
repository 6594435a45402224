/*
 * The names that only the run knows: what steps saved, generated values, urls of services, uuid,
 * now, attempt, trial.
 */
#ifndef RUN_SCOPE_H
#define RUN_SCOPE_H

#include "run/pool.h"
#include "suite/template.h"

struct scope {
    struct arena *arena;
    json_t *values; /* an object, owned by the arena: generated and saved values */
    const struct lease *lease;
    const struct plan_case *pc;
    uint32_t attempt, trial;
    bool partial; /* names without a value are left for a later fill */
};

/* Values may be NULL; they are copied. */
struct scope scope_new(struct arena *arena, const struct plan_case *pc, const struct lease *lease,
                       uint32_t attempt, uint32_t trial, const json_t *values);

/* Fill the templates that are left. ERR_VALUE for a name without a value yet, with its place. */
struct result scope_fill(struct scope *scope, const struct node *node,
                         const struct node **out) MUST_USE;

void scope_set(struct scope *scope, struct slice name, json_t *value);

/*
 * Keep what `save` asks for from an observation. A value that is not there is a failed verdict:
 * later steps would go on with nothing.
 */
void scope_save(struct scope *scope, const struct node *save, struct observation *o,
                struct verdicts *verdicts);

#endif
