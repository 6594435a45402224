/*
 * The one thread of the harness: a libuv loop on which all services of the process live, started
 * for the first user and ended with the last. Callers block; what they want done is run on the
 * loop, and what the loop tells them stands under one lock with one condition.
 */
#ifndef HARNESS_HUB_H
#define HARNESS_HUB_H

#include <uv.h>

#include "core/result.h"

struct ports;

/* Be a user of the thread. ERR_IO when the system has no more threads or descriptors. */
struct result hub_enter(void) MUST_USE;

/* Not be one any more; nothing of the user's may be left on the loop. */
void hub_leave(void);

/* Run `work(context)` on the loop and return when it is done. Only for users, without the lock. */
void hub_call(void (*work)(void *context), void *context);

/* Only on the loop. The ports last as long as the process. */
uv_loop_t *hub_loop(void);
struct ports *hub_ports(void);

/* What loop and callers share. */
void hub_lock(void);
void hub_unlock(void);

/* With the lock: wake everybody who waits; wait for that. False when `deadline` has passed. */
void hub_tell(void);
bool hub_wait(int64_t deadline);

#endif
