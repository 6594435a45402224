/*
 * A connection of a load and what is under way on it: dial, send, receive with the kernel's stamps,
 * close. It has slots, one for each request it can carry at a time: with HTTP/1.1 one, with HTTP/2
 * as many as there may be streams.
 *
 * Workload: hundreds of thousands of requests a second and thread. A request costs a send and a
 * receive; nothing is allocated unless a request does not go out at once.
 */
#ifndef LOAD_LINK_H
#define LOAD_LINK_H

#include "load/flight.h"
#include "load/h2.h"
#include "load/stamp.h"
#include "load/tls.h"

enum link_state { LINK_CLOSED, LINK_CONNECTING, LINK_SECURING, LINK_OPEN };

/* Room for one request under way. */
struct slot {
    struct flight flight;
    struct reader reader;
    struct notes notes;
    bool busy;
    bool waiting;  /* … but its request was not yet sent */
    uint32_t next; /* free ones: the next free one of the link */
};

struct link {
    int fd;
    enum link_state state;
    bool listed;        /* among those of its lane that may have a free slot */
    int64_t not_before; /* closed: rest until then */
    struct slot *slots; /* the lane's */
    uint32_t slot_count, busy, waiting;
    uint32_t limit;    /* so many slots may be busy: with HTTP/2 the service has a say */
    uint32_t free;     /* the first free slot; slot_count: there is none */
    struct buf unsent; /* what the kernel did not take at once */
    struct tls *tls;   /* NULL: none */
    struct h2 *h2;     /* NULL: HTTP/1.1 */
    bool dirty;        /* HTTP/2 may have frames to send */
};

/* What came with one read. */
struct receipt {
    ssize_t size;     /* bytes; 0: the connection ended; -1: it failed by `fault` */
    int fault;        /* EAGAIN: there was nothing to read */
    int64_t read;     /* when we had them … */
    int64_t received; /* … and the kernel, as far as that can be true */
    bool stamped;     /* the kernel said so */
    bool early;       /* its stamp was of the future, by more than the clocks are known */
};

/* What may be kept besides the longest request: what protocols put around it. */
#define LINK_FRAMING (256u << 10)

/* `longest`: bytes of a request. */
void link_init(struct link *link, struct slot *slots, uint32_t slot_count, size_t longest);

/* What a link that is closed still holds. */
void link_free(struct link *link);

/*
 * Begin a connection, of which `epoll` tells as `name`. 0: it is open; EINPROGRESS: link_dialled
 * will say when it is writable; else why not, and `fd` may be -1.
 */
int link_dial(struct link *link, const struct target *target, int epoll, uint32_t name);

/* Epoll is to tell once more of what it has told already. */
void link_remind(const struct link *link, int epoll, uint32_t name);

/* When nothing that was sent is acknowledged for so long (ns), the other end is gone, and the
 * connection fails. */
void link_limit_silence(const struct link *link, int64_t most);

/* What became of a connection that was being made. 0: it is open. */
int link_dialled(struct link *link);

/* What it means that a connection could not be made, or broke. */
enum failure link_connect_failure(int fault);
enum failure link_transfer_failure(int fault);

/*
 * Give the kernel what it takes of up to LINK_PARTS parts and keep the rest. 0, or why the
 * connection is of no use.
 */
#define LINK_PARTS 4
int link_send(struct link *link, const struct slice *parts, size_t count);

/* Give the kernel more of what was kept. */
int link_flush(struct link *link);

struct receipt link_receive(const struct link *link, const struct stamp_clock *clock, char *room,
                            size_t size);

/* Reset rather than close properly what is no use any more: no port stays in TIME_WAIT for it. */
void link_close(struct link *link, bool reset);

static inline bool link_has_room(const struct link *link)
{
    return link->busy < link->limit;
}

/* A free slot, busy from now on; the link must have room. */
struct slot *link_take_slot(struct link *link);

/* Its request goes. */
void link_slot_sent(struct link *link, struct slot *slot);

/* It is free again. */
void link_give_slot(struct link *link, struct slot *slot);

#endif
