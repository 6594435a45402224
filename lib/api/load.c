/*
 * assay_load: a line a second while it runs, tables and JSON at the end.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/explore.h"
#include "core/clock.h"
#include "core/jsontext.h"
#include "core/memory.h"
#include "load/print.h"
#include "load/setup.h"

/* ------------------------------------------------------------------ while it runs */

/* Everything of one command. */
struct loading {
    struct session *session;
    const struct assay_load_options *options;
    struct target target;
    struct load_plan plan;
    struct slo slos[SLO_MOST_OBJECTIVES];
    size_t slo_count;
    struct belief belief;
    json_t *seconds;
    bool interrupted;
    bool quiet;     /* no line a second … */
    bool json_only; /* … and no tables either */
};

static void say(const struct loading *l, const struct text *t)
{
    fputs(text_str(t), l->session->streams.out);
    fflush(l->session->streams.out);
}

static void show_second(struct loading *l, const struct load_second *second, int64_t at,
                        int64_t span)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    if (second->answered + second->failed + second->busy == 0 &&
        at > l->plan.warmup + l->plan.duration)
        return;
    print_second(&t, second, l->target.stream, at, span, at <= l->plan.warmup);
    if (!l->quiet)
        say(l, &t);
    json_array_append_new(l->seconds, print_second_json(second, at, span));
}

/* A line a second, until the end. SIGINT and SIGTERM, which are blocked, end the load in order; the
 * second one ends it at once. */
static void watch(struct loading *l, struct load *load, const sigset_t *signals)
{
    struct load_second *second = mem_alloc(sizeof(*second));
    int64_t began = clock_now(), last = began, next = began + NS_PER_S;
    bool running = true;
    while (running) {
        int64_t left = next - clock_now();
        /* Short waits, so that the end is noticed soon. */
        int64_t wait = left < 50 * NS_PER_MS ? left : 50 * NS_PER_MS;
        struct timespec time = {0, wait > 0 ? wait : 0};
        if (sigtimedwait(signals, NULL, &time) > 0) {
            l->interrupted = true;
            load_stop(load);
        }
        running = load_running(load);
        int64_t now = clock_now();
        if (now < next && running)
            continue;
        load_look(load, second);
        if (running || now - last > NS_PER_S / 10)
            show_second(l, second, now - began, now - last);
        last = now;
        next += NS_PER_S;
    }
    mem_free(second);
}

static struct result write_json(const struct loading *l, const struct load_report *report)
{
    const char *path = l->options->json;
    struct arena *arena = l->session->arena;
    json_t *json = jsontext_keep(arena, print_json(report, json_incref(l->seconds)));
    struct slice text = jsontext_write_pretty(arena, json);
    FILE *f = l->json_only ? l->session->streams.out : fopen(path, "we");
    ENSURE(f, ERR_IO, "--json %s: %s", path, strerror(errno));
    fprintf(f, "%.*s\n", SLICE_ARG(text));
    bool good = f == l->session->streams.out ? fflush(f) == 0 : fclose(f) == 0;
    ENSURE(good, ERR_IO, "--json %s: it could not be written", path);
    return RESULT_OK;
}

static int exit_status(const struct loading *l, enum load_verdict verdict)
{
    static const int statuses[] = {
        [VERDICT_PASSED] = 0,
        [VERDICT_FAILED] = 1,
        [VERDICT_INVALID] = 3,
        [VERDICT_NOTHING] = 3,
    };
    return l->interrupted ? 130 : statuses[verdict];
}

static struct result run(struct loading *l, const sigset_t *signals, int *status)
{
    struct arena *arena = l->session->arena;
    struct load *load = NULL;
    TRY(target_reach(&l->target));
    struct text t = text_in(arena);
    print_plan(&t, &l->plan);
    print_columns(&t, l->target.stream);
    if (!l->quiet)
        say(l, &t);
    TRY(load_begin(&l->plan, &load));
    watch(l, load, signals);
    struct load_outcome *outcome = mem_alloc(sizeof(*outcome));
    load_end(load, outcome);
    struct judgement judgement = load_judge(arena, outcome, &l->belief, l->slos, l->slo_count);
    struct load_report report = {&l->plan, outcome, l->slos, l->slo_count, &l->belief, &judgement};
    struct text tables = text_in(arena);
    print_report(&tables, &report, l->session->streams.out_color);
    if (!l->json_only)
        say(l, &tables);
    *status = exit_status(l, judgement.verdict);
    struct result r = l->options->json ? write_json(l, &report) : RESULT_OK;
    mem_free(outcome);
    return r;
}

static struct result load(struct session *session, const struct assay_load_options *o,
                          const sigset_t *signals, int *status)
{
    DEFER(jsontext_release)
    json_t *seconds = json_array();
    struct loading l = {.session = session, .options = o, .seconds = seconds};
    l.json_only = o->json && strcmp(o->json, "-") == 0;
    l.quiet = o->quiet || l.json_only;
    l.belief.usual = o->lag_ns ? o->lag_ns : BELIEF_USUAL;
    TRY(setup_target(session->arena, o, &l.target));
    TRY(setup_plan(session->arena, o, &l.target, &l.plan));
    if (o->slo)
        TRY(slo_read(session->arena, o->slo, l.slos, &l.slo_count));
    l.plan.bounds = slo_bounds(l.slos, l.slo_count);
    if (o->search || o->sweep) {
        const struct exploring exploring = {session,   o,      &l.plan,     &l.target,
                                            &l.belief, l.slos, l.slo_count, signals};
        return explore(&exploring, status);
    }
    return run(&l, signals, status);
}

int assay_load(const struct assay_load_options *options)
{
    DEFER(session_end)
    struct session session = session_begin(&options->streams);
    sigset_t signals, before;
    int status = 0;
    /* Blocked in all threads, and waited for in this one: no handler, nothing interrupted. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, &before);
    struct result r = load(&session, options, &signals, &status);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result_ok(r) ? status : session_failed(&session, r);
}
