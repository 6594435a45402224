/*
 * Workers: a service on the hub's loop, and what is known about it for the threads that ask. What
 * the loop writes and callers read stands under the hub's lock.
 */
#include "harness/worker.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/limits.h"
#include "core/memory.h"
#include "core/parse.h"
#include "harness/command.h"
#include "harness/failure.h"
#include "harness/hub.h"
#include "service/probe.h"

#define WORKER_MAGIC 0x776f726bu

/* A connection that breaks and a process that ends are mostly one event: so long the second may
 * take to be known after the first. */
#define BLAME_PATIENCE (500 * NS_PER_MS)
/* Of the log, in a message. */
#define BLAME_LOG_BYTES LIMIT_SHOWN_BYTES

struct assay_worker {
    unsigned magic;
    pid_t owner; /* the process that started it: only there is a loop with its service */
    struct arena *arena;
    const struct assay_worker_options *options;
    struct service *service; /* the loop's */

    /* under the hub's lock */
    bool ready, stopping, gone;
    enum error_code failure; /* ERR_OK: none */
    char *why, *log;         /* of the failure; owned */
    bool ended;              /* its program has, as `end` says */
    struct process_end end;
    bool forced, port_in_use;
    uint32_t stragglers;
    pid_t pid;
    uint16_t port;
    char *url;         /* owned; from ready on */
    bool asked_to_end; /* by assay_shutdown: its end is no failure */
    struct assay_worker *next;
};

/* All that are not stopped, for assay_worker_stop_all; under the hub's lock. */
static struct assay_worker *all;

/* ---- the loop's side ---- */

static struct result resolve(void *context, uint16_t port, struct arena *arena,
                             struct service_spec *out)
{
    const struct assay_worker *w = context;
    MAGIC_CHECK(w, WORKER_MAGIC);
    command_service(arena, w->options, port, out);
    return RESULT_OK;
}

/* The url without its final slashes, and its port. */
static void learn_address(struct assay_worker *w, const char *url)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct probe_target target;
    uint64_t port = 0;
    struct slice text = slice_str(url);
    while (slice_ends(text, SLICE("/")))
        text.len--;
    struct result r = probe_tcp(arena, url, &target);
    if (result_ok(r))
        r = parse_unsigned(slice_str(target.service), UINT16_MAX, &port);
    MUST(result_ok(r), "a service is ready at \"%s\"", url);
    w->url = mem_string(arena_string(arena, text));
    w->port = (uint16_t)port;
}

static void on_ready(void *context, struct service *service)
{
    struct assay_worker *w = context;
    MAGIC_CHECK(w, WORKER_MAGIC);
    hub_lock();
    learn_address(w, service_url(service));
    w->pid = service_pid(service);
    w->ready = true;
    hub_tell();
    hub_unlock();
}

static void on_failure(void *context, struct service *service, const struct service_failure *why)
{
    struct assay_worker *w = context;
    (void)service;
    MAGIC_CHECK(w, WORKER_MAGIC);
    hub_lock();
    w->failure = why->code;
    w->why = mem_string(why->text);
    w->log = mem_string(arena_string(w->arena, why->log));
    w->pid = 0;
    hub_tell();
    hub_unlock();
}

static void on_stopped(void *context, struct service *service, const struct service_rest *rest)
{
    struct assay_worker *w = context;
    (void)service;
    MAGIC_CHECK(w, WORKER_MAGIC);
    hub_lock();
    w->gone = true;
    w->pid = 0;
    w->forced = rest->forced;
    w->stragglers = rest->stragglers;
    w->port_in_use = rest->port_in_use;
    w->ended = rest->end != NULL;
    if (rest->end)
        w->end = *rest->end;
    hub_tell();
    hub_unlock();
}

static void begin_on_loop(void *context)
{
    struct assay_worker *w = context;
    struct service_source source = {w, resolve};
    struct service_events events = {.context = w,
                                    .on_ready = on_ready,
                                    .on_failed = on_failure,
                                    .on_died = on_failure,
                                    .on_stopped = on_stopped};
    w->service = service_new(hub_loop(), hub_ports(), command_name(w->options), source, events);
    service_start(w->service);
}

static void stop_on_loop(void *context)
{
    struct assay_worker *w = context;
    hub_lock();
    bool gone = w->gone;
    hub_unlock();
    if (!gone)
        service_stop(w->service);
}

static void free_on_loop(void *context)
{
    struct assay_worker *w = context;
    service_free(take(&w->service));
}

struct log_wanted {
    const struct assay_worker *worker;
    size_t max;
    char *text; /* owned by who asked */
};

static void read_log_on_loop(void *context)
{
    struct log_wanted *wanted = context;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct slice text =
        linelog_text(service_log(wanted->worker->service), 0, CLOCK_NEVER, wanted->max, arena);
    wanted->text = mem_string(arena_string(arena, text));
}

static void reserve_port_on_loop(void *context)
{
    uint16_t *port = context;
    if (!result_ok(port_reserve(hub_ports(), port)))
        *port = 0;
}

/* ---- starting ---- */

static struct assay_worker *worker_new(const struct assay_worker_options *options)
{
    struct assay_worker *w = NEW(struct assay_worker);
    w->magic = WORKER_MAGIC;
    w->owner = getpid();
    w->arena = arena_new();
    w->options = command_copy(w->arena, options);
    return w;
}

static void worker_free(struct assay_worker *w)
{
    mem_free(w->why);
    mem_free(w->log);
    mem_free(w->url);
    arena_free(w->arena);
    w->magic = 0;
    mem_free(w);
}

static struct result check(const struct assay_worker_options *options)
{
    TRY(command_check(options));
    ENSURE(options->port == 0 || port_is_free(options->port), ERR_SPAWN,
           "port %u is in use: leave options.port 0 and a free one is found", options->port);
    return RESULT_OK;
}

/* Until nothing of it is left but its log. */
static void stop_service(struct assay_worker *w)
{
    hub_call(stop_on_loop, w);
    hub_lock();
    while (!w->gone)
        (void)hub_wait(CLOCK_NEVER);
    hub_unlock();
}

static void leave_hub(struct assay_worker *w)
{
    hub_call(free_on_loop, w);
    hub_leave();
}

static enum assay_error start_failed(const struct assay_worker *w)
{
    enum assay_error error = w->failure == ERR_TIMEOUT ? ASSAY_ERROR_READY_TIMEOUT
                             : w->failure == ERR_DIED  ? ASSAY_ERROR_DIED
                             : w->failure == ERR_VALUE ? ASSAY_ERROR_INVALID
                                                       : ASSAY_ERROR_SPAWN;
    const struct assay_worker_options *o = w->options;
    bool looked_for = error == ASSAY_ERROR_SPAWN && !o->command && !o->binary && !o->url;
    (void)harness_fail(error, "%s%s", w->why,
                       looked_for ? "; say where your worker is: options.binary, options.command "
                                    "or ASSAY_WORKER_BIN in the environment"
                                  : "");
    harness_add_log(slice_str(w->log));
    return error;
}

struct assay_worker *assay_worker_start(const struct assay_worker_options *options)
{
    struct assay_worker *w = worker_new(options);
    struct result r = check(w->options);
    if (result_ok(r))
        r = hub_enter();
    if (!result_ok(r)) {
        (void)harness_result(r);
        worker_free(w);
        return NULL;
    }
    hub_call(begin_on_loop, w);
    hub_lock();
    while (!w->ready && !w->gone)
        (void)hub_wait(CLOCK_NEVER);
    bool ready = w->ready;
    if (ready) {
        w->next = all;
        all = w;
    }
    hub_unlock();
    if (ready)
        return w;
    stop_service(w);
    leave_hub(w);
    (void)start_failed(w);
    worker_free(w);
    return NULL;
}

/* ---- stopping ---- */

static bool ended_well(const struct process_end *end)
{
    if (end->fate == PROCESS_EXITED)
        return end->code == 0 || end->code == 128 + SIGTERM;
    return end->fate == PROCESS_SIGNALLED && end->code == SIGTERM;
}

static enum assay_error judge_end(const struct assay_worker *w)
{
    const char *name = command_name(w->options);
    char how[PROCESS_END_TEXT];
    enum assay_error error = ASSAY_OK;
    if (w->failure && !(w->asked_to_end && w->ended && ended_well(&w->end)))
        error = harness_fail(ASSAY_ERROR_DIED, "%s", w->why);
    else if (w->forced)
        error = harness_fail(ASSAY_ERROR_TIMEOUT,
                             "\"%s\" did not end within the time to stop and was killed", name);
    else if (w->ended && !ended_well(&w->end))
        error = harness_fail(ASSAY_ERROR_DIED, "expected \"%s\" to end orderly, but it %s", name,
                             process_end_text(how, &w->end));
    else if (w->stragglers > 0)
        error = harness_fail(ASSAY_ERROR_LEFT_BEHIND, "\"%s\" left %u processes behind", name,
                             w->stragglers);
    else if (w->port_in_use)
        error = harness_fail(ASSAY_ERROR_LEFT_BEHIND,
                             "\"%s\" has ended, but port %u is still in use", name, w->port);
    return error;
}

static void forget(const struct assay_worker *w)
{
    hub_lock();
    struct assay_worker **at = &all;
    while (*at && *at != w)
        at = &(*at)->next;
    if (*at)
        *at = w->next;
    hub_unlock();
}

enum assay_error assay_worker_stop(struct assay_worker *worker)
{
    if (!worker || worker->owner != getpid())
        return ASSAY_OK;
    MAGIC_CHECK(worker, WORKER_MAGIC);
    forget(worker);
    struct log_wanted last = {.worker = worker, .max = BLAME_LOG_BYTES};
    stop_service(worker);
    hub_call(read_log_on_loop, &last);
    leave_hub(worker);
    enum assay_error error = judge_end(worker);
    if (error)
        harness_add_log(slice_str(last.text));
    mem_free(last.text);
    worker_free(worker);
    return error;
}

void assay_worker_cleanup(struct assay_worker **worker)
{
    (void)assay_worker_stop(*worker);
    *worker = NULL;
}

void assay_worker_stop_all(void)
{
    for (;;) {
        hub_lock();
        struct assay_worker *w = all;
        while (w && w->owner != getpid())
            w = w->next;
        hub_unlock();
        if (!w)
            return;
        (void)assay_worker_stop(w);
    }
}

/* ---- asking ---- */

enum assay_error assay_worker_wait(struct assay_worker *worker, int64_t timeout_ns, int *status)
{
    MAGIC_CHECK(worker, WORKER_MAGIC);
    if (!worker_is_ours(worker))
        return harness_fail(ASSAY_ERROR_INVALID, "%s was not started here: its end cannot be seen",
                            worker->url);
    int64_t deadline = clock_now() + timeout_ns;
    hub_lock();
    while (!worker->gone && hub_wait(deadline))
        ;
    bool gone = worker->gone;
    struct process_end end = worker->end;
    hub_unlock();
    char within[DURATION_TEXT];
    if (!gone)
        return harness_fail(ASSAY_ERROR_TIMEOUT, "\"%s\" still runs after %s",
                            command_name(worker->options), format_duration(within, timeout_ns));
    *status = end.fate == PROCESS_EXITED ? end.code : 128 + end.code;
    return ASSAY_OK;
}

void worker_expect_end(struct assay_worker *worker)
{
    hub_lock();
    worker->asked_to_end = true;
    hub_unlock();
}

bool worker_is_ours(const struct assay_worker *worker)
{
    return !worker->options->url && worker->owner == getpid();
}

const char *assay_worker_url(const struct assay_worker *worker)
{
    return worker->url;
}

uint16_t assay_worker_port(const struct assay_worker *worker)
{
    return worker->port;
}

pid_t assay_worker_pid(const struct assay_worker *worker)
{
    hub_lock();
    pid_t pid = worker->pid;
    hub_unlock();
    return pid;
}

static char *log_text(struct assay_worker *worker, size_t max)
{
    if (worker->owner != getpid())
        return mem_string("");
    struct log_wanted wanted = {.worker = worker, .max = max};
    hub_call(read_log_on_loop, &wanted);
    return wanted.text;
}

char *assay_worker_log(struct assay_worker *worker)
{
    MAGIC_CHECK(worker, WORKER_MAGIC);
    return log_text(worker, LIMIT_OUTPUT_BYTES);
}

enum assay_error worker_blame(struct assay_worker *worker, enum assay_error error)
{
    if (!worker_is_ours(worker))
        return error;
    int64_t deadline = error == ASSAY_ERROR_HTTP ? clock_now() + BLAME_PATIENCE : 0;
    hub_lock();
    while (!worker->failure && hub_wait(deadline))
        ;
    bool died = worker->failure != ERR_OK;
    hub_unlock();
    if (died)
        error = harness_fail(ASSAY_ERROR_DIED, "%s; %s", worker->why, assay_last_error());
    char *log = log_text(worker, BLAME_LOG_BYTES);
    harness_add_log(slice_str(log));
    mem_free(log);
    return error;
}

uint16_t assay_free_port(void)
{
    uint16_t port = 0;
    if (!result_ok(hub_enter()))
        return 0;
    hub_call(reserve_port_on_loop, &port);
    hub_leave();
    return port;
}
