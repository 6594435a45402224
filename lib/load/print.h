/*
 * A load, shown: what will be done, a line a second while it is done, tables at the end, JSON.
 */
#ifndef LOAD_PRINT_H
#define LOAD_PRINT_H

#include <jansson.h>

#include "core/text.h"
#include "load/as.h"
#include "load/timeline.h"
#include "load/verdict.h"

/* All there is to show of a run; what is pointed to stays the caller's. */
struct load_report {
    const struct load_plan *plan;
    const struct load_outcome *outcome;
    const struct slo *slos;
    size_t slo_count;
    const struct belief *belief;
    const struct judgement *judgement;
    const struct timeline *timeline;
    const char *run; /* its id in the store; NULL: it is not kept */
};

/* "POST http://… : 500 requests/s, poisson, for 10 s; seed 7; …" */
void print_plan(struct text *t, const struct load_plan *plan);

/* Three significant digits, with k, M or G. Returns `out`. */
#define COUNT_TEXT 24
const char *format_count(char out[COUNT_TEXT], double value);

/* A verdict: for programs, for people, and what it means ("" when that is all). */
struct verdict_words {
    const char *name, *word, *meaning;
};
extern const struct verdict_words verdict_words[]; /* by enum load_verdict */

/* What an objective is about came to this: "12.3 ms", "0.5 %". */
void print_objective(struct text *t, const struct slo *slo, const struct load_outcome *outcome);

/* Columns of a line a second, and such a line; `at` is ns since the beginning, of `span` ns. */
void print_columns(struct text *t, bool stream);
void print_second(struct text *t, const struct load_second *second, bool stream, int64_t at,
                  int64_t span, bool warming);

/* Lines about what else is to be known of the numbers, and other tools' figures. */
void print_notes(struct text *t, const struct load_report *report);

void print_report(struct text *t, const struct load_report *report, bool color);

/* All of it for programs; the caller owns the reference. */
json_t *print_json(const struct load_report *report);
json_t *print_plan_json(const struct load_plan *plan);

/* How many of each class, where there are any. */
json_t *print_failures_json(const uint64_t failures[FAILURE_COUNT]);

/* A summary for people, fit for a CI job summary. */
void print_markdown(struct text *t, const struct load_report *report);

/* The timeline for programs: as CSV, and the same as an array. */
void print_csv(struct text *t, const struct load_report *report);
json_t *print_rows_json(const struct load_report *report);

/* Requests that the schedule has in the time of a row, on average; NAN without a schedule. */
double print_offered(const struct load_report *report, const struct timeline_row *row);

#endif
