/*
 * An answer while it is being read: what becomes a struct assay_response.
 */
#ifndef HARNESS_REPLY_H
#define HARNESS_REPLY_H

#include "assay/response.h"
#include "core/buf.h"
#include "harness/wire.h"

struct assay_collector;

/* What is given out is this, seen from outside: `response` is its first member. */
struct reply {
    struct assay_response response;
    struct arena *arena; /* headers and texts */
    struct buf raw, body;
    struct assay_collector *collector;
    int64_t began;
    struct wire_reader reader;
    bool streaming; /* an event stream with status 200 */
    bool ended;     /* its end or error event has come, which moved the deadline */
};

/* `callback` sees the events; the answer must be over at `began` + `timeout`. */
struct reply *reply_new(assay_event_callback *callback, void *context, int64_t timeout);

/* The reading is over, with `error` as recorded on this thread: complete the response. */
struct assay_response *reply_finish(struct reply *reply, enum assay_error error);

/* What the call returns after all, as recorded on this thread. */
void reply_set_error(struct reply *reply, enum assay_error error);

#endif
