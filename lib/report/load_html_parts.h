/*
 * The parts of a load's page; each writes a section, or nothing when there is nothing to show.
 */
#ifndef REPORT_LOAD_HTML_PARTS_H
#define REPORT_LOAD_HTML_PARTS_H

#include "load/print.h"

/* One line of a chart: the name of its colour, and what it is of. */
struct series {
    const char *class, *name;
    const double *y;
};

/* What the colours of a chart mean. */
void load_html_key(struct text *t, const struct series *series, size_t count);

/* Each class of failure that there is, explained once; `examples` may be NULL. */
void load_html_errors(struct text *t, const uint64_t failures[FAILURE_COUNT],
                      const char (*examples)[FAILURE_EXAMPLE]);

/* How many requests took how long: a line for each metric, by how many nines. */
void load_html_percentiles(struct text *t, const struct metrics *metrics);

/* Latencies by when they were, as heat maps. */
void load_html_heat(struct text *t, const struct timeline *timeline);

/* Rates, requests under way and errors. */
void load_html_rates(struct text *t, const struct load_report *report);

/* How late the load generator was itself. */
void load_html_own(struct text *t, const struct load_report *report);

#endif
