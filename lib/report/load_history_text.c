/*
 * Histories of loads for people, and for programs.
 */
#include <math.h>

#include "core/clock.h"
#include "core/jsontext.h"
#include "core/text.h"
#include "report/load_history.h"

/* What people wrote, at most. */
#define SHOWN_TEXT 200

static const char *value_text(struct arena *arena, enum load_figure_code code, double value)
{
    struct text t = text_in(arena);
    load_figure_text(&t, code, value);
    return text_str(&t);
}

/* Bars from the smallest to the largest value; a space where there is none. */
static void add_bars(struct text *t, const double *values, size_t count)
{
    static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    double low = (double)INFINITY, high = -(double)INFINITY;
    for (size_t i = 0; i < count; i++) {
        if (isnan(values[i]))
            continue;
        low = fmin(low, values[i]);
        high = fmax(high, values[i]);
    }
    for (size_t i = 0; i < count; i++) {
        int bar =
            high > low && !isnan(values[i]) ? (int)(7.999 * (values[i] - low) / (high - low)) : 0;
        text_add_str(t, isnan(values[i]) ? " " : bars[bar]);
    }
}

static void add_change(struct text *t, const struct load_history_name *n,
                       enum load_figure_code code)
{
    const struct load_history_figure *f = &n->figures[code];
    const struct load_change *c = &f->change;
    if (f->since < 0) {
        text_add_str(t, c->kind == CHANGE_UNKNOWN ? "too little to tell of a change"
                                                  : "no change shown");
        return;
    }
    struct slice id = n->loads[f->since].run->id;
    text_printf(t, "%s since %.*s: ", load_change_word(code, c), SLICE_ARG(id));
    text_printf(t, "%s → ", value_text(t->arena, code, c->before));
    text_add_str(t, value_text(t->arena, code, c->after));
    if (!isnan(c->ratio))
        text_printf(t, ", %+.1f %%", 100 * (c->ratio - 1));
    if (!isnan(c->interval.low))
        text_printf(t, " (95 %% sure: %+.1f to %+.1f %%)", 100 * (c->interval.low - 1),
                    100 * (c->interval.high - 1));
    text_printf(t, ", p %.2g", c->p);
}

static void add_load(struct text *t, const struct load_history_load *load)
{
    static const enum load_figure_code shown[] = {FIGURE_LATENCY_P50, FIGURE_LATENCY_P99,
                                                  FIGURE_TTFT_P99, FIGURE_ANSWERS, FIGURE_ERRORS};
    char began[CLOCK_TEXT];
    struct slice id = load->run->id;
    text_printf(t, "    %.*s  %.19sZ  %-10s", SLICE_ARG(id), clock_text(began, load->run->started),
                load->seen.verdict);
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        const struct load_figure *f = &load->seen.figures[shown[i]];
        if (load->seen.ended && f->seen)
            text_printf(t, "  %s %s", load_figure_kinds[shown[i]].name,
                        value_text(t->arena, shown[i], f->value));
    }
    if (!load->seen.doubt && !load->like_newest)
        text_add_str(t, "  (other parameters or another machine)");
    text_add_str(t, "\n");
}

static void add_details(struct text *t, const struct load_history_name *n, bool color)
{
    struct slice name = text_shown(t->arena, n->name, SHOWN_TEXT);
    text_printf(t, "%s%.*s%s  %zu load%s\n", color ? "\033[1m" : "", SLICE_ARG(name),
                color ? "\033[0m" : "", n->all, n->all == 1 ? "" : "s");
    for (size_t i = 0; i < n->count; i++)
        add_load(t, &n->loads[i]);
    for (int i = 0; i < LOAD_FIGURES; i++) {
        const struct load_history_figure *f = &n->figures[i];
        if (!f->seen)
            continue;
        text_printf(t, "    %-18s  ", load_figure_kinds[i].name);
        add_bars(t, f->values, n->count);
        text_printf(t, "  median %s of %zu; ",
                    value_text(t->arena, (enum load_figure_code)i, f->median), f->count);
        add_change(t, n, (enum load_figure_code)i);
        text_add_str(t, "\n");
    }
}

static void add_line(struct text *t, const struct load_history_name *n)
{
    const struct load_history_load *last = &n->loads[n->count - 1];
    struct slice name = text_shown(t->arena, n->name, SHOWN_TEXT);
    char began[CLOCK_TEXT];
    text_printf(t, "  %.*s  %zu load%s, the last %.10s %s", SLICE_ARG(name), n->all,
                n->all == 1 ? "" : "s", clock_text(began, last->run->started), last->seen.verdict);
    if (n->figures[FIGURE_LATENCY_P50].seen)
        text_printf(
            t, "; latency p50 %s, p99 %s",
            value_text(t->arena, FIGURE_LATENCY_P50, n->figures[FIGURE_LATENCY_P50].latest),
            value_text(t->arena, FIGURE_LATENCY_P99, n->figures[FIGURE_LATENCY_P99].latest));
    text_add_str(t, "\n");
    for (int i = 0; i < LOAD_FIGURES; i++) {
        if (!n->figures[i].seen || n->figures[i].since < 0)
            continue;
        text_printf(t, "    %s ", load_figure_kinds[i].name);
        add_change(t, n, (enum load_figure_code)i);
        text_add_str(t, "\n");
    }
}

const char *load_history_text(struct arena *arena, const struct load_history *h, bool details,
                              bool color)
{
    struct text t = text_in(arena);
    if (!details && h->count)
        text_printf(&t, "%sloads%s\n", color ? "\033[1m" : "", color ? "\033[0m" : "");
    for (size_t i = 0; i < h->count; i++) {
        if (details)
            add_details(&t, &h->names[i], color);
        else
            add_line(&t, &h->names[i]);
    }
    return text_str(&t);
}

/* ------------------------------------------------------------------ JSON */

static json_t *slice_json(struct slice s)
{
    return json_stringn(s.data, s.len);
}

static json_t *number_or_null(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *load_json(const struct load_history_load *load)
{
    json_t *figures = json_object();
    for (int i = 0; i < LOAD_FIGURES; i++)
        if (load->seen.ended && load->seen.figures[i].seen)
            json_object_set_new(figures, load_figure_kinds[i].name,
                                json_real(load->seen.figures[i].value));
    return json_pack("{s:o, s:I, s:o, s:s, s:s?, s:b, s:o}", "run", slice_json(load->run->id),
                     "started_ns", (json_int_t)load->run->started, "host",
                     slice_json(load->run->host), "verdict", load->seen.verdict, "doubt",
                     load->seen.doubt, "counts", load->like_newest, "figures", figures);
}

static json_t *figure_json(const struct load_history_name *n, enum load_figure_code code)
{
    const struct load_history_figure *f = &n->figures[code];
    json_t *out = json_pack("{s:f, s:f, s:I}", "latest", f->latest, "median", f->median, "count",
                            (json_int_t)f->count);
    if (f->since < 0)
        return out;
    json_object_set_new(out, "change",
                        json_pack("{s:s, s:o, s:f, s:f, s:o, s:f}", "change",
                                  change_kind_name(f->change.kind), "since",
                                  slice_json(n->loads[f->since].run->id), "before",
                                  f->change.before, "after", f->change.after, "ratio",
                                  number_or_null(f->change.ratio), "p", f->change.p));
    return out;
}

json_t *load_history_json(struct arena *arena, const struct load_history *h)
{
    json_t *names = json_array();
    for (size_t i = 0; i < h->count; i++) {
        const struct load_history_name *n = &h->names[i];
        json_t *loads = json_array(), *figures = json_object();
        for (size_t k = 0; k < n->count; k++)
            json_array_append_new(loads, load_json(&n->loads[k]));
        for (int k = 0; k < LOAD_FIGURES; k++)
            if (n->figures[k].seen)
                json_object_set_new(figures, load_figure_kinds[k].name,
                                    figure_json(n, (enum load_figure_code)k));
        json_array_append_new(names, json_pack("{s:o, s:I, s:o, s:o}", "name", slice_json(n->name),
                                               "count", (json_int_t)n->all, "loads", loads,
                                               "figures", figures));
    }
    return jsontext_keep(arena, names);
}
