/*
 * Between the run and the sampler (measure/measure.h): what was measured becomes events, samples
 * for the store, and at the end what each name used and what was found wrong.
 */
#ifndef RUN_METERING_H
#define RUN_METERING_H

#include <uv.h>

#include "measure/measure.h"
#include "record/recorder.h"

struct metering;

/* NULL when there is no thread to be had; then nothing is measured, and a note says so. */
struct metering *metering_new(uv_loop_t *loop, struct recorder *recorder,
                              const struct run_info *run, int64_t interval);

/* A service, from the start of its process on; NULL when `metering` is. */
struct measure_subject *metering_add(struct metering *metering, struct slice name,
                                     uint32_t instance, pid_t keeper, pid_t pid);

/* Everything is over: the last samples, what was found, and what each name used. Before the
   recorder's end. NULL is allowed. */
void metering_end(struct metering *metering);

#endif
