/*
 * A load, shown: what will be done, a line a second while it is done, tables at the end, JSON.
 */
#ifndef LOAD_PRINT_H
#define LOAD_PRINT_H

#include <jansson.h>

#include "core/text.h"
#include "load/verdict.h"

/* All there is to show of a run; what is pointed to stays the caller's. */
struct load_report {
    const struct load_plan *plan;
    const struct load_outcome *outcome;
    const struct slo *slos;
    size_t slo_count;
    const struct belief *belief;
    const struct judgement *judgement;
};

/* "POST http://… : 500 requests/s, poisson, for 10 s; seed 7; …" */
void print_plan(struct text *t, const struct load_plan *plan);

/* Columns of a line a second, and such a line; `at` is ns since the beginning, of `span` ns. */
void print_columns(struct text *t, bool stream);
void print_second(struct text *t, const struct load_second *second, bool stream, int64_t at,
                  int64_t span, bool warming);

void print_report(struct text *t, const struct load_report *report, bool color);

/* The caller owns the reference. `seconds` (may be NULL) is taken over. */
json_t *print_json(const struct load_report *report, json_t *seconds);
json_t *print_second_json(const struct load_second *second, int64_t at, int64_t span);

#endif
