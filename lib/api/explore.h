/*
 * assay load --search and --sweep: many loads one after the other, each a step.
 */
#ifndef API_EXPLORE_H
#define API_EXPLORE_H

#include <signal.h>

#include "api/load_reports.h"
#include "load/verdict.h"

struct exploring {
    struct session *session;
    const struct assay_load_options *options;
    const struct load_plan *plan; /* of a step, but for its load and how long it takes */
    struct target *target;        /* the one of the plan */
    const struct belief *belief;
    const struct slo *slos;
    size_t slo_count;
    const sigset_t *signals; /* blocked; they end it in order */
    struct load_reports *reports;
    bool quiet; /* no line for each step */
};

/* The exit status: 0 found, or swept; 1 no load holds the objectives; 3 not known; 130. */
struct result explore(const struct exploring *exploring, int *status) MUST_USE;

#endif
