/*
 * A load as it is kept: its plan and outcome as JSON, its histograms as text, and from these again
 * what every report shows. Nothing here knows of a store.
 *
 * A histogram is a line of numbers with blanks between: the least value, the most, the sum of all,
 * then for each step that has values how many steps it is from the one before (of the first: from
 * step 0) and how many values it has. Steps are those of load/histogram.h. The empty text is the
 * histogram of nothing. "100 300 700 100 2 172 2" is 100, 100 and, to 0.4 %, two values near 250.
 */
#ifndef LOAD_KEEP_H
#define LOAD_KEEP_H

#include <jansson.h>

#include "core/text.h"
#include "load/verdict.h"

void keep_histogram(struct text *t, const struct histogram *h);

/* ERR_SYNTAX for what keep_histogram would not have written: it may come from anybody. */
struct result keep_read_histogram(struct slice text, struct histogram *out) MUST_USE;

/* What a second's measured histograms have, by metric, {"latency": "…", "itl": "…"}, and its
 * failures by class. The caller owns the reference. */
json_t *keep_second(const struct load_second *second);
json_t *keep_failures(const struct load_second *second);

/* Both again, into a second that is clear. What another version measured is passed over. */
struct result keep_read_second(const json_t *histograms, const json_t *failures,
                               struct load_second *out) MUST_USE;

/* Counts and times of a whole load; histograms and failures, which there are many of, are kept
 * apart and not touched. The caller owns the reference. */
json_t *keep_outcome(const struct load_outcome *outcome);
void keep_read_outcome(const json_t *json, struct load_outcome *out);

/* A plan, as print_plan_json shows it, as far as reports tell of it. ERR_VALUE when it is none.
 * `target` is what plan->target points to then. */
struct result keep_read_plan(struct arena *arena, const json_t *json, struct target *target,
                             struct load_plan *plan) MUST_USE;

#endif
