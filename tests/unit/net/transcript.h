/*
 * What a parser made of some bytes, as text: two readings are the same when their transcripts are.
 * Shared by the unit tests and the fuzz targets, which feed the same bytes cut in different ways.
 */
#ifndef TESTS_NET_TRANSCRIPT_H
#define TESTS_NET_TRANSCRIPT_H

#include "core/buf.h"
#include "core/random.h"
#include "net/http.h"

/* How to cut the input into pieces. */
struct cut {
    size_t first;          /* the first piece; 0: no piece of its own */
    size_t every;          /* the later ones; 0: all that is left */
    struct random *random; /* not NULL: pieces of random sizes instead, mostly small */
};

/* Everything in one piece; and byte by byte. */
static const struct cut uncut = {0};
static const struct cut every_byte = {.first = 1, .every = 1};

/*
 * Append the transcript to `out`. Every piece is in memory of its own size and freed before the
 * next, so that a sanitizer sees a read beyond a piece or a slice kept for too long.
 */
void http_transcript(struct buf *out, enum http_side side, bool head_requested, struct slice input,
                     struct cut cut);
void sse_transcript(struct buf *out, struct slice input, struct cut cut);

#endif
