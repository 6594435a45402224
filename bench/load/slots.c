/*
 * A service of known capacity, to hold a load generator to: it works on SLOTS requests at once (0:
 * on any number), each for exactly DELAY-US microseconds, in the order in which they came, so that
 * it gives SLOTS/DELAY answers a second and no more. When an answer is due follows from when its
 * request was read and from when the answer SLOTS places before it was due, never from when that
 * was really sent: being late once takes no capacity away.
 *
 *     slots DELAY-US SLOTS [LOG]        prints "port N" first
 *
 * On SIGTERM it prints as JSON how late it was itself, and writes to LOG, in binary, when each
 * request was read and when it was answered (two int64_t a request, monotonic ns). One thread;
 * requests are short and come in one piece, one at a time on a connection.
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

#include "core/clock.h"
#include "core/parse.h"
#include "load/histogram.h"

#define CONNECTIONS (1u << 16)
#define REQUESTS (1u << 17) /* waiting at once, and the most SLOTS */

static const char answer[] =
    "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok";

struct request {
    int fd;
    uint32_t connection; /* which one of those that had this descriptor */
    int64_t read, due;
};

static struct request
    requests[REQUESTS]; /* a ring; answered ones stay until they are written over */
static uint64_t head, tail;
static uint32_t connections[CONNECTIONS]; /* by descriptor */
static struct histogram late;
static int64_t delay;
static uint32_t slots;
static FILE *record;
static volatile sig_atomic_t over;

static void end(int signal)
{
    (void)signal;
    over = 1;
}

static uint32_t number(const char *text, uint32_t most)
{
    uint64_t n = 0;
    if (!result_ok(parse_unsigned(slice_str(text), most, &n))) {
        fprintf(stderr, "slots: %s\n", error_last()->text);
        exit(2);
    }
    return (uint32_t)n;
}

static void take_request(int fd)
{
    int64_t now = clock_now(), begin = now;
    MUST(tail - head < REQUESTS, "%u requests wait", REQUESTS);
    if (slots > 0 && tail >= slots) {
        const struct request *before = &requests[(tail - slots) % REQUESTS];
        begin = before->due > now ? before->due : now;
    }
    requests[tail++ % REQUESTS] = (struct request){fd, connections[fd], now, begin + delay};
}

static void answer_due(void)
{
    for (; head != tail; head++) {
        const struct request *r = &requests[head % REQUESTS];
        int64_t now = clock_now();
        if (r->due > now)
            return;
        histogram_add(&late, now - r->due);
        if (record) {
            const int64_t times[2] = {r->read, now};
            fwrite(times, sizeof(times), 1, record);
        }
        if (connections[r->fd] == r->connection) /* who is gone needs no answer, epoll says so */
            (void)!send(r->fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
    }
}

static void accept_one(int epoll, int listener)
{
    int on = 1, fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (fd < 0)
        return;
    MUST(fd < (int)CONNECTIONS, "descriptor %d", fd);
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
        perror("slots");
        exit(3);
    }
    *port = ntohs(address.sin_port);
    return fd;
}

static void serve(int listener)
{
    struct epoll_event found[64], event = {.events = EPOLLIN, .data.fd = listener};
    char bytes[65536];
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    while (!over) {
        int64_t left = head != tail ? requests[head % REQUESTS].due - clock_now() : NS_PER_S;
        struct timespec wait = {left > 0 ? left / NS_PER_S : 0, left > 0 ? left % NS_PER_S : 0};
        int n = epoll_pwait2(epoll, found, 64, &wait, NULL);
        for (int i = 0; i < n; i++) {
            int fd = found[i].data.fd;
            if (fd == listener) {
                accept_one(epoll, listener);
            } else if (recv(fd, bytes, sizeof(bytes), 0) > 0) {
                take_request(fd);
            } else {
                connections[fd]++;
                close(fd);
            }
        }
        answer_due();
    }
    close(epoll);
}

int main(int argc, char **argv)
{
    uint16_t port = 0;
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: slots DELAY-US SLOTS [LOG]\n");
        return 2;
    }
    delay = number(argv[1], 100000000) * NS_PER_US;
    slots = number(argv[2], REQUESTS);
    if (argc == 4 && !(record = fopen(argv[3], "we"))) {
        perror(argv[3]);
        return 3;
    }
    histogram_clear(&late);
    prctl(PR_SET_TIMERSLACK, 1ul);
    struct sigaction action = {.sa_handler = end};
    sigaction(SIGTERM, &action, NULL);
    int listener = listen_on(&port);
    printf("port %u\n", port);
    fflush(stdout);
    serve(listener);
    printf("{\"answered\":%llu,\"late_p50\":%lld,\"late_p99\":%lld,\"late_max\":%lld}\n",
           (unsigned long long)late.count, (long long)histogram_percentile(&late, 50),
           (long long)histogram_percentile(&late, 99), (long long)late.most);
    return record && fclose(record) != 0 ? 3 : 0;
}
