/*
 * Server-sent events without I/O, exactly as the WHATWG says (HTML, 9.2.6 "Interpreting an event
 * stream"): a decoder for streams cut anywhere, and an encoder. Made for token streams of a million
 * events a second: an event that lies wholly in the input is given as slices of the input.
 *
 *     struct sse_decoder d;
 *     sse_init(&d);
 *     struct sse_event event;
 *     bool got;
 *     do {
 *         TRY(sse_next(&d, &input, &event, &got));
 *         if (got) …
 *     } while (got);
 *
 * The standard is lenient by design, so beside the events the decoder keeps notes of what it let
 * pass: a conformance check wants to know of them.
 */
#ifndef NET_SSE_H
#define NET_SSE_H

#include "core/buf.h"

/* Slices are valid until the next call with the same decoder, and no longer than the input is. */
struct sse_event {
    struct slice type; /* "message" when the event named none */
    struct slice data; /* its data lines joined by LF; bytes as they came, perhaps not UTF-8 */
    struct slice id;   /* the last event ID, which stays from event to event */
    int64_t retry;     /* milliseconds asked for within this event; -1 when it did not ask */
    uint64_t offset;   /* where its first field begins, in bytes from the start of the stream */
    bool has_type;     /* the event itself named its type */
    bool has_id;       /* the event itself set the ID */
};

/* What came by that is no event, counted; all of it is allowed or ignored by the standard. */
struct sse_notes {
    uint64_t events;
    uint64_t comments;        /* lines that begin with a colon */
    uint64_t lf, crlf, cr;    /* line endings of each kind */
    uint64_t no_space;        /* fields whose value follows the colon without a space */
    uint64_t no_colon;        /* fields without a colon: their value is empty */
    uint64_t unknown_fields;  /* names other than data, event, id, retry */
    uint64_t ignored_ids;     /* ids that contain NUL */
    uint64_t ignored_retries; /* retry values that are not all digits */
    uint64_t without_data;    /* blocks with fields but no data line: never dispatched */
    uint64_t invalid_utf8;    /* lines that are not UTF-8 */
    bool bom;                 /* the stream began with a byte order mark */
    bool unfinished;          /* the stream ended within an event, which is discarded */
};

/* Read-only for callers; `notes`, `retry` and `offset` are meant to be looked at. */
struct sse_decoder {
    struct sse_notes notes;
    int64_t retry;   /* the last reconnection time in milliseconds, -1: none so far */
    uint64_t offset; /* bytes consumed so far */

    struct buf line;               /* a line cut by the end of the input */
    struct buf type, data, id;     /* what must outlive the input */
    struct slice type_at, data_at; /* of the event being read: in the input or in a buffer */
    uint64_t line_offset;          /* of the line being read */
    struct sse_event event;        /* the event being read */
    bool has_data, in_event;
    bool after_cr;   /* the last byte was a CR: an LF belongs to it */
    bool started;    /* the first line is behind us */
    bool dispatched; /* the last call gave an event */
    bool failed;     /* a ceiling was passed */
};

void sse_init(struct sse_decoder *d);
void sse_free(struct sse_decoder *d);

/*
 * Consume bytes from the front of `*input` up to the end of the next event; `*got` is false when
 * the input is used up before one. ERR_TOO_LARGE when a line or the data of one event pass
 * LIMIT_SSE_EVENT_BYTES; every later call fails too.
 */
struct result sse_next(struct sse_decoder *d, struct slice *input, struct sse_event *event,
                       bool *got) MUST_USE;

/*
 * The stream ended. True when it ended within an event, before the empty line that would have
 * dispatched it: the standard discards it, and `left` shows what it was so far.
 */
bool sse_end(struct sse_decoder *d, struct sse_event *left);

/*
 * Append one event; data is split into a data line per line (LF, CRLF or CR). An empty type writes
 * no event line. ERR_VALUE when the type contains CR or LF, ERR_TOO_LARGE at the buffer's ceiling.
 */
struct result sse_write_event(struct buf *b, struct slice type, struct slice data) MUST_USE;

/* Append ": text" and an empty line, which keeps a connection alive and means nothing. */
struct result sse_write_comment(struct buf *b, struct slice text) MUST_USE;

#endif
