/*
 * The keys of a suite: the one description of the format. The reader's checks, the JSON Schema of
 * `assay schema` and the reference page all come from these shapes; step kinds and checks add their
 * own rows from their tables.
 */
#ifndef PLAN_KEYS_H
#define PLAN_KEYS_H

#include "suite/shape.h"

struct keys {
    const struct shape *suite, *case_shape, *step;
    const struct shape *scenario; /* plan/scenario.h */
};

/* Built in `arena`, which must outlive them. */
struct keys keys_in(struct arena *arena);

#endif
