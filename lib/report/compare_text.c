/*
 * A comparison for people: what is worse first, each group with what there is to know.
 */
#include <math.h>

#include "core/clock.h"
#include "core/parse.h"
#include "core/text.h"
#include "report/compare.h"

struct printer {
    const struct comparison *c;
    struct text t;
    bool color;
};

static const char *tone(const struct printer *p, const char *code)
{
    return p->color ? code : "";
}

static void heading(struct printer *p, const char *title, size_t count, const char *code)
{
    text_printf(&p->t, "\n%s%s%s (%zu)\n", tone(p, code), title, tone(p, "\033[0m"), count);
}

static void print_side(struct printer *p, const char *label, const struct compare_side *side)
{
    const struct past *past = p->c->past;
    const struct past_run *first = &past->runs[side->runs[0]],
                          *last = &past->runs[side->runs[side->run_count - 1]];
    char began[CLOCK_TEXT];
    text_printf(&p->t, "%s  %.*s", label, SLICE_ARG(first->id));
    if (side->run_count > 1)
        text_printf(&p->t, " … %.*s (%zu runs)", SLICE_ARG(last->id), side->run_count);
    else
        text_printf(&p->t, "  %.19sZ", clock_text(began, first->started));
    text_printf(&p->t, "  %zu passed, %zu failed", side->passed, side->failed);
    if (!slice_eq(slice_str(side->name), first->id))
        text_printf(&p->t, "  (%s)", side->name);
    text_add_str(&p->t, "\n");
    if (side->poisoned)
        text_printf(&p->t, "        %s%s%s\n", tone(p, "\033[33m"), side->poisoned,
                    tone(p, "\033[0m"));
}

/* ── outcomes ── */

static void print_counts(struct printer *p, const struct compared_case *cc)
{
    if (p->c->before.run_count + p->c->after.run_count == 2)
        return;
    text_printf(&p->t, "  (failed %zu of %zu, then %zu of %zu)", cc->before.failed,
                cc->before.failed + cc->before.passed, cc->after.failed,
                cc->after.failed + cc->after.passed);
}

static void print_case(struct printer *p, const struct compared_case *cc)
{
    text_printf(&p->t, "  %.*s", SLICE_ARG(cc->of.key));
    print_counts(p, cc);
    if (cc->quarantined)
        text_add_str(&p->t, "  [in quarantine]");
    text_add_str(&p->t, "\n");
    if (cc->kind == COMPARED_FLAKY)
        text_printf(&p->t, "    %s%s\n",
                    cc->flaky_before ? "" : "newly: ", outcome_reason(p->t.arena, &cc->outcome));
    bool fails = cc->kind == COMPARED_BROKE || cc->kind == COMPARED_STILL_FAILING ||
                 (cc->kind == COMPARED_FLAKY && cc->after.failed);
    if (!fails)
        return;
    if (cc->reason.len) {
        struct slice shown = text_shown(p->t.arena, cc->reason, 300);
        text_printf(&p->t, "    %.*s\n", SLICE_ARG(shown));
    }
    if (cc->kind == COMPARED_FLAKY)
        return;
    text_printf(&p->t, "    first bad run %.*s", SLICE_ARG(cc->first_bad));
    if (cc->last_good.len)
        text_printf(&p->t, ", last good run %.*s\n", SLICE_ARG(cc->last_good));
    else
        text_add_str(&p->t, ", never seen to pass\n");
}

static void print_kind(struct printer *p, enum compared_kind kind, const char *title,
                       const char *code)
{
    const struct comparison *c = p->c;
    if (c->kinds[kind] == 0)
        return;
    heading(p, title, c->kinds[kind], code);
    for (size_t i = 0; i < c->count; i++)
        if (c->cases[i].kind == kind)
            print_case(p, &c->cases[i]);
}

/* ── times ── */

static void print_metric(struct printer *p, const struct compared_case *cc, enum past_metric m)
{
    const struct compared_metric *cm = &cc->metrics[m];
    const struct change *change = &cm->change;
    char before[DURATION_TEXT], after[DURATION_TEXT];
    text_printf(&p->t, "  %.*s\n    %s %s → %s, %+.1f %% (%.0f %% sure: %+.1f to %+.1f %%)",
                SLICE_ARG(cc->of.key), past_metric_names[m],
                format_duration(before, (int64_t)change->median_before),
                format_duration(after, (int64_t)change->median_after), 100 * (change->ratio - 1),
                100 * CHANGE_CONFIDENCE, 100 * (cm->interval.low - 1),
                100 * (cm->interval.high - 1));
    text_printf(&p->t, ", p %.2g, %zu and %zu results\n", cm->p, change->before, change->after);
}

static void print_change(struct printer *p, enum change_kind kind, size_t count, const char *title,
                         const char *code)
{
    if (count == 0)
        return;
    heading(p, title, count, code);
    for (size_t i = 0; i < p->c->count; i++)
        for (size_t m = 0; m < PAST_METRICS; m++)
            if (p->c->cases[i].metrics[m].measured && p->c->cases[i].metrics[m].kind == kind)
                print_metric(p, &p->c->cases[i], (enum past_metric)m);
}

static size_t most_needed(const struct comparison *c)
{
    size_t needed = 0;
    for (size_t i = 0; i < c->count; i++) {
        const struct compared_metric *m = &c->cases[i].metrics[PAST_TIME];
        if (m->measured && m->kind == CHANGE_UNKNOWN && m->change.needed > needed)
            needed = m->change.needed;
    }
    return needed;
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static void print_times(struct printer *p)
{
    const struct comparison *c = p->c;
    text_add_str(&p->t, "\ntimes");
    if (c->other_host) {
        text_printf(&p->t,
                    ": not compared, as the runs before were not on %.*s as the last one after\n",
                    SLICE_ARG(c->host));
        return;
    }
    text_printf(&p->t, " on %.*s: no change of %.0f %% or more shown for %zu case%s",
                SLICE_ARG(c->host), 100 * c->threshold, c->steady, plural(c->steady));
    if (c->unknown) {
        text_printf(&p->t, ", too few results for %zu", c->unknown);
        size_t needed = most_needed(c);
        if (needed)
            text_printf(&p->t, " (%zu after would be enough to tell)", needed);
    }
    text_add_str(&p->t, "\n");
    if (!isnan(c->ratio))
        text_printf(&p->t, "  all cases together %+.1f %% (the median of their changes)\n",
                    100 * (c->ratio - 1));
    if (c->spells > 1.05)
        text_printf(&p->t,
                    "  results near each other resemble each other on this machine: differences "
                    "had to be up to %.1f times as clear\n",
                    c->spells);
}

const char *compare_text(struct arena *arena, const struct comparison *c, bool color)
{
    struct printer p = {.c = c, .t = text_in(arena), .color = color};
    static const char red[] = "\033[1;31m", yellow[] = "\033[1;33m", green[] = "\033[1;32m",
                      bold[] = "\033[1m";
    print_side(&p, "before", &c->before);
    print_side(&p, "after ", &c->after);
    print_kind(&p, COMPARED_BROKE, "broke", red);
    print_change(&p, CHANGE_SLOWER, c->slower, "slower", red);
    print_kind(&p, COMPARED_STILL_FAILING, "still failing", yellow);
    print_kind(&p, COMPARED_FLAKY, "flaky", yellow);
    print_change(&p, CHANGE_UNCLEAR, c->unclear, "perhaps changed, not certain", bold);
    print_kind(&p, COMPARED_FIXED, "fixed", green);
    print_change(&p, CHANGE_FASTER, c->faster, "faster", green);
    print_kind(&p, COMPARED_NEW, "new", bold);
    print_kind(&p, COMPARED_GONE, "gone", bold);
    print_times(&p);
    text_printf(&p.t, "\n%zu broke, %zu slower, %zu fixed, %zu faster, %zu flaky, %zu unchanged",
                c->kinds[COMPARED_BROKE], c->slower, c->kinds[COMPARED_FIXED], c->faster,
                c->kinds[COMPARED_FLAKY], c->kinds[COMPARED_UNCHANGED]);
    if (c->still_flaky)
        text_printf(&p.t, " (%zu of them flaky, as before)", c->still_flaky);
    text_add_str(&p.t, "\n");
    return text_str(&p.t);
}
