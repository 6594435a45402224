/*
 * Did it get slower? The one rule by which assay says so, used by `assay compare` and proved by
 * bench/regress. Two rows of results, one value a run, in the order of the runs:
 *
 *     slower   when the rank test is sure (p below CHANGE_LEVEL after adjusting for this machine's
 *              spells and, by the caller, for how many cases were asked about), and
 *              the shift is at least the practical threshold
 *     faster   the same, the other way
 *     unclear  the shift is at least the threshold and the test suspects one (p below CHANGE_HINT),
 *              but is not sure
 *     unknown  there are too few results to show anything
 *     none     else
 *
 * Spells: a machine has good and bad minutes, so results near each other resemble each other, and a
 * test that takes them for independent cries wolf. How much so is measured on the results before,
 * between which nothing changed: the same comparison, with the sides lying to one another as they
 * do now, is made at many places of them, and how far its answers scatter beyond what chance gives
 * is the factor that a difference has to be clearer. Sides that took turns saw the same spells, and
 * their factor is near 1.
 */
#ifndef REPORT_CHANGE_H
#define REPORT_CHANGE_H

#include "report/statistics.h"

#define CHANGE_LEVEL 0.005
#define CHANGE_HINT 0.05
#define CHANGE_THRESHOLD 0.05
#define CHANGE_CONFIDENCE 0.95
/* More results on a side say little more and are older: another machine state, another service. */
#define CHANGE_RESULTS 20
/* Results before, from which spells are known. */
#define CHANGE_HISTORY 200

#define CHANGE_KIND_TABLE(X)                                                                       \
    X(NONE, "none")                                                                                \
    X(SLOWER, "slower")                                                                            \
    X(FASTER, "faster")                                                                            \
    X(UNCLEAR, "unclear")                                                                          \
    X(UNKNOWN, "unknown")

enum change_kind {
#define X(code, name) CHANGE_##code,
    CHANGE_KIND_TABLE(X)
#undef X
};

const char *change_kind_name(enum change_kind kind);

struct change {
    size_t before, after;               /* how many results */
    double median_before, median_after; /* NaN when there are none */
    double ratio;  /* after / before, 1.10 is 10 % slower (Hodges and Lehmann); NaN when unknown */
    double delta;  /* Cliff's */
    double p;      /* of the rank test, allowing for spells */
    double spells; /* the factor by which a difference must be clearer, 1 or more */
    size_t needed; /* results after with which a change could be shown at all; 0: none would do */
};

/*
 * How much such comparisons scatter among results between which nothing changed: 1 when like
 * chance, or not yet known. `after` says of the results of both sides, in their order, which belong
 * to the one after.
 */
double change_spells(const double *history, size_t count, const bool *after, size_t width);

/* A p-value of a test of such results, allowing for spells. */
double change_allow(double p, double spells);

/* Compare positive values; `spells` as above. */
struct change change_measure(const double *before, size_t before_count, const double *after,
                             size_t after_count, double spells);

/* Where the ratio lies: by the bootstrap, CHANGE_CONFIDENCE, wider by spells. Costs much more. */
struct interval change_interval(const double *before, size_t before_count, const double *after,
                                size_t after_count, double spells);

/* The verdict, with `p` adjusted for how many were asked about. */
enum change_kind change_judge(const struct change *change, double p, double threshold);

#endif
