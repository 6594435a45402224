/*
 * Text for people: numbers right-aligned in columns, every unit beside its number.
 */
#include "load/print_parts.h"

#include <math.h>
#include <stdio.h>

#include "core/clock.h"
#include "core/parse.h"

void print_cell(struct text *t, const char *content, size_t width)
{
    size_t shown = utf8_length(slice_str(content));
    for (; shown < width; shown++)
        text_add_byte(t, ' ');
    text_add_str(t, content);
}

void print_time(struct text *t, int64_t value, size_t width)
{
    char shown[DURATION_TEXT];
    print_cell(t, format_duration(shown, value), width);
}

const char *format_count(char out[COUNT_TEXT], double value)
{
    static const char *const units[] = {"", " k", " M", " G"};
    size_t unit = 0;
    while (value >= 99999.5 && unit < 3) {
        value /= 1000;
        unit++;
    }
    int decimals = value >= 100 || value == floor(value) ? 0 : value >= 10 ? 1 : 2;
    snprintf(out, COUNT_TEXT, "%.*f%s", decimals, value, units[unit]);
    return out;
}

void print_count(struct text *t, double value, size_t width)
{
    char shown[COUNT_TEXT];
    print_cell(t, format_count(shown, value), width);
}

/* ------------------------------------------------------------------ before and meanwhile */

static const char *const arrival_names[] = {
#define X(code, name, help) name,
    ARRIVAL_TABLE(X)
#undef X
};

static void add_rates(struct text *t, const struct load_plan *plan)
{
    const struct arrival_stage *first = &plan->stages[0],
                               *last = &plan->stages[plan->stage_count - 1];
    if (first->from == last->to)
        text_printf(t, "%g requests/s, %s", first->from, arrival_names[plan->arrivals]);
    else
        text_printf(t, "%g to %g requests/s, %s", first->from, last->to,
                    arrival_names[plan->arrivals]);
    if (plan->arrivals == ARRIVAL_GAMMA)
        text_printf(t, " %g", plan->shape);
}

void print_plan(struct text *t, const struct load_plan *plan)
{
    char time[DURATION_TEXT], bytes[COUNT_TEXT];
    text_printf(t, "%s as %s%s: ", plan->target->url, target_api_names[plan->target->api],
                plan->target->stream ? ", streamed" : "");
    if (plan->stages)
        add_rates(t, plan);
    else
        text_printf(t, "%u user%s again when answered", plan->users,
                    plan->users == 1 ? " who asks" : "s, each of whom asks");
    text_printf(t, ", for %s", format_duration(time, plan->duration));
    if (plan->warmup)
        text_printf(t, " after %s of warm-up", format_duration(time, plan->warmup));
    if (plan->stages)
        text_printf(t, "; at most %u connections", plan->connections);
    if (plan->target->http2)
        text_printf(t, "; HTTP/2, up to %u streams a connection", plan->streams);
    if (plan->stages || plan->inputs)
        text_printf(t, ", seed %llu", (unsigned long long)plan->seed);
    text_printf(t, "; %u thread%s\n", plan->threads, plan->threads == 1 ? "" : "s");
    if (!plan->inputs)
        return;
    text_printf(t, "asking %s", plan->inputs);
    if (plan->stock && plan->stock->count > 1)
        text_printf(t, ": %u different requests, %s bytes in all", plan->stock->count,
                    format_count(bytes, (double)plan->stock->bytes));
    text_add_byte(t, '\n');
}

void print_columns(struct text *t, bool stream)
{
    text_printf(t, "%8s%11s%9s%11s%11s%11s%11s", "time", "answers/s", "errors", "in flight", "p50",
                "p99", "max");
    if (stream)
        text_printf(t, "%11s%11s%11s", "ttft p50", "ttft p99", "tokens/s");
    text_printf(t, "%11s\n", "lag");
}

/* A time of a second; of a second that has none, no time. */
static void add_time(struct text *t, uint64_t count, int64_t value)
{
    if (count > 0)
        print_time(t, value, 11);
    else
        print_cell(t, "-", 11);
}

void print_second(struct text *t, const struct load_second *s, bool stream, int64_t at,
                  int64_t span, bool warming)
{
    text_printf(t, "%6.1f s", (double)at / (double)NS_PER_S);
    print_count(t, round(metrics_per_second(s->answered, span)), 11);
    print_count(t, (double)s->failed, 9);
    print_count(t, (double)s->busy, 11);
    add_time(t, s->latency.count, histogram_percentile(&s->latency, 50));
    add_time(t, s->latency.count, histogram_percentile(&s->latency, 99));
    add_time(t, s->latency.count, s->latency.most);
    if (stream) {
        add_time(t, s->ttft.count, histogram_percentile(&s->ttft, 50));
        add_time(t, s->ttft.count, histogram_percentile(&s->ttft, 99));
        print_count(t, round(metrics_per_second(s->tokens, span)), 11);
    }
    add_time(t, s->lags, s->lags ? s->lag_sum / (int64_t)s->lags : 0);
    text_add_str(t, warming ? "  warm-up\n" : "\n");
}

/* ------------------------------------------------------------------ afterwards */

void print_value(struct text *t, bool time, double value, size_t width)
{
    if (time)
        print_time(t, (int64_t)llround(value), width);
    else
        print_count(t, value, width);
}

static void add_metric(struct text *t, enum metric metric, const struct histogram *h)
{
    static const double percents[] = {50, 90, 99, 99.9};
    bool time = metric_kinds[metric].time;
    if (h->count == 0)
        return;
    text_printf(t, "  %-15s", metric_kinds[metric].name);
    print_count(t, (double)h->count, 9);
    print_value(t, time, histogram_mean(h), 11);
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++)
        print_value(t, time, (double)histogram_percentile(h, percents[i]), 11);
    print_value(t, time, (double)h->most, 11);
    text_add_byte(t, '\n');
}

static void add_table(struct text *t, const struct metrics *m)
{
    text_printf(t, "  %-15s%9s%11s%11s%11s%11s%11s%11s\n", "", "count", "mean", "p50", "p90", "p99",
                "p99.9", "max");
    for (int i = 0; i < METRIC_COUNT; i++)
        add_metric(t, (enum metric)i, &m->histograms[i]);
}

static void add_throughput(struct text *t, const struct load_report *r)
{
    const struct load_outcome *o = r->outcome;
    const struct metrics *m = &o->metrics;
    char shown[COUNT_TEXT], time[DURATION_TEXT];
    text_printf(t, "%s answers/s", format_count(shown, metrics_per_second(m->ended, o->measured)));
    if (r->plan->target->stream)
        text_printf(t, ", %s tokens/s",
                    format_count(shown, metrics_per_second(m->ended_tokens, o->measured)));
    text_printf(t, ", %s bytes/s, in %s",
                format_count(shown, metrics_per_second(m->ended_bytes, o->measured)),
                format_duration(time, o->measured));
    text_printf(t, "; %llu of %llu requests answered well (%.4g %%)\n",
                (unsigned long long)m->answered, (unsigned long long)m->requests,
                m->requests ? 100 * (double)m->answered / (double)m->requests : 0);
}

static void add_failures(struct text *t, const struct metrics *m)
{
    if (m->requests == m->answered)
        return;
    text_add_str(t, "\nErrors\n");
    for (int i = 1; i < FAILURE_COUNT; i++) {
        const struct failure_kind *kind = &failure_kinds[i];
        if (!m->failures[i])
            continue;
        text_printf(t, "  %-18s%9llu  %s\n", kind->name, (unsigned long long)m->failures[i],
                    kind->meaning);
        text_printf(t, "  %29s%s\n", "", kind->remedy);
        if (*m->examples[i]) {
            struct slice shown = text_shown(t->arena, slice_str(m->examples[i]), FAILURE_EXAMPLE);
            text_printf(t, "  %29sexample: %.*s\n", "", SLICE_ARG(shown));
        }
    }
}

static void add_protocol(struct text *t, const struct load_report *r)
{
    const struct target *target = r->plan->target;
    const struct tls_seen *tls = &r->outcome->tls;
    const char *http = target->http2 ? "HTTP/2" : "HTTP/1.1";
    if (r->outcome->streams && r->outcome->streams < r->plan->streams)
        text_printf(t, "  The service allows %u streams at a time on a connection.\n",
                    r->outcome->streams);
    if (!target->secure)
        return;
    if (*tls->version)
        text_printf(t,
                    "  %s in %s, %s: %u handshakes, of which %u resumed a session. Stamps are "
                    "of the segment that completed a TLS record.\n",
                    http, tls->version, tls->cipher, tls->handshakes, tls->resumed);
    if (target->tls.insecure)
        text_add_str(t, "  Any certificate was taken (--insecure): who answered is not known.\n");
}

static void add_notes(struct text *t, const struct load_report *r)
{
    const struct metrics *m = &r->outcome->metrics;
    const struct histogram *gaps = &m->histograms[METRIC_ITL];
    if (m->waited)
        text_printf(t,
                    "  %llu requests waited because all %u connections were in use; their latency "
                    "counts from when they should have started\n",
                    (unsigned long long)m->waited, r->plan->connections);
    if (m->together)
        text_printf(
            t, "  %.3g %% of gaps are between events that came in one read and share its stamp\n",
            100 * (double)m->together / (double)gaps->count);
    if (r->plan->target->stream && m->answered > m->counted)
        text_printf(t,
                    "  of %llu answers the service did not count tokens; events with text are "
                    "counted instead\n",
                    (unsigned long long)(m->answered - m->counted));
    if (m->conversations || m->conversations_failed)
        text_printf(t, "  %llu conversations came to their end, %llu ended before, by a failure\n",
                    (unsigned long long)m->conversations,
                    (unsigned long long)m->conversations_failed);
    if (m->checked + m->unchecked)
        text_printf(
            t, "  %llu answers were checked, %llu as expected%s\n", (unsigned long long)m->checked,
            (unsigned long long)(m->checked - m->failures[FAILURE_CHECK]),
            m->unchecked ? arena_printf(t->arena, "; %llu more were drawn and came too fast to be",
                                        (unsigned long long)m->unchecked)
                         : "");
    if (m->told_to_wait)
        text_printf(
            t,
            "  %llu refusals said when to come again (Retry-After), at most in %llu s; a load "
            "does not wait\n",
            (unsigned long long)m->told_to_wait, (unsigned long long)m->longest_wait);
    if (m->several)
        text_printf(t, "  %llu answers had several choices; their gaps are between events of all\n",
                    (unsigned long long)m->several);
}

void print_objective(struct text *t, const struct slo *slo, const struct load_outcome *outcome)
{
    double value = 0;
    if (!slo_value(slo, outcome, &value))
        text_add_str(t, "nothing of it was seen");
    else if (slo_is_share(slo))
        text_printf(t, "%.4g %%", 100 * value);
    else
        print_value(t, slo_is_time(slo), value, 0);
}

void print_notes(struct text *t, const struct load_report *r)
{
    add_protocol(t, r);
    add_notes(t, r);
    if (r->plan->as)
        as_print(t, r->plan->as, r->outcome->measured);
}

static void add_objectives(struct text *t, const struct load_report *r, const char *bad,
                           const char *good, const char *plain)
{
    if (!r->slo_count)
        return;
    text_add_str(t, "\nObjectives\n");
    for (size_t i = 0; i < r->slo_count; i++) {
        const struct slo *slo = &r->slos[i];
        bool holds = slo_holds(slo, r->outcome);
        text_printf(t, "  %s%s%s  %s: ", holds ? good : bad, holds ? "holds" : "FAILS", plain,
                    slo->text);
        print_objective(t, slo, r->outcome);
        text_add_byte(t, '\n');
    }
}

const struct verdict_words verdict_words[] = {
    [VERDICT_PASSED] = {"passed", "valid", ""},
    [VERDICT_FAILED] = {"failed", "FAILED", "an objective does not hold"},
    [VERDICT_INVALID] = {"invalid", "INVALID",
                         "these numbers are this program's as much as the service's"},
    [VERDICT_NOTHING] = {"nothing", "NOTHING", "not one good answer came"},
};

static void add_verdict(struct text *t, const struct load_report *r, const char *bad,
                        const char *good, const char *plain)
{
    const struct judgement *j = r->judgement;
    const struct metrics *m = &r->outcome->metrics;
    const struct verdict_words *words = &verdict_words[j->verdict];
    if (j->aborted_by)
        text_printf(t, "\nEnded early, because this did not hold: %s", j->aborted_by->text);
    text_printf(t, "\n%s%s%s%s%s%s\n", j->verdict == VERDICT_PASSED ? good : bad, words->word,
                plain, *words->meaning ? ": " : "", words->meaning,
                r->outcome->stopped && !j->aborted_by ? " (ended before its time)" : "");
    for (size_t i = 0; i < j->reason_count; i++)
        text_printf(t, "  %s\n", j->reasons[i]);
    if (j->verdict == VERDICT_PASSED && !r->slo_count && m->answered < m->requests)
        text_printf(t,
                    "  as a measurement: %.3g %% of requests failed, and no objective forbids it "
                    "(--slo 'errors < 1%%')\n",
                    100 * (double)(m->requests - m->answered) / (double)m->requests);
}

void print_report(struct text *t, const struct load_report *r, bool color)
{
    const char *bad = color ? "\033[1;31m" : "", *good = color ? "\033[32m" : "",
               *plain = color ? "\033[0m" : "";
    text_add_byte(t, '\n');
    add_throughput(t, r);
    add_table(t, &r->outcome->metrics);
    print_notes(t, r);
    add_failures(t, &r->outcome->metrics);
    add_objectives(t, r, bad, good, plain);
    add_verdict(t, r, bad, good, plain);
    if (r->run)
        text_printf(t, "run %s\n", r->run);
}
