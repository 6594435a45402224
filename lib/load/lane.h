/*
 * One thread of a load ("lane"): its event loop, its share of the schedule, its links and its
 * numbers. Lanes share `struct load` and meet only twice a second, to hand over their numbers, and
 * at the end.
 */
#ifndef LOAD_LANE_H
#define LOAD_LANE_H

#include <pthread.h>
#include <stdatomic.h>

#include "load/agenda.h"
#include "load/as.h"
#include "load/eventlog.h"
#include "load/link.h"
#include "load/supply.h"

/* What a thread had used at some moment. */
struct usage {
    int64_t at, processor, waiting; /* ns */
};

struct lane {
    struct load *load;
    uint32_t index;
    pthread_t thread;
    int epoll;
    char *buffer;                 /* of one read */
    struct tls_context *tls;      /* NULL: none */
    char *plain;                  /* … of one record */
    struct h2_shared h2;          /* landed NULL: HTTP/1.1 */
    struct buf frames;            /* that are sent now */
    uint32_t *dirty, dirty_count; /* links that may have frames to send */
    uint32_t streams; /* the fewest at a time that a service allowed; 0: none was asked */
    struct link *links;
    struct slot *slots; /* of all links */
    uint32_t link_count, slot_count;
    uint32_t *roomy, roomy_count; /* links that may have a free slot, those last used on top */
    uint32_t *closed, closed_count;
    uint32_t busy; /* slots */
    uint32_t made; /* connections */
    _Atomic uint32_t shown_busy;
    struct supply supply;
    uint64_t started; /* requests */

    struct arrival arrival;
    int64_t next;         /* when the next request should start; CLOCK_NEVER: there is none */
    bool starved;         /* it is due, and no slot is free */
    bool talks;           /* requests belong to conversations, or to users who think: … */
    struct agenda agenda; /* … struct talk, which goes on; NULL: a user begins another */

    struct stamp_clock clock;
    int64_t tick;
    uint32_t sweep;
    int64_t handed; /* over so many times by the clock */
    struct metrics metrics;
    struct load_second second;
    struct histogram told[SECOND_METRICS]; /* what of `metrics` was in a second */
    struct metrics *so_far;                /* where the plan watches any; under the load's mutex */
    struct usage from, to;
    size_t notes_room;       /* bytes that notes may still take */
    struct eventfeed *feed;  /* NULL: nobody wants the events */
    struct as_tally *as;     /* NULL: nobody wants another tool's figures */
    struct random inspected; /* draws the answers that are looked into; the first one is */
    bool has_inspected;
};

/* What all lanes share. */
struct load {
    struct load_plan plan;
    int64_t begin, measure_from;
    _Atomic int64_t measure_to; /* moved forward when the run is stopped */
    _Atomic int64_t drain_to;
    atomic_uint running, stops;
    pthread_mutex_t mutex; /* of `second` */
    struct load_second second;
    int stamped; /* a socket that asks for stamps from the start: the kernel begins late to give
                    them */
    struct inspector *inspector; /* NULL: no answers are looked into */
    struct lane *lanes;
};

/* It has `links` links of all, from `first` on. ERR_IO when epoll cannot be had. lane_free in any
 * case. */
struct result lane_prepare(struct lane *lane, struct load *load, uint32_t index, uint32_t first,
                           uint32_t links) MUST_USE;
void lane_free(struct lane *lane);

/* How the answer to an item of the stock is read, and whether it is kept. */
void lane_choose(struct lane *lane, struct flight *flight, uint32_t item);

/* The thread: from the beginning of the load to its end. */
void *lane_run(void *argument);

/* The flight is over, well or not: count it, and its slot is free again. */
void lane_land(struct lane *lane, struct link *link, struct slot *slot, int64_t now);

/* The link may have a free slot. */
void lane_list_roomy(struct lane *lane, struct link *link);

/* The link is of no use any more; nothing is under way on it. */
void lane_drop_link(struct lane *lane, struct link *link, bool reset);

/* … and what was under way on it has failed, with it: by `fault`, else error_last() says why. */
void lane_link_failed(struct lane *lane, struct link *link, enum failure failure, int fault,
                      int64_t now);

#endif
