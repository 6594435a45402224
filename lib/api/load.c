/*
 * assay_load: options to a plan, a line a second while it runs, tables and JSON at the end.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/explore.h"
#include "core/clock.h"
#include "core/jsontext.h"
#include "core/limits.h"
#include "core/memory.h"
#include "core/parse.h"
#include "core/random.h"
#include "load/print.h"

#define DEFAULT_DURATION (10 * NS_PER_S)
#define DEFAULT_DRAIN (10 * NS_PER_S)
#define DEFAULT_TIMEOUT (60 * NS_PER_S)
#define DEFAULT_CONNECTIONS 1024
#define MOST_RATE 1e7
#define MOST_STAGES 64
#define MOST_THREADS 256

/* ------------------------------------------------------------------ options to a plan */

/* "500" or "10..100", with or without "/s". */
static struct result read_rate(struct slice text, const char *whole, struct arrival_stage *out)
{
    ptrdiff_t dots = slice_find(text, SLICE(".."));
    struct slice from = dots >= 0 ? slice_part(text, 0, (size_t)dots) : text;
    struct slice to = dots >= 0 ? slice_from(text, (size_t)dots + 2) : text;
    bool good = result_ok(parse_number(from, &out->from)) && result_ok(parse_number(to, &out->to));
    ENSURE(good && out->from >= 0 && out->to >= 0 && out->from <= MOST_RATE && out->to <= MOST_RATE,
           ERR_USAGE,
           "--rate %s: expected requests a second: 500, 10..100 for a ramp, 100,200,400 for steps",
           whole);
    return RESULT_OK;
}

/* The stages of a load at these rates: each as long as the others, the first after the warm-up. */
static struct result read_rates(struct arena *arena, const struct assay_load_options *o,
                                struct load_plan *plan)
{
    struct slice rest = slice_str(o->rate), part = {0};
    struct arrival_stage *stages = ARENA_ARRAY(arena, struct arrival_stage, MOST_STAGES + 1);
    size_t count = plan->warmup > 0;
    if (slice_ends(rest, SLICE("/s")))
        rest.len -= 2;
    while (slice_split(&rest, ',', &part)) {
        ENSURE(count <= MOST_STAGES, ERR_USAGE, "--rate %s: more than %d steps", o->rate,
               MOST_STAGES);
        TRY(read_rate(slice_trim(part), o->rate, &stages[count++]));
    }
    size_t first = plan->warmup > 0;
    for (size_t i = first; i < count; i++)
        stages[i].duration = (double)plan->duration / (double)NS_PER_S / (double)(count - first);
    if (first)
        stages[0] = (struct arrival_stage){(double)plan->warmup / (double)NS_PER_S, stages[1].from,
                                           stages[1].from};
    plan->stages = stages;
    plan->stage_count = count;
    ENSURE(arrival_expected(stages, count) > 0, ERR_USAGE, "--rate %s: no request would be sent",
           o->rate);
    return RESULT_OK;
}

static struct result read_arrivals(const char *text, struct load_plan *plan)
{
    plan->arrivals = ARRIVAL_POISSON;
    plan->shape = 1;
    if (!text || strcmp(text, "poisson") == 0)
        return RESULT_OK;
    if (strcmp(text, "constant") == 0) {
        plan->arrivals = ARRIVAL_CONSTANT;
        return RESULT_OK;
    }
    plan->arrivals = ARRIVAL_GAMMA;
    ENSURE(strncmp(text, "gamma:", 6) == 0 &&
               result_ok(parse_number(slice_str(text + 6), &plan->shape)) && plan->shape >= 0.01 &&
               plan->shape <= 1000,
           ERR_USAGE,
           "--arrivals %s: expected constant, poisson, or gamma:SHAPE with a shape from 0.01 to "
           "1000, such as gamma:0.5 for bursts",
           text);
    return RESULT_OK;
}

/* "@path" is the file's content. */
static struct result read_body(struct arena *arena, const char *body, const char **out)
{
    *out = body;
    if (!body || *body != '@')
        return RESULT_OK;
    struct text t = text_in(arena);
    char piece[16384];
    FILE *f = fopen(body + 1, "re");
    ENSURE(f, ERR_USAGE, "--body %s: %s", body, strerror(errno));
    for (size_t n; (n = fread(piece, 1, sizeof(piece), f)) > 0 && t.len <= LIMIT_SUITE_BYTES;)
        text_add(&t, slice_of(piece, n));
    bool failed = ferror(f);
    fclose(f);
    ENSURE(!failed, ERR_USAGE, "--body %s: it cannot be read", body);
    ENSURE(t.len <= LIMIT_SUITE_BYTES, ERR_USAGE, "--body %s: more than %u bytes", body,
           LIMIT_SUITE_BYTES);
    ENSURE(!memchr(text_str(&t), 0, t.len), ERR_USAGE, "--body %s: it has a NUL byte in it", body);
    *out = text_str(&t);
    return RESULT_OK;
}

static struct result make_target(struct arena *arena, const struct assay_load_options *o,
                                 struct target *out)
{
    struct target_options options = {
        .url = o->url,
        .api = o->api,
        .method = o->method,
        .headers = o->headers.items,
        .header_count = o->headers.count,
        .prompt = o->prompt,
        .model = o->model,
        .max_tokens = o->max_tokens,
        .stream = o->stream,
    };
    TRY(read_body(arena, o->body, &options.body));
    return target_build(arena, &options, out);
}

static struct result make_plan(struct arena *arena, const struct assay_load_options *o,
                               const struct target *target, struct load_plan *plan)
{
    *plan = (struct load_plan){
        .target = target,
        .seed = o->has_seed ? o->seed : random_fresh_seed(),
        .users = o->concurrency,
        .connections = o->connections ? o->connections : DEFAULT_CONNECTIONS,
        .threads = o->threads ? o->threads : 1,
        .warmup = o->warmup_ns,
        .duration = o->duration_ns ? o->duration_ns : DEFAULT_DURATION,
        .drain = o->drain_ns ? o->drain_ns : DEFAULT_DRAIN,
        .timeout = o->timeout_ns ? o->timeout_ns : DEFAULT_TIMEOUT,
    };
    ENSURE(!o->rate || !o->concurrency, ERR_USAGE,
           "--rate (requests start by a schedule) and --concurrency (so many users who wait for "
           "their answers) do not go together");
    ENSURE(!o->arrivals || o->rate || o->search || o->sweep, ERR_USAGE, "--arrivals needs --rate");
    ENSURE(plan->threads <= MOST_THREADS, ERR_USAGE, "--threads: at most %d", MOST_THREADS);
    if (o->rate)
        TRY(read_rates(arena, o, plan));
    else
        plan->users = o->concurrency ? o->concurrency : 1;
    uint32_t conns = o->rate ? plan->connections : plan->users;
    if (!o->search && !o->sweep)
        plan->threads = plan->threads < conns ? plan->threads : conns;
    return read_arrivals(o->arrivals, plan);
}

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
    TRY(make_target(session->arena, o, &l.target));
    TRY(make_plan(session->arena, o, &l.target, &l.plan));
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
