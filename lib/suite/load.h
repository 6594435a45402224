/*
 * One text as nodes, whatever its form: JSON with comments, YAML, or the older prompt cases. Says
 * nothing about what the nodes mean.
 */
#ifndef SUITE_LOAD_H
#define SUITE_LOAD_H

#include "suite/diagnostics.h"
#include "suite/node.h"

/* NULL, and faults in `d`, when it cannot be read. `at` is where the file is asked for, if
 * anywhere. */
const struct node *load_file(struct arena *arena, const char *path, struct place at,
                             struct diagnostics *d);
const struct node *load_text(struct arena *arena, const char *name, struct slice text,
                             struct diagnostics *d);

#endif
