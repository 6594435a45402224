/*
 * Many event streams from one server at once: how many events come, how exactly they come when they
 * should, and what they cost the server in CPU time and memory. One thread with epoll, which does
 * nothing with an event but count it.
 *
 *     streams PORT PID STREAMS DELAY-MS SECONDS [TOKENS [chat]]
 *
 * Load as a service has it: streams begin one after the other, spread evenly over four seconds, so
 * that their events are due at all times and not in heaps; a stream that is over begins again on
 * its connection. What is counted begins two seconds later and ends after SECONDS. Without a delay
 * all begin at once.
 *
 * A gap is from one read with events to the next, by two clocks: when the kernel took the segment
 * from the server (SO_TIMESTAMPNS, on loopback within the server's own send), and when this program
 * saw it. The first is the server's exactness, the second has the lateness of this program in it;
 * where several events come in one read, their gap counts as one long one, against the server.
 *
 * With "chat" the streams are those of OpenAI's API, which other servers have too.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/parse.h"

#define RAMP (4 * NS_PER_S)
#define WARM_UP (2 * NS_PER_S)

#define GAP_STEP_NS 10000 /* of a table of gaps */
#define GAP_STEPS 200000

struct gaps {
    uint64_t steps[GAP_STEPS], count;
};

struct stream {
    int fd;
    bool started;                 /* what came first is no token, and not paced */
    int64_t last, last_by_kernel; /* when its last token came; 0: none yet */
};

static struct gaps seen, by_kernel;
static uint64_t events, reads, jobs, tokens = 2048;
static int64_t delay_ms;
static bool chat, counting;

static uint64_t number(const char *text)
{
    uint64_t n;
    if (!result_ok(parse_unsigned(slice_str(text), UINT32_MAX, &n))) {
        fprintf(stderr, "streams: %s\n", error_last()->text);
        exit(2);
    }
    return n;
}

static int dial(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        perror("streams: connect");
        exit(3);
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void ask(struct stream *s)
{
    char body[240], request[600];
    int body_len;
    unsigned long long id = jobs++;
    if (chat)
        body_len = snprintf(body, sizeof(body),
                            "{\"model\":\"%s\",\"stream\":true,\"max_tokens\":%llu,\"messages\":[{"
                            "\"role\":\"user\",\"content\":\"hello\"}]}",
                            "stub", (unsigned long long)tokens);
    else
        body_len = snprintf(body, sizeof(body),
                            "{\"job_id\":\"s%llu\",\"prompt\":\"p%llu\",\"max_tokens\":%llu}", id,
                            id, (unsigned long long)tokens);
    int len =
        snprintf(request, sizeof(request),
                 "POST %s HTTP/1.1\r\nHost: w\r\nContent-Type: application/json\r\n"
                 "X-Assay-Delay-Ms: %lld\r\nX-Assay-Metrics-Interval-Ms: 0\r\n"
                 "Content-Length: %d\r\n\r\n%s",
                 chat ? "/v1/chat/completions" : "/execute", (long long)delay_ms, body_len, body);
    if (write(s->fd, request, (size_t)len) != len) {
        perror("streams: write");
        exit(3);
    }
    s->started = false;
    s->last = s->last_by_kernel = 0;
}

/* Whole events and the end of the body in these bytes; an event cut by the end is not counted
 * twice, since only its second line end counts. */
static size_t count_events(const char *bytes, size_t len, bool *over)
{
    size_t count = 0;
    for (const char *p = bytes; (p = memchr(p, '\n', len - (size_t)(p - bytes))); p++)
        count += p > bytes && p[-1] == '\n';
    *over = len >= 5 && memcmp(bytes + len - 5, "0\r\n\r\n", 5) == 0;
    return count;
}

static void add_gap(struct gaps *gaps, int64_t gap)
{
    int64_t step = gap / GAP_STEP_NS;
    gaps->steps[step < GAP_STEPS ? step : GAP_STEPS - 1]++;
    gaps->count++;
}

/* What came, and the wall-clock time at which its last segment did. */
static ssize_t receive(int fd, char *room, size_t size, int64_t *at)
{
    union {
        char bytes[CMSG_SPACE(sizeof(struct timespec))];
        struct cmsghdr aligned;
    } control;
    struct iovec whole = {room, size};
    struct msghdr message = {.msg_iov = &whole,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    ssize_t n = recvmsg(fd, &message, 0);
    struct timespec stamp = {0};
    for (struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&message) : NULL; c;
         c = CMSG_NXTHDR(&message, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS)
            memcpy(&stamp, CMSG_DATA(c), sizeof(stamp));
    *at = (int64_t)stamp.tv_sec * NS_PER_S + stamp.tv_nsec;
    return n;
}

static void take_events(struct stream *s)
{
    static char room[256 << 10];
    bool over = false;
    int64_t by_kernel_now;
    ssize_t n = receive(s->fd, room, sizeof(room), &by_kernel_now);
    int64_t now = clock_now();
    if (n <= 0) {
        if (n < 0 && errno == EAGAIN)
            return;
        fprintf(stderr, "streams: a stream ended early\n");
        exit(1);
    }
    size_t got = count_events(room, (size_t)n, &over);
    if (counting) {
        events += got;
        reads += got > 0;
        if (s->last && got && !over) {
            add_gap(&seen, now - s->last);
            add_gap(&by_kernel, by_kernel_now - s->last_by_kernel);
        }
    }
    if (got && s->started) {
        s->last = now;
        s->last_by_kernel = by_kernel_now;
    }
    s->started = true;
    if (over)
        ask(s);
}

static double gap_ms(const struct gaps *gaps, double part)
{
    uint64_t sum = 0, wanted = (uint64_t)((double)gaps->count * part);
    size_t i = 0;
    while (i < GAP_STEPS - 1 && (sum += gaps->steps[i]) <= wanted)
        i++;
    return (double)i * GAP_STEP_NS / (double)NS_PER_MS;
}

static void show_gaps(const char *clock, const struct gaps *gaps)
{
    printf("; gaps %s p1 %.2f p50 %.2f p99 %.2f p99.9 %.2f ms", clock, gap_ms(gaps, 0.01),
           gap_ms(gaps, 0.5), gap_ms(gaps, 0.99), gap_ms(gaps, 0.999));
}

/* CPU seconds and resident kilobytes of a process. */
static void usage_of(const char *pid, double *cpu, uint64_t *resident)
{
    char path[64], line[1024] = "";
    snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    FILE *f = fopen(path, "r");
    if (!f || !fgets(line, sizeof(line), f)) {
        fprintf(stderr, "streams: no process %s\n", pid);
        exit(2);
    }
    fclose(f);
    struct slice rest = slice_str(line), field;
    uint64_t ticks = 0, pages = 0, value;
    for (int i = 1; i <= 24 && slice_split(&rest, ' ', &field); i++) {
        if (i != 14 && i != 15 && i != 24)
            continue;
        if (result_ok(parse_unsigned(field, UINT64_MAX, &value)))
            *(i == 24 ? &pages : &ticks) += value;
    }
    *cpu = (double)ticks / (double)sysconf(_SC_CLK_TCK);
    *resident = pages * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

static void show(uint64_t count, double seconds, double cpu, double own, uint64_t resident)
{
    printf(
        "%llu streams, delay %lld ms: %.0f events/s; server %.2f µs of CPU per event, %.0f %% of "
        "a core, %.1f MB; %.2f events per read; this program %.0f %%",
        (unsigned long long)count, (long long)delay_ms, (double)events / seconds,
        cpu * 1e6 / (double)events, cpu / seconds * 100, (double)resident / 1024,
        (double)events / (double)(reads ? reads : 1), own / seconds * 100);
    if (delay_ms) {
        show_gaps("sent", &by_kernel);
        show_gaps("seen", &seen);
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    mem_install();
    if (argc < 6) {
        fprintf(stderr, "usage: streams PORT PID STREAMS DELAY-MS SECONDS [TOKENS [chat]]\n");
        return 2;
    }
    uint16_t port = (uint16_t)number(argv[1]);
    const char *pid = argv[2];
    uint64_t count = number(argv[3]), begun = 0, resident;
    delay_ms = (int64_t)number(argv[4]);
    int64_t length = (int64_t)number(argv[5]) * NS_PER_S;
    tokens = argc > 6 ? number(argv[6]) : tokens;
    chat = argc > 7;
    struct stream *streams = mem_zero(count * sizeof(*streams));
    int poll = epoll_create1(EPOLL_CLOEXEC);
    double before = 0, after, own = 0;
    int64_t start = clock_now(), from = start + (delay_ms ? RAMP : 0) + WARM_UP, now = start;
    struct timespec own_time;
    while (now < from + length) {
        struct epoll_event ready[256];
        uint64_t due = delay_ms ? (uint64_t)(now - start) * count / RAMP + 1 : count;
        for (; begun < count && begun < due; begun++) {
            streams[begun].fd = dial(port);
            ask(&streams[begun]);
            struct epoll_event e = {.events = EPOLLIN, .data.ptr = &streams[begun]};
            epoll_ctl(poll, EPOLL_CTL_ADD, streams[begun].fd, &e);
        }
        int n = epoll_wait(poll, ready, 256, begun < count ? 1 : 100);
        for (int i = 0; i < n; i++)
            take_events(ready[i].data.ptr);
        now = clock_now();
        if (!counting && begun == count && now >= from) {
            counting = true;
            from = now;
            usage_of(pid, &before, &resident);
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own_time);
            own = -(double)own_time.tv_sec - (double)own_time.tv_nsec / 1e9;
        }
    }
    usage_of(pid, &after, &resident);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own_time);
    own += (double)own_time.tv_sec + (double)own_time.tv_nsec / 1e9;
    show(count, (double)(now - from) / (double)NS_PER_S, after - before, own, resident);
    return 0;
}
