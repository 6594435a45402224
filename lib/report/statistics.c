/*
 * Statistics on arrays; the header says what each is. Sums are kept in extended precision, counts
 * of arrangements in whole numbers where they fit, so that what SciPy gives is given to the last
 * digits.
 */
#include "report/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/random.h"
#include "core/result.h"

/* ── order ── */

static int compare_values(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void statistics_sort(double *values, size_t count)
{
    if (count)
        qsort(values, count, sizeof(*values), compare_values);
}

static double *sorted_copy(const double *values, size_t count)
{
    double *copy = mem_alloc((count + 1) * sizeof(*copy));
    if (count)
        memcpy(copy, values, count * sizeof(*copy));
    statistics_sort(copy, count);
    return copy;
}

static void swap(double *a, double *b)
{
    double kept = *a;
    *a = *b;
    *b = kept;
}

/* Bring the value of rank `k` to its place, no larger ones before and no smaller ones behind it. */
static double select_rank(double *values, size_t count, size_t k)
{
    ptrdiff_t low = 0, high = (ptrdiff_t)count - 1, at = (ptrdiff_t)k;
    while (low < high) {
        double pivot = values[low + (high - low) / 2];
        ptrdiff_t i = low, j = high;
        while (i <= j) {
            while (values[i] < pivot)
                i++;
            while (values[j] > pivot)
                j--;
            if (i <= j)
                swap(&values[i++], &values[j--]);
        }
        if (at <= j)
            high = j;
        else if (at >= i)
            low = i;
        else
            break;
    }
    return values[k];
}

/* The median of values in any order, which it changes. */
static double select_median(double *values, size_t count)
{
    if (count == 0)
        return (double)NAN;
    double upper = select_rank(values, count, count / 2);
    if (count % 2)
        return upper;
    double lower = values[0];
    for (size_t i = 1; i < count / 2; i++)
        lower = fmax(lower, values[i]);
    return (lower + upper) / 2;
}

/* ── one sample ── */

struct sum {
    long double total, lost;
};

static void sum_add(struct sum *s, long double x)
{
    long double t = s->total + x;
    s->lost += fabsl(s->total) >= fabsl(x) ? (s->total - t) + x : (x - t) + s->total;
    s->total = t;
}

static long double exact_mean(const double *values, size_t count)
{
    struct sum s = {0};
    for (size_t i = 0; i < count; i++)
        sum_add(&s, values[i]);
    return (s.total + s.lost) / (long double)count;
}

double statistics_mean(const double *values, size_t count)
{
    return count ? (double)exact_mean(values, count) : (double)NAN;
}

double statistics_deviation(const double *values, size_t count)
{
    if (count < 2)
        return (double)NAN;
    long double mean = exact_mean(values, count);
    struct sum s = {0};
    for (size_t i = 0; i < count; i++)
        sum_add(&s, (values[i] - mean) * (values[i] - mean));
    return (double)sqrtl((s.total + s.lost) / (long double)(count - 1));
}

double statistics_median(const double *sorted, size_t count)
{
    if (count == 0)
        return (double)NAN;
    return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

double statistics_mad(const double *sorted, size_t count)
{
    double median = statistics_median(sorted, count);
    double *distances = mem_alloc((count + 1) * sizeof(*distances));
    for (size_t i = 0; i < count; i++)
        distances[i] = fabs(sorted[i] - median);
    double mad = select_median(distances, count);
    mem_free(distances);
    return mad;
}

double statistics_percentile(const double *sorted, size_t count, double percent)
{
    if (count == 0)
        return (double)NAN;
    /* What is a whole number but for rounding is that number. */
    double rank = ceil((double)count * percent / 100 - 1e-9);
    size_t at = rank < 1 ? 0 : (size_t)rank - 1;
    return sorted[at < count ? at : count - 1];
}

/* ── the normal distribution and proportions ── */

double statistics_normal_tail(double z)
{
    return erfc(z / M_SQRT2) / 2;
}

double statistics_normal_quantile(double p)
{
    MUST(p > 0 && p < 1, "p is %g", p);
    if (p == 0.5)
        return 0;
    double tail = p < 0.5 ? p : 1 - p;
    /* Abramowitz and Stegun, 26.2.23, is good to three digits; each step of Halley's triples them.
     */
    double t = sqrt(-2 * log(tail));
    double z = t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                       (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    for (int i = 0; i < 3; i++) {
        double density = exp(-z * z / 2) * M_SQRT1_2 * M_2_SQRTPI / 2;
        double step = (statistics_normal_tail(z) - tail) / density;
        z += step / (1 - z * step / 2);
    }
    return p < 0.5 ? -z : z;
}

/* The continued fraction of the incomplete beta function, by Lentz's method (Numerical Recipes,
 * 6.4); it converges quickly for x below (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double value = d;
    for (int m = 1; m <= 10000; m++) {
        for (int odd = 0; odd < 2; odd++) {
            double k = m, term = odd ? -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1))
                                     : k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k));
            d = 1 + term * d;
            c = 1 + term / c;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = fabs(c) < tiny ? tiny : c;
            value *= d * c;
        }
        if (fabs(d * c - 1) < 1e-16)
            break;
    }
    return value;
}

/* The regularised incomplete beta function I_x(a, b). */
static double beta(double a, double b, double x)
{
    if (x <= 0 || x >= 1)
        return x >= 1;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a
                                     : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double statistics_student_tail(double t, double freedom)
{
    return beta(freedom / 2, 0.5, freedom / (freedom + t * t)) / 2;
}

double statistics_student_quantile(double tail, double freedom)
{
    double low = 0, high = 1;
    MUST(tail > 0 && tail < 0.5, "the tail is %g", tail);
    while (statistics_student_tail(high, freedom) > tail && high < 1e12)
        high *= 2;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        *(statistics_student_tail(middle, freedom) > tail ? &low : &high) = middle;
    }
    return (low + high) / 2;
}

struct interval statistics_wilson(size_t successes, size_t count, double confidence)
{
    if (count == 0)
        return (struct interval){0, 1};
    double n = (double)count, p = (double)successes / n;
    double z = statistics_normal_quantile((1 + confidence) / 2);
    double middle = (p + z * z / (2 * n)) / (1 + z * z / n);
    double half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n);
    return (struct interval){successes == 0 ? 0 : middle - half,
                             successes == count ? 1 : middle + half};
}

double statistics_fisher(size_t a, size_t a_count, size_t b, size_t b_count)
{
    size_t hits = a + b, all = a_count + b_count;
    MUST(a <= a_count && b <= b_count, "%zu of %zu, %zu of %zu", a, a_count, b, b_count);
    size_t low = hits > b_count ? hits - b_count : 0, high = hits < a_count ? hits : a_count;
    /* From the most likely table, whose weight is 1, to both sides. */
    size_t mode = (hits + 1) * (a_count + 1) / (all + 2);
    mode = mode < low ? low : mode > high ? high : mode;
    long double *weights = mem_alloc((high - low + 1) * sizeof(*weights));
    weights[mode - low] = 1;
    for (size_t x = mode; x < high; x++)
        weights[x + 1 - low] = weights[x - low] * (long double)(hits - x) / (long double)(x + 1) *
                               (long double)(a_count - x) / (long double)(b_count + x + 1 - hits);
    for (size_t x = mode; x > low; x--)
        weights[x - 1 - low] = weights[x - low] * (long double)x / (long double)(hits - x + 1) *
                               (long double)(b_count + x - hits) / (long double)(a_count - x + 1);
    long double total = 0, unlikely = 0;
    for (size_t x = low; x <= high; x++) {
        total += weights[x - low];
        if (weights[x - low] <= weights[a - low] * (1 + 1e-12L))
            unlikely += weights[x - low];
    }
    mem_free(weights);
    return (double)fminl(1, unlikely / total);
}

/* ── two samples ── */

static long double choose(size_t n, size_t k)
{
    long double c = 1;
    if (k > n)
        return 0;
    for (size_t i = 1; i <= k; i++)
        c = c * (long double)(n - k + i) / (long double)i;
    return c;
}

/*
 * In how many of the C(m + n, m) orders of m and n values U is at most `most`: c(m, n, u) =
 * c(m - 1, n, u - n) + c(m, n - 1, u), as the largest of all belongs to the one or the other.
 * Whole numbers: C(60, 30) has 57 bits.
 */
static uint64_t count_orders(size_t m, size_t n, size_t most)
{
    size_t width = most + 1;
    uint64_t *row = mem_zero((n + 1) * width * sizeof(*row)), total = 0;
    for (size_t j = 0; j <= n; j++)
        row[j * width] = 1;
    for (size_t i = 1; i <= m; i++)
        for (size_t j = 1; j <= n; j++)
            for (size_t u = width; u-- > 0;)
                row[j * width + u] =
                    (u >= j ? row[j * width + u - j] : 0) + row[(j - 1) * width + u];
    for (size_t u = 0; u <= most; u++)
        total += row[n * width + u];
    mem_free(row);
    return total;
}

/* U of b over a, and the sum of t³ - t over groups of t equal values; both arrays sorted. */
static double count_pairs(const double *a, size_t m, const double *b, size_t n, double *ties)
{
    double u = 0;
    size_t i = 0, j = 0;
    *ties = 0;
    while (i < m || j < n) {
        double value = j == n || (i < m && a[i] < b[j]) ? a[i] : b[j];
        size_t before = i, equal_b = j;
        while (i < m && a[i] == value)
            i++;
        while (j < n && b[j] == value)
            j++;
        double in_a = (double)(i - before), in_b = (double)(j - equal_b), t = in_a + in_b;
        u += in_b * ((double)before + in_a / 2);
        *ties += t * t * t - t;
    }
    return u;
}

struct rank_test statistics_mann_whitney(const double *a, size_t a_count, const double *b,
                                         size_t b_count)
{
    if (a_count == 0 || b_count == 0)
        return (struct rank_test){0, 1, true};
    double *left = sorted_copy(a, a_count), *right = sorted_copy(b, b_count);
    double ties, m = (double)a_count, n = (double)b_count, all = m + n;
    struct rank_test t = {.u = count_pairs(left, a_count, right, b_count, &ties)};
    mem_free(left);
    mem_free(right);
    double less = fmin(t.u, m * n - t.u);
    t.exact = ties == 0 && a_count + b_count <= STATISTICS_EXACT;
    if (t.exact) {
        t.p = (double)fminl(1, 2 * (long double)count_orders(a_count, b_count, (size_t)less) /
                                   choose(a_count + b_count, a_count));
        return t;
    }
    double variance = m * n / 12 * (all + 1 - ties / (all * (all - 1)));
    double z = variance > 0 ? (m * n / 2 - less - 0.5) / sqrt(variance) : 0;
    t.p = fmin(1, 2 * statistics_normal_tail(z));
    return t;
}

double statistics_mann_whitney_smallest(size_t a_count, size_t b_count)
{
    return (double)fminl(1, 2 / choose(a_count + b_count, a_count < b_count ? a_count : b_count));
}

double statistics_cliff_delta(double u, size_t a_count, size_t b_count)
{
    return 2 * u / ((double)a_count * (double)b_count) - 1;
}

/* `room` for a_count * b_count values. */
static double shift_in(double *room, const double *a, size_t a_count, const double *b,
                       size_t b_count)
{
    for (size_t i = 0; i < a_count; i++)
        for (size_t j = 0; j < b_count; j++)
            room[i * b_count + j] = b[j] - a[i];
    return select_median(room, a_count * b_count);
}

double statistics_shift(const double *a, size_t a_count, const double *b, size_t b_count)
{
    double *room = mem_alloc((a_count * b_count + 1) * sizeof(*room));
    double shift = shift_in(room, a, a_count, b, b_count);
    mem_free(room);
    return shift;
}

static void resample(struct random *r, const double *from, double *to, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = from[random_between(r, 0, (int64_t)count - 1)];
}

struct interval statistics_shift_bootstrap(const double *a, size_t a_count, const double *b,
                                           size_t b_count, double confidence, size_t resamples,
                                           uint64_t seed)
{
    if (a_count == 0 || b_count == 0)
        return (struct interval){(double)NAN, (double)NAN};
    struct random r = random_seeded(seed);
    double *drawn = mem_alloc((a_count + b_count) * sizeof(*drawn));
    double *room = mem_alloc(a_count * b_count * sizeof(*room));
    double *shifts = mem_alloc((resamples + 1) * sizeof(*shifts));
    for (size_t i = 0; i < resamples; i++) {
        resample(&r, a, drawn, a_count);
        resample(&r, b, drawn + a_count, b_count);
        shifts[i] = shift_in(room, drawn, a_count, drawn + a_count, b_count);
    }
    statistics_sort(shifts, resamples);
    struct interval interval = {
        statistics_percentile(shifts, resamples, 50 * (1 - confidence)),
        statistics_percentile(shifts, resamples, 50 * (1 + confidence)),
    };
    mem_free(drawn);
    mem_free(room);
    mem_free(shifts);
    return interval;
}

/* ── a trend ── */

/* What ties of an array do to the variance of Kendall's statistic. */
struct ties {
    double pairs, triples, spread;
};

static struct ties count_ties(const double *values, size_t count)
{
    struct ties ties = {0};
    double *sorted = sorted_copy(values, count);
    for (size_t i = 0, next; i < count; i = next) {
        for (next = i + 1; next < count && sorted[next] == sorted[i];)
            next++;
        double t = (double)(next - i);
        ties.pairs += t * (t - 1) / 2;
        ties.triples += t * (t - 1) * (t - 2);
        ties.spread += t * (t - 1) * (2 * t + 5);
    }
    mem_free(sorted);
    return ties;
}

#define KENDALL_EXACT 33

/* P(at most `most` inversions) in a random order of n, twice. */
static double kendall_exact(size_t n, size_t most)
{
    long double *p = mem_zero((most + 1) * sizeof(*p)), total = 0;
    long double *next = mem_alloc((most + 1) * sizeof(*next));
    p[0] = 1;
    for (size_t k = 2; k <= n; k++) {
        for (size_t s = 0; s <= most; s++) {
            next[s] = 0;
            for (size_t j = 0; j < k && j <= s; j++)
                next[s] += p[s - j];
            next[s] /= (long double)k;
        }
        memcpy(p, next, (most + 1) * sizeof(*p));
    }
    for (size_t s = 0; s <= most; s++)
        total += p[s];
    mem_free(p);
    mem_free(next);
    return (double)fminl(1, 2 * total);
}

static double kendall_p(size_t count, double score, const struct ties *x, const struct ties *y)
{
    double n = (double)count, pairs = n * (n - 1) / 2;
    if (x->pairs == 0 && y->pairs == 0 && count <= KENDALL_EXACT)
        return kendall_exact(count, (size_t)((pairs - fabs(score)) / 2));
    double variance = (n * (n - 1) * (2 * n + 5) - x->spread - y->spread) / 18 +
                      2 * x->pairs * y->pairs / (n * (n - 1));
    if (count > 2)
        variance += x->triples * y->triples / (9 * n * (n - 1) * (n - 2));
    return variance > 0 ? fmin(1, 2 * statistics_normal_tail(fabs(score) / sqrt(variance))) : 1;
}

static double sign(double x)
{
    return (double)((x > 0) - (x < 0));
}

struct trend statistics_trend(const double *x, const double *y, size_t count)
{
    struct trend trend = {(double)NAN, (double)NAN, 1};
    if (count < 2)
        return trend;
    double *slopes = mem_alloc(count * (count - 1) / 2 * sizeof(*slopes));
    double score = 0;
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++) {
            score += sign(x[j] - x[i]) * sign(y[j] - y[i]);
            if (x[i] != x[j])
                slopes[used++] = (y[j] - y[i]) / (x[j] - x[i]);
        }
    }
    trend.slope = select_median(slopes, used);
    mem_free(slopes);
    struct ties in_x = count_ties(x, count), in_y = count_ties(y, count);
    double pairs = (double)count * (double)(count - 1) / 2;
    if (in_x.pairs == pairs || in_y.pairs == pairs)
        return trend; /* all alike: there is nothing to rank */
    trend.tau = score / sqrt(pairs - in_x.pairs) / sqrt(pairs - in_y.pairs);
    trend.p = kendall_p(count, score, &in_x, &in_y);
    return trend;
}

/* ── rows of outcomes, many tests ── */

double statistics_runs(size_t ones, size_t zeros, size_t runs)
{
    if (ones == 0 || zeros == 0)
        return 1;
    long double orders = 0;
    for (size_t r = 2; r <= runs && r <= ones + zeros; r++) {
        size_t k = r / 2;
        if (r % 2 == 0)
            orders += 2 * choose(ones - 1, k - 1) * choose(zeros - 1, k - 1);
        else
            orders += choose(ones - 1, k - 1) * choose(zeros - 1, k) +
                      choose(ones - 1, k) * choose(zeros - 1, k - 1);
    }
    return (double)fminl(1, orders / choose(ones + zeros, ones));
}

struct place_of {
    double p;
    size_t at;
};

static int compare_places(const void *a, const void *b)
{
    double x = ((const struct place_of *)a)->p, y = ((const struct place_of *)b)->p;
    return (x > y) - (x < y);
}

void statistics_adjust(double *p, size_t count)
{
    struct place_of *order = mem_alloc((count + 1) * sizeof(*order));
    for (size_t i = 0; i < count; i++)
        order[i] = (struct place_of){p[i], i};
    if (count)
        qsort(order, count, sizeof(*order), compare_places);
    double least = 1;
    for (size_t i = count; i-- > 0;) {
        least = fmin(least, order[i].p * (double)count / (double)(i + 1));
        p[order[i].at] = least;
    }
    mem_free(order);
}
