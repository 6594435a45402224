/*
 * The HTTP/1.1 parser and writers: what is understood, what is refused and with which status, and
 * that no cut of the input changes either.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/limits.h"
#include "net/http.h"
#include "transcript.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HOST "Host: h\r\n"

/* A message and its transcript, or a part of it. */
struct sample {
    const char *input, *transcript;
};

static void assert_transcript(enum http_side side, bool head_requested, const char *input,
                              const char *expected)
{
    struct buf out = buf_limited(1u << 20);
    http_transcript(&out, side, head_requested, slice_str(input), uncut);
    assert_string_equal(out.data ? out.data : "", expected);
    buf_free(&out);
}

/* ---- what is understood ---- */

static const struct sample requests[] = {
    {"GET / HTTP/1.1\r\n" HOST "\r\n", "\nHEAD GET / status 0  1.1 no length 0 keep-alive"
                                       "\n  Host=h\nEND"},
    {"GET /a?b=c HTTP/1.1\r\nhOsT:h \t\r\nX-Empty:\r\nX: a b\tc\r\n\r\n",
     "\nHEAD GET /a?b=c status 0  1.1 no length 0 keep-alive"
     "\n  hOsT=h\n  X-Empty=\n  X=a b\tc\nEND"},
    {"POST /x HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello",
     "\nHEAD POST /x status 0  1.1 length 5 body keep-alive"
     "\n  Host=h\n  Content-Length=5\nBODY hello\nEND"},
    {"POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: CHUNKED\r\n\r\n"
     "5\r\nhello\r\n00B;a=\"b \\\" c\";d;e=f\r\n, my world!\r\n0\r\nDigest: x\r\n\r\n",
     "\nHEAD POST /x status 0  1.1 no length 0 chunked body keep-alive"
     "\n  Host=h\n  Transfer-Encoding=CHUNKED\nBODY hello, my world!\nEND Digest=x\nEND"},
    {"POST /x HTTP/1.1\r\n" HOST "Content-Length: 2\r\nExpect: 100-Continue\r\n\r\nhi",
     "\nHEAD POST /x status 0  1.1 length 2 body keep-alive expects-continue"
     "\n  Host=h\n  Content-Length=2\n  Expect=100-Continue\nBODY hi\nEND"},
    {"POST /x HTTP/1.0\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nhi",
     "\nHEAD POST /x status 0  1.0 length 2 body"
     "\n  Content-Length=2\n  Expect=100-continue\nBODY hi\nEND"},
    {"GET / HTTP/1.0\r\nConnection: foo, Keep-Alive\r\n\r\n",
     "\nHEAD GET / status 0  1.0 no length 0 keep-alive\n  Connection=foo, Keep-Alive\nEND"},
    {"GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
     "\nHEAD GET / status 0  1.1 no length 0\n  Host=h\n  Connection=close\nEND"},
    {"GET / HTTP/1.1\r\n" HOST "Upgrade: h2c\r\nConnection: upgrade\r\n\r\n",
     "\nHEAD GET / status 0  1.1 no length 0 keep-alive"
     "\n  Host=h\n  Upgrade=h2c\n  Connection=upgrade\nEND"},
    {"GET http://h/a HTTP/1.1\r\n" HOST "\r\n",
     "\nHEAD GET http://h/a status 0  1.1 no length 0 keep-alive\n  Host=h\nEND"},
    {"OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
     "\nHEAD OPTIONS * status 0  1.1 no length 0 keep-alive\n  Host=[::1]:80\nEND"},
    {"\r\nGET / HTTP/1.1\r\n" HOST "\r\n",
     "\nHEAD GET / status 0  1.1 no length 0 keep-alive\n  Host=h\nEND"},
    {"\r\nGET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n\r\nGET /2 HTTP/1.0\r\n\r\n",
     "\nHEAD GET /1 status 0  1.0 no length 0 keep-alive\n  Connection=keep-alive\nEND"
     "\nHEAD GET /2 status 0  1.0 no length 0\nEND"},
    {"GET /1 HTTP/1.1\r\n" HOST "\r\nPOST /2 HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx"
     "GET /3 HTTP/1.1\r\n" HOST "\r\n",
     "\nHEAD GET /1 status 0  1.1 no length 0 keep-alive\n  Host=h\nEND"
     "\nHEAD POST /2 status 0  1.1 length 1 body keep-alive\n  Host=h\n  Content-Length=1"
     "\nBODY x\nEND"
     "\nHEAD GET /3 status 0  1.1 no length 0 keep-alive\n  Host=h\nEND"},
};

static const struct sample responses[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
     "\nHEAD   status 200 OK 1.1 length 2 body keep-alive\n  Content-Length=2\nBODY hi\nEND"},
    {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
     "\nHEAD   status 200  1.1 length 0 keep-alive\n  Content-Length=0\nEND"},
    {"HTTP/1.1 200 OK\r\n\r\nall of this",
     "\nHEAD   status 200 OK 1.1 no length 0 body until-close\nBODY all of this\nEND"},
    {"HTTP/1.1 200 OK\r\n\r\n", "\nHEAD   status 200 OK 1.1 no length 0 body until-close\nEND"},
    {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx",
     "\nHEAD   status 200 OK 1.0 length 1 body keep-alive"
     "\n  Connection=keep-alive\n  Content-Length=1\nBODY x\nEND"},
    {"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
     "\nHEAD   status 204 No Content 1.1 no length 0 keep-alive\nEND"
     "\nHEAD   status 304 Not Modified 1.1 length 9 keep-alive\n  Content-Length=9\nEND"},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
     "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
     "\nINTERIM   status 100 Continue 1.1 no length 0 keep-alive"
     "\nINTERIM   status 103 Early Hints 1.1 no length 0 keep-alive\n  Link=x"
     "\nHEAD   status 404 Not Found 1.1 no length 0 chunked body keep-alive"
     "\n  Transfer-Encoding=chunked\nBODY x\nEND"},
};

static void requests_are_understood(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(requests); i++)
        assert_transcript(HTTP_REQUEST, false, requests[i].input, requests[i].transcript);
}

static void responses_are_understood(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(responses); i++)
        assert_transcript(HTTP_RESPONSE, false, responses[i].input, responses[i].transcript);
}

static void the_answer_to_head_has_no_body(void **state)
{
    (void)state;
    assert_transcript(HTTP_RESPONSE, true,
                      "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nHTTP/1.1 200 OK\r\n"
                      "Transfer-Encoding: chunked\r\n\r\n",
                      "\nHEAD   status 200 OK 1.1 length 7 keep-alive\n  Content-Length=7\nEND"
                      "\nHEAD   status 200 OK 1.1 no length 0 chunked keep-alive"
                      "\n  Transfer-Encoding=chunked\nEND");
}

/* ---- what is refused ---- */

struct refusal {
    const char *input;
    unsigned status;
    const char *why;
};

static const struct refusal refused_requests[] = {
    /* start line */
    {"G@T / HTTP/1.1\r\n\r\n", 400, "method"},
    {" GET / HTTP/1.1\r\n\r\n", 400, "method"},
    {"\r\n\r\nGET / HTTP/1.1\r\n\r\n", 400, "method"},
    {"GET\r\n\r\n", 400, "method"},
    {"GET /\r\n\r\n", 400, "version"},
    {"GET  / HTTP/1.1\r\n\r\n", 400, "version"},
    {"GET /  HTTP/1.1\r\n\r\n", 400, "version"},
    {"GET / HTTP/1.1 \r\n\r\n", 400, "version"},
    {"GET / http/1.1\r\n\r\n", 400, "version"},
    {"GET / HTTP/1.10\r\n\r\n", 400, "version"},
    {"GET / HTTP/1.2\r\n\r\n", 505, "got HTTP/1.2"},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "got HTTP/2.0"},
    {"GET /a#b HTTP/1.1\r\n" HOST "\r\n", 400, "target"},
    {"GET /\x80 HTTP/1.1\r\n" HOST "\r\n", 400, "target"},
    {"GET a HTTP/1.1\r\n" HOST "\r\n", 400, "target"},
    {"GET * HTTP/1.1\r\n" HOST "\r\n", 400, "target"},
    {"GET ftp://h/ HTTP/1.1\r\n" HOST "\r\n", 400, "target"},
    {"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", 501, "tunnel"},
    /* lines */
    {"GET / HTTP/1.1\n" HOST "\r\n", 400, "LF instead of CRLF"},
    {"GET / HTTP/1.1\r\nHost: h\n\r\n", 400, "LF instead of CRLF"},
    {"GET / HTTP/1.1\r\n" HOST "\n", 400, "LF instead of CRLF"},
    {"GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", 400, "head line 4 is folded"},
    {"GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400, "head line 2 is folded"},
    {"GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400, "blank before its colon"},
    {"GET / HTTP/1.1\r\nHost\r\n\r\n", 400, "no colon"},
    {"GET / HTTP/1.1\r\n: h\r\n\r\n", 400, "no name"},
    {"GET / HTTP/1.1\r\nA(b): h\r\n\r\n", 400, "byte 0x28 in its name"},
    {"GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", 400, "byte 0x0d in its value"},
    {"GET / HTTP/1.1\r\nA: b\x01\r\n\r\n", 400, "byte 0x01 in its value"},
    {"GET / HTTP/1.1\r\nA: b\x7f\r\n\r\n", 400, "byte 0x7f in its value"},
    /* who is asked */
    {"GET / HTTP/1.1\r\n\r\n", 400, "no Host"},
    {"GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400, "Host is given more than once"},
    {"GET / HTTP/1.0\r\n" HOST HOST "\r\n", 400, "Host is given more than once"},
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "Host has byte 0x20"},
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "Host has byte 0x2f"},
    /* framing */
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400,
     "Content-Length is given more than once"},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1, 1\r\n\r\nx", 400, "byte 0x2c at 1"},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\nx", 400, "byte 0x2b at 0"},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1 1\r\n\r\nx", 400, "byte 0x20 at 1"},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\nx", 400, "Content-Length is empty"},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n", 413, "20 digits"},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
     "together"},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400,
     "together"},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501, "chunked"},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, chunked\r\n\r\n", 501, "chunked"},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n", 501, "chunked"},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n\r\n", 501, "chunked"},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
     400, "Transfer-Encoding is given more than once"},
    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "HTTP/1.0"},
    {"POST / HTTP/1.1\r\n" HOST "Expect: 200-ok\r\n\r\n", 417, "Expect"},
    {"GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\nGET", 400, "more came"},
};

#define CHUNKED "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"

static const struct refusal refused_chunks[] = {
    {CHUNKED "x\r\n", 400, "no hexadecimal number"},
    {CHUNKED "\r\n", 400, "no hexadecimal number"},
    {CHUNKED "-1\r\n", 400, "no hexadecimal number"},
    {CHUNKED "0x1\r\n", 400, "byte 0x78 may not follow"},
    {CHUNKED "1 \r\na\r\n", 400, "byte 0x20 may not follow"},
    {CHUNKED "1;\r\na\r\n", 400, "byte 0x3b may not follow"},
    {CHUNKED "1;a=\r\na\r\n", 400, "byte 0x3d may not follow"},
    {CHUNKED "1;a=\"b\r\na\r\n", 400, "byte 0x3d may not follow"},
    {CHUNKED "1;a=\"\\\"\r\na\r\n", 400, "byte 0x3d may not follow"},
    {CHUNKED "1;a\xe9\r\na\r\n", 400, "byte 0xe9 may not follow"},
    {CHUNKED "1;a=\x01\r\na\r\n", 400, "byte 0x3d may not follow"},
    {CHUNKED "1\na\r\n", 400, "LF instead of CRLF"},
    {CHUNKED "1;a\na\r\n", 400, "LF instead of CRLF"},
    {CHUNKED "1\r\nab\r\n", 400, "longer than its size"},
    {CHUNKED "1\r\na\n", 400, "longer than its size"},
    {CHUNKED "1\r\na\r\r\n", 400, "longer than its size"},
    {CHUNKED "1000000000000000\r\n", 413, "16 digits"},
    {CHUNKED "0\r\n A: b\r\n\r\n", 400, "trailer line 1 is folded"},
    {CHUNKED "0\r\nContent-Length: 5\r\n\r\n", 400, "a trailer is called Content-Length"},
    {CHUNKED "0\r\ntransfer-encoding: x\r\n\r\n", 400, "a trailer is called transfer-encoding"},
    {CHUNKED "0\r\nHost: x\r\n\r\n", 400, "a trailer is called Host"},
    {CHUNKED "0\r\n\n", 400, "LF instead of CRLF"},
};

static const struct refusal refused_responses[] = {
    {"HTTP/1.1 20 OK\r\n\r\n", 400, "three-digit"},
    {"HTTP/1.1 2000 OK\r\n\r\n", 400, "three-digit"},
    {"HTTP/1.1  200 OK\r\n\r\n", 400, "three-digit"},
    {"HTTP/1.1\r\n\r\n", 400, "three-digit"},
    {"HTTP/1.1 099 X\r\n\r\n", 400, "got 99"},
    {"HTTP/1.1 600 X\r\n\r\n", 400, "got 600"},
    {"HTTP/1.1 200 O\x01K\r\n\r\n", 400, "control character"},
    {"HTTP/3.0 200 OK\r\n\r\n", 505, "got HTTP/3.0"},
    {"HTTX/1.1 200 OK\r\n\r\n", 400, "version"},
    {"\r\nHTTP/1.1 200 OK\r\n\r\n", 400, "version"},
    {"HTTP/1.1 101 Switching Protocols\r\n\r\n", 400, "switched protocols"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "more than once"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "together"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\nx", 400, "more came"},
};

static void assert_refused(enum http_side side, const struct refusal *refusal)
{
    struct buf out = buf_limited(1u << 20);
    http_transcript(&out, side, false, slice_str(refusal->input), uncut);
    char status[32];
    snprintf(status, sizeof(status), " %u ", refusal->status);
    const char *failed = out.data ? strstr(out.data, "FAILED ") : NULL;
    if (!failed || !strstr(failed, status) || !strstr(failed, refusal->why))
        fail_msg("%s\nexpected %u %s, got %s", refusal->input, refusal->status, refusal->why,
                 out.data);
    buf_free(&out);
}

static void what_could_smuggle_a_request_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused_requests); i++)
        assert_refused(HTTP_REQUEST, &refused_requests[i]);
}

static void chunks_that_are_not_exact_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused_chunks); i++)
        assert_refused(HTTP_REQUEST, &refused_chunks[i]);
}

static void broken_responses_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused_responses); i++)
        assert_refused(HTTP_RESPONSE, &refused_responses[i]);
}

static void a_nul_in_a_value_is_refused(void **state)
{
    (void)state;
    struct buf out = buf_limited(1000);
    http_transcript(&out, HTTP_REQUEST, false, SLICE("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n"),
                    uncut);
    assert_non_null(strstr(out.data, "byte 0x00 in its value"));
    buf_free(&out);
}

static void a_connection_that_ends_early_says_what_is_missing(void **state)
{
    (void)state;
    static const struct {
        const char *input, *why;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nA: b\r\n", "within a head, after 23 bytes"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
         "when 2 of 5 bytes of the body had come"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
         "before its last chunk"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf out = buf_limited(10000);
        http_transcript(&out, HTTP_RESPONSE, false, slice_str(cases[i].input), uncut);
        const char *failed = strstr(out.data, "FAILED closed");
        assert_non_null(failed);
        assert_non_null(strstr(failed, cases[i].why));
        buf_free(&out);
    }
}

/* ---- limits ---- */

static void append(struct buf *b, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++)
        assert_true(result_ok(buf_append(b, slice_str(text))));
}

/* The failure, which must be the same when the input comes in pieces of any size. */
static void assert_limited(const struct buf *input, const char *why)
{
    static const size_t pieces[] = {0, 1, 7, 1000, 4096};
    for (size_t i = 0; i < COUNT(pieces); i++) {
        struct buf out = buf_limited(8u << 20);
        http_transcript(&out, HTTP_REQUEST, false, buf_slice(input),
                        (struct cut){.every = pieces[i]});
        const char *failed = out.data ? strstr(out.data, "FAILED") : "nothing";
        if (!why)
            assert_null(failed);
        else
            assert_string_equal(failed, why);
        buf_free(&out);
    }
}

static void every_limit_has_its_refusal(void **state)
{
    (void)state;
    struct buf b = buf_limited(4u << 20);
    append(&b, "GET /", 1);
    append(&b, "x", LIMIT_HTTP_LINE_BYTES);
    assert_limited(&b, "FAILED too_large 414 the start line has more than 8192 bytes");

    buf_clear(&b);
    append(&b, "GET / HTTP/1.1\r\n" HOST "A: ", 1);
    append(&b, "x", LIMIT_HTTP_LINE_BYTES);
    assert_limited(&b, "FAILED too_large 431 head line 3 has more than 8192 bytes");

    buf_clear(&b);
    append(&b, "GET / HTTP/1.1\r\n", 1);
    append(&b, "A: b\r\n", LIMIT_HTTP_HEADERS + 1);
    append(&b, "\r\n", 1);
    assert_limited(&b, "FAILED too_large 431 the head has more than 128 lines");

    buf_clear(&b);
    append(&b, "GET / HTTP/1.1\r\n", 1);
    for (int i = 0; i < 9; i++) {
        append(&b, "A: ", 1);
        append(&b, "x", 8000);
        append(&b, "\r\n", 1);
    }
    assert_limited(&b, "FAILED too_large 431 the head has more than 65536 bytes");

    buf_clear(&b);
    append(&b, CHUNKED "1;", 1);
    append(&b, "x", LIMIT_HTTP_CHUNK_LINE_BYTES);
    assert_limited(&b, "FAILED too_large 400 a chunk-size line has more than 1024 bytes");

    buf_clear(&b);
    append(&b, CHUNKED, 1);
    append(&b, "1;0123456789abcde\r\nx\r\n", LIMIT_HTTP_EXTENSION_BYTES / 16 + 1);
    assert_limited(
        &b, "FAILED too_large 413 the message has more than 16384 bytes of chunk extensions");

    buf_clear(&b);
    append(&b, CHUNKED "0\r\n", 1);
    append(&b, "A: b\r\n", LIMIT_HTTP_HEADERS + 2);
    append(&b, "\r\n", 1);
    assert_limited(&b, "FAILED too_large 431 the trailer has more than 128 lines");
    buf_free(&b);
}

static void what_is_just_within_the_limits_passes(void **state)
{
    (void)state;
    struct buf b = buf_limited(1u << 20);
    append(&b, "GET / HTTP/1.1\r\n" HOST, 1);
    append(&b, "A: b\r\n", LIMIT_HTTP_HEADERS - 1);
    append(&b, "\r\n", 1);
    assert_limited(&b, NULL);
    buf_clear(&b);
    append(&b, "GET / HTTP/1.1\r\n" HOST "A: ", 1);
    append(&b, "x", LIMIT_HTTP_LINE_BYTES - 5);
    append(&b, "\r\n\r\n", 1);
    assert_limited(&b, NULL);
    buf_free(&b);
}

/* ---- every cut ---- */

static void assert_same(enum http_side side, struct slice input, const struct buf *whole,
                        struct cut cut)
{
    struct buf out = buf_limited(1u << 20);
    http_transcript(&out, side, false, input, cut);
    assert_string_equal(out.data ? out.data : "", whole->data ? whole->data : "");
    buf_free(&out);
}

static void assert_cuts_do_not_matter(enum http_side side, const char *text, struct random *random)
{
    struct slice input = slice_str(text);
    struct buf whole = buf_limited(1u << 20);
    http_transcript(&whole, side, false, input, uncut);
    for (size_t at = 1; at < input.len; at++)
        assert_same(side, input, &whole, (struct cut){.first = at});
    assert_same(side, input, &whole, every_byte);
    for (int n = 0; n < 50; n++)
        assert_same(side, input, &whole, (struct cut){.random = random});
    buf_free(&whole);
}

static void the_events_are_the_same_for_every_cut(void **state)
{
    (void)state;
    struct random random = random_seeded(1945);
    for (size_t i = 0; i < COUNT(requests); i++)
        assert_cuts_do_not_matter(HTTP_REQUEST, requests[i].input, &random);
    for (size_t i = 0; i < COUNT(responses); i++)
        assert_cuts_do_not_matter(HTTP_RESPONSE, responses[i].input, &random);
    for (size_t i = 0; i < COUNT(refused_requests); i++)
        assert_cuts_do_not_matter(HTTP_REQUEST, refused_requests[i].input, &random);
    for (size_t i = 0; i < COUNT(refused_chunks); i++)
        assert_cuts_do_not_matter(HTTP_REQUEST, refused_chunks[i].input, &random);
    for (size_t i = 0; i < COUNT(refused_responses); i++)
        assert_cuts_do_not_matter(HTTP_RESPONSE, refused_responses[i].input, &random);
}

/* ---- slices ---- */

static void a_whole_head_and_a_body_are_not_copied(void **state)
{
    (void)state;
    struct http_parser p;
    http_init(&p, HTTP_REQUEST);
    struct slice input = SLICE("POST /x HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi");
    const char *begin = input.data;
    struct http_event event;
    assert_true(result_ok(http_next(&p, &input, &event)));
    assert_ptr_equal(event.head->block.data, begin);
    assert_true(result_ok(http_next(&p, &input, &event)));
    assert_int_equal(event.kind, HTTP_BODY);
    assert_ptr_equal(event.bytes.data, begin + 48);
    assert_int_equal(p.offset, 50);
    assert_null(p.gathered.data);
    http_free(&p);
}

static void a_head_can_be_copied_with_its_slices(void **state)
{
    (void)state;
    struct http_parser p;
    http_init(&p, HTTP_REQUEST);
    char text[] = "GET /x HTTP/1.1\r\n" HOST "\r\n";
    struct slice input = slice_str(text);
    struct http_event event;
    assert_true(result_ok(http_next(&p, &input, &event)));
    struct buf copy = buf_limited(1000);
    assert_true(result_ok(buf_append(&copy, event.head->block)));
    struct http_head head = http_head_at(event.head, copy.data);
    memset(text, 'z', sizeof(text));
    struct slice host;
    assert_true(slice_is(head.method, "GET"));
    assert_true(slice_is(head.target, "/x"));
    assert_true(http_header_find(head.headers, SLICE("HOST"), &host));
    assert_true(slice_is(host, "h"));
    assert_false(http_header_find(head.headers, SLICE("Hos"), &host));
    buf_free(&copy);
    http_free(&p);
}

static void a_word_is_found_in_a_list_only_whole(void **state)
{
    (void)state;
    assert_true(http_list_has(SLICE("close"), SLICE("close")));
    assert_true(http_list_has(SLICE("a ,\tCLOSE , b"), SLICE("close")));
    assert_false(http_list_has(SLICE("closed, a close"), SLICE("close")));
    assert_false(http_list_has(SLICE(""), SLICE("close")));
}

/* ---- writing ---- */

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    struct buf b = buf_limited(1000);
    assert_true(result_ok(http_write_request(&b, SLICE("POST"), SLICE("/x?y"))));
    assert_true(result_ok(http_write_header(&b, SLICE("Host"), SLICE("h"))));
    assert_true(result_ok(http_write_chunked(&b)));
    assert_true(result_ok(http_write_head_end(&b)));
    assert_true(result_ok(http_write_chunk(&b, SLICE("0123456789abcdefg"))));
    assert_true(result_ok(http_write_chunk(&b, SLICE(""))));
    assert_true(result_ok(http_write_last_chunk(&b)));
    assert_non_null(strstr(b.data, "\r\n11\r\n0123"));
    assert_transcript(HTTP_REQUEST, false, b.data,
                      "\nHEAD POST /x?y status 0  1.1 no length 0 chunked body keep-alive"
                      "\n  Host=h\n  Transfer-Encoding=chunked\nBODY 0123456789abcdefg\nEND");
    buf_clear(&b);
    assert_true(result_ok(http_write_status(&b, 404)));
    assert_true(result_ok(http_write_length(&b, 0)));
    assert_true(result_ok(http_write_head_end(&b)));
    assert_string_equal(b.data, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    buf_free(&b);
}

static void nothing_can_be_injected_into_what_is_written(void **state)
{
    (void)state;
    struct buf b = buf_limited(1000);
    static const struct slice bad_values[] = {SLICE("a\r\nb: c"), SLICE("a\nb"), SLICE("a\rb"),
                                              SLICE("a\0b"), SLICE("\x7f")};
    for (size_t i = 0; i < COUNT(bad_values); i++)
        assert_int_equal(http_write_header(&b, SLICE("A"), bad_values[i]).code, ERR_VALUE);
    static const struct slice bad_names[] = {SLICE(""), SLICE("a b"), SLICE("a:"), SLICE("a\r\n")};
    for (size_t i = 0; i < COUNT(bad_names); i++)
        assert_int_equal(http_write_header(&b, bad_names[i], SLICE("x")).code, ERR_VALUE);
    assert_int_equal(http_write_request(&b, SLICE("GET /"), SLICE("/")).code, ERR_VALUE);
    assert_int_equal(http_write_request(&b, SLICE("GET"), SLICE("/a b")).code, ERR_VALUE);
    assert_int_equal(http_write_request(&b, SLICE("GET"), SLICE("/\r\nA: b")).code, ERR_VALUE);
    assert_int_equal(http_write_request(&b, SLICE(""), SLICE("/")).code, ERR_VALUE);
    assert_int_equal(http_write_request(&b, SLICE("GET"), SLICE("")).code, ERR_VALUE);
    assert_int_equal(b.len, 0);
    buf_free(&b);
}

static void a_line_is_written_whole_or_not_at_all(void **state)
{
    (void)state;
    struct buf b = buf_limited(20);
    assert_int_equal(http_write_header(&b, SLICE("Name"), SLICE("0123456789abcdef")).code,
                     ERR_TOO_LARGE);
    assert_int_equal(b.len, 0);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_understood),
        cmocka_unit_test(responses_are_understood),
        cmocka_unit_test(the_answer_to_head_has_no_body),
        cmocka_unit_test(what_could_smuggle_a_request_is_refused),
        cmocka_unit_test(chunks_that_are_not_exact_are_refused),
        cmocka_unit_test(broken_responses_are_refused),
        cmocka_unit_test(a_nul_in_a_value_is_refused),
        cmocka_unit_test(a_connection_that_ends_early_says_what_is_missing),
        cmocka_unit_test(every_limit_has_its_refusal),
        cmocka_unit_test(what_is_just_within_the_limits_passes),
        cmocka_unit_test(the_events_are_the_same_for_every_cut),
        cmocka_unit_test(a_whole_head_and_a_body_are_not_copied),
        cmocka_unit_test(a_head_can_be_copied_with_its_slices),
        cmocka_unit_test(a_word_is_found_in_a_list_only_whole),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(nothing_can_be_injected_into_what_is_written),
        cmocka_unit_test(a_line_is_written_whole_or_not_at_all),
    };
    return cmocka_run_group_tests_name("HTTP", tests, NULL, NULL);
}
