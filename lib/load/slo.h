/*
 * Objectives: what a load must show to pass, as in "ttft p99 < 200ms, itl p99 < 50ms, errors < 1%".
 * An objective is QUANTITY [STATISTIC] COMPARISON VALUE:
 *
 *     a metric (load/metrics.h)  p50, p99.9, …, mean, min, max   < <= > >=  a duration or a count
 *     errors, goodput, checks    none                                       a share: 0.01 or 1%
 *     rate, tokens, requests, bytes  none                                   a second: 100 or 100/s
 *
 * `rate` is of good answers and `requests` of all that came to an end; goodput is the share of
 * requests that keep every upper bound on ttft, latency, itl or itl_mean, each for itself, whatever
 * its statistic; of a stream's gaps it is their mean that counts. `checks` is the share of answers
 * looked into that are as they should be. The same in the grammar of k6 is
 * read by load/threshold.h.
 */
#ifndef LOAD_SLO_H
#define LOAD_SLO_H

#include "core/arena.h"
#include "load/engine.h"

enum slo_quantity {
    SLO_METRIC,
    SLO_ERRORS,
    SLO_GOODPUT,
    SLO_RATE,
    SLO_TOKENS,
    SLO_REQUESTS,
    SLO_BYTES,
    SLO_CHECKS,
    SLO_QUANTITY_COUNT
};
extern const char *const slo_quantity_names[SLO_QUANTITY_COUNT]; /* of SLO_METRIC: NULL */

/* What is not a metric has a share or a rate of its own, and a count. */
enum slo_statistic { SLO_PERCENTILE, SLO_MEAN, SLO_LEAST, SLO_MOST, SLO_COUNT };
enum slo_comparison { SLO_LT, SLO_LE, SLO_GT, SLO_GE, SLO_EQ, SLO_NE };

struct slo {
    const char *text; /* as written, without blanks around it */
    enum slo_quantity quantity;
    enum metric metric;
    enum slo_statistic statistic;
    double percent;
    enum slo_comparison comparison;
    double bound;  /* ns, a count, a share, or per second */
    bool aborts;   /* the run ends as soon as it does not hold … */
    int64_t delay; /* … and so much of the measured phase has passed, ns */
};

#define SLO_MOST_OBJECTIVES 32

/* Read objectives separated by commas; ERR_USAGE says which is wrong and what was expected. */
struct result slo_read(struct arena *arena, const char *text, struct slo *out,
                       size_t *count) MUST_USE;

/* A bit for each metric that is looked at while the run goes on; some bit when anything is. */
uint64_t slo_watched(const struct slo *slos, size_t count);

/* What goodput is judged by. */
struct bounds slo_bounds(const struct slo *slos, size_t count);

/* The value an objective is about; false when nothing of it was seen. */
bool slo_value(const struct slo *slo, const struct load_outcome *outcome, double *value);

/* It was seen and is as wanted. */
bool slo_holds(const struct slo *slo, const struct load_outcome *outcome);

/* Its value is a share of requests. */
static inline bool slo_is_share(const struct slo *slo)
{
    return (slo->quantity == SLO_ERRORS || slo->quantity == SLO_GOODPUT ||
            slo->quantity == SLO_CHECKS) &&
           slo->statistic != SLO_COUNT;
}

/* Its value is a time. */
static inline bool slo_is_time(const struct slo *slo)
{
    return slo->quantity == SLO_METRIC && slo->statistic != SLO_COUNT &&
           metric_kinds[slo->metric].time;
}

#endif
