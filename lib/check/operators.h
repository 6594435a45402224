/*
 * The operators of matchers, inside lib/check: how one is found, applied and described. One table
 * in operators.c holds them all.
 */
#ifndef CHECK_OPERATORS_H
#define CHECK_OPERATORS_H

#include "check/match.h"

enum outcome {
    HOLDS,
    FAILS,
    /* There is nothing to compare (no value, no data, a value of another type): this fails, and
       so does its negation. */
    UNFIT,
};

/* One comparison of a matcher with a value, and what it found. */
struct matching {
    struct arena *arena;
    enum match_unit unit;
    bool explain;    /* fill the texts below on failure; else only the outcome is wanted */
    bool impossible; /* a limit was met or the matcher is wrong: neither holds nor fails */
    struct slice expected, actual; /* short */
    const char *message;           /* one sentence, maybe followed by a diff */
};

/* The fields of a map of operators, for shapes; NULL-named at the end. */
extern const struct field operator_fields[];

/* All operators of `matcher` against `actual` (NULL: there is no such value), the first failure
 * explained. */
enum outcome operators_apply(struct matching *m, const struct node *matcher, const json_t *actual,
                             const char *where);

/* "≥ 3, matches ^a": for verdicts. */
struct slice operators_short(struct arena *arena, const struct node *matcher, enum match_unit unit);

/* "to be at least 3 and to match "^a"": for sentences. */
struct slice operators_sentence(struct arena *arena, const struct node *matcher,
                                enum match_unit unit);

/* Does a matcher of numbers speak of 0, so that finding none can be what was meant? */
bool operators_admit_zero(const struct node *matcher);

/* Does the matcher itself accept an empty text or list: does it speak of emptiness? */
bool operators_admit_empty(const struct node *matcher);

/* Faults of a map of operators that its shape cannot say. */
void operators_check(const struct node *map, struct diagnostics *d);

#endif
