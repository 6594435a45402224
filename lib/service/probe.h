/*
 * One question to a service over its url: does it accept a connection, and does GET answer with the
 * wanted status? The smallest possible client: readiness is asked for often and early, and only
 * the status line matters.
 */
#ifndef SERVICE_PROBE_H
#define SERVICE_PROBE_H

#include <uv.h>

#include "core/arena.h"

/* What to ask, taken apart once. Strings belong to the arena given. */
struct probe_target {
    const char *host;
    const char *service; /* the port, in decimal */
    const char *request; /* the whole HTTP request; NULL: only connect */
    const char *shown;   /* "GET http://…" or "connecting to host:port", for messages */
    int status;          /* the wanted status; 0: any 2xx */
};

/*
 * `url` is "http://host[:port][/path]"; for probe_tcp also "https://…" or "tcp://…". `path` is
 * appended to its path, or stands for itself when it is a URL. ERR_VALUE when they cannot be used,
 * ERR_UNSUPPORTED for HTTP over TLS.
 */
struct result probe_tcp(struct arena *arena, const char *url, struct probe_target *out) MUST_USE;
struct result probe_http(struct arena *arena, const char *url, const char *path, int status,
                         struct probe_target *out) MUST_USE;

struct probe;

/* Answers once, from the loop: `problem` is NULL when the service is ready, else what was met. */
typedef void probe_answer(void *context, const char *problem);

/* `target` must live until the answer or the cancel. */
struct probe *probe_begin(uv_loop_t *loop, const struct probe_target *target, probe_answer *answer,
                          void *context);

/* No answer will come. Not after the answer. NULL is allowed. */
void probe_cancel(struct probe *probe);

#endif
