/*
 * When is a service ready? Asked again and again until it is, or until its time is over. The first
 * question comes 5 ms after the start, the next ones when a fifth more time has passed (at least
 * 1 ms, at most 250 ms later): readiness is noticed at most a fifth later than it came, whether a
 * service needs 6 ms or a minute, and a refused connection costs next to nothing.
 */
#ifndef SERVICE_READY_H
#define SERVICE_READY_H

#include <uv.h>

#include "core/arena.h"

enum ready_kind {
    READY_DEFAULT, /* READY_TCP when there is a url, else READY_AT_ONCE */
    READY_AT_ONCE, /* as soon as it runs */
    READY_TCP,     /* its url accepts a connection */
    READY_HTTP,    /* GET answers with the wanted status */
    READY_LOG,     /* a line of its output matches a pattern */
    READY_PROGRAM, /* a program exits with status 0 */
};

struct ready_spec {
    enum ready_kind kind;
    const char *path;               /* HTTP: relative to the service's url, or a full http:// URL */
    int status;                     /* HTTP: the wanted status; 0: any 2xx */
    const char *pattern;            /* LOG: a PCRE2 pattern, searched for in each complete line */
    const char *const *argv;        /* PROGRAM; ends with NULL */
    const char *const *environment; /* PROGRAM: that of the service */
    const char *cwd;
    int64_t within; /* ns from the start; 0: READY_WITHIN */
};

#define READY_WITHIN (30 * 1000000000LL)

/* One round of asking. */
struct ready;

struct ready_events {
    void *context;
    void (*on_ready)(void *context);
    /* The time is over; `last` says what the last try met ("connection refused"). */
    void (*on_timeout)(void *context, const char *last);
};

/*
 * Begin to ask. What `spec` points to must live until ready_cancel. `started` is the clock_now()
 * from which `within` counts, `url` (may be NULL) the base of path and the address for TCP. Events
 * come from the loop, never from inside this call, and exactly one of them unless ready_cancel
 * comes first. ERR_VALUE for a url or pattern that cannot be used, ERR_UNSUPPORTED for an https url
 * with READY_HTTP.
 */
struct result ready_begin(uv_loop_t *loop, const struct ready_spec *spec, const char *url,
                          int64_t started, struct ready_events events, struct ready **out) MUST_USE;

/* A complete line of the service's output, for READY_LOG. */
void ready_line(struct ready *ready, struct slice line);

/* Stop asking and give the memory back (once the loop has let go of it). Also after an event, also
 * from within one. NULL is allowed. */
void ready_cancel(struct ready *ready);

#endif
