/*
 * Receive stamps of the kernel (SO_TIMESTAMPNS) are of the wall clock; everything here is of the
 * monotonic one. Both clocks are slewed alike, so what lies between them stays the same to the
 * nanosecond until somebody sets the wall clock: it is measured again and again to notice that.
 */
#ifndef LOAD_STAMP_H
#define LOAD_STAMP_H

#include <stdbool.h>
#include <stdint.h>

struct msghdr;

struct stamp_clock {
    int64_t offset;      /* wall minus monotonic, ns */
    int64_t uncertainty; /* of the offset: how long reading the clocks took */
    uint32_t steps;      /* times the wall clock was set */
};

/* Measure for the first time, or again. */
void stamp_measure(struct stamp_clock *clock);

/* Ask the kernel for stamps on a socket; false when it does not give any. */
bool stamp_ask(int fd);

/* The stamp of a message, as monotonic time; 0 when it has none. */
int64_t stamp_of(const struct stamp_clock *clock, struct msghdr *message);

/* Room for the control message of one stamp. */
#define STAMP_CONTROL 64

#endif
