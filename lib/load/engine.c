/*
 * The engine's threads ("lanes"). Each is one epoll loop, edge-triggered, so that a connection is
 * registered once and costs two system calls a request, a send and a receive.
 *
 * Waiting requests are not stored: the schedule is drawn one arrival ahead, and an arrival that is
 * due while no connection is free simply stays the next one. However far a service falls behind,
 * no memory grows and no latency is forgotten.
 */
#include "load/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/parse.h"
#include "load/stamp.h"

#define READ_BYTES (256u << 10) /* of one read; one buffer a thread */
#define EVENTS 256
#define TICK_NS (100 * NS_PER_MS)
#define SWEEP 10 /* ticks in which every connection is looked at once for its deadline */
/* After a failed connection attempt, a user or connection rests. */
#define REST_NS (100 * NS_PER_MS)
/* Threads begin together. */
#define START_NS (20 * NS_PER_MS)

enum conn_state { CONN_CLOSED, CONN_CONNECTING, CONN_IDLE, CONN_BUSY };

struct conn {
    int fd;
    enum conn_state state;
    int64_t not_before; /* closed: rest until then */
    struct flight flight;
    struct reader reader;
    struct buf unsent; /* of a request that did not go out at once */
};

/* What a thread had used at some moment. */
struct usage {
    int64_t at, processor, waiting; /* ns */
};

struct lane {
    struct load *load;
    uint32_t index;
    pthread_t thread;
    int epoll;
    char *buffer;
    struct conn *conns;
    uint32_t conn_count;
    uint32_t *idle, idle_count; /* those last used on top */
    uint32_t *closed, closed_count;
    uint32_t busy, made;
    _Atomic uint32_t shown_busy;
    char *request; /* its own copy: the serial number is written into it */
    uint64_t serial;

    struct arrival arrival;
    int64_t next; /* when the next request should start; CLOCK_NEVER: there is none */
    bool starved; /* it is due, and no connection is free */

    struct stamp_clock clock;
    int64_t tick;
    uint32_t sweep, ticks;
    struct metrics metrics;
    struct load_second second;
    struct usage from, to;
};

struct load {
    struct load_plan plan;
    int64_t begin, measure_from;
    _Atomic int64_t measure_to; /* moved forward when the run is stopped */
    _Atomic int64_t drain_to;
    atomic_uint running, stops;
    pthread_mutex_t mutex; /* of `second` */
    struct load_second second;
    int stamped; /* a socket that asks for stamps from the start: the kernel begins late to give
                    them */
    struct lane *lanes;
};

static bool open_loop(const struct lane *lane)
{
    return lane->load->plan.stages != NULL;
}

/* ------------------------------------------------------------------ what a thread uses */

/* Nanoseconds that this thread was ready to run and had no processor; 0 when nobody tells. */
static int64_t run_queue_wait(void)
{
    char text[128];
    int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof(text));
    close(fd);
    struct slice rest = slice_of(text, n > 0 ? (size_t)n : 0), part = {0};
    uint64_t wait = 0;
    for (int field = 0; field < 2; field++)
        if (!slice_split(&rest, ' ', &part))
            return 0;
    if (!result_ok(parse_unsigned(part, UINT64_MAX, &wait)))
        return 0;
    return (int64_t)wait;
}

static struct usage usage_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (struct usage){clock_now(), t.tv_sec * NS_PER_S + t.tv_nsec, run_queue_wait()};
}

/* ------------------------------------------------------------------ connections */

/* Draw the `count`-th arrival from here. */
static void draw_arrival(struct lane *lane, uint32_t count)
{
    int64_t at = 0;
    for (uint32_t i = 0; at >= 0 && i < count; i++)
        at = arrival_next(&lane->arrival);
    lane->next = at < 0 ? CLOCK_NEVER : lane->load->begin + at;
}

/* Arrivals are dealt out to the threads one after the other. */
static void next_arrival(struct lane *lane)
{
    draw_arrival(lane, lane->load->plan.threads);
}

/* Reset rather than close properly what is no use any more: no port stays in TIME_WAIT for it. */
static void conn_close(struct lane *lane, struct conn *c, bool reset)
{
    struct linger linger = {.l_onoff = 1};
    if (reset)
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(c->fd);
    c->fd = -1;
    c->state = CONN_CLOSED;
    buf_clear(&c->unsent);
    lane->closed[lane->closed_count++] = (uint32_t)(c - lane->conns);
}

static void second_count(struct lane *lane, const struct flight *f)
{
    struct load_second *s = &lane->second;
    if (f->failure) {
        s->failed++;
        return;
    }
    s->answered++;
    s->bytes += f->bytes;
    s->tokens += f->tokens;
    histogram_add(&s->latency, f->end - f->intended);
    if (f->tokens)
        histogram_add(&s->ttft, f->first_token - f->intended);
}

/* The flight is over, well or not; the connection is free again, or gone. */
static void conn_landed(struct lane *lane, struct conn *c, int64_t now)
{
    const struct load_plan *plan = &lane->load->plan;
    struct flight *f = &c->flight;
    if (!f->end)
        f->end = now;
    flight_count(f, plan->target, &plan->bounds, f->failure ? error_last()->text : "",
                 &lane->metrics);
    if (!f->failure && f->end >= lane->load->measure_from && f->end < lane->load->measure_to) {
        lane->metrics.ended++;
        lane->metrics.ended_bytes += f->bytes;
        lane->metrics.ended_tokens += f->usage >= 0 ? (uint64_t)f->usage : f->tokens;
    }
    second_count(lane, f);
    lane->busy--;
    if (c->fd < 0) { /* no socket could be had */
        c->state = CONN_CLOSED;
        lane->closed[lane->closed_count++] = (uint32_t)(c - lane->conns);
    } else if (!f->keep_alive || c->unsent.len > 0) { /* answered before all of it was sent */
        conn_close(lane, c, f->failure != FAILURE_NONE);
        reader_free(&c->reader);
        reader_init(&c->reader);
    } else {
        c->state = CONN_IDLE;
        lane->idle[lane->idle_count++] = (uint32_t)(c - lane->conns);
    }
}

static void conn_failed(struct lane *lane, struct conn *c, enum failure failure, int fault,
                        int64_t now)
{
    if (fault)
        (void)error_set(ERR_CONNECT, "%s", strerror(fault));
    c->flight.failure = failure;
    if (!open_loop(lane)) /* there the schedule says when to try again */
        c->not_before = now + REST_NS;
    conn_landed(lane, c, now);
}

static enum failure failure_of_connect(int fault)
{
    switch (fault) {
    case ECONNREFUSED:
        return FAILURE_REFUSED;
    case EMFILE:
    case ENFILE:
        return FAILURE_DESCRIPTORS;
    case EADDRNOTAVAIL:
        return FAILURE_PORTS;
    default:
        return FAILURE_UNREACHABLE;
    }
}

static enum failure failure_of_transfer(int fault)
{
    return fault == ECONNRESET || fault == EPIPE ? FAILURE_RESET : FAILURE_UNREACHABLE;
}

/* Give the kernel what is left of a request that did not go out at once. */
static void conn_send_rest(struct lane *lane, struct conn *c, int64_t now)
{
    ssize_t n = send(c->fd, c->unsent.data, c->unsent.len, MSG_NOSIGNAL);
    if (n >= 0)
        buf_drop(&c->unsent, (size_t)n);
    else if (errno != EAGAIN)
        conn_failed(lane, c, failure_of_transfer(errno), errno, now);
}

static void write_serial(char *at, uint64_t serial)
{
    for (int i = TARGET_SERIAL - 1; i >= 0; i--, serial /= 10)
        at[i] = (char)('0' + serial % 10);
}

static void conn_send(struct lane *lane, struct conn *c)
{
    const struct target *target = lane->load->plan.target;
    size_t len = target->request.len;
    if (target->serial_at)
        write_serial(lane->request + target->serial_at,
                     lane->serial++ * lane->load->plan.threads + lane->index);
    flight_expect(&c->flight, &c->reader, target);
    c->state = CONN_BUSY;
    c->flight.sent = clock_now();
    ssize_t n = send(c->fd, lane->request, len, MSG_NOSIGNAL);
    if (n == (ssize_t)len)
        return;
    if (n < 0 && errno != EAGAIN) {
        conn_failed(lane, c, failure_of_transfer(errno), errno, c->flight.sent);
        return;
    }
    size_t sent = n > 0 ? (size_t)n : 0;
    struct result r = buf_append(&c->unsent, slice_of(lane->request + sent, len - sent));
    MUST(result_ok(r), "%s", error_last()->text);
}

static int dial(struct lane *lane, struct conn *c)
{
    const struct target *target = lane->load->plan.target;
    int on = 1;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                .data.u32 = (uint32_t)(c - lane->conns)};
    c->fd = socket(target->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0)
        return errno;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    stamp_ask(c->fd); /* where it does not, reads are counted as unstamped */
    if (epoll_ctl(lane->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
        return errno;
    lane->made++;
    if (connect(c->fd, (const struct sockaddr *)&target->address, target->address_size) != 0)
        return errno;
    return 0;
}

static void conn_connect(struct lane *lane, struct conn *c, int64_t now)
{
    c->state = CONN_CONNECTING;
    int fault = dial(lane, c);
    if (fault == EINPROGRESS)
        return;
    if (fault) {
        conn_failed(lane, c, failure_of_connect(fault), fault, now);
        return;
    }
    c->flight.connected = clock_now();
    conn_send(lane, c);
}

/* A connection that can have a request now: one that is open, else one to open. */
static struct conn *free_conn(struct lane *lane, int64_t now)
{
    if (lane->idle_count > 0)
        return &lane->conns[lane->idle[--lane->idle_count]];
    if (lane->closed_count == 0)
        return NULL;
    /* When the one that failed last rests, all who have none do. */
    struct conn *c = &lane->conns[lane->closed[lane->closed_count - 1]];
    if (c->not_before > now)
        return NULL;
    lane->closed_count--;
    return c;
}

static void start(struct lane *lane, struct conn *c, int64_t intended, int64_t could, int64_t now)
{
    c->flight = (struct flight){.intended = intended, .could = could, .started = now};
    c->flight.measured = intended >= lane->load->measure_from && intended < lane->load->measure_to;
    lane->busy++;
    if (c->state == CONN_CLOSED)
        conn_connect(lane, c, now);
    else
        conn_send(lane, c);
}

/* Start what is due. */
static void lane_pump(struct lane *lane, int64_t now)
{
    if (lane->next >= lane->load->measure_to)
        lane->next = CLOCK_NEVER;
    for (bool dialled = false; lane->next <= now;) {
        /* A connection takes long to make; look first whether another has become free meanwhile. */
        if (lane->idle_count == 0 && dialled && !lane->starved)
            return;
        dialled = lane->idle_count == 0;
        struct conn *c = free_conn(lane, now);
        if (!c) {
            lane->starved = true;
            return;
        }
        int64_t intended = lane->next;
        if (lane->starved)
            lane->metrics.waited += intended >= lane->load->measure_from;
        next_arrival(lane);
        if (lane->next >= lane->load->measure_to)
            lane->next = CLOCK_NEVER;
        /* Only what came free just now ends the waiting, so it could have gone just now. */
        start(lane, c, intended, lane->starved ? now : intended, now);
        if (!lane->starved)
            now = clock_now();
    }
    lane->starved = false;
}

/* Closed loop: users who have no request under way ask again. */
static void lane_ask_again(struct lane *lane, int64_t now)
{
    struct conn *c;
    while (now < lane->load->measure_to && (c = free_conn(lane, now)))
        start(lane, c, now, 0, now);
}

static void lane_go_on(struct lane *lane)
{
    if (!open_loop(lane)) {
        if (lane->busy < lane->conn_count)
            lane_ask_again(lane, clock_now());
    } else if (lane->next < CLOCK_NEVER && !(lane->starved && lane->busy == lane->conn_count)) {
        lane_pump(lane, clock_now());
    }
}

/* ------------------------------------------------------------------ reading */

static void conn_ended(struct lane *lane, struct conn *c, int fault, int64_t now)
{
    if (c->state == CONN_IDLE) { /* the service does not keep it any longer */
        for (uint32_t i = 0; i < lane->idle_count; i++)
            if (&lane->conns[lane->idle[i]] == c) {
                lane->idle[i] = lane->idle[--lane->idle_count];
                break;
            }
        conn_close(lane, c, false);
        reader_free(&c->reader);
        reader_init(&c->reader);
        return;
    }
    if (fault) {
        conn_failed(lane, c, failure_of_transfer(fault), fault, now);
        return;
    }
    flight_closed(&c->flight, &c->reader, lane->load->plan.target, now);
    conn_landed(lane, c, now);
}

/* When the kernel had the bytes of a read: its stamp, as far as that can be true. */
static int64_t received_at(struct lane *lane, struct msghdr *message, int64_t now)
{
    int64_t stamp = stamp_of(&lane->clock, message);
    lane->metrics.reads++;
    if (!stamp) {
        lane->metrics.unstamped++;
        return now;
    }
    if (stamp > now) {
        lane->metrics.out_of_order += stamp > now + lane->clock.uncertainty;
        return now;
    }
    return stamp;
}

/* Read once. True when there is, or may be, more to read. */
static bool conn_read(struct lane *lane, struct conn *c, bool to_the_end)
{
    char control[STAMP_CONTROL];
    struct iovec room = {lane->buffer, READ_BYTES};
    struct msghdr message = {.msg_iov = &room,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(c->fd, &message, 0);
    int fault = errno;
    if (n < 0 && fault == EAGAIN)
        return false;
    int64_t now = clock_now();
    if (n <= 0) {
        conn_ended(lane, c, n < 0 ? fault : 0, now);
        return false;
    }
    if (c->state != CONN_BUSY) { /* nobody asked */
        conn_ended(lane, c, 0, now);
        return false;
    }
    int64_t received = received_at(lane, &message, now);
    if (c->flight.measured)
        metrics_add(&lane->metrics, METRIC_CLIENT_LAG, now - received);
    lane->second.lags++;
    lane->second.lag_sum += now - received;
    if (received < c->flight.sent)
        received = c->flight.sent;
    if (flight_feed(&c->flight, &c->reader, lane->load->plan.target,
                    slice_of(lane->buffer, (size_t)n), received, now, &lane->metrics)) {
        conn_landed(lane, c, now);
        return to_the_end;
    }
    return to_the_end || n == READ_BYTES;
}

static void conn_connected(struct lane *lane, struct conn *c)
{
    int fault = 0;
    socklen_t size = sizeof(fault);
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &fault, &size) != 0)
        fault = errno;
    int64_t now = clock_now();
    if (fault) {
        conn_failed(lane, c, failure_of_connect(fault), fault, now);
        return;
    }
    c->flight.connected = now;
    conn_send(lane, c);
}

static void conn_event(struct lane *lane, struct conn *c, uint32_t events)
{
    if (c->state == CONN_CLOSED)
        return;
    if (c->state == CONN_CONNECTING) {
        if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
            conn_connected(lane, c);
        return;
    }
    if ((events & EPOLLOUT) && c->unsent.len > 0)
        conn_send_rest(lane, c, clock_now());
    /* A short read has emptied the socket (epoll(7)), unless the end of it came too. */
    bool ended = events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP);
    if (events & EPOLLIN || ended)
        while (c->fd >= 0 && conn_read(lane, c, ended))
            continue;
}

/* ------------------------------------------------------------------ ten times a second */

static void look_for_deadlines(struct lane *lane, int64_t now)
{
    uint32_t from = (uint32_t)((uint64_t)lane->conn_count * lane->sweep / SWEEP);
    uint32_t to = (uint32_t)((uint64_t)lane->conn_count * (lane->sweep + 1) / SWEEP);
    lane->sweep = (lane->sweep + 1) % SWEEP;
    for (uint32_t i = from; i < to; i++) {
        struct conn *c = &lane->conns[i];
        int64_t since = c->flight.sent ? c->flight.sent : c->flight.started;
        if ((c->state == CONN_BUSY || c->state == CONN_CONNECTING) &&
            now - since > lane->load->plan.timeout) {
            (void)error_set(ERR_TIMEOUT, c->state == CONN_CONNECTING
                                             ? "the connection was not made in time"
                                             : "not complete in time");
            conn_failed(lane, c, FAILURE_TIMEOUT, 0, now);
        }
    }
}

static void second_clear(struct load_second *s)
{
    *s = (struct load_second){0};
    histogram_clear(&s->latency);
    histogram_clear(&s->ttft);
}

static void second_merge(struct load_second *into, const struct load_second *from)
{
    histogram_merge(&into->latency, &from->latency);
    histogram_merge(&into->ttft, &from->ttft);
    into->answered += from->answered;
    into->failed += from->failed;
    into->tokens += from->tokens;
    into->bytes += from->bytes;
    into->lags += from->lags;
    into->lag_sum += from->lag_sum;
}

static void hand_over(struct lane *lane)
{
    struct load *load = lane->load;
    pthread_mutex_lock(&load->mutex);
    second_merge(&load->second, &lane->second);
    pthread_mutex_unlock(&load->mutex);
    second_clear(&lane->second);
}

static void tick(struct lane *lane, int64_t now)
{
    stamp_measure(&lane->clock);
    look_for_deadlines(lane, now);
    lane_go_on(lane); /* who rested may go on */
    lane->shown_busy = lane->busy;
    if (++lane->ticks % 5 == 0)
        hand_over(lane);
    lane->tick = now + TICK_NS;
}

/* ------------------------------------------------------------------ the loop */

static bool lane_over(const struct lane *lane, int64_t now)
{
    const struct load *load = lane->load;
    bool all_started = open_loop(lane) ? lane->next == CLOCK_NEVER : now >= load->measure_to;
    return (all_started && lane->busy == 0 && now >= load->measure_to) || now >= load->drain_to;
}

static void lane_wait(struct lane *lane, struct epoll_event *events, int64_t now)
{
    int64_t until = lane->tick;
    if (!lane->starved && lane->next < until)
        until = lane->next;
    int64_t left = until > now ? until - now : 0;
    struct timespec wait = {left / NS_PER_S, left % NS_PER_S};
    int n = epoll_pwait2(lane->epoll, events, EVENTS, &wait, NULL);
    for (int i = 0; i < n; i++) {
        conn_event(lane, &lane->conns[events[i].data.u32], events[i].events);
        lane_go_on(lane); /* what is due does not wait for the rest of these */
    }
}

/* What is under way or waiting when nobody waits any longer. */
static void lane_give_up(struct lane *lane, int64_t now)
{
    for (uint32_t i = 0; i < lane->conn_count; i++) {
        struct conn *c = &lane->conns[i];
        if (c->state == CONN_BUSY || c->state == CONN_CONNECTING) {
            (void)error_set(ERR_TIMEOUT, "%u bytes of the answer had come",
                            (unsigned)c->flight.bytes);
            conn_failed(lane, c, FAILURE_ABANDONED, 0, now);
        }
        if (c->state == CONN_IDLE)
            close(c->fd);
        reader_free(&c->reader);
        buf_free(&c->unsent);
    }
    for (; lane->next < lane->load->measure_to; next_arrival(lane)) {
        struct flight f = {.intended = lane->next, .failure = FAILURE_UNSENT};
        f.measured = lane->next >= lane->load->measure_from;
        flight_count(&f, lane->load->plan.target, &lane->load->plan.bounds,
                     "no connection became free", &lane->metrics);
    }
}

static void *lane_run(void *argument)
{
    struct lane *lane = argument;
    struct load *load = lane->load;
    struct epoll_event events[EVENTS];
    prctl(PR_SET_TIMERSLACK, 1ul); /* the default, 50 µs, would be lateness */
    stamp_measure(&lane->clock);
    int64_t now = clock_now();
    lane->tick = load->begin;
    if (open_loop(lane))
        draw_arrival(lane, lane->index + 1);
    bool measuring = false, measured = false;
    while (!lane_over(lane, now)) {
        lane_wait(lane, events, now);
        now = clock_now();
        if (now >= lane->tick)
            tick(lane, now);
        lane_go_on(lane);
        if (!measuring && now >= load->measure_from) {
            measuring = true;
            lane->from = usage_now();
        }
        if (!measured && now >= load->measure_to) {
            measured = true;
            lane->to = usage_now();
        }
    }
    if (!measuring)
        lane->from = usage_now();
    if (!measured)
        lane->to = usage_now();
    lane_give_up(lane, now);
    lane->shown_busy = 0;
    hand_over(lane);
    atomic_fetch_sub(&load->running, 1);
    return NULL;
}

/* ------------------------------------------------------------------ all of them */

static struct result descriptors(const struct load_plan *plan, uint32_t wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return RESULT_OK;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    /* Some for the program itself. */
    uint64_t enough = (uint64_t)wanted + plan->threads + 32;
    ENSURE(limit.rlim_max == RLIM_INFINITY || enough <= limit.rlim_max, ERR_IO,
           "%u connections need %llu descriptors and this process may have %llu: raise the limit "
           "(`ulimit -Hn`), or give less with %s",
           wanted, (unsigned long long)enough, (unsigned long long)limit.rlim_max,
           plan->stages ? "--connections" : "--concurrency");
    return RESULT_OK;
}

static struct result lane_prepare(struct load *load, uint32_t index, uint32_t conns)
{
    struct lane *lane = &load->lanes[index];
    const struct load_plan *plan = &load->plan;
    lane->load = load;
    lane->index = index;
    lane->next = CLOCK_NEVER;
    lane->conn_count = conns;
    lane->conns = mem_zero(conns * sizeof(*lane->conns));
    lane->idle = mem_alloc(conns * sizeof(*lane->idle));
    lane->closed = mem_alloc(conns * sizeof(*lane->closed));
    for (uint32_t i = 0; i < conns; i++) {
        lane->conns[i].fd = -1;
        lane->conns[i].unsent = buf_limited(plan->target->request.len);
        reader_init(&lane->conns[i].reader);
        lane->closed[lane->closed_count++] = conns - 1 - i;
    }
    lane->buffer = mem_alloc(READ_BYTES);
    lane->request = mem_alloc(plan->target->request.len);
    memcpy(lane->request, plan->target->request.data, plan->target->request.len);
    metrics_clear(&lane->metrics);
    second_clear(&lane->second);
    lane->arrival =
        arrival_begin(plan->arrivals, plan->shape, plan->stages, plan->stage_count, plan->seed);
    lane->epoll = epoll_create1(EPOLL_CLOEXEC);
    ENSURE(lane->epoll >= 0, ERR_IO, "epoll cannot be had: %s", strerror(errno));
    return RESULT_OK;
}

static void load_free(struct load *load)
{
    for (uint32_t i = 0; i < load->plan.threads; i++) {
        struct lane *lane = &load->lanes[i];
        if (lane->epoll >= 0)
            close(lane->epoll);
        mem_free(lane->conns);
        mem_free(lane->idle);
        mem_free(lane->closed);
        mem_free(lane->buffer);
        mem_free(lane->request);
    }
    pthread_mutex_destroy(&load->mutex);
    if (load->stamped >= 0)
        close(load->stamped);
    mem_free(load->lanes);
    mem_free(load);
}

static struct result prepare(struct load *load)
{
    uint32_t threads = load->plan.threads;
    uint32_t conns = load->plan.stages ? load->plan.connections : load->plan.users;
    TRY(descriptors(&load->plan, conns));
    for (uint32_t i = 0; i < threads; i++)
        TRY(lane_prepare(load, i, conns / threads + (i < conns % threads)));
    return RESULT_OK;
}

/* Threads that were started are told to end at once. */
static struct result launch(struct load *load)
{
    load->begin = clock_now() + START_NS;
    load->measure_from = load->begin + load->plan.warmup;
    load->measure_to = load->measure_from + load->plan.duration;
    load->drain_to = load->measure_to + load->plan.drain;
    for (uint32_t i = 0; i < load->plan.threads; i++) {
        int fault = pthread_create(&load->lanes[i].thread, NULL, lane_run, &load->lanes[i]);
        if (fault) {
            load->drain_to = 0;
            while (i-- > 0)
                pthread_join(load->lanes[i].thread, NULL);
            return error_set(ERR_IO, "a thread cannot be had: %s", strerror(fault));
        }
        load->running++;
    }
    return RESULT_OK;
}

struct result load_begin(const struct load_plan *plan, struct load **out)
{
    struct load *load = NEW(struct load);
    *out = NULL;
    load->plan = *plan;
    load->lanes = mem_zero(plan->threads * sizeof(*load->lanes));
    for (uint32_t i = 0; i < plan->threads; i++)
        load->lanes[i].epoll = -1;
    pthread_mutex_init(&load->mutex, NULL);
    second_clear(&load->second);
    load->stamped = socket(plan->target->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (load->stamped >= 0)
        stamp_ask(load->stamped);
    struct result r = prepare(load);
    if (result_ok(r))
        r = launch(load);
    if (!result_ok(r)) {
        load_free(load);
        return r;
    }
    *out = load;
    return RESULT_OK;
}

bool load_running(struct load *load)
{
    return load->running > 0;
}

void load_look(struct load *load, struct load_second *second)
{
    pthread_mutex_lock(&load->mutex);
    *second = load->second;
    second_clear(&load->second);
    pthread_mutex_unlock(&load->mutex);
    for (uint32_t i = 0; i < load->plan.threads; i++)
        second->busy += load->lanes[i].shown_busy;
}

void load_stop(struct load *load)
{
    int64_t now = clock_now();
    if (load->stops++ > 0) {
        load->drain_to = now;
        return;
    }
    if (now < load->measure_to) {
        load->measure_to = now;
        load->drain_to = now + load->plan.drain;
    }
}

static double share(int64_t from, int64_t to, const struct usage *a, const struct usage *b)
{
    return b->at > a->at ? (double)(to - from) / (double)(b->at - a->at) : 0;
}

static void take_lane(struct load_outcome *out, struct lane *lane)
{
    const struct usage *from = &lane->from, *to = &lane->to;
    double processor = share(from->processor, to->processor, from, to);
    double waiting = share(from->waiting, to->waiting, from, to);
    metrics_merge(&out->metrics, &lane->metrics);
    if (processor + waiting > out->processor + out->waiting) {
        out->processor = processor;
        out->waiting = waiting;
    }
    out->processor_time += (double)(to->processor - from->processor) / (double)NS_PER_S;
    out->connections += lane->made;
    if (lane->clock.steps > out->clock_steps)
        out->clock_steps = lane->clock.steps;
}

void load_end(struct load *load, struct load_outcome *out)
{
    memset(out, 0, sizeof(*out));
    metrics_clear(&out->metrics);
    for (uint32_t i = 0; i < load->plan.threads; i++) {
        pthread_join(load->lanes[i].thread, NULL);
        take_lane(out, &load->lanes[i]);
    }
    int64_t measured = load->measure_to - load->measure_from;
    out->measured = measured > 0 ? measured : 0;
    out->stopped = load->stops > 0;
    load_free(load);
}
