/*
 * An event stream as observations: SSE bytes in; events, tokens, text and their times out. Shared
 * by every kind of step that reads a stream; what a kind knows of its own events it does in
 * `on_event`.
 */
#ifndef STEP_STREAM_H
#define STEP_STREAM_H

#include "check/observation.h"
#include "core/buf.h"
#include "net/sse.h"

struct stream {
    struct observation *observation;
    struct sse_decoder decoder;
    struct buf text;             /* the tokens joined */
    struct stream_event *events; /* the observation's, while they grow */
    struct token *tokens;
};

void stream_init(struct stream *stream, struct observation *observation);

/* The tokens so far are the text; the stream is freed. */
void stream_close(struct stream *stream);

/*
 * Take bytes read at `at` (monotonic ns). For every event `on_event` is called with the event as it
 * was kept. ERR_TOO_LARGE past LIMIT_STREAM_EVENTS or LIMIT_SSE_EVENT_BYTES.
 */
struct result stream_feed(struct stream *stream, struct slice bytes, int64_t at,
                          struct result (*on_event)(void *context, struct stream_event *event),
                          void *context) MUST_USE;

/* A token of the stream's text; the first one sets the time to first token. */
struct result stream_token(struct stream *stream, struct slice text, int64_t index,
                           int64_t at) MUST_USE;

/* The stream ended by itself. A discarded unfinished event is ERR_CLOSED. */
struct result stream_end(struct stream *stream) MUST_USE;

#endif
