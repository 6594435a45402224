/*
 * A stored run as the events it was: every report can be made again, later, the same.
 */
#ifndef RECORD_REPLAY_H
#define RECORD_REPLAY_H

#include "record/sink.h"
#include "record/store.h"

/*
 * Send EVENT_RUN_STARTED, EVENT_SERVICE, EVENT_NOTE and EVENT_CASE_FINISHED in the order of time
 * and EVENT_RUN_FINISHED of `run` (an id, a unique prefix or "last") to the sinks, then close them,
 * whatever happens. The starts of cases are not stored and not sent. The first failure is returned.
 */
struct result record_replay(struct store *store, struct slice run, struct sink *const *sinks,
                            size_t count) MUST_USE;

#endif
