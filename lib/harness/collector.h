/*
 * What assay_execute needs of a collector beyond <assay/events.h>.
 */
#ifndef HARNESS_COLLECTOR_H
#define HARNESS_COLLECTOR_H

#include "assay/events.h"
#include "core/slice.h"

/* As assay_collector_new; times of events count from `began` (monotonic ns). */
struct assay_collector *collector_new(assay_event_callback *callback, void *context, int64_t began);

/* What it has so far; valid until the next bytes. */
const struct assay_events *collector_events(const struct assay_collector *collector);

/* Has an end or error event come? */
bool collector_has_ended(const struct assay_collector *collector);

/* As assay_collector_end, when the answer turned out to be no event stream: `why` is its fault. */
struct assay_events *collector_end_without(struct assay_collector *collector, const char *why);

#endif
