/*
 * The page of a load: verdict, objectives, what was asked, errors and the table of metrics.
 */
#include "report/load_html.h"

#include "core/clock.h"
#include "core/parse.h"
#include "report/html_parts.h"
#include "report/load_html_parts.h"

/* Bytes of notes: all that there are. */
#define MOST_NOTES (64u << 10)

/* ── the verdict ── */

static void add_verdict(struct text *t, const struct load_report *r)
{
    const struct judgement *j = r->judgement;
    const struct verdict_words *words = &verdict_words[j->verdict];
    if (j->verdict == VERDICT_INVALID) {
        text_add_str(t, "<h1 class=\"invalid\">INVALID</h1>\n<p class=\"failed\">These numbers are "
                        "the load generator's as much as the service's:</p>\n<ul>\n");
        for (size_t i = 0; i < j->reason_count; i++) {
            text_add_str(t, "<li>");
            html_text(t, slice_str(j->reasons[i]), 400);
            text_add_byte(t, '\n');
        }
        text_add_str(t, "</ul>\n");
    } else if (j->verdict == VERDICT_PASSED) {
        text_printf(t, "<h1><span class=\"passed\">%s</span></h1>\n",
                    r->slo_count ? "Every objective holds" : "A valid measurement");
    } else {
        text_printf(t, "<h1><span class=\"failed\">%s: %s</span></h1>\n", words->word,
                    words->meaning);
    }
    if (r->outcome->stopped)
        text_add_str(t, "<p class=\"error\">The load was ended before its time.</p>\n");
}

static void add_objectives(struct text *t, const struct load_report *r)
{
    if (!r->slo_count)
        return;
    text_add_str(t, "<h2 id=\"objectives\">Objectives</h2>\n<div class=\"scroll\"><table>\n"
                    "<tr><th><th>objective<th class=\"n\">measured\n");
    for (size_t i = 0; i < r->slo_count; i++) {
        bool holds = slo_holds(&r->slos[i], r->outcome);
        text_printf(t, "<tr><td class=\"%s\">%s<td>", holds ? "passed" : "failed",
                    holds ? "holds" : "FAILS");
        html_text(t, slice_str(r->slos[i].text), 400);
        text_add_str(t, "<td class=\"n\">");
        print_objective(t, &r->slos[i], r->outcome);
        text_add_byte(t, '\n');
    }
    text_add_str(t, "</table></div>\n");
}

/* ── in short ── */

static void add_tile(struct text *t, const char *value, const char *name)
{
    text_printf(t, "<div class=\"tile\"><b>%s</b>%s</div>\n", value, name);
}

static void add_rate(struct text *t, uint64_t count, int64_t measured, const char *name)
{
    char shown[COUNT_TEXT];
    if (measured > 0)
        add_tile(t, format_count(shown, metrics_per_second(count, measured)), name);
}

static void add_percentile(struct text *t, const struct metrics *m, enum metric metric,
                           double percent, const char *name)
{
    char shown[DURATION_TEXT];
    const struct histogram *h = &m->histograms[metric];
    if (h->count > 0)
        add_tile(t, format_duration(shown, histogram_percentile(h, percent)), name);
}

static void add_tiles(struct text *t, const struct load_report *r)
{
    const struct metrics *m = &r->outcome->metrics;
    uint64_t bad = m->requests - m->answered;
    char shown[COUNT_TEXT];
    text_add_str(t, "<div class=\"tiles\">\n");
    add_rate(t, m->ended, r->outcome->measured, "answers/s");
    if (r->plan->target->stream)
        add_rate(t, m->ended_tokens, r->outcome->measured, "tokens/s");
    add_percentile(t, m, METRIC_LATENCY, 50, "latency p50");
    add_percentile(t, m, METRIC_LATENCY, 99, "latency p99");
    add_percentile(t, m, METRIC_TTFT, 99, "ttft p99");
    add_percentile(t, m, METRIC_ITL, 99, "itl p99");
    add_tile(t, format_count(shown, (double)m->requests), "requests");
    text_printf(t, "<div class=\"tile\"><b class=\"%s\">%s</b>errors</div>\n</div>\n",
                bad ? "failed" : "dim", format_count(shown, (double)bad));
}

static void add_asked(struct text *t, const struct load_report *r)
{
    char at[CLOCK_TEXT];
    struct text plan = text_in(t->arena);
    print_plan(&plan, r->plan);
    text_printf(t, "<p class=\"dim\">%s</p>\n<p><code>", clock_text(at, r->timeline->started_wall));
    html_text(t, slice_trim(text_slice(&plan)), 4000);
    text_add_str(t, "</code></p>\n");
}

/* ── errors ── */

void load_html_errors(struct text *t, const uint64_t failures[FAILURE_COUNT],
                      const char (*examples)[FAILURE_EXAMPLE])
{
    bool any = false;
    for (int i = 1; i < FAILURE_COUNT; i++) {
        const struct failure_kind *kind = &failure_kinds[i];
        if (!failures[i])
            continue;
        if (!any)
            text_add_str(t, "<h2 id=\"errors\">Errors</h2>\n");
        any = true;
        text_printf(t, "<div class=\"group\"><p><b class=\"failed\">%llu × %s</b>: ",
                    (unsigned long long)failures[i], kind->name);
        html_text(t, slice_str(kind->meaning), 400);
        text_add_str(t, ".</p><p>");
        html_text(t, slice_str(kind->remedy), 400);
        text_add_str(t, "</p>");
        if (examples && *examples[i]) {
            text_add_str(t, "<pre>");
            html_text(t, slice_str(examples[i]), FAILURE_EXAMPLE);
            text_add_str(t, "</pre>");
        }
        text_add_str(t, "</div>\n");
    }
}

/* ── every metric ── */

static void add_value(struct text *t, bool time, double value)
{
    char duration[DURATION_TEXT], count[COUNT_TEXT];
    text_printf(t, "<td class=\"n\">%s",
                time ? format_duration(duration, (int64_t)value) : format_count(count, value));
}

static void add_metric(struct text *t, enum metric metric, const struct histogram *h)
{
    static const double percents[] = {50, 90, 99, 99.9, 100};
    const struct metric_kind *kind = &metric_kinds[metric];
    text_printf(t, "<tr><td class=\"mono\">%s", kind->name);
    add_value(t, false, (double)h->count);
    add_value(t, kind->time, histogram_mean(h));
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++)
        add_value(t, kind->time, (double)histogram_percentile(h, percents[i]));
    text_add_byte(t, '\n');
}

static void add_metrics(struct text *t, const struct metrics *m)
{
    text_add_str(t,
                 "<h2 id=\"metrics\">Metrics</h2>\n<div class=\"scroll\"><table>\n<tr><th>metric"
                 "<th class=\"n\">count<th class=\"n\">mean<th class=\"n\">p50<th class=\"n\">p90"
                 "<th class=\"n\">p99<th class=\"n\">p99.9<th class=\"n\">max\n");
    for (int i = 0; i < METRIC_COUNT; i++)
        if (m->histograms[i].count > 0)
            add_metric(t, (enum metric)i, &m->histograms[i]);
    text_add_str(t,
                 "</table></div>\n<p class=\"dim\">Every value is counted, to 0.4 %; percentiles "
                 "are nearest rank.</p>\n");
}

static void add_notes(struct text *t, const struct load_report *r)
{
    struct text notes = text_in(t->arena);
    print_notes(&notes, r);
    if (!notes.len)
        return;
    text_add_str(t, "<h2 id=\"notes\">Notes</h2>\n<pre>");
    text_add_xml(t, text_shown(t->arena, text_slice(&notes), MOST_NOTES));
    text_add_str(t, "</pre>\n");
}

void load_html(struct text *t, const struct load_report *r)
{
    html_open(t, slice_str(r->plan->target->url));
    add_verdict(t, r);
    add_asked(t, r);
    add_tiles(t, r);
    add_objectives(t, r);
    load_html_errors(t, r->outcome->metrics.failures, r->outcome->metrics.examples);
    load_html_percentiles(t, &r->outcome->metrics);
    load_html_heat(t, r->timeline);
    load_html_rates(t, r);
    load_html_own(t, r);
    add_metrics(t, &r->outcome->metrics);
    add_notes(t, r);
    html_close(t);
}
