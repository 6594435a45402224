/*
 * The ready callback: resolve, connect, send, read the status, close. Once in a worker's life.
 */
#include "callback.h"

#include <stdio.h>

#include "core/memory.h"
#include "core/parse.h"
#include "net/http.h"

#define TIMEOUT_MS 10000
#define REQUEST_MAX (64u << 10)

struct callback {
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_getaddrinfo_t resolve;
    uv_connect_t connect;
    uv_write_t write;
    struct buf request;
    struct http_parser parser;
    char *url;
    int held; /* by libuv: handles that are open, a name being resolved */
    bool over;
    void (*done)(void *context, struct result result);
    void *context;
    char room[2048];
};

struct target {
    struct slice host, authority, path;
    char port[6];
};

static struct result read_url(const char *url, struct target *t)
{
    const struct slice scheme = SLICE("http://");
    struct slice all = slice_str(url);
    ENSURE(slice_starts(all, scheme), ERR_USAGE,
           "expected a callback such as http://127.0.0.1:8080/ready, got %s", url);
    struct slice rest = slice_from(all, scheme.len);
    ptrdiff_t slash = slice_find_byte(rest, '/');
    t->authority = slash < 0 ? rest : slice_part(rest, 0, (size_t)slash);
    t->path = slash < 0 ? SLICE("/") : slice_from(rest, (size_t)slash);

    struct slice port = SLICE("80");
    t->host = t->authority;
    ptrdiff_t bracket = slice_find_byte(t->authority, ']');
    ptrdiff_t colon = slice_find_byte(slice_from(t->authority, (size_t)(bracket + 1)), ':');
    if (colon >= 0) {
        size_t at = (size_t)(bracket + 1 + colon);
        port = slice_from(t->authority, at + 1);
        t->host = slice_part(t->authority, 0, at);
    }
    if (bracket > 0 && t->host.data[0] == '[')
        t->host = slice_part(t->host, 1, t->host.len - 2);
    uint64_t number;
    ENSURE(t->host.len > 0 && result_ok(parse_unsigned(port, 65535, &number)) && number > 0,
           ERR_USAGE, "expected a callback such as http://127.0.0.1:8080/ready, got %s", url);
    memcpy(t->port, port.data, port.len);
    t->port[port.len] = '\0';
    return RESULT_OK;
}

static struct result write_request(struct buf *b, const struct target *t, struct slice body)
{
    TRY(http_write_request(b, SLICE("POST"), t->path));
    TRY(http_write_header(b, SLICE("Host"), t->authority));
    TRY(http_write_header(b, SLICE("Content-Type"), SLICE("application/json")));
    TRY(http_write_header(b, SLICE("Connection"), SLICE("close")));
    TRY(http_write_length(b, body.len));
    TRY(http_write_head_end(b));
    return buf_append(b, body);
}

/* The last of what libuv still holds of ours has come back. */
static void release(struct callback *c)
{
    if (--c->held > 0)
        return;
    http_free(&c->parser);
    buf_free(&c->request);
    mem_free(c->url);
    mem_free(c);
}

static void on_closed(uv_handle_t *handle)
{
    release(handle->data);
}

static void end(struct callback *c, struct result result)
{
    if (c->over)
        return;
    c->over = true;
    uv_cancel((uv_req_t *)&c->resolve); /* when it is under way; on_resolved comes all the same */
    uv_close((uv_handle_t *)&c->tcp, on_closed);
    uv_close((uv_handle_t *)&c->timer, on_closed);
    c->done(c->context, result);
}

static void fail(struct callback *c, const char *what, int status)
{
    end(c, error_set(ERR_CONNECT, "the ready callback to %s failed: %s%s%s", c->url, what,
                     status ? ": " : "", status ? uv_strerror(status) : ""));
}

static void on_timeout(uv_timer_t *timer)
{
    fail(timer->data, "no answer within 10 seconds", 0);
}

static void give_room(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
    (void)wanted;
    struct callback *c = handle->data;
    *buf = uv_buf_init(c->room, sizeof(c->room));
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct callback *c = stream->data;
    if (count < 0) {
        fail(c, "no answer came", (int)count);
        return;
    }
    struct slice input = slice_of(buf->base, (size_t)count);
    struct http_event event;
    do {
        if (!result_ok(http_next(&c->parser, &input, &event))) {
            fail(c, error_last()->text, 0);
            return;
        }
    } while (event.kind == HTTP_INTERIM);
    if (event.kind != HTTP_HEAD)
        return;
    char text[40];
    snprintf(text, sizeof(text), "it answered with status %u", event.head->status);
    if (event.head->status / 100 == 2)
        end(c, RESULT_OK);
    else
        fail(c, text, 0);
}

static void on_written(uv_write_t *write, int status)
{
    struct callback *c = write->handle->data;
    if (status < 0 && status != UV_ECANCELED)
        fail(c, "cannot send", status);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct callback *c = connect->handle->data;
    if (status < 0) {
        if (status != UV_ECANCELED)
            fail(c, "cannot connect", status);
        return;
    }
    uv_buf_t buf = uv_buf_init(c->request.data, (unsigned)c->request.len);
    uv_stream_t *stream = (uv_stream_t *)&c->tcp;
    int failed = uv_write(&c->write, stream, &buf, 1, on_written);
    if (failed == 0)
        failed = uv_read_start(stream, give_room, on_read);
    if (failed)
        fail(c, "cannot send", failed);
}

static void on_resolved(uv_getaddrinfo_t *resolve, int status, struct addrinfo *addresses)
{
    struct callback *c = resolve->data;
    if (!c->over && status == 0)
        status = uv_tcp_connect(&c->connect, &c->tcp, addresses->ai_addr, on_connected);
    if (status < 0 && status != UV_ECANCELED)
        fail(c, "cannot connect", status);
    uv_freeaddrinfo(addresses);
    release(c);
}

struct result callback_start(uv_loop_t *loop, const char *url, struct slice body,
                             void (*done)(void *context, struct result result), void *context)
{
    struct target target;
    char host[256];
    TRY(read_url(url, &target));
    ENSURE(target.host.len < sizeof(host), ERR_USAGE, "a host name of %zu bytes", target.host.len);
    memcpy(host, target.host.data, target.host.len);
    host[target.host.len] = '\0';

    struct callback *c = NEW(struct callback);
    c->url = mem_string(url);
    c->request = buf_limited(REQUEST_MAX);
    struct result written = write_request(&c->request, &target, body);
    if (!result_ok(written)) {
        c->held = 1;
        release(c);
        return written;
    }
    http_init(&c->parser, HTTP_RESPONSE);
    c->done = done;
    c->context = context;
    c->tcp.data = c->timer.data = c->resolve.data = c;
    uv_tcp_init(loop, &c->tcp);
    uv_timer_init(loop, &c->timer);
    uv_timer_start(&c->timer, on_timeout, TIMEOUT_MS, 0);
    c->held = 3; /* two handles, and the resolving */
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    int failed = uv_getaddrinfo(loop, &c->resolve, on_resolved, host, target.port, &hints);
    MUST(failed == 0, "uv_getaddrinfo: %s", uv_strerror(failed));
    return RESULT_OK;
}
