/*
 * The summary as text. Failures come first, then the tables; a table that would only say what
 * stands above it is left out.
 */
#include <errno.h>
#include <math.h>

#include "core/clock.h"
#include "core/parse.h"
#include "record/failure.h"
#include "report/summary.h"

/* More are a number: JSON has them all. */
#define GROUPS_SHOWN 50
#define CASES_SHOWN 3
#define ROWS_SHOWN 20
#define NAME_COLUMNS 32

static struct slice line(struct arena *arena, struct slice s, size_t max)
{
    return line_text(arena, s, max);
}

/* ── failures ── */

static void add_field(struct text *t, const char *name, struct slice value)
{
    if (value.len)
        text_printf(t, "    %-10s %.*s\n", name, SLICE_ARG(line(t->arena, value, 400)));
}

static void add_cases(struct text *t, const struct failure_group *g)
{
    struct text names = text_in(t->arena);
    for (size_t i = 0; i < g->count && i < CASES_SHOWN; i++)
        text_printf(&names, "%s%.*s", i ? ", " : "",
                    SLICE_ARG(line(t->arena, g->cases[i]->definition->key, 100)));
    if (g->count > CASES_SHOWN)
        text_printf(&names, " and %zu more", g->count - CASES_SHOWN);
    add_field(t, g->count == 1 ? "case" : "cases", text_slice(&names));
    if (g->skipped)
        text_printf(t, "    %-10s %zu case%s skipped because of %s\n", "", g->skipped,
                    g->skipped == 1 ? "" : "s", g->count == 1 ? "it" : "them");
}

static void add_cause(struct text *t, const struct cause *c, bool first)
{
    text_printf(t, "    %-10s %.*s (%s)\n", first ? "cause" : "also",
                SLICE_ARG(line(t->arena, c->text, 200)), evidence_word(c->strength));
    if (c->evidence.len && slice_find(c->text, c->evidence) < 0)
        add_field(t, "", c->evidence);
}

static void add_history(struct text *t, const struct failure_group *g)
{
    if (g->last_good.len)
        text_printf(t, "    %-10s passed last in run %.*s, fails since %.*s\n", "since",
                    SLICE_ARG(g->last_good), SLICE_ARG(g->first_bad));
}

static void add_related(struct text *t, const struct failure_group *g)
{
    if (g->related_count == 0)
        return;
    text_printf(t, "    %-10s ", "related");
    for (size_t i = 0; i < g->related_count; i++)
        text_printf(t, "%s%zu", i ? ", " : "", g->related[i] + 1);
    text_printf(t, ": %.*s\n", SLICE_ARG(g->related_why));
}

static void add_group(struct text *t, const struct failure_group *g, size_t number)
{
    text_printf(t, "\n%3zu %-10s %.*s\n", number, severity_word(g->severity),
                SLICE_ARG(explain_title(t->arena, g)));
    add_cases(t, g);
    for (size_t i = 0; i < g->cause_count; i++)
        add_cause(t, &g->causes[i], i == 0);
    if (g->cause_count == 0)
        add_field(t, "cause", SLICE("not known: nothing that was seen speaks for one"));
    else if (slice_find(g->message, g->causes[0].text) < 0)
        add_field(t, "message", g->message);
    add_field(t, "stack", g->stack);
    add_history(t, g);
    add_related(t, g);
    if (g->cause_count)
        add_field(t, "remedy", slice_str(cause_remedy(g->causes[0].kind)));
    add_field(t, "reproduce", g->reproduce);
}

void summary_causes_text(struct text *t, const struct explanation *e)
{
    if (e->failures == 0)
        return;
    text_printf(t, "\n%zu failure%s, %zu cause%s or message%s\n", e->failures,
                e->failures == 1 ? "" : "s", e->count, e->count == 1 ? "" : "s",
                e->count == 1 ? "" : "s");
    for (size_t i = 0; i < e->count && i < GROUPS_SHOWN; i++)
        add_group(t, &e->groups[i], i + 1);
    if (e->count > GROUPS_SHOWN)
        text_printf(t, "\n… and %zu more; all of them: --report summary-json\n",
                    e->count - GROUPS_SHOWN);
    if (e->not_examined)
        text_printf(t, "\n%zu failures beyond the first %zu were counted and not examined\n",
                    e->not_examined, e->failures - e->not_examined);
}

/* ── tables ── */

/* A cell as wide as it is said to be, to the right; bytes of a µ are two and one column. */
static void add_time(struct text *t, int64_t ns, bool any)
{
    char shown[DURATION_TEXT];
    const char *text = any ? format_duration(shown, ns) : "-";
    size_t columns = utf8_length(slice_str(text));
    for (size_t i = columns; i < 10; i++)
        text_add_byte(t, ' ');
    text_add_str(t, text);
}

static void add_rate(struct text *t, const struct aggregate_row *row)
{
    if (isnan(row->pass_rate))
        text_printf(t, "%8s %14s", "-", "");
    else
        text_printf(t, "%6.1f %% %5.1f to %5.1f", 100 * row->pass_rate, 100 * row->rate.low,
                    100 * row->rate.high);
}

static void add_row(struct text *t, const struct aggregate_row *row, const char *name)
{
    const struct time_summary *s = &row->times;
    struct slice shown = line(t->arena, slice_str(name), NAME_COLUMNS);
    text_printf(t, "  %.*s", SLICE_ARG(shown));
    for (size_t i = utf8_length(shown); i < NAME_COLUMNS; i++)
        text_add_byte(t, ' ');
    text_printf(t, " %7zu %7zu %7zu %7zu ", row->cases, row->counts[CASE_PASSED],
                row->counts[CASE_FAILED], row->counts[CASE_ERROR]);
    add_rate(t, row);
    const int64_t times[] = {s->mean, s->p50, s->p90, s->p95, s->p99, s->most};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
        add_time(t, times[i], s->count > 0);
    text_add_byte(t, '\n');
}

static void add_head(struct text *t, const char *name)
{
    text_printf(t, "\n  %-*s %7s %7s %7s %7s %8s %14s%10s%10s%10s%10s%10s%10s\n", NAME_COLUMNS,
                name, "cases", "passed", "failed", "error", "rate", "95 %", "mean", "p50", "p90",
                "p95", "p99", "max");
}

static void add_table(struct text *t, enum aggregate_by by, const struct aggregate *a)
{
    const struct aggregate_table *table = &a->by[by];
    if (!aggregate_says_more(a, by))
        return;
    add_head(t, aggregate_by_name(by));
    for (size_t i = 0; i < table->count && i < ROWS_SHOWN; i++) {
        struct slice name = table->rows[i].name;
        add_row(t, &table->rows[i], name.len ? arena_string(t->arena, name) : "(none)");
    }
    if (table->count > ROWS_SHOWN)
        text_printf(t, "  … and %zu more\n", table->count - ROWS_SHOWN);
}

static void add_checks(struct text *t, const struct aggregate *a)
{
    if (a->check_count == 0)
        return;
    text_printf(t, "\n  %-*s %7s %7s %7s\n", NAME_COLUMNS, "check", "passed", "failed", "not made");
    for (size_t i = 0; i < a->check_count && i < ROWS_SHOWN; i++)
        text_printf(t, "  %-*.*s %7lld %7lld %7lld\n", NAME_COLUMNS,
                    SLICE_ARG(line(t->arena, a->checks[i].name, NAME_COLUMNS)),
                    (long long)a->checks[i].passed, (long long)a->checks[i].failed,
                    (long long)a->checks[i].impossible);
    if (a->check_count > ROWS_SHOWN)
        text_printf(t, "  … and %zu more\n", a->check_count - ROWS_SHOWN);
}

static void add_use(struct text *t, const struct run_use *use)
{
    char took[DURATION_TEXT], busy[DURATION_TEXT];
    double most = 0, least = 1;
    for (size_t i = 0; i < use->workers; i++) {
        most = use->by_worker[i].share > most ? use->by_worker[i].share : most;
        least = use->by_worker[i].share < least ? use->by_worker[i].share : least;
    }
    if (use->workers == 0 || use->run->duration <= 0)
        return;
    text_printf(t,
                "  %.*s: %s of cases in %s, %u at a time: %.2f times as fast as one after "
                "another, efficiency %.0f %%",
                SLICE_ARG(use->run->id), format_duration(busy, use->busy),
                format_duration(took, use->run->duration), use->run->jobs, use->speed_up,
                100 * use->efficiency);
    if (use->workers > 1)
        text_printf(t, "; workers were busy %.0f to %.0f %% of the time", 100 * least, 100 * most);
    text_add_byte(t, '\n');
}

static void add_waits(struct text *t, const struct aggregate *a)
{
    char shown[DURATION_TEXT];
    if (a->wait_count == 0)
        return;
    text_printf(t, "  waiting for a turn: %s in all", format_duration(shown, a->all.queued));
    for (size_t i = 0; i < a->wait_count && i < 5; i++) {
        const struct wait_time *w = &a->waits[i];
        text_printf(t, "%s %s ", i ? "," : ":", format_duration(shown, w->queued));
        if (w->name.len)
            text_printf(t, "for %.*s", SLICE_ARG(line(t->arena, w->name, 60)));
        else
            text_add_str(t, "otherwise");
        text_printf(t, " (%zu case%s)", w->cases, w->cases == 1 ? "" : "s");
    }
    text_add_byte(t, '\n');
}

static void add_run(struct text *t, const struct run_info *run)
{
    char took[DURATION_TEXT], started[CLOCK_TEXT];
    text_printf(t, "run %.*s  %s", SLICE_ARG(run->id), clock_text(started, run->started_wall));
    if (run->host.len)
        text_printf(t, "  on %.*s", SLICE_ARG(line(t->arena, run->host, 60)));
    text_printf(t, "  %s\n", format_duration(took, run->duration));
}

struct result summary_write_text(FILE *to, const struct run_data *data)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    const struct aggregate *a = aggregate_run(data);

    for (size_t i = 0; i < data->run_count; i++)
        add_run(&t, &data->runs[i]);
    summary_causes_text(&t, explain_failures(data));
    add_head(&t, "");
    add_row(&t, &a->all, "all");
    for (enum aggregate_by by = 0; by < AGGREGATE_BY_COUNT; by++)
        add_table(&t, by, a);
    text_printf(&t,
                "\n  Rates are passed / (passed + failed + error), with Wilson's interval; "
                "percentiles by %s.\n",
                STATISTICS_PERCENTILE);
    add_checks(&t, a);
    text_add_byte(&t, '\n');
    for (size_t i = 0; i < a->run_count; i++)
        add_use(&t, &a->runs[i]);
    add_waits(&t, a);
    bool written = fwrite(text_str(&t), 1, t.len, to) == t.len && fflush(to) == 0;
    ENSURE(written, ERR_IO, "cannot write the report: %s", strerror(errno));
    return RESULT_OK;
}
