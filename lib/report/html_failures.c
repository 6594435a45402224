/*
 * The failures of the HTML report, by cause: what is the matter, how sure that is, what to do,
 * since when; then the cases, each in a line with its evidence behind it.
 */
#include "core/limits.h"
#include "core/parse.h"
#include "record/failure.h"
#include "report/explain.h"
#include "report/html_parts.h"

/* One failure must not take the room of the others. */
#define EXCHANGE_BYTES 6000
#define STEPS 5

/* What may still be written of the evidence, and of the lines. */
struct budget {
    size_t evidence, lines;
};

static void add_flags(struct text *t, unsigned flags)
{
    for (size_t i = 0; case_flag_name(i); i++)
        if (flags & 1u << i)
            text_printf(t, " <span class=\"flag\">%s</span>", case_flag_name(i));
}

static void add_failure(struct text *t, const struct case_outcome *c, struct budget *budget)
{
    static const struct failure_style style = {
        .paint = &paint_plain, .steps = STEPS, .exchange_max = EXCHANGE_BYTES};
    char took[DURATION_TEXT];
    struct text evidence = text_in(t->arena);
    const char *status = case_status_name((enum case_status)c->status);

    if (c->detail)
        failure_text(&evidence, c->detail, &style);
    bool whole = evidence.len && evidence.len < budget->evidence;
    text_add_str(t, whole ? "<details><summary>" : "<p>");
    text_printf(t, "<b class=\"%s\">%s</b> ", status, status);
    html_text(t, c->definition->key, 300);
    add_flags(t, c->flags);
    text_printf(t, " <span class=\"dim\">%s</span>", format_duration(took, c->duration));
    if (c->detail) {
        text_add_str(t, "<br>");
        html_text(t, failure_line(t->arena, c->detail), 400);
    }
    if (!whole) {
        text_add_str(t, "</p>\n");
        return;
    }
    budget->evidence -= evidence.len;
    text_add_str(t, "</summary><pre>");
    text_add_xml(t, text_slice(&evidence));
    text_add_str(t, "</pre></details>\n");
}

static void add_fact(struct text *t, const char *name, struct slice value)
{
    if (!value.len)
        return;
    text_printf(t, "<p><span class=\"dim\">%s</span> ", name);
    html_text(t, value, 600);
    text_add_str(t, "</p>\n");
}

static void add_cause(struct text *t, const struct cause *cause)
{
    text_printf(t, "<li><span class=\"dim\" title=\"%s\">%s:</span> ",
                evidence_rule(cause->strength), evidence_word(cause->strength));
    html_text(t, cause->text, 400);
    if (cause->evidence.len) {
        text_add_str(t, "<br><code>");
        html_text(t, cause->evidence, 600);
        text_add_str(t, "</code>");
    }
    text_printf(t, "<br>%s\n", cause_remedy(cause->kind));
}

static void add_group(struct text *t, const struct explanation *e, const struct failure_group *g,
                      const struct run_info *run, struct budget *budget)
{
    text_printf(t, "<section class=\"group\" id=\"group-%zu\">\n<h3>", (size_t)(g - e->groups) + 1);
    html_text(t, explain_title(t->arena, g), 300);
    text_printf(t, "</h3>\n<p class=\"dim\">%zu case%s · %s: %s</p>\n", g->count,
                g->count == 1 ? "" : "s", severity_word(g->severity), g->severity_reason);
    if (g->cause_count)
        text_add_str(t, "<ul>\n");
    for (size_t i = 0; i < g->cause_count; i++)
        add_cause(t, &g->causes[i]);
    if (g->cause_count)
        text_add_str(t, "</ul>\n");
    add_fact(t, "stack", g->stack);
    if (g->last_good.len || !slice_eq(g->first_bad, run->id)) /* else nothing is known of before */
        add_fact(t, "first seen in run", g->first_bad);
    add_fact(t, "passed last in run", g->last_good);
    if (g->skipped)
        text_printf(t, "<p>%zu case%s skipped because of it</p>\n", g->skipped,
                    g->skipped == 1 ? " was" : "s were");
    if (g->related_count) {
        text_add_str(t, "<p><span class=\"dim\">related</span>");
        for (size_t i = 0; i < g->related_count; i++) {
            text_printf(t, " <a href=\"#group-%zu\">", g->related[i] + 1);
            html_text(t, explain_title(t->arena, &e->groups[g->related[i]]), 80);
            text_add_str(t, "</a>");
        }
        text_add_str(t, " (");
        html_text(t, g->related_why, 200);
        text_add_str(t, ")</p>\n");
    }
    if (g->reproduce.len) {
        text_add_str(t, "<p><span class=\"dim\">reproduce</span> <code>");
        html_text(t, g->reproduce, 1000);
        text_add_str(t, "</code></p>\n");
    }
    size_t shown = 0;
    for (; shown < g->count && budget->lines; shown++, budget->lines--)
        add_failure(t, g->cases[shown], budget);
    if (shown < g->count)
        text_printf(t, "<p class=\"dim\">… and %zu more</p>\n", g->count - shown);
    text_add_str(t, "</section>\n");
}

void html_failures(struct text *t, const struct run_data *run)
{
    const struct explanation *e = explain_failures(run);
    struct budget budget = {LIMIT_HTML_EVIDENCE_BYTES, LIMIT_HTML_ROWS};
    if (e->failures == 0)
        return;
    text_printf(t, "<h2 id=\"failures\">Failures (%zu)</h2>\n", e->failures);
    for (size_t i = 0; i < e->count && budget.lines; i++)
        add_group(t, e, &e->groups[i], &run->runs[0], &budget);
    if (e->not_examined)
        text_printf(t,
                    "<p class=\"dim\">%zu more failed and were not examined; <code>assay report "
                    "--report jsonl</code> has them.</p>\n",
                    e->not_examined);
}
