/*
 * Sockets and slots of a connection.
 */
#include "load/link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/clock.h"

void link_init(struct link *link, struct slot *slots, uint32_t slot_count, size_t longest)
{
    *link = (struct link){.fd = -1,
                          .slots = slots,
                          .slot_count = slot_count,
                          .unsent = buf_limited(longest + longest / 64 + LINK_FRAMING)};
}

void link_free(struct link *link)
{
    buf_free(&link->unsent);
}

static void slots_begin(struct link *link)
{
    link->busy = link->waiting = link->free = 0;
    link->limit = link->slot_count;
    for (uint32_t i = 0; i < link->slot_count; i++) {
        link->slots[i].busy = false;
        link->slots[i].next = i + 1;
        reader_init(&link->slots[i].reader);
    }
}

static struct epoll_event interest(uint32_t name)
{
    return (struct epoll_event){.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                .data.u32 = name};
}

int link_dial(struct link *link, const struct target *target, int epoll, uint32_t name)
{
    int on = 1;
    struct epoll_event event = interest(name);
    link->state = LINK_CONNECTING;
    slots_begin(link);
    link->fd = socket(target->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (link->fd < 0)
        return errno;
    setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    stamp_ask(link->fd); /* where it does not, reads are counted as unstamped */
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, link->fd, &event) != 0)
        return errno;
    if (connect(link->fd, (const struct sockaddr *)&target->address, target->address_size) != 0)
        return errno;
    link->state = LINK_OPEN;
    return 0;
}

void link_remind(const struct link *link, int epoll, uint32_t name)
{
    struct epoll_event event = interest(name);
    int fault = epoll_ctl(epoll, EPOLL_CTL_MOD, link->fd, &event);
    MUST(fault == 0, "epoll: %s", strerror(errno)); /* it was added when it was dialled */
}

void link_limit_silence(const struct link *link, int64_t most)
{
    int64_t ms = most / NS_PER_MS + 1;
    unsigned timeout = ms < INT32_MAX ? (unsigned)ms : INT32_MAX;
    setsockopt(link->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
}

int link_dialled(struct link *link)
{
    int fault = 0;
    socklen_t size = sizeof(fault);
    if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &fault, &size) != 0)
        fault = errno;
    if (fault == 0)
        link->state = LINK_OPEN;
    return fault;
}

enum failure link_connect_failure(int fault)
{
    switch (fault) {
    case ECONNREFUSED:
        return FAILURE_REFUSED;
    case EMFILE:
    case ENFILE:
        return FAILURE_DESCRIPTORS;
    case EADDRNOTAVAIL:
        return FAILURE_PORTS;
    case ECONNRESET: /* it was made, and the service went before it was accepted */
    case EPIPE:
        return FAILURE_RESET;
    default:
        return FAILURE_UNREACHABLE;
    }
}

enum failure link_transfer_failure(int fault)
{
    return fault == ECONNRESET || fault == EPIPE ? FAILURE_RESET : FAILURE_UNREACHABLE;
}

static ssize_t send_parts(int fd, const struct slice *parts, size_t count)
{
    if (count == 1)
        return send(fd, parts->data, parts->len, MSG_NOSIGNAL);
    struct iovec all[LINK_PARTS];
    for (size_t i = 0; i < count; i++) {
        memcpy(&all[i].iov_base, &parts[i].data, sizeof(parts[i].data)); /* is only read */
        all[i].iov_len = parts[i].len;
    }
    struct msghdr message = {.msg_iov = all, .msg_iovlen = count};
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

int link_send(struct link *link, const struct slice *parts, size_t count)
{
    size_t sent = 0;
    if (link->unsent.len == 0) {
        ssize_t n = send_parts(link->fd, parts, count);
        if (n < 0 && errno != EAGAIN)
            return errno;
        sent = n > 0 ? (size_t)n : 0;
    }
    for (size_t i = 0; i < count; i++) {
        struct slice rest = slice_from(parts[i], sent < parts[i].len ? sent : parts[i].len);
        sent -= parts[i].len - rest.len;
        if (rest.len == 0)
            continue;
        if (!result_ok(buf_append(&link->unsent, rest)))
            return ENOBUFS;
    }
    return 0;
}

int link_flush(struct link *link)
{
    if (link->unsent.len == 0)
        return 0;
    ssize_t n = send(link->fd, link->unsent.data, link->unsent.len, MSG_NOSIGNAL);
    if (n < 0)
        return errno == EAGAIN ? 0 : errno;
    buf_drop(&link->unsent, (size_t)n);
    return 0;
}

struct receipt link_receive(const struct link *link, const struct stamp_clock *clock, char *room,
                            size_t size)
{
    char control[STAMP_CONTROL];
    struct iovec part = {room, size};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    struct receipt r = {.size = recvmsg(link->fd, &message, 0)};
    if (r.size < 0) {
        r.fault = errno;
        if (r.fault == EAGAIN)
            return r;
    }
    r.read = r.received = clock_now();
    if (r.size <= 0)
        return r;
    int64_t stamp = stamp_of(clock, &message);
    r.stamped = stamp != 0;
    if (stamp > r.read)
        r.early = stamp > r.read + clock->uncertainty;
    else if (stamp)
        r.received = stamp;
    return r;
}

void link_close(struct link *link, bool reset)
{
    struct linger linger = {.l_onoff = 1};
    if (link->fd >= 0) {
        if (reset)
            setsockopt(link->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
        close(link->fd);
    }
    h2_end(link->h2);
    tls_end(link->tls);
    link->h2 = NULL;
    link->tls = NULL;
    link->fd = -1;
    link->state = LINK_CLOSED;
    buf_clear(&link->unsent);
    for (uint32_t i = 0; i < link->slot_count; i++)
        reader_free(&link->slots[i].reader);
}

struct slot *link_take_slot(struct link *link)
{
    struct slot *slot = &link->slots[link->free];
    link->free = slot->next;
    link->busy++;
    link->waiting++;
    slot->busy = slot->waiting = true;
    return slot;
}

void link_slot_sent(struct link *link, struct slot *slot)
{
    link->waiting -= slot->waiting;
    slot->waiting = false;
}

void link_give_slot(struct link *link, struct slot *slot)
{
    link_slot_sent(link, slot);
    slot->busy = false;
    slot->next = link->free;
    link->free = (uint32_t)(slot - link->slots);
    link->busy--;
}
