/*
 * Ports: reserving by binding, and asking the kernel who listens. The bind is made on the
 * wildcard address, because the service may choose that, but nothing ever listens on it.
 */
#include "service/port.h"

#include <dirent.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/memory.h"
#include "core/parse.h"

/* Ports in use by us are few; hitting this many in a row means that nothing is free. */
#define RESERVE_ATTEMPTS 64

/* With SO_REUSEPORT several processes may listen on one port. */
#define LISTENERS_MAX 16

struct ports {
    bool given[UINT16_MAX + 1];
};

struct ports *ports_new(void)
{
    return NEW(struct ports);
}

void ports_free(struct ports *ports)
{
    mem_free(ports);
}

/* ---- binding ---- */

static int bound_socket(int family, const struct sockaddr *address, socklen_t size)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    /* Connections that linger from an earlier start of the service do not count as taken. */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, sizeof(int));
    if (bind(fd, address, size) == 0)
        return fd;
    int error = errno;
    (void)close(fd);
    errno = error;
    return -1;
}

/* Both families at once where there is IPv6, else IPv4. -1 with errno. */
static int bind_everywhere(uint16_t port)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    int fd = bound_socket(AF_INET6, (const struct sockaddr *)&v6, sizeof(v6));
    if (fd >= 0 || errno == EADDRINUSE || errno == EACCES)
        return fd;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    return bound_socket(AF_INET, (const struct sockaddr *)&v4, sizeof(v4));
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return 0;
    /* The port stands at the same place in both forms (RFC 3493, 3.3). */
    return ntohs(((const struct sockaddr_in *)&address)->sin_port);
}

struct result port_reserve(struct ports *ports, uint16_t *port)
{
    for (int i = 0; i < RESERVE_ATTEMPTS; i++) {
        int fd = bind_everywhere(0);
        ENSURE(fd >= 0, ERR_IO, "cannot find a free TCP port: %s", strerror(errno));
        uint16_t found = port_of(fd);
        (void)close(fd);
        if (found == 0 || ports->given[found])
            continue;
        ports->given[found] = true;
        *port = found;
        return RESULT_OK;
    }
    return error_set(ERR_IO, "cannot find a free TCP port: all that were offered are in use by "
                             "this run");
}

bool port_reserve_again(struct ports *ports, uint16_t port)
{
    if (ports->given[port] || !port_is_free(port))
        return false;
    ports->given[port] = true;
    return true;
}

void port_release(struct ports *ports, uint16_t port)
{
    ports->given[port] = false;
}

bool port_is_free(uint16_t port)
{
    int fd = bind_everywhere(port);
    if (fd >= 0)
        (void)close(fd);
    return fd >= 0;
}

/* ---- who listens: socket inodes from the kernel, then descriptors that link to them ---- */

struct listeners {
    uint64_t inodes[LISTENERS_MAX];
    size_t count;
};

/* sock_diag(7) walks only the listening sockets: 30 us, where /proc/net/tcp walks the whole table
 * of connections for 3 ms. */
static bool ask_for_listeners(int fd, uint8_t family, uint16_t port)
{
    struct {
        struct nlmsghdr header;
        struct inet_diag_req_v2 wanted;
    } request = {
        .header = {.nlmsg_len = sizeof(request),
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .wanted = {.sdiag_family = family,
                   .sdiag_protocol = IPPROTO_TCP,
                   .idiag_states = 1u << TCP_LISTEN,
                   .id.idiag_sport = htons(port)},
    };
    return send(fd, &request, sizeof(request), 0) == (ssize_t)sizeof(request);
}

/* One datagram of the answer; false when it was the last, or an error. */
static bool take_listeners(int fd, uint16_t port, struct listeners *found)
{
    union {
        struct nlmsghdr header;
        char bytes[16384];
    } answer;
    ssize_t n = recv(fd, &answer, sizeof(answer), 0);
    size_t left = n > 0 ? (size_t)n : 0;
    struct nlmsghdr *h = &answer.header;
    for (; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
        if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY)
            return false;
        const struct inet_diag_msg *socket = NLMSG_DATA(h);
        if (socket->id.idiag_sport == htons(port) && found->count < LISTENERS_MAX)
            found->inodes[found->count++] = socket->idiag_inode;
    }
    return n > 0;
}

static void find_listeners(uint16_t port, struct listeners *found)
{
    static const uint8_t families[] = {AF_INET, AF_INET6};
    for (size_t i = 0; i < 2; i++) {
        int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
        if (fd < 0)
            return;
        if (ask_for_listeners(fd, families[i], port))
            while (take_listeners(fd, port, found))
                ;
        (void)close(fd);
    }
}

bool port_has_listener(uint16_t port)
{
    struct listeners found = {.count = 0};
    find_listeners(port, &found);
    return found.count > 0;
}

static bool is_listener(const char *link, const struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++) {
        char wanted[40];
        snprintf(wanted, sizeof(wanted), "socket:[%llu]", (unsigned long long)listeners->inodes[i]);
        if (slice_is(slice_str(link), wanted))
            return true;
    }
    return false;
}

static bool holds(pid_t pid, const struct listeners *listeners)
{
    char path[64], link[64];
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return false;
    bool found = false;
    for (struct dirent *e; !found && (e = readdir(folder));) {
        ssize_t n = readlinkat(dirfd(folder), e->d_name, link, sizeof(link) - 1);
        link[n > 0 ? n : 0] = '\0';
        found = is_listener(link, listeners);
    }
    (void)closedir(folder);
    return found;
}

static struct slice next_word(struct slice *rest)
{
    struct slice word = {0};
    while (word.len == 0 && slice_split(rest, ' ', &word))
        ;
    return word;
}

/* The parent, from "pid (name) state parent …"; the name may hold blanks and parentheses. */
static pid_t parent_of(pid_t pid)
{
    char path[64], text[512];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return 0;
    size_t n = fread(text, 1, sizeof(text), f);
    (void)fclose(f);
    while (n > 0 && text[n - 1] != ')')
        n--;
    struct slice rest = slice_from(slice_of(text, sizeof(text)), n);
    (void)next_word(&rest);
    uint64_t parent = 0;
    return result_ok(parse_unsigned(next_word(&rest), INT32_MAX, &parent)) ? (pid_t)parent : 0;
}

static bool is_below(pid_t pid, pid_t root)
{
    while (pid > 1 && pid != root)
        pid = parent_of(pid);
    return pid == root;
}

static const char *name_of(struct arena *arena, pid_t pid)
{
    char path[64], name[64] = "";
    snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    FILE *f = fopen(path, "re");
    if (f) {
        (void)!fgets(name, sizeof(name), f);
        (void)fclose(f);
    }
    return arena_string(arena, slice_trim(slice_str(name)));
}

/* `docker run -p` and its relatives: the listener is started by a daemon, not by the command. */
static bool is_container_proxy(const char *name)
{
    static const char *const proxies[] = {"docker-proxy", "rootlesskit", "rootlessport",
                                          "slirp4netns", "pasta"};
    for (size_t i = 0; i < sizeof(proxies) / sizeof(proxies[0]); i++)
        if (slice_starts(slice_str(name), slice_str(proxies[i])))
            return true;
    return false;
}

/* Among the processes numbered from `low` to `high`: is a holder below `root`? If not, `*stranger`
 * is one that is not, when there is one. */
static bool held_below(const struct listeners *listeners, pid_t root, pid_t low, pid_t high,
                       pid_t *stranger)
{
    DIR *all = opendir("/proc");
    if (all == NULL)
        return false;
    bool ours = false;
    for (struct dirent *e; !ours && (e = readdir(all));) {
        uint64_t number;
        if (!result_ok(parse_unsigned(slice_str(e->d_name), INT32_MAX, &number)))
            continue;
        pid_t pid = (pid_t)number;
        /* The keeper itself may hold for a moment what it inherited, but it never listens. */
        if (pid < low || pid > high || pid == root || !holds(pid, listeners))
            continue;
        ours = is_below(pid, root);
        *stranger = pid;
    }
    (void)closedir(all);
    return ours;
}

bool port_held_by_stranger(struct arena *arena, uint16_t port, pid_t root, const char **who)
{
    struct listeners listeners = {.count = 0};
    find_listeners(port, &listeners);
    pid_t stranger = 0;
    /* Numbers grow, so descendants almost always stand above their root, and looking there is
     * cheap; but everybody must have been asked before a stranger is blamed. */
    if (listeners.count == 0 || held_below(&listeners, root, root, INT32_MAX, &stranger) ||
        held_below(&listeners, root, 1, root - 1, &stranger) || stranger == 0)
        return false;
    const char *name = name_of(arena, stranger);
    *who = arena_printf(arena, "process %d (%s)", (int)stranger, name);
    return !is_container_proxy(name);
}
