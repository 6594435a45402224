/*
 * Reads the lines of HTTP: start lines, header lines, chunk sizes. Here stand the rules that keep
 * two readers from seeing different messages in the same bytes; a comment names the section of
 * RFC 9110 or 9112 where we take the stricter of two ways it allows.
 */
#include <strings.h>

#include "core/limits.h"
#include "net/http_parser.h"

#define T HTTP_BYTE_TOKEN
#define V HTTP_BYTE_VALUE
#define P (HTTP_BYTE_VALUE | HTTP_BYTE_TARGET)                                    /* ( / @ … */
#define O (HTTP_BYTE_VALUE | HTTP_BYTE_TARGET | HTTP_BYTE_HOST)                   /* : [ ] … */
#define K (HTTP_BYTE_VALUE | HTTP_BYTE_TARGET | HTTP_BYTE_TOKEN)                  /* ^ ` | */
#define C (HTTP_BYTE_VALUE | HTTP_BYTE_TARGET | HTTP_BYTE_HOST | HTTP_BYTE_TOKEN) /* a–z … */
#define H (C | HTTP_BYTE_HEX)
#define F (HTTP_BYTE_VALUE | HTTP_BYTE_TOKEN) /* # begins a fragment, which is never sent */

/* clang-format off: a table to be read in columns */
const uint8_t http_bytes[256] = {
    ['\t'] = V,        [' '] = V,         ['!'] = C,         ['"'] = P,         ['#'] = F,
    ['$'] = C,         ['%'] = C,         ['&'] = C,         ['\''] = C,        ['('] = O,
    [')'] = O,         ['*'] = C,         ['+'] = C,         [','] = O,         ['-'] = C,
    ['.'] = C,         ['/'] = P,         ['0' ... '9'] = H, [':'] = O,         [';'] = O,
    ['<'] = P,         ['='] = O,         ['>'] = P,         ['?'] = P,         ['@'] = P,
    ['A' ... 'F'] = H, ['G' ... 'Z'] = C, ['['] = O,         ['\\'] = P,        [']'] = O,
    ['^'] = K,         ['_'] = C,         ['`'] = K,         ['a' ... 'f'] = H, ['g' ... 'z'] = C,
    ['{'] = P,         ['|'] = K,         ['}'] = P,         ['~'] = C,         [0x80 ... 0xff] = V,
};
/* clang-format on */

#undef T
#undef V
#undef P
#undef O
#undef K
#undef C
#undef H
#undef F

static unsigned byte_at(struct slice s, size_t i)
{
    return (unsigned char)s.data[i];
}

/* The next line of a block, without its CRLF, which it must have. */
static struct result next_line(struct http_parser *p, struct slice *rest, struct slice *line)
{
    const char *newline = memchr(rest->data, '\n', rest->len);
    MUST(newline, "a block of lines ends with a newline");
    size_t len = (size_t)(newline - rest->data);
    /* RFC 9112, 2.2: a bare LF may be taken for a line end. Some do and some do not, which is how
     * requests are smuggled; we do not. */
    if (len == 0 || newline[-1] != '\r')
        return http_fail(p, ERR_PROTOCOL, 400, "a line ends with LF instead of CRLF");
    *line = slice_of(rest->data, len - 1);
    *rest = slice_from(*rest, len + 1);
    return RESULT_OK;
}

/* What framing depends on, collected over the header lines. */
struct framing {
    bool transfer_encoding, close, keep_alive;
    unsigned hosts;
};

static struct result read_length(struct http_parser *p, struct slice value, struct framing *f)
{
    (void)f;
    struct http_head *head = &p->head;
    /* RFC 9110, 8.6: equal repetitions may be accepted; nobody honest sends them. */
    if (head->has_length)
        return http_fail(p, ERR_PROTOCOL, 400, "Content-Length is given more than once");
    uint64_t length = 0;
    for (size_t i = 0; i < value.len; i++) {
        unsigned digit = byte_at(value, i) - '0';
        if (digit > 9)
            return http_fail(p, ERR_PROTOCOL, 400,
                             "Content-Length must be digits, got byte 0x%02x at %zu",
                             byte_at(value, i), i);
        if (length > (INT64_MAX - 9) / 10)
            return http_fail(p, ERR_TOO_LARGE, 413, "Content-Length has %zu digits", value.len);
        length = length * 10 + digit;
    }
    if (value.len == 0)
        return http_fail(p, ERR_PROTOCOL, 400, "Content-Length is empty");
    head->length = length;
    head->has_length = true;
    return RESULT_OK;
}

static struct result read_encoding(struct http_parser *p, struct slice value, struct framing *f)
{
    if (f->transfer_encoding)
        return http_fail(p, ERR_PROTOCOL, 400, "Transfer-Encoding is given more than once");
    f->transfer_encoding = true;
    /* RFC 9112, 6.1: we ask for no coding in TE, so chunked alone is what may come. */
    if (!slice_eq_nocase(value, SLICE("chunked")))
        return http_fail(p, ERR_PROTOCOL, 501, "the only Transfer-Encoding known is chunked");
    p->head.chunked = true;
    return RESULT_OK;
}

static struct result read_connection(struct http_parser *p, struct slice value, struct framing *f)
{
    (void)p;
    f->close = f->close || http_list_has(value, SLICE("close"));
    f->keep_alive = f->keep_alive || http_list_has(value, SLICE("keep-alive"));
    return RESULT_OK;
}

static struct result read_host(struct http_parser *p, struct slice value, struct framing *f)
{
    if (p->side == HTTP_RESPONSE)
        return RESULT_OK;
    if (++f->hosts > 1)
        return http_fail(p, ERR_PROTOCOL, 400, "Host is given more than once");
    size_t good = http_span(value, HTTP_BYTE_HOST);
    if (good < value.len)
        return http_fail(p, ERR_PROTOCOL, 400, "Host has byte 0x%02x, which no host name has",
                         byte_at(value, good));
    return RESULT_OK;
}

static struct result read_expect(struct http_parser *p, struct slice value, struct framing *f)
{
    (void)f;
    /* RFC 9110, 10.1.1: HTTP/1.0 does not know Expect. */
    if (p->side == HTTP_RESPONSE || p->head.minor == 0)
        return RESULT_OK;
    if (!slice_eq_nocase(value, SLICE("100-continue")))
        return http_fail(p, ERR_PROTOCOL, 417, "the only Expect known is 100-continue");
    p->head.expect_continue = true;
    return RESULT_OK;
}

/* The headers that decide where a message ends and whether another can follow. */
static const struct {
    struct slice name;
    struct result (*read)(struct http_parser *p, struct slice value, struct framing *f);
    bool in_trailers; /* harmless there */
} framing_headers[] = {
    {SLICE("host"), read_host, false},
    {SLICE("content-length"), read_length, false},
    {SLICE("transfer-encoding"), read_encoding, false},
    {SLICE("connection"), read_connection, true},
    {SLICE("expect"), read_expect, true},
};

static struct result name_failure(struct http_parser *p, struct slice line, size_t at)
{
    if (at == line.len)
        return http_fail(p, ERR_PROTOCOL, 400, "%s line %u has no colon", http_block(p), p->lines);
    unsigned byte = byte_at(line, at);
    if (at == 0 && (byte == ' ' || byte == '\t'))
        return http_fail(p, ERR_PROTOCOL, 400, "%s line %u is folded", http_block(p), p->lines);
    if (at == 0 && byte == ':')
        return http_fail(p, ERR_PROTOCOL, 400, "%s line %u has no name", http_block(p), p->lines);
    if (byte == ' ' || byte == '\t')
        return http_fail(p, ERR_PROTOCOL, 400, "%s line %u has a blank before its colon",
                         http_block(p), p->lines);
    return http_fail(p, ERR_PROTOCOL, 400, "%s line %u has byte 0x%02x in its name", http_block(p),
                     p->lines, byte);
}

static struct slice without_blanks(struct slice s)
{
    while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t'))
        s = slice_from(s, 1);
    while (s.len > 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* One header line; `f` is NULL in trailers, where framing can no longer be changed. */
static struct result read_header_line(struct http_parser *p, struct slice line, struct framing *f)
{
    size_t at = http_span(line, HTTP_BYTE_TOKEN);
    if (at == 0 || at == line.len || line.data[at] != ':')
        return name_failure(p, line, at);
    struct slice name = slice_of(line.data, at);
    struct slice value = slice_from(line, at + 1);
    size_t good = http_span(value, HTTP_BYTE_VALUE);
    if (good < value.len)
        return http_fail(p, ERR_PROTOCOL, 400, "%s line %u has byte 0x%02x in its value",
                         http_block(p), p->lines, byte_at(value, good));
    for (size_t i = 0; i < sizeof(framing_headers) / sizeof(framing_headers[0]); i++) {
        if (name.len != framing_headers[i].name.len ||
            !slice_eq_nocase(name, framing_headers[i].name))
            continue;
        if (f)
            return framing_headers[i].read(p, without_blanks(value), f);
        if (!framing_headers[i].in_trailers)
            return http_fail(p, ERR_PROTOCOL, 400, "a trailer is called %.*s", SLICE_ARG(name));
    }
    return RESULT_OK;
}

/* Header lines up to the empty one; `*headers` is all of them as received. */
static struct result read_header_lines(struct http_parser *p, struct slice rest, struct framing *f,
                                       struct slice *headers)
{
    const char *begin = rest.data;
    for (;;) {
        const char *line_begin = rest.data;
        struct slice line = {0};
        TRY(next_line(p, &rest, &line));
        p->lines++;
        if (line.len == 0) {
            *headers = slice_of(begin, (size_t)(line_begin - begin));
            return RESULT_OK;
        }
        TRY(read_header_line(p, line, f));
    }
}

/* "HTTP/1.0" or "HTTP/1.1". */
static struct result read_version(struct http_parser *p, struct slice s)
{
    bool well_formed = s.len == 8 && memcmp(s.data, "HTTP/", 5) == 0 && s.data[6] == '.' &&
                       byte_at(s, 5) - '0' <= 9 && byte_at(s, 7) - '0' <= 9;
    if (!well_formed)
        return http_fail(p, ERR_PROTOCOL, 400, "the start line has no version such as HTTP/1.1");
    if (s.data[5] != '1' || s.data[7] > '1')
        return http_fail(p, ERR_PROTOCOL, 505, "expected HTTP/1.0 or HTTP/1.1, got HTTP/%c.%c",
                         s.data[5], s.data[7]);
    p->head.minor = s.data[7] == '1';
    return RESULT_OK;
}

/* RFC 9112, 3.2: origin-form, absolute-form, or "*" for OPTIONS. */
static bool is_target(struct slice method, struct slice target)
{
    if (http_span(target, HTTP_BYTE_TARGET) < target.len)
        return false;
    if (target.len > 0 && target.data[0] == '/')
        return true;
    if (slice_is(target, "*"))
        return slice_is(method, "OPTIONS");
    return (target.len > 7 && strncasecmp(target.data, "http://", 7) == 0) ||
           (target.len > 8 && strncasecmp(target.data, "https://", 8) == 0);
}

static struct result read_request_line(struct http_parser *p, struct slice line)
{
    struct http_head *head = &p->head;
    size_t at = http_span(line, HTTP_BYTE_TOKEN);
    if (at == 0 || at == line.len || line.data[at] != ' ')
        return http_fail(p, ERR_PROTOCOL, 400, "the request does not begin with a method");
    head->method = slice_of(line.data, at);
    struct slice rest = slice_from(line, at + 1);
    ptrdiff_t space = slice_find_byte(rest, ' ');
    if (space < 0)
        return http_fail(p, ERR_PROTOCOL, 400, "the request line has no version");
    head->target = slice_of(rest.data, (size_t)space);
    TRY(read_version(p, slice_from(rest, (size_t)space + 1)));
    if (slice_is(head->method, "CONNECT"))
        return http_fail(p, ERR_PROTOCOL, 501, "CONNECT asks for a tunnel, and this is no proxy");
    if (!is_target(head->method, head->target))
        return http_fail(p, ERR_PROTOCOL, 400, "the request target is not a path, a URL or *");
    return RESULT_OK;
}

static struct result read_status_line(struct http_parser *p, struct slice line)
{
    TRY(read_version(p, slice_part(line, 0, 8)));
    struct slice rest = slice_from(line, 8); /* " 200 OK" */
    unsigned status = 0;
    bool well_formed = rest.len >= 4 && rest.data[0] == ' ';
    for (size_t i = 1; well_formed && i < 4; i++) {
        unsigned digit = byte_at(rest, i) - '0';
        well_formed = digit <= 9;
        status = status * 10 + digit;
    }
    /* The blank before an empty reason is often forgotten and hides nothing. */
    if (!well_formed || (rest.len > 4 && rest.data[4] != ' '))
        return http_fail(p, ERR_PROTOCOL, 400, "the status line has no three-digit status");
    if (status < 100 || status > 599)
        return http_fail(p, ERR_PROTOCOL, 400, "expected a status from 100 to 599, got %u", status);
    p->head.status = (uint16_t)status;
    p->head.reason = slice_from(rest, 5);
    if (http_span(p->head.reason, HTTP_BYTE_VALUE) < p->head.reason.len)
        return http_fail(p, ERR_PROTOCOL, 400, "the reason has a control character in it");
    return RESULT_OK;
}

/* What the header lines mean together. RFC 9112, 6.3 and 9.3. */
static struct result conclude(struct http_parser *p, const struct framing *f)
{
    struct http_head *head = &p->head;
    if (f->transfer_encoding && head->has_length)
        return http_fail(p, ERR_PROTOCOL, 400,
                         "Content-Length and Transfer-Encoding are given together");
    if (f->transfer_encoding && head->minor == 0)
        return http_fail(p, ERR_PROTOCOL, 400, "HTTP/1.0 has no Transfer-Encoding");
    head->keep_alive = !f->close && (head->minor == 1 || f->keep_alive);
    head->has_body = head->chunked || head->length > 0;
    if (p->side == HTTP_REQUEST) {
        if (head->minor == 1 && f->hosts == 0)
            return http_fail(p, ERR_PROTOCOL, 400, "the request has no Host");
        head->expect_continue = head->expect_continue && head->has_body;
        return RESULT_OK;
    }
    if (head->status == 101)
        return http_fail(p, ERR_PROTOCOL, 400, "the server switched protocols without being asked");
    if (head->status < 200 || head->status == 204 || head->status == 304 || p->head_requested) {
        head->has_body = false;
    } else if (!head->chunked && !head->has_length) {
        head->has_body = true;
        head->until_close = true;
        head->keep_alive = false;
    }
    return RESULT_OK;
}

struct result http_read_head(struct http_parser *p, struct slice block)
{
    p->head = (struct http_head){0};
    p->lines = 1;
    struct slice rest = block, line = slice_of("", 0);
    TRY(next_line(p, &rest, &line));
    TRY(p->side == HTTP_REQUEST ? read_request_line(p, line) : read_status_line(p, line));
    struct framing framing = {0};
    TRY(read_header_lines(p, rest, &framing, &p->head.headers));
    p->head.block = slice_of(block.data, block.len - 2);
    return conclude(p, &framing);
}

struct result http_read_trailers(struct http_parser *p, struct slice block, struct slice *trailers)
{
    p->lines = 0;
    return read_header_lines(p, block, NULL, trailers);
}

/* The length of a quoted-string at the start of `s`; 0 when there is none. */
static size_t quoted_span(struct slice s)
{
    if (s.len == 0 || s.data[0] != '"')
        return 0;
    size_t good = http_span(slice_from(s, 1), HTTP_BYTE_VALUE);
    for (size_t i = 1; i <= good; i++) {
        if (s.data[i] == '"')
            return i + 1;
        if (s.data[i] == '\\')
            i++;
    }
    return 0;
}

/* The length of the longest start of `s` that is *( ";" name [ "=" value ] ). RFC 9112, 7.1.1
 * allows blanks in between; only attackers use them. */
static size_t extensions_span(struct slice s)
{
    size_t good = 0;
    while (good < s.len && s.data[good] == ';') {
        size_t name = http_span(slice_from(s, good + 1), HTTP_BYTE_TOKEN);
        if (name == 0)
            break;
        good += 1 + name;
        if (good == s.len || s.data[good] != '=')
            continue;
        struct slice rest = slice_from(s, good + 1);
        size_t value = quoted_span(rest);
        if (value == 0)
            value = http_span(rest, HTTP_BYTE_TOKEN);
        if (value == 0)
            break;
        good += 1 + value;
    }
    return good;
}

/* chunk-size [ extensions ] CRLF */
struct result http_read_chunk_line(struct http_parser *p, struct slice block, uint64_t *size)
{
    struct slice line = {0};
    TRY(next_line(p, &block, &line));
    size_t digits = http_span(line, HTTP_BYTE_HEX);
    if (digits == 0)
        return http_fail(p, ERR_PROTOCOL, 400, "a chunk size is no hexadecimal number");
    if (digits > 15)
        return http_fail(p, ERR_TOO_LARGE, 413, "a chunk size has %zu digits", digits);
    *size = 0;
    for (size_t i = 0; i < digits; i++) {
        unsigned byte = byte_at(line, i);
        *size = *size << 4 | (byte <= '9' ? byte - '0' : (byte | 0x20) - 'a' + 10);
    }
    struct slice extension = slice_from(line, digits);
    if (extension.len == 0)
        return RESULT_OK;
    size_t good = extensions_span(extension);
    if (good < extension.len)
        return http_fail(p, ERR_PROTOCOL, 400, "byte 0x%02x may not follow a chunk size",
                         byte_at(extension, good));
    p->extension_bytes += extension.len;
    if (p->extension_bytes > LIMIT_HTTP_EXTENSION_BYTES)
        return http_fail(p, ERR_TOO_LARGE, 413,
                         "the message has more than %u bytes of chunk extensions",
                         LIMIT_HTTP_EXTENSION_BYTES);
    return RESULT_OK;
}
