/*
 * The ready callback: one POST of JSON to the manager that started this worker. Plain HTTP only, as
 * such managers run beside their workers; a client library would cost more start-up time than all
 * the rest of the worker.
 */
#ifndef WORKER_CALLBACK_H
#define WORKER_CALLBACK_H

#include <uv.h>

#include "core/result.h"

struct callback;

/*
 * Begin. `done` comes once, from the loop: OK when the answer's status was 2xx. Fails at once
 * (ERR_USAGE) for a URL that is not http://HOST[:PORT][/PATH]. URL and body are copied.
 */
struct result callback_start(uv_loop_t *loop, const char *url, struct slice body,
                             void (*done)(void *context, struct result result),
                             void *context) MUST_USE;

#endif
