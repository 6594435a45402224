/*
 * A growable byte buffer that is born with a ceiling (after curl's dynbuf). What comes from outside
 * is collected here: appending past the ceiling fails with ERR_TOO_LARGE and leaves the buffer as
 * it was. The content is always followed by a NUL that does not count.
 */
#ifndef CORE_BUF_H
#define CORE_BUF_H

#include <stdarg.h>

#include "core/result.h"

struct buf {
    char *data;  /* owned; NULL while empty and never grown */
    size_t len;  /* bytes used */
    size_t size; /* bytes allocated */
    size_t max;  /* the ceiling for len; never 0 */
};

/* An empty buffer that may hold up to `max` bytes. */
static inline struct buf buf_limited(size_t max)
{
    return (struct buf){.max = max};
}

struct result buf_append(struct buf *b, struct slice bytes) MUST_USE;
struct result buf_append_byte(struct buf *b, char byte) MUST_USE;
struct result buf_printf(struct buf *b, const char *format, ...) MUST_USE PRINTF_LIKE(2, 3);

/* Forget the content, keep the memory. */
void buf_clear(struct buf *b);

/* Drop the first `n` bytes (n <= len). */
void buf_drop(struct buf *b, size_t n);

/* Free the memory; the buffer is empty and usable again. Fits DEFER. */
void buf_free(struct buf *b);

static inline struct slice buf_slice(const struct buf *b)
{
    return slice_of(b->data, b->len);
}

#endif
