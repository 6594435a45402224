/*
 * The failures of the HTML report: first what happened, in a line; behind it the evidence.
 */
#include "core/limits.h"
#include "core/parse.h"
#include "record/failure.h"
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

static bool is_bad(const struct case_outcome *c)
{
    return c->status == CASE_FAILED || c->status == CASE_ERROR;
}

void html_failures(struct text *t, const struct run_data *run)
{
    struct budget budget = {LIMIT_HTML_EVIDENCE_BYTES, LIMIT_HTML_ROWS};
    size_t count = 0;
    for (size_t i = 0; i < run->count; i++)
        count += is_bad(&run->cases[i]);
    if (count == 0)
        return;
    text_printf(t, "<h2 id=\"failures\">Failures (%zu)</h2>\n", count);
    for (size_t i = 0; i < run->count && budget.lines; i++) {
        if (!is_bad(&run->cases[i]))
            continue;
        add_failure(t, &run->cases[i], &budget);
        budget.lines--;
        count--;
    }
    if (count)
        text_printf(t,
                    "<p class=\"dim\">… and %zu more, which <code>assay report --report "
                    "jsonl</code> has.</p>\n",
                    count);
}
