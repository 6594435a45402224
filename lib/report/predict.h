/*
 * Which cases are likely to fail next? A logistic regression on what a case did before, trained on
 * the store and tried on runs that it has not seen: the last PREDICT_HELD_OUT of them. There it
 * must beat the plain rule "what failed last time fails again", and chance by a rank test; where it
 * does not, the plain rule is used, and the prediction says so.
 *
 * Features, of the results before: failed last time; how long it has been failing; how recently it
 * failed; its failure rate and its share of changes between passing and failing, both with older
 * results counting less; passed on a retry last time; how long it takes; how many of its suite
 * failed last time; how little is known of it.
 *
 * Workload: the results of the last PREDICT_RUNS runs, in one scan, some ten passes over them.
 */
#ifndef REPORT_PREDICT_H
#define REPORT_PREDICT_H

#include "report/past.h"

#define PREDICT_RUNS 200
#define PREDICT_HELD_OUT 0.3
/* Fewer runs or failures to learn from teach nothing. */
#define PREDICT_RUNS_LEAST 10
#define PREDICT_FAILURES_LEAST 10
#define PREDICT_BINS 5
#define PREDICT_LEVEL 0.005

/* How good a rule was on the runs held out. */
struct predict_score {
    double auc;      /* chance that a failure was thought riskier than a pass; 0.5 is a coin */
    double p;        /* of the rank test of that */
    double log_loss; /* of its probabilities; smaller is better */
    double position; /* mean place of failures in the order, from 0, first, to 1, last */
};

/* Of the results whose risk was in [low, high): how many there were, and what became of them. */
struct predict_bin {
    double low, high;
    size_t count, failed;
    double predicted; /* mean risk; NaN of none */
};

struct prediction {
    size_t runs, results, failures; /* that were learned from */
    size_t held_runs, held_results, held_failures;
    struct predict_score model, plain; /* plain: failed last time; NaN when nothing was held out */
    bool learned;                      /* there was enough to learn from */
    bool better;                       /* the model beat the plain rule, and is used */
    struct predict_bin bins[PREDICT_BINS]; /* calibration of the model on what was held out */
    struct past_case *cases;               /* in the order of their keys */
    double *risks;                         /* of failing in the next run, by case */
    size_t count;
};

struct result predict(struct past *past, struct prediction **out) MUST_USE;

/* The risk of a case by its key; of one never seen, that of a new case. */
double prediction_risk(const struct prediction *prediction, struct slice key);

/* One sentence: what was used and why. */
const char *prediction_summary(struct arena *arena, const struct prediction *prediction);

/* For people: the summary, calibration, and the riskiest cases. And as JSON. */
const char *prediction_text(struct arena *arena, const struct prediction *prediction);
json_t *prediction_json(struct arena *arena, const struct prediction *prediction);

#endif
