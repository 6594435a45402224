/*
 * Markdown for people, first of all for the summary of a CI job: the verdict, the counts, every
 * failure with its evidence folded away, what was flaky or slow, what was skipped. GitHub refuses a
 * summary above 1 MiB, so failures beyond the budget are told by one line, and then by a number.
 */
#include <math.h>

#include "core/buf.h"
#include "core/memory.h"
#include "core/parse.h"
#include "record/areas.h"
#include "record/failure.h"
#include "record/formats.h"
#include "record/measured.h"

/* All sections together stay well below 1 MiB (1,048,576). */
#define FAILURES_BYTES 700000u
#define SECTION_BYTES 100000u
/* One failure must not take the room of the others. */
#define FAILURE_EXCHANGE 6000
#define FAILURE_STEPS 5
/* Of that, how much is given to evidence before only lines are written. */
#define EVIDENCE_SHARE 600000u

struct section {
    struct buf text;
    size_t count, left_out;
};

struct markdown {
    struct sink base;
    FILE *to;
    struct section totals, causes, failures, flagged, skipped;
    struct measured measured;
    struct areas *areas;
};

/* Text between other text: what Markdown or HTML would take for markup gets a backslash. */
static void add_escaped(struct text *t, struct slice s)
{
    text_add_markdown(t, line_text(t->arena, s, 500));
}

/* A block that shows `code` whatever backticks it holds. */
static void add_fenced(struct text *t, struct slice code)
{
    size_t longest = 2, run = 0;
    for (size_t i = 0; i < code.len; i++) {
        run = code.data[i] == '`' ? run + 1 : 0;
        if (run > longest)
            longest = run;
    }
    for (size_t i = 0; i <= longest; i++)
        text_add_byte(t, '`');
    text_printf(t, "text\n%.*s", SLICE_ARG(code));
    if (code.len && code.data[code.len - 1] != '\n')
        text_add_byte(t, '\n');
    for (size_t i = 0; i <= longest; i++)
        text_add_byte(t, '`');
    text_add_byte(t, '\n');
}

static void section_add(struct section *section, const struct text *t)
{
    section->count++;
    if (section->left_out || !result_ok(buf_append(&section->text, text_slice(t))))
        section->left_out++;
}

static void add_heading(struct text *t, const struct case_result *r)
{
    text_printf(t, "**%s** ", r->status == CASE_ERROR ? "ERROR" : "FAILED");
    add_escaped(t, r->key);
    struct slice why = failure_line(t->arena, r);
    if (why.len)
        text_add_str(t, ": ");
    add_escaped(t, why);
}

static void add_failure(struct markdown *m, const struct case_result *r, struct arena *arena)
{
    static const struct failure_style style = {
        .paint = &paint_plain, .steps = FAILURE_STEPS, .exchange_max = FAILURE_EXCHANGE};
    struct text t = text_in(arena), evidence = text_in(arena);
    char took[DURATION_TEXT];
    struct slice where = place_text(arena, failure_place(r));

    if (m->failures.text.len > EVIDENCE_SHARE) {
        text_add_str(&t, "- ");
        add_heading(&t, r);
        text_add_byte(&t, '\n');
        section_add(&m->failures, &t);
        return;
    }
    failure_text(&evidence, r, &style);
    text_add_str(&t, "<details>\n<summary>\n\n");
    add_heading(&t, r);
    text_add_str(&t, "\n\n</summary>\n\n");
    if (where.len) {
        add_escaped(&t, where);
        text_add_str(&t, " · ");
    }
    text_printf(&t, "%s\n\n", format_duration(took, r->duration));
    add_fenced(&t, text_slice(&evidence));
    text_add_str(&t, "\n</details>\n\n");
    section_add(&m->failures, &t);
}

static void add_flagged(struct markdown *m, const struct case_result *r, struct arena *arena)
{
    struct text t = text_in(arena);
    char took[DURATION_TEXT];
    const char *before = "";

    text_add_str(&t, "| ");
    add_escaped(&t, r->key);
    text_add_str(&t, " | ");
    for (size_t i = 0; case_flag_name(i); i++) {
        if (!(r->flags & 1u << i))
            continue;
        text_printf(&t, "%s%s", before, case_flag_name(i));
        before = ", ";
    }
    text_printf(&t, " | %s | ", format_duration(took, r->duration));
    add_escaped(&t, failure_line(arena, r));
    text_add_str(&t, " |\n");
    section_add(&m->flagged, &t);
}

static void add_skipped(struct markdown *m, const struct case_result *r, struct arena *arena)
{
    struct text t = text_in(arena);
    text_add_str(&t, "| ");
    add_escaped(&t, r->key);
    text_printf(&t, " | %s | ", case_status_name(r->status));
    add_escaped(&t, r->reason);
    text_add_str(&t, " |\n");
    section_add(&m->skipped, &t);
}

static void add_cause(struct markdown *m, const struct failure_cause *cause, struct arena *arena)
{
    struct text t = text_in(arena);
    text_printf(&t, "| %zu | %.*s | ", cause->cases, SLICE_ARG(cause->severity));
    add_escaped(&t, cause->text);
    text_add_str(&t, " | ");
    if (cause->strength.len)
        text_printf(&t, "%.*s: ", SLICE_ARG(cause->strength));
    add_escaped(&t, cause->evidence);
    text_add_str(&t, " | ");
    add_escaped(&t, cause->remedy);
    text_add_str(&t, " |\n");
    section_add(&m->causes, &t);
}

static void add_time(struct text *t, int64_t ns)
{
    char shown[DURATION_TEXT];
    text_printf(t, " %s |", ns ? format_duration(shown, ns) : "");
}

static void add_total(struct markdown *m, const struct group_total *total, struct arena *arena)
{
    struct text t = text_in(arena);
    text_printf(&t, "| %.*s%s", SLICE_ARG(total->by), total->by.len ? " " : "");
    add_escaped(&t, total->by.len ? total->name : SLICE("all"));
    text_printf(&t, " | %zu | %zu | %zu | %zu |", total->cases, total->passed, total->failed,
                total->errors);
    if (isnan(total->pass_rate))
        text_add_str(&t, " |");
    else
        text_printf(&t, " %.1f %% (%.1f to %.1f) |", 100 * total->pass_rate, 100 * total->low,
                    100 * total->high);
    const int64_t times[] = {total->mean, total->p50, total->p90,
                             total->p95,  total->p99, total->most};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
        add_time(&t, times[i]);
    text_add_byte(&t, '\n');
    section_add(&m->totals, &t);
}

static void add_section(struct text *t, const char *title, const char *table,
                        const struct section *section)
{
    if (section->count == 0)
        return;
    text_printf(t, "\n## %s (%zu)\n\n%s%.*s", title, section->count, table,
                SLICE_ARG(buf_slice(&section->text)));
    if (section->left_out)
        text_printf(t, "\n… and %zu more.\n", section->left_out);
}

/* What did not pass stands with its rule: the table is what is shown to whom the rules are for. */
static void add_areas(struct text *t, struct areas *all)
{
    size_t count;
    const struct area *areas = areas_sorted(all, &count);
    if (count)
        text_add_str(t, "\n## By area\n\n| area | passed | not passed |\n|---|---:|---|\n");
    for (size_t i = 0; i < count; i++) {
        const struct area *area = &areas[i];
        text_add_str(t, "| ");
        add_escaped(t, area->name);
        text_printf(t, " | %zu of %zu | ", area->passed, area->passed + area->failed);
        for (size_t f = 0; f < area->fault_count; f++) {
            text_add_str(t, f ? "<br>**" : "**");
            add_escaped(t, area->faults[f].id);
            text_add_str(t, area->faults[f].rule.len ? "** " : "**");
            add_escaped(t, area->faults[f].rule);
        }
        if (area->failed > area->fault_count)
            text_printf(t, "<br>… and %zu more", area->failed - area->fault_count);
        if (area->not_run)
            text_printf(t, "%s%zu not run", area->failed ? "<br>" : "", area->not_run);
        text_add_str(t, " |\n");
    }
}

static void add_counts(struct text *t, const struct run_info *run)
{
    char took[DURATION_TEXT];
    text_add_str(t, "| passed | failed | error | skipped | cancelled | flaky | slow | time |\n"
                    "|---:|---:|---:|---:|---:|---:|---:|---:|\n");
    text_printf(t, "| %zu | %zu | %zu | %zu | %zu | %zu | %zu | %s |\n\n", run->counts[CASE_PASSED],
                run->counts[CASE_FAILED], run->counts[CASE_ERROR], run->counts[CASE_SKIPPED],
                run->counts[CASE_CANCELLED], run->flaky, run->slow,
                format_duration(took, run->duration));
}

static void add_anomalies(struct text *t, const struct measured *m, const struct run_info *run)
{
    if (m->anomaly_count == 0)
        return;
    text_printf(t, "\n## Anomalies (%zu)\n\n", m->anomaly_count + m->anomalies_left_out);
    for (size_t i = 0; i < m->anomaly_count; i++) {
        struct text line = text_in(t->arena);
        measured_anomaly_line(&line, &m->anomalies[i], run->started_wall);
        text_add_str(t, "- ");
        add_escaped(t, text_slice(&line));
        text_add_byte(t, '\n');
    }
    if (m->anomalies_left_out)
        text_printf(t, "- … and %zu more\n", m->anomalies_left_out);
}

static void add_resources(struct text *t, const struct measured *m, const struct run_info *run)
{
    if (m->resource_count == 0 || run->duration < MEASURED_SHORTEST)
        return;
    text_add_str(t, "\n## Resources\n\nCPU in cores.\n\n|");
    for (size_t i = 0; i < MEASURED_COLUMNS; i++)
        text_printf(t, " | %s", measured_head[i]);
    text_add_str(t, " |\n|---");
    for (size_t i = 0; i < MEASURED_COLUMNS; i++)
        text_add_str(t, "|---:");
    text_add_str(t, "|\n");
    for (size_t k = 0; k < m->resource_count; k++) {
        char cells[MEASURED_COLUMNS][MEASURED_CELL];
        measured_cells(cells, &m->resources[k]);
        text_add_str(t, "| ");
        add_escaped(t, m->resources[k].name);
        for (size_t i = 0; i < MEASURED_COLUMNS; i++)
            text_printf(t, " | %s", cells[i]);
        text_add_str(t, " |\n");
    }
}

static void add_bottleneck(struct text *t, const struct measured *m, const struct run_info *run)
{
    struct slice rest = m->bottleneck, line;
    if (rest.len == 0 || run->duration < MEASURED_SHORTEST)
        return;
    text_add_str(t, "\n## Where the time went\n\n");
    while (slice_split(&rest, '\n', &line)) {
        if (line.len == 0)
            continue;
        text_add_str(t, "- ");
        add_escaped(t, line_text(t->arena, line, 1000));
        text_add_byte(t, '\n');
    }
}

static void add_totals(struct text *t, const struct markdown *m)
{
    if (m->totals.count == 0)
        return;
    text_printf(t,
                "\n## Totals\n\n"
                "| | cases | passed | failed | error | rate (95 %%) | mean | p50 | p90 | p95 | p99 "
                "| max |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n%.*s",
                SLICE_ARG(buf_slice(&m->totals.text)));
    if (m->totals.left_out)
        text_printf(t, "\n… and %zu more.\n", m->totals.left_out);
    text_add_str(t, "\nRates with Wilson's interval; percentiles by nearest rank.\n");
}

static void end(struct markdown *m, const struct run_info *run)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    size_t bad = run->counts[CASE_FAILED] + run->counts[CASE_ERROR], finished = 0;

    for (size_t i = 0; i < CASE_STATUS_COUNT; i++)
        finished += run->counts[i];
    if (bad)
        text_printf(&t, "# ❌ %zu of %zu cases failed\n\n", bad, finished);
    else if (run->counts[CASE_CANCELLED] || finished < run->planned)
        text_printf(&t, "# ⚠️ The run ended early: %zu of %zu cases passed\n\n",
                    run->counts[CASE_PASSED], run->planned);
    else
        text_printf(&t, "# ✅ %zu case%s passed\n\n", run->counts[CASE_PASSED],
                    run->counts[CASE_PASSED] == 1 ? "" : "s");
    add_counts(&t, run);
    add_areas(&t, m->areas);
    add_section(&t, "Failures by cause",
                "| cases | severity | cause | evidence | remedy |\n|---:|---|---|---|---|\n",
                &m->causes);
    add_section(&t, "Failures", "", &m->failures);
    add_section(&t, "Passed, but", "| case | flags | time | why |\n|---|---|---:|---|\n",
                &m->flagged);
    add_section(&t, "Not run", "| case | | reason |\n|---|---|---|\n", &m->skipped);
    add_totals(&t, m);
    add_anomalies(&t, &m->measured, run);
    add_resources(&t, &m->measured, run);
    add_bottleneck(&t, &m->measured, run);
    text_add_str(&t, "\nrun ");
    add_escaped(&t, run->id);
    text_printf(&t, " · seed %llu · ", (unsigned long long)run->seed);
    add_escaped(&t, run->command);
    text_add_byte(&t, '\n');
    report_write(m->to, &t);
}

static void on_event(struct sink *sink, const struct event *e)
{
    struct markdown *m = (struct markdown *)sink;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();

    measured_add(&m->measured, e);
    if (e->kind == EVENT_RUN_FINISHED) {
        end(m, e->run);
    } else if (e->kind == EVENT_TOTALS) {
        for (size_t i = 0; i < e->totals.count; i++)
            add_total(m, &e->totals.all[i], arena);
    } else if (e->kind == EVENT_CAUSES) {
        for (size_t i = 0; i < e->causes.count; i++)
            add_cause(m, &e->causes.all[i], arena);
    } else if (e->kind == EVENT_CASE_FINISHED) {
        const struct case_result *r = e->finished;
        areas_add(m->areas, r);
        if (r->status == CASE_FAILED || r->status == CASE_ERROR)
            add_failure(m, r, arena);
        else if (r->status != CASE_PASSED)
            add_skipped(m, r, arena);
        else if (r->flags)
            add_flagged(m, r, arena);
    }
}

static struct result close_markdown(struct sink *sink)
{
    struct markdown *m = (struct markdown *)sink;
    struct result written = report_written(m->to);
    buf_free(&m->totals.text);
    buf_free(&m->causes.text);
    buf_free(&m->failures.text);
    buf_free(&m->flagged.text);
    buf_free(&m->skipped.text);
    areas_free(m->areas);
    arena_free(m->measured.arena);
    mem_free(m);
    return written;
}

struct sink *markdown_open(FILE *to, bool color)
{
    (void)color;
    struct markdown *m = NEW(struct markdown);
    m->base = (struct sink){.event = on_event, .close = close_markdown};
    m->to = to;
    m->areas = areas_new();
    m->base.totals = true;
    m->totals.text = buf_limited(SECTION_BYTES);
    m->causes.text = buf_limited(SECTION_BYTES);
    m->failures.text = buf_limited(FAILURES_BYTES);
    m->flagged.text = buf_limited(SECTION_BYTES);
    m->skipped.text = buf_limited(SECTION_BYTES);
    m->measured.arena = arena_new();
    return &m->base;
}
