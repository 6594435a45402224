/*
 * The tables of the HTML report: the run by suite, model, tag, …, by check, by worker, and what
 * cases waited for. A table of one row says no more than the page's head and is left out.
 */
#include <math.h>

#include "core/limits.h"
#include "core/parse.h"
#include "report/aggregate.h"
#include "report/html_parts.h"

#define ROWS_SHOWN 200

static void add_time(struct text *t, int64_t ns, size_t of)
{
    char took[DURATION_TEXT];
    text_printf(t, "<td class=\"n\">%s", of ? format_duration(took, ns) : "");
}

static void add_more(struct text *t, size_t shown, size_t count)
{
    text_add_str(t, "</table></div>\n");
    if (count > shown)
        text_printf(t, "<p class=\"dim\">… and %zu more</p>\n", count - shown);
}

static void add_row(struct text *t, const struct aggregate_row *row)
{
    size_t bad = row->counts[CASE_FAILED] + row->counts[CASE_ERROR];
    text_add_str(t, "<tr><td>");
    html_text(t, row->name, 200);
    text_printf(t, "<td class=\"n\">%zu<td class=\"n\">%zu<td class=\"n%s\">%zu<td class=\"n\">",
                row->cases, row->counts[CASE_PASSED], bad ? " failed" : "", bad);
    if (!isnan(row->pass_rate))
        text_printf(t, "%.4g %% <span class=\"dim\">(%.0f–%.0f)</span>", row->pass_rate * 100,
                    row->rate.low * 100, row->rate.high * 100);
    add_time(t, row->times.p50, row->times.count);
    add_time(t, row->times.p95, row->times.count);
    add_time(t, row->times.most, row->times.count);
    add_time(t, row->queued, row->cases);
    text_add_byte(t, '\n');
}

static void add_table(struct text *t, const char *name, const struct aggregate_table *table)
{
    if (table->count < 2)
        return;
    text_printf(t,
                "<h3>By %s</h3>\n<div class=\"scroll\"><table>\n<tr><th>%s<th class=\"n\">cases<th "
                "class=\"n\">passed<th class=\"n\">failed<th class=\"n\">pass rate (95 %% "
                "interval)<th class=\"n\">half within<th class=\"n\">95 %% within<th "
                "class=\"n\">longest<th class=\"n\">waited\n",
                name, name);
    size_t shown = table->count < ROWS_SHOWN ? table->count : ROWS_SHOWN;
    for (size_t i = 0; i < shown; i++)
        add_row(t, &table->rows[i]);
    add_more(t, shown, table->count);
}

static void add_checks(struct text *t, const struct aggregate *a)
{
    if (a->check_count == 0)
        return;
    text_add_str(t, "<h3>By check</h3>\n<div class=\"scroll\"><table>\n<tr><th>check<th "
                    "class=\"n\">passed<th class=\"n\">failed<th class=\"n\">could not be made\n");
    size_t shown = a->check_count < ROWS_SHOWN ? a->check_count : ROWS_SHOWN;
    for (size_t i = 0; i < shown; i++) {
        const struct check_count *c = &a->checks[i];
        text_add_str(t, "<tr><td>");
        html_text(t, c->name, 200);
        text_printf(t, "<td class=\"n\">%lld<td class=\"n%s\">%lld<td class=\"n\">%lld\n",
                    (long long)c->passed, c->failed ? " failed" : "", (long long)c->failed,
                    (long long)c->impossible);
    }
    add_more(t, shown, a->check_count);
}

static void add_use(struct text *t, const struct run_use *use)
{
    char busy[DURATION_TEXT], took[DURATION_TEXT];
    text_printf(t,
                "<h3>Workers</h3>\n<p>%zu cases took %s in all and the run %s: as if %.2f workers "
                "had never rested, %.0f %% of the %u there were.</p>\n",
                use->cases, format_duration(busy, use->busy),
                format_duration(took, use->run->duration), use->speed_up, use->efficiency * 100,
                use->run->jobs);
}

static void add_waits(struct text *t, const struct aggregate *a)
{
    char waited[DURATION_TEXT];
    size_t shown = 0;
    for (size_t i = 0; i < a->wait_count && shown < 10; i++) {
        if (a->waits[i].name.len == 0 || a->waits[i].queued == 0)
            continue;
        text_add_str(t, shown ? "<li>" : "<p class=\"dim\">Cases waited for</p>\n<ul>\n<li>");
        html_text(t, a->waits[i].name, 200);
        text_printf(t, ": %zu case%s, %s in all\n", a->waits[i].cases,
                    a->waits[i].cases == 1 ? "" : "s", format_duration(waited, a->waits[i].queued));
        shown++;
    }
    if (shown)
        text_add_str(t, "</ul>\n");
}

void html_tables(struct text *t, const struct run_data *run)
{
    if (run->count == 0)
        return;
    const struct aggregate *a = aggregate_run(run);
    text_add_str(t, "<h2 id=\"tables\">In numbers</h2>\n");
    for (size_t i = 0; i < a->run_count; i++)
        if (a->runs[i].run->duration > 0)
            add_use(t, &a->runs[i]);
    add_waits(t, a);
    for (enum aggregate_by by = 0; by < AGGREGATE_BY_COUNT; by++)
        add_table(t, aggregate_by_name(by), &a->by[by]);
    add_checks(t, a);
}
