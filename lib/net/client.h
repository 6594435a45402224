/*
 * The HTTP client of functional steps, over libcurl: TLS verified, proxies from the environment
 * (none to this machine), redirects when asked for, HTTP/2 by ALPN. One client per loop keeps the
 * connections.
 *
 * libcurl and the forty libraries behind it cost six milliseconds to load, as much as everything
 * else in a cold start; it is loaded with the first request, so that a command that sends none does
 * not pay. The load generator does not use this client.
 */
#ifndef NET_CLIENT_H
#define NET_CLIENT_H

#include <uv.h>

#include "core/result.h"

struct client;
struct client_call;

struct client_header {
    struct slice name, value;
};

struct client_request {
    const char *method;
    const char *url; /* http:// or https:// */
    const struct client_header *headers;
    size_t header_count;
    struct slice body;
    bool has_body;   /* a body is sent even when empty */
    bool insecure;   /* do not verify the certificate */
    bool follow;     /* follow up to 10 redirects */
    bool http2;      /* over http:// too, by prior knowledge */
    size_t body_max; /* more than this of the response is ERR_TOO_LARGE */
};

struct client_response {
    int status;
    const struct client_header *headers; /* of the final response; valid until on_done returns */
    size_t header_count;
    int64_t connected;  /* monotonic ns when a connection of its own stood, TLS included; 0: the
                           connection was there already, or never came about */
    int64_t first_byte; /* monotonic ns when its status line was read */
};

/*
 * What a call tells; `context` is the caller's. on_head comes once before the first on_body.
 * on_done comes exactly once and last, unless the call was cancelled: then nothing comes any more.
 */
struct client_handlers {
    void (*on_head)(void *context, const struct client_response *response);
    /* A failure ends the exchange: it is what on_done gets. */
    struct result (*on_body)(void *context, struct slice bytes, int64_t at);
    void (*on_done)(void *context, struct result result, const struct client_response *response);
};

struct client *client_new(uv_loop_t *loop);

/* Every call must have ended or been cancelled. Handles close on the loop's next turns. */
void client_free(struct client *client); /* NULL is allowed */

/*
 * Begin a request; everything in `request` is copied or sent before the next turn, except the body,
 * which must stay until the end. Fails at once for a malformed URL or header.
 */
struct result client_send(struct client *client, const struct client_request *request,
                          const struct client_handlers *handlers, void *context,
                          struct client_call **out) MUST_USE;

void client_cancel(struct client_call *call);

#endif
