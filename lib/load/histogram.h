/*
 * A log-linear histogram of times: every value is counted, none is sampled away, and histograms of
 * threads and machines add up exactly. A value is known to 0.4 %: below 256 ns exactly, above in
 * 128 steps for each doubling, told by the middle of its step (the layout of HdrHistogram, with
 * bits spent on the range that latencies have).
 *
 * Workload: one record for each event of a stream, millions a second on each thread: an index from
 * the leading bit, an addition, nothing else.
 */
#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_EXACT 256 /* values below have a step of their own */
#define HISTOGRAM_STEPS 128 /* for each doubling above */
#define HISTOGRAM_SIZE (HISTOGRAM_EXACT + (63 - 8) * HISTOGRAM_STEPS)

struct histogram {
    uint64_t counts[HISTOGRAM_SIZE]; /* 58 KB */
    uint64_t count;
    int64_t least, most; /* exact; of none: INT64_MAX and 0 */
    double sum;
};

void histogram_clear(struct histogram *h);

static inline size_t histogram_index(int64_t value)
{
    uint64_t v = (uint64_t)value;
    if (v < HISTOGRAM_EXACT)
        return (size_t)v;
    unsigned top = 63u - (unsigned)__builtin_clzll(v), shift = top - 7;
    return HISTOGRAM_EXACT + (top - 8) * HISTOGRAM_STEPS + (size_t)(v >> shift) - HISTOGRAM_STEPS;
}

/* The same value so many times, which may be none. Negative ones (a clock that went back) count as
 * 0. */
static inline void histogram_add_many(struct histogram *h, int64_t value, uint64_t times)
{
    if (times == 0)
        return;
    if (value < 0)
        value = 0;
    h->counts[histogram_index(value)] += times;
    h->count += times;
    h->sum += (double)value * (double)times;
    if (value < h->least)
        h->least = value;
    if (value > h->most)
        h->most = value;
}

static inline void histogram_add(struct histogram *h, int64_t value)
{
    histogram_add_many(h, value, 1);
}

void histogram_merge(struct histogram *into, const struct histogram *from);

/*
 * Add to `into` what came to `now` since it was as `before`, and make `before` as it is. The least
 * and the most of that are exact when they are those of `now`, else to 0.4 %.
 */
void histogram_advance(struct histogram *before, const struct histogram *now,
                       struct histogram *into);

/* The values of a step: from `*low` to `*high`, both included. */
void histogram_step(size_t index, int64_t *low, int64_t *high);

/*
 * The smallest value that at least `percent` of all do not exceed (nearest rank), to 0.4 % and
 * never beyond the exact least and most. 0 of none.
 */
int64_t histogram_percentile(const struct histogram *h, double percent);

double histogram_mean(const struct histogram *h); /* exact but for rounding; 0 of none */

/* The sample's, from the middles of the steps; 0 of fewer than two. */
double histogram_deviation(const struct histogram *h);

/* How many values are at most `value`, counting all of its step. */
uint64_t histogram_at_most(const struct histogram *h, int64_t value);

#endif
