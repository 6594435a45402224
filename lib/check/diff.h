/*
 * Differences for people: what a failed check shows under its sentence. Bounded by
 * LIMIT_SHOWN_BYTES whatever the size of the values; empty when there is no difference.
 */
#ifndef CHECK_DIFF_H
#define CHECK_DIFF_H

#include "core/jsontext.h"

/*
 * Two texts. When both are one line: the two lines, whole or around the difference, and a caret
 * under the first character that differs. Else a unified diff of lines with three lines of context.
 * "- " marks what was expected and "+ " what came. Every line ends with a newline.
 */
struct slice diff_text(struct arena *arena, struct slice expected, struct slice actual);

/*
 * Two JSON values, a line for every path that differs: "$.a[2].b: expected 3, got 4",
 * "$.a.c: missing, expected 1", "$.a.d: unexpected, got 2". `where` is the path of the values
 * themselves ("$").
 */
struct slice diff_json(struct arena *arena, const json_t *expected, const json_t *actual,
                       const char *where);

#endif
