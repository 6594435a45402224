/*
 * The events of an LLM worker's stream, from bytes that your own HTTP client brought or from
 * assay_execute. Both generations of the wire are read: the kind of an event stands in its data's
 * "type", in its event line, or in both.
 *
 * The stream is decoded as the WHATWG says (lines end with LF, CRLF or CR; the space after "data:"
 * may be missing; several data lines are one text), may be cut anywhere, also inside a character,
 * and is never repaired: what is wrong with an event stands in its `fault`.
 *
 * Strings belong to the `struct assay_events` they came with. All of them end with a NUL; those
 * that may hold one inside have their length beside them.
 */
#ifndef ASSAY_EVENTS_H
#define ASSAY_EVENTS_H

#include <assay/errors.h>

#ifdef __cplusplus
extern "C" {
#endif

enum assay_event_kind {
    ASSAY_EVENT_UNKNOWN, /* no name, or one that the wire does not have */
    ASSAY_EVENT_STARTED,
    ASSAY_EVENT_TOKEN,
    ASSAY_EVENT_METRICS,
    ASSAY_EVENT_END,
    ASSAY_EVENT_ERROR,
};

/* One event. A field that it does not have is NULL, or -1 when it is a number. */
struct assay_event {
    enum assay_event_kind kind;
    const char *name;          /* as it was named: "token"; "" when it was not */
    const char *data;          /* its JSON text, byte for byte */
    size_t data_length;        /* bytes */
    uint64_t offset;           /* where it begins, in bytes from the start of the stream */
    int64_t at_ns;             /* when it was read, in ns since the request (the collector) began */
    const char *fault;         /* what breaks the wire's rules in it, a sentence; NULL: nothing */
    const char *job_id;        /* started */
    const char *model;         /* started */
    const char *started_at;    /* started */
    const char *text;          /* token: valid UTF-8 */
    size_t text_length;        /* token: bytes */
    int64_t index;             /* token: its number, the first is 0 */
    int64_t tokens_out;        /* end */
    int64_t decode_time_ms;    /* end */
    const char *stop_reason;   /* end: "MAX_TOKENS" or, in the older generation, "max_tokens" */
    const char *stop_sequence; /* end: the stop sequence that matched */
    const char *code;          /* error: "CANCELLED", "VRAM_OOM", … */
    const char *message;       /* error */
};

/* A stream, or as much of one as came. */
struct assay_events {
    const struct assay_event *items;
    size_t count;
    size_t tokens;    /* how many of them are token events */
    const char *text; /* the text of all tokens together */
    size_t text_length;
    const struct assay_event *terminal; /* the first end or error event; NULL: none came */
    const char *fault; /* the first thing that keeps this from being events: a malformed event, or
                          none at all; NULL: nothing */
    bool unfinished;   /* it was cut within an event, which is not among these */
    bool stopped;      /* your callback wanted no more: what follows is unknown */
};

/*
 * Called with each event as it comes; false ends the reading. The event is valid during the call,
 * its strings as long as the list of events.
 */
typedef bool assay_event_callback(void *context, const struct assay_event *event);

/* Reads one stream, piece by piece. For one thread at a time. */
struct assay_collector;

/* `callback` may be NULL. Never NULL; end with assay_collector_end or assay_collector_free. */
ASSAY_PUBLIC struct assay_collector *assay_collector_new(assay_event_callback *callback,
                                                         void *context);

/*
 * The next bytes of the stream, cut anywhere. ASSAY_ERROR_PROTOCOL when one event has more than
 * 8 MiB or there are more than a million; what comes later is then ignored.
 */
ASSAY_PUBLIC enum assay_error assay_collector_feed(struct assay_collector *collector,
                                                   const char *bytes, size_t length);

/* The stream is over: its events, to be freed by the caller. The collector is gone. */
ASSAY_PUBLIC struct assay_events *assay_collector_end(struct assay_collector *collector);

/* Give up a collector and what it has read. NULL is allowed. */
ASSAY_PUBLIC void assay_collector_free(struct assay_collector *collector);

/*
 * The events of a whole response body. `*events` is always set and the caller's to free.
 * ASSAY_ERROR_PROTOCOL when it has a `fault` or is `unfinished`: a body that is no event stream is
 * never a success. Order and completeness are not judged here but by <assay/asserts.h>.
 */
ASSAY_PUBLIC enum assay_error assay_collect_events(const char *bytes, size_t length,
                                                   struct assay_events **events);

/* Not for those of a response, which go with it. NULL is allowed. */
ASSAY_PUBLIC void assay_events_free(struct assay_events *events);

/* For ASSAY_EVENTS_CLEANUP. */
ASSAY_PUBLIC void assay_events_cleanup(struct assay_events **events);

/* ASSAY_EVENTS_CLEANUP struct assay_events *events = NULL; frees them when it leaves its scope. */
#define ASSAY_EVENTS_CLEANUP __attribute__((cleanup(assay_events_cleanup)))

#ifdef __cplusplus
}
#endif

#endif
