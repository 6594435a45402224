/*
 * Whole characters out of bytes that were cut anywhere: what an engine's tokens are before they may
 * be shown to a client as JSON text. At most three bytes are held back.
 */
#ifndef WORKER_CHARACTERS_H
#define WORKER_CHARACTERS_H

#include "core/result.h"

struct characters {
    unsigned char held_len; /* 0 to 3 */
    char held[3];           /* the beginning of a character */
};

/*
 * Take `bytes` and give the whole characters there are now, perhaps none: `*whole` lies in `bytes`
 * or in `room`, which must hold bytes.len + 3. ERR_PROTOCOL when the bytes can never become UTF-8.
 */
struct result characters_take(struct characters *c, struct slice bytes, char *room,
                              struct slice *whole) MUST_USE;

/* True when nothing is held back: the text may end here. */
static inline bool characters_complete(const struct characters *c)
{
    return c->held_len == 0;
}

#endif
