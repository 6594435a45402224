/*
 * From histograms and seconds to figures.
 */
#include "report/load_figures.h"

#include <math.h>

#include "core/clock.h"
#include "core/memory.h"
#include "load/evidence.h"

/* Seconds are put together until there are no more than this: the more, the longer what is alike
 * may last. */
#define BATCHES 32
/* Values, worth as many independent ones, that must lie beyond a percentile to tell of it. */
#define BEYOND 5
/* Of a histogram's steps (0.4 %): the variance of a value that may lie anywhere in one. */
#define STEP_VARIANCE (0.004 * 0.004 / 12)

const struct load_figure_kind load_figure_kinds[LOAD_FIGURES] = {
#define X(code, name, unit, metric, percent, seconds, worse)                                       \
    {name, unit, metric, percent, seconds, worse},
    LOAD_FIGURE_TABLE(X)
#undef X
};

/* ------------------------------------------------------------------ batches of seconds */

/* Neighbouring rows of the measured time, the same number each. */
struct batches {
    const struct timeline_row *rows;
    size_t row_count, each, count;
};

static struct batches batches_of(const struct load_data *d, bool answers_too_late)
{
    const struct timeline *t = d->timeline;
    struct batches b = {.rows = t->rows, .row_count = t->count};
    int64_t end = d->plan.warmup + d->report.outcome->measured;
    while (b.row_count > 0 && b.rows->warming) {
        b.rows++;
        b.row_count--;
    }
    while (!answers_too_late && b.row_count > 0 && b.rows[b.row_count - 1].to > end + NS_PER_S / 4)
        b.row_count--;
    b.each = b.row_count > BATCHES ? (b.row_count + BATCHES - 1) / BATCHES : 1;
    b.count = b.row_count / b.each;
    return b;
}

static double sparse_above(const struct sparse *s, int64_t bound)
{
    size_t at = histogram_index(bound);
    double above = 0;
    for (uint32_t i = 0; i < s->step_count; i++)
        above += s->steps[i].index > at ? (double)s->steps[i].count : 0;
    return above;
}

/* The values of one batch: how many, and what `value_of` says of its rows. */
typedef struct evidence_part part_of(const struct timeline_row *row, enum second_metric metric,
                                     int64_t bound);

static struct evidence_part part_above(const struct timeline_row *row, enum second_metric metric,
                                       int64_t bound)
{
    const struct sparse *s = &row->metrics[metric];
    return (struct evidence_part){(double)s->count, sparse_above(s, bound)};
}

static struct evidence_part part_sum(const struct timeline_row *row, enum second_metric metric,
                                     int64_t bound)
{
    (void)bound;
    return (struct evidence_part){(double)row->metrics[metric].count, row->metrics[metric].sum};
}

static struct evidence_part part_failed(const struct timeline_row *row, enum second_metric metric,
                                        int64_t bound)
{
    (void)metric, (void)bound;
    return (struct evidence_part){(double)(row->answered + row->failed), (double)row->failed};
}

static struct evidence_part part_answers(const struct timeline_row *row, enum second_metric metric,
                                         int64_t bound)
{
    (void)metric, (void)bound;
    return (struct evidence_part){(double)(row->to - row->from) / (double)NS_PER_S,
                                  (double)row->answered};
}

static struct evidence_part part_tokens(const struct timeline_row *row, enum second_metric metric,
                                        int64_t bound)
{
    (void)metric, (void)bound;
    return (struct evidence_part){(double)(row->to - row->from) / (double)NS_PER_S,
                                  (double)row->tokens};
}

static void gather(const struct batches *b, part_of *of, enum second_metric metric, int64_t bound,
                   struct evidence_part parts[BATCHES])
{
    for (size_t i = 0; i < b->count; i++) {
        parts[i] = (struct evidence_part){0};
        for (size_t k = 0; k < b->each; k++) {
            struct evidence_part p = of(&b->rows[i * b->each + k], metric, bound);
            parts[i].size += p.size;
            parts[i].value += p.value;
        }
    }
}

/*
 * By how much batches scatter more than independent values would, whichever of these and of twice
 * as long ones says more: what is alike for longer than some seconds shows only in the latter.
 */
static double inflation(const struct evidence_part *parts, size_t count, double variance)
{
    struct evidence_part pairs[BATCHES / 2];
    for (size_t i = 0; i < count / 2; i++) {
        pairs[i].size = parts[2 * i].size + parts[2 * i + 1].size;
        pairs[i].value = parts[2 * i].value + parts[2 * i + 1].value;
    }
    return fmax(evidence_inflation(parts, count, variance),
                evidence_inflation(pairs, count / 2, variance));
}

/* What so few batches can know of a variance: neighbours are counted together. */
static double freedom_of(const struct batches *b)
{
    return fmax(2, (double)b->count / 2);
}

/* ------------------------------------------------------------------ figures */

/* By how much the seconds scatter more than independent values would, around a percentile. */
static double tail_inflation(const struct batches *b, enum second_metric metric, double q)
{
    struct evidence_part parts[BATCHES];
    struct histogram *all = mem_alloc(sizeof(*all));
    histogram_clear(all);
    for (size_t i = 0; i < b->row_count; i++)
        sparse_spread(&b->rows[i].metrics[metric], all);
    int64_t bound = histogram_percentile(all, 100 * q);
    double size = (double)all->count, above = size - (double)histogram_at_most(all, bound);
    mem_free(all);
    gather(b, part_above, metric, bound, parts);
    double share = size > 0 ? above / size : 0;
    return inflation(parts, b->count, share * (1 - share));
}

static double log_percentile(const struct histogram *h, double q)
{
    return log(fmax(1, (double)histogram_percentile(h, 100 * q)));
}

static void percentile_figure(const struct batches *b, const struct load_figure_kind *kind,
                              const struct histogram *h, double requests, struct load_figure *f)
{
    double q = kind->percent / 100;
    f->value = (double)histogram_percentile(h, kind->percent);
    double n = fmin((double)h->count, requests) / tail_inflation(b, kind->seconds, q);
    if (b->count < EVIDENCE_FEWEST || n * (1 - q) < BEYOND || n * q < BEYOND || f->value <= 0)
        return;
    double error = sqrt(q * (1 - q) / n);
    double spread = (log_percentile(h, fmin(1, q + error)) - log_percentile(h, q - error)) / 2;
    f->variance = spread * spread + STEP_VARIANCE;
    f->freedom = freedom_of(b);
    f->sure = true;
}

static void mean_figure(const struct batches *b, const struct load_figure_kind *kind,
                        const struct histogram *h, const struct histogram *near,
                        struct load_figure *f)
{
    struct evidence_part parts[BATCHES];
    double deviation = histogram_deviation(h), other = histogram_deviation(near);
    f->value = histogram_mean(h);
    if (b->count < EVIDENCE_FEWEST || f->value <= 0)
        return;
    gather(b, part_sum, kind->seconds, 0, parts);
    double n = (double)h->count / inflation(parts, b->count, other * other);
    f->variance = deviation * deviation / n / (f->value * f->value) + STEP_VARIANCE;
    f->freedom = freedom_of(b);
    f->sure = true;
}

static void rate_figure(const struct batches *b, double value, part_of *of, struct load_figure *f)
{
    struct evidence_part parts[BATCHES];
    double time = 0, count = 0, squares = 0;
    f->value = value;
    gather(b, of, SECOND_LATENCY, 0, parts);
    for (size_t i = 0; i < b->count; i++) {
        if (parts[i].size <= 0)
            return; /* seconds without time: not of our making */
        time += parts[i].size;
        count += parts[i].value;
    }
    if (b->count < EVIDENCE_FEWEST || count <= 0 || value <= 0)
        return;
    for (size_t i = 0; i < b->count; i++) {
        double off = parts[i].value - count / time * parts[i].size;
        squares += off * off / parts[i].size;
    }
    double variance = squares / (double)(b->count - 1); /* of what comes in a second */
    variance *= inflation(parts, b->count, variance);
    f->variance = variance * time / (count * count);
    f->freedom = freedom_of(b);
    f->sure = true;
}

static void errors_figure(const struct batches *b, const struct metrics *m, struct load_figure *f)
{
    struct evidence_part parts[BATCHES];
    double n = (double)m->requests, failed = fmax(0, n - (double)m->answered), share = failed / n;
    f->value = share;
    gather(b, part_failed, SECOND_LATENCY, 0, parts);
    double clumps = inflation(parts, b->count, share * (1 - share));
    f->hits = failed / clumps;
    f->of = n / clumps;
    f->sure = b->count >= EVIDENCE_FEWEST;
}

void load_figures(const struct load_data *d, struct load_figure out[LOAD_FIGURES])
{
    const struct load_outcome *o = d->report.outcome;
    const struct metrics *m = &o->metrics;
    struct batches all = batches_of(d, true), in_time = batches_of(d, false);
    double seconds = (double)o->measured / (double)NS_PER_S;
    for (int i = 0; i < LOAD_FIGURES; i++) {
        const struct load_figure_kind *kind = &load_figure_kinds[i];
        const struct histogram *h =
            kind->metric == METRIC_COUNT ? NULL : &m->histograms[kind->metric];
        out[i] = (struct load_figure){.seen = h ? h->count > 0 : m->requests > 0 && seconds > 0};
        if (!out[i].seen)
            continue;
        if (h && kind->percent > 0)
            percentile_figure(&all, kind, h, (double)m->requests, &out[i]);
        else if (h)
            mean_figure(&all, kind, h, &m->histograms[second_metrics[kind->seconds]], &out[i]);
        else if (i == FIGURE_ERRORS)
            errors_figure(&all, m, &out[i]);
        else if (i == FIGURE_ANSWERS)
            rate_figure(&in_time, (double)m->ended / seconds, part_answers, &out[i]);
        else if (m->ended_tokens > 0)
            rate_figure(&in_time, (double)m->ended_tokens / seconds, part_tokens, &out[i]);
        else
            out[i].seen = false;
    }
}
