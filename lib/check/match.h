/*
 * Matchers: how one value is compared with what is expected. A matcher is a literal (equals), a
 * short form ("<500ms", ">=0.8"), or a map of operators that must all hold: eq ne lt le gt ge near
 * matches contains not_contains starts ends in type length empty each any unordered schema not.
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

/*
 * Compare `actual` (NULL: there is no such value) with `matcher` and append the verdict named
 * `check`. `where` is the path of the actual value for messages ("$.choices[0].text"), or "".
 */
void match(struct verdicts *out, const char *check, const struct node *matcher,
           const json_t *actual, const char *where, enum match_unit unit);

/* Does it match? No verdict, no message: for `any` and filters. */
bool match_holds(struct arena *arena, const struct node *matcher, const json_t *actual,
                 enum match_unit unit);

#endif
