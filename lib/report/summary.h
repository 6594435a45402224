/*
 * What runs come to, as text for people and as JSON for programs: the failures by their causes, and
 * every table of the aggregate. One run or several.
 */
#ifndef REPORT_SUMMARY_H
#define REPORT_SUMMARY_H

#include <stdio.h>

#include "core/text.h"
#include "report/aggregate.h"
#include "report/explain.h"

struct result summary_write_text(FILE *to, const struct run_data *data) MUST_USE;
struct result summary_write_json(FILE *to, const struct run_data *data) MUST_USE;

/* Only the failures by their causes; nothing when there are none. */
void summary_causes_text(struct text *t, const struct explanation *explanation);

#endif
