/*
 * A load as Markdown, fit for a CI job summary: tables that GitHub and GitLab draw.
 */
#include "core/clock.h"
#include "core/parse.h"
#include "load/curve.h"
#include "load/print_parts.h"

/* Bytes of notes: all that there are; none of them comes from outside. */
#define MOST_NOTES (64u << 10)

/* What came from outside: one line, and nothing in it is markup. */
static void add_plain(struct text *t, struct slice s, size_t max)
{
    struct slice shown = text_shown(t->arena, s, max);
    for (size_t i = 0; i < shown.len; i++) {
        char c = shown.data[i];
        if (strchr("\\`*_{}[]<>()#|&!~", c) && c)
            text_add_byte(t, '\\');
        text_add_byte(t, c == '\n' ? ' ' : c);
    }
}

static void add_metric(struct text *t, enum metric metric, const struct histogram *h)
{
    static const double percents[] = {50, 90, 99, 99.9, 100};
    bool time = metric_kinds[metric].time;
    if (h->count == 0)
        return;
    text_printf(t, "| %s | %llu | ", metric_kinds[metric].name, (unsigned long long)h->count);
    print_value(t, time, histogram_mean(h), 0);
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
        text_add_str(t, " | ");
        print_value(t, time, (double)histogram_percentile(h, percents[i]), 0);
    }
    text_add_str(t, " |\n");
}

static void add_objectives(struct text *t, const struct load_report *r)
{
    if (!r->slo_count)
        return;
    text_add_str(t, "\n| | objective | measured |\n|---|---|---:|\n");
    for (size_t i = 0; i < r->slo_count; i++) {
        text_printf(t, "| %s | ", slo_holds(&r->slos[i], r->outcome) ? "holds" : "**FAILS**");
        add_plain(t, slice_str(r->slos[i].text), 400);
        text_add_str(t, " | ");
        print_objective(t, &r->slos[i], r->outcome);
        text_add_str(t, " |\n");
    }
}

static void add_failures(struct text *t, const struct metrics *m)
{
    if (m->requests == m->answered)
        return;
    text_add_str(t, "\n| errors | | |\n|---:|---|---|\n");
    for (int i = 1; i < FAILURE_COUNT; i++) {
        if (!m->failures[i])
            continue;
        text_printf(t, "| %llu | %s | ", (unsigned long long)m->failures[i], failure_kinds[i].name);
        add_plain(t, slice_str(failure_kinds[i].remedy), 400);
        if (*m->examples[i]) {
            text_add_str(t, " Example: ");
            add_plain(t, slice_str(m->examples[i]), FAILURE_EXAMPLE);
        }
        text_add_str(t, " |\n");
    }
}

static void add_plan(struct text *t, const struct load_plan *plan)
{
    struct text words = text_in(t->arena);
    print_plan(&words, plan);
    add_plain(t, slice_trim(text_slice(&words)), 4000);
    text_add_str(t, "\n");
}

void print_markdown(struct text *t, const struct load_report *r)
{
    const struct judgement *j = r->judgement;
    const struct verdict_words *words = &verdict_words[j->verdict];
    text_printf(t, "# Load: %s%s%s\n\n", words->word, *words->meaning ? ": " : "", words->meaning);
    for (size_t i = 0; i < j->reason_count; i++) {
        text_add_str(t, "- ");
        add_plain(t, slice_str(j->reasons[i]), 400);
        text_add_byte(t, '\n');
    }
    text_add_str(t, j->reason_count ? "\n" : "");
    add_plan(t, r->plan);
    add_objectives(t, r);
    add_failures(t, &r->outcome->metrics);
    text_add_str(t, "\n| metric | count | mean | p50 | p90 | p99 | p99.9 | max |\n"
                    "|---|---:|---:|---:|---:|---:|---:|---:|\n");
    for (int i = 0; i < METRIC_COUNT; i++)
        add_metric(t, (enum metric)i, &r->outcome->metrics.histograms[i]);
    struct text notes = text_in(t->arena);
    print_notes(&notes, r);
    if (!notes.len)
        return;
    text_add_str(t, "\n```\n");
    text_add(t, text_shown(t->arena, text_slice(&notes), MOST_NOTES));
    text_add_str(t, "```\n");
}

/* ------------------------------------------------------------------ sweeps and searches */

static void add_point(struct text *t, const struct curve *curve, const struct curve_point *p)
{
    const struct curve_times *latency = &p->times[SECOND_LATENCY];
    text_printf(t, "| %.5g | %.5g | %llu | ", p->step.load, p->answers_per_s,
                (unsigned long long)(p->requests - p->answered));
    for (int i = 0; i < 2; i++) {
        if (latency->count > 0)
            print_time(t, i ? latency->p99 : latency->p50, 0);
        text_add_str(t, " | ");
    }
    if (curve->plan->target->stream) {
        if (p->times[SECOND_TTFT].count > 0)
            print_time(t, p->times[SECOND_TTFT].p99, 0);
        text_add_str(t, " | ");
        if (p->times[SECOND_ITL].count > 0)
            print_time(t, p->times[SECOND_ITL].p99, 0);
        text_add_str(t, " | ");
    }
    text_printf(t, "%s |\n", curve_word(curve, p));
}

void curve_markdown(struct text *t, const struct curve *curve)
{
    bool stream = curve->plan->target->stream;
    struct text words = text_in(t->arena);
    curve_conclusion(&words, curve);
    text_printf(t, "# Load: %s\n\n", curve->searched ? "search" : "sweep");
    add_plain(t, slice_trim(text_slice(&words)), 4000);
    text_add_str(t, words.len ? "\n\n" : "");
    add_plain(t, slice_str(curve->plan->target->url), 400);
    for (size_t i = 0; i < curve->slo_count; i++) {
        text_add_str(t, i ? ", " : "; objectives: ");
        add_plain(t, slice_str(curve->slos[i].text), 400);
    }
    text_printf(
        t, "\n\n| %s | answers/s | errors | p50 | p99 |%s |\n|---:|---:|---:|---:|---:|%s---|\n",
        curve->users ? "users" : "requests/s", stream ? " ttft p99 | itl p99 |" : "",
        stream ? "---:|---:|" : "");
    for (size_t i = 0; i < curve->count; i++)
        add_point(t, curve, &curve->points[i]);
}
