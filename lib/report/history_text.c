/*
 * Histories for people.
 */
#include <math.h>

#include "core/clock.h"
#include "core/parse.h"
#include "core/text.h"
#include "report/history.h"

/* A line shows so many results; the details show all. */
#define SHOWN_RESULTS 30
/* What people wrote, at most. */
#define SHOWN_TEXT 300

struct printer {
    const struct history *h;
    struct text t;
    bool color;
};

static const char *tone(const struct printer *p, const char *code)
{
    return p->color ? code : "";
}

static char letter(const struct past_result *r)
{
    if (r->status == CASE_PASSED)
        return r->flags & CASE_FLAKY ? 'r' : '.';
    return r->status == CASE_FAILED ? 'F' : 'E';
}

static void print_outcomes(struct printer *p, const struct history_case *c, size_t most)
{
    size_t from = c->count > most ? c->count - most : 0;
    for (size_t i = from; i < c->count; i++)
        text_add_byte(&p->t, letter(&c->results[i]));
}

/* Bars from the smallest to the largest value; a space where there is none. */
static void print_bars(struct printer *p, const struct history_case *c, enum past_metric m)
{
    static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    size_t from = c->count > SHOWN_RESULTS ? c->count - SHOWN_RESULTS : 0;
    double low = (double)INFINITY, high = 0;
    for (size_t i = from; i < c->count; i++) {
        if (isnan(c->results[i].metrics[m]))
            continue;
        low = fmin(low, c->results[i].metrics[m]);
        high = fmax(high, c->results[i].metrics[m]);
    }
    for (size_t i = from; i < c->count; i++) {
        double x = c->results[i].metrics[m];
        int bar = high > low && !isnan(x) ? (int)(7.999 * (x - low) / (high - low)) : 0;
        text_add_str(&p->t, isnan(x) ? " " : bars[bar]);
    }
}

static struct slice run_id(const struct printer *p, const struct history_case *c, ptrdiff_t at)
{
    return p->h->past->runs[c->results[at].run].id;
}

static void print_stretch(struct printer *p, const struct history_case *c)
{
    const struct outcome *o = &c->outcome;
    if (o->first_bad < 0)
        return;
    struct slice bad = run_id(p, c, o->first_bad);
    text_printf(&p->t, "    first bad run %.*s", SLICE_ARG(bad));
    if (o->last_good >= 0) {
        struct slice good = run_id(p, c, o->last_good);
        text_printf(&p->t, ", last good run %.*s", SLICE_ARG(good));
    }
    if (o->fixed >= 0) {
        struct slice fixed = run_id(p, c, o->fixed);
        text_printf(&p->t, ", passing again since %.*s", SLICE_ARG(fixed));
    }
    text_add_str(&p->t, "\n");
}

static void print_trend(struct printer *p, const struct history_metric *m)
{
    text_printf(&p->t, "%+.2f %% a run (p %.2g)", 100 * m->slope / m->median, m->p);
}

static void print_quarantine(struct printer *p, const struct history_case *c)
{
    const struct quarantined *q = c->quarantine;
    char until[CLOCK_TEXT];
    if (!q)
        return;
    struct slice owner = text_shown(p->t.arena, q->owner, SHOWN_TEXT),
                 reason = text_shown(p->t.arena, q->reason, SHOWN_TEXT);
    text_printf(&p->t, "    in quarantine %s %.10s, %.*s: %.*s\n",
                q->expires > p->h->now ? "until" : "that expired on", clock_text(until, q->expires),
                SLICE_ARG(owner), SLICE_ARG(reason));
}

static void print_line(struct printer *p, const struct history_case *c)
{
    char median[DURATION_TEXT];
    text_printf(&p->t, "  %.*s  ", SLICE_ARG(c->of.key));
    print_outcomes(p, c, SHOWN_RESULTS);
    text_printf(&p->t, "  %s", outcome_reason(p->t.arena, &c->outcome));
    for (size_t i = 0; i < PAST_METRICS; i++) {
        const struct history_metric *m = &c->metrics[i];
        if (m->count == 0 || !history_has_trend(m))
            continue;
        text_printf(&p->t, "; %s %s, ", past_metric_names[i],
                    format_duration(median, (int64_t)m->median));
        print_trend(p, m);
    }
    text_add_str(&p->t, "\n");
    if (c->outcome.kind == OUTCOME_BROKEN)
        print_stretch(p, c);
    print_quarantine(p, c);
}

static void print_details(struct printer *p, const struct history_case *c)
{
    char median[DURATION_TEXT], p90[DURATION_TEXT];
    text_printf(&p->t, "%s%.*s%s  %s\n", tone(p, "\033[1m"), SLICE_ARG(c->of.key),
                tone(p, "\033[0m"), outcome_kind_name(c->outcome.kind));
    print_quarantine(p, c);
    text_add_str(&p->t, "    ");
    print_outcomes(p, c, c->count);
    text_add_str(&p->t, "  (. passed, r on a retry, F failed, E could not be carried out)\n");
    text_printf(&p->t, "    %s\n", outcome_reason(p->t.arena, &c->outcome));
    if (c->outcome.telling)
        text_printf(&p->t,
                    "    chance that failures stand so close together when each run is decided by "
                    "itself: %.2g\n",
                    c->outcome.together);
    print_stretch(p, c);
    for (size_t i = 0; i < PAST_METRICS; i++) {
        const struct history_metric *m = &c->metrics[i];
        if (m->count == 0)
            continue;
        text_printf(&p->t, "    %s  ", past_metric_names[i]);
        print_bars(p, c, (enum past_metric)i);
        text_printf(&p->t, "  median %s, 90th percentile %s (" STATISTICS_PERCENTILE ") of %zu; ",
                    format_duration(median, (int64_t)m->median),
                    format_duration(p90, (int64_t)m->p90), m->count);
        if (history_has_trend(m))
            print_trend(p, m);
        else
            text_add_str(&p->t, "no trend shown");
        text_add_str(&p->t, "\n");
    }
}

const char *history_text(struct arena *arena, const struct history *h, bool details, bool color)
{
    struct printer p = {.h = h, .t = text_in(arena), .color = color};
    static const char *const codes[] = {[OUTCOME_BROKEN] = "\033[1;31m",
                                        [OUTCOME_FLAKY] = "\033[1;33m",
                                        [OUTCOME_PASSING] = "\033[1;32m",
                                        [OUTCOME_UNKNOWN] = "\033[1m"};
    for (size_t i = 0; i < h->count; i++) {
        enum outcome_kind kind = h->cases[i].outcome.kind;
        if (details) {
            print_details(&p, &h->cases[i]);
            continue;
        }
        if (i == 0 || kind != h->cases[i - 1].outcome.kind)
            text_printf(&p.t, "%s%s%s%s\n", i ? "\n" : "", tone(&p, codes[kind]),
                        outcome_kind_name(kind), tone(&p, "\033[0m"));
        print_line(&p, &h->cases[i]);
    }
    if (h->count == 0)
        text_add_str(&p.t, "Nothing was run yet.\n");
    return text_str(&p.t);
}
