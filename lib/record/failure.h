/*
 * What went wrong in a case, as text: the one description that the console, JUnit, CTRF, TAP,
 * Markdown and GitHub annotations share. Everything here is fit for a terminal: control characters
 * are escaped, so that what a service sent cannot move the cursor.
 */
#ifndef RECORD_FAILURE_H
#define RECORD_FAILURE_H

#include "core/text.h"
#include "record/event.h"

/* Terminal codes; all empty for plain text. */
struct paint {
    const char *bad, *good, *warn, *dim, *bold, *off;
};

extern const struct paint paint_plain, paint_terminal;

struct failure_style {
    const struct paint *paint;
    size_t indent;       /* blanks before every line */
    size_t steps;        /* steps shown of one attempt */
    size_t exchange_max; /* bytes shown of a request, a response and a log; 0: they are left out */
    bool said_before;    /* the reason stands above already: not again when a step below tells it */
};

/* For reports in files: no colours; with everything that was kept, or without the exchange. */
extern const struct failure_style failure_whole, failure_brief;

/* The last attempt that did not pass; NULL when there is none. */
const struct attempt_result *failure_attempt(const struct case_result *result);

/* One line, why this case or attempt did not pass: the reason, the error, or the first check. */
struct slice failure_line(struct arena *arena, const struct case_result *result);
struct slice failure_attempt_line(struct arena *arena, const struct attempt_result *attempt);

/* The most exact place known: of the failed check, else of the step, else of the case. */
struct place failure_place(const struct case_result *result);

/* The steps that did not pass, with their checks and evidence; each line ends with a newline. */
void failure_steps(struct text *t, const struct attempt_result *attempt,
                   const struct failure_style *style);

/* All of a case: its reason, each attempt that did not pass, what was given, how to rerun it. */
void failure_text(struct text *t, const struct case_result *result,
                  const struct failure_style *style);

/* "suites/worker.json:42:5"; empty when the place is not known. */
struct slice place_text(struct arena *arena, struct place place);

/* The key without the suite before it: the id with its matrix values. */
struct slice case_title(const struct case_result *result);

/* On one line, at most `max` bytes: newlines and tabs become blanks. */
struct slice line_text(struct arena *arena, struct slice s, size_t max);

#endif
