/*
 * Sockets with a deadline: non-blocking, with poll before everything that could wait.
 */
#include "harness/wire.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"

#define READ_BYTES (64u << 10)
/* poll counts milliseconds in an int. */
#define POLL_MAX (3600 * 1000)

static void close_socket(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

static struct result wait_for(int fd, short what, int64_t deadline, const char *doing)
{
    for (;;) {
        int64_t left = deadline - clock_now();
        ENSURE(left > 0, ERR_TIMEOUT, "the time was over while %s", doing);
        int64_t ms = (left + NS_PER_MS - 1) / NS_PER_MS;
        struct pollfd p = {.fd = fd, .events = what};
        int n = poll(&p, 1, (int)(ms < POLL_MAX ? ms : POLL_MAX));
        if (n > 0)
            return RESULT_OK;
        ENSURE(n == 0 || errno == EINTR, ERR_CLOSED, "%s: %s", doing, strerror(errno));
    }
}

/* ---- connecting ---- */

static struct result await_connection(int fd, const struct addrinfo *address, int64_t deadline)
{
    int error = connect(fd, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
        socklen_t size = sizeof(error);
        TRY(wait_for(fd, POLLOUT, deadline, "connecting"));
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
            error = errno;
    }
    ENSURE(error == 0, ERR_CONNECT, "%s", strerror(error));
    return RESULT_OK;
}

static struct result connect_to(const struct addrinfo *address, int64_t deadline, int *out)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ENSURE(fd >= 0, ERR_CONNECT, "no socket: %s", strerror(errno));
    struct result r = await_connection(fd, address, deadline);
    if (result_ok(r))
        *out = fd;
    else
        (void)close(fd);
    return r;
}

static struct result connect_any(const struct wire_request *request, int64_t deadline, int *out)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
    int failed = getaddrinfo(request->host, request->service, &hints, &found);
    ENSURE(failed == 0, ERR_CONNECT, "%s: %s", request->host, gai_strerror(failed));
    struct result r = {ERR_CONNECT};
    for (const struct addrinfo *a = found; a; a = a->ai_next) {
        r = connect_to(a, deadline, out);
        if (result_ok(r) || r.code == ERR_TIMEOUT)
            break;
    }
    freeaddrinfo(found);
    return result_ok(r) ? r
                        : error_context(r, "connecting to %s:%s", request->host, request->service);
}

/* ---- sending ---- */

/* A server may answer and close before it has read everything: that is seen by reading. */
static struct result send_all(int fd, struct slice bytes, int64_t deadline)
{
    while (bytes.len > 0) {
        ssize_t n = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);
        if (n >= 0)
            bytes = slice_from(bytes, (size_t)n);
        else if (errno == EAGAIN)
            TRY(wait_for(fd, POLLOUT, deadline, "sending the request"));
        else if (errno == EPIPE || errno == ECONNRESET)
            return RESULT_OK;
        else
            ENSURE(errno == EINTR, ERR_CLOSED, "sending the request: %s", strerror(errno));
    }
    return RESULT_OK;
}

/* ---- reading ---- */

static struct result take_events(struct http_parser *parser, struct slice input,
                                 struct wire_reader *reader, bool *over)
{
    while (!*over && !reader->enough) {
        struct http_event event;
        TRY(http_next(parser, &input, &event));
        switch (event.kind) {
        case HTTP_NEED_MORE:
            return RESULT_OK;
        case HTTP_INTERIM:
            break;
        case HTTP_HEAD:
            TRY(reader->on_head(reader->context, event.head));
            break;
        case HTTP_BODY:
            TRY(reader->on_body(reader->context, event.bytes));
            break;
        case HTTP_END:
            *over = true;
            break;
        }
    }
    return RESULT_OK;
}

/* The connection has ended: was that the end of the answer? */
static struct result connection_over(struct http_parser *parser)
{
    struct http_event event;
    TRY(http_end_of_input(parser, &event));
    ENSURE(event.kind == HTTP_END, ERR_CLOSED, "the connection was closed without an answer");
    return RESULT_OK;
}

static struct result read_answer(int fd, struct http_parser *parser, struct wire_reader *reader)
{
    char bytes[READ_BYTES];
    bool over = false;
    while (!over && !reader->enough) {
        ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
        if (n < 0 && errno == EAGAIN)
            TRY(wait_for(fd, POLLIN, reader->deadline, "reading the answer"));
        else if (n < 0)
            ENSURE(errno == EINTR, ERR_CLOSED, "reading the answer: %s", strerror(errno));
        if (n == 0)
            return connection_over(parser);
        if (n < 0)
            continue;
        struct slice input = slice_of(bytes, (size_t)n);
        TRY(reader->on_raw(reader->context, input));
        TRY(take_events(parser, input, reader, &over));
    }
    return RESULT_OK;
}

struct result wire_exchange(const struct wire_request *request, struct wire_reader *reader)
{
    DEFER(close_socket)
    int fd = -1;
    TRY(connect_any(request, reader->deadline, &fd));
    TRY(send_all(fd, request->bytes, reader->deadline));
    DEFER(http_free)
    struct http_parser parser;
    http_init(&parser, HTTP_RESPONSE);
    http_expect_head(&parser, request->head);
    return read_answer(fd, &parser, reader);
}
