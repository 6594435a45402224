/*
 * What a load measures, as a page of Markdown, from the tables that the load generator uses.
 */
#include "documents.h"
#include "load/as.h"

static void add_metrics(FILE *to)
{
    fprintf(to, "| name | unit | is |\n|---|---|---|\n");
    for (int i = 0; i < METRIC_COUNT; i++)
        fprintf(to, "| `%s` | %s | %s |\n", metric_kinds[i].name,
                metric_kinds[i].time ? "time" : "count", metric_kinds[i].definition);
}

static void add_tools(FILE *to)
{
    for (int tool = 0; tool < AS_TOOL_COUNT; tool++) {
        const struct as_row *rows = NULL;
        size_t count = as_rows((enum as_tool)tool, &rows);
        fprintf(to, "\n### %s\n\n| called | in JSON | is |\n|---|---|---|\n", as_tool_names[tool]);
        for (size_t i = 0; i < count; i++)
            fprintf(to, "| %s | `%s` | %s |\n", rows[i].label, rows[i].name, rows[i].definition);
    }
}

static void add_kinds(FILE *to)
{
    static const char *const whats[] = {
#define X(code, name, what) what,
        ANSWER_KIND_TABLE(X)
#undef X
    };
    fprintf(to, "| kind | is |\n|---|---|\n");
    for (int i = 0; i < ANSWER_KIND_COUNT; i++)
        fprintf(to, "| `%s` | %s |\n", answer_kind_names[i], whats[i]);
}

static void add_failures(FILE *to)
{
    fprintf(to, "| class | means | what to do |\n|---|---|---|\n");
    for (int i = 1; i < FAILURE_COUNT; i++)
        fprintf(to, "| `%s` | %s | %s |\n", failure_kinds[i].name, failure_kinds[i].meaning,
                failure_kinds[i].remedy);
}

void document_load(FILE *to)
{
    fprintf(to, "# What a load measures\n\nMade from the program's own tables; "
                "[metrics of a load](../load-metrics.md) explains them.\n\n## Metrics\n\n");
    add_metrics(to);
    fprintf(to,
            "\n## Figures of other tools\n\nWhat `--as TOOL` shows. \"Sent\" is when the request "
            "was sent.\n");
    add_tools(to);
    fprintf(to, "\n## Kinds of events\n\n");
    add_kinds(to);
    fprintf(to, "\n## Errors\n\n");
    add_failures(to);
}
