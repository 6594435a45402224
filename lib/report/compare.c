/*
 * Comparing two sides of runs; the header states the rules.
 */
#include "report/compare.h"

#include <math.h>
#include <stdlib.h>

#include "core/memory.h"
#include "report/quarantine.h"

const char *compared_kind_name(enum compared_kind kind)
{
    static const char *const names[] = {
#define X(code, name) name,
        COMPARED_TABLE(X)
#undef X
    };
    return names[kind];
}

/* ── which cases, and how they ended in the named runs ── */

static int compare_keys(const void *a, const void *b)
{
    const struct compared_case *x = a, *y = b;
    return slice_cmp(x->of.key, y->of.key);
}

/* What a side's runs say, added to the rows of one side. */
struct gathered {
    struct past_seen *seen;
    size_t count;
};

static void add_seen(struct compared_case *c, const struct past_seen *seen, bool after)
{
    bool passed = seen->status == CASE_PASSED,
         failed = seen->status == CASE_FAILED || seen->status == CASE_ERROR;
    if (after) {
        c->after.passed += passed;
        c->after.failed += failed;
        c->after.other += !passed && !failed;
    } else {
        c->before.passed += passed;
        c->before.failed += failed;
        c->before.other += !passed && !failed;
    }
    if (!passed && (after || !c->reason.len))
        c->reason = seen->reason;
}

static size_t count_largest(const struct gathered *all, size_t count)
{
    int64_t largest = 0;
    for (size_t r = 0; r < count; r++)
        for (size_t i = 0; i < all[r].count; i++)
            if (all[r].seen[i].of.number > largest)
                largest = all[r].seen[i].of.number;
    return (size_t)largest + 1;
}

/* One row for each case of any run, in the order of the keys. */
static struct result gather(struct past *past, struct comparison *c)
{
    size_t runs = c->before.run_count + c->after.run_count, most = 0;
    struct gathered *all = ARENA_ARRAY(past->arena, struct gathered, runs);
    for (size_t r = 0; r < runs; r++) {
        uint32_t run =
            r < c->before.run_count ? c->before.runs[r] : c->after.runs[r - c->before.run_count];
        TRY(past_run_results(past, run, &all[r].seen, &all[r].count));
        most += all[r].count;
    }
    size_t numbers = count_largest(all, runs);
    uint32_t *place = mem_zero(numbers * sizeof(*place)); /* from 1; 0: not yet */
    c->cases = ARENA_ARRAY(past->arena, struct compared_case, most + 1);
    for (size_t r = 0; r < runs; r++) {
        for (size_t i = 0; i < all[r].count; i++) {
            const struct past_seen *seen = &all[r].seen[i];
            if (!place[seen->of.number]) {
                c->cases[c->count] = (struct compared_case){.of = seen->of};
                place[seen->of.number] = (uint32_t)++c->count;
            }
            add_seen(&c->cases[place[seen->of.number] - 1], seen, r >= c->before.run_count);
        }
    }
    mem_free(place);
    qsort(c->cases, c->count, sizeof(*c->cases), compare_keys);
    for (size_t i = 0; i < c->count; i++) {
        c->before.passed += c->cases[i].before.passed;
        c->before.failed += c->cases[i].before.failed;
        c->after.passed += c->cases[i].after.passed;
        c->after.failed += c->cases[i].after.failed;
    }
    return RESULT_OK;
}

static enum compared_kind kind_of(const struct compared_case *c)
{
    size_t before = c->before.passed + c->before.failed, after = c->after.passed + c->after.failed;
    if (after == 0 && c->after.other == 0)
        return COMPARED_GONE;
    if (before == 0 && c->before.other == 0)
        return c->after.failed ? COMPARED_BROKE : COMPARED_NEW;
    if (after == 0)
        return COMPARED_UNCHANGED; /* skipped or cancelled: it says nothing */
    if (c->outcome.kind == OUTCOME_FLAKY)
        return c->flaky_before && !c->before.failed && !c->after.failed ? COMPARED_UNCHANGED
                                                                        : COMPARED_FLAKY;
    bool mixed = (c->before.passed && c->before.failed) || (c->after.passed && c->after.failed);
    if (mixed) {
        if (statistics_fisher(c->before.failed, before, c->after.failed, after) >= COMPARE_LEVEL)
            return COMPARED_FLAKY;
        return c->after.failed * before > c->before.failed * after ? COMPARED_BROKE
                                                                   : COMPARED_FIXED;
    }
    if (c->after.failed)
        return c->before.failed ? COMPARED_STILL_FAILING : COMPARED_BROKE;
    return c->before.failed ? COMPARED_FIXED : COMPARED_UNCHANGED;
}

/* ── times ── */

/* The results of one side: the named ones, or those in (after, upto] for a side of one run. */
struct span {
    const struct compare_side *side;
    ptrdiff_t after, upto;
};

static bool in_span(const struct span *s, uint32_t run)
{
    if (s->side->run_count == 1)
        return (ptrdiff_t)run > s->after && (ptrdiff_t)run <= s->upto;
    for (size_t i = 0; i < s->side->run_count; i++)
        if (s->side->runs[i] == run)
            return true;
    return false;
}

static uint32_t newest(const struct compare_side *side)
{
    return side->runs[side->run_count - 1];
}

struct values {
    double *items;
    bool *after; /* of each: is it of the after side? */
    size_t count;
};

/* Which side a result belongs to, of a case's results on the host in question. */
enum side { NEITHER, BEFORE, AFTER };

static void add_value(struct values *v, double value, bool after)
{
    v->after[v->count] = after;
    v->items[v->count++] = value;
}

static struct values values_in(struct arena *arena, size_t room)
{
    return (struct values){ARENA_ARRAY(arena, double, room + 1), ARENA_ARRAY(arena, bool, room + 1),
                           0};
}

/* The values of a metric on both sides, in one row and apart, and those before that tell how noisy
   it is. */
struct sides_values {
    struct values before, after, both, history;
};

static bool has_value(const struct comparison *c, const struct past_result *r, enum past_metric m)
{
    return !isnan(r->metrics[m]) && slice_eq(c->past->runs[r->run].host, c->host);
}

/* Give each result its side; a side of one run has the newest CHANGE_RESULTS of its span. */
static void give_sides(const struct comparison *c, enum past_metric m,
                       const struct past_result *results, size_t count, enum side *sides)
{
    uint32_t a = newest(&c->before), b = newest(&c->after);
    struct span spans[] = {{&c->before, a < b ? -1 : (ptrdiff_t)b, a},
                           {&c->after, a < b ? (ptrdiff_t)a : -1, b}};
    size_t found[2] = {0};
    for (size_t i = count; i-- > 0;) {
        sides[i] = NEITHER;
        for (int s = 0; s < 2 && has_value(c, &results[i], m); s++) {
            size_t most = spans[s].side->run_count == 1 ? CHANGE_RESULTS : count;
            if (!in_span(&spans[s], results[i].run) || found[s] == most)
                continue;
            found[s]++;
            sides[i] = s ? AFTER : BEFORE;
        }
    }
}

static struct sides_values values_of(const struct comparison *c, enum past_metric m,
                                     const struct past_result *results, size_t count)
{
    struct arena *arena = c->past->arena;
    enum side *sides = ARENA_ARRAY(arena, enum side, count + 1), last = NEITHER;
    struct sides_values v = {values_in(arena, count), values_in(arena, count),
                             values_in(arena, count), values_in(arena, count)};
    bool begun[3] = {false};
    give_sides(c, m, results, count, sides);
    for (size_t i = 0; i < count; i++) {
        if (!has_value(c, &results[i], m))
            continue;
        double value = results[i].metrics[m];
        last = sides[i];
        begun[last] = true;
        /* What was before both sides had begun is history: nothing changed in it. */
        if (!begun[BEFORE] || !begun[AFTER])
            add_value(&v.history, value, false);
        if (last == NEITHER)
            continue;
        add_value(last == AFTER ? &v.after : &v.before, value, last == AFTER);
        add_value(&v.both, value, last == AFTER);
    }
    return v;
}

static void measure(const struct comparison *c, struct compared_metric *out,
                    const struct sides_values *v)
{
    double spells = change_spells(v->history.items, v->history.count, v->both.after, v->both.count);
    out->measured = v->before.count || v->after.count;
    out->change =
        change_measure(v->before.items, v->before.count, v->after.items, v->after.count, spells);
    out->interval = (struct interval){(double)NAN, (double)NAN};
    out->p = out->change.p;
    out->kind = change_judge(&out->change, out->p, c->threshold);
    /* Adjusting makes no p smaller, so only what is beyond the threshold can be told more of. */
    if (out->kind != CHANGE_NONE && out->kind != CHANGE_UNKNOWN)
        out->interval = change_interval(v->before.items, v->before.count, v->after.items,
                                        v->after.count, spells);
}

/* What the results up to a run say; `*window` are those looked at. */
static struct outcome outcome_at(const struct past *past, const struct past_result *results,
                                 size_t count, uint32_t run, const struct past_result **window)
{
    while (count && results[count - 1].run > run)
        count--;
    size_t from = count > OUTCOME_RESULTS ? count - OUTCOME_RESULTS : 0;
    *window = results + from;
    return outcome_judge(past, *window, count - from);
}

static struct result look_back(struct past *past, struct comparison *c, struct compared_case *cc)
{
    uint32_t a = newest(&c->before), b = newest(&c->after);
    struct past_result *results;
    size_t count;
    TRY(past_results(past, cc->of.number, a > b ? a : b, CHANGE_HISTORY + 2 * CHANGE_RESULTS,
                     &results, &count));
    const struct past_result *window;
    cc->outcome = outcome_at(past, results, count, a, &window);
    cc->flaky_before = cc->outcome.kind == OUTCOME_FLAKY;
    cc->outcome = outcome_at(past, results, count, b, &window);
    const struct outcome *o = &cc->outcome;
    if (o->last_good >= 0)
        cc->last_good = past->runs[window[o->last_good].run].id;
    if (o->first_bad >= 0)
        cc->first_bad = past->runs[window[o->first_bad].run].id;
    for (size_t m = 0; m < PAST_METRICS && !c->other_host; m++) {
        struct sides_values v = values_of(c, (enum past_metric)m, results, count);
        measure(c, &cc->metrics[m], &v);
    }
    return RESULT_OK;
}

/* Adjust for how many cases and metrics were asked about, and say what came out. */
static void judge_all(struct comparison *c)
{
    size_t most = c->count * PAST_METRICS, asked = 0, at = 0, ratios = 0;
    double *p = mem_alloc((most + 1) * sizeof(*p)), *ratio = mem_alloc((most + 1) * sizeof(*p));
    for (size_t i = 0; i < most; i++) {
        const struct compared_metric *m = &c->cases[i / PAST_METRICS].metrics[i % PAST_METRICS];
        if (!m->measured || m->kind == CHANGE_UNKNOWN)
            continue;
        p[asked++] = m->p;
        if (i % PAST_METRICS == PAST_TIME)
            ratio[ratios++] = m->change.ratio;
    }
    statistics_adjust(p, asked);
    statistics_sort(ratio, ratios);
    c->ratio = statistics_median(ratio, ratios);
    c->spells = 1;
    for (size_t i = 0; i < most; i++) {
        struct compared_metric *m = &c->cases[i / PAST_METRICS].metrics[i % PAST_METRICS];
        if (!m->measured || m->kind == CHANGE_UNKNOWN)
            continue;
        m->p = p[at++];
        m->kind = change_judge(&m->change, m->p, c->threshold);
        c->spells = fmax(c->spells, m->change.spells);
    }
    mem_free(p);
    mem_free(ratio);
}

static bool any_metric(const struct compared_case *cc, enum change_kind kind)
{
    for (size_t m = 0; m < PAST_METRICS; m++)
        if (cc->metrics[m].measured && cc->metrics[m].kind == kind)
            return true;
    return false;
}

static void count_kinds(struct comparison *c)
{
    for (size_t i = 0; i < c->count; i++) {
        struct compared_case *cc = &c->cases[i];
        cc->kind = kind_of(cc);
        c->kinds[cc->kind]++;
        c->broke += cc->kind == COMPARED_BROKE && !cc->quarantined;
        c->still_flaky +=
            cc->kind == COMPARED_UNCHANGED && cc->outcome.kind == OUTCOME_FLAKY && cc->after.passed;
        c->slower += any_metric(cc, CHANGE_SLOWER);
        c->faster += any_metric(cc, CHANGE_FASTER);
        c->unclear += any_metric(cc, CHANGE_UNCLEAR);
        c->steady += cc->metrics[PAST_TIME].measured && cc->metrics[PAST_TIME].kind == CHANGE_NONE;
        c->unknown +=
            cc->metrics[PAST_TIME].measured && cc->metrics[PAST_TIME].kind == CHANGE_UNKNOWN;
    }
}

static struct result check_apart(const struct past *past, const struct compare_side *a,
                                 const struct compare_side *b)
{
    for (size_t i = 0; i < a->run_count; i++)
        for (size_t j = 0; j < b->run_count; j++)
            ENSURE(a->runs[i] != b->runs[j], ERR_USAGE,
                   "run %.*s stands on both sides: there is nothing to compare",
                   SLICE_ARG(past->runs[a->runs[i]].id));
    return RESULT_OK;
}

static bool ran_on(const struct past *past, const struct compare_side *side, struct slice host)
{
    for (size_t i = 0; i < side->run_count; i++)
        if (slice_eq(past->runs[side->runs[i]].host, host))
            return true;
    return false;
}

struct result compare_sides(struct past *past, const struct compare_side *before,
                            const struct compare_side *after, double threshold, int64_t now,
                            struct comparison **out)
{
    TRY(check_apart(past, before, after));
    struct comparison *c = ARENA_NEW(past->arena, struct comparison);
    *c = (struct comparison){
        .before = *before, .after = *after, .past = past, .threshold = threshold};
    c->host = past->runs[newest(after)].host;
    c->other_host = !ran_on(past, before, c->host);
    TRY(gather(past, c));
    struct quarantined *list;
    size_t listed;
    TRY(quarantine_list(past->store, past->arena, &list, &listed));
    for (size_t i = 0; i < c->count; i++) {
        c->cases[i].quarantined = quarantine_holds(list, listed, c->cases[i].of.key, now) != NULL;
        TRY(look_back(past, c, &c->cases[i]));
    }
    judge_all(c);
    count_kinds(c);
    *out = c;
    return RESULT_OK;
}

bool compare_worse(const struct comparison *c)
{
    return c->broke > 0 || c->slower > 0;
}
