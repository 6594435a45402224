/*
 * An HTTP exchange as an observation: what every kind of step that speaks HTTP shares. A response
 * of type text/event-stream is read as events. A kind builds the request, and says what it knows of
 * the answer.
 */
#ifndef STEP_CALL_H
#define STEP_CALL_H

#include "step/step.h"
#include "step/stream.h"

struct call_request {
    const char *method;
    struct slice url;           /* full */
    const struct node *headers; /* map of strings, or NULL */
    const char *content_type;   /* used unless `headers` has one; NULL: none */
    struct slice body;
    bool has_body;
    bool follow, insecure, http2;
};

struct call_events {
    /* An event of a stream, kept in the observation; tokens that it brings go to `stream`. A
       failure ends the exchange. */
    struct result (*on_event)(struct step *step, struct stream *stream, struct stream_event *event);
    /* The exchange is over, well or not: add to the observation what the kind makes of it. `notes`
       are the stream's; NULL: the answer was none. May be NULL. */
    void (*on_done)(struct step *step, const struct sse_notes *notes);
    /* Last of all, instead of step_finish: the step may not be over. NULL: it is. */
    void (*finish)(struct step *step, struct result result);
};

/* An answer as it came over the wire earlier, and when. */
struct call_answer {
    int status;
    const struct header *headers;
    size_t header_count;
    int64_t intended, sent, connected, first_byte, ended; /* monotonic ns; 0: not known */
    const struct call_piece {
        struct slice bytes;
        int64_t at;
    } *pieces; /* of the body */
    size_t piece_count;
};

/* What would be sent, and what came of it when it was: for step.wire. Without an answer the step
 * is begun and never finishes. */
struct call_wire {
    struct call_request request; /* out; of the step's arena */
    const struct client_header *headers;
    size_t header_count;
    const struct call_answer *answer; /* NULL: only the request is wanted */
};

/* Begin; the call is part of the step's arena, and finishes the step. */
struct result call_start(struct step *step, const struct call_request *request,
                         const struct call_events *events) MUST_USE;

/* The same with an answer that is there already: it is read as if it came, but has no times. */
void call_replay(struct step *step, const struct call_request *request,
                 const struct call_events *events, int status, const struct header *headers,
                 size_t header_count, struct slice body);

/* A kind's `cancel`. */
void call_cancel(struct step *step);

#endif
