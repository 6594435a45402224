/*
 * Arrivals, a queue, answers.
 */
#include "queue.h"

#include <math.h>

#include "core/clock.h"
#include "core/memory.h"

#define MOST_SLOTS 16

static double drawn(struct service *s, double mean)
{
    return s->constant ? mean : -mean * log1p(-random_unit(&s->random));
}

/* The slot that is free first. */
static uint32_t first_free(const double *free_at, uint32_t slots)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < slots; i++)
        if (free_at[i] < free_at[best])
            best = i;
    return best;
}

/* One step at this rate: arrivals, a queue, answers in the order in which they end (of a queue with
 * one slot or constant times that is the order in which they came). */
struct search_step simulate(struct service *s, double rate, uint32_t times)
{
    int64_t length = s->first_length * times;
    double free_at[MOST_SLOTS] = {0}, at = 0, end = (double)length / (double)NS_PER_S;
    double warm = end / 5, mean = s->slots / s->capacity, stall_at = end / 2;
    bool stalls = s->stall > 0 && s->steps == s->stall_step, cut = false;
    int64_t next = NS_PER_S;
    struct evidence e;
    struct load_second *second = mem_zero(sizeof(*second));
    struct load_outcome *o = mem_zero(sizeof(*o));
    metrics_clear(&o->metrics);
    histogram_clear(&second->latency);
    histogram_clear(&second->ttft);
    evidence_begin(&e);
    s->steps++;
    const struct evidence_load load = {.rate = rate, .dispersion = s->constant ? 0 : 1};
    while (!cut && (at += drawn(s, 1 / rate)) < end) {
        uint32_t slot = first_free(free_at, s->slots);
        double begin = fmax(at, free_at[slot]);
        if (stalls && begin > stall_at && begin < stall_at + s->stall)
            begin = stall_at + s->stall;
        free_at[slot] = begin + drawn(s, mean);
        int64_t done = (int64_t)(free_at[slot] * NS_PER_S);
        for (; done >= next && !cut && next < length; next += NS_PER_S) {
            evidence_add(&e, second, next);
            memset(second, 0, sizeof(*second));
            histogram_clear(&second->latency);
            histogram_clear(&second->ttft);
            cut = evidence_saturated(&e, &load);
        }
        int64_t latency = (int64_t)((free_at[slot] - at) * NS_PER_S);
        if (done < next) {
            second->answered++;
            histogram_add(&second->latency, latency);
        }
        if (at < warm)
            continue;
        o->metrics.requests++;
        o->metrics.answered++;
        metrics_add(&o->metrics, METRIC_LATENCY, latency);
    }
    s->spent += fmin(at, end);
    s->saturated += cut;
    o->measured = length * 4 / 5;
    struct search_step step = {rate, times, cut ? SEARCH_SATURATED : SEARCH_MEASURED, 0, 1};
    if (!cut) {
        struct evidence_finding found = evidence_weigh(&e, &s->slo, 1, o);
        step.margin = found.margin;
        step.events = found.events;
    }
    evidence_free(&e);
    mem_free(second);
    mem_free(o);
    return step;
}

struct service exponential(double capacity, double times, uint64_t seed)
{
    struct service s = {.capacity = capacity,
                        .slots = 1,
                        .first_length = (int64_t)(fmax(20, 20000 / capacity) * NS_PER_S),
                        .random = random_seeded(seed)};
    s.slo = (struct slo){.text = "latency p99 < …",
                         .percent = 99,
                         .comparison = SLO_LT,
                         .bound = times / capacity * NS_PER_S};
    return s;
}

double limit_of(const struct service *s)
{
    return s->capacity - log(100) / (s->slo.bound / NS_PER_S);
}

struct search_answer search_with(struct service *s, const struct search_plan *plan)
{
    struct search search = search_begin(plan);
    double load = 0;
    uint32_t length = 0;
    while (search_next(&search, &load, &length)) {
        struct search_step step = simulate(s, load, length);
        search_tell(&search, &step);
    }
    return search_answer(&search);
}
