/*
 * Drawing arrivals. The cumulative rate of a stage is a parabola; an arrival of the unit process is
 * where it reaches that arrival's unit time.
 */
#include "load/arrival.h"

#include <math.h>

#include "core/clock.h"
#include "load/distribution.h"

struct arrival arrival_begin(enum arrival_kind kind, double shape,
                             const struct arrival_stage *stages, size_t count, uint64_t seed)
{
    return (struct arrival){.kind = kind,
                            .shape = shape,
                            .stages = stages,
                            .count = count,
                            .random = random_for(seed, SLICE("arrivals"))};
}

/* Gamma with mean 1 (Marsaglia and Tsang, 2000; below shape 1 by their boost). */
static double draw_gamma(struct random *random, double shape)
{
    double boost = 1, s = shape;
    if (s < 1) {
        boost = exp(-draw_exponential(random) / s); /* U^(1/s) */
        s += 1;
    }
    double d = s - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = draw_normal(random), v = 1 + c * x;
        if (v <= 0)
            continue;
        v = v * v * v;
        if (log1p(-random_unit(random)) < 0.5 * x * x + d - d * v + d * log(v))
            return boost * d * v / shape;
    }
}

static double next_unit(struct arrival *a)
{
    switch (a->kind) {
    case ARRIVAL_CONSTANT:
        return (double)a->drawn; /* the first at once; no rounding adds up */
    case ARRIVAL_POISSON:
        return a->unit + draw_exponential(&a->random);
    case ARRIVAL_GAMMA:
    default:
        return a->unit + draw_gamma(&a->random, a->shape);
    }
}

static double stage_arrivals(const struct arrival_stage *s)
{
    return (s->from + s->to) / 2 * s->duration;
}

/*
 * Where within a stage so many arrivals have come: the root of from·t + (to -
 * from)/(2·duration)·t², in the form that loses no digits when the rate hardly changes.
 */
static double stage_time(const struct arrival_stage *s, double arrivals)
{
    if (arrivals <= 0)
        return 0;
    double bend = (s->to - s->from) / s->duration;
    double rate = sqrt(fmax(s->from * s->from + 2 * bend * arrivals, 0)); /* at that time */
    double sum = s->from + rate;
    return sum > 0 ? fmin(2 * arrivals / sum, s->duration) : s->duration;
}

struct arrival arrival_replay(const int64_t *times, uint64_t count)
{
    return (struct arrival){.kind = ARRIVAL_TRACE, .times = times, .time_count = count};
}

int64_t arrival_next(struct arrival *a)
{
    if (a->kind == ARRIVAL_TRACE)
        return a->drawn < a->time_count ? a->times[a->drawn++] : -1;
    a->unit = next_unit(a);
    a->drawn++;
    while (a->stage < a->count) {
        const struct arrival_stage *s = &a->stages[a->stage];
        double arrivals = stage_arrivals(s);
        /* A constant rate of N a second for a second has N arrivals, not one more at its end. */
        if (a->unit - a->before < arrivals * (1 - 1e-12))
            return (int64_t)llround((a->began + stage_time(s, a->unit - a->before)) *
                                    (double)NS_PER_S);
        a->before += arrivals;
        a->began += s->duration;
        a->stage++;
    }
    return -1;
}

int64_t arrival_skip(struct arrival *a, uint32_t count)
{
    int64_t at = 0;
    for (uint32_t i = 0; at >= 0 && i < count; i++)
        at = arrival_next(a);
    return at;
}

double arrival_expected(const struct arrival_stage *stages, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += stage_arrivals(&stages[i]);
    return sum;
}

double arrival_between(const struct arrival_stage *stages, size_t count, double from, double to)
{
    double sum = 0, began = 0;
    for (size_t i = 0; i < count; began += stages[i].duration, i++) {
        const struct arrival_stage *s = &stages[i];
        double first = from - began, last = to - began;
        first = first < 0 ? 0 : first;
        last = last > s->duration ? s->duration : last;
        if (first >= last)
            continue;
        double middle = (first + last) / 2 / s->duration;
        sum += (last - first) * (s->from + middle * (s->to - s->from));
    }
    return sum;
}
