/*
 * Two sides of loads, figure by figure (report/load_figures.h). A side is one load or several of a
 * kind; of several the (geometric) mean counts.
 *
 *     slower, faster   a time: Student's test of the logarithms is sure (p below CHANGE_LEVEL,
 *                      adjusted for how many figures were asked about), and the difference is at
 *                      least the practical threshold, and at least LOAD_CHANGE_LEAST
 *     worse, better    the same of rates and counts; of errors Fisher's exact test, and a
 * difference of at least LOAD_ERRORS_LEAST unclear          the difference is that large, and p
 * below CHANGE_HINT unknown          a load was too short, or had too few answers, to say how sure
 * the figure is
 *
 * A difference is measured against what the seconds of each load show, and against how much loads
 * of this name, with these parameters, on this host differ of themselves: the noise between loads.
 * That is known from earlier ones, each beside the next; before there are any it is taken to be
 * LOAD_NOISE, as if LOAD_NOISE_WORTH of them had shown it.
 *
 * A load that is INVALID, incomplete or got no answer proves nothing: then nothing is concluded.
 */
#ifndef REPORT_LOAD_COMPARE_H
#define REPORT_LOAD_COMPARE_H

#include "report/change.h"
#include "report/compare.h"
#include "report/load_seen.h"

#define LOAD_CHANGE_LEAST 50e3 /* ns: what is smaller is this machine's */
#define LOAD_ERRORS_LEAST 0.001
#define LOAD_HISTORY 30 /* so many earlier loads are looked at */

struct load_change {
    bool seen;                   /* on both sides */
    double before, after, ratio; /* ratio: NaN when a value is 0 */
    struct interval interval;    /* of the ratio, CHANGE_CONFIDENCE; NaN: unknown */
    double noise;                /* between loads: a standard deviation of the logarithm */
    double p;                    /* adjusted */
    enum change_kind kind;       /* SLOWER: worse; FASTER: better */
};

/* What two loads were asked for, where it differs: "plan.stages", as JSON. */
struct load_difference {
    const char *what;
    struct slice before, after; /* empty: not there */
};

struct load_comparison {
    const struct past *past;
    struct compare_side before, after;
    const char **doubts; /* why nothing is concluded, and what else to know; one sentence each */
    size_t doubt_count;
    bool conclusive;
    struct load_difference *differences;
    size_t difference_count;
    size_t noise_loads; /* pairs of earlier loads that the noise is known from */
    double threshold;
    struct load_change changes[LOAD_FIGURES];
    size_t worse, better, unclear, steady, unknown;
};

/* Compare two sides of loads; everything lives in past->arena. ERR_USAGE when they share a load. */
struct result load_compare(struct past *past, const struct compare_side *before,
                           const struct compare_side *after, double threshold,
                           struct load_comparison **out) MUST_USE;

/* The sides when nobody names them: the last load, and the one of its name before that one (or
 * before `after`). ERR_NOT_FOUND when there is none. */
struct result load_compare_earlier(struct past *past, const struct compare_side *after,
                                   struct compare_side *out) MUST_USE;

/* What can be said of some figures of one load beside those of another: for tests and calibration.
 * `noise` as if known from `pairs` pairs of loads; p is not adjusted. */
struct load_change load_change_of(enum load_figure_code code, const struct load_figure *before,
                                  const struct load_figure *after, double noise, size_t pairs,
                                  double threshold);

/* The verdict on a change that is not unknown, by its values and p. */
enum change_kind load_change_judge(enum load_figure_code code, const struct load_change *change,
                                   double threshold);

const char *load_compare_text(struct arena *arena, const struct load_comparison *comparison,
                              bool color);
const char *load_compare_markdown(struct arena *arena, const struct load_comparison *comparison);
json_t *load_compare_json(struct arena *arena, const struct load_comparison *comparison);

/* How a change of a figure is called: "slower", "more errors". */
const char *load_change_word(enum load_figure_code code, const struct load_change *change);

/* A figure's value for people. */
void load_figure_text(struct text *t, enum load_figure_code code, double value);

#endif
