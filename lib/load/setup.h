/*
 * From options to a load: what `assay load`, a scenario and the `load` step of a suite all say in
 * the same words becomes a target and a plan here, and nowhere else.
 */
#ifndef LOAD_SETUP_H
#define LOAD_SETUP_H

#include <assay/assay.h>

#include "core/clock.h"
#include "load/slo.h"

/* Where the options do not say. */
#define SETUP_DURATION (10 * NS_PER_S)
#define SETUP_DRAIN (10 * NS_PER_S)

/* Of each phase. */
#define SETUP_LONGEST (1000 * 86400 * NS_PER_S)

/* The target of the options. As target_build; ERR_USAGE also for a body's file that cannot be read.
 */
struct result setup_target(struct arena *arena, const struct assay_load_options *o,
                           struct target *out) MUST_USE;

/* The plan of the options, for this target. ERR_USAGE says which option is wrong, as "--NAME …". */
struct result setup_plan(struct arena *arena, const struct assay_load_options *o,
                         const struct target *target, struct load_plan *plan) MUST_USE;

/*
 * The part of setup_plan that reads files: what is asked, and of a trace when. Errors as of
 * inputs_read and stock_build.
 */
struct result setup_stock(struct arena *arena, const struct assay_load_options *o,
                          struct load_plan *plan) MUST_USE;

/*
 * What the options say must hold, up to SLO_MOST_OBJECTIVES; the plan's bounds and what it watches
 * follow from it. ERR_USAGE says which is wrong.
 */
struct result setup_objectives(struct arena *arena, const struct assay_load_options *o,
                               struct load_plan *plan, struct slo *slos, size_t *count) MUST_USE;

/* Is anything wrong that can be known without reading files or asking for addresses? As setup_plan
 * and setup_objectives. */
struct result setup_check(const struct assay_load_options *o) MUST_USE;

#endif
