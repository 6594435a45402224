/*
 * What a terminal shows below the lines while a load goes on: how far it is, and the distributions
 * of latency and ttft, of all so far and of the last second. It is drawn anew each second and is
 * gone in the end, so that the lines above it are those of a log. Nothing of it is written where
 * there is no terminal.
 *
 * Workload: a few hundred bytes a second.
 */
#ifndef LOAD_LIVE_H
#define LOAD_LIVE_H

#include <stdio.h>

#include "core/text.h"
#include "load/engine.h"

struct live {
    FILE *to; /* NULL: no terminal, and nothing below does anything */
    int columns;
    int lines; /* shown now */
    bool warming;
    struct histogram latency, ttft; /* so far */
};

/* On a terminal of so many columns; `to` NULL: on none. */
void live_begin(struct live *live, FILE *to, int columns);

/* Take what is shown away, before anything else is written. */
void live_hide(struct live *live);

/* Show what happened until `at`, ns after the beginning of the plan. */
void live_second(struct live *live, const struct load_plan *plan, const struct load_second *second,
                 int64_t at, bool warming);

/* Show a line. */
void live_line(struct live *live, struct slice line);

#endif
