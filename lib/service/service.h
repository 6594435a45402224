/*
 * A service under test: started by us as a process, or running elsewhere and only known by its url.
 * This file gives it a port, waits until it is ready, notices when it dies, keeps its log and stops
 * it. One `struct service` is one instance; whoever wants one per suite or one per case makes as
 * many. All on one libuv loop.
 *
 *             service_start                     service_stop
 *     IDLE ────────────────> STARTING ──> READY ─────────────> STOPPING ──> IDLE
 *                               │           │ died                             ^
 *                               └─ failed ──┴─────────────> ENDING ────────────┘
 *
 * From ENDING and STOPPING it goes back to IDLE when nothing of it is left, and may be started
 * again: with the same port if that is still free, so that its clients find it again.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "core/arena.h"
#include "service/linelog.h"
#include "service/port.h"
#include "service/process.h"
#include "service/ready.h"

enum port_kind {
    PORT_NONE,    /* it has no port of ours; the url says where it is */
    PORT_FREE,    /* we find a free one and tell it */
    PORT_PATTERN, /* it finds one and prints it: the first capture of `port_pattern` in a line */
};

#define SERVICE_STOP_WITHIN (5 * 1000000000LL)

/* What a service is, as the suite says it, everything resolved. Strings belong to whoever filled it
 * in (for service_source: the arena given). */
struct service_spec {
    const char *name;
    const char *const *argv;        /* ends with NULL; NULL: it runs elsewhere, see `url` */
    const char *const *environment; /* "NAME=value", ends with NULL; may be NULL */
    const char *cwd;                /* NULL: ours */
    const char *url;                /* NULL: "http://127.0.0.1:PORT" when there is a port */
    enum port_kind port;
    const char *port_pattern;
    struct ready_spec ready;
    int stop_signal;      /* 0: SIGTERM */
    int64_t stop_within;  /* ns until SIGKILL; 0: SERVICE_STOP_WITHIN */
    const char *log_path; /* its output is appended here; NULL: nowhere */
};

/*
 * Where the spec comes from. `resolve` fills in `*out` with ${port} being `port`; 0 means that the
 * port is not known yet, and ${port} becomes "0". It is called once to learn the kind of port, then
 * for every attempt with the port of that attempt, and with PORT_PATTERN again when the port has
 * been read. Allocate in `arena`, which lives as long as the attempt.
 */
struct service_source {
    void *context;
    struct result (*resolve)(void *context, uint16_t port, struct arena *arena,
                             struct service_spec *out);
};

struct service;

/* Why a service failed or died. Valid during the call. */
struct service_failure {
    /* ERR_SPAWN, ERR_TIMEOUT, ERR_DIED; ERR_CONNECT when others held its port each time; or what
     * resolve gave. */
    enum error_code code;
    const char *text; /* one sentence with the signal or exit status, without the log */
    struct slice log; /* its last lines, at most LIMIT_SHOWN_BYTES */
    bool expected;    /* died: of a signal that service_signal had sent it */
    pid_t pid;        /* of its program; 0: there was none */
    const struct process_end *end; /* how its program ended; NULL: it did not */
};

/* What is known when nothing of it is left. */
struct service_rest {
    bool forced;                   /* it did not end within stop_within and was killed */
    uint32_t stragglers;           /* processes it left behind, killed */
    bool port_in_use;              /* its port is still taken, though nothing of it is left */
    const struct process_end *end; /* how its program ended; NULL: it was not started by us */
};

/*
 * After service_start exactly one of on_ready, on_failed comes (neither when it is stopped before);
 * after on_ready at most one on_died; at the end always on_stopped, once. All optional, all from
 * the loop, never from inside a call of this file.
 */
struct service_events {
    void *context;
    void (*on_ready)(void *context, struct service *service);
    void (*on_failed)(void *context, struct service *service, const struct service_failure *why);
    void (*on_died)(void *context, struct service *service, const struct service_failure *why);
    void (*on_stopped)(void *context, struct service *service, const struct service_rest *rest);
    void (*on_line)(void *context, struct service *service, const struct log_line *line);
    /* Its process runs; comes for every attempt, before what becomes of it. */
    void (*on_started)(void *context, struct service *service);
};

/* `name` is copied; `ports` must outlive the service. */
struct service *service_new(uv_loop_t *loop, struct ports *ports, const char *name,
                            struct service_source source, struct service_events events);

/* Only when IDLE: before the first start, or from on_stopped on. NULL is allowed. */
void service_free(struct service *service);

/*
 * Only when IDLE. With PORT_FREE somebody else may take the port before the service does. That is
 * noticed when it dies before it is ready and says so or the port is taken, and when the answer to
 * a question of readiness comes from a process that it did not start. It is then started again with
 * another port, SERVICE_PORT_ATTEMPTS times in all.
 */
#define SERVICE_PORT_ATTEMPTS 3
void service_start(struct service *service);

/* In any state but IDLE; on_stopped follows. A service that runs elsewhere is only forgotten. */
void service_stop(struct service *service);

/* The same without the grace: SIGKILL to everything. For a second Ctrl-C. */
void service_kill(struct service *service);

/* A signal to its process group (SIGKILL, SIGSTOP, SIGCONT, SIGHUP, …). ERR_UNSUPPORTED when it
 * runs elsewhere, ERR_NOT_FOUND when it is not running. */
struct result service_signal(struct service *service, int signal) MUST_USE;

const char *service_name(const struct service *service);
/* From on_ready until on_stopped; url is NULL and port 0 when there is none. */
const char *service_url(const struct service *service);
uint16_t service_port(const struct service *service);
/* Of the program; 0 when it runs elsewhere or not at all. */
pid_t service_pid(const struct service *service);
/* Of its keeper, below which everything runs that it started (service/keeper.h); 0 likewise. */
pid_t service_keeper(const struct service *service);
bool service_is_ready(const struct service *service);
/* Does assay start and stop it? False when it runs elsewhere. Known from the first event on. */
bool service_is_ours(const struct service *service);

/* For the record: attempts of the last start, and ns from the start to ready (0: was not). */
uint32_t service_attempts(const struct service *service);
int64_t service_start_time(const struct service *service);

/* Its log over all its starts; see linelog.h for the last lines and those between two times. */
const struct linelog *service_log(const struct service *service);

#endif
