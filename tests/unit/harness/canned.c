/*
 * Blocking sockets, one connection after the other.
 */
#include "canned.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/memory.h"
#include "net/http.h"

#define HEALTHY                                                                                    \
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n"              \
    "{\"status\":\"healthy\"}"

struct canned {
    int listener;
    char url[40];
    pthread_t thread;
    pthread_mutex_t lock;
    char *answer; /* owned; these under the lock */
    size_t piece;
    enum canned_end end;
    struct buf request;
};

static bool read_request(struct canned *c, int fd)
{
    struct http_parser parser;
    struct buf bytes = buf_limited(1 << 20);
    http_init(&parser, HTTP_REQUEST);
    bool over = false;
    char block[4096];
    for (ssize_t n; !over && (n = read(fd, block, sizeof(block))) > 0;) {
        struct slice input = slice_of(block, (size_t)n);
        struct http_event event = {.kind = HTTP_BODY};
        struct result r = buf_append(&bytes, input);
        while (result_ok(r) && !over && event.kind != HTTP_NEED_MORE) {
            r = http_next(&parser, &input, &event);
            over = event.kind == HTTP_END;
        }
        over = over || !result_ok(r); /* what it cannot read it answers all the same */
    }
    http_free(&parser);
    pthread_mutex_lock(&c->lock);
    buf_free(&c->request);
    c->request = bytes;
    pthread_mutex_unlock(&c->lock);
    return over;
}

static void write_pieces(int fd, const char *bytes, size_t piece)
{
    size_t left = strlen(bytes);
    while (left > 0) {
        ssize_t n = send(fd, bytes, piece && piece < left ? piece : left, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        bytes += n;
        left -= (size_t)n;
    }
}

static void serve(struct canned *c, int fd)
{
    char block[4096];
    if (!read_request(c, fd))
        return;
    pthread_mutex_lock(&c->lock);
    char *answer = mem_string(c->answer);
    size_t piece = c->piece;
    enum canned_end end = c->end;
    pthread_mutex_unlock(&c->lock);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    write_pieces(fd, answer, piece);
    mem_free(answer);
    if (end == CANNED_RESET)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    else if (end == CANNED_CLOSE)
        shutdown(fd, SHUT_WR);
    while (end != CANNED_RESET && read(fd, block, sizeof(block)) > 0)
        ;
}

static void *run(void *context)
{
    struct canned *c = context;
    for (int fd; (fd = accept(c->listener, NULL, NULL)) >= 0; close(fd))
        serve(c, fd);
    return NULL;
}

struct canned *canned_start(void)
{
    struct canned *c = NEW(struct canned);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    c->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    MUST(bind(c->listener, (struct sockaddr *)&address, size) == 0 &&
             listen(c->listener, 16) == 0 &&
             getsockname(c->listener, (struct sockaddr *)&address, &size) == 0,
         "no listener");
    snprintf(c->url, sizeof(c->url), "http://127.0.0.1:%u", ntohs(address.sin_port));
    pthread_mutex_init(&c->lock, NULL);
    c->answer = mem_string(HEALTHY);
    c->request = buf_limited(1);
    pthread_create(&c->thread, NULL, run, c);
    return c;
}

void canned_stop(struct canned *canned)
{
    shutdown(canned->listener, SHUT_RDWR);
    pthread_join(canned->thread, NULL);
    close(canned->listener);
    mem_free(canned->answer);
    buf_free(&canned->request);
    mem_free(canned);
}

const char *canned_url(const struct canned *canned)
{
    return canned->url;
}

void canned_answer(struct canned *canned, const char *bytes, size_t piece, enum canned_end end)
{
    pthread_mutex_lock(&canned->lock);
    mem_free(canned->answer);
    canned->answer = mem_string(bytes);
    canned->piece = piece;
    canned->end = end;
    pthread_mutex_unlock(&canned->lock);
}

const char *canned_request(struct canned *canned)
{
    pthread_mutex_lock(&canned->lock);
    const char *text = canned->request.data ? canned->request.data : "";
    pthread_mutex_unlock(&canned->lock);
    return text;
}
