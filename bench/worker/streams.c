/*
 * Many event streams from one worker at once: how many events come, how exactly they come when they
 * should, and what they cost the worker in CPU time and memory. For measuring a worker whose
 * streams are paced or not; one thread with epoll, which does nothing with an event but count it.
 *
 *     streams PORT PID STREAMS TOKENS DELAY-MS [SECONDS]
 *
 * Streams begin spread over one second when they are paced. Gaps are from one event to the next as
 * they arrive here, so that lateness of this program counts against the worker.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/parse.h"

#define GAP_STEP_NS 10000 /* of the table of gaps */
#define GAP_STEPS 200000

struct stream {
    int fd;
    int64_t last; /* when its last token came; 0: none yet */
    bool started; /* what came first is no token, and not paced */
};

static uint64_t gaps[GAP_STEPS];
static uint64_t gap_count, events, ended;

static uint64_t number(const char *text)
{
    uint64_t n;
    if (!result_ok(parse_unsigned(slice_str(text), UINT32_MAX, &n))) {
        fprintf(stderr, "streams: %s\n", error_last()->text);
        exit(2);
    }
    return n;
}

static int begin(uint16_t port, uint64_t id, uint64_t tokens, uint64_t delay_ms)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    char body[160], request[512];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        perror("streams: connect");
        exit(3);
    }
    int body_len = snprintf(
        body, sizeof(body), "{\"job_id\":\"s%llu\",\"prompt\":\"p%llu\",\"max_tokens\":%llu}",
        (unsigned long long)id, (unsigned long long)id, (unsigned long long)tokens);
    int len = snprintf(request, sizeof(request),
                       "POST /execute HTTP/1.1\r\nHost: w\r\nContent-Type: application/json\r\n"
                       "X-Assay-Delay-Ms: %llu\r\nX-Assay-Metrics-Interval-Ms: 0\r\n"
                       "Content-Length: %d\r\n\r\n%s",
                       (unsigned long long)delay_ms, body_len, body);
    if (write(fd, request, (size_t)len) != len) {
        perror("streams: write");
        exit(3);
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
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

static void take_events(struct stream *s, int64_t now, bool paced)
{
    static char room[256 << 10];
    bool over = false;
    ssize_t n = read(s->fd, room, sizeof(room));
    if (n <= 0) {
        if (n < 0 && errno == EAGAIN)
            return;
        fprintf(stderr, "streams: a stream ended early\n");
        exit(1);
    }
    size_t got = count_events(room, (size_t)n, &over);
    events += got;
    if (s->last && paced && got && !over) {
        int64_t step = (now - s->last) / GAP_STEP_NS;
        gaps[step < GAP_STEPS ? step : GAP_STEPS - 1]++;
        gap_count++;
    }
    if (got && s->started)
        s->last = now;
    s->started = true;
    if (over) {
        ended++;
        close(s->fd);
    }
}

static double gap_ms(double part)
{
    uint64_t sum = 0, wanted = (uint64_t)((double)gap_count * part);
    size_t i = 0;
    while (i < GAP_STEPS - 1 && (sum += gaps[i]) <= wanted)
        i++;
    return (double)i * GAP_STEP_NS / (double)NS_PER_MS;
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

int main(int argc, char **argv)
{
    mem_install();
    if (argc < 6) {
        fprintf(stderr, "usage: streams PORT PID STREAMS TOKENS DELAY-MS [SECONDS]\n");
        return 2;
    }
    uint16_t port = (uint16_t)number(argv[1]);
    uint64_t count = number(argv[3]), tokens = number(argv[4]), delay = number(argv[5]);
    int64_t limit = argc > 6 ? (int64_t)number(argv[6]) * NS_PER_S : CLOCK_NEVER;
    struct stream *streams = mem_zero(count * sizeof(*streams));
    int poll = epoll_create1(EPOLL_CLOEXEC);
    double cpu_before, cpu;
    uint64_t resident;
    usage_of(argv[2], &cpu_before, &resident);
    uint64_t begun = 0;
    int64_t start = clock_now();
    while (ended < count && clock_now() - start < limit) {
        struct epoll_event ready[256];
        int64_t now = clock_now();
        uint64_t due = delay ? (uint64_t)(now - start) * count / (uint64_t)NS_PER_S + 1 : count;
        for (; begun < count && begun < due; begun++) {
            streams[begun].fd = begin(port, begun, tokens, delay);
            struct epoll_event e = {.events = EPOLLIN, .data.ptr = &streams[begun]};
            epoll_ctl(poll, EPOLL_CTL_ADD, streams[begun].fd, &e);
        }
        int n = epoll_wait(poll, ready, 256, begun < count ? 1 : 100);
        now = clock_now();
        for (int i = 0; i < n; i++)
            take_events(ready[i].data.ptr, now, delay > 0);
    }
    double seconds = (double)(clock_now() - start) / (double)NS_PER_S;
    usage_of(argv[2], &cpu, &resident);
    cpu -= cpu_before;
    printf("%llu streams, delay %llu ms: %.0f events/s; worker %.2f µs of CPU per event, "
           "%.0f %% of a core, %.1f MB",
           (unsigned long long)count, (unsigned long long)delay, (double)events / seconds,
           cpu * 1e6 / (double)events, cpu / seconds * 100, (double)resident / 1024);
    if (delay)
        printf("; gaps p1 %.2f p50 %.2f p99 %.2f p99.9 %.2f ms", gap_ms(0.01), gap_ms(0.5),
               gap_ms(0.99), gap_ms(0.999));
    printf("\n");
    return 0;
}
