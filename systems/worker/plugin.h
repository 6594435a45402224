/*
 * An engine from a shared library (include/assay/engine.h), made into one the worker can drive
 * without trusting it. The library's functions run on a thread of their own, ahead of what the
 * streams need; a watchdog on every loop finds a call that does not come back, and a handler for
 * SIGSEGV and its like says which function crashed.
 *
 * There is one per process: the library's symbol and the handlers of signals are, too.
 */
#ifndef WORKER_PLUGIN_H
#define WORKER_PLUGIN_H

#include "engine.h"

/* A crash inside the library. */
#define PLUGIN_CRASH_STATUS 4

/*
 * Load the library and its model; `*out` is valid until the process ends. `timeout` in ns bounds
 * every call but the one that loads the model. ERR_NOT_FOUND when there is no such library,
 * ERR_UNSUPPORTED when it is not of this interface, ERR_DIED when it refuses to load.
 */
struct result plugin_load(const char *path, const char *model, int64_t timeout,
                          const struct engine **out) MUST_USE;

#endif
