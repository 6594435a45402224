/*
 * A load as one HTML file, as the page of a run is (report/html.h): nothing is loaded, light or
 * dark as the reader has it, and it reads on a phone. First whether the numbers may be believed and
 * what they come to, then what was asked, then distributions, what happened when, the load
 * generator itself, errors with what to do about them, and every metric with its definition.
 *
 * Its size does not depend on how long a load took: a timeline has a limited number of rows, and
 * charts a limited number of columns.
 */
#ifndef REPORT_LOAD_HTML_H
#define REPORT_LOAD_HTML_H

#include "load/curve.h"
#include "load/print.h"

void load_html(struct text *t, const struct load_report *report);

/* The page of a sweep or search: throughput against latency, with the knee, and every point. */
void load_html_curve(struct text *t, const struct curve *curve);

#endif
