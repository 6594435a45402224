/*
 * The HTTP/1.1 parser: finds heads, bodies, chunks and trailers in a stream of bytes. Lines are
 * found first and read when their block is complete, so that a cut anywhere cannot change what is
 * understood, and a block that lies wholly in the input is never copied: the usual case, because
 * heads are small and reads are large.
 */
#include "net/http.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/limits.h"
#include "net/http_parser.h"

/* A gathered head is rare, a large one rarer: more than this is not kept for the next. */
#define GATHERED_KEPT_BYTES 4096

void http_init(struct http_parser *p, enum http_side side)
{
    *p = (struct http_parser){.side = side, .gathered = buf_limited(LIMIT_HTTP_HEAD_BYTES)};
}

void http_free(struct http_parser *p)
{
    buf_free(&p->gathered);
}

void http_expect_head(struct http_parser *p, bool head_requested)
{
    p->head_requested = head_requested;
}

bool http_between_messages(const struct http_parser *p)
{
    return p->state == HTTP_STATE_CLOSED ||
           (p->state == HTTP_STATE_HEAD && (p->gathered.len == 0 || p->gathered_given));
}

struct result http_fail(struct http_parser *p, enum error_code code, unsigned status,
                        const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    p->state = HTTP_STATE_FAILED;
    p->error_status = (uint16_t)status;
    return error_set(code, "%s", text);
}

static struct slice consume(struct slice *input, size_t n)
{
    struct slice taken = slice_of(input->data, n);
    input->data += n;
    input->len -= n;
    return taken;
}

/* Ceilings of a block of lines. */
struct ceilings {
    size_t line, block;
    uint32_t lines;
};

static const struct ceilings head_ceilings = {
    LIMIT_HTTP_LINE_BYTES, LIMIT_HTTP_HEAD_BYTES,
    LIMIT_HTTP_HEADERS + 2, /* with the start line and the empty line */
};
static const struct ceilings chunk_ceilings = {
    LIMIT_HTTP_CHUNK_LINE_BYTES,
    LIMIT_HTTP_CHUNK_LINE_BYTES,
    1,
};

/* Whatever is passed first, counting bytes from the start, is what is reported: for every cut. */
static struct result check_ceilings(struct http_parser *p, const struct ceilings *max, size_t end)
{
    if (end - p->line_start > max->line && p->line_start + max->line <= max->block) {
        if (max == &chunk_ceilings)
            return http_fail(p, ERR_TOO_LARGE, 400, "a chunk-size line has more than %zu bytes",
                             max->line);
        if (p->state == HTTP_STATE_HEAD && p->lines == 0)
            return http_fail(p, ERR_TOO_LARGE, 414, "the start line has more than %zu bytes",
                             max->line);
        return http_fail(p, ERR_TOO_LARGE, 431, "%s line %u has more than %zu bytes", http_block(p),
                         p->lines + 1, max->line);
    }
    if (end > max->block)
        return http_fail(p, ERR_TOO_LARGE, 431, "the %s has more than %zu bytes", http_block(p),
                         max->block);
    if (p->lines >= max->lines)
        return http_fail(p, ERR_TOO_LARGE, 431, "the %s has more than %u lines", http_block(p),
                         max->lines - 2);
    return RESULT_OK;
}

/*
 * Take lines from the input until one is empty (`max->lines` is 1: until the first is complete).
 * `block->data` stays NULL while the end has not come; the input is then used up. A line is taken
 * to end with LF here, and must turn out to end with CRLF when it is read.
 */
static struct result gather(struct http_parser *p, struct slice *input, const struct ceilings *max,
                            struct slice *block)
{
    size_t held = p->gathered.len;
    size_t at = 0;
    bool complete = false;
    while (!complete) {
        const char *newline = memchr(input->data + at, '\n', input->len - at);
        size_t end = newline ? (size_t)(newline + 1 - input->data) : input->len;
        TRY(check_ceilings(p, max, held + end));
        if (!newline)
            break;
        size_t length = held + end - p->line_start;
        char before = '\n';
        if (length == 2)
            before = end >= 2 ? newline[-1] : p->gathered.data[held - 1];
        p->line_start = held + end;
        p->lines++;
        at = end;
        complete = max->lines == 1 || length == 1 || (length == 2 && before == '\r');
    }
    struct slice fresh = consume(input, complete ? at : input->len);
    *block = (struct slice){0};
    if (complete && held == 0) {
        *block = fresh;
    } else {
        TRY(buf_append(&p->gathered, fresh));
        if (complete)
            *block = buf_slice(&p->gathered);
    }
    p->gathered_given = complete;
    return RESULT_OK;
}

/* Make ready for the next block; what was given of the last one is no longer valid. */
static void forget_gathered(struct http_parser *p)
{
    if (p->gathered.size > GATHERED_KEPT_BYTES)
        buf_free(&p->gathered);
    else
        buf_clear(&p->gathered);
    p->gathered_given = false;
    p->line_start = 0;
    p->lines = 0;
}

static enum http_state state_after_head(const struct http_parser *p)
{
    const struct http_head *head = &p->head;
    if (!head->has_body)
        return HTTP_STATE_END;
    if (head->until_close)
        return HTTP_STATE_UNTIL_CLOSE;
    return head->chunked ? HTTP_STATE_CHUNK_SIZE : HTTP_STATE_BODY;
}

/*
 * RFC 9112, 2.2: a server should ignore an empty line before a request, which old clients send
 * after a body. One is ignored; more are nobody's mistake.
 */
static bool is_ignored_empty_line(const struct http_parser *p, struct slice block)
{
    return p->side == HTTP_REQUEST && !p->skipped_line && p->lines == 1 && block.len == 2;
}

static struct result next_head(struct http_parser *p, struct slice *input, struct http_event *event)
{
    struct slice block;
    TRY(gather(p, input, &head_ceilings, &block));
    if (!block.data)
        return RESULT_OK;
    if (is_ignored_empty_line(p, block)) {
        p->skipped_line = true;
        return RESULT_OK;
    }
    TRY(http_read_head(p, block));
    event->head = &p->head;
    p->skipped_line = false;
    p->extension_bytes = 0;
    if (p->side == HTTP_RESPONSE && p->head.status < 200) {
        event->kind = HTTP_INTERIM;
        return RESULT_OK;
    }
    event->kind = HTTP_HEAD;
    p->left = p->head.length;
    p->state = state_after_head(p);
    return RESULT_OK;
}

/* As much of the body or chunk as is there. */
static void next_bytes(struct http_parser *p, struct slice *input, enum http_state after,
                       struct http_event *event)
{
    size_t n = input->len < p->left ? input->len : (size_t)p->left;
    event->kind = HTTP_BODY;
    event->bytes = consume(input, n);
    p->left -= n;
    if (p->left == 0)
        p->state = after;
}

static struct result next_chunk_size(struct http_parser *p, struct slice *input)
{
    struct slice line;
    TRY(gather(p, input, &chunk_ceilings, &line));
    if (!line.data)
        return RESULT_OK;
    TRY(http_read_chunk_line(p, line, &p->left));
    p->state = p->left ? HTTP_STATE_CHUNK_DATA : HTTP_STATE_TRAILERS;
    return RESULT_OK;
}

static struct result next_chunk_end(struct http_parser *p, struct slice *input)
{
    char expected = p->state == HTTP_STATE_CHUNK_CR ? '\r' : '\n';
    char got = consume(input, 1).data[0];
    if (got != expected)
        return http_fail(p, ERR_PROTOCOL, 400,
                         "expected CRLF after a chunk, got byte 0x%02x: the chunk is longer than "
                         "its size says",
                         (unsigned char)got);
    p->state = p->state == HTTP_STATE_CHUNK_CR ? HTTP_STATE_CHUNK_LF : HTTP_STATE_CHUNK_SIZE;
    return RESULT_OK;
}

static struct result next_trailers(struct http_parser *p, struct slice *input,
                                   struct http_event *event)
{
    struct slice block;
    TRY(gather(p, input, &head_ceilings, &block));
    if (!block.data)
        return RESULT_OK;
    TRY(http_read_trailers(p, block, &event->bytes));
    event->kind = HTTP_END;
    p->state = p->head.keep_alive ? HTTP_STATE_HEAD : HTTP_STATE_CLOSED;
    return RESULT_OK;
}

/* One move of the machine; it leaves event->kind at HTTP_NEED_MORE when there is no event yet. */
static struct result move(struct http_parser *p, struct slice *input, struct http_event *event)
{
    switch (p->state) {
    case HTTP_STATE_HEAD:
        return next_head(p, input, event);
    case HTTP_STATE_BODY:
        next_bytes(p, input, HTTP_STATE_END, event);
        return RESULT_OK;
    case HTTP_STATE_UNTIL_CLOSE:
        event->kind = HTTP_BODY;
        event->bytes = consume(input, input->len);
        return RESULT_OK;
    case HTTP_STATE_CHUNK_SIZE:
        return next_chunk_size(p, input);
    case HTTP_STATE_CHUNK_DATA:
        next_bytes(p, input, HTTP_STATE_CHUNK_CR, event);
        return RESULT_OK;
    case HTTP_STATE_CHUNK_CR:
    case HTTP_STATE_CHUNK_LF:
        return next_chunk_end(p, input);
    case HTTP_STATE_TRAILERS:
        return next_trailers(p, input, event);
    case HTTP_STATE_END:
        event->kind = HTTP_END;
        p->state = p->head.keep_alive ? HTTP_STATE_HEAD : HTTP_STATE_CLOSED;
        return RESULT_OK;
    case HTTP_STATE_CLOSED:
        return http_fail(p, ERR_PROTOCOL, 400,
                         "more came after a message that was to be the last of its connection");
    case HTTP_STATE_FAILED:
        break;
    }
    return error_set(ERR_PROTOCOL, "the connection broke the protocol before");
}

struct result http_next(struct http_parser *p, struct slice *input, struct http_event *event)
{
    *event = (struct http_event){.kind = HTTP_NEED_MORE};
    while (event->kind == HTTP_NEED_MORE && (input->len > 0 || p->state == HTTP_STATE_END)) {
        if (p->gathered_given)
            forget_gathered(p);
        size_t before = input->len;
        TRY(move(p, input, event));
        p->offset += before - input->len;
    }
    return RESULT_OK;
}

struct result http_end_of_input(struct http_parser *p, struct http_event *event)
{
    *event = (struct http_event){.kind = HTTP_NEED_MORE};
    if (http_between_messages(p))
        return RESULT_OK;
    if (p->state == HTTP_STATE_UNTIL_CLOSE || p->state == HTTP_STATE_END) {
        event->kind = HTTP_END;
        p->state = HTTP_STATE_CLOSED;
        return RESULT_OK;
    }
    if (p->state == HTTP_STATE_HEAD)
        return http_fail(p, ERR_CLOSED, 400, "the connection ended within a head, after %zu bytes",
                         p->gathered.len);
    if (p->state == HTTP_STATE_BODY)
        return http_fail(
            p, ERR_CLOSED, 400, "the connection ended when %llu of %llu bytes of the body had come",
            (unsigned long long)(p->head.length - p->left), (unsigned long long)p->head.length);
    return http_fail(p, ERR_CLOSED, 400,
                     "the connection ended within a chunked body, before its last chunk");
}

struct http_head http_head_at(const struct http_head *head, const char *copy)
{
    struct http_head moved = *head;
    struct slice *const slices[] = {&moved.block, &moved.headers, &moved.method, &moved.target,
                                    &moved.reason};
    for (size_t i = 0; i < sizeof(slices) / sizeof(slices[0]); i++)
        if (slices[i]->data)
            slices[i]->data = copy + (slices[i]->data - head->block.data);
    return moved;
}

bool http_header_next(struct slice *rest, struct http_header *header)
{
    if (rest->len == 0)
        return false;
    const char *newline = memchr(rest->data, '\n', rest->len);
    MUST(newline, "header lines that do not come from the parser");
    struct slice line = consume(rest, (size_t)(newline + 1 - rest->data));
    const char *colon = memchr(line.data, ':', line.len);
    MUST(colon, "header lines that do not come from the parser");
    header->name = slice_of(line.data, (size_t)(colon - line.data));
    header->value = slice_trim(slice_from(line, header->name.len + 1));
    return true;
}

bool http_header_find(struct slice headers, struct slice name, struct slice *value)
{
    struct http_header header;
    while (http_header_next(&headers, &header)) {
        if (slice_eq_nocase(header.name, name)) {
            *value = header.value;
            return true;
        }
    }
    return false;
}

bool http_list_has(struct slice list, struct slice word)
{
    struct slice part;
    while (slice_split(&list, ',', &part))
        if (slice_eq_nocase(slice_trim(part), word))
            return true;
    return false;
}
