/*
 * A server with answers from the can: whatever bytes the test wants, cut as it wants, and any end
 * of the connection. One connection at a time, in a thread of its own.
 */
#ifndef TEST_HARNESS_CANNED_H
#define TEST_HARNESS_CANNED_H

#include "core/slice.h"

enum canned_end {
    CANNED_CLOSE, /* FIN after the answer */
    CANNED_RESET, /* RST after the answer */
    CANNED_HOLD,  /* open until the client closes */
};

struct canned;

/* Answers GET /health as a worker does until told otherwise. */
struct canned *canned_start(void);
void canned_stop(struct canned *canned);

/* "http://127.0.0.1:PORT" */
const char *canned_url(const struct canned *canned);

/* The answer to every request from now on, in pieces of `piece` bytes (0: all at once). */
void canned_answer(struct canned *canned, const char *bytes, size_t piece, enum canned_end end);

/* The last whole request, all its bytes; valid until the next one. */
const char *canned_request(struct canned *canned);

#endif
