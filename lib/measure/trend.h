/*
 * Does a series grow, and how fast? The slope of Theil and Sen, the median over all pairs of
 * points, which a quarter of wild values does not move; and the test of Mann and Kendall, which
 * asks only whether later values are larger. For short series: the work is that of all pairs.
 */
#ifndef MEASURE_TREND_H
#define MEASURE_TREND_H

#include <stddef.h>
#include <stdint.h>

#define TREND_MAX 128

struct point {
    int64_t at; /* ns */
    double value;
};

struct trend {
    double slope;     /* per second */
    double low, high; /* 95 % confidence interval of it */
    double z;         /* Mann-Kendall: normal when there is no trend, large when it grows */
    double scatter;   /* median distance from the line */
    double from, to;  /* the line at the first and the last point */
};

/* Of 3 to TREND_MAX points, in the order of time. */
struct trend trend_of(const struct point *points, size_t count);

#endif
