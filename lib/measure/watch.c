/*
 * The rules.
 */
#include "measure/watch.h"

#include <stdio.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/parse.h"
#include "core/text.h"

/* Beats that are remembered one by one: more than WATCH_PATIENCE needs, at half a second each. */
#define RECENT 64

/* A service that uses less of a core does nothing. */
#define IDLE_CPU 0.05
/* … unless it moves more bytes than this, or the GPU works for it. */
#define IDLE_BYTES (1 << 20)
#define IDLE_GPU 10

/* Growth: at least so many points over at least so long. */
#define GROWTH_POINTS 12
#define GROWTH_TIME (10 * NS_PER_S)
/* Later values are larger beyond doubt: of a series that does not grow, one in 30,000. */
#define GROWTH_Z 4.0
/* It grew by so many times what single values scatter. */
#define GROWTH_OVER_SCATTER 6.0
/* Each quarter has this share of what a steady growth would have: warm-up slows down. */
#define GROWTH_STEADY 0.4
/* How often it is looked for, in beats. */
#define GROWTH_EVERY 10

struct growth_rule {
    const char *kind, *what;
    double least, least_rate; /* in all, and a second */
    double share;             /* … and this share of where it began */
    bool bytes;
};

static const struct growth_rule growth_rules[] = {
    {ANOMALY_MEMORY, "resident memory", 4 << 20, 20e3, 0.02, true},
    {ANOMALY_DESCRIPTORS, "the number of open files", 20, 0.05, 0.2, false},
    {ANOMALY_THREADS, "the number of threads", 20, 0.05, 0.2, false},
};
#define GROWTHS (sizeof(growth_rules) / sizeof(growth_rules[0]))

/* Points so far apart that they reach back to the beginning. */
struct series {
    struct point points[TREND_MAX];
    size_t count, stride; /* stride: beats of one point */
    size_t pending;       /* beats of the next point that are in */
    double least;         /* of those */
    /* What was found last. */
    bool found;
    int64_t started, ended; /* monotonic */
    struct trend trend;
    size_t points_used;
};

struct watch {
    struct beat recent[RECENT]; /* a ring; names are not kept */
    size_t beats;
    int64_t wall_ahead; /* wall less monotonic */
    struct series series[GROWTHS];

    bool restless; /* what is open, and how it was then */
    int64_t restless_id, restless_since, restless_cpu;
    uint64_t restless_answered;
    bool restless_pending; /* a request was under way at some beat */
    char restless_name[16];
    double restless_share;

    bool stalled, stalled_spinning;
    int64_t stalled_since, stalled_cpu;
    size_t stalled_pending;
    bool stalled_answering;

    struct beat last;
    struct found *first, **end;
};

struct watch *watch_new(void)
{
    struct watch *w = NEW(struct watch);
    for (size_t i = 0; i < GROWTHS; i++)
        w->series[i].stride = 1;
    w->end = &w->first;
    return w;
}

void watch_free(struct watch *w)
{
    if (!w)
        return;
    for (struct found *f = watch_take(w), *next; f; f = next) {
        next = f->next;
        arena_free(f->arena);
    }
    mem_free(w);
}

struct found *watch_take(struct watch *w)
{
    struct found *first = w->first;
    w->first = NULL;
    w->end = &w->first;
    return first;
}

static struct found *add(struct watch *w, const char *kind, int64_t started, int64_t ended)
{
    struct arena *arena = arena_new();
    struct found *f = ARENA_NEW(arena, struct found);
    *f = (struct found){.arena = arena,
                        .kind = kind,
                        .started = started + w->wall_ahead,
                        .ended = ended + w->wall_ahead};
    *w->end = f;
    w->end = &f->next;
    return f;
}

/* ── growth ── */

static void halve(struct series *s)
{
    for (size_t i = 0; i < s->count / 2; i++) {
        const struct point *a = &s->points[2 * i], *b = a + 1;
        s->points[i] = (struct point){b->at, a->value < b->value ? a->value : b->value};
    }
    s->count /= 2;
    s->stride *= 2;
}

static void series_add(struct series *s, int64_t at, int64_t value)
{
    s->least = s->pending == 0 || (double)value < s->least ? (double)value : s->least;
    if (++s->pending < s->stride)
        return;
    s->pending = 0;
    if (s->count == TREND_MAX)
        halve(s);
    s->points[s->count++] = (struct point){at, s->least};
}

static bool steady(const struct point *p, size_t count)
{
    double whole = p[count - 1].value - p[0].value;
    for (size_t q = 0; q < 4; q++) {
        const struct point *from = &p[q * (count - 1) / 4], *to = &p[(q + 1) * (count - 1) / 4];
        if (to->value - from->value < GROWTH_STEADY * whole / 4)
            return false;
    }
    return true;
}

static bool grows(const struct growth_rule *rule, const struct point *p, size_t count,
                  struct trend *trend)
{
    if (count < GROWTH_POINTS || p[count - 1].at - p[0].at < GROWTH_TIME)
        return false;
    double least = rule->least > rule->share * p[0].value ? rule->least : rule->share * p[0].value;
    /* Most services end here. */
    if (p[count - 1].value - p[0].value < least || !steady(p, count))
        return false;
    *trend = trend_of(p, count);
    double growth = trend->to - trend->from;
    return trend->z >= GROWTH_Z && trend->low > 0 && trend->slope >= rule->least_rate &&
           growth >= least && growth >= GROWTH_OVER_SCATTER * trend->scatter;
}

/* All of it, or the latest half or quarter: what begins late is seen too. */
static void look_for_growth(struct series *s, const struct growth_rule *rule)
{
    for (size_t part = 1; part <= 4; part *= 2) {
        size_t count = s->count / part;
        const struct point *p = &s->points[s->count - count];
        struct trend trend;
        if (count == 0 || !grows(rule, p, count, &trend))
            continue;
        int64_t started = p[0].at, ended = p[count - 1].at;
        /* The longer view is the better one, unless the shorter has gone on after it. */
        if (!s->found || started <= s->started || ended - started > s->ended - s->started) {
            s->started = started;
            s->trend = trend;
            s->points_used = count;
        }
        s->ended = ended;
        s->found = true;
        return;
    }
}

static void amount(struct text *t, double value, bool bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    size_t unit = 0;
    while (bytes && value >= 1000 && unit < 4) {
        value /= 1000;
        unit++;
    }
    if (bytes)
        text_printf(t, "%.*f %s", value < 10 ? 2 : value < 100 ? 1 : 0, value, units[unit]);
    else
        text_printf(t, "%.*f", value < 10 ? 1 : 0, value);
}

/* Growth that ended, and stayed away for longer than it had lasted, was a cache that filled. */
static void end_growth(struct watch *w, struct series *s, const struct growth_rule *rule)
{
    if (!s->found || w->last.at - s->ended > s->ended - s->started)
        return;
    struct found *f = add(w, rule->kind, s->started, s->ended);
    struct text t = text_in(f->arena), e = text_in(f->arena);
    const struct trend *trend = &s->trend;
    char lasted[DURATION_TEXT];
    text_printf(&t, "%s grew steadily by ", rule->what);
    amount(&t, trend->slope, rule->bytes);
    text_add_str(&t, " a second, from ");
    amount(&t, trend->from, rule->bytes);
    text_add_str(&t, " to ");
    amount(&t, trend->from + trend->slope * (double)(s->ended - s->started) / NS_PER_S,
           rule->bytes);
    text_printf(&t, " in %s", format_duration(lasted, s->ended - s->started));
    text_printf(&e,
                "{\"slope\":%.6g,\"low\":%.6g,\"high\":%.6g,\"z\":%.3g,\"scatter\":%.6g,"
                "\"from\":%.0f,\"to\":%.0f,\"points\":%zu}",
                trend->slope, trend->low, trend->high, trend->z, trend->scatter, trend->from,
                trend->to, s->points_used);
    f->text = text_slice(&t);
    f->evidence = text_slice(&e);
    s->found = false;
}

/* ── a thread that never rests ── */

static void close_restless(struct watch *w)
{
    if (!w->restless)
        return;
    w->restless = false;
    struct found *f = add(w, ANOMALY_CPU, w->restless_since, w->last.at);
    struct text t = text_in(f->arena), e = text_in(f->arena);
    char lasted[DURATION_TEXT];
    uint64_t answered = w->last.answered - w->restless_answered;
    text_printf(&t, "thread %lld (%s) did not rest for %s; the service used %.2f cores",
                (long long)w->restless_id, w->restless_name,
                format_duration(lasted, w->last.at - w->restless_since), w->restless_share);
    if (answered == 0 && !w->restless_pending)
        text_add_str(&t, ", though no request was under way");
    else
        text_printf(&t, " and answered %llu request%s", (unsigned long long)answered,
                    answered == 1 ? "" : "s");
    text_printf(&e, "{\"thread\":%lld,\"name\":", (long long)w->restless_id);
    text_add_json(&e, slice_str(w->restless_name));
    text_printf(&e, ",\"cores\":%.3f,\"answered\":%llu}", w->restless_share,
                (unsigned long long)answered);
    f->text = text_slice(&t);
    f->evidence = text_slice(&e);
}

/* The beat remembered that is the first at or after `at`. */
static const struct beat *beat_since(const struct watch *w, int64_t at)
{
    size_t held = w->beats < RECENT ? w->beats : RECENT;
    for (size_t i = held; i > 1; i--) {
        const struct beat *b = &w->recent[(w->beats - i) % RECENT];
        if (b->at >= at)
            return b;
    }
    return &w->recent[(w->beats - 1) % RECENT];
}

static double cores_since(const struct watch *w, const struct beat *from)
{
    int64_t elapsed = w->last.at - from->at;
    return elapsed > 0 ? (double)(w->last.cpu - from->cpu) / (double)elapsed : 0;
}

static void watch_threads(struct watch *w, const struct beat *b)
{
    if (w->restless && b->restless != w->restless_id)
        close_restless(w);
    if (!b->restless || b->at - b->restless_since < WATCH_PATIENCE)
        return;
    if (!w->restless) {
        const struct beat *from = beat_since(w, b->restless_since);
        w->restless = true;
        w->restless_id = b->restless;
        w->restless_since = b->restless_since;
        w->restless_cpu = from->cpu;
        w->restless_answered = from->answered;
        w->restless_pending = false;
        for (size_t i = 1; i <= RECENT && i <= w->beats; i++) {
            const struct beat *before = &w->recent[(w->beats - i) % RECENT];
            if (before->at >= from->at && before->pending)
                w->restless_pending = true;
        }
        snprintf(w->restless_name, sizeof(w->restless_name), "%.*s", SLICE_ARG(b->restless_name));
    }
    w->restless_pending = w->restless_pending || b->pending;
    w->restless_share = (double)(b->cpu - w->restless_cpu) / (double)(b->at - w->restless_since);
}

/* ── requests without an answer ── */

static void close_stall(struct watch *w)
{
    if (!w->stalled)
        return;
    w->stalled = false;
    struct found *f = add(w, ANOMALY_STALL, w->stalled_since, w->last.at);
    struct text t = text_in(f->arena), e = text_in(f->arena);
    char lasted[DURATION_TEXT];
    int64_t elapsed = w->last.at - w->stalled_since;
    double cores = elapsed > 0 ? (double)(w->last.cpu - w->stalled_cpu) / (double)elapsed : 0;
    text_printf(&t, "%zu request%s waited %s without %s, while ", w->stalled_pending,
                w->stalled_pending == 1 ? "" : "s", format_duration(lasted, elapsed),
                w->stalled_answering ? "more of the answer" : "an answer");
    if (w->stalled_spinning)
        text_printf(&t, "a thread of the service spun (%.2f cores)", cores);
    else
        text_printf(&t,
                    "the service did nothing (%.2f cores): it is stuck, or waits for"
                    " something else",
                    cores);
    text_printf(&e, "{\"pending\":%zu,\"cores\":%.3f,\"answering\":%s,\"spinning\":%s}",
                w->stalled_pending, cores, w->stalled_answering ? "true" : "false",
                w->stalled_spinning ? "true" : "false");
    f->text = text_slice(&t);
    f->evidence = text_slice(&e);
}

static void watch_requests(struct watch *w, const struct beat *b)
{
    int64_t patience = b->answering ? 2 * WATCH_PATIENCE : WATCH_PATIENCE;
    if (!b->pending || b->quiet < patience) {
        close_stall(w);
        return;
    }
    const struct beat *from = beat_since(w, b->at - patience);
    bool spins = b->restless && b->at - b->restless_since >= WATCH_PATIENCE;
    bool idle = cores_since(w, from) < IDLE_CPU && b->moved - from->moved < IDLE_BYTES &&
                b->gpu_use < IDLE_GPU;
    if (!w->stalled && (spins || idle)) {
        w->stalled = true;
        w->stalled_since = b->at - b->quiet;
        w->stalled_cpu = beat_since(w, w->stalled_since)->cpu;
        w->stalled_spinning = spins;
        w->stalled_answering = b->answering;
        w->stalled_pending = 0;
    }
    if (b->pending > w->stalled_pending)
        w->stalled_pending = b->pending;
}

/* ── beats ── */

void watch_beat(struct watch *w, const struct beat *b)
{
    w->wall_ahead = b->wall - b->at;
    w->last = *b;
    w->last.restless_name = (struct slice){0}; /* the caller's */
    w->recent[w->beats++ % RECENT] = w->last;
    const int64_t values[GROWTHS] = {b->rss, b->descriptors, b->threads};
    for (size_t i = 0; i < GROWTHS; i++) {
        series_add(&w->series[i], b->at, values[i]);
        if (w->beats % GROWTH_EVERY == 0)
            look_for_growth(&w->series[i], &growth_rules[i]);
    }
    watch_threads(w, b);
    watch_requests(w, b);
}

void watch_end(struct watch *w)
{
    for (size_t i = 0; i < GROWTHS; i++) {
        look_for_growth(&w->series[i], &growth_rules[i]);
        end_growth(w, &w->series[i], &growth_rules[i]);
    }
    close_restless(w);
    close_stall(w);
}
