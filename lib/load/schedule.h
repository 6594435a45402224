/*
 * The schedule of a run without the run: a line for each request that would start, with its
 * intended time (ns after the beginning), which of the stock it asks, and a hash of its body. It is
 * drawn as threads draw it, so that it shows what they do.
 */
#ifndef LOAD_SCHEDULE_H
#define LOAD_SCHEDULE_H

#include <stdio.h>

#include "load/engine.h"

/* Open loop only. ERR_IO. */
struct result schedule_write(const struct load_plan *plan, FILE *out) MUST_USE;

#endif
