/*
 * One POST that has to arrive: tried again while that may help, signed when there is a secret.
 */
#ifndef RECORD_DELIVERY_H
#define RECORD_DELIVERY_H

#include "core/arena.h"

struct delivery {
    const char *url;
    const char *id;     /* webhook-id: the same for every try, so that a receiver can tell */
    const char *secret; /* NULL: not signed */
    struct slice body;  /* application/json */
    int64_t patience;   /* ns, all pauses together at most */
};

/*
 * Send and wait, on a loop of its own. OK when the receiver answered 2xx; else why the last try
 * failed, and `*tries` how many there were. No answer, 408, 429 and 5xx are tried again, at most
 * LIMIT_WEBHOOK_TRIES times in all.
 */
struct result delivery_send(const struct delivery *delivery, uint32_t *tries) MUST_USE;

#endif
