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
    struct diagnostic *first, **end;
    size_t count;
};

struct diagnostics diagnostics_in(struct arena *arena);

/* Add a fault; returns it so that a hint can be set. The first LIMIT_DIAGNOSTICS are kept. */
struct diagnostic *diagnose(struct diagnostics *d, struct place at, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Add a fault about `word` with a hint when one of `candidates` (NULL-ended) is near. */
void diagnose_unknown(struct diagnostics *d, struct place at, const char *what, struct slice word,
                      const char *const *candidates);

/* The thread's last error as a fault; its own place wins over `at`. */
void diagnose_error(struct diagnostics *d, struct place at);

/* ERR_SUITE with the first fault when there is any. */
struct result diagnostics_result(const struct diagnostics *d) MUST_USE;

/* Print all, in order of file and place, then a count. */
void diagnostics_print(const struct diagnostics *d, FILE *to, bool color);

#endif
