/*
 * The state machine of one service; see the header for its states. Everything that happens to it
 * comes from four sides: its owner (start, stop), its process (lines, end, exit), its readiness,
 * and a timer that makes sure that events never come from inside the owner's own call.
 */
#include "service/service.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/memory.h"
#include "core/parse.h"
#include "core/text.h"
#include "service/pattern.h"

#define SERVICE_MAGIC 0x73657276u

/* How servers of every language say that their port is taken. */
#define PORT_TAKEN "(?i)address (is )?already in use|address in use|EADDRINUSE"

enum state {
    IDLE,
    STARTING,
    READY,
    STOPPING, /* its owner asked */
    ENDING,   /* it failed or died, and its owner knows */
};

/* What the timer does when it is due. */
enum errand {
    NOTHING,
    ATTEMPT,   /* start the process */
    FINISH,    /* there is nothing to wait for */
    PORT_LATE, /* the port was not printed in time */
};

struct service {
    unsigned magic;
    uv_loop_t *loop;
    struct ports *ports;
    char *name;
    struct service_source source;
    struct service_events events;
    enum state state;
    struct linelog *log;
    uv_timer_t timer;
    enum errand errand;

    /* of the last start */
    int64_t started, ready_at;
    uint32_t attempts;
    int signal_sent; /* by service_signal */

    /* of the present attempt */
    struct arena *arena;
    struct service_spec spec;
    int64_t attempt_started;
    uint16_t port; /* kept after the end, to be used again */
    bool reserved;
    bool port_lost; /* somebody else has it: try another when this process is gone */
    struct pattern *port_pattern;
    struct process *process;
    struct ready *ready;
    int log_file; /* -1: none */
};

static bool is_ours(const struct service *s)
{
    return s->spec.argv != NULL;
}

/* ---- the timer ---- */

static void timer_due(uv_timer_t *timer);

static void soon(struct service *s, enum errand errand, int64_t after)
{
    s->errand = errand;
    uv_update_time(s->loop);
    uv_timer_start(&s->timer, timer_due, (uint64_t)((after + NS_PER_MS - 1) / NS_PER_MS), 0);
}

static void no_errand(struct service *s)
{
    s->errand = NOTHING;
    uv_timer_stop(&s->timer);
}

/* ---- ends ---- */

static int64_t stop_within(const struct service *s)
{
    return s->spec.stop_within ? s->spec.stop_within : SERVICE_STOP_WITHIN;
}

static int stop_signal(const struct service *s)
{
    return s->spec.stop_signal ? s->spec.stop_signal : SIGTERM;
}

static struct slice last_lines(const struct service *s, struct arena *arena)
{
    return linelog_text(s->log, s->attempt_started, CLOCK_NEVER, LIMIT_SHOWN_BYTES, arena);
}

/* From STARTING to ENDING: the owner is told, and what runs is stopped. */
static void failed_of(struct service *s, enum error_code code, const char *text,
                      const struct process_end *end)
{
    MUST(s->state == STARTING, "service %s failed in state %d", s->name, (int)s->state);
    s->state = ENDING;
    no_errand(s);
    ready_cancel(take(&s->ready));
    if (s->process)
        process_stop(s->process, stop_signal(s), stop_within(s));
    else
        soon(s, FINISH, 0);
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct service_failure why = {.code = code,
                                  .text = arena_string(arena, slice_str(text)),
                                  .log = last_lines(s, arena),
                                  .pid = s->process ? process_pid(s->process) : 0,
                                  .end = end};
    if (s->events.on_failed)
        s->events.on_failed(s->events.context, s, &why);
}

static void failed(struct service *s, enum error_code code, const char *text)
{
    failed_of(s, code, text, NULL);
}

static void failed_with_last_error(struct service *s)
{
    struct error last = *error_last();
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    failed(s, last.code, arena_printf(arena, "service \"%s\": %s", s->name, last.text));
}

static const char *how_it_ended(const struct service *s, const struct process_end *end,
                                const char *when, struct arena *arena)
{
    char how[PROCESS_END_TEXT];
    bool killed = end->fate == PROCESS_SIGNALLED && end->code == SIGKILL;
    return arena_printf(arena, "service \"%s\" %s%s%s", s->name, process_end_text(how, end), when,
                        killed && s->signal_sent != SIGKILL
                            ? ", not by assay: the system does that when memory runs out"
                            : "");
}

static void failed_by_ending(struct service *s, const struct process_end *end)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    failed_of(s, ERR_DIED, how_it_ended(s, end, " before it was ready", arena), end);
}

static bool was_expected(const struct service *s, const struct process_end *end)
{
    int sent = s->signal_sent;
    bool asks_to_end = sent == SIGTERM || sent == SIGINT || sent == SIGQUIT;
    return end->fate == PROCESS_EXITED ? asks_to_end : sent != 0 && end->code == sent;
}

static void died(struct service *s, const struct process_end *end)
{
    s->state = ENDING;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct service_failure why = {.code = ERR_DIED,
                                  .text = how_it_ended(s, end, "", arena),
                                  .log = last_lines(s, arena),
                                  .expected = was_expected(s, end),
                                  .pid = process_pid(s->process),
                                  .end = end};
    if (s->events.on_died)
        s->events.on_died(s->events.context, s, &why);
}

static void release_attempt(struct service *s)
{
    ready_cancel(take(&s->ready));
    pattern_free(take(&s->port_pattern));
    if (s->log_file >= 0)
        (void)close(s->log_file);
    s->log_file = -1;
    if (s->reserved)
        port_release(s->ports, s->port);
    s->reserved = false;
}

/* The last event; the owner may free the service in it. */
static void finish(struct service *s, struct service_rest rest)
{
    no_errand(s);
    rest.port_in_use = s->reserved && port_has_listener(s->port);
    release_attempt(s);
    s->state = IDLE;
    if (s->events.on_stopped)
        s->events.on_stopped(s->events.context, s, &rest);
}

/* ---- readiness ---- */

static void became_ready(struct service *s)
{
    s->state = READY;
    s->ready_at = clock_now();
    log_debug("service", "%s is ready at %s after %lld us, %u attempt(s)", s->name,
              s->spec.url ? s->spec.url : "no url",
              (long long)(s->ready_at - s->started) / NS_PER_US, s->attempts);
    if (s->events.on_ready)
        s->events.on_ready(s->events.context, s);
}

static bool may_try_another_port(const struct service *s)
{
    return s->spec.port == PORT_FREE && s->attempts < SERVICE_PORT_ATTEMPTS;
}

/* Somebody took the port before the service could, and answers in its place. */
static void answered_by_stranger(struct service *s, const char *who)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    const char *text =
        arena_printf(arena, "service \"%s\" has lost port %u to %s, which it did not start",
                     s->name, s->port, who);
    if (!may_try_another_port(s)) {
        failed(s, ERR_CONNECT, text);
        return;
    }
    log_info("service", "%s; trying another port", text);
    s->port_lost = true;
    process_stop(s->process, SIGKILL, 0);
}

static void on_ready(void *context)
{
    struct service *s = context;
    MAGIC_CHECK(s, SERVICE_MAGIC);
    enum ready_kind kind = s->spec.ready.kind;
    bool asked = kind == READY_DEFAULT || kind == READY_TCP || kind == READY_HTTP;
    const char *who;
    ready_cancel(take(&s->ready));
    if (asked && s->process && s->spec.port == PORT_FREE &&
        port_held_by_stranger(s->arena, s->port, process_keeper(s->process), &who))
        answered_by_stranger(s, who);
    else
        became_ready(s);
}

static void not_ready_in_time(struct service *s, const char *last)
{
    char within[DURATION_TEXT];
    int64_t limit = s->spec.ready.within ? s->spec.ready.within : READY_WITHIN;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    failed(s, ERR_TIMEOUT,
           arena_printf(arena, "service \"%s\" was not ready within %s (%s)", s->name,
                        format_duration(within, limit), last));
}

static void on_timeout(void *context, const char *last)
{
    struct service *s = context;
    MAGIC_CHECK(s, SERVICE_MAGIC);
    not_ready_in_time(s, last);
}

static struct result begin_readiness(struct service *s)
{
    if (s->spec.url == NULL && s->port != 0)
        s->spec.url = arena_printf(s->arena, "http://127.0.0.1:%u", s->port);
    /* Whether something that runs elsewhere is up is only asked when the suite says how. */
    if (!is_ours(s) && s->spec.ready.kind == READY_DEFAULT)
        s->spec.ready.kind = READY_AT_ONCE;
    struct ready_events events = {s, on_ready, on_timeout};
    TRY(ready_begin(s->loop, &s->spec.ready, s->spec.url, s->attempt_started, events, &s->ready));
    if (s->spec.ready.kind != READY_LOG)
        return RESULT_OK;
    /* With a port read from the output, the telling line may have come already. */
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    const struct log_line *lines;
    size_t count =
        linelog_between(s->log, s->attempt_started, CLOCK_NEVER, LIMIT_OUTPUT_BYTES, arena, &lines);
    for (size_t i = 0; i < count; i++)
        ready_line(s->ready, lines[i].text);
    return RESULT_OK;
}

/* ---- the process ---- */

static void take_port(struct service *s, struct slice digits)
{
    uint64_t port = 0;
    struct result r = parse_unsigned(digits, UINT16_MAX, &port);
    if (result_ok(r) && port == 0)
        r = error_set(ERR_VALUE, "it is 0");
    if (!result_ok(r)) {
        result_ignore(
            error_context(r, "its output has no port where \"%s\" looks", s->spec.port_pattern));
        failed_with_last_error(s);
        return;
    }
    no_errand(s);
    s->port = (uint16_t)port;
    r = s->source.resolve(s->source.context, s->port, s->arena, &s->spec);
    if (result_ok(r))
        r = begin_readiness(s);
    if (!result_ok(r))
        failed_with_last_error(s);
}

static void on_line(void *context, const struct log_line *line)
{
    struct service *s = context;
    MAGIC_CHECK(s, SERVICE_MAGIC);
    struct slice digits;
    if (s->state == STARTING && s->ready)
        ready_line(s->ready, line->text);
    else if (s->state == STARTING && s->port_pattern && s->port == 0 &&
             pattern_find(s->port_pattern, line->text, &digits))
        take_port(s, digits);
    if (s->events.on_line)
        s->events.on_line(s->events.context, s, line);
}

static void write_log_file(struct service *s, struct slice bytes)
{
    while (s->log_file >= 0 && bytes.len > 0) {
        ssize_t n = write(s->log_file, bytes.data, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            log_warning("service", "the log of %s ends here: cannot write %s: %s", s->name,
                        s->spec.log_path, strerror(errno));
            (void)close(s->log_file);
            s->log_file = -1;
            return;
        }
        bytes = slice_from(bytes, (size_t)n);
    }
}

static void on_output(void *context, enum process_stream stream, struct slice bytes)
{
    struct service *s = context;
    MAGIC_CHECK(s, SERVICE_MAGIC);
    write_log_file(s, bytes);
    linelog_add(s->log, stream, bytes, clock_now());
}

static bool says_port_is_taken(struct service *s)
{
    struct pattern *taken;
    struct result r = pattern_compile(PORT_TAKEN, &taken);
    MUST(result_ok(r), "%s", error_last()->text);
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    bool found = pattern_find(taken, last_lines(s, arena), NULL);
    pattern_free(taken);
    return found;
}

static void on_process_end(void *context, const struct process_end *end)
{
    struct service *s = context;
    MAGIC_CHECK(s, SERVICE_MAGIC);
    linelog_flush(s->log);
    if (s->state == READY) {
        died(s, end);
        return;
    }
    if (s->state != STARTING)
        return;
    ready_cancel(take(&s->ready));
    no_errand(s);
    if (may_try_another_port(s) && (s->port_lost || says_port_is_taken(s)))
        s->port_lost = true;
    else if (!may_try_another_port(s) || port_is_free(s->port))
        failed_by_ending(s, end);
    /* Else its own children may hold the port: on_process_exit decides when they are gone. */
}

static void on_process_exit(void *context, const struct process_end *end)
{
    struct service *s = context;
    MAGIC_CHECK(s, SERVICE_MAGIC);
    linelog_flush(s->log);
    struct process_end kept = *end; /* which goes with the process */
    struct service_rest rest = {.forced = kept.forced, .stragglers = kept.stragglers, .end = &kept};
    bool race_lost = s->state == STARTING && (s->port_lost || !port_is_free(s->port));
    if (s->state == STARTING && !race_lost)
        failed_by_ending(s, end);
    process_free(take(&s->process));
    if (race_lost) {
        log_info("service", "%s lost the race for port %u, trying another", s->name, s->port);
        release_attempt(s);
        s->port = 0;
        soon(s, ATTEMPT, 0);
        return;
    }
    finish(s, rest);
}

/* ---- an attempt ---- */

/* The spec, with a port when it wants one of ours. */
static struct result resolve(struct service *s)
{
    struct service_spec *spec = &s->spec;
    *spec = (struct service_spec){0};
    TRY(s->source.resolve(s->source.context, 0, s->arena, spec));
    if (spec->port == PORT_PATTERN) {
        s->port = 0;
        return pattern_compile(spec->port_pattern, &s->port_pattern);
    }
    if (spec->port == PORT_NONE) {
        s->port = 0;
        return RESULT_OK;
    }
    /* A service that is started again is found where it was. */
    if (s->port == 0 || !port_reserve_again(s->ports, s->port))
        TRY(port_reserve(s->ports, &s->port));
    s->reserved = true;
    *spec = (struct service_spec){0};
    return s->source.resolve(s->source.context, s->port, s->arena, spec);
}

static struct result open_log_file(struct service *s)
{
    if (s->spec.log_path == NULL)
        return RESULT_OK;
    s->log_file = open(s->spec.log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    ENSURE(s->log_file >= 0, ERR_IO, "cannot open its log file %s: %s", s->spec.log_path,
           strerror(errno));
    return RESULT_OK;
}

static struct result start_process(struct service *s)
{
    TRY(open_log_file(s));
    struct process_options options = {
        .argv = s->spec.argv, .environment = s->spec.environment, .cwd = s->spec.cwd};
    struct process_events events = {s, on_output, on_process_end, on_process_exit};
    TRY(process_start(s->loop, &options, events, &s->process));
    if (s->events.on_started)
        s->events.on_started(s->events.context, s);
    return RESULT_OK;
}

static struct result begin_attempt(struct service *s)
{
    TRY(resolve(s));
    if (is_ours(s)) {
        TRY(start_process(s));
    } else {
        ENSURE(s->spec.url, ERR_SUITE, "it has neither a command nor a url");
    }
    if (s->spec.port != PORT_PATTERN)
        return begin_readiness(s);
    soon(s, PORT_LATE, s->spec.ready.within ? s->spec.ready.within : READY_WITHIN);
    return RESULT_OK;
}

static void attempt(struct service *s)
{
    arena_free(s->arena);
    s->arena = arena_new();
    s->attempts++;
    s->attempt_started = clock_now();
    s->port_lost = false;
    if (!result_ok(begin_attempt(s)))
        failed_with_last_error(s);
}

static void timer_due(uv_timer_t *timer)
{
    struct service *s = timer->data;
    MAGIC_CHECK(s, SERVICE_MAGIC);
    enum errand errand = s->errand;
    s->errand = NOTHING;
    switch (errand) {
    case ATTEMPT:
        attempt(s);
        break;
    case FINISH:
        finish(s, (struct service_rest){0});
        break;
    case PORT_LATE:
        not_ready_in_time(s, "its output never showed its port");
        break;
    case NOTHING:
        break;
    }
}

/* ---- the interface ---- */

struct service *service_new(uv_loop_t *loop, struct ports *ports, const char *name,
                            struct service_source source, struct service_events events)
{
    struct service *s = NEW(struct service);
    s->magic = SERVICE_MAGIC;
    s->loop = loop;
    s->ports = ports;
    s->name = mem_string(name);
    s->source = source;
    s->events = events;
    s->log = linelog_new(on_line, s);
    s->log_file = -1;
    (void)uv_timer_init(loop, &s->timer);
    s->timer.data = s;
    return s;
}

static void timer_closed(uv_handle_t *timer)
{
    mem_free(timer->data);
}

void service_free(struct service *service)
{
    if (service == NULL)
        return;
    MAGIC_CHECK(service, SERVICE_MAGIC);
    MUST(service->state == IDLE, "service %s is freed in state %d", service->name,
         (int)service->state);
    linelog_free(service->log);
    arena_free(service->arena);
    mem_free(service->name);
    service->magic = 0;
    uv_close((uv_handle_t *)&service->timer, timer_closed);
}

void service_start(struct service *service)
{
    MAGIC_CHECK(service, SERVICE_MAGIC);
    MUST(service->state == IDLE, "service %s is started in state %d", service->name,
         (int)service->state);
    service->state = STARTING;
    service->started = clock_now();
    service->ready_at = 0;
    service->attempts = 0;
    service->signal_sent = 0;
    soon(service, ATTEMPT, 0);
}

static void stop(struct service *s, int signal, int64_t grace)
{
    MAGIC_CHECK(s, SERVICE_MAGIC);
    MUST(s->state != IDLE, "service %s is stopped without having been started", s->name);
    if (s->state != ENDING)
        s->state = STOPPING;
    no_errand(s);
    ready_cancel(take(&s->ready));
    if (s->process)
        process_stop(s->process, signal, grace);
    else
        soon(s, FINISH, 0);
}

void service_stop(struct service *service)
{
    stop(service, stop_signal(service), stop_within(service));
}

void service_kill(struct service *service)
{
    stop(service, SIGKILL, 0);
}

struct result service_signal(struct service *service, int signal)
{
    MAGIC_CHECK(service, SERVICE_MAGIC);
    ENSURE(service->attempts == 0 || is_ours(service), ERR_UNSUPPORTED,
           "service \"%s\" runs elsewhere: assay cannot send it %s", service->name,
           process_signal_name(signal));
    ENSURE(service->process && service->state != ENDING, ERR_NOT_FOUND,
           "service \"%s\" is not running: there is nothing to send %s to", service->name,
           process_signal_name(signal));
    if (signal != SIGSTOP && signal != SIGCONT)
        service->signal_sent = signal;
    process_signal(service->process, signal);
    return RESULT_OK;
}

const char *service_name(const struct service *service)
{
    return service->name;
}

const char *service_url(const struct service *service)
{
    return service->spec.url;
}

uint16_t service_port(const struct service *service)
{
    return service->port;
}

pid_t service_pid(const struct service *service)
{
    bool runs = service->process && service->state != ENDING;
    return runs ? process_pid(service->process) : 0;
}

pid_t service_keeper(const struct service *service)
{
    bool runs = service->process && service->state != ENDING;
    return runs ? process_keeper(service->process) : 0;
}

bool service_is_ready(const struct service *service)
{
    return service->state == READY;
}

bool service_is_ours(const struct service *service)
{
    return is_ours(service);
}

uint32_t service_attempts(const struct service *service)
{
    return service->attempts;
}

int64_t service_start_time(const struct service *service)
{
    return service->ready_at ? service->ready_at - service->started : 0;
}

const struct linelog *service_log(const struct service *service)
{
    return service->log;
}
