/*
 * Each step is a load of its own, so that it begins with a service that has nothing left to do:
 * answers of the step before are waited for as long as --drain allows.
 */
#include "api/explore.h"

#include <math.h>
#include <stdio.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/parse.h"
#include "load/evidence.h"
#include "load/live.h"
#include "load/search.h"

#define MOST_LOAD 1e6
#define MOST_POINTS 64
#define STEPS 40
#define PRECISION 0.02
/* A step without a --warmup of its own warms up for so much of its length. */
#define WARM_SHARE 0.2

/* "[rate|concurrency][:FROM..TO[/POINTS]]" */
struct range {
    bool users;      /* concurrency */
    double from, to; /* 0: not given */
    uint32_t points; /* 0: not given */
};

struct explorer {
    const struct exploring *with;
    struct range range;
    int64_t usual;                /* ns an answer takes at a load that holds */
    struct load_outcome *outcome; /* of the last step */
    struct live *live;
    struct search found; /* so far; empty in a sweep */
    struct curve *curve;
};

static struct result read_range(const char *option, const char *text, struct range *out)
{
    struct slice rest = slice_str(text), word = {0};
    uint64_t points = 0;
    *out = (struct range){0};
    if (slice_starts(rest, SLICE("rate")) || slice_starts(rest, SLICE("concurrency"))) {
        out->users = slice_starts(rest, SLICE("concurrency"));
        rest = slice_from(rest, out->users ? 11 : 4);
        if (rest.len == 0)
            return RESULT_OK;
        if (slice_starts(rest, SLICE(":")))
            rest = slice_from(rest, 1);
    }
    ptrdiff_t slash = slice_find(rest, SLICE("/"));
    bool good = true;
    if (slash >= 0) {
        good = result_ok(parse_unsigned(slice_from(rest, (size_t)slash + 1), MOST_POINTS, &points));
        rest = slice_part(rest, 0, (size_t)slash);
    }
    ptrdiff_t dots = slice_find(rest, SLICE(".."));
    word = dots >= 0 ? slice_part(rest, 0, (size_t)dots) : rest;
    good = good && dots >= 0 && result_ok(parse_number(word, &out->from)) &&
           result_ok(parse_number(slice_from(rest, (size_t)dots + 2), &out->to));
    ENSURE(good && out->from > 0 && out->to > out->from && out->to <= MOST_LOAD &&
               (!out->users || out->from >= 1) && (slash < 0 || points >= 2),
           ERR_USAGE,
           "%s %s: expected rate or concurrency, a range such as rate:10..1000, and of a sweep how "
           "many points: 10..1000/8",
           option, text);
    out->points = (uint32_t)points;
    return RESULT_OK;
}

static void say(const struct explorer *x, const struct text *t)
{
    fputs(text_str(t), x->with->session->streams.out);
    fflush(x->with->session->streams.out);
}

/* ------------------------------------------------------------------ a step */

/* How far a step is, and what is known before it. */
static void show_progress(const struct explorer *x, const struct load_plan *plan, double load,
                          int64_t at)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    int64_t span = plan->warmup + plan->duration;
    if (x->with->quiet)
        return;
    text_printf(&t, "step %zu: %.5g%s, %.0f of %.0f s", x->curve->count + 1, load,
                x->range.users ? " users" : " requests/s",
                (double)(at < span ? at : span) / (double)NS_PER_S,
                (double)span / (double)NS_PER_S);
    struct search_answer known = search_answer(&x->found);
    if (known.low > 0)
        text_printf(&t, "; the limit is between %.4g and %.4g so far", known.low, known.high);
    live_line(x->live, text_slice(&t));
}

/* Feeds what happens to `evidence` until the load is over; true: it was ended as hopeless. */
static bool watch(struct explorer *x, struct load *load, const struct load_plan *plan, double at,
                  const struct evidence_load *how, struct evidence *evidence)
{
    struct load_second *second = mem_alloc(sizeof(*second));
    int64_t began = load_began(load), next = began + NS_PER_S + LOAD_LOOK_NS;
    bool saturated = false;
    while (load_running(load)) {
        struct timespec time = {0, 20 * NS_PER_MS};
        if (sigtimedwait(x->with->signals, NULL, &time) > 0) {
            x->curve->interrupted = true;
            load_stop(load);
        }
        if (clock_now() < next || saturated)
            continue;
        next += NS_PER_S;
        show_progress(x, plan, at, clock_now() - began);
        load_look(load, second);
        evidence_add(evidence, second, clock_now() - began);
        saturated = evidence_saturated(evidence, how);
        if (saturated)
            load_stop(load);
    }
    mem_free(second);
    return saturated;
}

/* Variance of how many requests start in a time, by their mean. */
static double dispersion(const struct load_plan *plan)
{
    return plan->arrivals == ARRIVAL_CONSTANT ? 0
           : plan->arrivals == ARRIVAL_GAMMA  ? 1 / plan->shape
                                              : 1;
}

/* Fills `*step` with what it has shown. */
static enum load_verdict weigh(struct explorer *x, struct search_step *step,
                               const struct evidence *evidence, bool saturated)
{
    const struct exploring *w = x->with;
    struct judgement j =
        load_judge(w->session->arena, x->outcome, w->belief, w->slos, w->slo_count);
    const struct histogram *latency = &x->outcome->metrics.histograms[METRIC_LATENCY];
    step->kind = j.verdict == VERDICT_INVALID ? SEARCH_INVALID
                 : saturated                  ? SEARCH_SATURATED
                                              : SEARCH_MEASURED;
    struct evidence_finding found = evidence_weigh(evidence, w->slos, w->slo_count, x->outcome);
    step->margin = found.margin;
    step->events = found.events;
    if (step->kind == SEARCH_MEASURED && step->margin > 0)
        x->usual = histogram_percentile(latency, 50);
    return j.verdict;
}

/* Load for as long as the step says, and weigh what came of it. */
static struct result take_step(struct explorer *x, struct search_step *step)
{
    struct load_plan plan = *x->with->plan;
    struct arrival_stage stage = {0};
    struct load *load = NULL;
    struct evidence evidence;
    plan.duration *= step->length;
    plan.seed += x->curve->count; /* else all steps would have the same bad luck */
    if (!x->with->options->warmup_ns)
        plan.warmup = (int64_t)(WARM_SHARE * (double)plan.duration);
    stage.duration = (double)(plan.warmup + plan.duration) / (double)NS_PER_S;
    stage.from = stage.to = step->load;
    plan.users = x->range.users ? (uint32_t)step->load : 0;
    plan.stages = x->range.users ? NULL : &stage;
    plan.stage_count = x->range.users ? 0 : 1;
    uint32_t conns = load_links(&plan);
    plan.threads = plan.threads < conns ? plan.threads : conns;
    TRY(load_begin(&plan, &load));
    const struct evidence_load how = {x->range.users ? 0 : step->load, dispersion(&plan), x->usual};
    evidence_begin(&evidence);
    bool saturated = watch(x, load, &plan, step->load, &how, &evidence);
    load_end(load, x->outcome);
    struct curve_point *point = &x->curve->points[x->curve->count++];
    enum load_verdict verdict = weigh(x, step, &evidence, saturated);
    *point = curve_point_of(step, verdict, x->outcome);
    evidence_free(&evidence);
    if (x->with->quiet)
        return RESULT_OK;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    curve_line(&t, x->curve, point);
    live_hide(x->live);
    say(x, &t);
    return RESULT_OK;
}

/* ------------------------------------------------------------------ sweep and search */

static struct result sweep(struct explorer *x, int *status)
{
    const struct range *r = &x->range;
    for (uint32_t i = 0; i < r->points && !x->curve->interrupted; i++) {
        double load = r->from * pow(r->to / r->from, (double)i / (double)(r->points - 1));
        struct search_step step = {.load = r->users ? round(load) : load, .length = 1};
        TRY(take_step(x, &step));
        const struct curve_point *point = &x->curve->points[i];
        if (point->step.kind == SEARCH_INVALID || point->verdict == VERDICT_NOTHING)
            *status = 3;
    }
    return RESULT_OK;
}

static struct result search(struct explorer *x, int *status)
{
    static const int statuses[] = {
        [SEARCH_ON] = 130, [SEARCH_FOUND] = 0,  [SEARCH_OPEN] = 0,
        [SEARCH_NONE] = 1, [SEARCH_CLIENT] = 3, [SEARCH_VAGUE] = 3,
    };
    const struct range *r = &x->range;
    struct search_plan plan = {.least = r->users ? 1 : 0.01,
                               .most = r->users ? 65536 : MOST_LOAD,
                               .first = r->users ? 1 : 10,
                               .precision = PRECISION,
                               .whole = r->users,
                               .steps = STEPS};
    if (r->from > 0) {
        plan.least = plan.first = r->users ? ceil(r->from) : r->from;
        plan.most = fmax(r->users ? floor(r->to) : r->to, plan.least);
    }
    x->found = search_begin(&plan);
    struct search_step step = {0};
    while (!x->curve->interrupted && search_next(&x->found, &step.load, &step.length)) {
        TRY(take_step(x, &step));
        if (!x->curve->interrupted)
            search_tell(&x->found, &step);
    }
    x->curve->searched = true;
    x->curve->answer = search_answer(&x->found);
    *status = statuses[x->curve->answer.state];
    return RESULT_OK;
}

static void conclude(const struct explorer *x)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text words = text_in(arena), t = text_in(arena);
    curve_conclusion(&words, x->curve);
    text_add_str(&t, words.len && !x->with->quiet ? "\n" : "");
    text_add(&t, text_slice(&words));
    say(x, &t);
}

struct result explore(const struct exploring *exploring, int *status)
{
    const struct assay_load_options *o = exploring->options;
    struct explorer x = {.with = exploring};
    ENSURE(!o->rate && !o->concurrency, ERR_USAGE,
           "--search and --sweep choose the load themselves: leave --rate and --concurrency out");
    ENSURE(!o->search || !o->sweep, ERR_USAGE, "--search and --sweep do not go together");
    ENSURE(!o->search || exploring->slo_count > 0, ERR_USAGE,
           "--search needs --slo: the greatest load that holds what?");
    TRY(o->search ? read_range("--search", o->search, &x.range)
                  : read_range("--sweep", o->sweep, &x.range));
    ENSURE(o->search ? x.range.points == 0 : x.range.points > 0, ERR_USAGE, "%s",
           o->search ? "--search takes no number of points: it chooses them"
                     : "--sweep needs a range and how many points: 10..1000/8");
    ENSURE(!o->think || o->turns || x.range.users, ERR_USAGE,
           "--think goes with users (concurrency) or --turns: a schedule has nobody who thinks");
    ENSURE(!o->arrivals || !x.range.users, ERR_USAGE, "--arrivals does not go with users");
    TRY(target_reach(exploring->target));
    DEFER(mem_free_pointer)
    struct curve *curve = NEW(struct curve);
    DEFER(mem_free_pointer)
    struct load_outcome *outcome = mem_alloc(sizeof(*outcome));
    *curve = (struct curve){.plan = exploring->plan,
                            .slos = exploring->slos,
                            .slo_count = exploring->slo_count,
                            .users = x.range.users,
                            .started_wall = clock_wall()};
    x.curve = curve;
    x.outcome = outcome;
    DEFER(mem_free_pointer)
    struct live *live = mem_alloc(sizeof(*live));
    live_begin(live, session_terminal(exploring->session), exploring->session->streams.columns);
    x.live = live;
    if (!exploring->quiet) {
        struct text t = text_in(exploring->session->arena);
        curve_columns(&t, curve);
        say(&x, &t);
    }
    TRY(o->search ? search(&x, status) : sweep(&x, status));
    if (!exploring->reports->on_stdout)
        conclude(&x);
    if (curve->interrupted)
        *status = 130;
    return load_reports_write_curve(exploring->reports, curve);
}
