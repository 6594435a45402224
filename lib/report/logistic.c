/*
 * Newton's method on the penalized likelihood; the intercept is not penalized.
 */
#include "report/logistic.h"

#include <math.h>

#include "core/memory.h"
#include "core/result.h"

#define FEATURES_MAX 16
#define STEPS_MAX 30
#define RIDGE 1.0

struct logistic {
    size_t features;
    double mean[FEATURES_MAX], scale[FEATURES_MAX];
    double weights[FEATURES_MAX + 1]; /* the last is the intercept */
};

static void standardize(struct logistic *m, const double *rows, size_t count)
{
    for (size_t f = 0; f < m->features; f++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < count; i++)
            sum += rows[i * m->features + f];
        m->mean[f] = count ? sum / (double)count : 0;
        for (size_t i = 0; i < count; i++) {
            double d = rows[i * m->features + f] - m->mean[f];
            squares += d * d;
        }
        double deviation = count ? sqrt(squares / (double)count) : 0;
        m->scale[f] = deviation > 1e-12 ? 1 / deviation : 0;
    }
}

/* The standardized row, with 1 for the intercept. */
static void prepare(const struct logistic *m, const double *row, double *out)
{
    for (size_t f = 0; f < m->features; f++)
        out[f] = (row[f] - m->mean[f]) * m->scale[f];
    out[m->features] = 1;
}

static double probability(const struct logistic *m, const double *prepared)
{
    double sum = 0;
    for (size_t f = 0; f <= m->features; f++)
        sum += m->weights[f] * prepared[f];
    return 1 / (1 + exp(-sum));
}

/* Solve the symmetric, positive definite system in place by Cholesky; the answer is in `b`. */
static void solve(double a[][FEATURES_MAX + 1], double *b, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        for (size_t k = 0; k < j; k++)
            a[j][j] -= a[j][k] * a[j][k];
        a[j][j] = sqrt(fmax(a[j][j], 1e-12));
        for (size_t i = j + 1; i < n; i++) {
            for (size_t k = 0; k < j; k++)
                a[i][j] -= a[i][k] * a[j][k];
            a[i][j] /= a[j][j];
        }
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++)
            b[i] -= a[i][k] * b[k];
        b[i] /= a[i][i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++)
            b[i] -= a[k][i] * b[k];
        b[i] /= a[i][i];
    }
}

/* One step towards the best weights; how far it went. */
static double step(struct logistic *m, const double *rows, const bool *outcomes, size_t count)
{
    size_t n = m->features + 1;
    double hessian[FEATURES_MAX + 1][FEATURES_MAX + 1] = {0}, gradient[FEATURES_MAX + 1] = {0};
    double x[FEATURES_MAX + 1], moved = 0;
    for (size_t i = 0; i < count; i++) {
        prepare(m, rows + i * m->features, x);
        double p = probability(m, x), weight = p * (1 - p);
        for (size_t j = 0; j < n; j++) {
            gradient[j] += ((double)outcomes[i] - p) * x[j];
            for (size_t k = 0; k <= j; k++)
                hessian[j][k] += weight * x[j] * x[k];
        }
    }
    for (size_t j = 0; j < n; j++) {
        double ridge = j < m->features ? RIDGE : 1e-3;
        gradient[j] -= ridge * m->weights[j];
        hessian[j][j] += ridge;
    }
    solve(hessian, gradient, n);
    for (size_t j = 0; j < n; j++) {
        m->weights[j] += fmax(-4, fmin(4, gradient[j]));
        moved = fmax(moved, fabs(gradient[j]));
    }
    return moved;
}

struct logistic *logistic_learn(const double *rows, const bool *outcomes, size_t count,
                                size_t features)
{
    MUST(features <= FEATURES_MAX, "%zu features", features);
    struct logistic *m = NEW(struct logistic);
    m->features = features;
    standardize(m, rows, count);
    for (int i = 0; i < STEPS_MAX && count; i++)
        if (step(m, rows, outcomes, count) < 1e-9)
            break;
    return m;
}

double logistic_risk(const struct logistic *m, const double *row)
{
    double x[FEATURES_MAX + 1];
    prepare(m, row, x);
    return probability(m, x);
}

void logistic_free(struct logistic *model)
{
    mem_free(model);
}
