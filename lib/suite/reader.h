/*
 * From files to nodes: JSON with comments and trailing commas, YAML, and the older array of LLM
 * prompt cases, all through libfyaml's event parser, so that one reader gives every node its place.
 */
#ifndef SUITE_READER_H
#define SUITE_READER_H

#include "suite/diagnostics.h"
#include "suite/node.h"

/*
 * Read one file. Faults go to `d` (several when there are several) and `*out` is NULL then. The
 * source text and the nodes live in `arena`. A file that is an array of LLM prompt cases in the
 * older form comes back rewritten as a suite of today's form (each node at its old place).
 */
void reader_file(struct arena *arena, const char *path, struct diagnostics *d,
                 const struct node **out);

/* The same for a text; `name` stands for the path in messages. */
void reader_text(struct arena *arena, const char *name, struct slice text, struct diagnostics *d,
                 const struct node **out);

#endif
