/*
 * Each step is a load of its own, so that it begins with a service that has nothing left to do:
 * answers of the step before are waited for as long as --drain allows.
 */
#include "api/explore.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "core/clock.h"
#include "core/jsontext.h"
#include "core/memory.h"
#include "core/parse.h"
#include "load/evidence.h"
#include "load/print.h"
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

struct point {
    struct search_step step;
    struct load_outcome *outcome;
    enum load_verdict verdict;
};

struct explorer {
    const struct exploring *with;
    struct range range;
    int64_t usual; /* ns an answer takes at a load that holds */
    json_t *points;
    bool interrupted;
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
    const char *json = x->with->options->json;
    if (json && strcmp(json, "-") == 0)
        return;
    fputs(text_str(t), x->with->session->streams.out);
    fflush(x->with->session->streams.out);
}

/* ------------------------------------------------------------------ a step */

/* Feeds what happens to `evidence` until the load is over; true: it was ended as hopeless. */
static bool watch(struct explorer *x, struct load *load, const struct evidence_load *how,
                  struct evidence *evidence)
{
    struct load_second *second = mem_alloc(sizeof(*second));
    int64_t began = clock_now(), next = began + NS_PER_S;
    bool saturated = false;
    while (load_running(load)) {
        struct timespec time = {0, 20 * NS_PER_MS};
        if (sigtimedwait(x->with->signals, NULL, &time) > 0) {
            x->interrupted = true;
            load_stop(load);
        }
        if (clock_now() < next || saturated)
            continue;
        next += NS_PER_S;
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

static void weigh(struct explorer *x, struct point *p, const struct evidence *evidence,
                  bool saturated)
{
    struct arena *arena = x->with->session->arena;
    struct judgement j =
        load_judge(arena, p->outcome, x->with->belief, x->with->slos, x->with->slo_count);
    const struct histogram *latency = &p->outcome->metrics.histograms[METRIC_LATENCY];
    p->verdict = j.verdict;
    p->step.kind = j.verdict == VERDICT_INVALID ? SEARCH_INVALID
                   : saturated                  ? SEARCH_SATURATED
                                                : SEARCH_MEASURED;
    p->step.margin = evidence_margin(evidence, x->with->slos, x->with->slo_count, p->outcome);
    if (p->step.kind == SEARCH_MEASURED && p->step.margin > 0)
        x->usual = histogram_percentile(latency, 50);
}

/* Load for as long as the step says, and weigh what came of it. */
static struct result take_step(struct explorer *x, struct point *p)
{
    struct load_plan plan = *x->with->plan;
    struct arrival_stage stage = {0};
    struct load *load = NULL;
    struct evidence evidence;
    plan.duration *= p->step.length;
    plan.seed += json_array_size(x->points); /* else all steps would have the same bad luck */
    if (!x->with->options->warmup_ns)
        plan.warmup = (int64_t)(WARM_SHARE * (double)plan.duration);
    stage.duration = (double)(plan.warmup + plan.duration) / (double)NS_PER_S;
    stage.from = stage.to = p->step.load;
    plan.users = x->range.users ? (uint32_t)p->step.load : 0;
    plan.stages = x->range.users ? NULL : &stage;
    plan.stage_count = x->range.users ? 0 : 1;
    uint32_t conns = x->range.users ? plan.users : plan.connections;
    plan.threads = plan.threads < conns ? plan.threads : conns;
    TRY(load_begin(&plan, &load));
    const struct evidence_load how = {x->range.users ? 0 : p->step.load, dispersion(&plan),
                                      x->usual};
    evidence_begin(&evidence);
    bool saturated = watch(x, load, &how, &evidence);
    load_end(load, p->outcome);
    weigh(x, p, &evidence, saturated);
    evidence_free(&evidence);
    return RESULT_OK;
}

/* ------------------------------------------------------------------ the curve */

static const char *point_word(const struct explorer *x, const struct point *p)
{
    switch (p->step.kind) {
    case SEARCH_INVALID:
        return "INVALID";
    case SEARCH_SATURATED:
        return "saturated";
    case SEARCH_MEASURED:
        break;
    }
    if (p->verdict == VERDICT_NOTHING)
        return "nothing answered";
    if (!x->with->slo_count)
        return "";
    return p->step.margin > 0 ? "holds" : "fails";
}

static void add_time(struct text *t, const struct histogram *h, double percent)
{
    char shown[DURATION_TEXT] = "-";
    if (h->count > 0)
        format_duration(shown, histogram_percentile(h, percent));
    /* "µ" is two bytes and one column. */
    text_printf(t, "%*s", strstr(shown, "µ") ? 12 : 11, shown);
}

static void add_header(struct text *t, const struct explorer *x)
{
    bool stream = x->with->plan->target->stream;
    text_printf(t, "%12s%8s%12s%9s%11s%11s", x->range.users ? "users" : "requests/s", "for",
                "answers/s", "errors", "p50", "p99");
    if (stream)
        text_printf(t, "%11s%11s%11s%11s", "tokens/s", "ttft p50", "ttft p99", "itl p99");
    text_add_byte(t, '\n');
}

static double per_second(const struct load_outcome *o, uint64_t count)
{
    return o->measured > 0 ? (double)count * (double)NS_PER_S / (double)o->measured : 0;
}

static void show_point(const struct explorer *x, const struct point *p)
{
    const struct load_outcome *o = p->outcome;
    const struct metrics *m = &o->metrics;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    text_printf(&t, "%12.5g%6.0f s%12.5g%9llu", p->step.load,
                (double)o->measured / (double)NS_PER_S, per_second(o, m->ended),
                (unsigned long long)(m->requests - m->answered));
    add_time(&t, &m->histograms[METRIC_LATENCY], 50);
    add_time(&t, &m->histograms[METRIC_LATENCY], 99);
    if (x->with->plan->target->stream) {
        text_printf(&t, "%11.5g", per_second(o, m->ended_tokens));
        add_time(&t, &m->histograms[METRIC_TTFT], 50);
        add_time(&t, &m->histograms[METRIC_TTFT], 99);
        add_time(&t, &m->histograms[METRIC_ITL], 99);
    }
    text_printf(&t, "  %s", point_word(x, p));
    if (p->step.kind == SEARCH_MEASURED && x->with->slo_count)
        text_printf(&t, " by %.1f standard errors", fabs(p->step.margin));
    text_add_byte(&t, '\n');
    say(x, &t);
}

static json_t *point_json(const struct explorer *x, const struct point *p)
{
    static const enum metric metrics[] = {METRIC_LATENCY, METRIC_TTFT, METRIC_ITL};
    static const struct {
        const char *name;
        double percent;
    } percents[] = {{"p50_ns", 50}, {"p90_ns", 90}, {"p99_ns", 99}};
    const struct load_outcome *o = p->outcome;
    json_t *out =
        json_pack("{s:f, s:s, s:f, s:I, s:I, s:f, s:f}", "load", p->step.load, "verdict",
                  point_word(x, p), "measured_s", (double)o->measured / (double)NS_PER_S,
                  "requests", (json_int_t)o->metrics.requests, "answered",
                  (json_int_t)o->metrics.answered, "answers_per_s", per_second(o, o->metrics.ended),
                  "tokens_per_s", per_second(o, o->metrics.ended_tokens));
    if (p->step.kind == SEARCH_MEASURED && x->with->slo_count)
        json_object_set_new(out, "margin", json_real(p->step.margin));
    for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
        const struct histogram *h = &o->metrics.histograms[metrics[i]];
        json_t *one = json_object();
        for (size_t k = 0; k < sizeof(percents) / sizeof(percents[0]); k++)
            json_object_set_new(one, percents[k].name,
                                json_integer(histogram_percentile(h, percents[k].percent)));
        if (h->count > 0)
            json_object_set(out, metric_kinds[metrics[i]].name, one);
        json_decref(one);
    }
    return out;
}

static struct result go(struct explorer *x, struct point *p)
{
    TRY(take_step(x, p));
    show_point(x, p);
    json_array_append_new(x->points, point_json(x, p));
    return RESULT_OK;
}

/* ------------------------------------------------------------------ sweep and search */

static struct result sweep(struct explorer *x, struct point *p, int *status)
{
    const struct range *r = &x->range;
    for (uint32_t i = 0; i < r->points && !x->interrupted; i++) {
        double load = r->from * pow(r->to / r->from, (double)i / (double)(r->points - 1));
        p->step = (struct search_step){.load = r->users ? round(load) : load, .length = 1};
        TRY(go(x, p));
        if (p->step.kind == SEARCH_INVALID || p->verdict == VERDICT_NOTHING)
            *status = 3;
    }
    return RESULT_OK;
}

static void show_answer(const struct explorer *x, const struct search_answer *a)
{
    const char *unit = x->range.users ? " users" : " requests/s";
    struct text t = text_in(x->with->session->arena);
    switch (a->state) {
    case SEARCH_ON:
        text_add_str(&t, "\nended before its time\n");
        break;
    case SEARCH_FOUND:
        text_printf(&t, "\nThe objectives hold up to %.4g%s (%.4g to %.4g by what the steps say)\n",
                    a->load, unit, a->low, a->high);
        break;
    case SEARCH_OPEN:
        text_printf(&t, "\nThe objectives hold at %.4g%s, the most that was to be tried\n", a->load,
                    unit);
        break;
    case SEARCH_NONE:
        text_printf(&t, "\nThe objectives do not hold even at %.4g%s\n", a->load, unit);
        break;
    case SEARCH_CLIENT:
        text_printf(&t,
                    "\nThe objectives hold at %.4g%s at least; assay could not go further: give it "
                    "more --threads or a processor of its own\n",
                    a->load, unit);
        break;
    case SEARCH_VAGUE:
        text_printf(&t,
                    "\nNot known precisely: about %.4g%s (%.4g to %.4g); give steps a longer "
                    "--duration\n",
                    a->load, unit, a->low, a->high);
        break;
    }
    say(x, &t);
}

static const struct {
    const char *name;
    int status;
} states[] = {
    [SEARCH_ON] = {"interrupted", 130},    [SEARCH_FOUND] = {"found", 0},
    [SEARCH_OPEN] = {"at least", 0},       [SEARCH_NONE] = {"none", 1},
    [SEARCH_CLIENT] = {"client limit", 3}, [SEARCH_VAGUE] = {"vague", 3},
};

static struct result search(struct explorer *x, struct point *p, json_t *json, int *status)
{
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
    struct search found = search_begin(&plan);
    while (!x->interrupted && search_next(&found, &p->step.load, &p->step.length)) {
        TRY(go(x, p));
        if (!x->interrupted)
            search_tell(&found, &p->step);
    }
    struct search_answer a = search_answer(&found);
    show_answer(x, &a);
    *status = states[a.state].status;
    json_object_set_new(json, "answer",
                        json_pack("{s:s, s:f, s:f, s:f}", "state", states[a.state].name, "load",
                                  a.load, "low", a.low, "high", a.high));
    return RESULT_OK;
}

static struct result write_json(const struct explorer *x, const json_t *json)
{
    const char *path = x->with->options->json;
    FILE *out = x->with->session->streams.out;
    if (!path)
        return RESULT_OK;
    struct slice text = jsontext_write_pretty(x->with->session->arena, json);
    FILE *f = strcmp(path, "-") == 0 ? out : fopen(path, "we");
    ENSURE(f, ERR_IO, "--json %s: %s", path, strerror(errno));
    fprintf(f, "%.*s\n", SLICE_ARG(text));
    bool good = f == out ? fflush(f) == 0 : fclose(f) == 0;
    ENSURE(good, ERR_IO, "--json %s: it could not be written", path);
    return RESULT_OK;
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
    ENSURE(!o->arrivals || !x.range.users, ERR_USAGE, "--arrivals does not go with users");
    TRY(target_reach(exploring->target));
    struct text t = text_in(exploring->session->arena);
    add_header(&t, &x);
    say(&x, &t);
    json_t *json = jsontext_keep(
        exploring->session->arena,
        json_pack("{s:s, s:[]}", "of", x.range.users ? "concurrency" : "rate", "points"));
    x.points = json_object_get(json, "points");
    struct point p = {.outcome = mem_alloc(sizeof(*p.outcome))};
    struct result r = o->search ? search(&x, &p, json, status) : sweep(&x, &p, status);
    mem_free(p.outcome);
    TRY(r);
    if (x.interrupted)
        *status = 130;
    return write_json(&x, json);
}
