/*
 * The parts of the HTML report; each writes a section, or nothing when there is nothing to show.
 */
#ifndef REPORT_HTML_PARTS_H
#define REPORT_HTML_PARTS_H

#include "core/text.h"
#include "report/resources.h"
#include "report/run_data.h"

extern const char html_style[];

/* The beginning of a page, up to where its content begins, and its end. */
void html_open(struct text *t, struct slice title);
void html_close(struct text *t);

/* What came from outside, on one line, shown whole up to `max` bytes. */
void html_text(struct text *t, struct slice s, size_t max);

void html_failures(struct text *t, const struct run_data *run);
void html_timeline(struct text *t, const struct run_data *run);
void html_durations(struct text *t, const struct run_data *run);
void html_resources(struct text *t, const struct run_data *run,
                    const struct resource_history *history);
void html_tables(struct text *t, const struct run_data *run);
void html_cases(struct text *t, const struct run_data *run);

#endif
