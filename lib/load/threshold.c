/*
 * Reading thresholds.
 */
#include "load/threshold.h"

#include <math.h>

#include "core/clock.h"
#include "core/parse.h"

/* k6's names for what is measured here under another. */
static const struct {
    const char *name;
    enum slo_quantity quantity;
    enum metric metric;
} aliases[] = {
    {"http_req_duration", SLO_METRIC, METRIC_LATENCY_SENT},
    {"http_req_waiting", SLO_METRIC, METRIC_FIRST_BYTE},
    {"http_req_failed", SLO_ERRORS, 0},
    {"http_reqs", SLO_REQUESTS, 0},
    {"iterations", SLO_REQUESTS, 0},
    {"data_received", SLO_BYTES, 0},
};

/* And those that have none. */
static const struct {
    const char *name, *why;
} unlike[] = {
    {"http_req_blocked", "requests do not wait for a connection unseen: see schedule_delay"},
    {"http_req_connecting", "k6 counts 0 for requests that needed no connection; `connect` has "
                            "those that did"},
    {"http_req_tls_handshaking", "`connect` has all of making a connection"},
    {"http_req_sending", "sending is part of first_byte"},
    {"http_req_receiving", "latency_sent less first_byte is what it takes to receive"},
    {"iteration_duration", "an iteration is one request here; latency counts from when it should "
                           "have started, latency_sent from when it was sent"},
    {"dropped_iterations", "no request is dropped: one that finds no connection waits, and its "
                           "latency counts"},
    {"data_sent", "bytes that are sent are not counted"},
    {"vus", "users are not started and stopped during a run"},
    {"vus_max", "users are not started and stopped during a run"},
};

#define TELL "threshold \"%s\": "

static struct result unknown_metric(const struct slo *slo, struct slice name)
{
    const char *names[(int)METRIC_COUNT + (int)SLO_QUANTITY_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < sizeof(unlike) / sizeof(unlike[0]); i++)
        ENSURE(!slice_is(name, unlike[i].name), ERR_USAGE,
               TELL "k6's %s has nothing here that means the same: %s", slo->text, unlike[i].name,
               unlike[i].why);
    ENSURE(slice_find_byte(name, '{') < 0, ERR_USAGE,
           TELL "requests have no tags; expected only the name of a metric before the colon",
           slo->text);
    for (int i = 0; i < METRIC_COUNT; i++)
        names[count++] = metric_kinds[i].name;
    for (int i = SLO_ERRORS; i < SLO_QUANTITY_COUNT; i++)
        names[count++] = slo_quantity_names[i];
    names[count] = NULL;
    const char *near = slice_nearest(name, names);
    return error_set(ERR_USAGE, TELL "there is no metric \"%.*s\"; %s%s%s", slo->text,
                     SLICE_ARG(name), near ? "did you mean " : "expected something like ",
                     near ? near : "ttft: p(99)<200, latency, itl, errors, requests",
                     near ? "?" : "");
}

static struct result read_metric(struct slice name, struct slo *out)
{
    int metric = metric_find(name);
    if (metric >= 0) {
        out->metric = (enum metric)metric;
        return RESULT_OK;
    }
    for (int i = SLO_ERRORS; i < SLO_QUANTITY_COUNT; i++)
        if (slice_is(name, slo_quantity_names[i])) {
            out->quantity = (enum slo_quantity)i;
            return RESULT_OK;
        }
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
        if (slice_is(name, aliases[i].name)) {
            out->quantity = aliases[i].quantity;
            out->metric = aliases[i].metric;
            return RESULT_OK;
        }
    return unknown_metric(out, name);
}

static struct result read_percentile(struct slice word, struct slo *out)
{
    bool form = slice_starts(word, SLICE("p(")) && slice_ends(word, SLICE(")"));
    ENSURE(form && result_ok(parse_number(slice_part(word, 2, word.len - 3), &out->percent)) &&
               out->percent >= 0 && out->percent <= 100,
           ERR_USAGE,
           TELL "expected avg, min, max, med, p(N) with N up to 100, or count, got \"%.*s\"",
           out->text, SLICE_ARG(word));
    if (out->percent <= 0)
        out->statistic = SLO_LEAST;
    return RESULT_OK;
}

static struct result read_aggregation(struct slice word, struct slo *out)
{
    if (slice_is(word, "count")) {
        out->statistic = SLO_COUNT;
    } else if (out->quantity != SLO_METRIC) {
        ENSURE(slice_is(word, "rate") || slice_is(word, "value"), ERR_USAGE,
               TELL "expected rate or count, got \"%.*s\"", out->text, SLICE_ARG(word));
    } else if (slice_is(word, "avg")) {
        out->statistic = SLO_MEAN;
    } else if (slice_is(word, "min")) {
        out->statistic = SLO_LEAST;
    } else if (slice_is(word, "max")) {
        out->statistic = SLO_MOST;
    } else if (slice_is(word, "med")) {
        out->percent = 50;
    } else {
        return read_percentile(word, out);
    }
    return RESULT_OK;
}

/* The comparison at the front of `*rest`, which is taken off. */
static bool take_comparison(struct slice *rest, struct slo *out)
{
    static const struct {
        struct slice text;
        enum slo_comparison comparison;
    } comparisons[] = {
        {SLICE("==="), SLO_EQ}, {SLICE("=="), SLO_EQ}, {SLICE("!="), SLO_NE}, {SLICE("<="), SLO_LE},
        {SLICE(">="), SLO_GE},  {SLICE("<"), SLO_LT},  {SLICE(">"), SLO_GT},
    };
    for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++)
        if (slice_starts(*rest, comparisons[i].text)) {
            out->comparison = comparisons[i].comparison;
            *rest = slice_trim(slice_from(*rest, comparisons[i].text.len));
            return true;
        }
    return false;
}

static struct result read_bound(struct slice value, struct slo *out)
{
    int64_t time = 0;
    bool is_time = slo_is_time(out);
    if (is_time && result_ok(parse_duration(value, &time)) && !slice_is(value, "0")) {
        out->bound = (double)time;
        return RESULT_OK;
    }
    ENSURE(result_ok(parse_number(value, &out->bound)), ERR_USAGE, TELL "expected %s, got \"%.*s\"",
           out->text,
           is_time             ? "milliseconds"
           : slo_is_share(out) ? "a share such as 0.01"
                               : "a number",
           SLICE_ARG(value));
    if (is_time)
        out->bound *= (double)NS_PER_MS;
    ENSURE(!slo_is_share(out) || out->bound <= 1, ERR_USAGE,
           TELL "a share is at most 1; did you mean %g?", out->text, out->bound / 100);
    ENSURE(fabs(out->bound) < 1e18, ERR_USAGE, TELL "%.*s is too much", out->text,
           SLICE_ARG(value));
    return RESULT_OK;
}

struct result threshold_read(struct arena *arena, struct slice metric, struct slice expression,
                             struct slo *out)
{
    metric = slice_trim(metric);
    expression = slice_trim(expression);
    *out = (struct slo){
        .text = arena_printf(arena, "%.*s: %.*s", SLICE_ARG(metric), SLICE_ARG(expression))};
    TRY(read_metric(metric, out));
    size_t end = 0;
    while (end < expression.len && !memchr("<>=!", expression.data[end], 4))
        end++;
    struct slice word = slice_trim(slice_part(expression, 0, end));
    struct slice rest = slice_from(expression, end);
    TRY(read_aggregation(word, out));
    ENSURE(take_comparison(&rest, out), ERR_USAGE,
           TELL "expected <, <=, >, >=, == or != before a number", out->text);
    return read_bound(rest, out);
}

static struct result read_slice(struct arena *arena, struct slice text, struct slo *out)
{
    ptrdiff_t colon = slice_find_byte(text, ':');
    ENSURE(colon > 0, ERR_USAGE,
           "threshold \"%.*s\": expected METRIC: EXPRESSION, such as ttft: p(99)<200",
           SLICE_ARG(text));
    return threshold_read(arena, slice_part(text, 0, (size_t)colon),
                          slice_from(text, (size_t)colon + 1), out);
}

struct result threshold_read_text(struct arena *arena, const char *text, struct slo *out)
{
    return read_slice(arena, slice_str(text), out);
}

struct result threshold_read_abort(struct arena *arena, const char *text, struct slo *out)
{
    struct slice whole = slice_trim(slice_str(text)), after = SLICE(" after ");
    ptrdiff_t at = slice_find(whole, after);
    int64_t delay = 0;
    if (at >= 0) {
        struct slice time = slice_trim(slice_from(whole, (size_t)at + after.len));
        ENSURE(result_ok(parse_duration(time, &delay)), ERR_USAGE,
               "--abort \"%s\": expected a duration such as 5s behind \"after\", got \"%.*s\"",
               text, SLICE_ARG(time));
        whole = slice_part(whole, 0, (size_t)at);
    }
    TRY(read_slice(arena, whole, out));
    out->aborts = true;
    out->delay = delay;
    return RESULT_OK;
}
