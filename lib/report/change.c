/*
 * The rule for slower and faster; see the header.
 */
#include "report/change.h"

#include <math.h>

#include "core/memory.h"

#define RESAMPLES 1000
/* Before there is any history, results are taken for independent: worth so many places. */
#define PRIOR_PLACES 1

const char *change_kind_name(enum change_kind kind)
{
    static const char *const names[] = {
#define X(code, name) name,
        CHANGE_KIND_TABLE(X)
#undef X
    };
    return names[kind];
}

/* The rank test's answer as a standard normal value, which of independent results scatters by 1,
   for results that belong to the sides as `after` says; `room` is for as many. */
static double score(const double *values, const bool *after, size_t width, double *room)
{
    size_t m = 0, n = 0;
    for (size_t i = 0; i < width; i++)
        if (after[i])
            room[width - ++n] = values[i];
        else
            room[m++] = values[i];
    struct rank_test t = statistics_mann_whitney(room, m, room + m, n);
    double pairs = (double)m * (double)n;
    return (t.u - pairs / 2) / sqrt(pairs * (double)(width + 1) / 12);
}

double change_spells(const double *history, size_t count, const bool *after, size_t width)
{
    double squares = PRIOR_PLACES;
    size_t places = PRIOR_PLACES, step = (width + 7) / 8, n = 0;
    for (size_t i = 0; i < width; i++)
        n += after[i];
    if (n == 0 || n == width)
        return 1;
    double *room = mem_alloc(width * sizeof(*room));
    for (size_t end = count; end >= width && end <= count; end -= step, places++) {
        double z = score(history + end - width, after, width, room);
        squares += z * z;
    }
    mem_free(room);
    return fmax(1, sqrt(squares / (double)places));
}

static double *logarithms(const double *values, size_t count)
{
    double *logs = mem_alloc((count + 1) * sizeof(*logs));
    for (size_t i = 0; i < count; i++)
        logs[i] = log(values[i]);
    return logs;
}

static double median_of(const double *values, size_t count)
{
    double *sorted = mem_alloc((count + 1) * sizeof(*sorted));
    for (size_t i = 0; i < count; i++)
        sorted[i] = values[i];
    statistics_sort(sorted, count);
    double median = statistics_median(sorted, count);
    mem_free(sorted);
    return median;
}

/* Twice the tail of the normal value that this p stands for, when that counts for less. */
double change_allow(double p, double spells)
{
    if (spells <= 1 || p >= 1)
        return p;
    double z = -statistics_normal_quantile(fmax(p / 2, 1e-300));
    return 2 * statistics_normal_tail(z / spells);
}

/* The fewest results after with which the test can be sure at all. */
static size_t results_needed(size_t before, double spells)
{
    for (size_t n = 1; n <= CHANGE_RESULTS; n++)
        if (change_allow(statistics_mann_whitney_smallest(before, n), spells) < CHANGE_LEVEL)
            return n;
    return 0;
}

struct change change_measure(const double *before, size_t before_count, const double *after,
                             size_t after_count, double spells)
{
    struct change c = {
        .before = before_count,
        .after = after_count,
        .median_before = median_of(before, before_count),
        .median_after = median_of(after, after_count),
        .ratio = (double)NAN,
        .p = 1,
        .spells = spells,
        .needed = results_needed(before_count, spells),
    };
    if (before_count == 0 || after_count == 0)
        return c;
    struct rank_test t = statistics_mann_whitney(before, before_count, after, after_count);
    c.p = change_allow(t.p, spells);
    c.delta = statistics_cliff_delta(t.u, before_count, after_count);
    double *a = logarithms(before, before_count), *b = logarithms(after, after_count);
    c.ratio = exp(statistics_shift(a, before_count, b, after_count));
    mem_free(a);
    mem_free(b);
    return c;
}

struct interval change_interval(const double *before, size_t before_count, const double *after,
                                size_t after_count, double spells)
{
    double *a = logarithms(before, before_count), *b = logarithms(after, after_count);
    double shift = statistics_shift(a, before_count, b, after_count);
    struct interval i = statistics_shift_bootstrap(a, before_count, b, after_count,
                                                   CHANGE_CONFIDENCE, RESAMPLES, 1);
    mem_free(a);
    mem_free(b);
    return (struct interval){exp(shift - (shift - i.low) * spells),
                             exp(shift + (i.high - shift) * spells)};
}

enum change_kind change_judge(const struct change *c, double p, double threshold)
{
    if (c->before == 0 || c->after == 0)
        return CHANGE_UNKNOWN;
    double smallest = statistics_mann_whitney_smallest(c->before, c->after);
    if (change_allow(smallest, c->spells) >= CHANGE_LEVEL)
        return CHANGE_UNKNOWN;
    bool slower = c->ratio >= 1 + threshold, faster = c->ratio <= 1 / (1 + threshold);
    if ((!slower && !faster) || p >= CHANGE_HINT)
        return CHANGE_NONE;
    if (p >= CHANGE_LEVEL)
        return CHANGE_UNCLEAR;
    return slower ? CHANGE_SLOWER : CHANGE_FASTER;
}
