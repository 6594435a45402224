/*
 * Simulated services whose limit is known, for tests of the search: queues with exponential service
 * times, where the 99th percentile of the latency has a formula, and with constant ones, where all
 * is well up to the very capacity. No time passes.
 */
#ifndef TEST_QUEUE_H
#define TEST_QUEUE_H

#include "core/random.h"
#include "load/evidence.h"
#include "load/search.h"

struct service {
    double capacity; /* answers a second that it can give at most */
    uint32_t slots;  /* requests it works on at once */
    bool constant;   /* service times and arrivals are; else exponential */
    double stall;    /* it stands still for so many seconds, once, in step … */
    uint32_t stall_step;
    int64_t first_length; /* ns */
    struct slo slo;
    struct random random;
    uint32_t steps, saturated;
    double spent; /* s of all steps */
};

/* M/M/1, with a bound of so many mean service times on the 99th percentile of the latency. */
struct service exponential(double capacity, double times, uint64_t seed);

/* Of M/M/1: latencies are exponential, with the rate that is left over. */
double limit_of(const struct service *service);

/* One step at this rate, `times` as long as the first. */
struct search_step simulate(struct service *service, double rate, uint32_t times);

struct search_answer search_with(struct service *service, const struct search_plan *plan);

#endif
