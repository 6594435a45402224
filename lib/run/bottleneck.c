/*
 * Phases are sums of what single steps took: those of parallel steps count each by itself.
 */
#include "run/bottleneck.h"

#include <stdlib.h>

#include "core/memory.h"
#include "core/parse.h"
#include "core/text.h"
#include "plan/play.h"

/* Playing this many cases again takes some 50 ms, and the work grows with their square: beyond, the
   bounds that jobs and resources set have to do. */
#define PLAYED_MAX 3000
/* Resources that are tried. */
#define TRIED_MAX 16
/* Cases of the chain that are shown, and that the figures hold. */
#define SHOWN_CASES 12
#define KEPT_CASES 200
/* What would make the run shorter by less than this share is not worth a line. */
#define WORTH 0.05
/* Names of services and waits that are kept apart. */
#define NAMES_MAX 256

#define PHASE_TABLE(X)                                                                             \
    X(QUEUE, "queue")                                                                              \
    X(SERVICES, "service start")                                                                   \
    X(CONNECT, "connect")                                                                          \
    X(FIRST_BYTE, "first byte")                                                                    \
    X(FIRST_TOKEN, "first token")                                                                  \
    X(STREAM, "stream")                                                                            \
    X(OTHER, "other steps")                                                                        \
    X(CHECKS, "checks")

enum phase {
#define X(code, name) PHASE_##code,
    PHASE_TABLE(X)
#undef X
        PHASE_COUNT
};

static const char *const phase_names[] = {
#define X(code, name) [PHASE_##code] = name,
    PHASE_TABLE(X)
#undef X
};

struct sum {
    struct slice name;
    int64_t time;
    size_t count;
};

struct sums {
    struct sum items[NAMES_MAX];
    size_t count;
};

struct ran {
    const struct plan_case *pc;
    int64_t begun, ended;
    struct slice held_by;
};

struct bottleneck {
    struct arena *arena;
    const struct plan *plan;
    uint32_t jobs;
    struct ran *cases; /* by plan_case.mark */
    size_t ran;
    int64_t busy;
    int64_t phases[PHASE_COUNT];
    struct sums services, waits;
};

struct bottleneck *bottleneck_new(const struct plan *plan, uint32_t jobs)
{
    struct arena *arena = arena_new();
    struct bottleneck *b = ARENA_NEW(arena, struct bottleneck);
    b->arena = arena;
    b->plan = plan;
    b->jobs = jobs;
    b->cases = ARENA_ARRAY(arena, struct ran, plan->case_count + 1);
    return b;
}

void bottleneck_free(struct bottleneck *b)
{
    if (b)
        arena_free(b->arena);
}

/* ── gathering ── */

static void add(struct bottleneck *b, struct sums *sums, struct slice name, int64_t time)
{
    size_t i = 0;
    while (i < sums->count && !slice_eq(sums->items[i].name, name))
        i++;
    if (i == NAMES_MAX)
        return;
    if (i == sums->count)
        sums->items[sums->count++] = (struct sum){.name = arena_copy(b->arena, name)};
    sums->items[i].time += time;
    sums->items[i].count++;
}

static int64_t positive(int64_t time)
{
    return time > 0 ? time : 0;
}

static void add_step(struct bottleneck *b, const struct step_result *s)
{
    int64_t left = positive(s->duration - s->checks);
    b->phases[PHASE_CHECKS] += s->checks;
    if (s->service.len)
        add(b, &b->services, s->service, left);
    if (!s->first_byte) {
        b->phases[PHASE_OTHER] += left;
        return;
    }
    int64_t began = s->first_token > s->first_byte ? s->first_token : s->first_byte;
    b->phases[PHASE_CONNECT] += s->connect;
    b->phases[PHASE_FIRST_BYTE] += positive(s->first_byte - s->connect);
    b->phases[PHASE_FIRST_TOKEN] += began - s->first_byte;
    b->phases[PHASE_STREAM] += positive(left - began);
}

void bottleneck_case(struct bottleneck *b, const struct plan_case *pc,
                     const struct case_result *result, int64_t begun, int64_t ended)
{
    struct ran *ran = &b->cases[pc->mark];
    *ran = (struct ran){.pc = pc, .begun = begun, .ended = ended};
    if (!begun)
        return;
    ran->held_by = arena_copy(b->arena, result->held_by);
    b->ran++;
    b->busy += ended - begun;
    b->phases[PHASE_QUEUE] += result->queued;
    if (result->held_by.len)
        add(b, &b->waits, result->held_by, result->queued);
    for (const struct attempt_result *a = result->attempts; a; a = a->next) {
        if (pc->service_count && a->steps)
            b->phases[PHASE_SERVICES] += positive(a->steps->started - a->started);
        for (const struct step_result *s = a->steps; s; s = s->next)
            add_step(b, s);
    }
}

/* ── the chain ── */

static int by_end(const void *x, const void *y)
{
    const struct ran *const *a = x, *const *b = y;
    return ((*a)->ended > (*b)->ended) - ((*a)->ended < (*b)->ended);
}

static bool shares_resource(const struct ran *a, const struct ran *b)
{
    for (size_t i = 0; i < a->pc->use_count; i++)
        for (size_t k = 0; k < b->pc->use_count; k++)
            if (a->pc->uses[i].resource == b->pc->uses[k].resource)
                return true;
    return false;
}

/* Is it what the later one waited for? */
static bool released(const struct ran *earlier, const struct ran *later)
{
    if (slice_starts(later->held_by, SLICE("resource ")))
        return shares_resource(earlier, later);
    if (!slice_starts(later->held_by, SLICE("need ")))
        return true;
    for (size_t i = 0; i < later->pc->need_count; i++)
        if (later->pc->needs[i] == earlier->pc)
            return true;
    return false;
}

/* From the last end back to the beginning, each case released by the one before; the last first. */
static size_t find_chain(struct bottleneck *b, const struct ran **chain)
{
    const struct ran **sorted = ARENA_ARRAY(b->arena, const struct ran *, b->ran + 1);
    size_t count = 0, length = 0;
    for (size_t i = 0; i < b->plan->case_count; i++)
        if (b->cases[i].begun)
            sorted[count++] = &b->cases[i];
    qsort(sorted, count, sizeof(const struct ran *), by_end);
    for (size_t i = count; i > 0; i--) {
        const struct ran *at = sorted[i - 1];
        if (length == 0) {
            chain[length++] = at;
            continue;
        }
        const struct ran *later = chain[length - 1];
        if (later->held_by.len && at->ended <= later->begun && released(at, later))
            chain[length++] = at;
    }
    return length;
}

/* ── what if ── */

struct guess {
    struct slice what;
    int64_t now, twice; /* how much of it there is */
    int64_t time;       /* ns that the run would take */
};

/* What the run cannot be shorter than, whatever the order: all cases over the jobs, and what each
   resource is held for over how much of it there is. */
static int64_t least_time(struct bottleneck *b, const struct plays *plays, uint32_t jobs)
{
    int64_t total = 0, least;
    double *held = ARENA_ARRAY(b->arena, double, b->plan->resource_count + 1);
    for (size_t i = 0; i < plays->count; i++) {
        const struct play *p = &plays->items[i];
        total += p->duration;
        for (size_t k = 0; k < p->pc->use_count; k++)
            held[p->pc->uses[k].resource->index] +=
                (double)p->pc->uses[k].amount * (double)p->duration;
    }
    least = total / jobs;
    for (size_t i = 0; i < b->plan->resource_count; i++) {
        double time = held[i] / (double)b->plan->resources[i]->capacity;
        least = time > (double)least ? (int64_t)time : least;
    }
    return least;
}

static int64_t play(struct bottleneck *b, struct plays *plays, uint32_t jobs)
{
    return plays->count <= PLAYED_MAX ? play_through(b->arena, b->plan, plays, jobs)
                                      : least_time(b, plays, jobs);
}

static size_t play_again(struct bottleneck *b, int64_t *as_it_was, struct guess *guesses)
{
    const struct plan *plan = b->plan;
    struct plays plays = plays_new(b->arena, plan);
    size_t count = 0;
    for (size_t i = 0; i < plays.count; i++) {
        const struct ran *ran = &b->cases[plays.items[i].pc->mark];
        plays.items[i].duration = ran->begun ? ran->ended - ran->begun : 0;
    }
    *as_it_was = play(b, &plays, b->jobs);
    guesses[count++] = (struct guess){
        .what = SLICE("jobs"),
        .now = b->jobs,
        .twice = 2 * (int64_t)b->jobs,
        .time = play(b, &plays, 2 * b->jobs),
    };
    for (size_t i = 0; i < plan->resource_count && count <= TRIED_MAX; i++) {
        struct plan_resource *r = plan->resources[i];
        r->capacity *= 2;
        guesses[count++] = (struct guess){
            .what = slice_str(arena_printf(b->arena, "resource %.*s", SLICE_ARG(r->name))),
            .now = r->capacity / 2,
            .twice = r->capacity,
            .time = play(b, &plays, b->jobs),
        };
        r->capacity /= 2;
    }
    return count;
}

/* ── telling ── */

static int by_time(const void *x, const void *y)
{
    const struct sum *a = x, *b = y;
    return (a->time < b->time) - (a->time > b->time);
}

static void tell_sums(struct text *t, struct text *json, const char *title, const char *key,
                      struct sums *sums)
{
    char took[DURATION_TEXT];
    qsort(sums->items, sums->count, sizeof(sums->items[0]), by_time);
    text_printf(json, ",\"%s\":[", key);
    if (sums->count)
        text_printf(t, "%s: ", title);
    for (size_t i = 0; i < sums->count; i++) {
        const struct sum *s = &sums->items[i];
        if (i < SHOWN_CASES)
            text_printf(t, "%s%.*s %s (%zu)", i ? ", " : "", SLICE_ARG(s->name),
                        format_duration(took, s->time), s->count);
        text_printf(json, "%s{\"name\":", i ? "," : "");
        text_add_json(json, s->name);
        text_printf(json, ",\"ns\":%lld,\"count\":%zu}", (long long)s->time, s->count);
    }
    text_add_byte(json, ']');
    if (sums->count)
        text_add_byte(t, '\n');
}

static void tell_phases(struct text *t, struct text *json, const struct bottleneck *b)
{
    char took[DURATION_TEXT];
    const char *before = "by phase: ";
    text_add_str(json, ",\"phases\":{");
    for (size_t i = 0; i < PHASE_COUNT; i++) {
        text_printf(json, "%s\"%s\":%lld", i ? "," : "", phase_names[i], (long long)b->phases[i]);
        if (b->phases[i] < NS_PER_MS)
            continue;
        text_printf(t, "%s%s %s", before, phase_names[i], format_duration(took, b->phases[i]));
        before = ", ";
    }
    text_add_str(json, "}");
    text_add_byte(t, '\n');
}

static void tell_chain(struct text *t, struct text *json, struct bottleneck *b)
{
    char took[DURATION_TEXT];
    const struct ran **chain = ARENA_ARRAY(b->arena, const struct ran *, b->ran + 1);
    size_t length = find_chain(b, chain);
    text_printf(t, "critical path, %zu case%s: ", length, length == 1 ? "" : "s");
    text_add_str(json, ",\"critical_path\":[");
    for (size_t i = length; i > 0; i--) {
        const struct ran *r = chain[i - 1];
        size_t shown = length - i;
        format_duration(took, r->ended - r->begun);
        if (shown < SHOWN_CASES)
            text_printf(t, "%s%.*s (%s%s%.*s)", shown ? " → " : "", SLICE_ARG(r->pc->id), took,
                        r->held_by.len ? ", after " : "", SLICE_ARG(r->held_by));
        if (shown >= KEPT_CASES)
            continue;
        text_printf(json, "%s{\"case\":", shown ? "," : "");
        text_add_json(json, r->pc->key);
        text_printf(json, ",\"ns\":%lld,\"held_by\":", (long long)(r->ended - r->begun));
        text_add_json(json, r->held_by);
        text_add_byte(json, '}');
    }
    if (length > SHOWN_CASES)
        text_printf(t, " → … and %zu more", length - SHOWN_CASES);
    text_add_byte(t, '\n');
    text_add_byte(json, ']');
}

static void tell_guesses(struct text *t, struct text *json, struct bottleneck *b)
{
    char was[DURATION_TEXT], would[DURATION_TEXT];
    int64_t played = 0;
    struct guess guesses[TRIED_MAX + 1];
    size_t count = play_again(b, &played, guesses);
    const struct guess *best = NULL;
    text_printf(json, ",\"played_ns\":%lld,\"twice\":[", (long long)played);
    for (size_t i = 0; i < count; i++) {
        const struct guess *g = &guesses[i];
        text_printf(json, "%s{\"what\":", i ? "," : "");
        text_add_json(json, g->what);
        text_printf(json, ",\"now\":%lld,\"ns\":%lld}", (long long)g->now, (long long)g->time);
        if (!best || g->time < best->time)
            best = g;
    }
    text_add_byte(json, ']');
    format_duration(was, played);
    if (best && (double)(played - best->time) >= WORTH * (double)played)
        text_printf(t,
                    "limited by %.*s: with %lld instead of %lld the cases would take %s"
                    " instead of %s\n",
                    SLICE_ARG(best->what), (long long)best->twice, (long long)best->now,
                    format_duration(would, best->time), was);
    else
        text_add_str(t, "neither more jobs nor more of a resource would make the run shorter\n");
}

bool bottleneck_find(struct bottleneck *b, int64_t started, int64_t ended, struct arena *arena,
                     struct slice *text, struct slice *json)
{
    struct text t = text_in(arena), j = text_in(arena);
    char took[DURATION_TEXT], busy[DURATION_TEXT];
    int64_t elapsed = ended - started;
    if (b->ran < 2 || elapsed <= 0)
        return false;
    double use = (double)b->busy / ((double)elapsed * b->jobs);
    text_printf(&j, "{\"elapsed_ns\":%lld,\"cases_ns\":%lld,\"jobs\":%u,\"use\":%.4f",
                (long long)elapsed, (long long)b->busy, b->jobs, use);
    tell_guesses(&t, &j, b);
    text_printf(&t, "%zu cases took %s in %s: %.0f %% of %u job%s were in use\n", b->ran,
                format_duration(busy, b->busy), format_duration(took, elapsed), 100 * use, b->jobs,
                b->jobs == 1 ? "" : "s");
    tell_phases(&t, &j, b);
    tell_sums(&t, &j, "by service", "services", &b->services);
    tell_sums(&t, &j, "waited for", "waits", &b->waits);
    tell_chain(&t, &j, b);
    text_add_byte(&j, '}');
    *text = text_slice(&t);
    *json = text_slice(&j);
    return true;
}
