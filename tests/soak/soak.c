/*
 * A long random life for the worker: requests of every kind, every fault, clients that go away in
 * the middle, for SOAK_SECONDS of CPU time, the worker's and its clients' (default 5). It must
 * answer all the time, hold no descriptor and no memory more at the end than at the beginning, and
 * end with status 0, which under a sanitizer means that it found nothing.
 *
 *     soak WORKER-COMMAND…
 *
 * What is sent depends on SOAK_SEED alone; the seed is shown, so that a run can be repeated.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/parse.h"
#include "core/random.h"
#include "faults.h"

#define CLIENTS 250
/* What a client waits at most: some faults never answer. */
#define PATIENCE (400 * NS_PER_MS)
/* Memory that may come and go, beside a quarter of it: buffers that are kept, a sanitizer's own. */
#define GROWTH_KB (2 << 10)

struct client {
    int fd; /* -1: idle */
    int64_t give_up;
    size_t wanted; /* bytes after which it goes away */
};

static pid_t worker;
static uint16_t port;
static struct random dice;
static uint64_t connections, answers, number;

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    uint64_t value;
    const char *text = getenv(name);
    return text && result_ok(parse_unsigned(slice_str(text), UINT32_MAX, &value)) ? value
                                                                                  : otherwise;
}

static int64_t roll(int64_t high)
{
    return random_between(&dice, 0, high);
}

/* Freed memory that AddressSanitizer keeps for a while would look like a leak. */
static void shorten_quarantine(void)
{
    char options[512];
    const char *before = getenv("ASAN_OPTIONS");
    snprintf(options, sizeof(options),
             "%s%squarantine_size_mb=4:thread_local_quarantine_size_kb=64", before ? before : "",
             before ? ":" : "");
    setenv("ASAN_OPTIONS", options, 1);
}

static void start_worker(char **command)
{
    int out[2];
    char line[128];
    if (pipe(out) != 0)
        exit(3);
    worker = fork();
    if (worker == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(out[1], STDOUT_FILENO);
        close(out[0]);
        close(out[1]);
        shorten_quarantine();
        execv(command[0], command);
        _exit(127);
    }
    close(out[1]);
    FILE *lines = fdopen(out[0], "r");
    uint64_t value = 0;
    if (fgets(line, sizeof(line), lines) && strrchr(line, ':') &&
        result_ok(parse_unsigned(slice_trim(slice_str(strrchr(line, ':') + 1)), 65535, &value)))
        port = (uint16_t)value;
    fclose(lines);
}

static size_t descriptors(void)
{
    char path[64];
    size_t count = 0;
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)worker);
    DIR *dir = opendir(path);
    while (dir && readdir(dir))
        count++;
    if (dir)
        closedir(dir);
    return count;
}

static uint64_t resident_kb(void)
{
    char path[64], line[256];
    uint64_t kb = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)worker);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f)) {
        struct slice rest = slice_str(line), part;
        if (!slice_split(&rest, ':', &part) || !slice_is(part, "VmRSS"))
            continue;
        rest = slice_trim(rest);
        if (slice_split(&rest, ' ', &part) && !result_ok(parse_unsigned(part, UINT64_MAX, &kb)))
            kb = 0;
    }
    if (f)
        fclose(f);
    return kb;
}

static int64_t clock_ns(clockid_t id)
{
    struct timespec t = {0};
    return clock_gettime(id, &t) == 0 ? (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec : 0;
}

static int64_t cpu_of_worker(void)
{
    clockid_t id;
    return clock_getcpuclockid(worker, &id) == 0 ? clock_ns(id) : 0;
}

static int64_t cpu_spent(void)
{
    return cpu_of_worker() + clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

/* ---- requests ---- */

static const char *random_fault(char *out, size_t size, bool openai)
{
    enum fault_name fault = (enum fault_name)roll(FAULT_COUNT - 1);
    const struct fault_row *row = &fault_rows[fault];
    if (roll(1) || fault == FAULT_EXIT || (row->openai_only && !openai))
        return "";
    size_t n = (size_t)snprintf(out, size, "X-Assay-Fault: %s", row->name);
    if (row->parameters[FAULT_AT].taken)
        n += (size_t)snprintf(out + n, size - n, ",at=%d", (int)roll(20));
    if (row->parameters[FAULT_MS].taken && roll(3))
        n += (size_t)snprintf(out + n, size - n, ",ms=%d", (int)roll(20) + 1);
    if (row->parameters[FAULT_BYTES].taken)
        n += (size_t)snprintf(out + n, size - n, ",bytes=%d", (int)roll(500) + 1);
    snprintf(out + n, size - n, "%s\r\n", roll(3) ? "" : "; crlf");
    return out;
}

static const char *random_prompt(void)
{
    static const char *const prompts[] = {"echo:stop at } or never", "words 語 🚀", "x"};
    return prompts[roll(2)];
}

/* A body for one of the paths; the path is returned. */
static const char *random_body(char *out, size_t size)
{
    const char *prompt = random_prompt(), *stream = roll(2) ? "true" : "false";
    int most = (int)roll(400) + (roll(20) != 0);
    switch (roll(9)) {
    case 0:
        snprintf(out, size, "{\"job_id\":\"j%llu\"}",
                 (unsigned long long)(number - (uint64_t)roll(30)));
        return "/cancel";
    case 1:
        snprintf(out, size,
                 "{\"model\":\"stub\",\"stream\":%s,\"max_tokens\":%d,\"prompt\":\"%s\"}", stream,
                 most, prompt);
        return "/v1/completions";
    case 2:
        snprintf(out, size,
                 "{\"model\":\"stub\",\"stream\":%s,\"max_tokens\":%d,\"n\":%d,\"logprobs\":true,"
                 "\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}",
                 stream, most, (int)roll(3) + 1, prompt);
        return "/v1/chat/completions";
    case 3:
        snprintf(out, size, "{\"model\":\"stub\",\"input\":[\"%s\",\"more\"]}", prompt);
        return "/v1/embeddings";
    case 4:
        snprintf(out, size,
                 "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1,2],\"data\":"
                 "[%d,0.5]}]}",
                 most);
        return "/v2/models/linear/infer";
    default:
        snprintf(
            out, size,
            "{\"job_id\":\"j%llu\",\"prompt\":\"%s\",\"max_tokens\":%d,\"stop\":[\"}\",\"語\"]}",
            (unsigned long long)++number, prompt, most);
        return "/execute";
    }
}

/* `more`: another follows on the connection. */
static size_t random_request(char *out, size_t size, bool more)
{
    static const char *const gets[] = {"/health", "/metrics", "/v1/models", "/v2/models/linear",
                                       "/nothing"};
    static const char *const paces[] = {"", "X-Assay-Delay-Ms: lognormal:2,1\r\n",
                                        "X-Assay-First-Token-Ms: 30\r\n"};
    char fault[160] = "", body[400];
    const char *connection = more ? "" : "Connection: close\r\n";
    if (roll(9) == 0)
        return (size_t)snprintf(out, size, "GET %s HTTP/1.1\r\nHost: w\r\n%s%s\r\n", gets[roll(4)],
                                connection, random_fault(fault, sizeof(fault), false));
    const char *path = random_body(body, sizeof(body));
    bool openai = slice_starts(slice_str(path), SLICE("/v1/"));
    return (size_t)snprintf(out, size,
                            "POST %s HTTP/1.1\r\nHost: w\r\n%s%s%s"
                            "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%.*s",
                            path, connection, paces[roll(2)],
                            random_fault(fault, sizeof(fault), openai), strlen(body),
                            (int)(more || roll(50) ? strlen(body) : strlen(body) / 2), body);
}

/* ---- clients ---- */

static bool begin(struct client *c)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    char request[2048];
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        return false;
    size_t len = roll(5) == 0 ? random_request(request, sizeof(request), true) : 0;
    len += random_request(request + len, sizeof(request) - len, false);
    if (write(c->fd, request, len) != (ssize_t)len)
        return false;
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    c->give_up = clock_now() + PATIENCE;
    c->wanted = roll(3) ? SIZE_MAX : (size_t)roll(3000);
    connections++;
    return true;
}

/* Sometimes with a reset. */
static void end(struct client *c)
{
    struct linger now = {.l_onoff = roll(3) == 0};
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(c->fd);
    c->fd = -1;
}

static void read_some(struct client *c)
{
    char room[8192];
    ssize_t n = read(c->fd, room, sizeof(room));
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0 || (size_t)n >= c->wanted) {
        answers += n == 0;
        end(c);
        return;
    }
    c->wanted -= c->wanted == SIZE_MAX ? 0 : (size_t)n;
}

/*
 * Keep all clients busy until so much CPU time is spent, or, without refilling, until the last is
 * done. False when the worker does not take connections any more.
 */
static bool mix(struct client *clients, int64_t until, bool refill)
{
    for (size_t open = 1; open > 0 && (refill ? cpu_spent() < until : true);) {
        struct pollfd fds[CLIENTS];
        open = 0;
        for (size_t i = 0; i < CLIENTS; i++) {
            if (clients[i].fd >= 0 && clock_now() > clients[i].give_up)
                end(&clients[i]);
            if (clients[i].fd < 0 && refill && !begin(&clients[i]))
                return false;
            fds[i] = (struct pollfd){clients[i].fd, POLLIN, 0};
            open += clients[i].fd >= 0;
        }
        if (poll(fds, CLIENTS, 20) <= 0)
            continue;
        for (size_t i = 0; i < CLIENTS; i++)
            if (fds[i].revents && clients[i].fd >= 0)
                read_some(&clients[i]);
    }
    return true;
}

/* Descriptors when nobody is connected: the worker needs a moment to see that clients went. */
static size_t quiet_descriptors(size_t expected)
{
    for (int64_t end_of_wait = clock_now() + 10 * NS_PER_S; clock_now() < end_of_wait;) {
        if (descriptors() <= expected)
            break;
        poll(NULL, 0, 10);
    }
    return descriptors();
}

static int verdict(bool ok, const char *what)
{
    printf("%s - %s\n", ok ? "ok" : "not ok", what);
    return !ok;
}

#define PARTS 6

/* What each sixth of the time left, with nobody connected. */
struct measure {
    uint64_t resident_kb;
    size_t descriptors;
};

static void show(const struct measure *m, uint64_t seed, int64_t worker_ns)
{
    printf("# seed %llu: %llu connections, %llu read to their end, %.1f s of CPU of the worker and "
           "%.1f s of its clients\n# resident MB and descriptors from start to end:",
           (unsigned long long)seed, (unsigned long long)connections, (unsigned long long)answers,
           (double)worker_ns / NS_PER_S, (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID) / NS_PER_S);
    for (size_t i = 0; i <= PARTS; i++)
        printf(" %.1f/%zu", (double)m[i].resident_kb / 1024, m[i].descriptors);
    printf("\n1..4\n");
}

int main(int argc, char **argv)
{
    struct client clients[CLIENTS];
    struct measure at[PARTS + 1] = {{0}};
    int64_t length = (int64_t)from_environment("SOAK_SECONDS", 5) * NS_PER_S;
    uint64_t seed = from_environment("SOAK_SEED", 1);
    int status = 0, failed = 0;
    bool alive = true;
    mem_install();
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2)
        return 2;
    dice = random_seeded(seed);
    start_worker(argv + 1);
    for (size_t i = 0; i < CLIENTS; i++)
        clients[i].fd = -1;
    at[0] = (struct measure){resident_kb(), descriptors()};
    for (size_t i = 1; i <= PARTS && alive; i++) {
        alive = mix(clients, length * (int64_t)i / PARTS, true) && mix(clients, INT64_MAX, false);
        size_t left = quiet_descriptors(at[0].descriptors);
        at[i] = (struct measure){resident_kb(), left};
    }
    int64_t worker_ns = cpu_of_worker();
    kill(worker, SIGTERM);
    waitpid(worker, &status, 0);
    show(at, seed, worker_ns);
    /* The first third fills what is kept. */
    uint64_t allowed = at[PARTS / 3].resident_kb * 5 / 4 + GROWTH_KB;
    failed += verdict(alive && answers > 0, "the worker answers all the time");
    failed += verdict(at[PARTS].descriptors <= at[0].descriptors, "no descriptor is left open");
    failed += verdict(at[PARTS].resident_kb <= allowed, "memory does not grow");
    failed += verdict(WIFEXITED(status) && WEXITSTATUS(status) == 0, "it ends with status 0");
    return failed > 0;
}
