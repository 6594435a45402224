/*
 * The page of a sweep or search.
 */
#include <math.h>

#include "core/clock.h"
#include "core/parse.h"
#include "report/html_parts.h"
#include "report/load_html.h"
#include "report/load_html_parts.h"
#include "report/svg.h"

#define WIDTH 1060
#define HEIGHT 300
#define MARGIN 1.2

static void add_head(struct text *t, const struct curve *curve)
{
    char at[CLOCK_TEXT];
    struct text words = text_in(t->arena);
    bool good = !curve->searched || curve->answer.state == SEARCH_FOUND ||
                curve->answer.state == SEARCH_OPEN;
    curve_conclusion(&words, curve);
    html_open(t, slice_str(curve->plan->target->url));
    text_printf(t, "<h1><span class=\"%s\">", good ? "" : "failed");
    if (words.len)
        html_text(t, slice_trim(text_slice(&words)), 400);
    else
        text_add_str(t, curve->searched ? "Search" : "Sweep");
    text_printf(t, "</span></h1>\n<p class=\"dim\">%s</p>\n<p><code>",
                clock_text(at, curve->started_wall));
    html_text(t, slice_str(curve->plan->target->url), 2000);
    text_add_str(t, "</code></p>\n");
    for (size_t i = 0; i < curve->slo_count; i++) {
        text_add_str(t, i ? ", <code>" : "<p>Objectives: <code>");
        html_text(t, slice_str(curve->slos[i].text), 400);
        text_add_str(t, "</code>");
    }
    text_add_str(t, curve->slo_count ? "</p>\n" : "");
}

/* ── throughput against latency ── */

/* Points by their load, ascending. */
static size_t sorted(const struct curve *curve, const struct curve_point *out[CURVE_POINTS])
{
    size_t count = 0;
    for (size_t i = 0; i < curve->count; i++) {
        const struct curve_point *p = &curve->points[i];
        if (p->times[SECOND_LATENCY].count == 0)
            continue;
        size_t place = count++;
        for (; place > 0 && out[place - 1]->step.load > p->step.load; place--)
            out[place] = out[place - 1];
        out[place] = p;
    }
    return count;
}

static void draw_curve(struct text *t, const struct curve *curve)
{
    const struct curve_point *points[CURVE_POINTS] = {0}, *knee = curve_knee(curve);
    double x[CURVE_POINTS], p50[CURVE_POINTS], p99[CURVE_POINTS], invalid[CURVE_POINTS];
    size_t count = sorted(curve, points);
    struct axis across = {.high = 0}, up = {.low = INFINITY, .high = 1, .logarithmic = true};
    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        const struct curve_times *latency = &points[i]->times[SECOND_LATENCY];
        x[i] = points[i]->answers_per_s;
        p50[i] = fmax((double)latency->p50, 1);
        p99[i] = fmax((double)latency->p99, 1);
        invalid[i] = points[i]->step.kind == SEARCH_INVALID ? p99[i] : NAN;
        across.high = fmax(across.high, x[i]);
        up.low = fmin(up.low, p50[i] / MARGIN);
        up.high = fmax(up.high, p99[i] * MARGIN);
    }
    const struct series keys[] = {
        {"a", "latency p50", NULL}, {"b", "latency p99", NULL}, {"d", "INVALID", NULL}};
    struct chart chart =
        chart_make(WIDTH, HEIGHT, axis_rounded(across), UNIT_NUMBER, up, UNIT_NANOSECONDS);
    text_printf(
        t,
        "<h2 id=\"curve\">Throughput against latency</h2>\n<p class=\"dim\">Each point is a "
        "load, joined in the order of %s: to the right are the answers a second that came, "
        "upwards how long they took.</p>\n",
        curve->users ? "users" : "requests a second");
    load_html_key(t, keys, 3);
    chart_open(t, &chart, SLICE("throughput against latency"));
    if (knee)
        chart_mark(t, &chart, knee->answers_per_s, SLICE("knee"));
    chart_line(t, &chart, "a", x, p50, count);
    chart_line(t, &chart, "b", x, p99, count);
    chart_dots(t, &chart, "a", x, p50, count);
    chart_dots(t, &chart, "b", x, p99, count);
    chart_dots(t, &chart, "d", x, invalid, count);
    chart_close(t);
    if (knee)
        text_printf(t,
                    "<p class=\"dim\">The knee, at %.4g %s, is where answers a second by mean "
                    "latency (Kleinrock's power) is greatest.</p>\n",
                    knee->step.load, curve->users ? "users" : "requests/s");
}

/* ── every point ── */

static void add_time(struct text *t, const struct curve_times *times, int64_t value)
{
    char shown[DURATION_TEXT];
    text_printf(t, "<td class=\"n\">%s", times->count > 0 ? format_duration(shown, value) : "");
}

static void add_point(struct text *t, const struct curve *curve, const struct curve_point *p)
{
    const char *word = curve_word(curve, p);
    bool good = p->step.kind == SEARCH_MEASURED && p->verdict != VERDICT_NOTHING &&
                (!curve->slo_count || p->step.margin > 0);
    uint64_t errors = p->requests - p->answered;
    text_printf(t, "<tr><td class=\"n\">%.5g<td class=\"n\">%.0f s<td class=\"n\">%.5g",
                p->step.load, (double)p->measured / (double)NS_PER_S, p->answers_per_s);
    text_printf(t, "<td class=\"n%s\">%llu", errors ? " failed" : "", (unsigned long long)errors);
    add_time(t, &p->times[SECOND_LATENCY], p->times[SECOND_LATENCY].p50);
    add_time(t, &p->times[SECOND_LATENCY], p->times[SECOND_LATENCY].p99);
    if (curve->plan->target->stream) {
        text_printf(t, "<td class=\"n\">%.5g", p->tokens_per_s);
        add_time(t, &p->times[SECOND_TTFT], p->times[SECOND_TTFT].p99);
        add_time(t, &p->times[SECOND_ITL], p->times[SECOND_ITL].p99);
    }
    text_printf(t, "<td class=\"%s\">%s", good ? "passed" : "failed", word);
    if (p->step.kind == SEARCH_MEASURED && curve->slo_count)
        text_printf(t, " by %.1f standard errors", fabs(p->step.margin));
    text_add_byte(t, '\n');
}

void load_html_curve(struct text *t, const struct curve *curve)
{
    uint64_t failures[FAILURE_COUNT] = {0};
    add_head(t, curve);
    draw_curve(t, curve);
    text_printf(t,
                "<h2 id=\"points\">Points</h2>\n<div class=\"scroll\"><table>\n<tr><th "
                "class=\"n\">%s<th class=\"n\">for<th class=\"n\">answers/s<th class=\"n\">errors"
                "<th class=\"n\">p50<th class=\"n\">p99%s<th>\n",
                curve->users ? "users" : "requests/s",
                curve->plan->target->stream ? "<th class=\"n\">tokens/s<th class=\"n\">ttft p99<th "
                                              "class=\"n\">itl p99"
                                            : "");
    for (size_t i = 0; i < curve->count; i++)
        add_point(t, curve, &curve->points[i]);
    text_add_str(t, "</table></div>\n");
    for (size_t i = 0; i < curve->count; i++)
        for (int k = 0; k < FAILURE_COUNT; k++)
            failures[k] += curve->points[i].failures[k];
    load_html_errors(t, failures, NULL);
    html_close(t);
}
