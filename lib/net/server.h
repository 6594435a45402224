/*
 * An HTTP/1.1 server on a libuv loop, for the simulators: thousands of slow streams, fast small
 * replies, and the power to break the protocol on purpose at any byte.
 *
 * One server belongs to one loop and one thread; for more cores run more of them `beside` the
 * first, each with a loop and a thread of its own. Everything here is called on the server's
 * thread, and calls back on it. The first one listens and hands each connection to the one of them
 * that has the fewest; from then on a connection stays where it is, and nothing of it is shared.
 * (With a socket each, SO_REUSEPORT, the kernel would choose by a hash, unevenly; it would reset
 * what waits at a socket that closes; and another program of the same user could take the same port
 * unnoticed.)
 *
 * The server hands a request to `on_request` when it is complete. The handler answers at once or
 * later, with one of
 *     exchange_reply                                    a whole response
 *     exchange_begin, exchange_write …, exchange_end    a response in pieces
 *     exchange_close, exchange_reset                    the end of the connection, at any point
 * An exchange lives until exchange_reply, exchange_end, exchange_close or exchange_reset is called
 * or until `on_abort` returns; exactly one of these ends it. Requests of one connection are handed
 * over one after the other.
 *
 * What is written is collected and goes out once per loop iteration, or when 64 KiB are together.
 * No call here blocks or fails because the client is gone: that comes as `on_abort`, always from
 * the loop and never from within a function of this header.
 *
 * A request that breaks the protocol or passes a limit is answered with {"error": "…"} (what is too
 * large: as the handler likes) and the end of the connection. Responses carry no Date: what a
 * simulator answers is the same every time.
 */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include <uv.h>

#include "net/http.h"

struct server;

struct exchange_tap;
struct text;

/* A request and the answer to it. The slices are valid as long as the exchange. */
struct exchange {
    void *user; /* the handler's own; NULL at first */
    struct slice method;
    struct slice target;  /* as received */
    struct slice path;    /* of the target up to '?', not decoded */
    struct slice query;   /* after '?'; empty when there is none */
    struct slice headers; /* for http_header_find */
    struct slice body;
    struct server *server;
    const struct exchange_tap *tap; /* NULL at first; set it before the exchange begins */
    void *tap_state;                /* the tap's own */
};

struct server_handler {
    void *context; /* given to every callback */
    void (*on_request)(void *context, struct exchange *ex);
    /* The client went away, or server_stop ran out of patience: the exchange ends on return.
     * A client that shuts down its sending side counts as gone. May be NULL. */
    void (*on_abort)(void *context, struct exchange *ex);
    /* All that was written has been taken by the kernel, a good time to write more: at most once
     * per loop iteration, and only after something was written. May be NULL. */
    void (*on_drain)(void *context, struct exchange *ex);
    /* Append to `body` the JSON that refuses a request for this path, which the handler does not
     * get to see because it is too large. NULL: {"error": why}. */
    void (*refusal)(void *context, struct slice path, const char *why, struct text *body);
};

struct server_options {
    const char *host;      /* a numeric address; NULL: 127.0.0.1 */
    uint16_t port;         /* 0: any free one */
    struct server *beside; /* do not listen, but take a share of this one's connections; no loop
                              of the two runs yet, and host and port are not looked at */
    size_t body_max;       /* a longer request body is answered with 413; 0: 2 MiB */
    int64_t idle_timeout;  /* ns without a complete request, or for a client to take its answer and
                              go; 0: 60 s */
    struct server_handler handler;
};

/*
 * Listen. SIGPIPE is ignored from now on, unless the program handles it itself. ERR_VALUE for a
 * host that is no numeric address, ERR_IO when it cannot be bound.
 */
struct result server_start(struct server **out, uv_loop_t *loop,
                           const struct server_options *options) MUST_USE;

/* The port it, or the one it is beside, listens on. */
uint16_t server_port(const struct server *server);

/* Connections open now; may be asked from any thread. */
size_t server_connections(const struct server *server);

/*
 * Stop accepting, let exchanges that are under way finish for at most `patience` ns, then abort
 * them. `on_stopped(context of the handler)` is called once from the loop when every connection is
 * closed; the server is gone when it returns. A second call may only shorten the patience.
 * Those beside it go on, but without the first one no new connections come.
 */
void server_stop(struct server *server, int64_t patience, void (*on_stopped)(void *context));

/*
 * Add a header to the response, before exchange_reply or exchange_begin. ERR_VALUE when name or
 * value would break the line.
 */
struct result exchange_header(struct exchange *ex, struct slice name, struct slice value) MUST_USE;

/*
 * Answer with a whole response; the exchange is over. An empty content type writes none. The body
 * is left out, and its length still told, when the request was HEAD.
 */
void exchange_reply(struct exchange *ex, unsigned status, struct slice content_type,
                    struct slice body);

enum exchange_framing {
    EXCHANGE_CHUNKED, /* becomes EXCHANGE_UNTIL_CLOSE for a client of HTTP/1.0 */
    EXCHANGE_LENGTH,  /* a Content-Length, which the handler need not keep */
    EXCHANGE_UNTIL_CLOSE,
};

/* Begin a response in pieces. `length` counts only with EXCHANGE_LENGTH. */
void exchange_begin(struct exchange *ex, unsigned status, struct slice content_type,
                    enum exchange_framing framing, uint64_t length);

/* A piece of the body, one chunk when chunked; copied. Nothing when the request was HEAD. */
void exchange_write(struct exchange *ex, struct slice data);

/*
 * Bytes as they are, without framing, before or after exchange_begin: half a chunk, a wrong length,
 * no HTTP at all. Copied. End with exchange_close or exchange_reset unless the bytes were right.
 */
void exchange_write_raw(struct exchange *ex, struct slice bytes);

/*
 * End the response that exchange_begin began; the exchange is over. The connection stays open when
 * its framing allows, which a wrong Content-Length does not.
 */
void exchange_end(struct exchange *ex);

/* Send what was written, then FIN, whatever was announced. The exchange is over. */
void exchange_close(struct exchange *ex);

/* Send what the kernel takes at once, then RST. The exchange is over. */
void exchange_reset(struct exchange *ex);

/*
 * Bytes written that the kernel has not taken yet. More than LIMIT_HTTP_PENDING_BYTES means that
 * the client does not read: it is cut off and the exchange aborted.
 */
size_t exchange_pending(struct exchange *ex);

/*
 * Somebody between the handler and the wire, who changes answers on purpose: what the handler asks
 * of exchange_begin, exchange_write and exchange_end comes here instead. To pass a call on, the tap
 * takes itself off (`ex->tap = NULL`), calls the function and puts itself on again. After `end` the
 * exchange is the tap's, which has to end it; the handler has forgotten it by then.
 */
struct exchange_tap {
    void (*begin)(struct exchange *ex, unsigned status, struct slice content_type,
                  enum exchange_framing framing, uint64_t length);
    void (*write)(struct exchange *ex, struct slice data);
    void (*end)(struct exchange *ex);
    void (*gone)(struct exchange *ex); /* the exchange is over, however it ended: the last call */
};

/* For taps: exchange_end in two steps, with time to release the end of the body in between. */
void exchange_write_end(struct exchange *ex);
void exchange_finish(struct exchange *ex);

/*
 * For taps: from now on output stays here, counts as taken by the client, and leaves only by
 * exchange_release, until the exchange is over or `hold` is false.
 */
void exchange_hold(struct exchange *ex, bool hold);

/* Give at most `n` held bytes to the kernel, in one segment where it can; returns how many went. */
size_t exchange_release(struct exchange *ex, size_t n);

/* Held bytes. */
size_t exchange_held(struct exchange *ex);

enum exchange_cut {
    EXCHANGE_CUT_NOT,
    EXCHANGE_CUT_END,   /* the body ends as if it were complete */
    EXCHANGE_CUT_CLOSE, /* FIN, whatever was announced */
    EXCHANGE_CUT_RESET, /* RST */
};

/*
 * For taps: end the exchange behind the handler's back, in the loop's next turn. The handler is
 * told by on_abort; the tap lets nothing pass until then.
 */
void exchange_cut(struct exchange *ex, enum exchange_cut how);

#endif
