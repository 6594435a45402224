/*
 * How often the interval of a search holds the truth, how far its answers are off, and what they
 * cost: many searches for the limits of simulated queues (tests/unit/load/queue.h). Prints TAP.
 *
 *     search [SEARCHES]       (200 of each kind by default)
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "queue.h"

static const struct search_plan plan = {
    .least = 0.01, .most = 1e6, .first = 10, .precision = 0.02, .steps = 40};

static const struct kind {
    const char *name;
    double times; /* the bound, in service times */
    double capacity;
    double requests; /* in the first step, at capacity */
} kinds[] = {
    {"a bound of 10 service times", 10, 200, 20000},
    {"a bound of 30 service times", 30, 200, 20000},
    {"a bound of 30 service times, 2,000 a second", 30, 2000, 20000},
    {"a bound of 30 service times, short steps", 30, 200, 4000},
    {"a bound of 100 service times", 100, 200, 20000},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct tally {
    uint32_t searches, found, held, above, far;
    double off, square, requests, steps, width;
};

static void search_once(const struct kind *kind, uint64_t seed, struct tally *t)
{
    struct service s = exponential(kind->capacity, kind->times, seed);
    s.first_length = (int64_t)(kind->requests / kind->capacity * NS_PER_S);
    struct search_answer a = search_with(&s, &plan);
    double truth = limit_of(&s), off = a.load / truth - 1;
    t->searches++;
    t->requests += s.spent * truth;
    t->steps += s.steps;
    if (a.state != SEARCH_FOUND)
        return;
    t->found++;
    t->held += a.low <= truth && truth <= a.high;
    t->above += a.low > truth;
    t->far += fabs(off) > 0.03;
    t->off += off;
    t->square += off * off;
    t->width += sqrt(a.high / a.low) - 1;
}

int main(int argc, char **argv)
{
    int status = 0;
    uint32_t searches = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 200; /* our own text */
    printf("1..%zu\n", KINDS);
    for (size_t i = 0; i < KINDS; i++) {
        struct tally t = {0};
        for (uint32_t k = 0; k < searches; k++)
            search_once(&kinds[i], 1000 * i + k, &t);
        double n = t.found;
        bool good = t.held >= 0.85 * n && t.found >= 0.5 * searches; /* by chance less */
        printf("# %u found of %u; in %.1f %% the interval (half width %.2f %%) holds the truth, in "
               "%.1f %% "
               "it is above; off by %+.2f %%, rms %.2f %%, %u by more than 3 %%; %.1f steps, %.0f "
               "requests\n",
               t.found, t.searches, 100 * t.held / n, 100 * t.width / n, 100 * t.above / n,
               100 * t.off / n, 100 * sqrt(t.square / n), t.far, t.steps / t.searches,
               t.requests / t.searches);
        status |= !good;
        printf("%s %zu - %s: the interval holds the truth\n", good ? "ok" : "not ok", i + 1,
               kinds[i].name);
        fflush(stdout);
    }
    return status;
}
