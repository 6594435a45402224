/*
 * What a step of a search shows about the objectives, and how sure that is. Latencies that follow
 * each other are alike (one queue delays them all), so a thousand of them are worth less than a
 * thousand independent ones; how much less is measured by how batches of them differ.
 *
 * Workload: a batch a second of each step, some 120 KB each.
 */
#ifndef LOAD_EVIDENCE_H
#define LOAD_EVIDENCE_H

#include "load/slo.h"

/* When there are so many, two and two are put together. */
#define EVIDENCE_BATCHES 32

struct batch {
    int64_t until; /* ns after the beginning of the step */
    uint64_t answered, failed;
    struct histogram latency, ttft;
};

struct evidence {
    struct batch *batches;
    size_t count;
    int64_t span;  /* ns a batch is meant to take */
    int64_t began; /* … and the one that is being filled began */
    int64_t least_latency;
};

void evidence_begin(struct evidence *e);
void evidence_free(struct evidence *e);

/* What happened until `until` and was not yet added. */
void evidence_add(struct evidence *e, const struct load_second *second, int64_t until);

/* How requests start, to judge whether answers keep up. */
struct evidence_load {
    double rate;       /* open loop: a second; 0: closed loop, where answers always keep up */
    double dispersion; /* variance of how many start in a time, by their mean: 1 of Poisson */
    int64_t usual;     /* ns an answer takes when the service is not overloaded; 0: not known */
};

/*
 * The service falls behind more and more: of the requests that were due, the share not yet
 * answered grows faster than chance and answers that take long explain. Going on shows nothing new.
 */
bool evidence_saturated(const struct evidence *e, const struct evidence_load *load);

/* How far an objective is from failing. */
struct evidence_finding {
    double margin; /* in standard errors; negative: it fails */
    /* The standard error is that of a count of so many independent events, of which there would be
     * as many right at the bound: the 99th percentile of 10,000 requests lets 100 be above the
     * bound, and when such requests come by tens, these are 10 events. The same number makes the
     * margin a ratio: of what was seen to what the bound allows. 0: it was only seen whether it
     * holds. */
    double events;
};

/*
 * Of the objective that is nearest to failing. A request that was too late to be answered within
 * the run does not keep any bound on times.
 */
struct evidence_finding evidence_weigh(const struct evidence *e, const struct slo *slos,
                                       size_t count, const struct load_outcome *outcome);

/* What a sum over requests is made of, in one batch: its size, and its value. */
struct evidence_part {
    double size, value;
};

/* Of fewer batches than this no variance is told. */
#define EVIDENCE_FEWEST 5

/*
 * How much greater the variance of the sum of values is than of as many independent ones, 1 or
 * more; `variance` is that of one. Batches near each other are taken to be alike (Newey and West,
 * 1987).
 */
double evidence_inflation(const struct evidence_part *parts, size_t count, double variance);

#endif
