/*
 * Between the files of the server: server.c has the listener, the rounds and the clock,
 * connection.c reads requests and moves bytes, exchange.c writes answers. Handlers use
 * net/server.h.
 */
#ifndef NET_CONNECTION_H
#define NET_CONNECTION_H

#include <stdatomic.h>

#include "net/server.h"

/* A circular list whose head is a link too. */
struct link {
    struct link *previous, *next;
};

static inline void link_init(struct link *l)
{
    l->previous = l->next = l;
}

static inline bool link_alone(const struct link *l)
{
    return l->next == l;
}

static inline void link_remove(struct link *l)
{
    l->previous->next = l->next;
    l->next->previous = l->previous;
    link_init(l);
}

/* Put `l`, which may stand elsewhere, last in `list`. */
static inline void link_move(struct link *l, struct link *list)
{
    link_remove(l);
    l->previous = list->previous;
    l->next = list;
    list->previous->next = l;
    list->previous = l;
}

#define LINK_OF(pointer, type, member)                                                             \
    ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

/* What one read takes at most, and how much of an answer is collected before it goes out. */
#define READ_BYTES (64u << 10)
#define BATCH_BYTES (64u << 10)
/* Output buffers kept for whoever writes next, so that quiet connections need none. */
#define SPARE_BUFFERS 64
/* Memory of up to this size stays with its connection for the next request. */
#define KEPT_BYTES 4096

struct team; /* servers side by side */

struct server {
    uv_loop_t *loop;
    struct server_handler handler;
    size_t body_max;
    uint64_t idle_ms;
    uint16_t port;
    bool stopping;
    void (*on_stopped)(void *context);

    bool listens;
    struct team *team; /* NULL: it is alone */
    int *inbox;        /* sockets handed to it, not taken yet; the team's lock guards these three */
    size_t inbox_count, inbox_size;
    uv_async_t inbox_async; /* when it does not listen itself */
    uv_tcp_t listener;
    uv_prepare_t round;    /* before the loop waits: everybody in `due` gets a turn */
    uv_idle_t again;       /* active when somebody is due already: the loop must not wait */
    uv_timer_t idle_timer; /* for the first of `waiting` */
    uv_timer_t patience;   /* of server_stop */
    unsigned handles;      /* being closed */

    _Atomic size_t connections; /* those in the inbox among them */
    struct link answering;      /* connections with an exchange */
    struct link waiting;        /* the others, by deadline */
    struct link due;            /* those with output or input to be taken care of */
    struct buf spare[SPARE_BUFFERS];
    size_t spares;
    char input[READ_BYTES]; /* every read goes here: it is dealt with before the next */
};

enum phase {
    PHASE_READING,   /* a request, or waiting for one */
    PHASE_ANSWERING, /* the handler has an exchange */
    PHASE_FINISHING, /* the last output is on its way, then FIN */
    PHASE_LINGERING, /* FIN is sent; what the client still sends is thrown away until it closes,
                        because closing earlier would reset the connection and lose the answer */
    PHASE_CLOSED,
};

struct writing; /* output that the kernel did not take at once */

struct connection {
    uv_tcp_t tcp;
    struct exchange exchange; /* in PHASE_ANSWERING */
    struct server *server;
    enum phase phase;
    struct link place; /* in server->answering or server->waiting */
    struct link turn;  /* in server->due */
    uint64_t deadline; /* loop time in ms, while in server->waiting */
    struct http_parser parser;
    struct buf head; /* of the request being read or answered */
    struct buf body;
    struct buf ahead;   /* input that came during an exchange */
    struct buf headers; /* header lines given by exchange_header */
    struct buf out;
    struct writing *writing;
    uint64_t length_left; /* of a response with Content-Length */
    enum exchange_framing framing;
    bool begun;    /* exchange_begin was called */
    bool bodyless; /* the response has no body: HEAD, 204, 304 */
    bool last;     /* the connection ends after this exchange */
    bool wrote;    /* since the last on_drain */
    bool ended;    /* the client sends no more */
    bool broken;   /* writing failed, or the client does not read */
    bool paused;   /* not reading, because enough is ahead */
    bool hold;     /* output leaves only by exchange_release */
    enum exchange_cut cut;
};

static inline struct connection *connection_of(struct exchange *ex)
{
    return LINK_OF(ex, struct connection, exchange);
}

/* A connection is waiting at the listener. */
void connection_accept(struct server *server);

/* Take over the socket of a connection that another server accepted and counted for this one. */
void connection_adopt(struct server *server, int fd);

/* Deal with everything that came up since the last round. */
void connection_turn(struct connection *c);

/* The time is up for a connection of server->waiting. */
void connection_expire(struct connection *c);

/* The server stops: close it unless an exchange or its answer is under way. */
void connection_wind_up(struct connection *c);

/* End the exchange, if there is one, and close at once. */
void connection_abort(struct connection *c);

/* RST. */
void connection_reset(struct connection *c);

/* Give it a turn in the next round. */
void connection_due(struct connection *c);

/* Where output goes; it has memory. */
struct buf *connection_out(struct connection *c);

/* After something was put there: send when it is a batch, else in the next round. `r` is how the
 * putting went: a failure means that the client does not read. */
void connection_wrote(struct connection *c, struct result r);

/* Pass output to the kernel. */
void connection_flush(struct connection *c);

/* Pass at most `n` bytes to the kernel, held or not; how many it took. */
size_t connection_release(struct connection *c, size_t n);

/* The exchange is over: read on, or finish. */
void connection_exchange_over(struct connection *c);

/* Bytes not taken by the kernel yet. */
size_t connection_pending(const struct connection *c);

/* server.c: a waiting connection got a new deadline; a connection is gone. */
void server_wait(struct server *server, struct connection *c);
void server_forget(struct server *server);

#endif
