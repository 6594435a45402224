/*
 * One timer and at most one question at a time. The timer is always set to the nearest of: the next
 * question, the end of patience with the present one, the end of the whole time.
 */
#include "service/ready.h"

#include <signal.h>
#include <stdio.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/parse.h"
#include "service/pattern.h"
#include "service/probe.h"
#include "service/process.h"

#define READY_MAGIC 0x72656164u

#define FIRST_QUESTION (5 * NS_PER_MS)
#define SHORTEST_WAIT (1 * NS_PER_MS)
#define LONGEST_WAIT (250 * NS_PER_MS)
/* Starting a program costs a thousand times what a refused connection does. */
#define SHORTEST_PROGRAM_WAIT (50 * NS_PER_MS)
/* A server that accepts and then says nothing is asked afresh after this long. */
#define PATIENCE (2 * NS_PER_S)
/* Of a program's stderr, for the message. */
#define PROGRAM_OUTPUT_KEPT 256

struct ready {
    unsigned magic;
    uv_loop_t *loop;
    struct ready_spec spec;
    struct ready_events events;
    struct arena *arena;
    struct probe_target target; /* TCP, HTTP */
    struct pattern *pattern;    /* LOG */
    int64_t started, deadline;
    int64_t wake;   /* the next question, or the end of patience with the present one */
    bool answered;  /* it is ready, to be told by the timer */
    bool told;      /* or cancelled: no event any more */
    bool cancelled; /* freed as soon as the loop holds nothing of it */
    struct probe *probe;
    struct process *process;
    uv_timer_t timer;
    char last[320]; /* what the last try met */
};

static void timer_due(uv_timer_t *timer);

static void set_timer(struct ready *r)
{
    int64_t when = r->wake < r->deadline ? r->wake : r->deadline;
    int64_t left = r->answered ? 0 : when - clock_now();
    uv_update_time(r->loop);
    /* Rounded up: a timer that fires early would find nothing to do. */
    uv_timer_start(&r->timer, timer_due,
                   left > 0 ? (uint64_t)((left + NS_PER_MS - 1) / NS_PER_MS) : 0, 0);
}

static void ask_later(struct ready *r)
{
    int64_t now = clock_now(), shortest = SHORTEST_WAIT;
    int64_t wait = (now - r->started) / 5;
    if (r->spec.kind == READY_PROGRAM)
        shortest = SHORTEST_PROGRAM_WAIT;
    wait = wait < shortest ? shortest : wait > LONGEST_WAIT ? LONGEST_WAIT : wait;
    r->wake = now + wait;
    set_timer(r);
}

static void is_ready(struct ready *r)
{
    r->answered = true;
    set_timer(r);
}

/* ---- questions ---- */

static void probe_answered(void *context, const char *problem)
{
    struct ready *r = context;
    MAGIC_CHECK(r, READY_MAGIC);
    r->probe = NULL;
    if (problem == NULL) {
        is_ready(r);
        return;
    }
    snprintf(r->last, sizeof(r->last), "%s: %s", r->target.shown, problem);
    ask_later(r);
}

static void ask_over_network(struct ready *r)
{
    r->wake = clock_now() + PATIENCE;
    r->probe = probe_begin(r->loop, &r->target, probe_answered, r);
    set_timer(r);
}

static void free_when_let_go(struct ready *r)
{
    if (!r->cancelled || r->process || r->timer.data)
        return;
    pattern_free(r->pattern);
    arena_free(r->arena);
    r->magic = 0;
    mem_free(r);
}

static void describe_program(struct ready *r, const struct process_end *end)
{
    char text[PROCESS_END_TEXT];
    struct slice output = slice_trim(process_output(r->process, PROCESS_STDERR));
    snprintf(r->last, sizeof(r->last), "%.40s %s%s%.*s", r->spec.argv[0],
             process_end_text(text, end), output.len > 0 ? ": " : "",
             (int)(output.len < 128 ? output.len : 128), output.len > 0 ? output.data : "");
}

static void program_exited(void *context, const struct process_end *end)
{
    struct ready *r = context;
    MAGIC_CHECK(r, READY_MAGIC);
    bool ready = end->fate == PROCESS_EXITED && end->code == 0;
    if (!r->cancelled)
        describe_program(r, end);
    process_free(take(&r->process));
    if (r->cancelled)
        free_when_let_go(r);
    else if (ready)
        is_ready(r);
    else
        ask_later(r);
}

static void ask_program(struct ready *r)
{
    struct process_options options = {.argv = r->spec.argv,
                                      .environment = r->spec.environment,
                                      .cwd = r->spec.cwd,
                                      .keep = PROGRAM_OUTPUT_KEPT};
    struct process_events events = {.context = r, .on_exit = program_exited};
    r->wake = CLOCK_NEVER;
    if (!result_ok(process_start(r->loop, &options, events, &r->process))) {
        snprintf(r->last, sizeof(r->last), "%.300s", error_last()->text);
        ask_later(r);
        return;
    }
    set_timer(r);
}

/* The time of a kind's first question; CLOCK_NEVER when it is told instead of asked. */
static int64_t first_question(const struct ready *r)
{
    switch (r->spec.kind) {
    case READY_LOG:
        return CLOCK_NEVER;
    case READY_AT_ONCE:
        return r->started;
    default:
        return r->started + FIRST_QUESTION;
    }
}

static void tell(struct ready *r)
{
    r->told = true;
    uv_timer_stop(&r->timer);
    if (r->answered)
        r->events.on_ready(r->events.context);
    else
        r->events.on_timeout(r->events.context, r->last);
}

static void timer_due(uv_timer_t *timer)
{
    struct ready *r = timer->data;
    MAGIC_CHECK(r, READY_MAGIC);
    int64_t now = clock_now();
    if (r->answered || now >= r->deadline) {
        tell(r);
    } else if (now < r->wake) {
        set_timer(r);
    } else if (r->spec.kind == READY_AT_ONCE) {
        r->answered = true;
        tell(r);
    } else if (r->probe) {
        probe_cancel(take(&r->probe));
        snprintf(r->last, sizeof(r->last), "%s: no answer within 2 s", r->target.shown);
        ask_later(r);
    } else if (r->spec.kind == READY_PROGRAM) {
        ask_program(r);
    } else {
        ask_over_network(r);
    }
}

/* ---- the interface ---- */

static struct result prepare(struct ready *r, const char *url)
{
    switch (r->spec.kind) {
    case READY_TCP:
        ENSURE(url, ERR_VALUE, "readiness by tcp needs the service's url or port");
        return probe_tcp(r->arena, url, &r->target);
    case READY_HTTP:
        ENSURE(url || strstr(r->spec.path, "://"), ERR_VALUE,
               "readiness by http needs the service's url or port");
        return probe_http(r->arena, url ? url : "", r->spec.path, r->spec.status, &r->target);
    case READY_LOG:
        snprintf(r->last, sizeof(r->last), "no line of its output matched \"%.200s\"",
                 r->spec.pattern);
        return pattern_compile(r->spec.pattern, &r->pattern);
    case READY_DEFAULT:
    case READY_AT_ONCE:
    case READY_PROGRAM:
        break;
    }
    return RESULT_OK;
}

struct result ready_begin(uv_loop_t *loop, const struct ready_spec *spec, const char *url,
                          int64_t started, struct ready_events events, struct ready **out)
{
    struct ready *r = NEW(struct ready);
    r->magic = READY_MAGIC;
    r->loop = loop;
    r->spec = *spec;
    r->events = events;
    r->arena = arena_new();
    r->started = started;
    r->deadline = started + (spec->within ? spec->within : READY_WITHIN);
    snprintf(r->last, sizeof(r->last), "nothing was asked yet");
    if (r->spec.kind == READY_DEFAULT)
        r->spec.kind = url ? READY_TCP : READY_AT_ONCE;
    struct result prepared = prepare(r, url);
    if (!result_ok(prepared)) {
        r->cancelled = true;
        free_when_let_go(r);
        return prepared;
    }
    (void)uv_timer_init(loop, &r->timer);
    r->timer.data = r;
    r->wake = first_question(r);
    set_timer(r);
    *out = r;
    return RESULT_OK;
}

void ready_line(struct ready *ready, struct slice line)
{
    MAGIC_CHECK(ready, READY_MAGIC);
    if (ready->pattern && !ready->told && !ready->answered &&
        pattern_find(ready->pattern, line, NULL))
        is_ready(ready);
}

static void timer_closed(uv_handle_t *timer)
{
    struct ready *r = timer->data;
    timer->data = NULL;
    free_when_let_go(r);
}

void ready_cancel(struct ready *ready)
{
    if (ready == NULL)
        return;
    MAGIC_CHECK(ready, READY_MAGIC);
    MUST(!ready->cancelled, "cancelled twice");
    ready->cancelled = ready->told = true;
    probe_cancel(take(&ready->probe));
    if (ready->process)
        process_stop(ready->process, SIGKILL, 0);
    uv_close((uv_handle_t *)&ready->timer, timer_closed);
}
