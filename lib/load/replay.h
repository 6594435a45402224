/*
 * From an event log (load/eventlog.h) to the outcome of its load: the same numbers by the same code
 * as when the requests were made. A log may come from anybody, and may be written by hand.
 *
 * Of a request, `intended` and `sent` must be there, and `end` of one that did not fail; `measured`
 * is true unless it says otherwise; "events" may be absent. The first line may have no "plan" but
 * what differs from nothing: {"assay_events": 1, "plan": {"api": "chat", "stream": true}}.
 *
 * Workload: a line at a time, read as JSON; some 100,000 requests a second without a stream.
 */
#ifndef LOAD_REPLAY_H
#define LOAD_REPLAY_H

#include "load/as.h"
#include "load/verdict.h"

struct replay {
    /* Set before: what is good, and where another tool's figures go (NULL: nowhere). */
    struct bounds bounds;
    struct as_tally *as;
    /* What the log says. */
    struct target target;
    struct load_plan plan;
    struct belief belief;
    struct load_outcome outcome;
    /* Its own. */
    struct arena *arena;
    struct notes notes;
    size_t room;
    int64_t to; /* the end of the measured time */
    int64_t failed_checks;
    const char *why; /* one of them */
    bool begun, ended, has_lag;
};

/* `arena` outlives the replay. */
struct replay *replay_new(struct arena *arena);
void replay_free_pointer(struct replay **replay); /* for DEFER */

/* Read a log. ERR_SYNTAX or ERR_VALUE with path and line; ERR_IO. */
struct result replay_file(struct replay *replay, const char *path) MUST_USE;

/* … of which one line: after all lines, replay_finish says whether it was one. */
struct result replay_line(struct replay *replay, struct slice text) MUST_USE;
struct result replay_finish(struct replay *replay) MUST_USE;

#endif
