/*
 * Theil-Sen and Mann-Kendall. The confidence interval is the one of Sen (1968): the slopes of rank
 * (pairs ± 1.96 σ) / 2, where σ² is the variance of Kendall's S without ties.
 */
#include "measure/trend.h"

#include <math.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/result.h"

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *sorted, size_t count)
{
    qsort(sorted, count, sizeof(*sorted), by_value);
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

static double seconds(const struct point *from, const struct point *to)
{
    return (double)(to->at - from->at) / NS_PER_S;
}

static double ranked(const double *sorted, size_t count, double rank)
{
    double last = (double)count - 1;
    return sorted[(size_t)(rank < 0 ? 0 : rank > last ? last : rank)];
}

struct trend trend_of(const struct point *points, size_t count)
{
    MUST(count >= 3 && count <= TREND_MAX, "a trend of %zu points", count);
    DEFER(mem_free_pointer)
    double *slopes = mem_alloc(count * (count - 1) / 2 * sizeof(double));
    double residuals[TREND_MAX], s = 0;
    size_t pairs = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = i + 1; k < count; k++) {
            double rise = points[k].value - points[i].value, run = seconds(&points[i], &points[k]);
            s += (rise > 0) - (rise < 0);
            if (run > 0)
                slopes[pairs++] = rise / run;
        }
    }
    struct trend t = {0};
    if (pairs == 0)
        return t;
    double n = (double)count, deviation = sqrt(n * (n - 1) * (2 * n + 5) / 18);
    t.slope = median(slopes, pairs);
    t.low = ranked(slopes, pairs, ((double)pairs - 1.96 * deviation) / 2);
    t.high = ranked(slopes, pairs, ((double)pairs + 1.96 * deviation) / 2 + 1);
    t.z = s > 0 ? (s - 1) / deviation : s < 0 ? (s + 1) / deviation : 0;
    for (size_t i = 0; i < count; i++)
        residuals[i] = points[i].value - t.slope * seconds(&points[0], &points[i]);
    t.from = median(residuals, count);
    t.to = t.from + t.slope * seconds(&points[0], &points[count - 1]);
    for (size_t i = 0; i < count; i++)
        residuals[i] = fabs(points[i].value - t.from - t.slope * seconds(&points[0], &points[i]));
    t.scatter = median(residuals, count);
    return t;
}
