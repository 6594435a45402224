/*
 * One connection of the server: bytes to requests, and output to the kernel. Made for many quiet
 * connections: what a connection does not need at the moment (output, a request being collected) it
 * does not hold.
 */
#include "net/connection.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/limits.h"
#include "core/memory.h"
#include "core/text.h"

struct writing {
    uv_write_t request;
    struct connection *connection;
    struct buf bytes;
    size_t left; /* of them, the last `left` are still to go */
};

void connection_due(struct connection *c)
{
    if (link_alone(&c->turn))
        link_move(&c->turn, &c->server->due);
}

/* ---- closing ---- */

static void on_closed(uv_handle_t *handle)
{
    struct connection *c = LINK_OF(handle, struct connection, tcp);
    struct server *server = c->server;
    http_free(&c->parser);
    buf_free(&c->head);
    buf_free(&c->body);
    buf_free(&c->ahead);
    buf_free(&c->headers);
    buf_free(&c->out);
    mem_free(c);
    server_forget(server);
}

static bool leave(struct connection *c)
{
    if (c->phase == PHASE_CLOSED)
        return false;
    c->phase = PHASE_CLOSED;
    link_remove(&c->place);
    link_remove(&c->turn);
    return true;
}

static void close_now(struct connection *c)
{
    if (leave(c))
        uv_close((uv_handle_t *)&c->tcp, on_closed);
}

static void tell_tap(struct connection *c)
{
    const struct exchange_tap *tap = c->exchange.tap;
    c->exchange.tap = NULL;
    if (tap)
        tap->gone(&c->exchange);
}

void connection_reset(struct connection *c)
{
    tell_tap(c);
    if (leave(c) && uv_tcp_close_reset(&c->tcp, on_closed) != 0)
        uv_close((uv_handle_t *)&c->tcp, on_closed);
}

void connection_abort(struct connection *c)
{
    const struct server_handler *handler = &c->server->handler;
    if (c->phase == PHASE_ANSWERING && handler->on_abort) {
        c->broken = true; /* what the handler still writes goes nowhere */
        handler->on_abort(handler->context, &c->exchange);
    }
    tell_tap(c);
    close_now(c);
}

/* ---- output ---- */

size_t connection_pending(const struct connection *c)
{
    return c->out.len + (c->writing ? c->writing->left : 0);
}

struct buf *connection_out(struct connection *c)
{
    struct server *server = c->server;
    if (!c->out.data && server->spares > 0)
        c->out = server->spare[--server->spares];
    return &c->out;
}

/* The buffer is empty: somebody else can use its memory. */
static void give_back(struct server *server, struct buf *b)
{
    buf_clear(b);
    if (b->size > 2 * BATCH_BYTES || server->spares == SPARE_BUFFERS) {
        buf_free(b);
        return;
    }
    server->spare[server->spares++] = *b;
    *b = buf_limited(LIMIT_HTTP_PENDING_BYTES);
}

static void break_off(struct connection *c)
{
    c->broken = true;
    connection_due(c);
}

static void on_written(uv_write_t *request, int status)
{
    struct writing *w = LINK_OF(request, struct writing, request);
    struct connection *c = w->connection;
    give_back(c->server, &w->bytes);
    mem_free(w);
    c->writing = NULL;
    if (c->phase == PHASE_CLOSED)
        return;
    if (status < 0)
        c->broken = true;
    connection_due(c);
}

/* The kernel took only part: the rest goes when it takes more. */
static void write_rest(struct connection *c, size_t written)
{
    struct writing *w = NEW(struct writing);
    w->connection = c;
    w->bytes = c->out;
    w->left = c->out.len - written;
    c->out = buf_limited(LIMIT_HTTP_PENDING_BYTES);
    c->writing = w;
    uv_buf_t rest = uv_buf_init(w->bytes.data + written, (unsigned)w->left);
    if (uv_write(&w->request, (uv_stream_t *)&c->tcp, &rest, 1, on_written) == 0)
        return;
    c->writing = NULL;
    buf_free(&w->bytes);
    mem_free(w);
    break_off(c);
}

size_t connection_release(struct connection *c, size_t n)
{
    uv_os_fd_t fd;
    if (c->writing || c->out.len == 0 || c->broken || uv_fileno((uv_handle_t *)&c->tcp, &fd) != 0)
        return 0;
    /* MSG_EOR: what the kernel cannot send at once it does not join to what comes later. */
    ssize_t written = send(fd, c->out.data, n < c->out.len ? n : c->out.len,
                           MSG_EOR | MSG_DONTWAIT | MSG_NOSIGNAL);
    if (written < 0 && errno != EAGAIN && errno != EINTR)
        break_off(c);
    if (written <= 0)
        return 0;
    buf_drop(&c->out, (size_t)written);
    return (size_t)written;
}

void connection_flush(struct connection *c)
{
    if (c->writing || c->out.len == 0 || c->broken || c->hold)
        return;
    uv_buf_t all = uv_buf_init(c->out.data, (unsigned)c->out.len);
    int n = uv_try_write((uv_stream_t *)&c->tcp, &all, 1);
    if (n == UV_EAGAIN)
        n = 0;
    if (n < 0)
        break_off(c);
    else if ((size_t)n < c->out.len)
        write_rest(c, (size_t)n);
    else
        give_back(c->server, &c->out);
}

void connection_wrote(struct connection *c, struct result r)
{
    c->wrote = true;
    if (!result_ok(r) || connection_pending(c) > LIMIT_HTTP_PENDING_BYTES)
        c->broken = true;
    else if (c->out.len >= BATCH_BYTES)
        connection_flush(c);
    connection_due(c);
}

/* ---- requests ---- */

static void refuse(struct connection *c, unsigned status, struct slice json)
{
    c->phase = PHASE_ANSWERING; /* an exchange that the handler never sees */
    c->last = true;
    c->bodyless = false;
    exchange_reply(&c->exchange, status, SLICE("application/json"), json);
}

static void add_error(struct text *body, const char *why)
{
    text_add_str(body, "{\"error\":");
    text_add_json(body, slice_str(why));
    text_add_str(body, "}\n");
}

static void reply_error(struct connection *c, unsigned status, const char *why)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text body = text_in(arena);
    add_error(&body, why);
    refuse(c, status, text_slice(&body));
}

static void reply_too_large(struct connection *c)
{
    char why[80];
    const struct server_handler *handler = &c->server->handler;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text body = text_in(arena);
    snprintf(why, sizeof(why), "the body of a request may have %zu bytes", c->server->body_max);
    if (handler->refusal)
        handler->refusal(handler->context, c->exchange.path, why, &body);
    else
        add_error(&body, why);
    refuse(c, 413, text_slice(&body));
}

/* Copy the head: its slices end with this read, those of an exchange do not. */
static void begin_request(struct connection *c, const struct http_head *head, bool body_here)
{
    buf_clear(&c->head);
    buf_clear(&c->body);
    result_ignore(buf_append(&c->head, head->block)); /* the parser's ceiling is the same */
    struct http_head kept = http_head_at(head, c->head.data);
    c->exchange = (struct exchange){.method = kept.method,
                                    .target = kept.target,
                                    .path = kept.target,
                                    .headers = kept.headers,
                                    .server = c->server};
    ptrdiff_t mark = slice_find_byte(kept.target, '?');
    if (mark >= 0) {
        c->exchange.path = slice_part(kept.target, 0, (size_t)mark);
        c->exchange.query = slice_from(kept.target, (size_t)mark + 1);
    }
    if (head->has_length && head->length > c->server->body_max)
        reply_too_large(c);
    else if (head->expect_continue && !body_here)
        connection_wrote(c, buf_append(connection_out(c), SLICE("HTTP/1.1 100 Continue\r\n\r\n")));
}

static void hand_over(struct connection *c)
{
    const struct server_handler *handler = &c->server->handler;
    c->phase = PHASE_ANSWERING;
    c->exchange.body = buf_slice(&c->body);
    c->last = !c->parser.head.keep_alive;
    c->bodyless = slice_is(c->exchange.method, "HEAD");
    link_move(&c->place, &c->server->answering);
    handler->on_request(handler->context, &c->exchange);
}

/* Read requests until one is with the handler; `*input` is what lies behind it. */
static void read_requests(struct connection *c, struct slice *input)
{
    struct http_event event;
    do {
        if (!result_ok(http_next(&c->parser, input, &event))) {
            reply_error(c, http_error_status(&c->parser), error_last()->text);
            return;
        }
        if (event.kind == HTTP_HEAD)
            begin_request(c, event.head, input->len > 0);
        else if (event.kind == HTTP_BODY && !result_ok(buf_append(&c->body, event.bytes)))
            reply_too_large(c);
        else if (event.kind == HTTP_END)
            hand_over(c);
    } while (event.kind != HTTP_NEED_MORE && c->phase == PHASE_READING);
}

/* Input whose turn has not come: it is behind an exchange, or behind other input that was. */
static void keep_ahead(struct connection *c, struct slice input)
{
    struct result r = buf_append(&c->ahead, input);
    MUST(result_ok(r), "%zu bytes ahead and %zu more", c->ahead.len, input.len);
    if (c->ahead.len >= LIMIT_HTTP_PIPELINE_BYTES && !c->paused) {
        uv_read_stop((uv_stream_t *)&c->tcp);
        c->paused = true;
    }
}

static void take_input(struct connection *c, struct slice input)
{
    if (c->phase == PHASE_READING && c->ahead.len == 0) {
        if (http_between_messages(&c->parser))
            server_wait(c->server, c); /* the time for a request begins with its first byte */
        read_requests(c, &input);
    }
    bool wanted = c->phase == PHASE_READING || c->phase == PHASE_ANSWERING;
    if (wanted && input.len > 0)
        keep_ahead(c, input);
}

/* Go on with what came during the last exchange. */
static void take_ahead(struct connection *c)
{
    struct buf ahead = c->ahead;
    c->ahead = buf_limited(ahead.max);
    take_input(c, buf_slice(&ahead));
    buf_free(&ahead);
}

static void lend_input(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct connection *c = LINK_OF(handle, struct connection, tcp);
    *buf = uv_buf_init(c->server->input, READ_BYTES);
}

static void on_ended(struct connection *c)
{
    c->ended = true;
    if (c->phase == PHASE_ANSWERING)
        connection_abort(c);
    else if (c->phase == PHASE_LINGERING)
        close_now(c);
    else
        c->phase = PHASE_FINISHING;
    if (c->phase == PHASE_FINISHING)
        connection_due(c);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct connection *c = LINK_OF(stream, struct connection, tcp);
    if (n > 0)
        take_input(c, slice_of(buf->base, (size_t)n));
    else if (n == UV_EOF)
        on_ended(c);
    else if (n < 0)
        connection_abort(c);
}

static void start_reading(struct connection *c)
{
    c->paused = false;
    if (uv_read_start((uv_stream_t *)&c->tcp, lend_input, on_read) != 0)
        break_off(c);
}

/* ---- the course of a connection ---- */

static struct connection *new_connection(struct server *server)
{
    struct connection *c = NEW(struct connection);
    c->server = server;
    link_init(&c->place);
    link_init(&c->turn);
    http_init(&c->parser, HTTP_REQUEST);
    c->head = buf_limited(LIMIT_HTTP_HEAD_BYTES);
    c->body = buf_limited(server->body_max);
    c->ahead = buf_limited(LIMIT_HTTP_PIPELINE_BYTES + READ_BYTES);
    c->headers = buf_limited(LIMIT_HTTP_HEAD_BYTES);
    c->out = buf_limited(LIMIT_HTTP_PENDING_BYTES);
    MUST(uv_tcp_init(server->loop, &c->tcp) == 0, "uv_tcp_init only fills the handle");
    server_wait(server, c);
    return c;
}

static void open_connection(struct connection *c, int failed)
{
    if (failed) {
        close_now(c);
        return;
    }
    uv_tcp_nodelay(&c->tcp, 1);
    start_reading(c);
}

void connection_accept(struct server *server)
{
    struct connection *c = new_connection(server);
    server->connections++;
    open_connection(c, uv_accept((uv_stream_t *)&server->listener, (uv_stream_t *)&c->tcp));
}

void connection_adopt(struct server *server, int fd)
{
    struct connection *c = new_connection(server);
    int failed = uv_tcp_open(&c->tcp, fd);
    if (failed)
        close(fd);
    open_connection(c, failed);
}

void connection_exchange_over(struct connection *c)
{
    MUST(c->phase == PHASE_ANSWERING, "phase %d", (int)c->phase);
    bool last = c->last || c->server->stopping;
    c->phase = last ? PHASE_FINISHING : PHASE_READING;
    tell_tap(c);
    c->exchange.user = NULL;
    c->cut = EXCHANGE_CUT_NOT;
    c->begun = c->wrote = c->hold = false;
    struct buf *const buffers[] = {&c->head, &c->body, &c->headers};
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++) {
        if (buffers[i]->size > KEPT_BYTES)
            buf_free(buffers[i]);
        else
            buf_clear(buffers[i]);
    }
    server_wait(c->server, c);
    connection_due(c);
}

/* The output is out: say so to the client, and wait for it to close. */
static void finish(struct connection *c)
{
    uv_os_fd_t fd;
    if (c->ended || uv_fileno((uv_handle_t *)&c->tcp, &fd) != 0 || shutdown(fd, SHUT_WR) != 0) {
        close_now(c);
        return;
    }
    c->phase = PHASE_LINGERING;
    if (c->paused)
        start_reading(c);
    server_wait(c->server, c);
}

/* The tap ends the exchange: the handler is told that it is over, from the loop as always. */
static void cut(struct connection *c)
{
    const struct server_handler *handler = &c->server->handler;
    enum exchange_cut how = c->cut;
    if (handler->on_abort)
        handler->on_abort(handler->context, &c->exchange);
    c->last = c->last || how == EXCHANGE_CUT_CLOSE;
    if (how == EXCHANGE_CUT_RESET)
        connection_reset(c);
    else
        connection_exchange_over(c);
}

void connection_turn(struct connection *c)
{
    const struct server_handler *handler = &c->server->handler;
    if (c->cut != EXCHANGE_CUT_NOT && !c->broken) {
        cut(c);
        return;
    }
    if (!c->broken)
        connection_flush(c);
    if (c->broken) {
        connection_abort(c);
        return;
    }
    bool drained = connection_pending(c) == 0;
    if (c->phase == PHASE_FINISHING && drained) {
        finish(c);
    } else if (c->phase == PHASE_ANSWERING && drained && c->wrote) {
        c->wrote = false;
        if (handler->on_drain)
            handler->on_drain(handler->context, &c->exchange);
    } else if (c->phase == PHASE_READING) {
        if (c->ahead.len > 0)
            take_ahead(c);
        if (c->paused && c->phase == PHASE_READING)
            start_reading(c);
    }
}

void connection_expire(struct connection *c)
{
    bool quiet = connection_pending(c) == 0;
    if (c->phase == PHASE_READING && quiet && !http_between_messages(&c->parser))
        reply_error(c, 408, "the request did not come to its end in time");
    else
        close_now(c);
}

void connection_wind_up(struct connection *c)
{
    if (c->phase == PHASE_LINGERING || connection_pending(c) == 0)
        close_now(c);
    else if (c->phase == PHASE_READING)
        c->phase = PHASE_FINISHING;
}
