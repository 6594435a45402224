/*
 * The figures of other tools, under their names, in their units and with their percentiles, from
 * what this program measured. Each tool defines what it calls time to first token or inter-token
 * latency in its own way; what is here was read in their sources:
 *
 *   vllm            vllm/benchmarks/lib/endpoint_request_func.py
 * (async_request_openai_chat_completions), vllm/benchmarks/serve.py (calculate_metrics). Every
 * event with a choice counts, one with a role or a finish reason too. ITL: all gaps between these,
 * of all requests. TPOT: (last - first) / (tokens - 1). E2EL ends with the last of these. aiperf
 * src/aiperf/metrics/types/{ttft,ttst,request_latency,inter_token_latency,
 *                   inter_chunk_latency,time_to_first_output_token,output_token_throughput}_metric*.py.
 *                   Events with text, reasoning or a tool call count. A request's latency ends with
 *                   the last of them. ITL: (latency - TTFT) / (tokens - 1) of each request;
 * duration: from the first start to the last such end. guidellm
 * src/guidellm/schemas/request_stats.py, src/guidellm/benchmark/schemas/metrics.py,
 *                   src/guidellm/schemas/statistics.py. The same events count. TPOT: (last - start)
 * / tokens, weighed by tokens; ITL: (last - first) / (tokens - 1), weighed by tokens - 1.
 *                   Percentiles are nearest rank. Rates are of what was done within the measured
 * time; tokens of a request are taken to come evenly from the first to the last. inference-perf
 * inference_perf/reportgen/base.py (summarize_requests), apis/streaming_parser.py. Events with text
 * count, no reasoning. ITL: gaps between tokens, 0 between tokens of one event. TPOT: (last -
 * first) / (tokens - 1); NTPOT: (end - start) / tokens. llmperf         token_benchmark_ray.py
 * (get_token_throughput_latencies, metrics_summary), ray_clients/openai_chat_completions_client.py.
 * Inter-token latency: from the start to the last text by the number of events of any kind, so that
 * the time to the first token is in it.
 *
 * All start the clock when a request is sent. Tokens are those the service counts, else events with
 * text (the tools have a tokenizer then). A run's duration is from the first request sent to the
 * last answer.
 *
 * Workload: a pass over the notes of each request when it is over; half a megabyte a thread.
 */
#ifndef LOAD_AS_H
#define LOAD_AS_H

#include <jansson.h>

#include "core/text.h"
#include "load/flight.h"

enum as_tool { AS_VLLM, AS_AIPERF, AS_GUIDELLM, AS_INFERENCE_PERF, AS_LLMPERF, AS_TOOL_COUNT };

extern const char *const as_tool_names[AS_TOOL_COUNT + 1]; /* ends with NULL */

struct as_tally;

struct as_tally *as_new(enum as_tool tool);
void as_free(struct as_tally *tally); /* NULL is allowed */
enum as_tool as_tool_of(const struct as_tally *tally);

/* A request is over, well or not; the measured time is from `from` to `to`, ns. */
void as_count(struct as_tally *tally, const struct flight *flight, const struct notes *notes,
              int64_t from, int64_t to);

/* Both of one tool. */
void as_merge(struct as_tally *into, const struct as_tally *from);

/* A quantity that a tool shows statistics of. */
struct as_row {
    const char *name, *label; /* for programs and for people */
    int what;                 /* as.c */
    double scale;             /* from what is kept to the tool's unit */
    const char *definition;
};

/* Those of a tool; how many there are. */
size_t as_rows(enum as_tool tool, const struct as_row **rows);

/* All figures, for people and for programs; the caller owns the reference. `measured` is ns. */
void as_print(struct text *t, const struct as_tally *tally, int64_t measured);
json_t *as_json(const struct as_tally *tally, int64_t measured);

#endif
