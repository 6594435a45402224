/*
 * Writes HTTP/1.1 into a buffer. What a caller passes may come from a suite or from a request, so
 * everything is checked for bytes that would forge a line.
 */
#include <stdio.h>

#include "net/http_parser.h"

static const struct {
    unsigned status;
    const char *reason;
} reasons[] = {
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {499, "Client Closed Request"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

const char *http_reason(unsigned status)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "";
}

/* Append all the parts or nothing. */
static struct result append(struct buf *b, const struct slice *parts, size_t count)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += parts[i].len;
    ENSURE(total <= b->max - b->len, ERR_TOO_LARGE, "more than %zu bytes", b->max);
    for (size_t i = 0; i < count; i++)
        TRY(buf_append(b, parts[i]));
    return RESULT_OK;
}

#define APPEND(b, ...)                                                                             \
    append((b), (const struct slice[]){__VA_ARGS__},                                               \
           sizeof((const struct slice[]){__VA_ARGS__}) / sizeof(struct slice))

#define CRLF SLICE("\r\n")

static struct result check(const char *what, struct slice s, enum http_byte kind)
{
    size_t good = http_span(s, kind);
    ENSURE(good == s.len, ERR_VALUE, "byte 0x%02x may not stand in %s",
           (unsigned)(unsigned char)s.data[good], what);
    return RESULT_OK;
}

struct result http_write_request(struct buf *b, struct slice method, struct slice target)
{
    ENSURE(method.len > 0, ERR_VALUE, "the method is empty");
    ENSURE(target.len > 0, ERR_VALUE, "the request target is empty");
    TRY(check("a method", method, HTTP_BYTE_TOKEN));
    TRY(check("a request target", target, HTTP_BYTE_TARGET));
    return APPEND(b, method, SLICE(" "), target, SLICE(" HTTP/1.1\r\n"));
}

struct result http_write_status(struct buf *b, unsigned status)
{
    MUST(status >= 100 && status <= 599, "status %u", status);
    char digits[16];
    int n = snprintf(digits, sizeof(digits), "%u ", status);
    return APPEND(b, SLICE("HTTP/1.1 "), slice_of(digits, (size_t)n),
                  slice_str(http_reason(status)), CRLF);
}

struct result http_write_header(struct buf *b, struct slice name, struct slice value)
{
    ENSURE(name.len > 0, ERR_VALUE, "the header's name is empty");
    TRY(check("a header's name", name, HTTP_BYTE_TOKEN));
    TRY(check("a header's value", value, HTTP_BYTE_VALUE));
    return APPEND(b, name, SLICE(": "), value, CRLF);
}

struct result http_write_length(struct buf *b, uint64_t length)
{
    char digits[24];
    int n = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)length);
    return APPEND(b, SLICE("Content-Length: "), slice_of(digits, (size_t)n), CRLF);
}

struct result http_write_chunked(struct buf *b)
{
    return APPEND(b, SLICE("Transfer-Encoding: chunked\r\n"));
}

struct result http_write_head_end(struct buf *b)
{
    return APPEND(b, CRLF);
}

struct result http_write_chunk(struct buf *b, struct slice data)
{
    if (data.len == 0)
        return RESULT_OK;
    char digits[20];
    size_t at = sizeof(digits);
    for (size_t left = data.len; left > 0; left >>= 4)
        digits[--at] = "0123456789abcdef"[left & 15];
    return APPEND(b, slice_of(digits + at, sizeof(digits) - at), CRLF, data, CRLF);
}

struct result http_write_last_chunk(struct buf *b)
{
    return APPEND(b, SLICE("0\r\n\r\n"));
}
