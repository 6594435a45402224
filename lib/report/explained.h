/*
 * A sink before other sinks, which hear everything it hears, and just before the run's end why its
 * cases failed (EVENT_CAUSES) and, when one of them wants that, what all of it comes to
 * (EVENT_TOTALS): read from the store, where everything is by then.
 */
#ifndef REPORT_EXPLAINED_H
#define REPORT_EXPLAINED_H

#include "record/sink.h"

/*
 * Takes over `sinks`. The store is opened a second time, for reading, and only when there is
 * something to tell; without it (it is gone, it is of another version) the run's end is told all
 * the same.
 */
struct sink *sink_explained(const char *url, struct sink *const *sinks, size_t count);

#endif
