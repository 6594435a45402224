/*
 * Counters and their text.
 */
#include "metrics.h"

#include "core/clock.h"

static const char *const outcome_names[OUTCOME_COUNT] = {"success", "error", "cancelled",
                                                         "timeout"};

/* From the fastest stub to the longest answer a worker gives. */
static const unsigned bounds_ms[METRICS_BUCKETS] = {1,   2,    5,    10,   20,    50,    100,  200,
                                                    500, 1000, 2000, 5000, 10000, 30000, 60000};

void metrics_duration(struct metrics *m, int64_t nanoseconds)
{
    double ms = (double)nanoseconds / (double)NS_PER_MS;
    size_t i = 0;
    while (i < METRICS_BUCKETS && ms > bounds_ms[i])
        i++;
    m->durations[i]++;
    m->duration_sum_ns += nanoseconds > 0 ? (uint64_t)nanoseconds : 0;
}

void metrics_add(struct metrics *sum, const struct metrics *m)
{
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        sum->requests[i] += m->requests[i];
    sum->tokens_in += m->tokens_in;
    sum->tokens_out += m->tokens_out;
    for (size_t i = 0; i <= METRICS_BUCKETS; i++)
        sum->durations[i] += m->durations[i];
    sum->duration_sum_ns += m->duration_sum_ns;
}

static void describe(struct text *out, const char *name, const char *type, const char *help)
{
    text_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void show_durations(const struct metrics *m, struct text *out)
{
    uint64_t sum = 0;
    describe(out, "worker_inference_duration_ms", "histogram",
             "Milliseconds from the acceptance of a job to its last event.");
    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        sum += m->durations[i];
        text_printf(out, "worker_inference_duration_ms_bucket{le=\"%u\"} %llu\n", bounds_ms[i],
                    (unsigned long long)sum);
    }
    sum += m->durations[METRICS_BUCKETS];
    text_printf(out,
                "worker_inference_duration_ms_bucket{le=\"+Inf\"} %llu\n"
                "worker_inference_duration_ms_sum %.3f\nworker_inference_duration_ms_count %llu\n",
                (unsigned long long)sum, (double)m->duration_sum_ns / (double)NS_PER_MS,
                (unsigned long long)sum);
}

void metrics_show(const struct metrics *m, uint64_t vram_bytes, double uptime_seconds,
                  struct text *out)
{
    describe(out, "worker_vram_bytes", "gauge", "Memory the model and its cache take.");
    text_printf(out, "worker_vram_bytes %llu\n", (unsigned long long)vram_bytes);
    describe(out, "worker_requests_total", "counter", "Requests to /execute by outcome.");
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        text_printf(out, "worker_requests_total{outcome=\"%s\"} %llu\n", outcome_names[i],
                    (unsigned long long)m->requests[i]);
    describe(out, "worker_tokens_in_total", "counter", "Tokens of the prompts of accepted jobs.");
    text_printf(out, "worker_tokens_in_total %llu\n", (unsigned long long)m->tokens_in);
    describe(out, "worker_tokens_generated_total", "counter", "Token events sent.");
    text_printf(out, "worker_tokens_generated_total %llu\n", (unsigned long long)m->tokens_out);
    show_durations(m, out);
    describe(out, "worker_uptime_seconds", "gauge", "Seconds since the worker was started.");
    text_printf(out, "worker_uptime_seconds %.3f\n", uptime_seconds);
}
