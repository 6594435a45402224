/*
 * The recorder stands between the run and its sinks. A finished case is handed over with its arena;
 * a thread of the recorder's commits it together with all others that finished meanwhile (one
 * transaction, one fsync), and only then do the sinks hear of it: what is shown as finished is
 * durable. Everything but that thread runs on the run's loop.
 */
#ifndef RECORD_RECORDER_H
#define RECORD_RECORDER_H

#include <uv.h>

#include "record/redact.h"
#include "record/sink.h"
#include "record/store.h"

struct recorder;

/* Takes over the store and the sinks (not the redactor). `store` may be NULL: nothing is kept. */
struct recorder *recorder_new(uv_loop_t *loop, struct store *store, struct sink *const *sinks,
                              size_t sink_count, const struct redactor *redactor);

/*
 * Begin: the run and its plan are durable before this returns; then EVENT_RUN_STARTED. For a run
 * that is `resumed`, `cases` is not looked at, and the sinks hear of the results it has already
 * (events marked `earlier`), so that reports and counts are of the whole run.
 */
struct result recorder_begin(struct recorder *recorder, const struct run_info *run,
                             const struct planned_case *cases, size_t count, bool resumed) MUST_USE;

/*
 * Tell the sinks at once (service changes, case starts, notes). Texts are redacted here. Service
 * changes, notes, samples and anomalies are stored with the next results, or soon after when there
 * are none.
 */
void recorder_emit(struct recorder *recorder, const struct event *event);

/* Takes over the result and its arena. */
void recorder_case(struct recorder *recorder, struct case_result *result);

/*
 * Called on the loop after each commit, with the store's failure if there was one (the results of
 * that commit are then shown but not kept).
 */
void recorder_on_commit(struct recorder *recorder,
                        void (*committed)(void *context, struct result result), void *context);

/* Results handed over and not yet committed. */
size_t recorder_pending(const struct recorder *recorder);

/*
 * Everything handed over is committed, the run's end stored, EVENT_RUN_FINISHED sent, the sinks
 * closed. Blocks for the last commits. Fills the info's counts. The first failure of the store or
 * of a sink is returned, with the results that finished and could not be kept; the rest is carried
 * out all the same.
 */
struct result recorder_end(struct recorder *recorder, struct run_info *run) MUST_USE;

/*
 * Also without recorder_end (what was handed over is then still committed). The memory goes when
 * the loop has run once more. NULL is allowed.
 */
void recorder_free(struct recorder *recorder);

#endif
