/*
 * Time. Every duration and deadline is CLOCK_MONOTONIC in nanoseconds, as int64_t. Wall-clock time
 * (for people and the store) is read once where it is shown and never subtracted.
 */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <stdint.h>

#define NS_PER_US 1000LL
#define NS_PER_MS 1000000LL
#define NS_PER_S 1000000000LL

/* No deadline. */
#define CLOCK_NEVER INT64_MAX

/* CLOCK_MONOTONIC now. */
int64_t clock_now(void);

/* Nanoseconds since the Unix epoch (CLOCK_REALTIME). */
int64_t clock_wall(void);

/* A wall time as RFC 3339 in UTC with milliseconds: "2026-11-21T10:15:30.123Z". Returns `out`. */
#define CLOCK_TEXT 32
const char *clock_text(char out[CLOCK_TEXT], int64_t wall);

#endif
