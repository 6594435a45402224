/*
 * What is wrong with a suite: every fault found, each with its place, so that a user mends them in
 * one go. Shown like a compiler's: file:line:column, the source line, a caret, and a suggestion.
 */
#ifndef SUITE_DIAGNOSTICS_H
#define SUITE_DIAGNOSTICS_H

#include <stdio.h>

#include "core/arena.h"

struct diagnostic {
    struct place at;
    const char *text; /* a sentence without a full stop */
    const char *hint; /* "did you mean …?", a remedy; or NULL */
    struct diagnostic *next;
};

struct diagnostics {
    struct arena *arena;
    struct diagnostic *first, *last;
    size_t count; /* of all that were found, also those not kept */
};

struct diagnostics diagnostics_in(struct arena *arena);

/*
 * Add a fault; returns it so that a hint can be set. The first LIMIT_DIAGNOSTICS are kept; later
 * ones are counted only.
 */
struct diagnostic *diagnose(struct diagnostics *d, struct place at, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Hint at the one of `candidates` (NULL-ended) that is near `word`, if any. */
void diagnostic_suggest(struct diagnostics *d, struct diagnostic *fault, struct slice word,
                        const char *const *candidates);

/* Add `unknown WHAT "WORD"` with such a hint: what is "check", "service", "variable", … */
void diagnose_unknown(struct diagnostics *d, struct place at, const char *what, struct slice word,
                      const char *const *candidates);

/* The thread's last error as a fault; its own place wins over `at`. */
void diagnose_error(struct diagnostics *d, struct place at);

/* ERR_SUITE with the first fault when there is any. */
struct result diagnostics_result(const struct diagnostics *d) MUST_USE;

/*
 * Print all, in order of file and place, then a count:
 *
 *     suites/x.json:12:7: error: unknown key "expct" in a case
 *      12 |       "expct": { "status": 200 }
 *         |       ^
 *     help: did you mean "expect"?
 *
 *     1 error
 */
void diagnostics_print(const struct diagnostics *d, FILE *to, bool color);

#endif
