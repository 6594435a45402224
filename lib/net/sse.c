/*
 * The event stream of the WHATWG. Lines are found eight bytes at a time; what a line says is kept
 * as a slice of the input and copied only when the input ends before its event does.
 */
#include "net/sse.h"

#include "core/limits.h"
#include "core/text.h"

/* Buffers larger than this are not kept for the next event. */
#define KEPT_BYTES (64u << 10)
/* A retry of thirty thousand years or more: further digits do not count. */
#define RETRY_NEVER 1000000000000000

void sse_init(struct sse_decoder *d)
{
    *d = (struct sse_decoder){
        .retry = -1,
        .line = buf_limited(LIMIT_SSE_EVENT_BYTES),
        .type = buf_limited(LIMIT_SSE_EVENT_BYTES),
        .data = buf_limited(LIMIT_SSE_EVENT_BYTES),
        .id = buf_limited(LIMIT_SSE_EVENT_BYTES),
        .event.retry = -1,
    };
}

void sse_free(struct sse_decoder *d)
{
    buf_free(&d->line);
    buf_free(&d->type);
    buf_free(&d->data);
    buf_free(&d->id);
}

static void empty(struct buf *b)
{
    if (b->size > KEPT_BYTES)
        buf_free(b);
    else
        buf_clear(b);
}

#define EVERY_BYTE(byte) (0x0101010101010101ULL * (byte))
#define HAS_ZERO(word) (((word) - EVERY_BYTE(1)) & ~(word) & EVERY_BYTE(0x80))

/* Bytes before the first CR or LF (all of them when there is none), and whether they are ASCII. */
static size_t line_span(struct slice s, bool *ascii)
{
    size_t at = 0;
    uint64_t seen = 0;
    for (; s.len - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, s.data + at, 8);
        if (HAS_ZERO(word ^ EVERY_BYTE('\n')) | HAS_ZERO(word ^ EVERY_BYTE('\r')))
            break;
        seen |= word;
    }
    for (; at < s.len && s.data[at] != '\n' && s.data[at] != '\r'; at++)
        seen |= (unsigned char)s.data[at];
    *ascii = (seen & EVERY_BYTE(0x80)) == 0;
    return at;
}

/* A value of the event being read: in the input while that lasts, or in its buffer. */
static struct result hold(struct buf *b, struct slice value, bool stays, struct slice *at)
{
    if (stays) {
        *at = value;
        return RESULT_OK;
    }
    empty(b);
    TRY(buf_append(b, value));
    *at = buf_slice(b);
    return RESULT_OK;
}

static bool is_held(const struct buf *b, struct slice at)
{
    return b->data && at.data == b->data;
}

static struct result add_data(struct sse_decoder *d, struct slice value, bool stays)
{
    if (!d->has_data) {
        d->has_data = true;
        return hold(&d->data, value, stays, &d->data_at);
    }
    if (!is_held(&d->data, d->data_at))
        TRY(hold(&d->data, d->data_at, false, &d->data_at));
    struct result r = buf_append_byte(&d->data, '\n');
    if (result_ok(r))
        r = buf_append(&d->data, value);
    if (!result_ok(r))
        return error_context(r, "the data of the SSE event at byte %llu",
                             (unsigned long long)d->event.offset);
    d->data_at = buf_slice(&d->data);
    return RESULT_OK;
}

static struct result set_id(struct sse_decoder *d, struct slice value)
{
    if (slice_find_byte(value, '\0') >= 0) {
        d->notes.ignored_ids++;
        return RESULT_OK;
    }
    d->event.has_id = true;
    empty(&d->id);
    return buf_append(&d->id, value);
}

static void set_retry(struct sse_decoder *d, struct slice value)
{
    int64_t milliseconds = 0;
    for (size_t i = 0; i < value.len; i++) {
        unsigned digit = (unsigned)(unsigned char)value.data[i] - '0';
        if (digit > 9) {
            d->notes.ignored_retries++;
            return;
        }
        if (milliseconds < RETRY_NEVER)
            milliseconds = milliseconds * 10 + digit;
    }
    if (value.len == 0) {
        d->notes.ignored_retries++;
        return;
    }
    d->retry = d->event.retry = milliseconds;
}

static struct result read_field(struct sse_decoder *d, struct slice line, bool stays)
{
    const char *colon = memchr(line.data, ':', line.len);
    struct slice name = line, value = {"", 0};
    if (colon) {
        name.len = (size_t)(colon - line.data);
        value = slice_from(line, name.len + 1);
        if (value.len > 0 && value.data[0] == ' ')
            value = slice_from(value, 1);
        else if (value.len > 0)
            d->notes.no_space++;
    } else {
        d->notes.no_colon++;
    }
    if (slice_eq(name, SLICE("data")))
        return add_data(d, value, stays);
    if (slice_eq(name, SLICE("event")))
        return hold(&d->type, value, stays, &d->type_at);
    if (slice_eq(name, SLICE("id")))
        return set_id(d, value);
    if (slice_eq(name, SLICE("retry")))
        set_retry(d, value);
    else
        d->notes.unknown_fields++;
    return RESULT_OK;
}

/* A line that is not empty. `stays`: it is part of the input, not of d->line. */
static struct result read_line(struct sse_decoder *d, struct slice line, bool stays)
{
    if (line.data[0] == ':') {
        d->notes.comments++;
        return RESULT_OK;
    }
    if (!d->in_event) {
        d->in_event = true;
        d->event.offset = d->line_offset;
    }
    return read_field(d, line, stays);
}

static void forget_event(struct sse_decoder *d)
{
    d->event = (struct sse_event){.retry = -1};
    d->type_at = d->data_at = (struct slice){"", 0};
    d->has_data = d->in_event = d->dispatched = false;
}

static void show_event(struct sse_decoder *d, struct sse_event *event)
{
    *event = d->event;
    event->has_type = d->type_at.len > 0;
    event->type = event->has_type ? d->type_at : SLICE("message");
    event->data = d->data_at;
    event->id = d->id.data ? buf_slice(&d->id) : SLICE("");
}

/* The empty line: an event when there was a data line, even an empty one. */
static bool dispatch(struct sse_decoder *d, struct sse_event *event)
{
    if (d->has_data) {
        show_event(d, event);
        d->notes.events++;
        d->dispatched = true;
        return true;
    }
    if (d->in_event)
        d->notes.without_data++;
    forget_event(d);
    return false;
}

static void consume(struct sse_decoder *d, struct slice *input, size_t n)
{
    *input = slice_from(*input, n);
    d->offset += n;
}

/* What the end of a line is, and the LF of a CRLF whose CR came with the input before. */
static void end_line(struct sse_decoder *d, struct slice *input)
{
    if (input->data[0] == '\r')
        d->after_cr = true;
    else
        d->notes.lf++;
    consume(d, input, 1);
}

static void finish_crlf(struct sse_decoder *d, struct slice *input)
{
    d->after_cr = false;
    if (input->data[0] == '\n') {
        d->notes.crlf++;
        consume(d, input, 1);
    } else {
        d->notes.cr++;
    }
}

/* Notes and the byte order mark; the line is complete. */
static struct slice inspect_line(struct sse_decoder *d, struct slice line, bool ascii)
{
    if (!ascii && !utf8_valid(line))
        d->notes.invalid_utf8++;
    if (!d->started) {
        d->started = true;
        if (slice_starts(line, SLICE("\xef\xbb\xbf"))) {
            d->notes.bom = true;
            d->line_offset += 3;
            line = slice_from(line, 3);
        }
    }
    return line;
}

static struct result too_long(struct sse_decoder *d, size_t length)
{
    ENSURE(length <= LIMIT_SSE_EVENT_BYTES - d->line.len, ERR_TOO_LARGE,
           "an SSE line at byte %llu has more than %u bytes", (unsigned long long)d->line_offset,
           LIMIT_SSE_EVENT_BYTES);
    return RESULT_OK;
}

/* The input ends here: what points into it is copied. */
static struct result keep(struct sse_decoder *d)
{
    if (d->data_at.len > 0 && !is_held(&d->data, d->data_at))
        TRY(hold(&d->data, d->data_at, false, &d->data_at));
    if (d->type_at.len > 0 && !is_held(&d->type, d->type_at))
        TRY(hold(&d->type, d->type_at, false, &d->type_at));
    return RESULT_OK;
}

/* The next line, or the rest of the input when no line ends in it. */
static struct result next_line(struct sse_decoder *d, struct slice *input, struct sse_event *event,
                               bool *got)
{
    bool ascii;
    struct slice piece = slice_of(input->data, line_span(*input, &ascii));
    if (d->line.len == 0)
        d->line_offset = d->offset;
    TRY(too_long(d, piece.len));
    bool complete = piece.len < input->len;
    bool whole = complete && d->line.len == 0;
    if (!whole)
        TRY(buf_append(&d->line, piece));
    consume(d, input, piece.len);
    if (!complete)
        return RESULT_OK;
    end_line(d, input);
    struct slice line = whole ? piece : buf_slice(&d->line);
    line = inspect_line(d, line, whole && ascii);
    if (line.len == 0)
        *got = dispatch(d, event);
    else
        TRY(read_line(d, line, whole));
    if (!whole)
        empty(&d->line);
    return RESULT_OK;
}

static struct result advance(struct sse_decoder *d, struct slice *input, struct sse_event *event,
                             bool *got)
{
    while (input->len > 0 && !*got) {
        if (d->after_cr)
            finish_crlf(d, input);
        else
            TRY(next_line(d, input, event, got));
    }
    return *got ? RESULT_OK : keep(d);
}

struct result sse_next(struct sse_decoder *d, struct slice *input, struct sse_event *event,
                       bool *got)
{
    *got = false;
    ENSURE(!d->failed, ERR_TOO_LARGE, "an SSE event was too large before");
    if (d->dispatched)
        forget_event(d);
    struct result r = advance(d, input, event, got);
    d->failed = !result_ok(r);
    return r;
}

bool sse_end(struct sse_decoder *d, struct sse_event *left)
{
    if (d->dispatched)
        forget_event(d);
    if (d->after_cr)
        d->notes.cr++;
    d->after_cr = false;
    if (d->line.len > 0) {
        /* Read as if it were complete, to be shown. A failure to show all of it changes nothing. */
        struct slice line = inspect_line(d, buf_slice(&d->line), false);
        if (line.len > 0)
            result_ignore(read_line(d, line, false));
        buf_clear(&d->line);
    }
    show_event(d, left);
    d->notes.unfinished = d->in_event;
    return d->in_event;
}

static struct result write_lines(struct buf *b, struct slice data)
{
    do {
        bool ascii;
        size_t n = line_span(data, &ascii);
        TRY(buf_append(b, SLICE("data: ")));
        TRY(buf_append(b, slice_of(data.data, n)));
        TRY(buf_append_byte(b, '\n'));
        if (n == data.len)
            return RESULT_OK;
        bool crlf = data.data[n] == '\r' && n + 1 < data.len && data.data[n + 1] == '\n';
        data = slice_from(data, n + (crlf ? 2 : 1));
    } while (true);
}

static struct result write_event(struct buf *b, struct slice type, struct slice data)
{
    if (type.len > 0) {
        TRY(buf_append(b, SLICE("event: ")));
        TRY(buf_append(b, type));
        TRY(buf_append_byte(b, '\n'));
    }
    TRY(write_lines(b, data));
    return buf_append_byte(b, '\n');
}

/* All or nothing. */
static struct result or_nothing(struct buf *b, size_t before, struct result r)
{
    if (!result_ok(r) && b->len > before) {
        b->len = before;
        b->data[before] = '\0';
    }
    return r;
}

struct result sse_write_event(struct buf *b, struct slice type, struct slice data)
{
    bool ascii;
    ENSURE(line_span(type, &ascii) == type.len, ERR_VALUE, "an event type has a line break in it");
    size_t before = b->len;
    return or_nothing(b, before, write_event(b, type, data));
}

static struct result write_comment(struct buf *b, struct slice text)
{
    TRY(buf_append(b, SLICE(": ")));
    TRY(buf_append(b, text));
    return buf_append(b, SLICE("\n\n"));
}

struct result sse_write_comment(struct buf *b, struct slice text)
{
    bool ascii;
    ENSURE(line_span(text, &ascii) == text.len, ERR_VALUE, "a comment has a line break in it");
    size_t before = b->len;
    return or_nothing(b, before, write_comment(b, text));
}
