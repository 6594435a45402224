/*
 * assay load.
 */
#include "command.h"

static const char *const api_words[] = {"http",  "execute", "chat", "complete",
                                        "embed", "infer",   NULL};

static const char *const as_words[] = {"vllm",           "aiperf",  "guidellm",
                                       "inference-perf", "llmperf", NULL};

#define IN(field) offsetof(struct invocation, load.field)

static const struct option options_scenario[] = {
    {"set", 0, OPTION_LIST, IN(sets), "NAME=VALUE", .heading = "A scenario",
     .help = "Give a variable of the scenario this value. May be given often."},
    {"only", 0, OPTION_TEXT, IN(only), "NAME", .help = "Of the scenario's loads this one."},
    {NULL},
};

static const struct option options_target[] = {
    {"url", 'u', OPTION_TEXT, IN(url), "URL", .heading = "The service",
     .help = "What to load: http://HOST[:PORT]/PATH, or https. A path that ends in /execute, "
             "/chat/completions, /completions, /embeddings or /infer says how its answers are "
             "read, too."},
    {"api", 0, OPTION_TEXT, IN(api), "API", .words = api_words,
     .help = "How answers are read: http (bytes only), execute (the worker's stream), chat, "
             "complete or embed (OpenAI's forms), infer (KServe v2's). Default: by the path."},
    {"stream", 0, OPTION_FLAG, IN(stream), .help = "Ask for an event stream, and time its tokens."},
    {"prompt", 'p', OPTION_TEXT, IN(prompt), "TEXT", .help = "What the model is asked."},
    {"model", 'm', OPTION_TEXT, IN(model), "NAME", .help = "The model asked for (default)."},
    {"extra", 0, OPTION_TEXT, IN(extra), "JSON",
     .help = "More for every body, as in '{\"ignore_eos\": true, \"temperature\": 0}'."},
    {"max-tokens", 0, OPTION_COUNT, IN(max_tokens), "N",
     .help = "Tokens of an answer at most (128)."},
    {"method", 'X', OPTION_TEXT, IN(method), "METHOD",
     .help = "Default: POST with a body, else GET."},
    {"header", 'H', OPTION_LIST, IN(headers), "LINE",
     .help = "A header, as in 'Authorization: Bearer …'. May be given often."},
    {"body", 'd', OPTION_TEXT, IN(body), "TEXT",
     .help = "The body as it is; @PATH sends a file. Default: what the API has for --prompt."},
    {NULL},
};

static const struct option options_cases[] = {
    {"suite", 0, OPTION_TEXT, IN(suite), "PATH", .heading = "Cases of a suite",
     .help = "Ask what the cases of a suite ask, one after the other: those that are one request "
             "(http, execute, chat, complete, embed, infer). They go to --url, or to the suite's "
             "service, which is started."},
    {"case", 0, OPTION_LIST, IN(cases), "ID",
     .help = "Only this case of the suite. May be given often."},
    {"check", 0, OPTION_TEXT, IN(check), "SHARE",
     .help =
         "How many answers the checks of their cases are made of: all, none, or a share such "
         "as 1% (5%). Off the threads that make the load. Each must be as expected, unless --slo "
         "says otherwise of `checks`."},
    {NULL},
};

static const char *const order_words[] = {"file", "shuffled", "random", NULL};

static const struct option options_inputs[] = {
    {"prompts", 0, OPTION_TEXT, IN(prompts), "PATH", .heading = "What is asked",
     .help = "A file of prompts, .jsonl or .csv, a row for each: prompt or messages, and maybe "
             "max_tokens and model."},
    {"order", 0, OPTION_TEXT, IN(order), "ORDER", .words = order_words,
     .help = "Of a file's rows: file (as they stand there), shuffled, or random."},
    {"prompt-tokens", 0, OPTION_TEXT, IN(prompt_tokens), "N",
     .help = "Make prompts up, so many tokens long: 512, uniform:100..1000, normal:512,128, "
             "lognormal:512,400 (mean and standard deviation) or exponential:512."},
    {"output-tokens", 0, OPTION_TEXT, IN(output_tokens), "N",
     .help = "As --max-tokens, varying from request to request as --prompt-tokens does."},
    {"distinct", 0, OPTION_COUNT, IN(distinct), "N",
     .help = "So many different prompts are made up (1000); then they come again."},
    {"system", 0, OPTION_TEXT, IN(system), "TEXT",
     .help = "In front of every prompt; of a chat, the system message."},
    {"shared-prefix", 0, OPTION_COUNT, IN(shared_prefix), "N",
     .help = "So many tokens more in front, the same for all: for a service that caches prefixes."},
    {"turns", 0, OPTION_TEXT, IN(turns), "N",
     .help = "Conversations of so many questions, each sent with all that was said before: 5, "
             "uniform:2..8. Of a file, rows with several questions, or several rows."},
    {"think", 0, OPTION_TEXT, IN(think), "TIME",
     .help = "How long a user thinks between an answer and the next question: 2s, exponential:2s, "
             "lognormal:5s,3s (none)."},
    {"trace", 0, OPTION_TEXT, IN(trace), "PATH",
     .help = "Open loop: requests as they were recorded, .jsonl or .csv, with their times and "
             "lengths; the forms of Mooncake, Azure and BurstGPT are known."},
    {"speed", 0, OPTION_TEXT, IN(speed), "FACTOR",
     .help = "Replay a trace so many times as fast (1)."},
    {"print-schedule", 0, OPTION_TEXT, IN(print_schedule), "PATH", .optional = true, .absent = "-",
     .help = "Send nothing: write when each request would start (ns), which of the prompts it is, "
             "and a hash of its body. Default: standard output."},
    {NULL},
};

static const struct option options_protocol[] = {
    {"http2", 0, OPTION_FLAG, IN(http2), .heading = "Protocols",
     .help = "Speak HTTP/2, many requests at a time on each connection: with https as agreed on "
             "(ALPN), with http by prior knowledge. Default: HTTP/1.1."},
    {"streams", 0, OPTION_COUNT, IN(max_streams), "N",
     .help =
         "With --http2: at most so many requests at a time on a connection (100), and no more than "
         "the service allows."},
    {"cacert", 0, OPTION_TEXT, IN(cacert), "PATH",
     .help = "https: trust the authorities of this PEM file, not the system's."},
    {"insecure", 'k', OPTION_FLAG, IN(insecure),
     .help = "https: take any certificate. The results say so."},
    {"tls-no-resume", 0, OPTION_FLAG, IN(tls_no_resume),
     .help = "https: every connection makes a whole handshake; none resumes a session."},
    {NULL},
};

static const struct option options_load[] = {
    {"rate", 'r', OPTION_TEXT, IN(rate), "RATE", .heading = "When it is asked",
     .help = "Open loop: requests a second that start whatever becomes of the others. 500; a ramp "
             "10..100; steps 100,200,400, each as long as the others."},
    {"concurrency", 'c', OPTION_COUNT, IN(concurrency), "N",
     .help = "Closed loop: so many users, each of whom asks again when answered. Default 1, "
             "without --rate."},
    {"arrivals", 0, OPTION_TEXT, IN(arrivals), "PROCESS",
     .help = "How requests scatter around the rate: poisson (the default: independent of each "
             "other, as many users are), constant, or gamma:SHAPE (below 1: bursts)."},
    {"duration", 't', OPTION_DURATION, IN(duration_ns), "TIME",
     .help = "How long is measured (10s)."},
    {"warmup", 'w', OPTION_DURATION, IN(warmup_ns), "TIME",
     .help = "Load before that, which does not count (none)."},
    {"drain", 0, OPTION_DURATION, IN(drain_ns), "TIME",
     .help = "How long answers under way are waited for after that (10s)."},
    {"timeout", 0, OPTION_DURATION, IN(timeout_ns), "TIME",
     .help = "Time limit of one request (60s)."},
    {"connections", 0, OPTION_COUNT, IN(connections), "N",
     .help = "With --rate: at most so many connections (1024). A request that finds none free "
             "waits, and its latency counts from when it should have started."},
    {"threads", 0, OPTION_COUNT, IN(threads), "N", .help = "Threads that make the load (1)."},
    {"seed", 0, OPTION_TEXT, offsetof(struct invocation, seed), "N",
     .help = "Repeats a schedule to the nanosecond. Default: a fresh one, which is shown."},
    {NULL},
};

static const struct option options_objectives[] = {
    {"slo", 0, OPTION_TEXT, IN(slo), "OBJECTIVES", .heading = "What must hold",
     .help = "What must hold, with commas between: 'ttft p99 < 200ms, itl p99 < 50ms, "
             "errors < 1%'. Metrics with p50, p99.9, mean, min or max; errors, goodput, rate, "
             "tokens without."},
    {"threshold", 0, OPTION_LIST, IN(thresholds), "THRESHOLD",
     .help = "What must hold, as k6 writes it: 'ttft: p(99)<200', 'errors: rate<0.01'. Times are "
             "milliseconds. May be given often."},
    {"abort", 0, OPTION_LIST, IN(aborts), "THRESHOLD",
     .help = "A threshold that ends the run as soon as it does not hold: 'errors: rate<0.1 after "
             "5s' is first looked at after five measured seconds. Exit status 1 then."},
    {"search", 0, OPTION_TEXT, IN(search), "LOAD",
     .help = "Search for the greatest load that holds --slo, in steps of --duration and longer: "
             "rate, concurrency, or within a range, as in rate:10..5000."},
    {"sweep", 0, OPTION_TEXT, IN(sweep), "RANGE/N",
     .help = "Measure N loads, evenly spaced by their ratio: 10..1000/8, concurrency:1..64/7."},
    {"lag", 0, OPTION_DURATION, IN(lag_ns), "TIME",
     .help = "How late 99 % of what assay itself does may be before the run is invalid (1ms)."},
    {NULL},
};

static const struct option options_result[] = {
    {"json", 0, OPTION_TEXT, IN(json), "PATH", .heading = "Results",
     .help = "Write everything as JSON; - is standard output, without tables."},
    {"report", 0, OPTION_LIST, IN(reports), "FORMAT[=PATH]",
     .help = "Write a report: html (a page for people), csv (a row a second), hdr (HdrHistogram's "
             "log), json or markdown. May be given often; - is standard output."},
    {"as", 0, OPTION_TEXT, IN(as), "TOOL", .words = as_words,
     .help = "Also print the figures of another tool, by its own definitions, names and units: "
             "vllm, aiperf, guidellm, inference-perf or llmperf."},
    {"events", 0, OPTION_TEXT, IN(events), "PATH",
     .help = "Write every request with the times of all its events, a line of JSON each."},
    {"from-events", 0, OPTION_TEXT, IN(from_events), "PATH",
     .help = "Load nothing: work the report out again from a file of --events."},
    {"quiet", 'q', OPTION_FLAG, IN(quiet), .help = "No line a second, only the results."},
    {"name", 0, OPTION_TEXT, IN(name), "NAME",
     .help = "What this load is called in the store; loads of one name are compared with each "
             "other. Default: URL, API, load and inputs."},
    {NULL},
};

static const struct example examples[] = {
    {"assay load --url http://127.0.0.1:8080/health --rate 1000 --duration 30s",
     "a thousand requests a second, as independent users make them"},
    {"assay load --url http://127.0.0.1:8080/execute --prompt 'Write a haiku' --rate 20 --warmup "
     "5s",
     "token streams of the worker, timed token by token"},
    {"assay load --url http://127.0.0.1:8000/v1/chat/completions --model m --stream -c 64 "
     "--slo 'ttft p99 < 200ms, itl p99 < 50ms'",
     "64 users of an OpenAI API; exit status 1 when an objective does not hold"},
    {"assay load scenario.yaml --only steady --duration 1m",
     "a load as a file says it, with the services it needs, but longer"},
    {"assay load --suite suite.yaml --rate 50 --check all --slo 'checks > 99%'",
     "what the cases of a suite ask, and their checks made of every answer"},
    {"assay load --url http://127.0.0.1:8080/ --rate 100..2000 --duration 2m --json ramp.json",
     "where does it bend? a rate that grows, a row a second in ramp.json"},
    {NULL},
};

static int run(struct invocation *in)
{
    if (in->words.count > 1) {
        fprintf(in->streams.err, "assay load: expected one scenario, got %zu\n", in->words.count);
        return 2;
    }
    in->load.scenario = in->words.count ? in->words.items[0] : NULL;
    in->load.streams = in->streams;
    in->load.has_seed = in->selection.has_seed;
    in->load.seed = in->selection.seed;
    in->load.store = in->store;
    in->load.keep = in->retention;
    in->load.arguments = in->typed;
    return assay_load(&in->load);
}

const struct command command_load = {
    .name = "load",
    .words = "[SCENARIO]",
    .line = "Load a service and measure it, in a way that can be believed",
    .text =
        "With --rate, requests start by a schedule, and latencies count from when a request should "
        "have started: a service that stops for a second cannot hide it by keeping the client "
        "waiting. With --concurrency, users wait for their answers, and a slow service is asked "
        "less. Times of answers and tokens are the kernel's receive stamps, so a busy client does "
        "not look like a slow service; how late assay itself was is shown too, and the run is "
        "INVALID, with the reason and exit status 3, when that was too much. Exit status 1: an "
        "objective does not hold; 3: nothing answered, or INVALID. Ctrl-C ends in order, with the "
        "results so far. A scenario is a file (YAML or JSON) that says the same under the same "
        "names, starts the services it needs and may hold several loads; options win over it. "
        "docs/load.md defines every number, docs/load-scenarios.md is about files.",
    .options = (const struct option *const[]){options_target, options_load, options_objectives,
                                              options_inputs, options_cases, options_protocol,
                                              options_scenario, options_result, options_store,
                                              options_kept, options_common, NULL},
    .examples = examples,
    .run = run,
};
