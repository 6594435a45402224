/*
 * The server as a whole: the listener, the round that gives every connection with something to do
 * its turn once per loop iteration (so that many small writes become one system call each), the
 * clock for idle connections, the handing over of connections to servers beside it, and the orderly
 * stop.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/memory.h"
#include "net/connection.h"

#define BACKLOG 4096
#define BODY_MAX_DEFAULT (2u << 20)
#define IDLE_DEFAULT (60 * NS_PER_S)

uint16_t server_port(const struct server *server)
{
    return server->port;
}

size_t server_connections(const struct server *server)
{
    return server->connections;
}

/* ---- the round ---- */

/* Who becomes due in the course of a round has a turn in the next: the loop looks at its sockets
 * in between, but does not wait. */
static void on_again(uv_idle_t *idle)
{
    (void)idle;
}

static void on_round(uv_prepare_t *prepare)
{
    struct server *server = LINK_OF(prepare, struct server, round);
    struct link now;
    link_init(&now);
    while (!link_alone(&server->due))
        link_move(server->due.next, &now);
    while (!link_alone(&now)) {
        struct connection *c = LINK_OF(now.next, struct connection, turn);
        link_remove(&c->turn);
        connection_turn(c);
    }
    if (link_alone(&server->due))
        uv_idle_stop(&server->again);
    else
        uv_idle_start(&server->again, on_again);
}

/* ---- idle connections ---- */

static void on_idle(uv_timer_t *timer);

static void watch_first(struct server *server)
{
    if (link_alone(&server->waiting))
        return;
    const struct connection *first = LINK_OF(server->waiting.next, struct connection, place);
    uint64_t now = uv_now(server->loop);
    uv_timer_start(&server->idle_timer, on_idle, first->deadline > now ? first->deadline - now : 0,
                   0);
}

static void on_idle(uv_timer_t *timer)
{
    struct server *server = LINK_OF(timer, struct server, idle_timer);
    while (!link_alone(&server->waiting)) {
        struct connection *first = LINK_OF(server->waiting.next, struct connection, place);
        if (first->deadline > uv_now(server->loop))
            break;
        connection_expire(first);
    }
    watch_first(server);
}

void server_wait(struct server *server, struct connection *c)
{
    c->deadline = uv_now(server->loop) + server->idle_ms;
    link_move(&c->place, &server->waiting);
    if (!uv_is_active((uv_handle_t *)&server->idle_timer))
        watch_first(server);
}

/* ---- servers side by side ---- */

/* The lock is taken once per connection, never for what happens on one. */
struct team {
    pthread_mutex_t lock;
    struct server **members; /* that have not begun to stop; the one that listens first */
    size_t count, size;
    size_t servers; /* that are not gone */
};

static void join(struct server *server, struct server *beside)
{
    if (!beside->team) {
        struct team *team = NEW(struct team);
        MUST(pthread_mutex_init(&team->lock, NULL) == 0, "a lock without attributes");
        GROW(team->members, team->count, team->size);
        team->members[team->count++] = beside;
        team->servers = 1;
        beside->team = team;
    }
    struct team *team = server->team = beside->team;
    GROW(team->members, team->count, team->size);
    team->members[team->count++] = server;
    team->servers++;
}

/* From now on nothing is handed to it; what was, it has to take. */
static void stop_taking(struct server *server)
{
    struct team *team = server->team;
    if (!team)
        return;
    pthread_mutex_lock(&team->lock);
    size_t at = 0;
    while (team->members[at] != server)
        at++;
    team->count--;
    for (; at < team->count; at++)
        team->members[at] = team->members[at + 1];
    pthread_mutex_unlock(&team->lock);
}

/* The server is going: the last one takes the team with it. */
static void leave_team(struct team *team)
{
    if (!team)
        return;
    pthread_mutex_lock(&team->lock);
    bool last = --team->servers == 0;
    pthread_mutex_unlock(&team->lock);
    if (!last)
        return;
    pthread_mutex_destroy(&team->lock);
    mem_free(team->members);
    mem_free(team);
}

static void take_inbox(struct server *server)
{
    struct team *team = server->team;
    pthread_mutex_lock(&team->lock);
    int *fds = server->inbox;
    size_t count = server->inbox_count;
    server->inbox = NULL;
    server->inbox_count = server->inbox_size = 0;
    pthread_mutex_unlock(&team->lock);
    for (size_t i = 0; i < count; i++)
        connection_adopt(server, fds[i]);
    mem_free(fds);
}

static void on_inbox(uv_async_t *async)
{
    take_inbox(LINK_OF(async, struct server, inbox_async));
}

static struct server *least_busy(const struct team *team)
{
    struct server *least = team->members[0];
    for (size_t i = 1; i < team->count; i++)
        if (team->members[i]->connections < least->connections)
            least = team->members[i];
    return least;
}

static void on_passed(uv_handle_t *handle)
{
    mem_free(handle);
}

/* Take the waiting connection off this loop: libuv lets go of a socket only by closing it, so the
 * one that is passed on is a duplicate. -1: it is lost, for want of descriptors. */
static int detach_connection(struct server *server)
{
    int fd = -1;
    uv_os_fd_t accepted;
    uv_tcp_t *tcp = NEW(uv_tcp_t);
    uv_tcp_init(server->loop, tcp);
    if (uv_accept((uv_stream_t *)&server->listener, (uv_stream_t *)tcp) == 0 &&
        uv_fileno((uv_handle_t *)tcp, &accepted) == 0)
        fd = fcntl(accepted, F_DUPFD_CLOEXEC, 0);
    uv_close((uv_handle_t *)tcp, on_passed);
    return fd;
}

/* The lock is held. */
static void pass_on(struct server *from, struct server *to)
{
    int fd = detach_connection(from);
    if (fd < 0)
        return;
    GROW(to->inbox, to->inbox_count, to->inbox_size);
    to->inbox[to->inbox_count++] = fd;
    to->connections++;
    uv_async_send(&to->inbox_async);
}

/* ---- start ---- */

static void on_connection(uv_stream_t *listener, int status)
{
    struct server *server = LINK_OF(listener, struct server, listener);
    struct team *team = server->team;
    struct server *to = server;
    if (status != 0)
        return;
    if (team) {
        pthread_mutex_lock(&team->lock);
        to = least_busy(team);
        if (to != server)
            pass_on(server, to);
        pthread_mutex_unlock(&team->lock);
    }
    if (to == server)
        connection_accept(server);
}

static struct result read_address(const char *host, uint16_t port, struct sockaddr_storage *address)
{
    if (uv_ip4_addr(host, port, (struct sockaddr_in *)address) == 0 ||
        uv_ip6_addr(host, port, (struct sockaddr_in6 *)address) == 0)
        return RESULT_OK;
    return error_set(ERR_VALUE, "expected a numeric address such as 127.0.0.1, got %s", host);
}

/* 0, or libuv's number for what went wrong. */
static int bind_and_listen(struct server *server, const struct sockaddr *address)
{
    int failed = uv_tcp_bind(&server->listener, address, 0);
    if (failed == 0)
        failed = uv_listen((uv_stream_t *)&server->listener, BACKLOG, on_connection);
    struct sockaddr_storage bound;
    int len = sizeof(bound);
    if (failed == 0)
        failed = uv_tcp_getsockname(&server->listener, (struct sockaddr *)&bound, &len);
    if (failed == 0) /* the port stands at the same place for IPv4 and IPv6 */
        server->port = ntohs(((struct sockaddr_in *)&bound)->sin_port);
    return failed;
}

/* Writing to a client that is gone is an error like any other, and no signal that ends us. */
static void ignore_broken_pipes(void)
{
    struct sigaction action;
    if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL) {
        action.sa_handler = SIG_IGN;
        sigaction(SIGPIPE, &action, NULL);
    }
}

static void on_not_started(uv_handle_t *listener)
{
    mem_free(LINK_OF(listener, struct server, listener));
}

static void start_handles(struct server *server)
{
    uv_prepare_init(server->loop, &server->round);
    uv_idle_init(server->loop, &server->again);
    uv_timer_init(server->loop, &server->idle_timer);
    uv_timer_init(server->loop, &server->patience);
    uv_prepare_start(&server->round, on_round);
}

static struct server *new_server(uv_loop_t *loop, const struct server_options *options)
{
    int64_t idle = options->idle_timeout > 0 ? options->idle_timeout : IDLE_DEFAULT;
    struct server *server = NEW(struct server);
    server->loop = loop;
    server->handler = options->handler;
    server->body_max = options->body_max > 0 ? options->body_max : BODY_MAX_DEFAULT;
    server->idle_ms = (uint64_t)((idle + NS_PER_MS - 1) / NS_PER_MS);
    link_init(&server->answering);
    link_init(&server->waiting);
    link_init(&server->due);
    return server;
}

static struct result start_listening(struct server *server, const struct server_options *options)
{
    const char *host = options->host ? options->host : "127.0.0.1";
    struct sockaddr_storage address = {0};
    struct result read = read_address(host, options->port, &address);
    int failed = 0;
    if (result_ok(read))
        failed = uv_tcp_init_ex(server->loop, &server->listener, address.ss_family);
    if (!result_ok(read) || failed != 0) {
        mem_free(server);
    } else {
        failed = bind_and_listen(server, (const struct sockaddr *)&address);
        if (failed != 0)
            uv_close((uv_handle_t *)&server->listener, on_not_started);
    }
    TRY(read);
    ENSURE(failed == 0, ERR_IO, "cannot listen on %s port %u: %s", host, options->port,
           uv_strerror(failed));
    server->listens = true;
    return RESULT_OK;
}

struct result server_start(struct server **out, uv_loop_t *loop,
                           const struct server_options *options)
{
    struct server *server = new_server(loop, options);
    if (options->beside) {
        server->port = options->beside->port;
        join(server, options->beside);
        uv_async_init(loop, &server->inbox_async, on_inbox);
        /* With a loop's first socket libuv opens a descriptor, to be safe when there are no more:
         * now, so that there is one, and not with the first connection. */
        uv_tcp_init(loop, &server->listener);
    } else {
        TRY(start_listening(server, options));
    }
    ignore_broken_pipes();
    start_handles(server);
    *out = server;
    return RESULT_OK;
}

/* ---- stop ---- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct server *server = handle->data;
    if (--server->handles > 0 || server->connections > 0)
        return;
    for (size_t i = 0; i < server->spares; i++)
        buf_free(&server->spare[i]);
    leave_team(server->team);
    if (server->on_stopped)
        server->on_stopped(server->handler.context);
    mem_free(server);
}

static void close_handle(struct server *server, void *handle)
{
    uv_handle_t *h = handle;
    h->data = server;
    server->handles++;
    uv_close(h, on_handle_closed);
}

static void close_rest(struct server *server)
{
    close_handle(server, &server->round);
    close_handle(server, &server->again);
    close_handle(server, &server->idle_timer);
    close_handle(server, &server->patience);
}

void server_forget(struct server *server)
{
    server->connections--;
    if (server->stopping && server->connections == 0)
        close_rest(server);
}

static void on_patience(uv_timer_t *timer)
{
    struct server *server = LINK_OF(timer, struct server, patience);
    struct link *const lists[] = {&server->answering, &server->waiting};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        while (!link_alone(lists[i]))
            connection_abort(LINK_OF(lists[i]->next, struct connection, place));
}

static void wind_up(struct server *server, void (*on_stopped)(void *context))
{
    server->stopping = true;
    server->on_stopped = on_stopped;
    stop_taking(server);
    close_handle(server, &server->listener);
    if (!server->listens) {
        take_inbox(server);
        close_handle(server, &server->inbox_async);
    }
    struct link *next;
    for (struct link *l = server->waiting.next; l != &server->waiting; l = next) {
        next = l->next;
        connection_wind_up(LINK_OF(l, struct connection, place));
    }
    if (server->connections == 0)
        close_rest(server);
}

void server_stop(struct server *server, int64_t patience, void (*on_stopped)(void *context))
{
    if (!server->stopping)
        wind_up(server, on_stopped);
    if (server->connections == 0)
        return;
    uint64_t ms = (uint64_t)(patience / NS_PER_MS);
    if (!uv_is_active((uv_handle_t *)&server->patience) ||
        ms < uv_timer_get_due_in(&server->patience))
        uv_timer_start(&server->patience, on_patience, ms, 0);
}
