/*
 * llhttp's reading of some bytes, for fuzz_http_diff.c.
 */
#include <stdio.h>

#include <llhttp.h>

#include "http_diff.h"

/* llhttp gives everything in pieces. */
struct pieces {
    struct reading *reading;
    struct buf target, name, value;
    struct buf headers; /* complete lines "name: value\n" of the head or the trailers */
};

static void add(struct buf *b, const char *at, size_t len)
{
    MUST(result_ok(buf_append(b, slice_of(at, len))), "%zu bytes", b->len);
}

static int on_message_begin(llhttp_t *p)
{
    struct pieces *pieces = p->data;
    buf_clear(&pieces->target);
    buf_clear(&pieces->headers);
    return 0;
}

static int on_url(llhttp_t *p, const char *at, size_t len)
{
    struct pieces *pieces = p->data;
    add(&pieces->target, at, len);
    return 0;
}

static int on_header_field(llhttp_t *p, const char *at, size_t len)
{
    struct pieces *pieces = p->data;
    add(&pieces->name, at, len);
    return 0;
}

static int on_header_value(llhttp_t *p, const char *at, size_t len)
{
    struct pieces *pieces = p->data;
    add(&pieces->value, at, len);
    return 0;
}

static int on_header_value_complete(llhttp_t *p)
{
    struct pieces *pieces = p->data;
    struct reading line = {.text = pieces->headers};
    reading_add_header(&line, buf_slice(&pieces->name), buf_slice(&pieces->value));
    pieces->headers = line.text;
    buf_clear(&pieces->name);
    buf_clear(&pieces->value);
    return 0;
}

static int on_headers_complete(llhttp_t *p)
{
    struct pieces *pieces = p->data;
    struct reading *r = pieces->reading;
    unsigned status = p->type == HTTP_RESPONSE ? p->status_code : 0;
    if (p->type == HTTP_REQUEST)
        reading_add(r, slice_str(llhttp_method_name(p->method)));
    reading_add(r, SLICE("\n"));
    reading_add(r, buf_slice(&pieces->target));
    reading_add_number(r, "\nstatus ", status);
    reading_add_number(r, "minor ", p->http_minor);
    reading_add(r, buf_slice(&pieces->headers));
    reading_add(r, SLICE("\n"));
    buf_clear(&pieces->headers);
    /* We ignore Upgrade, as RFC 9110, 7.8 allows; llhttp would stop at it. */
    p->upgrade = 0;
    /* RFC 9112, 6.3: these have no body, whatever their headers say; llhttp needs to be told. */
    bool bodyless = status / 100 == 1 || status == 204 || status == 304;
    return bodyless ? 1 : 0;
}

static int on_body(llhttp_t *p, const char *at, size_t len)
{
    struct pieces *pieces = p->data;
    reading_add(pieces->reading, slice_of(at, len));
    return 0;
}

static int on_message_complete(llhttp_t *p)
{
    struct pieces *pieces = p->data;
    reading_add(pieces->reading, buf_slice(&pieces->headers));
    reading_add_end(pieces->reading, llhttp_should_keep_alive(p));
    /* After an interim response comes the real one, whatever it says of the connection; for llhttp
     * both are messages alike. */
    if (p->type == HTTP_RESPONSE && p->status_code / 100 == 1) {
        p->http_minor = 1;
        p->flags = 0;
    }
    return 0;
}

void reading_by_llhttp(struct reading *r, bool response, struct slice input)
{
    static const llhttp_settings_t settings = {
        .on_message_begin = on_message_begin,
        .on_url = on_url,
        .on_header_field = on_header_field,
        .on_header_value = on_header_value,
        .on_header_value_complete = on_header_value_complete,
        .on_headers_complete = on_headers_complete,
        .on_body = on_body,
        .on_message_complete = on_message_complete,
    };
    size_t max = r->text.max;
    struct pieces pieces = {
        .reading = r,
        .target = buf_limited(max),
        .name = buf_limited(max),
        .value = buf_limited(max),
        .headers = buf_limited(max),
    };
    llhttp_t p;
    llhttp_init(&p, response ? HTTP_RESPONSE : HTTP_REQUEST, &settings);
    p.data = &pieces;
    llhttp_errno_t code = llhttp_execute(&p, input.data, input.len);
    if (code == HPE_OK)
        code = llhttp_finish(&p);
    r->failed = code != HPE_OK;
    snprintf(r->why, sizeof(r->why), "%s", llhttp_errno_name(code));
    buf_free(&pieces.target);
    buf_free(&pieces.name);
    buf_free(&pieces.value);
    buf_free(&pieces.headers);
}
