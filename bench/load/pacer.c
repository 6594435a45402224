/*
 * A service of event streams that keeps the time of its own sends, to hold a load generator to: it
 * answers every POST with EVENTS events in the worker's form, one every INTERVAL-US microseconds
 * (0: all at once). The text of each is when it was sent (monotonic ns; 0 when all are), and on
 * SIGTERM it prints as JSON how long its gaps really were, from just before one send to just before
 * the next.
 *
 *     pacer EVENTS INTERVAL-US        prints "port N" first
 *
 * One thread. All streams have the same interval, so what is due next is a queue.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/memory.h"
#include "core/parse.h"
#include "load/histogram.h"

#define STREAMS (1u << 16)

#define EVENT "data: {\"type\":\"token\",\"t\":\"%019llu\",\"i\":%7u}\n\n"
#define LAST "data: {\"type\":\"end\",\"tokens_out\":%u,\"stop_reason\":\"MAX_TOKENS\"}\n\n"

struct stream {
    int64_t due, sent; /* the next event, and when the last one was sent */
    uint32_t done;     /* events sent */
};

static struct stream streams[STREAMS]; /* by descriptor */
static uint32_t queue[STREAMS], head, tail;
static struct histogram gaps;
static uint32_t events;
static int64_t interval;
static struct buf answer; /* all of one, when there is no interval */
static volatile sig_atomic_t over;

static void end(int signal)
{
    (void)signal;
    over = 1;
}

static uint32_t number(const char *text)
{
    uint64_t n = 0;
    if (!result_ok(parse_unsigned(slice_str(text), 100000000, &n))) {
        fprintf(stderr, "pacer: %s\n", error_last()->text);
        exit(2);
    }
    return (uint32_t)n;
}

static void send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n < 0)
            return; /* the client is gone, and epoll will say so */
        bytes += n;
        len -= (size_t)n;
    }
}

static void must(struct result r)
{
    MUST(result_ok(r), "%s", error_last()->text);
}

static void add_head(struct buf *b)
{
    char last[100];
    size_t event =
        strlen("data: {\"type\":\"token\",\"t\":\"1234567890123456789\",\"i\":1234567}\n\n");
    size_t length = event * events + (size_t)snprintf(last, sizeof(last), LAST, events);
    must(buf_printf(
        b, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %u\r\n\r\n",
        (uint32_t)length));
}

static void begin_stream(int fd, struct buf *scratch)
{
    if (interval == 0) {
        send_all(fd, answer.data, answer.len);
        return;
    }
    buf_clear(scratch);
    add_head(scratch);
    send_all(fd, scratch->data, scratch->len);
    streams[fd] = (struct stream){.due = clock_now() + interval};
    queue[tail++ % STREAMS] = (uint32_t)fd;
}

static void send_due(struct buf *scratch)
{
    while (head != tail) {
        int fd = (int)queue[head % STREAMS];
        struct stream *s = &streams[fd];
        int64_t now = clock_now();
        if (s->due > now)
            return;
        head++;
        buf_clear(scratch);
        must(buf_printf(scratch, EVENT, (unsigned long long)now, s->done++));
        if (s->sent)
            histogram_add(&gaps, now - s->sent);
        s->sent = now;
        s->due += interval;
        if (s->done == events)
            must(buf_printf(scratch, LAST, events));
        else
            queue[tail++ % STREAMS] = (uint32_t)fd;
        send_all(fd, scratch->data, scratch->len);
    }
}

static void accept_one(int epoll, int listener)
{
    int on = 1, fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (fd < 0 || fd >= (int)STREAMS)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static int listen_on(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(fd, 4096) != 0 || getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        perror("pacer");
        exit(3);
    }
    *port = ntohs(address.sin_port);
    return fd;
}

static void serve(int listener)
{
    struct epoll_event found[64], event = {.events = EPOLLIN, .data.fd = listener};
    struct buf scratch = buf_limited(4096);
    char request[65536];
    ssize_t got = 0;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    while (!over) {
        int64_t left = head != tail ? streams[queue[head % STREAMS]].due - clock_now() : NS_PER_S;
        struct timespec wait = {left > 0 ? left / NS_PER_S : 0, left > 0 ? left % NS_PER_S : 0};
        int n = epoll_pwait2(epoll, found, 64, &wait, NULL);
        for (int i = 0; i < n; i++) {
            int fd = found[i].data.fd;
            if (fd == listener)
                accept_one(epoll, listener);
            else if ((got = recv(fd, request, sizeof(request), 0)) <= 0)
                close(fd);
            else if (slice_starts(slice_of(request, (size_t)got), SLICE("POST ")))
                begin_stream(fd, &scratch); /* a body that comes for itself is of no interest */
            send_due(&scratch);
        }
        send_due(&scratch);
    }
    buf_free(&scratch);
    close(epoll);
}

int main(int argc, char **argv)
{
    uint16_t port = 0;
    if (argc != 3) {
        fprintf(stderr, "usage: pacer EVENTS INTERVAL-US\n");
        return 2;
    }
    events = number(argv[1]);
    interval = number(argv[2]) * NS_PER_US;
    histogram_clear(&gaps);
    prctl(PR_SET_TIMERSLACK, 1ul);
    answer = buf_limited(256u << 20);
    add_head(&answer);
    for (uint32_t i = 0; i < events; i++)
        must(buf_printf(&answer, EVENT, 0ull, i));
    must(buf_printf(&answer, LAST, events));
    struct sigaction action = {.sa_handler = end};
    sigaction(SIGTERM, &action, NULL);
    int listener = listen_on(&port);
    printf("port %u\n", port);
    fflush(stdout);
    serve(listener);
    printf("{\"count\":%llu", (unsigned long long)gaps.count);
    static const double percents[] = {1, 50, 90, 99, 99.9};
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++)
        printf(",\"p%g\":%lld", percents[i], (long long)histogram_percentile(&gaps, percents[i]));
    printf(",\"max\":%lld}\n", (long long)gaps.most);
    buf_free(&answer);
    return 0;
}
