/*
 * Reading and judging objectives.
 */
#include "load/slo.h"

#include <math.h>

#include "core/clock.h"
#include "core/parse.h"

const char *const slo_quantity_names[SLO_QUANTITY_COUNT] = {
    [SLO_ERRORS] = "errors", [SLO_GOODPUT] = "goodput",   [SLO_RATE] = "rate",
    [SLO_TOKENS] = "tokens", [SLO_REQUESTS] = "requests", [SLO_BYTES] = "bytes",
    [SLO_CHECKS] = "checks",
};

static struct slice take_word(struct slice *rest)
{
    *rest = slice_trim(*rest);
    size_t n = 0;
    while (n < rest->len && rest->data[n] != ' ' && rest->data[n] != '<' && rest->data[n] != '>')
        n++;
    struct slice word = slice_part(*rest, 0, n);
    *rest = slice_trim(slice_from(*rest, n));
    return word;
}

static struct result unknown_quantity(struct slice word, const char *clause)
{
    const char *names[(int)METRIC_COUNT + (int)SLO_QUANTITY_COUNT];
    size_t count = 0;
    for (int i = 0; i < METRIC_COUNT; i++)
        names[count++] = metric_kinds[i].name;
    for (int i = SLO_ERRORS; i < SLO_QUANTITY_COUNT; i++)
        names[count++] = slo_quantity_names[i];
    names[count] = NULL;
    const char *near = slice_nearest(word, names);
    return error_set(ERR_USAGE, "--slo \"%s\": there is no quantity \"%.*s\"; %s%s%s", clause,
                     SLICE_ARG(word), near ? "did you mean " : "expected something like ",
                     near ? near : "ttft p99 < 200ms, latency, itl, errors, rate", near ? "?" : "");
}

static struct result read_quantity(struct slice word, struct slo *out)
{
    int metric = metric_find(word);
    if (metric >= 0) {
        out->metric = (enum metric)metric;
        return RESULT_OK;
    }
    for (int i = SLO_ERRORS; i < SLO_QUANTITY_COUNT; i++) {
        if (slice_is(word, slo_quantity_names[i])) {
            out->quantity = (enum slo_quantity)i;
            return RESULT_OK;
        }
    }
    return unknown_quantity(word, out->text);
}

static struct result read_statistic(struct slice word, struct slo *out)
{
    static const char *const names[] = {
        [SLO_MEAN] = "mean", [SLO_LEAST] = "min", [SLO_MOST] = "max"};
    if (out->quantity != SLO_METRIC) {
        ENSURE(word.len == 0, ERR_USAGE, "--slo \"%s\": %s has no statistic, got \"%.*s\"",
               out->text, slo_quantity_names[out->quantity], SLICE_ARG(word));
        return RESULT_OK;
    }
    for (int i = SLO_MEAN; i <= SLO_MOST; i++) {
        if (slice_is(word, names[i])) {
            out->statistic = (enum slo_statistic)i;
            return RESULT_OK;
        }
    }
    out->statistic = SLO_PERCENTILE;
    ENSURE(word.len > 1 && word.data[0] == 'p' &&
               result_ok(parse_number(slice_from(word, 1), &out->percent)) && out->percent > 0 &&
               out->percent <= 100,
           ERR_USAGE, "--slo \"%s\": expected p50, p99.9, …, mean, min or max, got \"%.*s\"",
           out->text, SLICE_ARG(word));
    return RESULT_OK;
}

static struct result read_comparison(struct slice *rest, struct slo *out)
{
    ENSURE(rest->len > 0 && (rest->data[0] == '<' || rest->data[0] == '>'), ERR_USAGE,
           "--slo \"%s\": expected <, <=, > or >= before a value", out->text);
    bool less = rest->data[0] == '<', equal = rest->len > 1 && rest->data[1] == '=';
    out->comparison = less ? (equal ? SLO_LE : SLO_LT) : (equal ? SLO_GE : SLO_GT);
    *rest = slice_trim(slice_from(*rest, equal ? 2 : 1));
    return RESULT_OK;
}

static struct result read_bound(struct slice value, struct slo *out)
{
    struct slice number = value;
    double scale = 1;
    int64_t time = 0;
    bool is_share = slo_is_share(out);
    if (out->quantity == SLO_METRIC && metric_kinds[out->metric].time) {
        ENSURE(result_ok(parse_duration(value, &time)), ERR_USAGE,
               "--slo \"%s\": expected a duration such as 200ms, got \"%.*s\"", out->text,
               SLICE_ARG(value));
        out->bound = (double)time;
        return RESULT_OK;
    }
    if (is_share && slice_ends(number, SLICE("%"))) {
        number.len--;
        scale = 0.01;
    } else if (!is_share && slice_ends(number, SLICE("/s"))) {
        number.len -= 2;
    }
    ENSURE(result_ok(parse_number(slice_trim(number), &out->bound)), ERR_USAGE,
           "--slo \"%s\": expected %s, got \"%.*s\"", out->text,
           is_share ? "a share such as 1%" : "a number", SLICE_ARG(value));
    out->bound *= scale;
    ENSURE(fabs(out->bound) < 1e18, ERR_USAGE, "--slo \"%s\": %.*s is too much", out->text,
           SLICE_ARG(value)); /* values are whole numbers of 64 bits */
    ENSURE(!is_share || out->bound <= 1, ERR_USAGE,
           "--slo \"%s\": a share is at most 1; did you mean %g%%?", out->text, out->bound);
    return RESULT_OK;
}

static struct result read_objective(struct arena *arena, struct slice clause, struct slo *out)
{
    struct slice rest = slice_trim(clause);
    *out = (struct slo){.text = arena_string(arena, rest)};
    struct slice quantity = take_word(&rest);
    TRY(read_quantity(quantity, out));
    struct slice statistic = take_word(&rest);
    TRY(read_statistic(statistic, out));
    TRY(read_comparison(&rest, out));
    return read_bound(rest, out);
}

struct result slo_read(struct arena *arena, const char *text, struct slo *out, size_t *count)
{
    struct slice rest = slice_str(text), clause = {0};
    *count = 0;
    while (slice_split(&rest, ',', &clause)) {
        ENSURE(*count < SLO_MOST_OBJECTIVES, ERR_USAGE, "--slo: more than %d objectives",
               SLO_MOST_OBJECTIVES);
        TRY(read_objective(arena, clause, &out[*count]));
        ++*count;
    }
    return RESULT_OK;
}

uint64_t slo_watched(const struct slo *slos, size_t count)
{
    uint64_t watched = 0;
    for (size_t i = 0; i < count; i++)
        if (slos[i].aborts)
            watched |= (uint64_t)1 << slos[i].metric;
    return watched;
}

static void tighten(int64_t *bound, const struct slo *slo)
{
    int64_t value = (int64_t)slo->bound;
    if (*bound == 0 || value < *bound)
        *bound = value;
}

struct bounds slo_bounds(const struct slo *slos, size_t count)
{
    struct bounds bounds = {0};
    for (size_t i = 0; i < count; i++) {
        if (slos[i].quantity != SLO_METRIC || slos[i].comparison > SLO_LE ||
            slos[i].statistic == SLO_COUNT)
            continue;
        if (slos[i].metric == METRIC_LATENCY)
            tighten(&bounds.latency, &slos[i]);
        else if (slos[i].metric == METRIC_TTFT)
            tighten(&bounds.ttft, &slos[i]);
        else if (slos[i].metric == METRIC_ITL || slos[i].metric == METRIC_ITL_MEAN)
            tighten(&bounds.itl_mean, &slos[i]);
    }
    return bounds;
}

static bool metric_value(const struct slo *slo, const struct histogram *h, double *value)
{
    switch (slo->statistic) {
    case SLO_MEAN:
        *value = histogram_mean(h);
        break;
    case SLO_LEAST:
        *value = (double)h->least;
        break;
    case SLO_MOST:
        *value = (double)h->most;
        break;
    case SLO_PERCENTILE:
        *value = (double)histogram_percentile(h, slo->percent);
        break;
    case SLO_COUNT:
        *value = (double)h->count;
        return true;
    }
    return h->count > 0;
}

/* How many there were of what is not a metric. */
static double total(enum slo_quantity quantity, const struct metrics *m)
{
    switch (quantity) {
    case SLO_ERRORS:
        return (double)(m->requests - m->answered);
    case SLO_GOODPUT:
        return (double)m->good;
    case SLO_RATE:
        return (double)m->ended;
    case SLO_TOKENS:
        return (double)m->ended_tokens;
    case SLO_REQUESTS:
        return (double)m->requests;
    case SLO_BYTES:
        return (double)m->ended_bytes;
    case SLO_CHECKS:
        return (double)(m->checked - m->failures[FAILURE_CHECK]);
    case SLO_METRIC:
    case SLO_QUANTITY_COUNT:
        break;
    }
    return 0;
}

bool slo_value(const struct slo *slo, const struct load_outcome *outcome, double *value)
{
    const struct metrics *m = &outcome->metrics;
    if (slo->quantity == SLO_METRIC)
        return metric_value(slo, &m->histograms[slo->metric], value);
    uint64_t all = slo->quantity == SLO_CHECKS ? m->checked : m->requests;
    double of = slo_is_share(slo) ? (double)all : (double)outcome->measured / (double)NS_PER_S;
    *value = total(slo->quantity, m);
    if (slo->statistic == SLO_COUNT)
        return true;
    if (of <= 0)
        return false;
    *value /= of;
    return true;
}

bool slo_holds(const struct slo *slo, const struct load_outcome *outcome)
{
    double value = 0;
    if (!slo_value(slo, outcome, &value))
        return false;
    switch (slo->comparison) {
    case SLO_LT:
        return value < slo->bound;
    case SLO_LE:
        return value <= slo->bound;
    case SLO_GT:
        return value > slo->bound;
    case SLO_GE:
        return value >= slo->bound;
    case SLO_EQ:
        return !(value < slo->bound || value > slo->bound);
    case SLO_NE:
        return value < slo->bound || value > slo->bound;
    }
    return false;
}
