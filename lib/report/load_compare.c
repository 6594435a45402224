/*
 * Comparing loads; the header states the rules.
 */
#include "report/load_compare.h"

#include <math.h>
#include <stdlib.h>

#include "core/jsontext.h"
#include "core/text.h"

/* Errors among so many requests are counted exactly. */
#define EXACT_REQUESTS 100000.0
/* Differences of parameters that are told. */
#define MOST_DIFFERENCES 20

static struct result reduce_side(struct past *past, const struct compare_side *side,
                                 struct load_seen **out)
{
    *out = ARENA_ARRAY(past->arena, struct load_seen, side->run_count);
    for (size_t i = 0; i < side->run_count; i++)
        TRY(load_seen_read(past, &past->loads[side->runs[i]], &(*out)[i]));
    return RESULT_OK;
}

static uint32_t newest(const struct compare_side *side)
{
    return side->runs[side->run_count - 1];
}

/* ------------------------------------------------------------------ noise between loads */

/* Pairs of neighbouring loads between which nobody says that anything changed. */
struct noise {
    struct pair {
        double squares[LOAD_FIGURES]; /* of the difference of logarithms; NaN: not seen */
        double within[LOAD_FIGURES];  /* … of which so much is told by the seconds */
    } *pairs;
    size_t count;
};

static void add_pair(struct noise *noise, const struct load_seen *a, const struct load_seen *b)
{
    struct pair *pair = &noise->pairs[noise->count++];
    for (int i = 0; i < LOAD_FIGURES; i++) {
        const struct load_figure *x = &a->figures[i], *y = &b->figures[i];
        pair->squares[i] = pair->within[i] = (double)NAN;
        if (!x->sure || !y->sure || load_figure_kinds[i].unit == LOAD_SHARE)
            continue;
        double apart = log(y->value / x->value);
        pair->squares[i] = apart * apart;
        pair->within[i] = x->variance + y->variance;
    }
}

static double noise_of(const struct noise *noise, int figure, size_t *pairs)
{
    double squares[LOAD_HISTORY + 1], within[LOAD_HISTORY + 1];
    *pairs = 0;
    for (size_t i = 0; i < noise->count; i++) {
        if (isnan(noise->pairs[i].squares[figure]))
            continue;
        within[*pairs] = noise->pairs[i].within[figure];
        squares[(*pairs)++] = noise->pairs[i].squares[figure];
    }
    return load_noise(squares, within, *pairs);
}

/* Loads like these two: of their name and host, with the parameters of the one after. */
static struct result read_noise(struct past *past, const struct load_comparison *c,
                                const struct load_seen *like, struct noise *out)
{
    uint32_t a = newest(&c->before), b = newest(&c->after), last = a > b ? a : b;
    uint32_t border = a > b ? b : a; /* the newest load of the older side */
    const struct past_run *run = &past->loads[b];
    struct load_seen *all = ARENA_ARRAY(past->arena, struct load_seen, LOAD_HISTORY + 1);
    uint32_t places[LOAD_HISTORY + 1];
    size_t count = 0;
    out->pairs = ARENA_ARRAY(past->arena, struct pair, LOAD_HISTORY + 1);
    for (uint32_t i = last + 1; i-- > 0 && count < LOAD_HISTORY;) {
        const struct past_run *other = &past->loads[i];
        if (!slice_eq(other->load, run->load) || !slice_eq(other->host, run->host))
            continue;
        if (!result_ok(load_seen_read(past, other, &all[count])))
            continue; /* what cannot be read is no evidence */
        bool alike = slice_eq(all[count].parameters, like->parameters) && !all[count].doubt;
        places[count] = i;
        count += alike;
    }
    for (size_t i = 0; i + 1 < count; i++)
        if ((places[i] <= border) == (places[i + 1] <= border))
            add_pair(out, &all[i + 1], &all[i]);
    return RESULT_OK;
}

/* ------------------------------------------------------------------ a change */

enum change_kind load_change_judge(enum load_figure_code code, const struct load_change *c,
                                   double threshold)
{
    const struct load_figure_kind *kind = &load_figure_kinds[code];
    double apart = c->after - c->before;
    bool great = kind->unit == LOAD_SHARE
                     ? fabs(apart) >= LOAD_ERRORS_LEAST
                     : c->ratio >= 1 + threshold || c->ratio <= 1 / (1 + threshold);
    if (kind->unit == LOAD_TIME)
        great = great && fabs(apart) >= LOAD_CHANGE_LEAST;
    if (!great || c->p >= CHANGE_HINT)
        return CHANGE_NONE;
    /* What is neither good nor bad is told, and no more. */
    if (c->p >= CHANGE_LEVEL || kind->worse == 0)
        return CHANGE_UNCLEAR;
    return (apart > 0) == (kind->worse > 0) ? CHANGE_SLOWER : CHANGE_FASTER;
}

/* Fisher's exact test; of so many that it takes long, its normal approximation. */
static double errors_p(const struct load_figure *a, const struct load_figure *b)
{
    if (a->of + b->of <= EXACT_REQUESTS)
        return statistics_fisher((size_t)llround(a->hits), (size_t)llround(a->of),
                                 (size_t)llround(b->hits), (size_t)llround(b->of));
    double share = (a->hits + b->hits) / (a->of + b->of);
    double error = sqrt(share * (1 - share) * (1 / a->of + 1 / b->of));
    double apart = fabs(a->hits / a->of - b->hits / b->of);
    return error > 0 ? 2 * statistics_normal_tail(apart / error) : 1;
}

struct load_change load_change_of(enum load_figure_code code, const struct load_figure *before,
                                  const struct load_figure *after, double noise, size_t pairs,
                                  double threshold)
{
    struct load_change c = {.seen = before->seen && after->seen,
                            .before = before->value,
                            .after = after->value,
                            .ratio = (double)NAN,
                            .interval = {(double)NAN, (double)NAN},
                            .noise = noise,
                            .p = 1,
                            .kind = CHANGE_UNKNOWN};
    if (!c.seen)
        return c;
    if (before->value > 0 && after->value > 0)
        c.ratio = after->value / before->value;
    if (!before->sure || !after->sure)
        return c;
    if (load_figure_kinds[code].unit == LOAD_SHARE) {
        c.p = errors_p(before, after);
        c.kind = load_change_judge(code, &c, threshold);
        return c;
    }
    if (isnan(c.ratio))
        return c;
    double parts[] = {before->variance, after->variance, 2 * noise * noise};
    double freedoms[] = {before->freedom, after->freedom, (double)(LOAD_NOISE_WORTH + pairs)};
    double variance = 0, weight = 0;
    for (int i = 0; i < 3; i++) {
        variance += parts[i];
        weight += parts[i] * parts[i] / freedoms[i];
    }
    double freedom = variance * variance / weight, error = sqrt(variance);
    double reach = error * statistics_student_quantile((1 - CHANGE_CONFIDENCE) / 2, freedom);
    c.p = 2 * statistics_student_tail(fabs(log(c.ratio)) / error, freedom);
    c.interval = (struct interval){c.ratio * exp(-reach), c.ratio * exp(reach)};
    c.kind = load_change_judge(code, &c, threshold);
    return c;
}

/* ------------------------------------------------------------------ parameters */

static void add_difference(struct arena *arena, struct load_comparison *c, const char *what,
                           const json_t *a, const json_t *b)
{
    if (c->difference_count == MOST_DIFFERENCES)
        return;
    c->differences[c->difference_count++] =
        (struct load_difference){what, a ? jsontext_write(arena, a) : slice_str(NULL),
                                 b ? jsontext_write(arena, b) : slice_str(NULL)};
}

static const char *path_of(struct arena *arena, const char *above, const char *key)
{
    return *above ? arena_printf(arena, "%s.%s", above, key) : key;
}

/* Objects are gone into; all else is compared whole. */
static void find_differences(struct arena *arena, struct load_comparison *c, const char *above,
                             const json_t *a, const json_t *b, int depth)
{
    const char *key;
    json_t *value, *left = jsontext_keep(arena, json_copy((json_t *)(uintptr_t)a));
    json_t *right = jsontext_keep(arena, json_copy((json_t *)(uintptr_t)b));
    json_object_foreach(left, key, value)
    {
        const json_t *other = json_object_get(right, key);
        const char *path = path_of(arena, above, arena_string(arena, slice_str(key)));
        if (json_is_object(value) && json_is_object(other) && depth > 0)
            find_differences(arena, c, path, value, other, depth - 1);
        else if (!other || !jsontext_equal(value, other))
            add_difference(arena, c, path, value, other);
    }
    json_object_foreach(right, key, value) if (!json_object_get(left, key)) add_difference(
        arena, c, path_of(arena, above, arena_string(arena, slice_str(key))), NULL, value);
}

/* ------------------------------------------------------------------ all of it */

static void doubt(struct load_comparison *c, const char *text)
{
    c->doubts[c->doubt_count++] = text;
}

static void doubt_loads(struct past *past, struct load_comparison *c, const char *side,
                        const struct load_seen *loads, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!loads[i].doubt)
            continue;
        c->conclusive = false;
        doubt(c, arena_printf(past->arena, "%s: load %.*s %s", side, SLICE_ARG(loads[i].id),
                              loads[i].doubt));
    }
}

static void doubt_likeness(struct past *past, struct load_comparison *c, const struct load_seen *a,
                           const struct load_seen *b)
{
    const struct past_run *before = &past->loads[newest(&c->before)],
                          *after = &past->loads[newest(&c->after)];
    for (size_t i = 0; i + 1 < c->before.run_count; i++)
        if (!slice_eq(a[i].parameters, a[c->before.run_count - 1].parameters)) {
            doubt(c, "before: these loads are not alike among themselves");
            break;
        }
    for (size_t i = 0; i + 1 < c->after.run_count; i++)
        if (!slice_eq(b[i].parameters, b[c->after.run_count - 1].parameters)) {
            doubt(c, "after: these loads are not alike among themselves");
            break;
        }
    if (!slice_eq(before->host, after->host))
        doubt(c,
              arena_printf(past->arena, "made on %.*s and on %.*s: machines differ, and networks",
                           SLICE_ARG(before->host), SLICE_ARG(after->host)));
}

static void count_kinds(struct load_comparison *c)
{
    for (int i = 0; i < LOAD_FIGURES; i++) {
        struct load_change *change = &c->changes[i];
        if (!change->seen)
            continue;
        /* What proves nothing may look as it likes. */
        if (!c->conclusive && (change->kind == CHANGE_SLOWER || change->kind == CHANGE_FASTER))
            change->kind = CHANGE_UNCLEAR;
        c->worse += change->kind == CHANGE_SLOWER;
        c->better += change->kind == CHANGE_FASTER;
        c->unclear += change->kind == CHANGE_UNCLEAR;
        c->steady += change->kind == CHANGE_NONE;
        c->unknown += change->kind == CHANGE_UNKNOWN;
    }
}

static void compare_figures(struct load_comparison *c, const struct load_seen *a,
                            const struct load_seen *b, const struct noise *noise)
{
    double p[LOAD_FIGURES];
    size_t asked = 0, at = 0;
    for (int i = 0; i < LOAD_FIGURES; i++) {
        struct load_figure before = load_seen_mean(a, c->before.run_count, i),
                           after = load_seen_mean(b, c->after.run_count, i);
        size_t pairs = 0;
        /* Of several loads a side the noise between them is that much less. */
        double between = noise_of(noise, i, &pairs);
        double share = (1 / (double)c->before.run_count + 1 / (double)c->after.run_count) / 2;
        c->changes[i] = load_change_of((enum load_figure_code)i, &before, &after,
                                       between * sqrt(share), pairs, c->threshold);
        c->changes[i].noise = between;
        if (c->changes[i].kind != CHANGE_UNKNOWN)
            p[asked++] = c->changes[i].p;
    }
    statistics_adjust(p, asked);
    for (int i = 0; i < LOAD_FIGURES; i++) {
        if (c->changes[i].kind == CHANGE_UNKNOWN)
            continue;
        c->changes[i].p = p[at++];
        c->changes[i].kind =
            load_change_judge((enum load_figure_code)i, &c->changes[i], c->threshold);
    }
}

static struct result check_apart(const struct past *past, const struct compare_side *a,
                                 const struct compare_side *b)
{
    ENSURE(a->load && b->load, ERR_USAGE, "%s is %s and %s is %s: there is nothing to compare",
           a->name, a->load ? "a load" : "a run of suites", b->name,
           b->load ? "a load" : "a run of suites");
    for (size_t i = 0; i < a->run_count; i++)
        for (size_t j = 0; j < b->run_count; j++)
            ENSURE(a->runs[i] != b->runs[j], ERR_USAGE,
                   "load %.*s stands on both sides: there is nothing to compare",
                   SLICE_ARG(past->loads[a->runs[i]].id));
    return RESULT_OK;
}

struct result load_compare(struct past *past, const struct compare_side *before,
                           const struct compare_side *after, double threshold,
                           struct load_comparison **out)
{
    TRY(check_apart(past, before, after));
    struct load_comparison *c = ARENA_NEW(past->arena, struct load_comparison);
    struct load_seen *a = NULL, *b = NULL;
    struct noise noise = {0};
    *c = (struct load_comparison){.past = past,
                                  .before = *before,
                                  .after = *after,
                                  .conclusive = true,
                                  .threshold = threshold};
    c->doubts = ARENA_ARRAY(past->arena, const char *, before->run_count + after->run_count + 8);
    c->differences = ARENA_ARRAY(past->arena, struct load_difference, MOST_DIFFERENCES);
    TRY(reduce_side(past, before, &a));
    TRY(reduce_side(past, after, &b));
    const struct load_seen *old = &a[before->run_count - 1], *new = &b[after->run_count - 1];
    find_differences(past->arena, c, "", old->asked, new->asked, 2);
    doubt_loads(past, c, "before", a, before->run_count);
    doubt_loads(past, c, "after", b, after->run_count);
    doubt_likeness(past, c, a, b);
    TRY(read_noise(past, c, new, &noise));
    c->noise_loads = noise.count;
    compare_figures(c, a, b, &noise);
    count_kinds(c);
    *out = c;
    return RESULT_OK;
}

struct result load_compare_earlier(struct past *past, const struct compare_side *after,
                                   struct compare_side *out)
{
    uint32_t first = after->runs[0];
    const struct past_run *run = &past->loads[first];
    uint32_t *found = ARENA_NEW(past->arena, uint32_t);
    for (uint32_t i = first; i-- > 0;) {
        if (!slice_eq(past->loads[i].load, run->load))
            continue;
        *found = i;
        *out = (struct compare_side){.name = arena_string(past->arena, past->loads[i].id),
                                     .load = true,
                                     .runs = found,
                                     .run_count = 1};
        return RESULT_OK;
    }
    return error_set(ERR_NOT_FOUND,
                     "before load %.*s there is no other called \"%.*s\"; name the load to compare "
                     "it with",
                     SLICE_ARG(run->id), SLICE_ARG(run->load));
}
