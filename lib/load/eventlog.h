/*
 * The event log: every request of a load with the times of all that came, one line of JSON each, so
 * that any figure can be worked out again, by this program (load/replay.h) or another.
 *
 *     {"assay_events": 1, "plan": {…}, "lag_ns": …}                  the first line: what was asked
 * for
 *     {"intended": …, …, "events": [[received, read, kind, tokens], …]}       a request that ended
 *     {"outcome": {…}}                                           the last line: what only the run
 * knows
 *
 * Times are nanoseconds since the load began. Threads put what ended into a buffer of their own, of
 * bounded size; one thread writes. What finds no room is counted as lost, and makes a run invalid.
 *
 * Workload: some 100,000 requests or a million events a second.
 */
#ifndef LOAD_EVENTLOG_H
#define LOAD_EVENTLOG_H

#include "load/engine.h"
#include "load/notes.h"

#define EVENTLOG_VERSION 1

/* What the threads have put in and is not yet written, of each. */
#define EVENTLOG_FEED_BYTES (16u << 20)

struct eventlog;
struct eventfeed; /* where one thread puts its requests */

/* Begin a log at `path`, with its first line; `lag` is how late this program may be. ERR_IO. */
struct result eventlog_open(const char *path, const struct load_plan *plan, int64_t lag,
                            struct eventlog **out) MUST_USE;

/* What services said goes through `hide` before it is written, on the log's own thread; to be said
 * before there are requests. */
typedef struct slice eventlog_hide(const void *context, struct arena *arena, struct slice text);
void eventlog_hide_by(struct eventlog *log, eventlog_hide *hide, const void *context);

/* Where thread `index` puts its requests. */
struct eventfeed *eventlog_feed(struct eventlog *log, uint32_t index);

/* A request is over, well or not. False when it is lost. */
bool eventfeed_add(struct eventfeed *feed, int64_t begin, const struct flight *flight,
                   const struct notes *notes, const char *example);

/* All threads have ended: write what is left, and the last line. ERR_IO says what went wrong while
 * it was written; the log is freed in any case. */
struct result eventlog_close(struct eventlog *log, const struct load_outcome *outcome) MUST_USE;

/* The load did not begin after all. */
void eventlog_drop(struct eventlog *log);

#endif
