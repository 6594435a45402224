/*
 * Bounded buffers. Growth doubles, so that appending is linear over all; the ceiling is checked
 * before memory is asked for, and never is more asked for than the ceiling and the NUL need.
 */
#include "core/buf.h"

#include <stdio.h>

#include "core/memory.h"

static struct result make_room(struct buf *b, size_t more)
{
    MUST(b->max > 0, "a buffer without a ceiling");
    if (more > b->max - b->len)
        return error_set(ERR_TOO_LARGE, "more than %zu bytes", b->max);
    size_t need = b->len + more + 1;
    if (need > b->size) {
        size_t size = b->size ? b->size * 2 : 64;
        if (size - 1 > b->max)
            size = b->max + 1;
        if (size < need)
            size = need;
        b->data = mem_resize(b->data, size);
        b->size = size;
    }
    return RESULT_OK;
}

struct result buf_append(struct buf *b, struct slice bytes)
{
    TRY(make_room(b, bytes.len));
    if (bytes.len)
        memcpy(b->data + b->len, bytes.data, bytes.len);
    b->len += bytes.len;
    b->data[b->len] = '\0';
    return RESULT_OK;
}

struct result buf_append_byte(struct buf *b, char byte)
{
    return buf_append(b, slice_of(&byte, 1));
}

struct result buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    MUST(n >= 0, "format %s", format);
    TRY(make_room(b, (size_t)n));
    va_start(args, format);
    vsnprintf(b->data + b->len, (size_t)n + 1, format, args);
    va_end(args);
    b->len += (size_t)n;
    return RESULT_OK;
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    if (b->data)
        b->data[0] = '\0';
}

void buf_drop(struct buf *b, size_t n)
{
    MUST(n <= b->len, "drop %zu of %zu", n, b->len);
    if (n == 0)
        return;
    b->len -= n;
    memmove(b->data, b->data + n, b->len);
    b->data[b->len] = '\0';
}

void buf_free(struct buf *b)
{
    mem_free(b->data);
    *b = buf_limited(b->max);
}
