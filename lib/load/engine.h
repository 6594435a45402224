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

#include "core/clock.h"
#include "load/arrival.h"
#include "load/flight.h"
#include "load/stock.h"

struct load_plan {
    const struct target *target;
    const struct stock *stock; /* what is asked … */
    const char *inputs;        /* … in words; NULL: there is nothing to say of it */
    enum arrival_kind arrivals;
    double shape;
    const struct arrival_stage *stages; /* open loop: warm-up and measured phase; NULL: closed */
    size_t stage_count;                 /* of a trace: one, of its mean rate */
    const int64_t *times;               /* ARRIVAL_TRACE: ns after the beginning, … */
    uint64_t time_count;                /* … and how many */
    uint64_t seed;
    bool thinks;               /* closed loop and conversations: users think between an answer … */
    struct distribution think; /* … and the next question; ns */
    uint32_t users;            /* closed loop: how many */
    uint32_t connections;      /* open loop: at most so many, of all threads */
    uint32_t streams;          /* requests at a time on a connection: 1, but with HTTP/2 */
    uint32_t threads;
    int64_t warmup, duration; /* ns: what starts in the first is not measured */
    int64_t drain;            /* how long answers that are under way then are waited for */
    int64_t timeout;          /* of one request, from when it is sent */
    struct bounds bounds;     /* on single requests: what is good */
    struct eventlog *events;  /* where every request goes; NULL: nowhere. It stays the caller's */
    struct as_tally *as;      /* where another tool's figures are added up, the same */
    uint64_t watched;         /* a bit for each metric that load_so_far has */
    const struct inspection *inspection; /* of answers; NULL: there is none */
};

/* Metrics that are kept second by second. */
#define SECOND_TABLE(X)                                                                            \
    X(LATENCY)                                                                                     \
    X(TTFT)                                                                                        \
    X(ITL)
enum second_metric {
#define X(code) SECOND_##code,
    SECOND_TABLE(X)
#undef X
        SECOND_METRICS
};
extern const enum metric second_metrics[SECOND_METRICS];

/* Its schedule from the beginning; open loop. */
static inline struct arrival plan_arrivals(const struct load_plan *plan)
{
    return plan->times ? arrival_replay(plan->times, plan->time_count)
                       : arrival_begin(plan->arrivals, plan->shape, plan->stages, plan->stage_count,
                                       plan->seed);
}

/* What happened since it was asked for last. */
struct load_second {
    struct histogram latency, ttft;            /* of what ended, warm-up too */
    struct histogram measured[SECOND_METRICS]; /* what came to the run's own histograms */
    uint64_t started, answered, failed, tokens, bytes;
    uint64_t failures[FAILURE_COUNT]; /* `failed` by class */
    uint64_t lags;                    /* reads … */
    int64_t lag_sum, lag_most;        /* … and how late they were, together and at most, ns */
    int64_t late_most;                /* how late a request went that could have gone */
    uint32_t busy;                    /* requests under way now */
};

void second_clear(struct load_second *second);
void second_merge(struct load_second *into, const struct load_second *from);

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
    struct tls_seen tls;   /* of all threads */
    bool cut;              /* it is from an event log without an end */
    uint32_t streams;      /* HTTP/2: the fewest at a time on a connection that a service allowed */
};

struct load;

/* How many connections there may be: closed loop, as few as hold the users. */
uint32_t load_links(const struct load_plan *plan);

/* Begin. ERR_IO when descriptors or threads cannot be had. */
struct result load_begin(const struct load_plan *plan, struct load **out) MUST_USE;

bool load_running(struct load *load);

/* When the schedule begins: a little after load_begin. */
int64_t load_began(const struct load *load);

/* Fills `*second`. Threads hand over what they have at every half and whole second of the load, so
 * who looks LOAD_LOOK_NS after one sees what happened until then. */
#define LOAD_LOOK_NS (20 * NS_PER_MS)
void load_look(struct load *load, struct load_second *second);

/*
 * What is known by now, to a second: all counts, and the histograms of the metrics that the plan
 * watches. Only where it watches any.
 */
void load_so_far(struct load *load, struct load_outcome *out);

/* Start no more requests; the second time, wait for none either. */
void load_stop(struct load *load);

/* Wait for the end; fills `*out` and frees `load`. */
void load_end(struct load *load, struct load_outcome *out);

#endif
