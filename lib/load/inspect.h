/*
 * Answers that are looked into: some, or all, are kept whole with the times of their parts, and
 * handed to a thread of its own, which asks whoever knows what they should be. The threads that
 * make the load wait for nothing: when the queue is full the answer is counted and let go.
 *
 * Workload: a sample of the answers; keeping one costs a copy of its bytes.
 */
#ifndef LOAD_INSPECT_H
#define LOAD_INSPECT_H

#include "core/buf.h"
#include "core/random.h"

/* Answers that may wait to be looked into, bytes of their bodies, and of a single one. */
#define INSPECT_QUEUE 1024
#define INSPECT_QUEUE_BYTES (64u << 20)
#define INSPECT_BODY_BYTES (4u << 20)

/* A piece of a body, and when the kernel had it. */
struct answer_piece {
    uint32_t len;
    int64_t at; /* monotonic ns */
};

/* A good answer as it came; one that was too long to keep is `cut`. */
struct inspected {
    uint32_t item; /* of the stock */
    uint16_t status;
    bool cut;
    struct buf head; /* header lines, for http_header_next */
    struct buf body;
    struct answer_piece *pieces; /* of the body, in order */
    uint32_t piece_count, piece_room;
    int64_t intended, sent, connected, first_byte, end; /* as of struct flight */
};

/* What one that was not as it should be said. */
#define INSPECT_WHY 240

struct inspection {
    double share; /* of the good answers that are measured, above 0 and up to 1 */
    /* On the inspector's thread: is it as it should be? If not, `why`, a sentence. */
    bool (*check)(void *context, const struct inspected *answer, char why[INSPECT_WHY]);
    void *context;
};

struct inspector;

/* ERR_IO when there is no thread to be had. */
struct result inspector_begin(const struct inspection *inspection, struct inspector **out) MUST_USE;

/* A seeded choice: is this one to be kept? */
bool inspector_wants(const struct inspector *inspector, struct random *random);

struct inspected *inspected_new(void);
void inspected_free(struct inspected *answer); /* NULL is allowed */

/* From flights: lines of the head, a piece of the body. */
void inspected_head(struct inspected *answer, uint16_t status, struct slice lines);
void inspected_body(struct inspected *answer, struct slice bytes, int64_t at);

/* A whole one, from any thread; it is the inspector's from here on. */
void inspector_take(struct inspector *inspector, struct inspected *answer);

/* What came of it all. */
struct inspections {
    uint64_t checked, failed;
    uint64_t dropped; /* the queue was full */
    char example[INSPECT_WHY];
};

/* Waits for what was taken; `out` may be NULL. NULL is allowed as the inspector. */
void inspector_end(struct inspector *inspector, struct inspections *out);

#endif
