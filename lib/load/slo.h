/*
 * Objectives: what a load must show to pass, as in "ttft p99 < 200ms, itl p99 < 50ms, errors < 1%".
 * An objective is QUANTITY [STATISTIC] COMPARISON VALUE:
 *     a metric (load/metrics.h)   p50, p99.9, …, mean, min or max    < <= > >=   a duration or
 * count errors, goodput             a share: 0.01 or 1% rate, tokens                answers and
 * tokens a second: 100 or 100/s Goodput is the share of requests that keep every upper bound on
 * ttft, latency, itl or itl_mean, each for itself, whatever its statistic; of a stream's gaps it is
 * their mean that counts.
 */
#ifndef LOAD_SLO_H
#define LOAD_SLO_H

#include "core/arena.h"
#include "load/engine.h"

enum slo_quantity { SLO_METRIC, SLO_ERRORS, SLO_GOODPUT, SLO_RATE, SLO_TOKENS };
enum slo_statistic { SLO_PERCENTILE, SLO_MEAN, SLO_LEAST, SLO_MOST };
enum slo_comparison { SLO_LT, SLO_LE, SLO_GT, SLO_GE };

struct slo {
    const char *text; /* as written, without blanks around it */
    enum slo_quantity quantity;
    enum metric metric;
    enum slo_statistic statistic;
    double percent;
    enum slo_comparison comparison;
    double bound; /* ns, a count, a share, or per second */
};

#define SLO_MOST_OBJECTIVES 32

/* Read objectives separated by commas; ERR_USAGE says which is wrong and what was expected. */
struct result slo_read(struct arena *arena, const char *text, struct slo *out,
                       size_t *count) MUST_USE;

/* What goodput is judged by. */
struct bounds slo_bounds(const struct slo *slos, size_t count);

/* The value an objective is about; false when nothing of it was seen. */
bool slo_value(const struct slo *slo, const struct load_outcome *outcome, double *value);

/* It was seen and is as wanted. */
bool slo_holds(const struct slo *slo, const struct load_outcome *outcome);

#endif
