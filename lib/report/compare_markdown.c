/*
 * Comparisons as Markdown: for the comments of a pull request and the summary of a CI job.
 */
#include <math.h>

#include "core/clock.h"
#include "core/parse.h"
#include "core/text.h"
#include "report/load_compare.h"

/* What is shown of a text of others. */
#define SHOWN 300

static void add_text(struct text *t, struct slice s)
{
    text_add_markdown(t, text_shown(t->arena, s, SHOWN));
}

static void add_percent(struct text *t, double ratio)
{
    if (isfinite(ratio))
        text_printf(t, "%+.1f %%", 100 * (ratio - 1));
}

static void add_interval(struct text *t, struct interval interval)
{
    if (isfinite(interval.low))
        text_printf(t, "%+.1f to %+.1f %%", 100 * (interval.low - 1), 100 * (interval.high - 1));
}

static void add_side(struct text *t, const char *label, const struct past_run *runs,
                     const struct compare_side *side)
{
    const struct past_run *last = &runs[side->runs[side->run_count - 1]];
    char began[CLOCK_TEXT];
    text_printf(t, "| %s | ", label);
    add_text(t, last->id);
    if (side->run_count > 1)
        text_printf(t, " and %zu before", side->run_count - 1);
    text_printf(t, " | %.19sZ | ", clock_text(began, last->started));
    if (side->load)
        add_text(t, last->load);
    else
        text_printf(t, "%zu passed, %zu failed", side->passed, side->failed);
    text_add_str(t, " |\n");
}

static void add_sides(struct text *t, const struct past_run *runs,
                      const struct compare_side *before, const struct compare_side *after)
{
    text_printf(t, "| | %s | began | |\n|---|---|---|---|\n", after->load ? "load" : "run");
    add_side(t, "before", runs, before);
    add_side(t, "after", runs, after);
    const struct compare_side *sides[] = {before, after};
    for (size_t i = 0; i < 2; i++) {
        if (!sides[i]->poisoned)
            continue;
        text_add_str(t, "\n> ");
        add_text(t, slice_str(sides[i]->poisoned));
        text_add_str(t, "\n");
    }
}

/* ------------------------------------------------------------------ runs of suites */

static void add_kind(struct text *t, const struct comparison *c, enum compared_kind kind)
{
    if (c->kinds[kind] == 0)
        return;
    text_printf(t, "\n### %s (%zu)\n\n", compared_kind_name(kind), c->kinds[kind]);
    for (size_t i = 0; i < c->count; i++) {
        const struct compared_case *cc = &c->cases[i];
        if (cc->kind != kind)
            continue;
        text_add_str(t, "- ");
        add_text(t, cc->of.key);
        if (cc->quarantined)
            text_add_str(t, " (in quarantine)");
        if (cc->after.failed && cc->reason.len) {
            text_add_str(t, ": ");
            add_text(t, cc->reason);
        }
        if (cc->after.failed && cc->first_bad.len) {
            text_add_str(t, "; first bad run ");
            add_text(t, cc->first_bad);
        }
        text_add_str(t, "\n");
    }
}

static void add_times(struct text *t, const struct comparison *c, enum change_kind kind,
                      size_t count)
{
    char before[DURATION_TEXT], after[DURATION_TEXT];
    if (count == 0)
        return;
    text_printf(t, "\n### %s (%zu)\n\n", change_kind_name(kind), count);
    text_add_str(t, "| case | | before | after | change | with 95 % between | p |\n"
                    "|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < c->count * PAST_METRICS; i++) {
        const struct compared_case *cc = &c->cases[i / PAST_METRICS];
        const struct compared_metric *m = &cc->metrics[i % PAST_METRICS];
        if (!m->measured || m->kind != kind)
            continue;
        text_add_str(t, "| ");
        add_text(t, cc->of.key);
        text_printf(t, " | %s | %s | %s | ", past_metric_names[i % PAST_METRICS],
                    format_duration(before, (int64_t)m->change.median_before),
                    format_duration(after, (int64_t)m->change.median_after));
        add_percent(t, m->change.ratio);
        text_add_str(t, " | ");
        add_interval(t, m->interval);
        text_printf(t, " | %.2g |\n", m->p);
    }
}

const char *compare_markdown(struct arena *arena, const struct comparison *c)
{
    struct text t = text_in(arena);
    text_printf(&t, "## %zu broke, %zu slower, %zu fixed, %zu faster, %zu flaky, %zu unchanged\n\n",
                c->kinds[COMPARED_BROKE], c->slower, c->kinds[COMPARED_FIXED], c->faster,
                c->kinds[COMPARED_FLAKY], c->kinds[COMPARED_UNCHANGED]);
    add_sides(&t, c->past->runs, &c->before, &c->after);
    add_kind(&t, c, COMPARED_BROKE);
    add_times(&t, c, CHANGE_SLOWER, c->slower);
    add_kind(&t, c, COMPARED_STILL_FAILING);
    add_kind(&t, c, COMPARED_FLAKY);
    add_times(&t, c, CHANGE_UNCLEAR, c->unclear);
    add_kind(&t, c, COMPARED_FIXED);
    add_times(&t, c, CHANGE_FASTER, c->faster);
    add_kind(&t, c, COMPARED_NEW);
    add_kind(&t, c, COMPARED_GONE);
    return text_str(&t);
}

/* ------------------------------------------------------------------ loads */

static void add_warnings(struct text *t, const struct load_comparison *c)
{
    for (size_t i = 0; i < c->doubt_count; i++) {
        text_add_str(t, "\n> ");
        add_text(t, slice_str(c->doubts[i]));
        text_add_str(t, "\n");
    }
    if (!c->conclusive)
        text_add_str(t, "\n> Nothing is concluded from what follows.\n");
    for (size_t i = 0; i < c->difference_count; i++) {
        const struct load_difference *d = &c->differences[i];
        text_add_str(t, "\n> These loads are not alike: ");
        add_text(t, slice_str(d->what));
        text_add_str(t, " ");
        add_text(t, d->before.len ? d->before : SLICE("nothing"));
        text_add_str(t, " → ");
        add_text(t, d->after.len ? d->after : SLICE("nothing"));
        text_add_str(t, "\n");
    }
}

const char *load_compare_markdown(struct arena *arena, const struct load_comparison *c)
{
    struct text t = text_in(arena);
    text_printf(&t, "## %zu worse, %zu better, %zu perhaps changed, %zu without a change\n\n",
                c->worse, c->better, c->unclear, c->steady);
    add_sides(&t, c->past->loads, &c->before, &c->after);
    add_warnings(&t, c);
    text_add_str(&t, "\n| | before | after | change | with 95 % between | |\n"
                     "|---|---|---|---|---|---|\n");
    for (int i = 0; i < LOAD_FIGURES; i++) {
        const struct load_change *change = &c->changes[i];
        enum load_figure_code code = (enum load_figure_code)i;
        if (!change->seen)
            continue;
        bool sure = change->kind == CHANGE_SLOWER || change->kind == CHANGE_FASTER;
        text_add_str(&t, "| ");
        add_text(&t, slice_str(load_figure_kinds[i].name));
        text_add_str(&t, " | ");
        load_figure_text(&t, code, change->before);
        text_add_str(&t, " | ");
        load_figure_text(&t, code, change->after);
        text_add_str(&t, " | ");
        add_percent(&t, change->ratio);
        text_add_str(&t, " | ");
        add_interval(&t, change->interval);
        text_printf(&t, " | %s%s%s |\n", sure ? "**" : "", load_change_word(code, change),
                    sure ? "**" : "");
    }
    return text_str(&t);
}
