/*
 * The load engine: threads that each have an event loop, connections, a share of the schedule and
 * numbers of their own, and meet only once a second and at the end.
 *
 * Open loop: requests start when the schedule says, whatever became of the ones before. One that
 * finds no free connection waits, and its latency counts from when it should have started. Closed
 * loop: so many users, each of whom asks again when the answer is complete.
 *
 * The schedule is one for all threads: thread k of n has every n-th arrival, so that the number of
 * threads does not change it.
 */
#ifndef LOAD_ENGINE_H
#define LOAD_ENGINE_H

#include "load/arrival.h"
#include "load/flight.h"

struct load_plan {
    const struct target *target;
    enum arrival_kind arrivals;
    double shape;
    const struct arrival_stage *stages; /* open loop: warm-up and measured phase; NULL: closed */
    size_t stage_count;
    uint64_t seed;
    uint32_t users;       /* closed loop: how many */
    uint32_t connections; /* open loop: at most so many, of all threads */
    uint32_t threads;
    int64_t warmup, duration; /* ns: what starts in the first is not measured */
    int64_t drain;            /* how long answers that are under way then are waited for */
    int64_t timeout;          /* of one request, from when it is sent */
    struct bounds bounds;     /* on single requests: what is good */
};

/* What happened since it was asked for last. */
struct load_second {
    struct histogram latency, ttft;
    uint64_t answered, failed, tokens, bytes;
    uint64_t lags;   /* reads … */
    int64_t lag_sum; /* … and how late they were, together, ns */
    uint32_t busy;   /* requests under way now */
};

/* All of a run. */
struct load_outcome {
    struct metrics metrics;
    int64_t measured;      /* ns the measured phase took: less than planned when it was ended */
    bool stopped;          /* it was ended before its time */
    double processor;      /* of the busiest thread, its share of the measured time at work … */
    double waiting;        /* … and ready to work but without a processor */
    double processor_time; /* s of all threads, in the measured phase */
    uint32_t connections;  /* made in all */
    uint32_t clock_steps;  /* the wall clock was set during the run */
};

struct load;

/* Begin. ERR_IO when descriptors or threads cannot be had. */
struct result load_begin(const struct load_plan *plan, struct load **out) MUST_USE;

bool load_running(struct load *load);

/* Fills `*second`; what threads hand over, they do twice a second. */
void load_look(struct load *load, struct load_second *second);

/* Start no more requests; the second time, wait for none either. */
void load_stop(struct load *load);

/* Wait for the end; fills `*out` and frees `load`. */
void load_end(struct load *load, struct load_outcome *out);

#endif
