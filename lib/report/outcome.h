/*
 * What a row of outcomes says of a case: is it reliable, broken since some run, or flaky? One
 * stated rule, on the results of up to OUTCOME_RESULTS runs, in their order. A pass on a retry
 * counts as a failure and a pass: a retry hides nothing.
 *
 *     broken   it fails now, and the failures stand together: so few changes between passing and
 *              failing have a chance below OUTCOME_LEVEL if each run were decided by itself (the
 *              exact test of runs by Wald and Wolfowitz); or it fails now and is not flaky
 *     flaky    both outcomes with nothing changed: a retry passed what had failed, or it passed,
 *              failed and passed again at one revision on one host; or it has recovered twice or
 *              more, and the failures do not stand together
 *     passing  it passes now, and is not flaky
 *     unknown  there is no outcome at all
 */
#ifndef REPORT_OUTCOME_H
#define REPORT_OUTCOME_H

#include "report/past.h"
#include "report/statistics.h"

#define OUTCOME_RESULTS 50
#define OUTCOME_LEVEL 0.05
#define OUTCOME_CONFIDENCE 0.95

enum outcome_kind { OUTCOME_PASSING, OUTCOME_BROKEN, OUTCOME_FLAKY, OUTCOME_UNKNOWN };

const char *outcome_kind_name(enum outcome_kind kind);

struct outcome {
    enum outcome_kind kind;
    size_t results, passed; /* passed: at the first attempt */
    size_t retried;         /* passed, but only on a retry */
    struct interval rate;   /* of passing at the first attempt: Wilson, OUTCOME_CONFIDENCE */
    size_t recoveries;      /* times it passed after a failure */
    size_t unexplained;     /* of these, at one revision on one host, or on a retry */
    double together;        /* p of the test of runs */
    bool telling;           /* so many passes and failures could stand together beyond chance */
    /* Indices of results; -1: there is none. The failing stretch is the latest. */
    ptrdiff_t last_good, first_bad;
    ptrdiff_t fixed; /* the pass after that stretch */
};

struct outcome outcome_judge(const struct past *past, const struct past_result *results,
                             size_t count);

/* "passed 45 of 50, twice only on a retry; recovered 4 times, 2 with nothing changed" */
const char *outcome_reason(struct arena *arena, const struct outcome *outcome);

#endif
