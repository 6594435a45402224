/*
 * The statistics that everything we say about many results stands on: pure functions on arrays of
 * numbers. Each is the textbook's, named after it, and checked against SciPy by the tests, ties and
 * arrays of no, one and two values included; docs/statistics.md says which is used for what.
 *
 * Nothing here knows of runs or cases. "Sorted" means ascending, by statistics_sort; no value may
 * be NaN. What has no answer (the mean of nothing) is NaN, and a test of nothing has p = 1.
 *
 * Workload: some hundred values per case and some thousand cases. What takes pairs of values
 * (shifts, slopes) takes the square of that in time, and shifts also in memory: bound the arrays.
 */
#ifndef REPORT_STATISTICS_H
#define REPORT_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct interval {
    double low, high;
};

void statistics_sort(double *values, size_t count);

/* Summed without loss (Neumaier, in extended precision); the deviation is the sample's (n - 1). */
double statistics_mean(const double *values, size_t count);
double statistics_deviation(const double *values, size_t count);

/* The middle value, or the mean of the middle two. */
double statistics_median(const double *sorted, size_t count);

/* The median distance from the median. Of normal values, 1.4826 of it are a standard deviation. */
#define STATISTICS_MAD_NORMAL 1.482602218505602
double statistics_mad(const double *sorted, size_t count);

/*
 * The smallest value that at least `percent` of all values do not exceed: the nearest rank, type 1
 * of Hyndman and Fan (1996). Every percentile that assay shows is this one, so that each is a value
 * that was really seen, and the 95th of five values is the largest.
 */
#define STATISTICS_PERCENTILE "nearest rank"
double statistics_percentile(const double *sorted, size_t count, double percent);

/* The standard normal distribution: P(Z > z), and the z with P(Z <= z) = p, for p within (0, 1). */
double statistics_normal_tail(double z);
double statistics_normal_quantile(double p);

/* Student's distribution (1908) with `freedom` degrees, any number above 0: P(T > t) for t of 0 or
 * more, and the t with P(T > t) = tail, for a tail within (0, 0.5). */
double statistics_student_tail(double t, double freedom);
double statistics_student_quantile(double tail, double freedom);

/* Of a proportion (Wilson, 1927); {0, 1} of nothing. `confidence` is 0.95, say. */
struct interval statistics_wilson(size_t successes, size_t count, double confidence);

/*
 * Do values of b tend to be larger than those of a, or smaller (Mann and Whitney, 1947)? `u` counts
 * the pairs in which b's value is larger, ties as half. Two-sided `p`: exact without ties up to
 * STATISTICS_EXACT values together, else the normal approximation, corrected for ties and
 * continuity.
 */
#define STATISTICS_EXACT 60
struct rank_test {
    double u, p;
    bool exact;
};
struct rank_test statistics_mann_whitney(const double *a, size_t a_count, const double *b,
                                         size_t b_count);

/* The smallest p that so many values can give: 2 / C(a + b, a). */
double statistics_mann_whitney_smallest(size_t a_count, size_t b_count);

/* From -1 (every b is smaller) to 1 (every b is larger): Cliff's delta of such a test. */
double statistics_cliff_delta(double u, size_t a_count, size_t b_count);

/* How much larger b is: the median of all differences b - a (Hodges and Lehmann, 1963). */
double statistics_shift(const double *a, size_t a_count, const double *b, size_t b_count);

/*
 * Where that shift lies: the percentile bootstrap (Efron, 1979) with `resamples` resamples of both
 * arrays, drawn by core/random.h from `seed`: the same values and seed give the same interval.
 */
struct interval statistics_shift_bootstrap(const double *a, size_t a_count, const double *b,
                                           size_t b_count, double confidence, size_t resamples,
                                           uint64_t seed);

/*
 * The trend of y over x: `slope` is the median of all slopes between two points (Theil, 1950; Sen,
 * 1968), and `p` says whether there is any (Kendall's tau-b, 1945, two-sided: exact without ties up
 * to 33 points, else the normal approximation corrected for ties).
 */
struct trend {
    double slope, tau, p;
};
struct trend statistics_trend(const double *x, const double *y, size_t count);

/*
 * Is the proportion a / a_count another than b / b_count? Fisher's exact test (1922), two-sided:
 * the sum over all tables that are no more likely than this one.
 */
double statistics_fisher(size_t a, size_t a_count, size_t b, size_t b_count);

/*
 * So few runs of equal values, or fewer, when `ones` ones and `zeros` zeros stand in a row in any
 * order (Wald and Wolfowitz, 1940; exact, one-sided): small when the ones stand together.
 */
double statistics_runs(size_t ones, size_t zeros, size_t runs);

/*
 * Adjust p-values of many tests so that rejecting those below a level keeps the expected share of
 * false rejections below it (Benjamini and Hochberg, 1995). In place, order kept.
 */
void statistics_adjust(double *p, size_t count);

#endif
