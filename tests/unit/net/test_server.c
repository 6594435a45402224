/*
 * The simulators' server over real sockets: it runs its loop in a thread of its own, the test is
 * the client, byte by byte. What happens in the server is awaited through semaphores.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/memory.h"
#include "net/server.h"

#define REPLY(body) "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " body
#define HELLO REPLY("5\r\n\r\nhello")
#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define FLOOD_BYTES (8u << 20)

struct house {
    uv_loop_t loop;
    uv_thread_t thread;
    uv_async_t wake;
    struct server *server;
    struct exchange *held; /* the exchange of /later */
    size_t flood_left;
    sem_t holding, aborted, stopped;
    sem_t blocked, go_on; /* of /block, which keeps the whole loop waiting */
    _Atomic bool answer;  /* asks the loop to answer what is held */
    _Atomic int64_t stop; /* asks it to stop with this patience; -1: no */
};

/* ---- the server's side: every path shows one power ---- */

static void flood(struct house *house, struct exchange *ex)
{
    static const char block[16384];
    while (house->flood_left > 0 && exchange_pending(ex) < 100000) {
        exchange_write(ex, slice_of(block, sizeof(block)));
        house->flood_left -= sizeof(block);
    }
    if (house->flood_left == 0)
        exchange_end(ex);
}

static void serve_flood(struct house *house, struct exchange *ex)
{
    house->flood_left = FLOOD_BYTES;
    exchange_begin(ex, 200, SLICE(""), EXCHANGE_LENGTH, FLOOD_BYTES);
    flood(house, ex);
}

static void serve_hello(struct house *house, struct exchange *ex)
{
    (void)house;
    exchange_reply(ex, 200, SLICE("text/plain"), SLICE("hello"));
}

static void serve_echo(struct house *house, struct exchange *ex)
{
    (void)house;
    exchange_reply(ex, 200, SLICE("text/plain"), ex->body);
}

static void serve_later(struct house *house, struct exchange *ex)
{
    house->held = ex;
    ex->user = house;
    sem_post(&house->holding);
}

static void answer_held(struct house *house)
{
    struct exchange *ex = house->held;
    house->held = NULL;
    if (ex)
        exchange_reply(ex, 200, SLICE("text/plain"), SLICE("later"));
}

static void serve_answer(struct house *house, struct exchange *ex)
{
    answer_held(house);
    exchange_reply(ex, 204, SLICE(""), SLICE(""));
}

static void serve_block(struct house *house, struct exchange *ex)
{
    sem_post(&house->blocked);
    while (sem_wait(&house->go_on) != 0)
        ;
    exchange_reply(ex, 204, SLICE(""), SLICE(""));
}

static void serve_request(struct house *house, struct exchange *ex)
{
    (void)house;
    struct slice header = SLICE("none");
    http_header_find(ex->headers, SLICE("x-test"), &header);
    struct buf text = buf_limited(1000);
    struct result r =
        buf_printf(&text, "%.*s|%.*s|%.*s|%.*s|%.*s", SLICE_ARG(ex->method), SLICE_ARG(ex->target),
                   SLICE_ARG(ex->path), SLICE_ARG(ex->query), SLICE_ARG(header));
    MUST(result_ok(r), "%s", error_last()->text);
    exchange_reply(ex, 200, SLICE(""), buf_slice(&text));
    buf_free(&text);
}

static void serve_headers(struct house *house, struct exchange *ex)
{
    (void)house;
    struct result good = exchange_header(ex, SLICE("X-Good"), SLICE("1"));
    struct result bad = exchange_header(ex, SLICE("X-Bad"), SLICE("1\r\nX-Forged: 2"));
    exchange_reply(ex, result_ok(good) && bad.code == ERR_VALUE ? 201 : 500, SLICE(""), SLICE(""));
}

static void serve_stream(struct house *house, struct exchange *ex)
{
    (void)house;
    exchange_begin(ex, 200, SLICE("text/event-stream"), EXCHANGE_CHUNKED, 0);
    exchange_write(ex, SLICE("data: 1\n\n"));
    exchange_write(ex, SLICE(""));
    exchange_write(ex, SLICE("data: 2\n\n"));
    exchange_end(ex);
}

static void serve_nothing(struct house *house, struct exchange *ex)
{
    (void)house;
    exchange_reply(ex, 204, SLICE(""), SLICE(""));
}

static void serve_short(struct house *house, struct exchange *ex)
{
    (void)house;
    exchange_begin(ex, 200, SLICE(""), EXCHANGE_LENGTH, 10);
    exchange_write(ex, SLICE("hello"));
    exchange_end(ex);
}

static void serve_half_chunk(struct house *house, struct exchange *ex)
{
    (void)house;
    exchange_begin(ex, 200, SLICE(""), EXCHANGE_CHUNKED, 0);
    exchange_write(ex, SLICE("ab"));
    exchange_write_raw(ex, SLICE("5\r\nhel"));
    exchange_close(ex);
}

static void serve_garbage(struct house *house, struct exchange *ex)
{
    (void)house;
    exchange_write_raw(ex, SLICE("no HTTP"));
    exchange_close(ex);
}

static void serve_reset(struct house *house, struct exchange *ex)
{
    (void)house;
    exchange_begin(ex, 200, SLICE(""), EXCHANGE_LENGTH, 10);
    exchange_write(ex, SLICE("hello"));
    exchange_reset(ex);
}

/* More than may be held for a client that does not read. */
static void serve_too_much(struct house *house, struct exchange *ex)
{
    static const char block[1u << 20];
    ex->user = house;
    exchange_begin(ex, 200, SLICE(""), EXCHANGE_CHUNKED, 0);
    for (int i = 0; i < 80; i++)
        exchange_write(ex, slice_of(block, sizeof(block)));
}

static const struct {
    const char *path;
    void (*serve)(struct house *house, struct exchange *ex);
} paths[] = {
    {"/hello", serve_hello},     {"/echo", serve_echo},       {"/later", serve_later},
    {"/request", serve_request}, {"/headers", serve_headers}, {"/stream", serve_stream},
    {"/nothing", serve_nothing}, {"/short", serve_short},     {"/half-chunk", serve_half_chunk},
    {"/garbage", serve_garbage}, {"/reset", serve_reset},     {"/too-much", serve_too_much},
    {"/flood", serve_flood},     {"/answer", serve_answer},   {"/block", serve_block},
};

static void on_request(void *context, struct exchange *ex)
{
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (slice_is(ex->path, paths[i].path)) {
            paths[i].serve(context, ex);
            return;
        }
    }
    exchange_reply(ex, 404, SLICE(""), SLICE(""));
}

static void on_abort(void *context, struct exchange *ex)
{
    struct house *house = context;
    if (ex == house->held)
        house->held = NULL;
    if (ex->user == house)
        sem_post(&house->aborted);
}

static void on_drain(void *context, struct exchange *ex)
{
    struct house *house = context;
    if (slice_is(ex->path, "/flood"))
        flood(house, ex);
}

/* ---- its life ---- */

static void on_stopped(void *context)
{
    struct house *house = context;
    uv_close((uv_handle_t *)&house->wake, NULL);
    sem_post(&house->stopped);
}

static void on_wake(uv_async_t *wake)
{
    struct house *house = wake->data;
    if (atomic_exchange(&house->answer, false))
        answer_held(house);
    int64_t patience = atomic_exchange(&house->stop, -1);
    if (patience >= 0)
        server_stop(house->server, patience, on_stopped);
}

static void run_loop(void *argument)
{
    struct house *house = argument;
    uv_run(&house->loop, UV_RUN_DEFAULT);
}

/* Everything but the thread. */
static struct house *prepare_house(struct server_options options)
{
    struct house *house = NEW(struct house);
    house->stop = -1;
    sem_init(&house->holding, 0, 0);
    sem_init(&house->aborted, 0, 0);
    sem_init(&house->stopped, 0, 0);
    sem_init(&house->blocked, 0, 0);
    sem_init(&house->go_on, 0, 0);
    assert_int_equal(uv_loop_init(&house->loop), 0);
    options.handler = (struct server_handler){house, on_request, on_abort, on_drain};
    assert_true(result_ok(server_start(&house->server, &house->loop, &options)));
    assert_int_equal(uv_async_init(&house->loop, &house->wake, on_wake), 0);
    house->wake.data = house;
    return house;
}

static struct house *open_with(struct server_options options)
{
    struct house *house = prepare_house(options);
    assert_int_equal(uv_thread_create(&house->thread, run_loop, house), 0);
    return house;
}

static struct house *open_house(void)
{
    return open_with((struct server_options){0});
}

static void ask_to_answer(struct house *house)
{
    house->answer = true;
    uv_async_send(&house->wake);
}

static void ask_to_stop(struct house *house, int64_t patience)
{
    house->stop = patience;
    uv_async_send(&house->wake);
}

/* Wait for the server, which a failure must not make endless. */
static void await(sem_t *sem)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    int r;
    do
        r = sem_timedwait(sem, &until);
    while (r != 0 && errno == EINTR);
    assert_int_equal(r, 0);
}

/* The server has stopped, or was asked to: nothing of it may be left. */
static void close_stopped(struct house *house)
{
    await(&house->stopped);
    assert_int_equal(uv_thread_join(&house->thread), 0);
    assert_int_equal(uv_loop_close(&house->loop), 0);
    mem_free(house);
}

static void close_house(struct house *house)
{
    ask_to_stop(house, 0);
    close_stopped(house);
}

/* ---- the client's side ---- */

static int dial(const struct house *house)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(server_port(house->server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = 20};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void tell(int fd, const char *text)
{
    size_t len = strlen(text);
    assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), len);
}

/* Exactly this comes next. */
static void assert_hears(int fd, const char *expected)
{
    size_t len = strlen(expected);
    char *got = mem_zero(len + 1);
    size_t n = 0;
    while (n < len) {
        ssize_t more = recv(fd, got + n, len - n, 0);
        if (more <= 0)
            break;
        n += (size_t)more;
    }
    assert_string_equal(got, expected);
    mem_free(got);
}

static void assert_hears_end(int fd)
{
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    close(fd);
}

static void assert_exchange(const char *said, const char *heard)
{
    struct house *house = open_house();
    int fd = dial(house);
    tell(fd, said);
    assert_hears(fd, heard);
    close(fd);
    close_house(house);
}

/* The same, and the server ends the connection. */
static void assert_last_exchange(const char *said, const char *heard)
{
    struct house *house = open_house();
    int fd = dial(house);
    tell(fd, said);
    assert_hears(fd, heard);
    assert_hears_end(fd);
    close_house(house);
}

/* ---- requests and replies ---- */

static void a_connection_carries_many_exchanges(void **state)
{
    (void)state;
    struct house *house = open_house();
    int fd = dial(house);
    for (int i = 0; i < 3; i++) {
        tell(fd, GET("/hello"));
        assert_hears(fd, HELLO);
        tell(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
        assert_hears(fd, REPLY("3\r\n\r\nabc"));
    }
    close(fd);
    close_house(house);
}

static void a_request_can_come_byte_by_byte(void **state)
{
    (void)state;
    struct house *house = open_house();
    int fd = dial(house);
    const char *request = "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                          "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
    for (const char *c = request; *c; c++)
        tell(fd, (const char[]){*c, '\0'});
    assert_hears(fd, REPLY("3\r\n\r\nabc"));
    close(fd);
    close_house(house);
}

static void a_handler_sees_the_parts_of_a_request(void **state)
{
    (void)state;
    assert_exchange("PATCH /request?a=b&c HTTP/1.1\r\nHost: h\r\nX-TEST: value \r\n\r\n",
                    "HTTP/1.1 200 OK\r\nContent-Length: 41\r\n\r\n"
                    "PATCH|/request?a=b&c|/request|a=b&c|value");
}

static void headers_are_added_and_never_forged(void **state)
{
    (void)state;
    assert_exchange(GET("/headers"),
                    "HTTP/1.1 201 Created\r\nX-Good: 1\r\nContent-Length: 0\r\n\r\n");
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    struct house *house = open_house();
    int fd = dial(house);
    tell(fd, GET("/hello") GET("/later") GET("/hello") GET("/nothing"));
    assert_hears(fd, HELLO);
    await(&house->holding);
    ask_to_answer(house);
    assert_hears(fd, REPLY("5\r\n\r\nlater") HELLO "HTTP/1.1 204 No Content\r\n\r\n");
    close(fd);
    close_house(house);
}

static void many_requests_sent_ahead_are_all_answered(void **state)
{
    (void)state;
    enum { AHEAD = 20000 }; /* 600 KB: more than is read ahead, less than sockets hold */
    struct house *house = open_house();
    int fd = dial(house);
    int size = 2 << 20;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    tell(fd, GET("/later"));
    await(&house->holding);
    struct buf all = buf_limited(4u << 20);
    for (int i = 0; i < AHEAD; i++)
        assert_true(result_ok(buf_append(&all, SLICE(GET("/nothing")))));
    size_t sent = 0;
    ssize_t n = send(fd, all.data, all.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    assert_true(n > 0);
    sent = (size_t)n;
    ask_to_answer(house);
    assert_hears(fd, REPLY("5\r\n\r\nlater"));
    int heard = 0;
    const char *reply = "HTTP/1.1 204 No Content\r\n\r\n";
    while (sent < all.len) {
        n = send(fd, all.data + sent, all.len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            sent += (size_t)n;
        } else {
            assert_hears(fd, reply);
            heard++;
        }
    }
    for (; heard < AHEAD; heard++)
        assert_hears(fd, reply);
    buf_free(&all);
    close(fd);
    close_house(house);
}

/* One iteration of the loop ends an exchange and then reads from its connection: what was sent
 * ahead before comes first. */
static void requests_sent_ahead_keep_their_order_in_one_iteration(void **state)
{
    (void)state;
    struct house *house = open_house();
    int ahead = dial(house), other = dial(house), blocking = dial(house);
    tell(ahead, GET("/later") "GET /hel");
    await(&house->holding);
    tell(blocking, GET("/block"));
    await(&house->blocked);
    tell(other, GET("/answer"));
    tell(ahead, "lo HTTP/1.1\r\nHost: h\r\n\r\n");
    sem_post(&house->go_on);
    assert_hears(ahead, REPLY("5\r\n\r\nlater") HELLO);
    close(ahead);
    close(other);
    close(blocking);
    close_house(house);
}

static void head_is_answered_without_a_body(void **state)
{
    (void)state;
    assert_exchange(
        "HEAD /hello HTTP/1.1\r\nHost: h\r\n\r\nHEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n" GET(
            "/hello"),
        REPLY("5\r\n\r\n") "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                           "Transfer-Encoding: chunked\r\n\r\n" HELLO);
}

static void a_client_of_http_1_0_is_understood(void **state)
{
    (void)state;
    assert_last_exchange(
        "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
        "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        REPLY("5\r\nConnection: keep-alive\r\n\r\nhello") "HTTP/1.1 200 OK\r\nContent-Type: "
                                                          "text/event-stream\r\n"
                                                          "Connection: close\r\n\r\ndata: "
                                                          "1\n\ndata: 2\n\n");
}

static void the_connection_ends_when_the_client_wants_it(void **state)
{
    (void)state;
    assert_last_exchange("GET /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
                         REPLY("5\r\nConnection: close\r\n\r\nhello"));
}

static void a_client_that_only_sends_is_answered_when_that_takes_no_time(void **state)
{
    (void)state;
    struct house *house = open_house();
    int fd = dial(house);
    tell(fd, GET("/hello") GET("/hello"));
    shutdown(fd, SHUT_WR);
    assert_hears(fd, HELLO HELLO);
    assert_hears_end(fd);
    close_house(house);
}

static void the_body_is_asked_for_when_the_client_waits(void **state)
{
    (void)state;
    struct house *house = open_house();
    int fd = dial(house);
    tell(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
             "Expect: 100-continue\r\n\r\n");
    assert_hears(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    tell(fd, "abc");
    assert_hears(fd, REPLY("3\r\n\r\nabc"));
    close(fd);
    close_house(house);
}

/* ---- refusals ---- */

#define TOO_LARGE                                                                                  \
    "HTTP/1.1 413 Content Too Large\r\nContent-Type: application/json\r\nContent-Length: 51\r\n"   \
    "Connection: close\r\n\r\n{\"error\":\"the body of a request may have 4 bytes\"}\n"

static void a_body_beyond_the_limit_is_refused(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabcde",
        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde",
    };
    for (size_t i = 0; i < 3; i++) {
        struct house *house = open_with((struct server_options){.body_max = 4});
        int fd = dial(house);
        tell(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nabcd");
        assert_hears(fd, REPLY("4\r\n\r\nabcd"));
        tell(fd, requests[i]);
        assert_hears(fd, TOO_LARGE);
        assert_hears_end(fd);
        close_house(house);
    }
}

static void a_broken_request_is_answered_and_the_connection_ended(void **state)
{
    (void)state;
    assert_last_exchange(GET("/hello") "GET / HTTP/1.1\r\n\r\n",
                         HELLO "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n"
                               "Content-Length: 36\r\nConnection: close\r\n\r\n"
                               "{\"error\":\"the request has no Host\"}\n");
    assert_exchange("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                    "HTTP/1.1 505 HTTP Version Not Supported\r\n");
}

/* A connection closed while the client sends is reset, which can overtake the answer. */
static void a_refusal_does_not_reset_a_client_that_is_still_sending(void **state)
{
    (void)state;
    struct house *house = open_with((struct server_options){.body_max = 4});
    int fd = dial(house);
    tell(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n");
    assert_hears(fd, TOO_LARGE);
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    for (int i = 0; i < 9; i++)
        tell(fd, "x");
    close(fd);
    close_house(house);
}

/* ---- streams and faults ---- */

static void a_stream_is_sent_in_chunks(void **state)
{
    (void)state;
    assert_exchange(GET("/stream") GET("/hello"),
                    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n"
                    "9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n" HELLO);
}

static void a_wrong_length_ends_the_connection(void **state)
{
    (void)state;
    assert_last_exchange(GET("/short") GET("/hello"),
                         "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
}

static void half_a_chunk_can_be_sent(void **state)
{
    (void)state;
    assert_last_exchange(GET("/half-chunk"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                             "2\r\nab\r\n5\r\nhel");
}

static void something_other_than_http_can_be_sent(void **state)
{
    (void)state;
    assert_last_exchange(GET("/garbage"), "no HTTP");
}

static void a_connection_can_be_reset_after_some_bytes(void **state)
{
    (void)state;
    struct house *house = open_house();
    int fd = dial(house);
    tell(fd, GET("/reset"));
    assert_hears(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    close(fd);
    close_house(house);
}

static void much_is_sent_at_the_pace_of_the_client(void **state)
{
    (void)state;
    struct house *house = open_house();
    int fd = dial(house);
    tell(fd, GET("/flood") GET("/hello"));
    assert_hears(fd, "HTTP/1.1 200 OK\r\nContent-Length: 8388608\r\n\r\n");
    char *block = mem_alloc(FLOOD_BYTES);
    assert_int_equal(recv(fd, block, FLOOD_BYTES, MSG_WAITALL), FLOOD_BYTES);
    mem_free(block);
    assert_hears(fd, HELLO);
    close(fd);
    close_house(house);
}

/* ---- clients that go ---- */

static void assert_abort(void (*go)(int fd))
{
    struct house *house = open_house();
    int fd = dial(house);
    tell(fd, GET("/later"));
    await(&house->holding);
    go(fd);
    await(&house->aborted);
    ask_to_answer(house); /* to nobody */
    close_house(house);
}

static void go_quietly(int fd)
{
    close(fd);
}

static void go_by_reset(int fd)
{
    struct linger at_once = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(fd);
}

static void the_handler_hears_of_a_client_that_goes(void **state)
{
    (void)state;
    assert_abort(go_quietly);
    assert_abort(go_by_reset);
}

static void a_client_that_does_not_read_is_cut_off(void **state)
{
    (void)state;
    struct house *house = open_house();
    int fd = dial(house);
    tell(fd, GET("/too-much"));
    await(&house->aborted);
    close(fd);
    close_house(house);
}

static void a_quiet_connection_is_closed_in_time(void **state)
{
    (void)state;
    struct house *house = open_with((struct server_options){.idle_timeout = 30 * NS_PER_MS});
    int quiet = dial(house), slow = dial(house), served = dial(house);
    tell(slow, "GET /hello HTTP/1.1\r\nHost:");
    tell(served, GET("/hello"));
    assert_hears(served, HELLO);
    assert_hears_end(served);
    assert_hears_end(quiet);
    assert_hears(slow, "HTTP/1.1 408 Request Timeout\r\n");
    close(slow);
    close_house(house);
}

static void an_exchange_may_take_longer_than_idleness(void **state)
{
    (void)state;
    struct house *house = open_with((struct server_options){.idle_timeout = 30 * NS_PER_MS});
    int busy = dial(house);
    tell(busy, GET("/later"));
    await(&house->holding);
    int quiet = dial(house);
    assert_hears_end(quiet);
    ask_to_answer(house);
    assert_hears(busy, REPLY("5\r\n\r\nlater"));
    close(busy);
    close_house(house);
}

/* ---- start and stop ---- */

static void stopping_lets_exchanges_finish(void **state)
{
    (void)state;
    struct house *house = open_house();
    int busy = dial(house), quiet = dial(house);
    tell(quiet, GET("/hello"));
    assert_hears(quiet, HELLO);
    tell(busy, GET("/later"));
    await(&house->holding);
    ask_to_stop(house, 60 * NS_PER_S);
    assert_hears_end(quiet);
    ask_to_answer(house);
    assert_hears(busy, REPLY("5\r\nConnection: close\r\n\r\nlater"));
    assert_hears_end(busy);
    close_stopped(house);
}

static void stopping_aborts_what_takes_too_long(void **state)
{
    (void)state;
    struct house *house = open_house();
    int fd = dial(house);
    tell(fd, GET("/later"));
    await(&house->holding);
    ask_to_stop(house, 60 * NS_PER_S);
    ask_to_stop(house, 0);
    await(&house->aborted);
    assert_hears_end(fd);
    close_stopped(house);
}

static void servers_side_by_side_share_connections_evenly_until_they_stop(void **state)
{
    (void)state;
    struct house *first = prepare_house((struct server_options){0});
    struct house *second = prepare_house((struct server_options){.beside = first->server});
    int fds[8];
    assert_int_equal(server_port(second->server), server_port(first->server));
    assert_int_equal(uv_thread_create(&first->thread, run_loop, first), 0);
    assert_int_equal(uv_thread_create(&second->thread, run_loop, second), 0);
    for (int i = 0; i < 8; i++) {
        fds[i] = dial(first);
        tell(fds[i], GET("/hello"));
        assert_hears(fds[i], HELLO);
    }
    assert_int_equal(server_connections(first->server), 4);
    assert_int_equal(server_connections(second->server), 4);
    close_house(second);
    int fd = dial(first); /* the first goes on alone */
    tell(fd, GET("/hello"));
    assert_hears(fd, HELLO);
    close(fd);
    for (int i = 0; i < 8; i++)
        close(fds[i]);
    close_house(first);
}

static void a_server_that_cannot_listen_says_why(void **state)
{
    (void)state;
    struct house *house = open_house();
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct server *server = NULL;
    struct server_options taken = {.port = server_port(house->server)};
    assert_int_equal(server_start(&server, &loop, &taken).code, ERR_IO);
    assert_non_null(strstr(error_last()->text, "address already in use"));
    struct server_options named = {.host = "localhost"};
    assert_int_equal(server_start(&server, &loop, &named).code, ERR_VALUE);
    assert_non_null(strstr(error_last()->text, "got localhost"));
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    close_house(house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_carries_many_exchanges),
        cmocka_unit_test(a_request_can_come_byte_by_byte),
        cmocka_unit_test(a_handler_sees_the_parts_of_a_request),
        cmocka_unit_test(headers_are_added_and_never_forged),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(many_requests_sent_ahead_are_all_answered),
        cmocka_unit_test(requests_sent_ahead_keep_their_order_in_one_iteration),
        cmocka_unit_test(head_is_answered_without_a_body),
        cmocka_unit_test(a_client_of_http_1_0_is_understood),
        cmocka_unit_test(the_connection_ends_when_the_client_wants_it),
        cmocka_unit_test(a_client_that_only_sends_is_answered_when_that_takes_no_time),
        cmocka_unit_test(the_body_is_asked_for_when_the_client_waits),
        cmocka_unit_test(a_body_beyond_the_limit_is_refused),
        cmocka_unit_test(a_broken_request_is_answered_and_the_connection_ended),
        cmocka_unit_test(a_refusal_does_not_reset_a_client_that_is_still_sending),
        cmocka_unit_test(a_stream_is_sent_in_chunks),
        cmocka_unit_test(a_wrong_length_ends_the_connection),
        cmocka_unit_test(half_a_chunk_can_be_sent),
        cmocka_unit_test(something_other_than_http_can_be_sent),
        cmocka_unit_test(a_connection_can_be_reset_after_some_bytes),
        cmocka_unit_test(much_is_sent_at_the_pace_of_the_client),
        cmocka_unit_test(the_handler_hears_of_a_client_that_goes),
        cmocka_unit_test(a_client_that_does_not_read_is_cut_off),
        cmocka_unit_test(a_quiet_connection_is_closed_in_time),
        cmocka_unit_test(an_exchange_may_take_longer_than_idleness),
        cmocka_unit_test(stopping_lets_exchanges_finish),
        cmocka_unit_test(stopping_aborts_what_takes_too_long),
        cmocka_unit_test(servers_side_by_side_share_connections_evenly_until_they_stop),
        cmocka_unit_test(a_server_that_cannot_listen_says_why),
    };
    return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
