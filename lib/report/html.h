/*
 * A run as one HTML file: nothing is loaded from anywhere, it follows the reader's choice of light
 * or dark, and reads on a phone. Failures come first, each with its evidence; then the run's
 * timeline by worker, how long cases took, what the services used, and every table.
 *
 * A file of a run of a million cases is no larger than LIMIT_HTML_BYTES: evidence beyond a budget
 * becomes a line, lines beyond theirs a number, and the page says so.
 */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include <stdio.h>

#include "report/resources.h"
#include "report/run_data.h"

/* `resources` may be NULL: several runs have no time in common. */
struct result html_write(FILE *to, const struct run_data *run,
                         const struct resource_history *resources) MUST_USE;

#endif
