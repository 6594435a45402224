/*
 * The charts and the table of cases of the HTML report. Workload: up to a million cases, of which
 * no screen shows more than some thousand marks; beyond LIMIT_HTML_MARKS the timeline is drawn by
 * column, each as bad as the worst case in it.
 */
#include <math.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/parse.h"
#include "report/html_parts.h"
#include "report/statistics.h"
#include "report/svg.h"

#define WIDTH 1060
#define LANE_HEIGHT 12
/* More workers than this are not told apart on a screen. */
#define LANES 64
#define COLUMNS 960
#define DEATHS_SHOWN 12
/* Bars of the histogram for each power of ten. */
#define BARS 8
/* Pixels between two labels. */
#define CLOSE 24

/* ── the timeline ── */

struct lane {
    uint32_t run, slot;
};

struct timeline {
    const struct run_data *run;
    struct lane lanes[LANES];
    size_t lane_count, left_out; /* cases on lanes beyond */
    size_t shown;
    int64_t from, until; /* ns since the epoch */
};

static size_t lane_of(struct timeline *tl, const struct case_outcome *c)
{
    size_t i = 0;
    while (i < tl->lane_count && (tl->lanes[i].run != c->run || tl->lanes[i].slot != c->slot))
        i++;
    if (i == tl->lane_count && i < LANES)
        tl->lanes[tl->lane_count++] = (struct lane){c->run, c->slot};
    return i;
}

static int by_lane(const void *a, const void *b)
{
    const struct lane *x = a, *y = b;
    if (x->run != y->run)
        return x->run < y->run ? -1 : 1;
    return (x->slot > y->slot) - (x->slot < y->slot);
}

static struct timeline timeline_of(const struct run_data *run)
{
    struct timeline tl = {.run = run, .from = INT64_MAX};
    for (size_t i = 0; i < run->run_count; i++)
        if (run->runs[i].started_wall < tl.from)
            tl.from = run->runs[i].started_wall;
    for (size_t i = 0; i < run->count; i++) {
        const struct case_outcome *c = &run->cases[i];
        if (c->started == 0)
            continue;
        if (lane_of(&tl, c) == LANES) {
            tl.left_out++;
            continue;
        }
        tl.shown++;
        if (c->started < tl.from)
            tl.from = c->started; /* the clock was set meanwhile */
        if (c->started + c->duration > tl.until)
            tl.until = c->started + c->duration;
    }
    qsort(tl.lanes, tl.lane_count, sizeof(tl.lanes[0]), by_lane);
    return tl;
}

static void draw_cases(struct text *t, struct timeline *tl, const struct chart *chart)
{
    char took[DURATION_TEXT];
    for (size_t i = 0; i < tl->run->count; i++) {
        const struct case_outcome *c = &tl->run->cases[i];
        size_t lane = c->started ? lane_of(tl, c) : LANES;
        if (lane == LANES)
            continue;
        const char *status = case_status_name((enum case_status)c->status);
        struct text title = text_in(t->arena);
        text_printf(&title, "%.*s: %s, %s", SLICE_ARG(c->definition->key), status,
                    format_duration(took, c->duration));
        double from = (double)(c->started - tl->from);
        chart_bar(t, chart, status, from, from + (double)c->duration, (double)lane + 0.1,
                  (double)lane + 0.9, text_slice(&title));
    }
}

/* By column: one path for each lane and status. */
static void draw_columns(struct text *t, struct timeline *tl, const struct chart *chart)
{
    uint8_t *worst = ARENA_ARRAY(t->arena, uint8_t, LANES *COLUMNS); /* status + 1; 0: idle */
    double span = (double)(tl->until - tl->from) + 1;
    for (size_t i = 0; i < tl->run->count; i++) {
        const struct case_outcome *c = &tl->run->cases[i];
        size_t lane = c->started ? lane_of(tl, c) : LANES;
        if (lane == LANES)
            continue;
        size_t first = (size_t)((double)(c->started - tl->from) / span * COLUMNS);
        size_t last = (size_t)((double)(c->started + c->duration - tl->from) / span * COLUMNS);
        for (size_t k = first; k <= last && k < COLUMNS; k++)
            if (worst[lane * COLUMNS + k] <= c->status)
                worst[lane * COLUMNS + k] = (uint8_t)(c->status + 1);
    }
    double step = (chart->x.to - chart->x.from) / COLUMNS;
    for (size_t lane = 0; lane < tl->lane_count; lane++) {
        double top = axis_at(&chart->y, (double)lane + 0.9);
        for (enum case_status s = 0; s < CASE_STATUS_COUNT; s++) {
            text_printf(t, "<path class=\"%s\" d=\"", case_status_name(s));
            for (size_t k = 0, next; k < COLUMNS; k = next) {
                next = k + 1;
                if (worst[lane * COLUMNS + k] != s + 1)
                    continue;
                while (next < COLUMNS && worst[lane * COLUMNS + next] == s + 1)
                    next++;
                text_printf(t, "M%.1f %.1fh%.1fv%.1fh-%.1fz", chart->x.from + step * (double)k, top,
                            step * (double)(next - k), LANE_HEIGHT * 0.8,
                            step * (double)(next - k));
            }
            text_add_str(t, "\"/>");
        }
    }
}

static void draw_deaths(struct text *t, const struct timeline *tl, const struct chart *chart)
{
    size_t shown = 0;
    for (size_t i = 0; i < tl->run->change_count && shown < DEATHS_SHOWN; i++) {
        const struct service_change *change = &tl->run->changes[i];
        if (!slice_is(change->state, "died") || change->at < tl->from || change->at > tl->until)
            continue;
        struct text label = text_in(t->arena);
        text_printf(&label, "%.*s died", SLICE_ARG(change->service));
        chart_mark(t, chart, (double)(change->at - tl->from), text_slice(&label));
        shown++;
    }
}

void html_timeline(struct text *t, const struct run_data *run)
{
    struct timeline tl = timeline_of(run);
    if (tl.shown == 0)
        return;
    struct axis x = {.high = (double)(tl.until - tl.from)};
    struct axis y = {.high = (double)tl.lane_count};
    struct chart chart =
        chart_make(WIDTH, 40 + LANE_HEIGHT * (int)(tl.lane_count < 3 ? 3 : tl.lane_count),
                   axis_rounded(x), UNIT_NANOSECONDS, y, UNIT_NONE);
    text_add_str(t,
                 "<h2 id=\"timeline\">Timeline</h2>\n<p class=\"dim\">Which case ran when, a row "
                 "for each worker.</p>\n");
    chart_open(t, &chart, SLICE("timeline of the run by worker"));
    if (tl.shown <= LIMIT_HTML_MARKS)
        draw_cases(t, &tl, &chart);
    else
        draw_columns(t, &tl, &chart);
    draw_deaths(t, &tl, &chart);
    chart_close(t);
    if (tl.left_out)
        text_printf(t, "<p class=\"dim\">%zu cases ran on more workers than fit here.</p>\n",
                    tl.left_out);
}

/* ── how long cases took ── */

struct histogram {
    double low; /* of the first bar, log10 of ns */
    size_t bars, highest;
    size_t *good, *bad;
};

static struct histogram histogram_of(struct arena *arena, const struct run_data *run, double low,
                                     double high)
{
    struct histogram h = {.low = floor(log10(low) * BARS) / BARS};
    h.bars = (size_t)(floor((log10(high) - h.low) * BARS)) + 1;
    h.good = ARENA_ARRAY(arena, size_t, h.bars);
    h.bad = ARENA_ARRAY(arena, size_t, h.bars);
    for (size_t i = 0; i < run->count; i++) {
        const struct case_outcome *c = &run->cases[i];
        if (c->started == 0 || c->duration <= 0)
            continue;
        size_t bar = (size_t)((log10((double)c->duration) - h.low) * BARS);
        bar = bar < h.bars ? bar : h.bars - 1;
        size_t *count = c->status == CASE_PASSED ? h.good : h.bad;
        count[bar]++;
        if (h.good[bar] + h.bad[bar] > h.highest)
            h.highest = h.good[bar] + h.bad[bar];
    }
    return h;
}

static void draw_bar(struct text *t, const struct chart *chart, const struct histogram *h, size_t i)
{
    char from_text[DURATION_TEXT], to_text[DURATION_TEXT];
    double from = pow(10, h->low + (double)i / BARS), to = pow(10, h->low + (double)(i + 1) / BARS);
    double good = (double)h->good[i], bad = (double)h->bad[i];
    struct text title = text_in(t->arena);
    text_printf(&title, "%s to %s: %zu passed, %zu did not",
                format_duration(from_text, (int64_t)from), format_duration(to_text, (int64_t)to),
                h->good[i], h->bad[i]);
    if (h->good[i])
        chart_bar(t, chart, "passed", from, to, 0, good, text_slice(&title));
    if (h->bad[i])
        chart_bar(t, chart, "failed", from, to, good, good + bad, text_slice(&title));
}

static void draw_durations(struct text *t, const struct run_data *run, const double *sorted,
                           size_t count)
{
    static const double percents[] = {50, 95, 99};
    struct histogram h = histogram_of(t->arena, run, sorted[0], sorted[count - 1]);
    struct axis x = {
        .low = pow(10, h.low), .high = pow(10, h.low + (double)h.bars / BARS), .logarithmic = true};
    struct axis y = {.high = (double)h.highest, .whole = true};
    struct chart chart = chart_make(WIDTH, 220, x, UNIT_NANOSECONDS, axis_rounded(y), UNIT_NUMBER);

    chart_open(t, &chart, SLICE("how many cases took how long"));
    for (size_t i = 0; i < h.bars; i++)
        draw_bar(t, &chart, &h, i);
    double labelled = -CLOSE;
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
        double value = statistics_percentile(sorted, count, percents[i]);
        double at = axis_at(&chart.x, value);
        struct text label = text_in(t->arena);
        if (at - labelled >= CLOSE) /* else two labels would stand on each other */
            text_printf(&label, "p%.0f", percents[i]);
        chart_mark(t, &chart, value, text_slice(&label));
        labelled = label.len ? at : labelled;
    }
    chart_close(t);
}

void html_durations(struct text *t, const struct run_data *run)
{
    char a[DURATION_TEXT], b[DURATION_TEXT], c[DURATION_TEXT];
    double *sorted = ARENA_ARRAY(t->arena, double, run->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < run->count; i++)
        if (run->cases[i].started && run->cases[i].duration > 0)
            sorted[count++] = (double)run->cases[i].duration;
    if (count < 2)
        return;
    statistics_sort(sorted, count);
    text_printf(
        t,
        "<h2 id=\"durations\">How long cases took</h2>\n<p class=\"dim\">%zu cases; half took "
        "no more than %s, 95 %% no more than %s, 99 %% no more than %s "
        "(" STATISTICS_PERCENTILE ").</p>\n",
        count, format_duration(a, (int64_t)statistics_percentile(sorted, count, 50)),
        format_duration(b, (int64_t)statistics_percentile(sorted, count, 95)),
        format_duration(c, (int64_t)statistics_percentile(sorted, count, 99)));
    draw_durations(t, run, sorted, count);
}

/* ── every case ── */

static int slowest_first(const void *a, const void *b)
{
    const struct case_outcome *x = *(const struct case_outcome *const *)a,
                              *y = *(const struct case_outcome *const *)b;
    if (x->duration != y->duration)
        return x->duration < y->duration ? 1 : -1;
    return x < y ? -1 : 1;
}

/*
 * The slowest, the slowest first; `*count` of at most LIMIT_HTML_ROWS. Gathered twice as many at a
 * time, of which the quicker half goes: a million cases are not sorted to show two thousand.
 */
static const struct case_outcome **slowest(struct arena *arena, const struct run_data *run,
                                           size_t *count)
{
    const struct case_outcome **cases =
        ARENA_ARRAY(arena, const struct case_outcome *, 2 * LIMIT_HTML_ROWS);
    int64_t least = -1; /* what is no slower is not among them */
    *count = 0;
    for (size_t i = 0; i < run->count; i++) {
        if (run->cases[i].duration <= least)
            continue;
        cases[(*count)++] = &run->cases[i];
        if (*count < 2 * LIMIT_HTML_ROWS)
            continue;
        qsort(cases, *count, sizeof(cases[0]), slowest_first);
        *count = LIMIT_HTML_ROWS;
        least = cases[*count - 1]->duration;
    }
    if (*count)
        qsort(cases, *count, sizeof(cases[0]), slowest_first);
    if (*count > LIMIT_HTML_ROWS)
        *count = LIMIT_HTML_ROWS;
    return cases;
}

static void add_row(struct text *t, const struct case_outcome *c)
{
    char took[DURATION_TEXT], waited[DURATION_TEXT];
    const char *status = case_status_name((enum case_status)c->status);
    text_printf(t, "<tr><td class=\"%s\">%s", status, status);
    for (size_t i = 0; case_flag_name(i); i++)
        if (c->flags & 1u << i)
            text_printf(t, " <span class=\"flag\">%s</span>", case_flag_name(i));
    text_add_str(t, "<td>");
    html_text(t, c->definition->key, 300);
    text_printf(t, "<td class=\"n\">%s<td class=\"n\">%s", format_duration(took, c->duration),
                format_duration(waited, c->queued));
    text_printf(t, "<td class=\"n\">%u\n", c->slot);
}

void html_cases(struct text *t, const struct run_data *run)
{
    size_t count = 0;
    const struct case_outcome **cases = slowest(t->arena, run, &count);
    if (count == 0)
        return;
    text_printf(t,
                "<h2 id=\"cases\">Cases</h2>\n<details><summary>%s%zu case%s, the slowest first"
                "</summary>\n<div class=\"scroll\"><table>\n<tr><th><th>case<th class=\"n\">time"
                "<th class=\"n\">waited<th class=\"n\">worker\n",
                run->count > count ? "the first " : "", count, count == 1 ? "" : "s");
    for (size_t i = 0; i < count; i++)
        add_row(t, cases[i]);
    text_add_str(t, "</table></div></details>\n");
}
