/*
 * What became of loads of one name: each with its verdict and figures, and per figure whether and
 * since when it is another. That is the place between two loads where the ones before and the ones
 * after differ the most by the rule of report/load_compare.h, with p multiplied by how many places
 * there are. Only loads that can be believed, with the parameters and the host of the newest,
 * count.
 */
#ifndef REPORT_LOAD_HISTORY_H
#define REPORT_LOAD_HISTORY_H

#include "report/load_compare.h"

/* How many of each name are looked at, when nobody says. */
#define LOAD_HISTORY_RESULTS 30

struct load_history_load {
    const struct past_run *run;
    struct load_seen seen;
    bool like_newest; /* it counts */
};

struct load_history_figure {
    bool seen; /* of the newest load that counts */
    double latest, median;
    size_t count;
    ptrdiff_t since; /* the first load that is another: index in `loads`; -1: no change shown */
    struct load_change change; /* of it */
    double *values;            /* of each of `loads`; NaN: none */
};

struct load_history_name {
    struct slice name;
    struct load_history_load *loads; /* oldest first */
    size_t count, all;               /* all: also those not looked at */
    struct load_history_figure figures[LOAD_FIGURES];
};

struct load_history {
    const struct past *past;
    struct load_history_name *names; /* by when the newest load of each began, newest first */
    size_t count;
};

/* The last `results` loads (0: LOAD_HISTORY_RESULTS) of one name, or of each for an empty one.
 * ERR_NOT_FOUND when there is none of this name. */
struct result load_history_read(struct past *past, struct slice name, size_t results,
                                double threshold, struct load_history **out) MUST_USE;

/* Is this the name of loads? */
bool load_history_has(const struct past *past, struct slice name);

/* For people: a line a name, or with `details` everything. And as JSON. */
const char *load_history_text(struct arena *arena, const struct load_history *history, bool details,
                              bool color);
json_t *load_history_json(struct arena *arena, const struct load_history *history);

#endif
