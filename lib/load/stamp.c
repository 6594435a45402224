/*
 * Reading two clocks at once, and stamps.
 */
#include "load/stamp.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "core/clock.h"

/* More of a difference than reading the clocks explains, by so much, is a step. */
#define STEP_NS 2000
#define TRIES 4

void stamp_measure(struct stamp_clock *clock)
{
    int64_t offset = 0, best = INT64_MAX;
    for (int i = 0; i < TRIES; i++) {
        int64_t before = clock_now(), wall = clock_wall(), after = clock_now();
        if (after - before < best) {
            best = after - before;
            offset = wall - before - best / 2;
        }
    }
    int64_t moved = llabs(offset - clock->offset);
    bool first = clock->uncertainty == 0;
    bool stepped = !first && moved > best + clock->uncertainty + STEP_NS;
    clock->steps += stepped;
    if (first || stepped || best <= clock->uncertainty) {
        clock->offset = offset;
        clock->uncertainty = best > 0 ? best : 1;
    }
}

bool stamp_ask(int fd)
{
    int on = 1;
    return setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) == 0;
}

int64_t stamp_of(const struct stamp_clock *clock, struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        struct timespec time;
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
            continue;
        memcpy(&time, CMSG_DATA(c), sizeof(time));
        return time.tv_sec * NS_PER_S + time.tv_nsec - clock->offset;
    }
    return 0;
}
