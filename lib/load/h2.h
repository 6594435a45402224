/*
 * HTTP/2 of a connection of a load, without I/O: what came goes in, frames to send come out, and
 * answers go to the flights of the link's slots, a stream each (RFC 9113; nghttp2 knows the
 * frames).
 *
 * Of the peer's SETTINGS the number of streams is kept to; until they come one request goes. Our
 * own flow-control windows are as large as they can be, so that a service never waits for us.
 *
 * Workload: hundreds of streams a connection, each a request and an answer of a few frames. nghttp2
 * allocates for each stream, we do not.
 */
#ifndef LOAD_H2_H
#define LOAD_H2_H

#include "load/flight.h"

/* Streams on a connection when nobody says how many, and at most. */
#define H2_STREAMS 100
#define H2_STREAMS_MOST 10000

/* Header fields of a request, of the user's. */
#define H2_FIELDS 240

struct link;
struct slot;

/* What all connections of a thread share, and must outlive them. */
struct h2_shared {
    bool secure; /* over TLS */
    struct metrics *metrics;
    /* The flight of a slot is over, well or not; error_last() is its example. The slot may be used
     * again, but for no request before h2_feed has returned. */
    void (*landed)(void *context, struct link *link, struct slot *slot, int64_t now);
    void *context;
};

struct h2; /* of a connection */

struct h2 *h2_begin(const struct h2_shared *shared, struct link *link);
void h2_end(struct h2 *h2); /* NULL is fine */

/* How many streams the peer allows at a time; 0: it wants no more, UINT32_MAX: it did not say. */
uint32_t h2_limit(const struct h2 *h2);

/* One more request may go now. */
bool h2_may_ask(const struct h2 *h2);

/* Send the request of a slot, given as HTTP/1.1 has it: its head, and its body. Both are copied.
 * Only when h2_may_ask. */
void h2_ask(struct h2 *h2, struct slot *slot, struct slice head, struct slice body);

/* Append frames that are to be sent, some ten thousand bytes at most; false: there are none. */
bool h2_take(struct h2 *h2, struct buf *out);

enum h2_state {
    H2_OPEN,
    H2_OVER,   /* the peer said so (GOAWAY), and nothing is under way */
    H2_BROKEN, /* by h2_failure */
};

/* After frames were taken, which may have been the last. */
enum h2_state h2_state(const struct h2 *h2);

/* Bytes came: `received` by the kernel's stamp, `read` by ours. */
enum h2_state h2_feed(struct h2 *h2, struct slice bytes, int64_t received, int64_t read);

/* Nobody waits for the answer to this slot's request any more. */
void h2_cancel(struct h2 *h2, struct slot *slot);

/* Why the connection is over for what is under way on it; error_last() says more. */
enum failure h2_failure(const struct h2 *h2);

#endif
