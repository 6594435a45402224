/*
 * A small HTTP service that is well, or ill in one way: it leaks 1 MB of memory a second, leaks
 * descriptors, has a thread that spins, or a request (GET /stuck) that waits for ever. Every
 * answer is "ok". One thread a connection; a few of them are all that a test opens.
 *
 *     service PORT well | leak | descriptors | spin | stuck | stuck-spin
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/parse.h"

/* Ten times a second. */
#define LEAK_BYTES 100000
#define PAUSE_NS 100000000

static const char *illness;

static bool has(const char *what)
{
    return strcmp(illness, what) == 0;
}

static void spin(void)
{
    static atomic_ulong turns;
    for (;;)
        atomic_fetch_add_explicit(&turns, 1, memory_order_relaxed);
}

/* Deadlocked with itself, as far as anybody can see. */
static void be_stuck(void)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    if (has("stuck-spin"))
        spin();
    for (int i = 0; i < 2; i++)
        pthread_mutex_lock(&mutex);
}

static void *be_ill(void *unused)
{
    const struct timespec pause = {0, PAUSE_NS};
    if (has("spin"))
        spin();
    for (;;) {
        static void *leaked;
        nanosleep(&pause, NULL);
        if (has("leak")) {
            leaked = mem_alloc(LEAK_BYTES);
            memset(leaked, 1, LEAK_BYTES);
        } else if (has("descriptors")) {
            (void)!open("/dev/null", O_RDONLY | O_CLOEXEC);
        }
    }
    return unused;
}

static void *serve(void *socket)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                                 "Content-Length: 2\r\n\r\nok";
    int fd = (int)(intptr_t)socket;
    char request[4096];
    size_t len = 0;
    for (ssize_t n; (n = recv(fd, request + len, sizeof(request) - 1 - len, 0)) > 0;) {
        len += (size_t)n;
        request[len] = '\0';
        if (!strstr(request, "\r\n\r\n"))
            continue;
        if (strncmp(request, "GET /stuck ", 11) == 0)
            be_stuck();
        if (send(fd, answer, strlen(answer), MSG_NOSIGNAL) < 0)
            break;
        len = 0;
    }
    (void)close(fd);
    return NULL;
}

static void begin_thread(void *(*run)(void *), void *argument)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, argument) == 0)
        pthread_detach(thread);
}

int main(int argc, char **argv)
{
    uint64_t port = 0;
    if (argc != 3 || !result_ok(parse_unsigned(slice_str(argv[1]), UINT16_MAX, &port))) {
        fputs("usage: service PORT ILLNESS\n", stderr);
        return 2;
    }
    illness = argv[2];
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, 64) != 0) {
        perror("service");
        return 1;
    }
    if (!has("well"))
        begin_thread(be_ill, NULL);
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            begin_thread(serve, (void *)(intptr_t)fd);
    }
}
