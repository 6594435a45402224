/*
 * When requests should start. An arrival process is two things: how the rate goes over time (the
 * profile), and how arrivals scatter around it (the process). Arrivals of a process with rate one
 * are drawn, and the profile stretches them to real time (time rescaling), so that every process
 * goes with every profile.
 *
 * Intended times are known before anything is sent and depend on nothing that happens: the same
 * seed gives the same schedule, to the nanosecond. No time is ever added up from rounded steps.
 */
#ifndef LOAD_ARRIVAL_H
#define LOAD_ARRIVAL_H

#include "core/random.h"

#define ARRIVAL_TABLE(X)                                                                           \
    X(CONSTANT, "constant", "evenly spaced")                                                       \
    X(POISSON, "poisson", "independent of one another: exponential gaps")                          \
    X(GAMMA, "gamma", "in bursts (shape below 1) or more even than chance (above): gamma gaps")    \
    X(TRACE, "trace", "as they were recorded")

enum arrival_kind {
#define X(code, name, help) ARRIVAL_##code,
    ARRIVAL_TABLE(X)
#undef X
        ARRIVAL_KIND_COUNT
};

/* A stretch of time in which the rate goes evenly from one value to another. */
struct arrival_stage {
    double duration; /* s, above 0 */
    double from, to; /* per second, 0 or more */
};

struct arrival {
    enum arrival_kind kind;
    double shape; /* of the gamma distribution, above 0 */
    const struct arrival_stage *stages;
    size_t count;
    const int64_t *times; /* ARRIVAL_TRACE: when, ns, and how many … */
    uint64_t time_count;
    struct random random;
    uint64_t drawn; /* arrivals so far */
    double unit;    /* time of the last arrival at rate one */
    size_t stage;   /* it lies in this one, which begins … */
    double before;  /* … after so many arrivals, on average, */
    double began;   /* … and at this time, s */
};

/* The stages stay the caller's and must outlive it. */
struct arrival arrival_begin(enum arrival_kind kind, double shape,
                             const struct arrival_stage *stages, size_t count, uint64_t seed);

/* Arrivals as they were recorded: ns after the beginning, in order. The times stay the caller's. */
struct arrival arrival_replay(const int64_t *times, uint64_t count);

/* When the next one should start, ns after the beginning; -1 when the stages are over. */
int64_t arrival_next(struct arrival *arrival);

/*
 * The `count`-th from here (1: the next). Arrivals are dealt out to threads one after the other:
 * thread k of n has the (k+1)-th first, and then each n-th.
 */
int64_t arrival_skip(struct arrival *arrival, uint32_t count);

/* How many there are on average. */
double arrival_expected(const struct arrival_stage *stages, size_t count);

/* … between two times, s after the beginning. */
double arrival_between(const struct arrival_stage *stages, size_t count, double from, double to);

#endif
