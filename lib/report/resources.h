/*
 * What assay and the services used while a run went on, as curves: read from the samples of the
 * store (lib/measure/sample.h says what was measured).
 */
#ifndef REPORT_RESOURCES_H
#define REPORT_RESOURCES_H

#include "record/store.h"

/* One instance of a service, or assay itself. Arrays of `count`. */
struct resource_track {
    struct slice name;
    double *at;  /* ns since the run began */
    double *cpu; /* cores, between this sample and the one before; the first is the second's */
    double *rss; /* bytes, all its processes */
    double *descriptors;
    size_t count;
};

struct resource_history {
    struct resource_track *tracks; /* by name, assay first, then by time */
    size_t count;
};

/* Everything lives in `arena`. A run that was not measured has none. */
struct result resource_history_load(struct store *store, struct arena *arena,
                                    const struct run_info *run,
                                    struct resource_history *out) MUST_USE;

#endif
