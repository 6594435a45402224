/*
 * Logistic regression with a ridge penalty, by Newton's method on standardized features: small,
 * deterministic, and its answers are probabilities. Workload: some ten features, up to a few
 * hundred thousand rows.
 */
#ifndef REPORT_LOGISTIC_H
#define REPORT_LOGISTIC_H

#include <stdbool.h>
#include <stddef.h>

struct logistic;

/* Rows of `features` numbers each, and whether it happened. Never NULL; of no rows it says 0.5. */
struct logistic *logistic_learn(const double *rows, const bool *outcomes, size_t count,
                                size_t features);
double logistic_risk(const struct logistic *model, const double *row);
void logistic_free(struct logistic *model);

#endif
