/*
 * A circuit breaker: an endpoint that keeps failing is left alone for a while, so that a run does
 * not spend its time and its quota on requests that cannot succeed.
 *
 *     closed ──(so many failures within the window)──► open ──(after a while)──► half open
 *        ▲                                               ▲                          │
 *        └───────(so many successes, one by one)─────────┼──────────────────────────┤
 *                                                        └───────(a failure)────────┘
 *
 * It knows no clock: the time is given, in monotonic ns.
 */
#ifndef STEP_BREAKER_H
#define STEP_BREAKER_H

#include <stdbool.h>

#include "core/clock.h"

#define BREAKER_FAILURES_MAX 32

struct breaker_limits {
    uint32_t failures;  /* so many (at most BREAKER_FAILURES_MAX) … */
    int64_t window;     /* … within this time open it; */
    int64_t open;       /* it stays open for so long, */
    uint32_t successes; /* and so many successes then close it */
};

#define BREAKER_DEFAULTS ((struct breaker_limits){5, 60 * NS_PER_S, 30 * NS_PER_S, 3})

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

struct breaker {
    struct breaker_limits limits;
    enum breaker_state state;
    int64_t failed_at[BREAKER_FAILURES_MAX]; /* a ring of the latest */
    uint32_t failure_count;
    int64_t opened_at;
    uint32_t successes;
    bool trying; /* half open: the one request that may try is under way */
};

/*
 * May a request go? When it may, exactly one of the three below has to follow. When not, `*wait` is
 * how long to wait before asking again.
 */
bool breaker_allows(struct breaker *breaker, int64_t now, int64_t *wait);

void breaker_succeeded(struct breaker *breaker);
void breaker_failed(struct breaker *breaker, int64_t now);
void breaker_undecided(struct breaker *breaker); /* given up: it says nothing of the endpoint */

#endif
