/*
 * The charts of a load's page. Workload: a timeline of up to TIMELINE_ROWS rows, each with its
 * distributions; a heat map has fewer columns than that, since nobody sees more.
 */
#include <math.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/parse.h"
#include "report/html_parts.h"
#include "report/load_html_parts.h"
#include "report/svg.h"

#define WIDTH 1060
#define HEIGHT 260
#define LOW_HEIGHT 150
/* What is so much less than the most stands at the bottom: gaps within one read are none at all. */
#define REACH 1e5
/* Room above and below, as a ratio. */
#define MARGIN 1.1
#define HEAT_COLUMNS 200
#define HEAT_ROWS 40
/* Points of a percentile curve for each nine. */
#define CURVE_POINTS 20
#define CURVE_MOST (12 * CURVE_POINTS)

void load_html_key(struct text *t, const struct series *series, size_t count)
{
    text_add_str(t, "<p class=\"dim key\">");
    for (size_t i = 0; i < count; i++)
        text_printf(t, "<i class=\"%s\"></i>%s", series[i].class, series[i].name);
    text_add_str(t, "</p>\n");
}

static double greatest(const double *values, size_t count, double so_far)
{
    for (size_t i = 0; i < count; i++)
        if (values[i] > so_far) /* NAN is not */
            so_far = values[i];
    return so_far;
}

static double least(const double *values, size_t count, double so_far)
{
    for (size_t i = 0; i < count; i++)
        if (values[i] < so_far)
            so_far = values[i];
    return so_far;
}

/* ── percentiles ── */

/* What values are shown down to. */
static double lowest(const struct histogram *h)
{
    return fmax(fmax((double)h->least, (double)h->most / REACH), 1);
}

/* Values at 1/(1-q) of 1, …, 10, …, 100, … up to as many as there are. */
static size_t curve_of(const struct histogram *h, double *x, double *y)
{
    size_t count = 0;
    for (; count < CURVE_MOST; count++) {
        double of = pow(10, (double)count / CURVE_POINTS);
        x[count] = of < (double)h->count ? of : (double)h->count;
        y[count] = (double)histogram_percentile(h, 100 - 100 / x[count]);
        y[count] = fmax(y[count], lowest(h));
        if (x[count] >= (double)h->count)
            break;
    }
    y[count] = fmax((double)h->most, lowest(h));
    return count + 1;
}

void load_html_percentiles(struct text *t, const struct metrics *m)
{
    static const struct {
        enum metric metric;
        const char *class;
    } shown[] = {{METRIC_LATENCY, "a"}, {METRIC_TTFT, "b"}, {METRIC_ITL, "c"}};
    enum { SHOWN = sizeof(shown) / sizeof(shown[0]) };
    double(*x)[CURVE_MOST + 1] = mem_alloc(SHOWN * sizeof(*x));
    double(*y)[CURVE_MOST + 1] = mem_alloc(SHOWN * sizeof(*y));
    size_t counts[SHOWN] = {0}, drawn = 0;
    struct series keys[SHOWN];
    struct axis across = {.low = 1, .high = 10, .logarithmic = true};
    struct axis up = {.low = INFINITY, .high = 1, .logarithmic = true};
    for (size_t i = 0; i < SHOWN; i++) {
        const struct histogram *h = &m->histograms[shown[i].metric];
        if (h->count == 0)
            continue;
        counts[i] = curve_of(h, x[i], y[i]);
        keys[drawn++] = (struct series){shown[i].class, metric_kinds[shown[i].metric].name, NULL};
        across.high = fmax(across.high, x[i][counts[i] - 1]);
        up.low = least(y[i], counts[i], up.low);
        up.high = greatest(y[i], counts[i], up.high);
    }
    if (drawn > 0) {
        up.low /= MARGIN;
        up.high *= MARGIN;
        struct chart chart =
            chart_make(WIDTH, HEIGHT, axis_rounded(across), UNIT_NINES, up, UNIT_NANOSECONDS);
        text_add_str(t, "<h2 id=\"percentiles\">Percentiles</h2>\n<p class=\"dim\">So many percent "
                        "took no longer than this. Each step to the right is another nine.</p>\n");
        load_html_key(t, keys, drawn);
        chart_open(t, &chart, SLICE("percentiles of latency, time to first token and gaps"));
        for (size_t i = 0; i < SHOWN; i++)
            chart_line(t, &chart, shown[i].class, x[i], y[i], counts[i]);
        chart_close(t);
    }
    mem_free(x);
    mem_free(y);
}

/* ── heat maps ── */

struct heat {
    double counts[HEAT_ROWS * HEAT_COLUMNS];
    double x[HEAT_COLUMNS + 1], y[HEAT_ROWS + 1];
    size_t columns;
};

static void fill_heat(struct heat *heat, const struct timeline *timeline, int metric,
                      const struct histogram *all)
{
    double low = log(lowest(all) / MARGIN), high = log(fmax((double)all->most, 1) * MARGIN);
    size_t each = (timeline->count + HEAT_COLUMNS - 1) / HEAT_COLUMNS;
    for (size_t i = 0; i <= HEAT_ROWS; i++)
        heat->y[i] = exp(low + (high - low) * (double)i / HEAT_ROWS);
    heat->columns = (timeline->count + each - 1) / each;
    for (size_t i = 0; i < timeline->count; i++) {
        const struct timeline_row *row = &timeline->rows[i];
        const struct sparse *s = &row->metrics[metric];
        size_t column = i / each;
        if (i % each == 0)
            heat->x[column] = (double)row->from;
        heat->x[column + 1] = (double)row->to;
        for (uint32_t k = 0; k < s->step_count; k++) {
            int64_t from, to;
            histogram_step(s->steps[k].index, &from, &to);
            double at = (log(fmax((double)from / 2 + (double)to / 2, 1)) - low) / (high - low);
            size_t place = at < 0 ? 0 : (size_t)(at * HEAT_ROWS);
            place = place < HEAT_ROWS ? place : HEAT_ROWS - 1;
            heat->counts[place * heat->columns + column] += (double)s->steps[k].count;
        }
    }
}

static void draw_heat(struct text *t, const struct timeline *timeline, int metric)
{
    const char *name = metric_kinds[second_metrics[metric]].name;
    struct histogram *all = mem_alloc(sizeof(*all));
    struct heat *heat = NEW(struct heat);
    histogram_clear(all);
    for (size_t i = 0; i < timeline->count; i++)
        sparse_spread(&timeline->rows[i].metrics[metric], all);
    if (all->count > 0) {
        fill_heat(heat, timeline, metric, all);
        struct axis x = {.high = heat->x[heat->columns]};
        struct axis y = {.low = heat->y[0], .high = heat->y[HEAT_ROWS], .logarithmic = true};
        struct chart chart =
            chart_make(WIDTH, HEIGHT, axis_rounded(x), UNIT_NANOSECONDS, y, UNIT_NANOSECONDS);
        struct text title = text_in(t->arena);
        text_printf(&title, "%s over time", name);
        text_printf(t, "<h3>%s</h3>\n", name);
        chart_open(t, &chart, text_slice(&title));
        chart_heat(t, &chart, heat->counts, heat->x, heat->columns, heat->y, HEAT_ROWS);
        chart_close(t);
    }
    mem_free(heat);
    mem_free(all);
}

void load_html_heat(struct text *t, const struct timeline *timeline)
{
    text_add_str(t, "<h2 id=\"heat\">Latencies over time</h2>\n<p class=\"dim\">Of requests that "
                    "count, by when they were answered: the stronger, the more of them.</p>\n");
    for (int metric = 0; metric < SECOND_METRICS; metric++)
        draw_heat(t, timeline, metric);
}

/* ── what happened when ── */

/* Arrays of a value for each row. */
struct columns {
    size_t count;
    double *at, *started, *offered, *answers, *errors, *tokens, *busy, *lag, *lag_most, *late;
};

static struct columns columns_of(struct arena *arena, const struct load_report *r)
{
    struct columns c = {.count = r->timeline->count};
    double **const arrays[] = {&c.at,     &c.started, &c.offered, &c.answers,  &c.errors,
                               &c.tokens, &c.busy,    &c.lag,     &c.lag_most, &c.late};
    for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
        *arrays[i] = ARENA_ARRAY(arena, double, c.count + 1);
    for (size_t i = 0; i < c.count; i++) {
        const struct timeline_row *row = &r->timeline->rows[i];
        double span = (double)(row->to - row->from) / (double)NS_PER_S;
        c.at[i] = (double)(row->from + row->to) / 2;
        c.started[i] = (double)row->started / span;
        c.offered[i] = print_offered(r, row) / span;
        c.answers[i] = (double)row->answered / span;
        c.errors[i] = (double)row->failed / span;
        c.tokens[i] = (double)row->tokens / span;
        c.busy[i] = row->busy;
        c.lag[i] = row->lags > 0 ? (double)row->lag_sum / (double)row->lags : NAN;
        c.lag_most[i] = row->lags > 0 ? (double)row->lag_most : NAN;
        c.late[i] = (double)row->late_most;
    }
    return c;
}

static void draw_over_time(struct text *t, const struct load_report *r, const struct columns *c,
                           const char *title, enum unit unit, const struct series *series,
                           size_t count)
{
    const struct timeline_row *last = &r->timeline->rows[c->count - 1];
    struct axis x = {.high = (double)last->to}, y = {.high = 0};
    for (size_t i = 0; i < count; i++)
        y.high = greatest(series[i].y, c->count, y.high);
    struct chart chart =
        chart_make(WIDTH, LOW_HEIGHT, axis_rounded(x), UNIT_NANOSECONDS, axis_rounded(y), unit);
    load_html_key(t, series, count);
    chart_open(t, &chart, slice_str(title));
    if (r->plan->warmup > 0)
        chart_band(t, &chart, "band", 0, (double)r->plan->warmup, SLICE("warm-up"));
    for (size_t i = 0; i < count; i++)
        chart_line(t, &chart, series[i].class, c->at, series[i].y, c->count);
    chart_close(t);
}

void load_html_rates(struct text *t, const struct load_report *r)
{
    struct columns c = columns_of(t->arena, r);
    if (c.count == 0)
        return;
    const struct series rates[] = {
        {"b", r->plan->stages ? "to be sent/s" : "sent/s", r->plan->stages ? c.offered : c.started},
        {"a", "answers/s", c.answers},
        {"d", "errors/s", c.errors}};
    const struct series busy[] = {{"a", "requests under way", c.busy}};
    const struct series tokens[] = {{"a", "tokens/s", c.tokens}};
    text_add_str(t, "<h2 id=\"time\">What happened when</h2>\n");
    draw_over_time(t, r, &c, "requests and answers a second", UNIT_NUMBER, rates, 3);
    draw_over_time(t, r, &c, "requests under way", UNIT_NUMBER, busy, 1);
    if (r->plan->target->stream)
        draw_over_time(t, r, &c, "tokens a second", UNIT_NUMBER, tokens, 1);
}

/* ── the load generator itself ── */

void load_html_own(struct text *t, const struct load_report *r)
{
    const struct load_outcome *o = r->outcome;
    const struct histogram *lag = &o->metrics.histograms[METRIC_CLIENT_LAG],
                           *late = &o->metrics.histograms[METRIC_LATENESS];
    struct columns c = columns_of(t->arena, r);
    char a[DURATION_TEXT], b[DURATION_TEXT], bound[DURATION_TEXT];
    const struct series lags[] = {{"a", "client lag, mean", c.lag},
                                  {"d", "client lag, most", c.lag_most},
                                  {"c", "lateness, most", c.late}};
    text_add_str(t, "<h2 id=\"own\">Can it be believed?</h2>\n<p>");
    text_printf(t, "Answers lay unread for %s (p99), ",
                format_duration(a, histogram_percentile(lag, 99)));
    if (late->count > 0)
        text_printf(t, "and requests that could have gone went %s late (p99), ",
                    format_duration(b, histogram_percentile(late, 99)));
    text_printf(
        t,
        "where %s is believed. The busiest thread was at work for %.0f %% of the time and "
        "waited for a processor for %.0f %%. Of %llu reads %llu had no receive stamp of the "
        "kernel.</p>\n",
        format_duration(bound, r->belief->usual), 100 * o->processor, 100 * o->waiting,
        (unsigned long long)o->metrics.reads, (unsigned long long)o->metrics.unstamped);
    if (c.count == 0)
        return;
    draw_over_time(t, r, &c, "how late the load generator was", UNIT_NANOSECONDS, lags, 3);
}
