/*
 * JSON as people write it: with comments and trailing commas, and in the older form of prompt cases
 * with # comments and Python's True, False and None. One scan checks the grammar, where the good
 * messages come from, and rewrites the value as strict JSON of the same length, so that every byte
 * keeps its place for the parser that builds the nodes.
 */
#ifndef SUITE_JSONC_H
#define SUITE_JSONC_H

#include "suite/diagnostics.h"

struct jsonc {
    struct slice text; /* valid UTF-8 */
    bool older;        /* # begins a comment too, and True, False, None are words */
    char *strict;      /* where the rewriting goes, a copy of the text; NULL: only check */

    /* Set by jsonc_value, whether it fails or not. */
    size_t at;          /* the end of the value, or where the fault is */
    size_t reached;     /* how far the scan looked, which is what it cost */
    bool has_case;      /* a map directly in the outermost list has the key "test_case_id" */
    size_t opener;      /* fault: of the bracket it is about, or JSONC_NONE */
    char fault[200];    /* a sentence */
    const char *remedy; /* or NULL */
};

#define JSONC_NONE SIZE_MAX

/* Scan the value that begins at `from` after blanks and comments; false when there is a fault. */
bool jsonc_value(struct jsonc *j, size_t from);

/* From `from` to the end there may only be blanks and comments, which are blanked. */
bool jsonc_nothing_more(struct jsonc *j, size_t from);

/* Add the fault of a scan that returned false. */
void jsonc_diagnose(const struct jsonc *j, const struct source *source, struct diagnostics *d);

#endif
