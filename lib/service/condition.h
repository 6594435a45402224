/*
 * What state a process is in, looked at in the moment something went wrong with it: a service that
 * does not answer may be stopped, or out of descriptors, and a moment later nobody can tell.
 */
#ifndef SERVICE_CONDITION_H
#define SERVICE_CONDITION_H

#include <sys/types.h>

#include "core/arena.h"

/*
 * Why the process cannot work, in words that follow its name: "is stopped by a signal (state T)",
 * "is held by a debugger (state t)", "has 12 of its 12 descriptors open". Empty when it can, for
 * all that shows, or is not there.
 */
struct slice process_condition(struct arena *arena, pid_t pid);

#endif
