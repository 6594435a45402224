/*
 * The older form of LLM prompt cases: a list of maps with `test_case_id`, `llm_config` and
 * `validation`, written by hand for a Python runner. What stands before and after the list, both
 * kinds of comments, trailing commas, True, False, None and strings between the cases are let pass.
 */
#ifndef SUITE_OLDER_H
#define SUITE_OLDER_H

#include "suite/diagnostics.h"
#include "suite/node.h"

/*
 * Is there such a list in the text? Then `*list` is where its bracket stands. When there
 * is only a broken one, the one that goes on longest before its fault counts; reading it says
 * where.
 */
bool older_find(struct slice text, size_t *list);

/* Read the list at `list` as a suite of today's form; NULL, and faults in `d`, if it cannot be. */
const struct node *older_read(struct arena *arena, const struct source *source, size_t list,
                              struct diagnostics *d);

#endif
