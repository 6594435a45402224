/*
 * What requests ask, for one thread. Requests are numbered over all threads, in the order of the
 * schedule: thread k of T has k, k + T, k + 2T, …, so that what request n asks does not depend on
 * the number of threads.
 *
 * A conversation asks again: each turn sends all there was before, with the answers that came. What
 * a next turn sends is written when the answer to the one before is complete, while its user still
 * thinks. Answers are kept as they stood in the service's JSON, between quotes, and so go back as
 * they came.
 *
 * Workload: asked once a request, just before it is sent. Nothing is allocated for single requests;
 * memory of conversations that are over is used again.
 */
#ifndef LOAD_SUPPLY_H
#define LOAD_SUPPLY_H

#include "load/stock.h"

/* One request. Its slices are valid until the next one is asked for. */
struct ask {
    struct slice wire; /* a whole HTTP/1.1 request */
    struct slice body;
    uint32_t item; /* which of the stock it is */
};

/* A conversation under way, or a user who asks single questions and thinks in between. */
struct talk {
    uint64_t number; /* of its first request */
    uint32_t turn;   /* its next question, or the one that is asked, from 0 */
    const struct stock_item *item;
    struct random random; /* how long its user thinks */
    struct buf said;      /* messages or text until now, as they stand in a body … */
    bool cut;             /* … but for what was too long */
    struct buf wire;      /* turns but the first: the request … */
    size_t body_at;       /* … and where its body begins */
    struct talk *next;    /* of those that are over */
};

struct supply {
    const struct stock *stock;
    uint32_t threads, index;
    char *wire; /* where the serial number is written into a copy; NULL: requests have none */
    struct talk *over;  /* conversations whose memory can be had */
    uint64_t later;     /* turns that were not the first */
    struct buf scratch; /* a body while it is written */
};

void supply_begin(struct supply *supply, const struct stock *stock, uint32_t threads,
                  uint32_t index);
void supply_end(struct supply *supply);

/* What request `number` asks. */
struct ask supply_ask(struct supply *supply, uint64_t number);

/* A conversation that begins with request `number`. Until supply_over, it is the caller's. */
struct talk *supply_talk(struct supply *supply, uint64_t number);

/* What its turn asks; once a turn. */
struct ask supply_turn(struct supply *supply, struct talk *talk);

/* Another turn follows this one. */
static inline bool supply_follows(const struct talk *talk)
{
    return talk->turn < talk->item->later_count;
}

/* Where the text of the turn's answer is to be appended; NULL: nobody wants it. */
static inline struct buf *supply_listens(struct talk *talk)
{
    return supply_follows(talk) ? &talk->said : NULL;
}

/* The turn was answered well, and another follows: write it. False when it is longer than
 * LIMIT_LOAD_CONVERSATION_BYTES. */
bool supply_next(struct supply *supply, struct talk *talk);

/* The conversation is over. */
void supply_over(struct supply *supply, struct talk *talk);

#endif
