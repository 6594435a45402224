/*
 * A comparison of loads for people, and for programs.
 */
#include <math.h>

#include "core/clock.h"
#include "core/jsontext.h"
#include "core/parse.h"
#include "core/text.h"
#include "report/load_compare.h"

struct printer {
    const struct load_comparison *c;
    struct text t;
    bool color;
};

static const char *tone(const struct printer *p, const char *code)
{
    return p->color ? code : "";
}

const char *load_change_word(enum load_figure_code code, const struct load_change *change)
{
    bool more = change->after > change->before;
    switch (change->kind) {
    case CHANGE_NONE:
        return "no change shown";
    case CHANGE_UNKNOWN:
        return "too little to tell";
    case CHANGE_UNCLEAR:
        return load_figure_kinds[code].worse == 0 ? "another" : "perhaps changed";
    case CHANGE_SLOWER:
    case CHANGE_FASTER:
        break;
    }
    switch (load_figure_kinds[code].unit) {
    case LOAD_TIME:
        return more ? "slower" : "faster";
    case LOAD_SHARE:
        return more ? "more errors" : "fewer errors";
    case LOAD_RATE:
    case LOAD_COUNT:
        break;
    }
    return more ? "more" : "less";
}

void load_figure_text(struct text *t, enum load_figure_code code, double value)
{
    char time[DURATION_TEXT], count[COUNT_TEXT];
    switch (load_figure_kinds[code].unit) {
    case LOAD_TIME:
        text_add_str(t, format_duration(time, (int64_t)value));
        return;
    case LOAD_SHARE:
        text_printf(t, "%.3g %%", 100 * value);
        return;
    case LOAD_RATE:
    case LOAD_COUNT:
        break;
    }
    text_add_str(t, format_count(count, value));
}

static void add_cell(struct printer *p, const char *content, size_t width)
{
    for (size_t shown = utf8_length(slice_str(content)); shown < width; shown++)
        text_add_byte(&p->t, ' ');
    text_add_str(&p->t, content);
}

static void print_side(struct printer *p, const char *label, const struct compare_side *side)
{
    const struct past_run *first = &p->c->past->loads[side->runs[0]],
                          *last = &p->c->past->loads[side->runs[side->run_count - 1]];
    char began[CLOCK_TEXT];
    struct slice name = text_shown(p->t.arena, last->load, 200);
    text_printf(&p->t, "%s  %.*s", label, SLICE_ARG(first->id));
    if (side->run_count > 1)
        text_printf(&p->t, " … %.*s (%zu loads)", SLICE_ARG(last->id), side->run_count);
    else
        text_printf(&p->t, "  %.19sZ", clock_text(began, first->started));
    text_printf(&p->t, "  %.*s", SLICE_ARG(name));
    if (!slice_eq(slice_str(side->name), first->id))
        text_printf(&p->t, "  (%s)", side->name);
    text_add_str(&p->t, "\n");
    if (side->poisoned)
        text_printf(&p->t, "        %s%s%s\n", tone(p, "\033[33m"), side->poisoned,
                    tone(p, "\033[0m"));
}

static void print_doubts(struct printer *p)
{
    const struct load_comparison *c = p->c;
    for (size_t i = 0; i < c->doubt_count; i++) {
        struct slice shown = text_shown(p->t.arena, slice_str(c->doubts[i]), 400);
        text_printf(&p->t, "%s%.*s%s\n", tone(p, "\033[1;33m"), SLICE_ARG(shown),
                    tone(p, "\033[0m"));
    }
    if (!c->conclusive)
        text_add_str(&p->t, "Such numbers are assay's as much as the service's: what follows is "
                            "shown, and nothing is concluded from it.\n");
    if (c->difference_count == 0)
        return;
    text_printf(&p->t, "%sThese loads are not alike:%s\n", tone(p, "\033[1;33m"),
                tone(p, "\033[0m"));
    for (size_t i = 0; i < c->difference_count; i++) {
        const struct load_difference *d = &c->differences[i];
        struct slice before = text_shown(p->t.arena, d->before, 100),
                     after = text_shown(p->t.arena, d->after, 100);
        text_printf(&p->t, "  %s  %.*s → %.*s\n", d->what,
                    SLICE_ARG(before.len ? before : SLICE("nothing")),
                    SLICE_ARG(after.len ? after : SLICE("nothing")));
    }
}

static void print_change(struct printer *p, enum load_figure_code code)
{
    const struct load_change *c = &p->c->changes[code];
    static const char *const tones[] = {[CHANGE_NONE] = "",
                                        [CHANGE_SLOWER] = "\033[1;31m",
                                        [CHANGE_FASTER] = "\033[1;32m",
                                        [CHANGE_UNCLEAR] = "\033[1m",
                                        [CHANGE_UNKNOWN] = "\033[2m"};
    struct text before = text_in(p->t.arena), after = text_in(p->t.arena);
    const char *change = "", *between = "";
    load_figure_text(&before, code, c->before);
    load_figure_text(&after, code, c->after);
    if (!isnan(c->ratio))
        change = arena_printf(p->t.arena, "%+.1f %%", 100 * (c->ratio - 1));
    if (!isnan(c->interval.low))
        between = arena_printf(p->t.arena, "%+.1f to %+.1f %%", 100 * (c->interval.low - 1),
                               100 * (c->interval.high - 1));
    text_printf(&p->t, "  %-18s", load_figure_kinds[code].name);
    add_cell(p, text_str(&before), 11);
    add_cell(p, text_str(&after), 11);
    add_cell(p, change, 11);
    add_cell(p, between, 20);
    text_printf(&p->t, "  %s%s%s", tone(p, tones[c->kind]), load_change_word(code, c),
                tone(p, "\033[0m"));
    if (c->kind != CHANGE_NONE && c->kind != CHANGE_UNKNOWN)
        text_printf(&p->t, " (p %.2g)", c->p);
    text_add_str(&p->t, "\n");
}

static void print_noise(struct printer *p)
{
    const struct load_comparison *c = p->c;
    if (!c->changes[FIGURE_LATENCY_P50].seen)
        return;
    text_printf(&p->t,
                "\nnoise between such loads on this machine: %.1f %% (latency p50), %.1f %% "
                "(latency p99), ",
                100 * c->changes[FIGURE_LATENCY_P50].noise,
                100 * c->changes[FIGURE_LATENCY_P99].noise);
    if (c->noise_loads == 0)
        text_add_str(&p->t, "assumed, as there are no earlier ones\n");
    else
        text_printf(&p->t, "from %zu pair%s of loads\n", c->noise_loads,
                    c->noise_loads == 1 ? "" : "s");
}

const char *load_compare_text(struct arena *arena, const struct load_comparison *c, bool color)
{
    struct printer p = {.c = c, .t = text_in(arena), .color = color};
    print_side(&p, "before", &c->before);
    print_side(&p, "after ", &c->after);
    print_doubts(&p);
    if (c->worse + c->better + c->unclear + c->steady + c->unknown > 0)
        text_printf(&p.t, "\n  %-18s%11s%11s%11s%20s\n", "", "before", "after", "change",
                    "with 95 % between");
    for (int i = 0; i < LOAD_FIGURES; i++)
        if (c->changes[i].seen)
            print_change(&p, (enum load_figure_code)i);
    print_noise(&p);
    text_printf(&p.t,
                "\n%zu worse, %zu better, %zu perhaps changed, %zu without a change of "
                "%.0f %% shown",
                c->worse, c->better, c->unclear, c->steady, 100 * c->threshold);
    if (c->unknown)
        text_printf(&p.t, ", of %zu too little is known", c->unknown);
    text_add_str(&p.t, c->conclusive ? "\n" : "; nothing is concluded\n");
    return text_str(&p.t);
}

/* ------------------------------------------------------------------ JSON */

static json_t *number_or_null(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *side_json(const struct past *past, const struct compare_side *side)
{
    json_t *loads = json_array();
    for (size_t i = 0; i < side->run_count; i++) {
        struct slice id = past->loads[side->runs[i]].id;
        json_array_append_new(loads, json_stringn(id.data, id.len));
    }
    return json_pack("{s:s, s:o, s:s?}", "name", side->name, "loads", loads, "poisoned",
                     side->poisoned);
}

static json_t *change_json(enum load_figure_code code, const struct load_change *c)
{
    static const char *const units[] = {
        [LOAD_TIME] = "ns", [LOAD_COUNT] = "1", [LOAD_RATE] = "1/s", [LOAD_SHARE] = "share"};
    return json_pack("{s:s, s:s, s:s, s:f, s:f, s:o, s:[o, o], s:o, s:f}", "change",
                     change_kind_name(c->kind), "word", load_change_word(code, c), "unit",
                     units[load_figure_kinds[code].unit], "before", c->before, "after", c->after,
                     "ratio", number_or_null(c->ratio), "interval", number_or_null(c->interval.low),
                     number_or_null(c->interval.high), "p", number_or_null(c->p), "noise",
                     c->noise);
}

static json_t *text_or_null(struct slice s)
{
    return s.len ? json_stringn(s.data, s.len) : json_null();
}

json_t *load_compare_json(struct arena *arena, const struct load_comparison *c)
{
    json_t *figures = json_object(), *differences = json_array(), *doubts = json_array();
    for (int i = 0; i < LOAD_FIGURES; i++)
        if (c->changes[i].seen)
            json_object_set_new(figures, load_figure_kinds[i].name,
                                change_json((enum load_figure_code)i, &c->changes[i]));
    for (size_t i = 0; i < c->difference_count; i++)
        json_array_append_new(differences,
                              json_pack("{s:s, s:o, s:o}", "parameter", c->differences[i].what,
                                        "before", text_or_null(c->differences[i].before), "after",
                                        text_or_null(c->differences[i].after)));
    for (size_t i = 0; i < c->doubt_count; i++)
        json_array_append_new(doubts, json_string(c->doubts[i]));
    json_t *rule = json_pack("{s:s, s:f, s:f, s:f, s:s}", "test", "Student, of logarithms", "level",
                             CHANGE_LEVEL, "threshold", c->threshold, "confidence",
                             CHANGE_CONFIDENCE, "adjusted", "Benjamini-Hochberg");
    return jsontext_keep(arena, json_pack("{s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:I, s:o}", "worse",
                                          c->worse > 0, "conclusive", c->conclusive, "before",
                                          side_json(c->past, &c->before), "after",
                                          side_json(c->past, &c->after), "doubts", doubts,
                                          "differences", differences, "rule", rule, "noise_pairs",
                                          (json_int_t)c->noise_loads, "figures", figures));
}
