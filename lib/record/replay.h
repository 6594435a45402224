/*
 * A stored run as the events it was: every report can be made again, later, the same.
 */
#ifndef RECORD_REPLAY_H
#define RECORD_REPLAY_H

#include "record/sink.h"
#include "record/store.h"

/*
 * Send EVENT_RUN_STARTED, EVENT_CASE_FINISHED for each result and EVENT_RUN_FINISHED of `run` (an
 * id, a unique prefix or "last") to the sinks, then close them, whatever happens. What is not
 * stored (services, case starts, notes) is not sent. The first failure is returned.
 */
struct result record_replay(struct store *store, struct slice run, struct sink *const *sinks,
                            size_t count) MUST_USE;

#endif
