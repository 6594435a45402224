/*
 * Reading loads of a name, and finding where they changed.
 */
#include "report/load_history.h"

#include <math.h>

bool load_history_has(const struct past *past, struct slice name)
{
    for (size_t i = 0; i < past->load_count; i++)
        if (slice_eq(past->loads[i].load, name))
            return true;
    return false;
}

/* ------------------------------------------------------------------ changes */

/* The loads that count, in their order. */
struct counted {
    struct load_seen *loads;
    size_t *places; /* in the history */
    size_t count;
};

static struct counted count_loads(struct arena *arena, const struct load_history_name *n)
{
    struct counted c = {ARENA_ARRAY(arena, struct load_seen, n->count + 1),
                        ARENA_ARRAY(arena, size_t, n->count + 1), 0};
    for (size_t i = 0; i < n->count; i++) {
        if (!n->loads[i].like_newest)
            continue;
        c.loads[c.count] = n->loads[i].seen;
        c.places[c.count++] = i;
    }
    return c;
}

/* The noise between neighbouring loads, but for the two between which something may have changed.
 */
static double noise_but(const struct counted *c, int figure, size_t split, size_t *pairs)
{
    double *squares = NULL, *within = NULL;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    squares = ARENA_ARRAY(arena, double, c->count + 1);
    within = ARENA_ARRAY(arena, double, c->count + 1);
    *pairs = 0;
    for (size_t i = 0; i + 1 < c->count; i++) {
        const struct load_figure *a = &c->loads[i].figures[figure],
                                 *b = &c->loads[i + 1].figures[figure];
        if (i + 1 == split || !a->sure || !b->sure || a->value <= 0 || b->value <= 0)
            continue;
        double apart = log(b->value / a->value);
        within[*pairs] = a->variance + b->variance;
        squares[(*pairs)++] = apart * apart;
    }
    return load_noise(squares, within, *pairs);
}

static struct load_change change_at(const struct counted *c, enum load_figure_code code,
                                    size_t split, double threshold)
{
    size_t pairs = 0, after = c->count - split;
    struct load_figure a = load_seen_mean(c->loads, split, (int)code),
                       b = load_seen_mean(c->loads + split, after, (int)code);
    double noise = noise_but(c, (int)code, split, &pairs);
    double share = (1 / (double)split + 1 / (double)after) / 2;
    struct load_change change = load_change_of(code, &a, &b, noise * sqrt(share), pairs, threshold);
    change.noise = noise;
    return change;
}

static void find_change(const struct counted *c, enum load_figure_code code, double threshold,
                        struct load_history_figure *out)
{
    struct load_change best = {.p = 1, .kind = CHANGE_UNKNOWN};
    for (size_t split = 1; split < c->count; split++) {
        struct load_change change = change_at(c, code, split, threshold);
        if (change.kind == CHANGE_UNKNOWN || (best.kind != CHANGE_UNKNOWN && change.p >= best.p))
            continue;
        best = change;
        out->since = (ptrdiff_t)c->places[split];
    }
    best.p = fmin(1, best.p * (double)(c->count > 1 ? c->count - 1 : 1));
    if (best.kind != CHANGE_UNKNOWN)
        best.kind = load_change_judge(code, &best, threshold);
    out->change = best;
    if (best.kind != CHANGE_SLOWER && best.kind != CHANGE_FASTER)
        out->since = -1;
}

static void read_figure(struct arena *arena, const struct load_history_name *n,
                        const struct counted *c, enum load_figure_code code, double threshold,
                        struct load_history_figure *out)
{
    double *sorted = ARENA_ARRAY(arena, double, n->count + 1);
    *out = (struct load_history_figure){.since = -1,
                                        .values = ARENA_ARRAY(arena, double, n->count + 1)};
    for (size_t i = 0; i < n->count; i++) {
        const struct load_history_load *load = &n->loads[i];
        bool seen = load->seen.ended && load->seen.figures[code].seen;
        out->values[i] = seen ? load->seen.figures[code].value : (double)NAN;
        if (seen && load->like_newest)
            sorted[out->count++] = out->values[i];
    }
    if (out->count == 0)
        return;
    out->seen = true;
    out->latest = sorted[out->count - 1];
    statistics_sort(sorted, out->count);
    out->median = statistics_median(sorted, out->count);
    find_change(c, code, threshold, out);
}

/* ------------------------------------------------------------------ names */

static struct result read_loads(struct past *past, size_t results, struct load_history_name *n)
{
    n->loads = ARENA_ARRAY(past->arena, struct load_history_load, results + 1);
    for (size_t i = past->load_count; i-- > 0;) {
        const struct past_run *run = &past->loads[i];
        if (!slice_eq(run->load, n->name))
            continue;
        if (n->all++ >= results)
            continue;
        struct load_history_load *load = &n->loads[results - ++n->count];
        *load = (struct load_history_load){.run = run};
        if (!result_ok(load_seen_read(past, run, &load->seen))) /* from elsewhere, perhaps */
            load->seen = (struct load_seen){
                .id = run->id,
                .verdict = "unreadable",
                .doubt = arena_string(past->arena, slice_str(error_last()->text)),
            };
    }
    n->loads += results - n->count;
    const struct load_history_load *newest = NULL;
    for (size_t i = n->count; i-- > 0 && !newest;)
        newest = n->loads[i].seen.doubt ? NULL : &n->loads[i];
    for (size_t i = 0; i < n->count && newest; i++)
        n->loads[i].like_newest = !n->loads[i].seen.doubt &&
                                  slice_eq(n->loads[i].run->host, newest->run->host) &&
                                  slice_eq(n->loads[i].seen.parameters, newest->seen.parameters);
    return RESULT_OK;
}

static struct result read_name(struct past *past, struct slice name, size_t results,
                               double threshold, struct load_history_name *n)
{
    *n = (struct load_history_name){.name = name};
    TRY(read_loads(past, results, n));
    struct counted c = count_loads(past->arena, n);
    for (int i = 0; i < LOAD_FIGURES; i++)
        read_figure(past->arena, n, &c, (enum load_figure_code)i, threshold, &n->figures[i]);
    return RESULT_OK;
}

static bool has_name(const struct load_history *h, struct slice name)
{
    for (size_t i = 0; i < h->count; i++)
        if (slice_eq(h->names[i].name, name))
            return true;
    return false;
}

struct result load_history_read(struct past *past, struct slice name, size_t results,
                                double threshold, struct load_history **out)
{
    struct load_history *h = ARENA_NEW(past->arena, struct load_history);
    *h = (struct load_history){.past = past};
    results = results ? results : LOAD_HISTORY_RESULTS;
    ENSURE(name.len == 0 || load_history_has(past, name), ERR_NOT_FOUND,
           "there is no load called \"%.*s\"", SLICE_ARG(name));
    for (size_t i = past->load_count; i-- > 0;) {
        struct slice other = past->loads[i].load;
        if ((name.len && !slice_eq(other, name)) || has_name(h, other))
            continue;
        ARENA_GROW(past->arena, h->names, h->count);
        TRY(read_name(past, other, results, threshold, &h->names[h->count]));
        h->count++;
    }
    *out = h;
    return RESULT_OK;
}
