/*
 * Points of sweeps and searches.
 */
#include "load/curve.h"

#include <math.h>

#include "core/clock.h"
#include "load/print_parts.h"

/* Fewer points have no knee. */
#define KNEE_POINTS 3

static struct curve_times times_of(const struct histogram *h)
{
    return (struct curve_times){
        .count = h->count,
        .mean = histogram_mean(h),
        .p50 = histogram_percentile(h, 50),
        .p90 = histogram_percentile(h, 90),
        .p99 = histogram_percentile(h, 99),
        .most = h->most,
    };
}

struct curve_point curve_point_of(const struct search_step *step, enum load_verdict verdict,
                                  const struct load_outcome *o)
{
    const struct metrics *m = &o->metrics;
    struct curve_point p = {
        .step = *step,
        .verdict = verdict,
        .measured = o->measured,
        .requests = m->requests,
        .answered = m->answered,
        .answers_per_s = metrics_per_second(m->ended, o->measured),
        .tokens_per_s = metrics_per_second(m->ended_tokens, o->measured),
    };
    memcpy(p.failures, m->failures, sizeof(p.failures));
    for (int i = 0; i < SECOND_METRICS; i++)
        p.times[i] = times_of(&m->histograms[second_metrics[i]]);
    return p;
}

const struct curve_point *curve_knee(const struct curve *curve)
{
    const struct curve_point *best = NULL;
    double power = 0, greatest = 0;
    size_t believed = 0;
    for (size_t i = 0; i < curve->count; i++) {
        const struct curve_point *p = &curve->points[i];
        const struct curve_times *latency = &p->times[SECOND_LATENCY];
        if (p->step.kind == SEARCH_INVALID || latency->count == 0)
            continue;
        believed++;
        greatest = fmax(greatest, p->step.load);
        if (p->answers_per_s / fmax(latency->mean, 1) > power) {
            power = p->answers_per_s / fmax(latency->mean, 1);
            best = p;
        }
    }
    return believed >= KNEE_POINTS && best && best->step.load < greatest ? best : NULL;
}

const char *curve_word(const struct curve *curve, const struct curve_point *p)
{
    switch (p->step.kind) {
    case SEARCH_INVALID:
        return "INVALID";
    case SEARCH_SATURATED:
        return "saturated";
    case SEARCH_MEASURED:
        break;
    }
    if (p->verdict == VERDICT_NOTHING)
        return "nothing answered";
    if (!curve->slo_count)
        return "";
    return p->step.margin > 0 ? "holds" : "fails";
}

const char *const curve_states[] = {
    [SEARCH_ON] = "interrupted", [SEARCH_FOUND] = "found",         [SEARCH_OPEN] = "at least",
    [SEARCH_NONE] = "none",      [SEARCH_CLIENT] = "client limit", [SEARCH_VAGUE] = "vague",
};

/* ------------------------------------------------------------------ lines for people */

void curve_columns(struct text *t, const struct curve *curve)
{
    text_printf(t, "%12s%8s%12s%9s%11s%11s", curve->users ? "users" : "requests/s", "for",
                "answers/s", "errors", "p50", "p99");
    if (curve->plan->target->stream)
        text_printf(t, "%11s%11s%11s%11s", "tokens/s", "ttft p50", "ttft p99", "itl p99");
    text_add_byte(t, '\n');
}

static void add_time(struct text *t, const struct curve_times *times, int64_t value)
{
    if (times->count > 0)
        print_time(t, value, 11);
    else
        print_cell(t, "-", 11);
}

void curve_line(struct text *t, const struct curve *curve, const struct curve_point *p)
{
    const struct curve_times *latency = &p->times[SECOND_LATENCY], *ttft = &p->times[SECOND_TTFT],
                             *itl = &p->times[SECOND_ITL];
    text_printf(t, "%12.5g", p->step.load);
    print_time(t, p->measured, 8);
    text_printf(t, "%12.5g%9llu", p->answers_per_s,
                (unsigned long long)(p->requests - p->answered));
    add_time(t, latency, latency->p50);
    add_time(t, latency, latency->p99);
    if (curve->plan->target->stream) {
        text_printf(t, "%11.5g", p->tokens_per_s);
        add_time(t, ttft, ttft->p50);
        add_time(t, ttft, ttft->p99);
        add_time(t, itl, itl->p99);
    }
    const char *word = curve_word(curve, p);
    text_printf(t, "%s%s", *word ? "  " : "", word);
    if (p->step.kind == SEARCH_MEASURED && curve->slo_count)
        text_printf(t, " by %.1f standard errors", fabs(p->step.margin));
    text_add_byte(t, '\n');
}

static void add_answer(struct text *t, const struct curve *curve)
{
    const struct search_answer *a = &curve->answer;
    const char *unit = !curve->users ? " requests/s" : a->load == 1 ? " user" : " users";
    switch (a->state) {
    case SEARCH_ON:
        text_add_str(t, "ended before its time\n");
        break;
    case SEARCH_FOUND:
        text_printf(t, "The objectives hold up to %.4g%s (%.4g to %.4g by what the steps say)\n",
                    a->load, unit, a->low, a->high);
        break;
    case SEARCH_OPEN:
        text_printf(t, "The objectives hold at %.4g%s, the most that was to be tried\n", a->load,
                    unit);
        break;
    case SEARCH_NONE:
        text_printf(t, "The objectives do not hold even at %.4g%s\n", a->load, unit);
        break;
    case SEARCH_CLIENT:
        text_printf(t,
                    "The objectives hold at %.4g%s at least; assay could not go further: give it "
                    "more --threads or a processor of its own\n",
                    a->load, unit);
        break;
    case SEARCH_VAGUE:
        text_printf(t,
                    "Not known precisely: about %.4g%s (%.4g to %.4g); give steps a longer "
                    "--duration\n",
                    a->load, unit, a->low, a->high);
        break;
    }
}

void curve_conclusion(struct text *t, const struct curve *curve)
{
    const struct curve_point *knee = curve_knee(curve);
    if (curve->searched)
        add_answer(t, curve);
    else if (curve->interrupted)
        text_add_str(t, "ended before its time\n");
    else if (knee)
        text_printf(t,
                    "The knee is near %.4g %s, where answers/s by mean latency (Kleinrock's power) "
                    "is greatest\n",
                    knee->step.load,
                    !curve->users          ? "requests/s"
                    : knee->step.load == 1 ? "user"
                                           : "users");
    else if (curve->count >= KNEE_POINTS)
        text_add_str(t, "No knee was reached: more load still brought more than it cost\n");
}

/* ------------------------------------------------------------------ reports */

static json_t *point_json(const struct curve *curve, const struct curve_point *p)
{
    json_t *out =
        json_pack("{s:f, s:s, s:f, s:I, s:I, s:f, s:f}", "load", p->step.load, "verdict",
                  curve_word(curve, p), "measured_s", (double)p->measured / (double)NS_PER_S,
                  "requests", (json_int_t)p->requests, "answered", (json_int_t)p->answered,
                  "answers_per_s", p->answers_per_s, "tokens_per_s", p->tokens_per_s);
    if (p->step.kind == SEARCH_MEASURED && curve->slo_count)
        json_object_set_new(out, "margin", json_real(p->step.margin));
    for (int i = 0; i < SECOND_METRICS; i++) {
        const struct curve_times *times = &p->times[i];
        if (times->count > 0)
            json_object_set_new(out, metric_kinds[second_metrics[i]].name,
                                json_pack("{s:I, s:f, s:I, s:I, s:I, s:I}", "count",
                                          (json_int_t)times->count, "mean_ns", times->mean,
                                          "p50_ns", (json_int_t)times->p50, "p90_ns",
                                          (json_int_t)times->p90, "p99_ns", (json_int_t)times->p99,
                                          "max_ns", (json_int_t)times->most));
    }
    json_object_set_new(out, "errors_by_class", print_failures_json(p->failures));
    return out;
}

json_t *curve_json(const struct curve *curve)
{
    const struct curve_point *knee = curve_knee(curve);
    json_t *points = json_array(), *objectives = json_array();
    for (size_t i = 0; i < curve->count; i++)
        json_array_append_new(points, point_json(curve, &curve->points[i]));
    for (size_t i = 0; i < curve->slo_count; i++)
        json_array_append_new(objectives, json_string(curve->slos[i].text));
    json_t *out =
        json_pack("{s:s, s:s, s:o, s:o, s:b}", "of", curve->users ? "concurrency" : "rate", "url",
                  curve->plan->target->url, "objectives", objectives, "points", points, "stopped",
                  curve->interrupted);
    if (knee)
        json_object_set_new(out, "knee", json_real(knee->step.load));
    if (curve->searched)
        json_object_set_new(out, "answer",
                            json_pack("{s:s, s:f, s:f, s:f}", "state",
                                      curve_states[curve->answer.state], "load", curve->answer.load,
                                      "low", curve->answer.low, "high", curve->answer.high));
    return out;
}

void curve_csv(struct text *t, const struct curve *curve)
{
    text_add_str(t, "load,verdict,margin,measured_s,requests,answered,answers_per_s,tokens_per_s");
    for (int i = 0; i < SECOND_METRICS; i++) {
        const char *name = metric_kinds[second_metrics[i]].name;
        text_printf(t, ",%s_mean_ns,%s_p50_ns,%s_p90_ns,%s_p99_ns,%s_max_ns", name, name, name,
                    name, name);
    }
    text_add_byte(t, '\n');
    for (size_t k = 0; k < curve->count; k++) {
        const struct curve_point *p = &curve->points[k];
        text_printf(t, "%.10g,%s,", p->step.load, curve_word(curve, p));
        if (p->step.kind == SEARCH_MEASURED && curve->slo_count)
            text_printf(t, "%.3f", p->step.margin);
        text_printf(t, ",%.3f,%llu,%llu,%.10g,%.10g", (double)p->measured / (double)NS_PER_S,
                    (unsigned long long)p->requests, (unsigned long long)p->answered,
                    p->answers_per_s, p->tokens_per_s);
        for (int i = 0; i < SECOND_METRICS; i++) {
            const struct curve_times *times = &p->times[i];
            if (times->count > 0)
                text_printf(t, ",%.0f,%lld,%lld,%lld,%lld", times->mean, (long long)times->p50,
                            (long long)times->p90, (long long)times->p99, (long long)times->most);
            else
                text_add_str(t, ",,,,,");
        }
        text_add_byte(t, '\n');
    }
}
