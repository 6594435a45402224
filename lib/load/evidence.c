/*
 * Standard errors from batches.
 */
#include "load/evidence.h"

#include <math.h>

#include "core/clock.h"
#include "core/memory.h"

/* Batches up to this many steps away are taken to be alike (Newey and West, with Bartlett's
 * weights). */
#define MOST_LAG 3
/* Margins of what has no standard error: seen to hold, seen to fail. */
#define MARGIN_HOLDS 2.0
#define MARGIN_FAILS (-3.0)

/* Answers keep up when in a time no more than this share of what was due is missing … */
#define SLACK 0.1
/* … beside so many standard deviations of how many were due and were answered … */
#define SLACK_DEVIATIONS 5.0
/* … and what threads have not yet handed over, twice a second. */
#define SLACK_S 0.5
#define SLACK_SPAN (2 * NS_PER_S)
/* Until so many times the usual latency, requests under way only grow to their number. */
#define FILL_TIMES 3

/* ------------------------------------------------------------------ batches */

void evidence_begin(struct evidence *e)
{
    *e = (struct evidence){.span = NS_PER_S, .least_latency = INT64_MAX};
    e->batches = mem_alloc(EVIDENCE_BATCHES * sizeof(*e->batches));
}

void evidence_free(struct evidence *e)
{
    mem_free(e->batches);
    e->batches = NULL;
}

static void batch_add(struct batch *b, uint64_t answered, uint64_t failed,
                      const struct histogram *latency, const struct histogram *ttft, int64_t until)
{
    b->answered += answered;
    b->failed += failed;
    b->until = until;
    histogram_merge(&b->latency, latency);
    histogram_merge(&b->ttft, ttft);
}

static void put_together(struct evidence *e)
{
    for (size_t i = 0; i < e->count / 2; i++) {
        if (i > 0)
            e->batches[i] = e->batches[2 * i];
        const struct batch *from = &e->batches[2 * i + 1];
        batch_add(&e->batches[i], from->answered, from->failed, &from->latency, &from->ttft,
                  from->until);
    }
    e->count /= 2;
    e->span *= 2;
}

void evidence_add(struct evidence *e, const struct load_second *s, int64_t until)
{
    bool full = e->count > 0 && e->batches[e->count - 1].until >= e->began + e->span;
    if (e->count == 0 || full) {
        e->began = e->count > 0 ? e->batches[e->count - 1].until : 0;
        if (e->count == EVIDENCE_BATCHES)
            put_together(e);
        struct batch *b = &e->batches[e->count++];
        memset(b, 0, sizeof(*b));
        histogram_clear(&b->latency);
        histogram_clear(&b->ttft);
    }
    batch_add(&e->batches[e->count - 1], s->answered, s->failed, &s->latency, &s->ttft, until);
    if (s->latency.count > 0 && s->latency.least < e->least_latency)
        e->least_latency = s->latency.least;
}

bool evidence_saturated(const struct evidence *e, const struct evidence_load *load)
{
    int64_t usual = load->usual ? load->usual : e->least_latency, from = -1, to = 0;
    double ended = 0;
    if (load->rate <= 0 || usual == INT64_MAX)
        return false;
    for (size_t i = 0; i < e->count; i++) {
        const struct batch *b = &e->batches[i];
        if (from >= 0)
            ended += (double)(b->answered + b->failed);
        else if (b->until >= FILL_TIMES * usual)
            from = b->until;
        to = b->until;
    }
    if (from < 0 || to - from < SLACK_SPAN)
        return false;
    double due = load->rate * (double)(to - from) / (double)NS_PER_S;
    double unseen = load->rate * SLACK_S;
    double chance = SLACK_DEVIATIONS * sqrt(due * (load->dispersion + 1));
    return due - ended > SLACK * due + chance + unseen;
}

/* ------------------------------------------------------------------ standard errors */

double evidence_inflation(const struct evidence_part *parts, size_t count, double variance)
{
    double size = 0, value = 0, sum = 0;
    for (size_t i = 0; i < count; i++) {
        size += parts[i].size;
        value += parts[i].value;
    }
    if (count < EVIDENCE_FEWEST || size <= 0 || variance <= 0)
        return 1;
    double mean = value / size;
    for (size_t lag = 0; lag <= MOST_LAG; lag++) {
        double weight = lag == 0 ? 1 : 2 * (1 - (double)lag / (MOST_LAG + 1));
        for (size_t i = lag; i < count; i++)
            sum += weight * (parts[i].value - mean * parts[i].size) *
                   (parts[i - lag].value - mean * parts[i - lag].size);
    }
    return fmax(1, sum / (variance * size));
}

/* Batches know of two metrics; what else there is follows one of them. */
static const struct histogram *batch_histogram(const struct batch *b, enum metric metric)
{
    bool first = metric == METRIC_TTFT || metric == METRIC_TTFT_SENT;
    return first ? &b->ttft : &b->latency;
}

/* Of values above `bound`. */
static double inflation_above(const struct evidence *e, enum metric metric, int64_t bound)
{
    struct evidence_part parts[EVIDENCE_BATCHES];
    double size = 0, over = 0;
    for (size_t i = 0; i < e->count; i++) {
        const struct histogram *h = batch_histogram(&e->batches[i], metric);
        parts[i].size = (double)h->count;
        parts[i].value = parts[i].size - (double)histogram_at_most(h, bound);
        size += parts[i].size;
        over += parts[i].value;
    }
    double share = size > 0 ? over / size : 0;
    return evidence_inflation(parts, e->count, share * (1 - share));
}

/* Of values above the bound, and at least that of those above what a share `q` of all do not
 * exceed: where hardly a value is above the bound, they tell how such values come together. */
static double tail_inflation(const struct evidence *e, const struct slo *slo, double q)
{
    struct histogram *all = mem_alloc(sizeof(*all));
    histogram_clear(all);
    for (size_t i = 0; i < e->count; i++)
        histogram_merge(all, batch_histogram(&e->batches[i], slo->metric));
    bool known = slo->metric == METRIC_LATENCY || slo->metric == METRIC_TTFT;
    int64_t own = histogram_percentile(all, 100 * q);
    mem_free(all);
    double by_own = inflation_above(e, slo->metric, own);
    return known ? fmax(by_own, inflation_above(e, slo->metric, (int64_t)slo->bound)) : by_own;
}

static double mean_inflation(const struct evidence *e, const struct slo *slo, double deviation)
{
    struct evidence_part parts[EVIDENCE_BATCHES];
    for (size_t i = 0; i < e->count; i++) {
        const struct histogram *h = batch_histogram(&e->batches[i], slo->metric);
        parts[i] = (struct evidence_part){(double)h->count, h->sum};
    }
    return evidence_inflation(parts, e->count, deviation * deviation);
}

static double error_inflation(const struct evidence *e, double share)
{
    struct evidence_part parts[EVIDENCE_BATCHES];
    for (size_t i = 0; i < e->count; i++) {
        const struct batch *b = &e->batches[i];
        parts[i] = (struct evidence_part){(double)(b->answered + b->failed), (double)b->failed};
    }
    return evidence_inflation(parts, e->count, share * (1 - share));
}

/* ------------------------------------------------------------------ margins */

static bool upper(const struct slo *slo)
{
    return slo->comparison == SLO_LT || slo->comparison == SLO_LE;
}

/* Requests whose answers would have come after the end. */
static double too_late(const struct metrics *m)
{
    return (double)(m->failures[FAILURE_ABANDONED] + m->failures[FAILURE_UNSENT] +
                    m->failures[FAILURE_TIMEOUT]);
}

static const struct evidence_finding seen_to_hold = {MARGIN_HOLDS, 0};
static const struct evidence_finding seen_to_fail = {MARGIN_FAILS, 0};

static struct evidence_finding plainly(bool holds)
{
    return holds ? seen_to_hold : seen_to_fail;
}

/* A value is so far on the good side of its bound, known to so much, beside what would be `whole`.
 */
static struct evidence_finding finding(double good_by, double error, double whole)
{
    return (struct evidence_finding){good_by / error, fmax(whole * whole / (error * error), 1)};
}

static struct evidence_finding of_percentile(const struct evidence *e, const struct slo *slo,
                                             const struct load_outcome *outcome)
{
    const struct metrics *m = &outcome->metrics;
    const struct histogram *h = &m->histograms[slo->metric];
    double late = upper(slo) ? too_late(m) : 0, q = slo->percent / 100;
    double n = fmin((double)h->count, (double)m->requests) + late;
    double within = (double)histogram_at_most(h, (int64_t)slo->bound) / (double)h->count;
    double share = within * (n - late) / n;
    if (q >= 1)
        return plainly(upper(slo) == (share >= 1));
    double error = sqrt(q * (1 - q) / n * tail_inflation(e, slo, q));
    return upper(slo) ? finding(share - q, error, 1 - q) : finding(q - share, error, q);
}

static struct evidence_finding of_mean(const struct evidence *e, const struct slo *slo,
                                       const struct load_outcome *outcome)
{
    const struct histogram *h = &outcome->metrics.histograms[slo->metric];
    double deviation = histogram_deviation(h), mean = histogram_mean(h);
    double n = fmin((double)h->count, (double)outcome->metrics.requests);
    double error = deviation * sqrt(mean_inflation(e, slo, deviation) / n);
    if (error <= 0)
        return plainly(slo_holds(slo, outcome));
    return upper(slo) ? finding(slo->bound - mean, error, slo->bound)
                      : finding(mean - slo->bound, error, mean);
}

/* Wilson's: the error is that of the share asked for, so that a share of 0 has one, too. */
static struct evidence_finding of_share(const struct evidence *e, const struct slo *slo,
                                        const struct load_outcome *outcome, double value)
{
    const struct metrics *m = &outcome->metrics;
    double n = (double)m->requests, p = fmin(fmax(slo->bound, 0.5 / n), 1 - 0.5 / n);
    double errors = (n - (double)m->answered) / n;
    double error = sqrt(p * (1 - p) / n * error_inflation(e, errors));
    return upper(slo) ? finding(slo->bound - value, error, slo->bound)
                      : finding(value - slo->bound, error, 1 - slo->bound);
}

static struct evidence_finding of_rate(const struct slo *slo, const struct load_outcome *outcome,
                                       double value)
{
    double seconds = (double)outcome->measured / (double)NS_PER_S;
    double error = fmax(value / sqrt(fmax((double)outcome->metrics.ended, 1)), 1 / seconds);
    return upper(slo) ? finding(slo->bound - value, error, slo->bound)
                      : finding(value - slo->bound, error, value);
}

static struct evidence_finding weigh_one(const struct evidence *e, const struct slo *slo,
                                         const struct load_outcome *outcome)
{
    double value = 0;
    if (slo->statistic == SLO_COUNT || slo->comparison > SLO_GE || !slo_value(slo, outcome, &value))
        return plainly(slo_holds(slo, outcome));
    switch (slo->quantity) {
    case SLO_METRIC:
    case SLO_QUANTITY_COUNT:
        break;
    case SLO_ERRORS:
    case SLO_GOODPUT:
    case SLO_CHECKS:
        return of_share(e, slo, outcome, value);
    case SLO_RATE:
    case SLO_REQUESTS:
    case SLO_BYTES:
    case SLO_TOKENS: /* tokens come with their answers */
        return of_rate(slo, outcome, value);
    }
    switch (slo->statistic) {
    case SLO_PERCENTILE:
        return of_percentile(e, slo, outcome);
    case SLO_MEAN:
        return of_mean(e, slo, outcome);
    case SLO_LEAST:
    case SLO_MOST:
    case SLO_COUNT:
        break;
    }
    return plainly(slo_holds(slo, outcome));
}

struct evidence_finding evidence_weigh(const struct evidence *e, const struct slo *slos,
                                       size_t count, const struct load_outcome *outcome)
{
    struct evidence_finding least = {INFINITY, 0};
    for (size_t i = 0; i < count; i++) {
        struct evidence_finding one = weigh_one(e, &slos[i], outcome);
        if (one.margin < least.margin)
            least = one;
    }
    return least;
}
