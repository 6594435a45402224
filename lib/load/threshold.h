/*
 * Objectives in the grammar of k6: a metric, and EXPRESSION = AGGREGATION COMPARISON NUMBER, as in
 * `ttft: p(99)<200`.
 *
 *     metrics (load/metrics.h)          avg min max med p(N) count
 *     errors, goodput, checks           rate (a share), count
 *     rate, tokens, requests, bytes     rate (a second), count
 *
 * `value` is the share or the rate too. Times are milliseconds, as in k6; a duration with a unit is
 * read as well. k6's own names are known where they mean the same, and explained where not.
 */
#ifndef LOAD_THRESHOLD_H
#define LOAD_THRESHOLD_H

#include "load/slo.h"

/*
 * Read one; ERR_USAGE says what is wrong and what was expected. `out->text` is "METRIC:
 * EXPRESSION", in the arena.
 */
struct result threshold_read(struct arena *arena, struct slice metric, struct slice expression,
                             struct slo *out) MUST_USE;

/* The same of "METRIC: EXPRESSION". */
struct result threshold_read_text(struct arena *arena, const char *text, struct slo *out) MUST_USE;

/* "METRIC: EXPRESSION [after DURATION]": one that ends the run (k6's abortOnFail, delayAbortEval).
 */
struct result threshold_read_abort(struct arena *arena, const char *text, struct slo *out) MUST_USE;

#endif
