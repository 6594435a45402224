/*
 * From files to nodes: JSON with comments and trailing commas, YAML, and the older array of LLM
 * prompt cases, all through libfyaml's event parser, so that one reader gives every node its place.
 */
#ifndef SUITE_READER_H
#define SUITE_READER_H

#include "suite/diagnostics.h"
#include "suite/node.h"

/*
 * Read a file and those it includes. Faults go to `d` (several when there are several) and `*out`
 * is NULL then. The source texts and the nodes live in `arena`, each node with the file it stands
 * in. A file that is an array of LLM prompt cases in the older form comes back rewritten as a suite
 * of today's form (each node at its old place).
 *
 * "include" names a file or a list of files, relative to the one that includes them. Their `vars`,
 * `services`, `resources` and `defaults` lie under those of the including file, which wins, their
 * `cases` stand before its own, and any other key is taken when the including file has none.
 * "include" itself is gone from the result.
 */
void reader_file(struct arena *arena, const char *path, struct diagnostics *d,
                 const struct node **out);

/*
 * The same for a text, which cannot include files. `name` stands for the path in messages, and its
 * extension says what the text is: .json and .jsonc, .yaml and .yml; without one of these a text
 * that begins with a bracket is JSON.
 */
void reader_text(struct arena *arena, const char *name, struct slice text, struct diagnostics *d,
                 const struct node **out);

#endif
