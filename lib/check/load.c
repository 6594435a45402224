/*
 * What a load measured (load/metrics.h): statistics of its metrics, and the shares and rates of the
 * whole. Percentiles are taken from the histograms, so that any of them can be asked for.
 */
#include <math.h>

#include "check/families.h"
#include "core/parse.h"
#include "load/engine.h"

/* ── shapes ── */

/* "p99.9" → 99.9 */
static bool percentile_of(struct slice name, double *percent)
{
    return slice_starts(name, SLICE("p")) &&
           result_ok(parse_number(slice_from(name, 1), percent)) && *percent > 0 && *percent <= 100;
}

static void check_statistics(const struct node *statistics, struct diagnostics *d)
{
    static const char *const words[] = {"mean", "min", "max", NULL};
    for (size_t i = 0; i < statistics->count; i++) {
        struct slice name = statistics->entries[i].key;
        double percent;
        bool known = percentile_of(name, &percent);
        for (size_t w = 0; words[w]; w++)
            known = known || slice_is(name, words[w]);
        if (!known)
            diagnose_unknown(d, statistics->entries[i].key_at, "statistic", name, words);
        if (!known && !d->last->hint)
            d->last->hint = "known here: percentiles such as p50 and p99.9, mean, min, max";
    }
}

/* Times, but their count is none. */
static void check_times(const struct node *statistics, struct diagnostics *d)
{
    check_statistics(statistics, d);
    for (size_t i = 0; i < statistics->count; i++) {
        const struct node_entry *entry = &statistics->entries[i];
        shape_check(slice_is(entry->key, "count") ? &shape_number_matcher : &shape_duration_matcher,
                    entry->value, d);
    }
}

static const struct shape shape_times = {
    .kind = SHAPE_MAP, .min = 1, .max = 20, .of = &shape_any, .check = check_times};
static const struct shape shape_counts = {
    .kind = SHAPE_MAP, .min = 1, .max = 20, .of = &shape_number_matcher, .check = check_statistics};

/* "<1%", or as any number is compared. */
static void check_share(const struct node *share, struct diagnostics *d)
{
    struct node number = *share;
    if (slice_ends(number.string, SLICE("%")))
        number.string.len--;
    shape_check(&shape_number_form, &number, d);
}

static const struct shape shape_share_form = {
    .kind = SHAPE_STRING, .min = 2, .max = 40, .check = check_share};
static const struct shape shape_share = {
    .kind = SHAPE_EITHER,
    .either = (const struct shape *const[]){&shape_share_form, &shape_number_matcher, NULL},
};

#define SHARE_OF_REQUESTS "A share of the requests, as 0.01 or \"1%\": "

static const struct field metric_fields[] = {
#define X(code, name, time, definition)                                                            \
    {name, time ? &shape_times : &shape_counts, false, definition, NULL},
    METRIC_TABLE(X)
#undef X
        {"errors", &shape_share, .help = SHARE_OF_REQUESTS "those not answered well."},
    {"goodput", &shape_share,
     .help = SHARE_OF_REQUESTS "those that kept every upper bound of `slo` on single requests."},
    {"rate", &shape_number_matcher, .help = "Good answers a second."},
    {"tokens", &shape_number_matcher, .help = "Tokens of good answers a second."},
    {"checks", &shape_share,
     .help = "The share of answers looked into that are what their cases expect, as 0.99 or "
             "\"99%\"."},
    {"requests", &shape_number_matcher, .help = "How many requests were measured."},
    {NULL},
};

const struct shape check_shape_metrics = {
    .name = "metrics",
    .kind = SHAPE_OBJECT,
    .fields = (const struct field *const[]){metric_fields, NULL},
    .help = "What a load measured. A metric is a map of statistics: percentiles such as `p99`, "
            "`mean`, `min`, `max`.",
};

/* ── values ── */

static double statistic_of(const struct histogram *h, struct slice name)
{
    double percent = 0;
    if (h->count == 0)
        return NAN;
    if (slice_is(name, "mean"))
        return histogram_mean(h);
    if (slice_is(name, "min"))
        return (double)h->least;
    if (slice_is(name, "max"))
        return (double)h->most;
    return percentile_of(name, &percent) ? (double)histogram_percentile(h, percent) : (double)NAN;
}

static void check_metric(const struct load_outcome *load, int metric,
                         const struct node_entry *entry, struct verdicts *out)
{
    for (size_t i = 0; i < entry->value->count; i++) {
        const struct node_entry *wanted = &entry->value->entries[i];
        const char *check = arena_printf(out->arena, "metrics %.*s %.*s", SLICE_ARG(entry->key),
                                         SLICE_ARG(wanted->key));
        match_number(out, check, wanted->value,
                     statistic_of(&load->metrics.histograms[metric], wanted->key), check,
                     metric_kinds[metric].time ? UNIT_DURATION : UNIT_NONE);
    }
}

static double quantity_of(const struct load_outcome *load, struct slice name)
{
    const struct metrics *m = &load->metrics;
    double requests = (double)m->requests, seconds = (double)load->measured / (double)NS_PER_S;
    if (slice_is(name, "errors"))
        return m->requests ? (requests - (double)m->answered) / requests : (double)NAN;
    if (slice_is(name, "goodput"))
        return m->requests ? (double)m->good / requests : (double)NAN;
    if (slice_is(name, "checks"))
        return m->checked ? 1 - (double)m->failures[FAILURE_CHECK] / (double)m->checked
                          : (double)NAN;
    if (slice_is(name, "rate"))
        return load->measured ? (double)m->ended / seconds : (double)NAN;
    if (slice_is(name, "tokens"))
        return load->measured ? (double)m->ended_tokens / seconds : (double)NAN;
    return requests;
}

static void check_quantity(const struct load_outcome *load, const struct node_entry *entry,
                           struct verdicts *out)
{
    struct node percent = *entry->value;
    double value = quantity_of(load, entry->key);
    bool in_percent = percent.kind == NODE_STRING && slice_ends(percent.string, SLICE("%"));
    const char *check = arena_printf(out->arena, "metrics %.*s%s", SLICE_ARG(entry->key),
                                     in_percent ? " in %" : "");
    if (in_percent)
        percent.string.len--;
    match_number(out, check, &percent, in_percent ? 100 * value : value, check, UNIT_NONE);
}

void check_run_metrics(struct observation *o, const struct node *expected, struct verdicts *out)
{
    for (size_t i = 0; i < expected->count; i++) {
        const struct node_entry *entry = &expected->entries[i];
        int metric = metric_find(entry->key);
        if (metric >= 0)
            check_metric(o->load, metric, entry, out);
        else
            check_quantity(o->load, entry, out);
    }
}

void check_objectives(struct observation *o, struct place at, struct verdicts *out)
{
    for (size_t i = 0; i < o->objective_count; i++) {
        const struct objective *objective = &o->objectives[i];
        const char *check = arena_printf(out->arena, "slo %s", objective->text);
        struct slice wanted = slice_str(objective->text);
        if (objective->holds)
            verdict_add(out, check, at, true);
        else
            verdict_failed(out, check, at, wanted, objective->actual,
                           "the objective %s does not hold: it was %.*s", objective->text,
                           SLICE_ARG(objective->actual));
    }
}
