/*
 * Stop sequences over a stream of tokens. The rule, independent of where tokens end:
 *
 *   Generation stops at the first byte at which the text so far ends with a stop sequence; when
 *   several end there, the longest is the one. The text is everything before it.
 *
 * A token is released as soon as no part of it can belong to a stop sequence any more, and always
 * with its own boundaries: the released tokens are those of the same generation without stop
 * sequences, save that the last may be cut short. No more is ever held back than a stop sequence
 * is long.
 */
#ifndef WORKER_STOP_H
#define WORKER_STOP_H

#include "core/result.h"

#define STOP_COUNT_MAX 4
#define STOP_BYTES_MAX 100 /* of one sequence */

struct stop_matcher;

/* 1 to STOP_COUNT_MAX sequences of 1 to STOP_BYTES_MAX bytes; copied. Never NULL. */
struct stop_matcher *stop_new(const struct slice *sequences, size_t count);
void stop_free(struct stop_matcher *m); /* NULL is allowed */

/* Take the next token (not empty). True when a stop sequence is complete: take no more then. */
bool stop_take(struct stop_matcher *m, struct slice token);

/* The text is over without a match: everything held back is released. */
void stop_end(struct stop_matcher *m);

/* The next released token, in order; false when there is none. Valid until stop_take(). */
bool stop_released(struct stop_matcher *m, struct slice *token);

/* The sequence that matched, as it was given; data NULL when none did. */
struct slice stop_matched(const struct stop_matcher *m);

#endif
