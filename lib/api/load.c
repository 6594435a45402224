/*
 * assay_load: a line a second while it runs, tables and JSON at the end.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/explore.h"
#include "api/load_record.h"
#include "api/load_reports.h"
#include "api/scenario.h"
#include "api/suite_load.h"
#include "core/clock.h"
#include "core/memory.h"
#include "load/eventlog.h"
#include "load/live.h"
#include "load/print.h"
#include "load/replay.h"
#include "load/schedule.h"
#include "load/setup.h"
#include "step/load_keys.h"

/* What is to be done. */
struct task {
    const struct assay_load_options *options;
    struct suite_load *cases;        /* what is asked; NULL: what the options say */
    const struct node *expect;       /* of a scenario: what must be true besides; may be NULL */
    const struct redactor *redactor; /* of its secrets; may be NULL */
    const char *known_as;            /* struct target has it; may be NULL */
};

/* Everything of one load. */
struct loading {
    struct session *session;
    const struct task *task;
    const struct assay_load_options *options; /* of the task */
    struct target target;
    struct load_plan plan;
    struct slo slos[SLO_MOST_OBJECTIVES];
    size_t slo_count;
    struct belief belief;
    struct load_record record;
    struct load_reports *reports;
    struct timeline *timeline;
    const struct slo *aborted_by;
    struct live *live;
    bool interrupted;
    bool quiet; /* no line a second */
};

static void say(const struct loading *l, const struct text *t)
{
    fputs(text_str(t), l->session->streams.out);
    fflush(l->session->streams.out);
}

/* ------------------------------------------------------------------ while it runs */

static void show_second(struct loading *l, const struct load_second *second, int64_t from,
                        int64_t to)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    if (l->quiet || (second->answered + second->failed + second->busy == 0 &&
                     to > l->plan.warmup + l->plan.duration))
        return;
    bool warming = (from + to) / 2 < l->plan.warmup;
    print_second(&t, second, l->target.stream, to, to - from, warming);
    live_hide(l->live);
    say(l, &t);
    live_second(l->live, &l->plan, second, to, warming);
}

/* A line a second, until the end. SIGINT and SIGTERM, which are blocked, end the load in order; the
 * second one ends it at once. */
static void watch(struct loading *l, struct load *load, const sigset_t *signals)
{
    struct load_second *second = mem_alloc(sizeof(*second));
    int64_t began = load_began(load), last = 0, next = began + NS_PER_S + LOAD_LOOK_NS;
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
        int64_t at = now - began - (running ? LOAD_LOOK_NS : 0);
        timeline_add(l->timeline, second, last, at, (last + at) / 2 < l->plan.warmup);
        load_record_second(&l->record, second, last, at);
        if (running || at - last > NS_PER_S / 10)
            show_second(l, second, last, at);
        if (running && l->plan.watched && !l->aborted_by)
            l->aborted_by = load_abort(load, l->slos, l->slo_count);
        last = at;
        next += NS_PER_S;
    }
    mem_free(second);
}

/* ------------------------------------------------------------------ what came of it */

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

static struct result find_tool(const char *name, enum as_tool *out)
{
    for (int i = 0; as_tool_names[i]; i++)
        if (strcmp(as_tool_names[i], name) == 0) {
            *out = (enum as_tool)i;
            return RESULT_OK;
        }
    return error_set(ERR_USAGE,
                     "--as %s: expected vllm, aiperf, guidellm, inference-perf or llmperf", name);
}

/* What a scenario expects besides its objectives; false when something is not so. */
static bool as_expected(const struct loading *l, const struct load_outcome *outcome, struct text *t)
{
    struct observation o = {.arena = l->session->arena, .load = outcome, .seen = OBSERVED_LOAD};
    struct verdicts verdicts = verdicts_in(l->session->arena);
    if (!l->task->expect)
        return true;
    check_run(&o, l->task->expect, &verdicts);
    text_add_str(t, "\nExpected\n");
    for (const struct verdict *v = verdicts.first; v; v = v->next)
        text_printf(t, "  %s  %s%s%s\n", v->passed ? "holds" : "FAILS", v->check,
                    v->message ? ": " : "", v->message ? v->message : "");
    return verdicts.failed == 0;
}

/* Judged, shown and kept. */
static struct result conclude(struct loading *l, const struct load_outcome *outcome, int *status)
{
    struct arena *arena = l->session->arena;
    struct judgement judgement = load_judge(arena, outcome, &l->belief, l->slos, l->slo_count);
    load_judge_aborted(&judgement, l->aborted_by);
    struct load_report report = {&l->plan,   outcome,    l->slos,     l->slo_count,
                                 &l->belief, &judgement, l->timeline, load_record_id(&l->record)};
    struct text tables = text_in(arena);
    print_report(&tables, &report, l->session->streams.out_color);
    *status = exit_status(l, judgement.verdict);
    if (!as_expected(l, outcome, &tables) && *status == 0)
        *status = 1;
    if (!l->reports->on_stdout)
        say(l, &tables);
    TRY(load_reports_write(l->reports, &report));
    return load_record_end(&l->record, &report, *status);
}

/* All of a log as one row. */
static void add_row(struct timeline *timeline, const struct replay *replay)
{
    DEFER(mem_free_pointer)
    struct load_second *second = mem_alloc(sizeof(*second));
    const struct metrics *m = &replay->outcome.metrics;
    int64_t from = replay->plan.warmup;
    second_clear(second);
    for (int i = 0; i < SECOND_METRICS; i++)
        second->measured[i] = m->histograms[second_metrics[i]];
    memcpy(second->failures, m->failures, sizeof(second->failures));
    second->started = m->requests;
    second->answered = m->answered;
    second->failed = m->requests - m->answered;
    second->tokens = m->ended_tokens;
    second->bytes = m->ended_bytes;
    timeline_add(timeline, second, from, from + replay->outcome.measured, false);
}

/* The report of a log instead of a load. */
static struct result conclude_events(struct loading *l, int *status)
{
    DEFER(replay_free_pointer)
    struct replay *replay = replay_new(l->session->arena);
    DEFER(timeline_free_pointer)
    struct timeline *timeline = timeline_new();
    replay->bounds = l->plan.bounds;
    replay->as = l->plan.as;
    TRY(replay_file(replay, l->options->from_events));
    replay->plan.as = l->plan.as;
    add_row(timeline, replay);
    l->plan = replay->plan;
    l->timeline = timeline;
    if (!l->options->lag_ns)
        l->belief = replay->belief;
    return conclude(l, &replay->outcome, status);
}

/* What services said of single requests may hold what they were sent. */
static void hide_secrets(const struct loading *l, struct metrics *m)
{
    for (int i = 1; l->task->redactor && i < FAILURE_COUNT; i++) {
        struct slice text =
            redact_text(l->task->redactor, l->session->arena, slice_str(m->examples[i]));
        size_t len = text.len < FAILURE_EXAMPLE ? text.len : FAILURE_EXAMPLE - 1;
        memmove(m->examples[i], text.data, len);
        m->examples[i][len] = '\0';
    }
}

/* The same, of each request that an event log has. */
static struct slice hide(const void *redactor, struct arena *arena, struct slice text)
{
    return redact_text(redactor, arena, text);
}

/* ------------------------------------------------------------------ from options to a load */

static struct result run(struct loading *l, const sigset_t *signals, int *status)
{
    struct load *load = NULL;
    TRY(target_reach(&l->target));
    struct text t = text_in(l->session->arena);
    print_plan(&t, &l->plan);
    print_columns(&t, l->target.stream);
    if (!l->quiet)
        say(l, &t);
    DEFER(timeline_free_pointer)
    struct timeline *timeline = timeline_new();
    if (l->options->events)
        TRY(eventlog_open(l->options->events, &l->plan, l->belief.usual, &l->plan.events));
    if (l->plan.events && l->task->redactor)
        eventlog_hide_by(l->plan.events, hide, l->task->redactor);
    struct result began = load_record_begin(&l->record, l->session, l->options, &l->plan);
    if (result_ok(began))
        began = load_begin(&l->plan, &load);
    if (!result_ok(began) && l->plan.events)
        eventlog_drop(l->plan.events);
    TRY(began);
    l->timeline = timeline;
    DEFER(mem_free_pointer)
    struct live *live = mem_alloc(sizeof(*live));
    live_begin(live, session_terminal(l->session), l->session->streams.columns);
    l->live = live;
    watch(l, load, signals);
    live_hide(live);
    struct load_outcome *outcome = mem_alloc(sizeof(*outcome));
    load_end(load, outcome);
    hide_secrets(l, &outcome->metrics);
    struct result r = RESULT_OK;
    if (l->plan.events)
        r = eventlog_close(l->plan.events, outcome);
    if (result_ok(r))
        r = conclude(l, outcome, status);
    mem_free(outcome);
    return r;
}

/* What would be sent, instead of sending it. */
static struct result print_schedule(const struct session *session, const char *path,
                                    const struct load_plan *plan)
{
    ENSURE(plan->stages, ERR_USAGE,
           "--print-schedule needs --rate or --trace: with --concurrency, the service's answers "
           "decide when users ask again");
    if (strcmp(path, "-") == 0)
        return schedule_write(plan, session->streams.out);
    FILE *f = fopen(path, "we");
    ENSURE(f, ERR_IO, "--print-schedule %s: %s", path, strerror(errno));
    struct result r = schedule_write(plan, f);
    if (fclose(f) != 0 && result_ok(r))
        r = error_set(ERR_IO, "--print-schedule %s: it could not be written", path);
    return r;
}

static void free_tally(void *tally)
{
    as_free(tally);
}

/* The target, plan and objectives of the options; of a log there are only objectives. */
static struct result set_up(struct loading *l)
{
    const struct assay_load_options *o = l->options;
    struct arena *arena = l->session->arena;
    l->belief.usual = o->lag_ns ? o->lag_ns : BELIEF_USUAL;
    ENSURE(!o->from_events || !o->url, ERR_USAGE,
           "--from-events and --url do not go together: nothing is loaded");
    if (!o->from_events) {
        TRY(setup_target(arena, o, &l->target));
        TRY(setup_plan(arena, o, &l->target, &l->plan));
    }
    TRY(setup_objectives(arena, o, &l->plan, l->slos, &l->slo_count));
    ENSURE((!o->search && !o->sweep) || (!o->as && !o->events && !o->from_events), ERR_USAGE,
           "--as, --events and --from-events are of one load, and --search and --sweep make many");
    if (o->as) {
        enum as_tool tool = AS_VLLM;
        TRY(find_tool(o->as, &tool));
        l->plan.as = as_new(tool);
        arena_defer(arena, free_tally, l->plan.as);
    }
    return RESULT_OK;
}

static struct result load_task(struct session *session, const struct task *task,
                               const sigset_t *signals, int *status)
{
    const struct assay_load_options *o = task->options;
    struct loading l = {.session = session, .task = task, .options = o};
    TRY(set_up(&l));
    if (task->cases)
        TRY(suite_load_plan(task->cases, &l.target, &l.plan));
    l.target.known_as = task->known_as;
    if (task->redactor && l.target.url) /* is only shown */
        l.target.url = arena_string(
            session->arena, redact_text(task->redactor, session->arena, slice_str(l.target.url)));
    if (o->print_schedule)
        return print_schedule(session, o->print_schedule, &l.plan);
    bool exploring = o->search || o->sweep;
    DEFER(load_reports_drop)
    struct load_reports reports = {0};
    TRY(load_reports_open(session, o, exploring, &reports));
    l.reports = &reports;
    l.quiet = o->quiet || reports.on_stdout;
    if (exploring) {
        const struct exploring with = {session, o,           &l.plan, &l.target, &l.belief,
                                       l.slos,  l.slo_count, signals, &reports,  l.quiet};
        return explore(&with, status);
    }
    struct result r = o->from_events ? conclude_events(&l, status) : run(&l, signals, status);
    load_record_close(&l.record);
    return r;
}

/* The same with the cases of a suite, when its options name one. */
static struct result load(struct session *session, const struct task *task, const sigset_t *signals,
                          int *status)
{
    if (!task->options->suite)
        return load_task(session, task, signals, status);
    DEFER(suite_load_close)
    struct suite_load cases = {0};
    TRY(suite_load_open(session, task->options, signals, &cases));
    struct assay_load_options where = *task->options;
    where.url = cases.url;
    where.api = "http"; /* every case says how its own answers are read */
    struct task whole = {&where, &cases, task->expect,
                         task->redactor ? task->redactor : cases.redactor, cases.known_as};
    TRY(load_task(session, &whole, signals, status));
    const char *loss = cases.stage ? stage_loss(cases.stage) : NULL;
    ENSURE(!loss, ERR_DIED, "%s", loss);
    return RESULT_OK;
}

/* How bad an exit status is: what was found last does not hide what was worse. */
static int badness(int status)
{
    return status == 130 ? 3 : status == 3 ? 2 : status == 1;
}

/* The loads of a file, one after the other. */
static struct result load_scenario(struct session *session, const struct assay_load_options *o,
                                   const sigset_t *signals, int *status)
{
    DEFER(scenario_close)
    struct scenario scenario = {0};
    TRY(scenario_open(session, o, signals, &scenario));
    for (size_t i = 0; i < scenario.count && *status != 130; i++) {
        const struct scenario_load *one = &scenario.loads[i];
        int own = 0;
        if (scenario.count > 1)
            fprintf(session->streams.out, "%s%.*s\n", i ? "\n" : "", SLICE_ARG(one->pc->id));
        fflush(session->streams.out); /* before what goes wrong with it */
        const struct task task = {&one->options, NULL, one->expect, scenario.redactor,
                                  one->known_as};
        struct result r = load(session, &task, signals, &own);
        if (!result_ok(r))
            return load_keys_blame(one->keys, o, r);
        *status = badness(own) > badness(*status) ? own : *status;
        const char *loss = stage_loss(scenario.stage);
        ENSURE(!loss, ERR_DIED, "%s", loss);
    }
    return RESULT_OK;
}

/* Options that say something of what is not given. */
static struct result belongs(const struct assay_load_options *o)
{
    ENSURE(o->scenario || !o->only, ERR_USAGE,
           "--only chooses one of a scenario's loads: name the scenario");
    ENSURE(o->scenario || o->suite || o->sets.count == 0, ERR_USAGE,
           "--set %s: only a scenario or a --suite has variables", o->sets.items[0]);
    ENSURE(o->scenario || o->suite || (o->cases.count == 0 && !o->check), ERR_USAGE,
           "--case and --check are of the cases of a --suite");
    return RESULT_OK;
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
    const struct task task = {.options = options};
    struct result r = session_keep_check(options->keep);
    if (result_ok(r))
        r = belongs(options);
    if (result_ok(r))
        r = options->scenario ? load_scenario(&session, options, &signals, &status)
                              : load(&session, &task, &signals, &status);
    if (result_ok(r))
        r = session_keep(&session, options->store, options->keep);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result_ok(r) ? status : session_failed(&session, r);
}
