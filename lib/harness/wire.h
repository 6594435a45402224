/*
 * One HTTP/1.1 exchange over a blocking socket: a connection, a request, the whole answer as it
 * comes, the end of the connection. For tests, which want to see every byte; a load generator would
 * keep its connections.
 */
#ifndef HARNESS_WIRE_H
#define HARNESS_WIRE_H

#include "core/arena.h"
#include "net/http.h"

/* Where to and what. */
struct wire_request {
    const char *host, *service; /* the service is a port in decimal */
    struct slice bytes;         /* the whole request */
    bool head;                  /* it is a HEAD request */
};

/* Who looks at the answer, in the order of the stream. All are called. */
struct wire_reader {
    void *context;
    int64_t deadline; /* monotonic ns, for everything; may be moved while reading */
    bool enough;      /* set it: the connection is closed, and that is success */
    struct result (*on_raw)(void *context, struct slice bytes); /* as read, before the others */
    struct result (*on_head)(void *context, const struct http_head *head);
    struct result (*on_body)(void *context, struct slice bytes);
};

/*
 * Ends with the answer. ERR_CONNECT: no connection; ERR_CLOSED: it ended too early; ERR_PROTOCOL,
 * ERR_TOO_LARGE: no HTTP; ERR_TIMEOUT: the deadline passed; or what the reader said.
 */
struct result wire_exchange(const struct wire_request *request,
                            struct wire_reader *reader) MUST_USE;

#endif
