/*
 * Where `save` can take values from: a JSONPath into the answer, or one of its parts by name.
 */
#ifndef STEP_SAVE_H
#define STEP_SAVE_H

#include "check/observation.h"
#include "suite/shape.h"

/* Report places that cannot be read: a shape's check of a map of them. */
void save_check(const struct node *save, struct diagnostics *d);

/* The value at `where`, or NULL with the reason in `*why`. Owned by the arena or the observation.
 */
json_t *save_read(struct arena *arena, struct slice where, struct observation *o, const char **why);

#endif
