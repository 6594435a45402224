/*
 * Loads of the past, each reduced to what comparisons and histories look at: its figures, whether
 * it can be believed, and what makes it alike to others.
 */
#ifndef REPORT_LOAD_SEEN_H
#define REPORT_LOAD_SEEN_H

#include "report/load_figures.h"
#include "report/past.h"

/* Before earlier loads show it, how much loads differ of themselves; and how many pairs of loads
 * that is worth. */
#define LOAD_NOISE 0.015
#define LOAD_NOISE_WORTH 4

struct load_seen {
    struct slice id;
    struct slice parameters; /* JSON, of what makes loads alike: not the seed, not objectives */
    json_t *asked;           /* the same */
    const char *doubt;       /* why it proves nothing; NULL: it can be believed */
    const char *verdict;     /* "passed", "incomplete" */
    bool ended;              /* else it has no figures */
    struct load_figure figures[LOAD_FIGURES];
};

/* Read a load; texts live in past->arena. */
struct result load_seen_read(struct past *past, const struct past_run *run,
                             struct load_seen *out) MUST_USE;

/* A figure of several loads: the mean of the logarithms (of a share: of the shares), and how sure
 * that is by what the seconds of each tell. */
struct load_figure load_seen_mean(const struct load_seen *loads, size_t count, int figure);

/*
 * The noise of a figure between loads, a standard deviation of its logarithm, from `count` pairs of
 * neighbouring loads: the squares of the differences of their logarithms, and how much of each the
 * seconds tell (the sum of both variances); both are sorted. By the upper quartile of the squares:
 * a machine's bad minutes count, and one real change among four pairs does not.
 */
double load_noise(double *squares, double *within, size_t count);

#endif
