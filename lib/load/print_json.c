/*
 * The same for programs. Times are whole nanoseconds under names that end with _ns.
 */
#include "core/clock.h"
#include "load/hdr.h"
#include "load/print.h"

static void set_number(json_t *object, const char *name, bool time, double value)
{
    json_object_set_new(object, name, time ? json_integer((json_int_t)value) : json_real(value));
}

static json_t *histogram_json(struct arena *arena, enum metric metric, const struct histogram *h)
{
    static const struct {
        const char *name;
        double percent;
    } percents[] = {{"p50", 50}, {"p75", 75},     {"p90", 90},      {"p95", 95},
                    {"p99", 99}, {"p99.9", 99.9}, {"p99.99", 99.99}};
    bool time = metric_kinds[metric].time;
    json_t *out = json_pack("{s:s, s:s, s:I}", "definition", metric_kinds[metric].definition,
                            "unit", time ? "ns" : "1", "count", (json_int_t)h->count);
    set_number(out, "mean", false, histogram_mean(h));
    set_number(out, "deviation", false, histogram_deviation(h));
    set_number(out, "min", true, (double)h->least);
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++)
        set_number(out, percents[i].name, true,
                   (double)histogram_percentile(h, percents[i].percent));
    set_number(out, "max", true, (double)h->most);
    struct text encoded = text_in(arena);
    hdr_encode(&encoded, h);
    json_object_set_new(out, "histogram", json_stringn(encoded.data, encoded.len));
    return out;
}

json_t *print_plan_json(const struct load_plan *plan)
{
    json_t *out = json_pack("{s:s, s:s, s:b, s:I, s:I, s:I}", "url", plan->target->url, "api",
                            target_api_names[plan->target->api], "stream", plan->target->stream,
                            "warmup_ns", (json_int_t)plan->warmup, "duration_ns",
                            (json_int_t)plan->duration, "threads", (json_int_t)plan->threads);
    json_object_set_new(out, "seed", json_integer((json_int_t)plan->seed));
    if (plan->inputs)
        json_object_set_new(out, "inputs", json_string(plan->inputs));
    if (plan->target->http2) {
        json_object_set_new(out, "http2", json_true());
        json_object_set_new(out, "streams", json_integer((json_int_t)plan->streams));
    }
    if (plan->target->tls.insecure)
        json_object_set_new(out, "insecure", json_true());
    if (!plan->stages) {
        json_object_set_new(out, "concurrency", json_integer(plan->users));
        return out;
    }
    static const char *const names[] = {
#define X(code, name, help) name,
        ARRIVAL_TABLE(X)
#undef X
    };
    json_object_set_new(out, "arrivals", json_string(names[plan->arrivals]));
    if (plan->arrivals == ARRIVAL_GAMMA)
        json_object_set_new(out, "shape", json_real(plan->shape));
    json_object_set_new(out, "connections", json_integer(plan->connections));
    json_t *stages = json_array();
    for (size_t i = 0; i < plan->stage_count; i++)
        json_array_append_new(stages,
                              json_pack("{s:f, s:f, s:f}", "duration_s", plan->stages[i].duration,
                                        "from", plan->stages[i].from, "to", plan->stages[i].to));
    json_object_set_new(out, "stages", stages);
    return out;
}

json_t *print_failures_json(const uint64_t failures[FAILURE_COUNT])
{
    json_t *out = json_object();
    for (int i = 1; i < FAILURE_COUNT; i++)
        if (failures[i])
            json_object_set_new(out, failure_kinds[i].name, json_integer((json_int_t)failures[i]));
    return out;
}

static json_t *failures_json(const struct metrics *m)
{
    json_t *out = json_object();
    for (int i = 1; i < FAILURE_COUNT; i++) {
        if (!m->failures[i])
            continue;
        json_t *one = json_pack("{s:I, s:s, s:s}", "count", (json_int_t)m->failures[i], "meaning",
                                failure_kinds[i].meaning, "remedy", failure_kinds[i].remedy);
        json_t *example = json_string(m->examples[i]); /* NULL when it is not UTF-8 */
        if (example)
            json_object_set_new(one, "example", example);
        json_object_set_new(out, failure_kinds[i].name, one);
    }
    return out;
}

static json_t *objectives_json(const struct load_report *r)
{
    json_t *out = json_array();
    for (size_t i = 0; i < r->slo_count; i++) {
        double value = 0;
        bool seen = slo_value(&r->slos[i], r->outcome, &value);
        json_t *one = json_pack("{s:s, s:b}", "objective", r->slos[i].text, "holds",
                                slo_holds(&r->slos[i], r->outcome));
        json_object_set_new(one, "value", seen ? json_real(value) : json_null());
        json_array_append_new(out, one);
    }
    return out;
}

/* What was spoken with the service. */
static json_t *protocol_json(const struct load_report *r)
{
    const struct tls_seen *tls = &r->outcome->tls;
    json_t *out = json_pack("{s:s}", "http", r->plan->target->http2 ? "2" : "1.1");
    uint32_t allowed = r->outcome->streams, streams = r->plan->streams;
    if (r->plan->target->http2)
        json_object_set_new(out, "streams",
                            json_integer(allowed && allowed < streams ? allowed : streams));
    if (!r->plan->target->secure)
        return out;
    json_object_set_new(out, "tls",
                        json_pack("{s:s, s:s, s:I, s:I, s:b, s:s}", "version", tls->version,
                                  "cipher", tls->cipher, "handshakes", (json_int_t)tls->handshakes,
                                  "resumed", (json_int_t)tls->resumed, "certificate_checked",
                                  !r->plan->target->tls.insecure, "stamps",
                                  "of the segment that completed a TLS record"));
    return out;
}

static json_t *own_json(const struct load_report *r)
{
    const struct load_outcome *o = r->outcome;
    return json_pack("{s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:I}", "processor_share", o->processor,
                     "waiting_share", o->waiting, "processor_s", o->processor_time, "reads",
                     (json_int_t)o->metrics.reads, "reads_without_stamp",
                     (json_int_t)o->metrics.unstamped, "clock_steps", (json_int_t)o->clock_steps,
                     "connections_made", (json_int_t)o->connections, "believed_ns",
                     (json_int_t)r->belief->usual);
}

json_t *print_json(const struct load_report *r)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    const struct load_outcome *o = r->outcome;
    const struct metrics *m = &o->metrics;
    double measured = (double)o->measured / (double)NS_PER_S;
    json_t *reasons = json_array(), *metrics = json_object();
    for (size_t i = 0; i < r->judgement->reason_count; i++)
        json_array_append_new(reasons, json_string(r->judgement->reasons[i]));
    for (int i = 0; i < METRIC_COUNT; i++)
        if (m->histograms[i].count > 0)
            json_object_set_new(metrics, metric_kinds[i].name,
                                histogram_json(arena, (enum metric)i, &m->histograms[i]));
    json_t *out =
        json_pack("{s:s, s:o, s:o, s:f, s:b, s:I, s:I, s:I, s:I}", "verdict",
                  verdict_words[r->judgement->verdict].name, "reasons", reasons, "plan",
                  print_plan_json(r->plan), "measured_s", measured, "stopped", o->stopped,
                  "requests", (json_int_t)m->requests, "answered", (json_int_t)m->answered, "good",
                  (json_int_t)m->good, "waited", (json_int_t)m->waited);
    if (m->conversations || m->conversations_failed)
        json_object_set_new(out, "conversations",
                            json_pack("{s:I, s:I}", "complete", (json_int_t)m->conversations,
                                      "failed", (json_int_t)m->conversations_failed));
    if (m->told_to_wait)
        json_object_set_new(out, "told_to_wait",
                            json_pack("{s:I, s:I}", "answers", (json_int_t)m->told_to_wait,
                                      "longest_s", (json_int_t)m->longest_wait));
    if (r->run)
        json_object_set_new(out, "run", json_string(r->run));
    set_number(out, "answers_per_s", false, measured > 0 ? (double)m->ended / measured : 0);
    set_number(out, "tokens_per_s", false, measured > 0 ? (double)m->ended_tokens / measured : 0);
    set_number(out, "bytes_per_s", false, measured > 0 ? (double)m->ended_bytes / measured : 0);
    json_object_set_new(out, "events_read_together", json_integer((json_int_t)m->together));
    json_object_set_new(out, "metrics", metrics);
    json_object_set_new(out, "errors", failures_json(m));
    json_object_set_new(out, "objectives", objectives_json(r));
    if (r->plan->as)
        json_object_set_new(out, "as", as_json(r->plan->as, o->measured));
    if (r->judgement->aborted_by)
        json_object_set_new(out, "aborted_by", json_string(r->judgement->aborted_by->text));
    json_object_set_new(out, "protocol", protocol_json(r));
    json_object_set_new(out, "generator", own_json(r));
    json_object_set_new(out, "seconds", print_rows_json(r));
    return out;
}
