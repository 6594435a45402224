/*
 * Matchers: how one value is compared with what is expected. A matcher is a literal (equals), a
 * short form ("<500ms", ">=0.8"), or a map of operators that must all hold: eq ne lt le gt ge near
 * matches contains not_contains starts ends in type length empty exists each any unordered schema
 * not. A short form is a comparison sign, blanks and a number, duration or size; any other text is
 * a literal, and {"eq": "<5"} is one always.
 *
 * An object to be compared as a whole is written {"eq": {…}}: a map in the place of a matcher is
 * always operators, so that a misspelt operator is an error and not a comparison.
 */
#ifndef CHECK_MATCH_H
#define CHECK_MATCH_H

#include "check/check.h"

/* What kind of quantity numbers are, for reading "500ms" and for showing. */
enum match_unit { UNIT_NONE, UNIT_DURATION /* actual in ns */, UNIT_BYTES };

extern const struct shape shape_matcher;          /* any value */
extern const struct shape shape_duration_matcher; /* "<500ms", {"lt": "1s"} */
extern const struct shape shape_size_matcher;
extern const struct shape shape_number_matcher;
extern const struct shape shape_nested_numbers; /* 1 or [[1, 2], [3, 4]] */

/* For checks that add keys of their own to a number matcher (`exit`, `status`). */
extern const struct field number_operators[];
extern const struct shape shape_number_form; /* ">=0.8" */

/*
 * Compare `actual` (NULL: there is no such value, which only {"exists": false} accepts) with
 * `matcher` and append the verdict named `check`. `where` is the path of the actual value for
 * messages ("$.choices[0].text"), or "". An operator that finds nothing to look at (`each` of an
 * empty array, `not_contains` of an empty text) fails, and so does its negation.
 */
void match(struct verdicts *out, const char *check, const struct node *matcher,
           const json_t *actual, const char *where, enum match_unit unit);

/* The same where a null in the place of the matcher means that there must be no value. */
void match_or_absent(struct verdicts *out, const char *check, const struct node *matcher,
                     const json_t *actual, const char *where);

/*
 * The same for the whole text of something (a body, an output, an answer): an empty one is no data
 * unless the matcher speaks of emptiness ("", empty, length, matches, in, …).
 */
void match_text(struct verdicts *out, const char *check, const struct node *matcher,
                struct slice actual, const char *where);

/* The same for numbers. NaN and infinity are no data and match nothing. */
void match_number(struct verdicts *out, const char *check, const struct node *matcher,
                  double actual, const char *where, enum match_unit unit);
void match_integer(struct verdicts *out, const char *check, const struct node *matcher,
                   int64_t actual, const char *where, enum match_unit unit);

/* The same for how many there are. None is no data unless the matcher says 0 ("==0", {"ge": 0}). */
void match_count(struct verdicts *out, const char *check, const struct node *matcher, size_t actual,
                 const char *where, enum match_unit unit);

/* Does it match? No verdict, no message: for `any` and filters. */
bool match_holds(struct arena *arena, const struct node *matcher, const json_t *actual,
                 enum match_unit unit);

/* Is a number what the matcher compares with (42, ">=0.8", {"lt": 3})? For texts that may hold one,
 * such as a header. */
bool match_wants_number(const struct node *matcher);

#endif
