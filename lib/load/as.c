/*
 * What each tool makes of a request, and how it shows what it made.
 */
#include "load/as.h"

#include <math.h>
#include <stdio.h>

#include "core/clock.h"
#include "core/memory.h"

const char *const as_tool_names[AS_TOOL_COUNT + 1] = {"vllm", "aiperf", "guidellm",
                                                      "inference-perf", "llmperf"};

/* ------------------------------------------------------------------ values of one kind */

/* The histogram has values to 0.4 %; moments and extremes are exact. */
struct series {
    struct histogram h;
    double weight, mean, squares; /* of deviations from the mean (West, 1979) */
    double least, most;
};

/* Rates are kept in thousandths, to be whole numbers in the histogram. */
#define THOUSANDTHS 1000.0

static void series_add(struct series *s, double value, uint64_t weight)
{
    if (weight == 0)
        return;
    histogram_add_many(&s->h, (int64_t)llround(value), weight);
    double w = (double)weight, from = value - s->mean;
    s->least = s->weight > 0 ? fmin(s->least, value) : value;
    s->most = s->weight > 0 ? fmax(s->most, value) : value;
    s->weight += w;
    s->mean += from * w / s->weight;
    s->squares += w * from * (value - s->mean);
}

static void series_merge(struct series *into, const struct series *from)
{
    if (from->weight <= 0)
        return;
    double apart = from->mean - into->mean, weight = into->weight + from->weight;
    into->least = into->weight > 0 ? fmin(into->least, from->least) : from->least;
    into->most = into->weight > 0 ? fmax(into->most, from->most) : from->most;
    into->squares += from->squares + apart * apart * into->weight * from->weight / weight;
    into->mean += apart * from->weight / weight;
    into->weight = weight;
    histogram_merge(&into->h, &from->h);
}

/* The value of this rank, from 0. */
static double ranked(const struct series *s, uint64_t rank)
{
    if (rank == 0)
        return s->least;
    if (rank + 1 >= s->h.count)
        return s->most;
    /* Half a rank more, so that rounding cannot lead to another one. */
    return (double)histogram_percentile(&s->h, 100 * ((double)rank + 0.5) / (double)s->h.count);
}

/* As NumPy and pandas have it by default: between the values on both sides. */
static double between(const struct series *s, double percent)
{
    double at = percent / 100 * (double)(s->h.count - 1), below = floor(at);
    double low = ranked(s, (uint64_t)below);
    return at > below ? low + (ranked(s, (uint64_t)below + 1) - low) * (at - below) : low;
}

/* ------------------------------------------------------------------ what is added up */

enum what {
    WHAT_FIRST,        /* time to first token */
    WHAT_FIRST_ANSWER, /* … that is no reasoning */
    WHAT_SECOND,       /* from the first to the second */
    WHAT_REQUEST,      /* all of it */
    WHAT_GAP,          /* what the tool calls inter-token latency */
    WHAT_CHUNK_GAP,
    WHAT_PER_TOKEN,
    WHAT_NORMALIZED, /* the whole request by tokens */
    WHAT_DELAY,
    WHAT_SPEED, /* tokens a second of one request, in thousandths */
    WHAT_INPUT,
    WHAT_OUTPUT,
    WHAT_COUNT
};

struct as_tally {
    enum as_tool tool;
    struct series series[WHAT_COUNT];
    uint64_t good, failed;
    uint64_t input, output; /* tokens */
    int64_t first_start, last_end;
    uint64_t ended;      /* within the measured time … */
    double ended_tokens; /* … and tokens that came then */
};

static void tally_clear(struct as_tally *tally)
{
    for (int i = 0; i < WHAT_COUNT; i++)
        histogram_clear(&tally->series[i].h);
    tally->first_start = INT64_MAX;
}

struct as_tally *as_new(enum as_tool tool)
{
    struct as_tally *tally = NEW(struct as_tally);
    tally->tool = tool;
    tally_clear(tally);
    return tally;
}

void as_free(struct as_tally *tally)
{
    mem_free(tally);
}

enum as_tool as_tool_of(const struct as_tally *tally)
{
    return tally->tool;
}

void as_merge(struct as_tally *into, const struct as_tally *from)
{
    for (int i = 0; i < WHAT_COUNT; i++)
        series_merge(&into->series[i], &from->series[i]);
    into->good += from->good;
    into->failed += from->failed;
    into->input += from->input;
    into->output += from->output;
    if (from->first_start < into->first_start)
        into->first_start = from->first_start;
    if (from->last_end > into->last_end)
        into->last_end = from->last_end;
    into->ended += from->ended;
    into->ended_tokens += from->ended_tokens;
}

/* ------------------------------------------------------------------ one request */

/* Those of its events that count for a tool. */
struct heard {
    int64_t first, second, last, first_answer;
    uint32_t count;
};

static bool counts(enum as_tool tool, enum answer_kind kind)
{
    switch (tool) {
    case AS_VLLM:
        return kind == ANSWER_EMPTY || answer_has_token(kind);
    case AS_INFERENCE_PERF:
    case AS_LLMPERF:
        return kind == ANSWER_TEXT;
    default:
        return answer_has_token(kind);
    }
}

static void hear(struct heard *heard, const struct note *note)
{
    if (heard->count == 0)
        heard->first = note->received;
    else if (heard->count == 1)
        heard->second = note->received;
    if (!heard->first_answer && (note->kind == ANSWER_TEXT || note->kind == ANSWER_TOOL))
        heard->first_answer = note->received;
    heard->last = note->received;
    heard->count++;
}

/* Gaps between events that count go to `to` as they are. */
static struct heard hear_all(struct as_tally *tally, const struct notes *notes, enum what to)
{
    struct heard heard = {0};
    for (uint32_t i = 0; notes && i < notes->count; i++) {
        const struct note *note = &notes->items[i];
        if (!counts(tally->tool, note->kind))
            continue;
        if (to < WHAT_COUNT && heard.count > 0)
            series_add(&tally->series[to], (double)(note->received - heard.last), 1);
        hear(&heard, note);
    }
    return heard;
}

static double times(int64_t from, int64_t to)
{
    return (double)(to - from);
}

static void add(struct as_tally *tally, enum what what, double value)
{
    series_add(&tally->series[what], value, 1);
}

static void count_tokens(struct as_tally *tally, const struct flight *f, int64_t output)
{
    tally->good++;
    tally->output += (uint64_t)output;
    add(tally, WHAT_OUTPUT, (double)output);
    if (f->input < 0)
        return;
    tally->input += (uint64_t)f->input;
    add(tally, WHAT_INPUT, (double)f->input);
}

static void vllm(struct as_tally *tally, const struct flight *f, const struct notes *notes)
{
    int64_t tokens = flight_tokens(f);
    struct heard heard = hear_all(tally, notes, WHAT_GAP);
    if (heard.count == 0) { /* no stream */
        add(tally, WHAT_REQUEST, times(f->sent, f->end));
        return;
    }
    add(tally, WHAT_FIRST, times(f->sent, heard.first));
    add(tally, WHAT_REQUEST, times(f->sent, heard.last));
    if (tokens > 1)
        add(tally, WHAT_PER_TOKEN, times(heard.first, heard.last) / (double)(tokens - 1));
}

static void aiperf(struct as_tally *tally, const struct flight *f, const struct notes *notes)
{
    int64_t tokens = flight_tokens(f);
    struct heard heard = hear_all(tally, notes, WHAT_CHUNK_GAP);
    if (heard.count == 0) {
        add(tally, WHAT_REQUEST, times(f->sent, f->end));
        return;
    }
    add(tally, WHAT_FIRST, times(f->sent, heard.first));
    add(tally, WHAT_REQUEST, times(f->sent, heard.last));
    if (heard.first_answer)
        add(tally, WHAT_FIRST_ANSWER, times(f->sent, heard.first_answer));
    if (heard.count > 1)
        add(tally, WHAT_SECOND, times(heard.first, heard.second));
    double gap = tokens > 1 ? times(heard.first, heard.last) / (double)(tokens - 1) : 0;
    if (tokens > 1)
        add(tally, WHAT_GAP, gap);
    if (gap > 0)
        add(tally, WHAT_SPEED, THOUSANDTHS * (double)NS_PER_S / gap);
}

/* Tokens of a request that came within the measured time, when they are taken to come evenly. */
static double tokens_within(const struct heard *heard, double tokens, int64_t from, int64_t to)
{
    if (heard->count <= 1)
        return heard->count && heard->last >= from && heard->last <= to ? tokens : 0;
    double within = heard->first >= from && heard->first <= to && tokens > 0 ? 1 : 0;
    double step = times(heard->first, heard->last) / (double)(heard->count - 1);
    for (uint32_t i = 1; i < heard->count; i++) {
        double at = (double)heard->first + step * i;
        if (at >= (double)from && at <= (double)to)
            within += (tokens - 1) / (double)(heard->count - 1);
    }
    return within;
}

static void guidellm(struct as_tally *tally, const struct flight *f, const struct notes *notes,
                     int64_t from, int64_t to)
{
    int64_t tokens = flight_tokens(f);
    struct heard heard = hear_all(tally, notes, WHAT_COUNT);
    int64_t last = heard.count ? heard.last : f->end;
    add(tally, WHAT_REQUEST, times(f->sent, f->end));
    add(tally, WHAT_FIRST, heard.count ? times(f->sent, heard.first) : 0);
    add(tally, WHAT_FIRST_ANSWER, heard.first_answer ? times(f->sent, heard.first_answer) : 0);
    if (tokens > 0)
        series_add(&tally->series[WHAT_PER_TOKEN], times(f->sent, last) / (double)tokens,
                   (uint64_t)tokens);
    if (tokens > 1)
        series_add(&tally->series[WHAT_GAP],
                   heard.count ? times(heard.first, heard.last) / (double)(tokens - 1) : 0,
                   (uint64_t)(tokens - 1));
    tally->ended += f->end >= from && f->end <= to;
    if (heard.count == 0)
        tally->ended_tokens += f->end >= from && f->end <= to ? (double)tokens : 0;
    else
        tally->ended_tokens += tokens_within(&heard, (double)tokens, from, to);
}

/* Tokens of the i-th event of `count` that has text, of which the service counts `tokens`. */
static int64_t share(int64_t tokens, uint32_t count, uint32_t i)
{
    return tokens / count + (i < tokens % count);
}

/* Gaps between tokens: those of one event come at once. An event of no token is not there. */
static struct heard hear_tokens(struct as_tally *tally, const struct flight *f,
                                const struct notes *notes)
{
    struct heard heard = {0};
    uint32_t i = 0, texts = 0;
    int64_t before = 0;
    for (uint32_t n = 0; notes && n < notes->count; n++)
        texts += notes->items[n].kind == ANSWER_TEXT;
    for (uint32_t n = 0; notes && n < notes->count; n++) {
        const struct note *note = &notes->items[n];
        bool by_event = answer_has_token(note->kind) && note->tokens >= 0;
        int64_t tokens = by_event ? note->tokens - before : 1;
        before = by_event ? note->tokens : before;
        if (note->kind != ANSWER_TEXT)
            continue;
        if (!f->by_event && f->usage >= 0)
            tokens = share(f->usage, texts, i);
        i++;
        if (tokens <= 0)
            continue;
        if (heard.count > 0)
            add(tally, WHAT_GAP, times(heard.last, note->received));
        series_add(&tally->series[WHAT_GAP], 0, (uint64_t)(tokens - 1));
        hear(&heard, note);
        heard.count += (uint32_t)(tokens - 1);
    }
    return heard;
}

static void inference_perf(struct as_tally *tally, const struct flight *f,
                           const struct notes *notes)
{
    int64_t tokens = flight_tokens(f);
    struct heard heard = hear_tokens(tally, f, notes);
    add(tally, WHAT_REQUEST, times(f->sent, f->end));
    add(tally, WHAT_NORMALIZED, tokens > 0 ? times(f->sent, f->end) / (double)tokens : 0);
    if (heard.count <= 1) /* not one that streams, as it takes it */
        return;
    add(tally, WHAT_FIRST, times(f->sent, heard.first));
    if (tokens > 1)
        add(tally, WHAT_PER_TOKEN, times(heard.first, heard.last) / (double)(tokens - 1));
}

static void llmperf(struct as_tally *tally, const struct flight *f, const struct notes *notes)
{
    struct heard heard = hear_all(tally, notes, WHAT_COUNT);
    double tokens = (double)flight_tokens(f), whole = times(f->sent, f->end);
    uint32_t events = 0;
    for (uint32_t i = 0; notes && i < notes->count; i++)
        events += notes->items[i].kind != ANSWER_BYTES && notes->items[i].kind != ANSWER_DONE;
    add(tally, WHAT_FIRST, heard.count ? times(f->sent, heard.first) : 0);
    add(tally, WHAT_REQUEST, whole);
    add(tally, WHAT_GAP,
        heard.count && tokens > 0 ? times(f->sent, heard.last) / (double)events : 0);
    if (whole > 0)
        add(tally, WHAT_SPEED, THOUSANDTHS * tokens / (whole / (double)NS_PER_S));
}

/* The end of a request, as the tool's duration has it. */
static int64_t end_of(const struct as_tally *tally, const struct flight *f,
                      const struct notes *notes)
{
    int64_t end = f->end;
    if (tally->tool != AS_AIPERF)
        return end;
    for (uint32_t i = 0; notes && i < notes->count; i++)
        if (answer_has_token(notes->items[i].kind))
            end = notes->items[i].received;
    return end;
}

static void count_span(struct as_tally *tally, const struct flight *f, const struct notes *notes)
{
    int64_t end = end_of(tally, f, notes);
    if (!f->sent)
        return;
    if (f->sent < tally->first_start)
        tally->first_start = f->sent;
    if (end > tally->last_end)
        tally->last_end = end;
}

void as_count(struct as_tally *tally, const struct flight *f, const struct notes *notes,
              int64_t from, int64_t to)
{
    bool counted = f->measured;
    if (tally->tool == AS_GUIDELLM) /* whatever was under way within the measured time */
        counted = f->sent && f->end >= from && f->sent <= to;
    if (!counted)
        return;
    if (f->sent && tally->tool == AS_INFERENCE_PERF)
        add(tally, WHAT_DELAY, times(f->intended, f->sent));
    if (tally->tool != AS_AIPERF || !f->failure)
        count_span(tally, f, notes);
    if (f->failure) {
        tally->failed++;
        return;
    }
    count_tokens(tally, f, flight_tokens(f));
    switch (tally->tool) {
    case AS_VLLM:
        vllm(tally, f, notes);
        break;
    case AS_AIPERF:
        aiperf(tally, f, notes);
        break;
    case AS_GUIDELLM:
        guidellm(tally, f, notes, from, to);
        break;
    case AS_INFERENCE_PERF:
        inference_perf(tally, f, notes);
        break;
    case AS_LLMPERF:
        llmperf(tally, f, notes);
        break;
    case AS_TOOL_COUNT:
        break;
    }
}

/* ------------------------------------------------------------------ what is shown */

enum statistic { MEAN, LEAST, MOST, DEVIATION, SAMPLE_DEVIATION, BETWEEN, NEAREST };

struct column {
    const char *name;
    enum statistic statistic;
    double percent;
};

#define IN_MS (1.0 / (double)NS_PER_MS)
#define IN_S (1.0 / (double)NS_PER_S)

struct sheet {
    const char *title;
    const struct column *columns;
    size_t column_count;
    const struct as_row *rows;
    size_t row_count;
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const struct column vllm_columns[] = {
    {"mean", MEAN, 0}, {"median", BETWEEN, 50}, {"std", DEVIATION, 0}, {"p99", BETWEEN, 99}};
static const struct as_row vllm_rows[] = {
    {"ttft_ms", "TTFT (ms)", WHAT_FIRST, IN_MS,
     "from sent to the first event with a choice, be it only a role"},
    {"tpot_ms", "TPOT (ms)", WHAT_PER_TOKEN, IN_MS,
     "from the first to the last event with a choice, by tokens - 1"},
    {"itl_ms", "ITL (ms)", WHAT_GAP, IN_MS,
     "each gap between events with a choice, of all requests"},
    {"e2el_ms", "E2EL (ms)", WHAT_REQUEST, IN_MS, "from sent to the last event with a choice"}};

static const struct column aiperf_columns[] = {
    {"avg", MEAN, 0},     {"min", LEAST, 0},    {"max", MOST, 0},     {"p99", BETWEEN, 99},
    {"p90", BETWEEN, 90}, {"p50", BETWEEN, 50}, {"std", DEVIATION, 0}};
static const struct as_row aiperf_rows[] = {
    {"time_to_first_token", "Time to First Token (ms)", WHAT_FIRST, IN_MS,
     "from sent to the first event with text, reasoning or a call of a tool"},
    {"time_to_second_token", "Time to Second Token (ms)", WHAT_SECOND, IN_MS,
     "from that to the second"},
    {"time_to_first_output_token", "Time to First Output Token (ms)", WHAT_FIRST_ANSWER, IN_MS,
     "from sent to the first of them that is no reasoning"},
    {"request_latency", "Request Latency (ms)", WHAT_REQUEST, IN_MS,
     "from sent to the last of them"},
    {"inter_token_latency", "Inter Token Latency (ms)", WHAT_GAP, IN_MS,
     "from the first to the last of them, by tokens - 1"},
    {"inter_chunk_latency", "Inter Chunk Latency (ms)", WHAT_CHUNK_GAP, IN_MS,
     "each gap between them, of all requests"},
    {"output_token_throughput_per_user", "Output Token Throughput Per User (tokens/sec/user)",
     WHAT_SPEED, 1 / THOUSANDTHS, "1 / Inter Token Latency of each request"},
    {"output_sequence_length", "Output Sequence Length (tokens)", WHAT_OUTPUT, 1,
     "tokens of each answer"},
    {"input_sequence_length", "Input Sequence Length (tokens)", WHAT_INPUT, 1,
     "tokens of each prompt"}};

static const struct column guidellm_columns[] = {
    {"mean", MEAN, 0}, {"median", NEAREST, 50}, {"std_dev", DEVIATION, 0}, {"min", LEAST, 0},
    {"max", MOST, 0},  {"p90", NEAREST, 90},    {"p95", NEAREST, 95},      {"p99", NEAREST, 99}};
static const struct as_row guidellm_rows[] = {
    {"request_latency", "Request Latency (s)", WHAT_REQUEST, IN_S,
     "from sent to the end of the answer"},
    {"time_to_first_token_ms", "TTFT (ms)", WHAT_FIRST, IN_MS,
     "from sent to the first event with text, reasoning or a call of a tool"},
    {"time_to_first_output_token_ms", "TTFOT (ms)", WHAT_FIRST_ANSWER, IN_MS,
     "from sent to the first of them that is no reasoning"},
    {"inter_token_latency_ms", "ITL (ms)", WHAT_GAP, IN_MS,
     "from the first to the last of them, by tokens - 1; weighed by tokens - 1"},
    {"time_per_output_token_ms", "TPOT (ms)", WHAT_PER_TOKEN, IN_MS,
     "from sent to the last of them, by tokens; weighed by tokens"},
    {"prompt_token_count", "Input Tokens", WHAT_INPUT, 1, "tokens of each prompt"},
    {"output_token_count", "Output Tokens", WHAT_OUTPUT, 1, "tokens of each answer"}};

static const struct column inference_perf_columns[] = {
    {"mean", MEAN, 0},       {"min", LEAST, 0},       {"max", MOST, 0},     {"p0.1", BETWEEN, 0.1},
    {"p1", BETWEEN, 1},      {"p5", BETWEEN, 5},      {"p10", BETWEEN, 10}, {"p25", BETWEEN, 25},
    {"median", BETWEEN, 50}, {"p75", BETWEEN, 75},    {"p90", BETWEEN, 90}, {"p95", BETWEEN, 95},
    {"p99", BETWEEN, 99},    {"p99.9", BETWEEN, 99.9}};
static const struct as_row inference_perf_rows[] = {
    {"schedule_delay", "schedule_delay (s)", WHAT_DELAY, IN_S,
     "from when a request should have started to when it was sent"},
    {"request_latency", "request_latency (s)", WHAT_REQUEST, IN_S,
     "from sent to the end of the answer"},
    {"normalized_time_per_output_token", "normalized_time_per_output_token (s)", WHAT_NORMALIZED,
     IN_S, "that by tokens"},
    {"time_per_output_token", "time_per_output_token (s)", WHAT_PER_TOKEN, IN_S,
     "from the first to the last event with text, by tokens - 1"},
    {"time_to_first_token", "time_to_first_token (s)", WHAT_FIRST, IN_S,
     "from sent to the first event with text"},
    {"inter_token_latency", "inter_token_latency (s)", WHAT_GAP, IN_S,
     "each gap between tokens of text, 0 between those of one event, of all requests"},
    {"prompt_len", "prompt_tokens", WHAT_INPUT, 1, "tokens of each prompt"},
    {"output_len", "output_tokens", WHAT_OUTPUT, 1, "tokens of each answer"}};

static const struct column llmperf_columns[] = {
    {"p25", BETWEEN, 25}, {"p50", BETWEEN, 50},
    {"p75", BETWEEN, 75}, {"p90", BETWEEN, 90},
    {"p95", BETWEEN, 95}, {"p99", BETWEEN, 99},
    {"mean", MEAN, 0},    {"min", LEAST, 0},
    {"max", MOST, 0},     {"stddev", SAMPLE_DEVIATION, 0}};
static const struct as_row llmperf_rows[] = {
    {"inter_token_latency_s", "inter_token_latency_s", WHAT_GAP, IN_S,
     "from sent to the last event with text, by the number of events of any kind"},
    {"ttft_s", "ttft_s", WHAT_FIRST, IN_S, "from sent to the first event with text"},
    {"end_to_end_latency_s", "end_to_end_latency_s", WHAT_REQUEST, IN_S,
     "from sent to the end of the answer"},
    {"request_output_throughput_token_per_s", "request_output_throughput_token_per_s", WHAT_SPEED,
     1 / THOUSANDTHS, "tokens of each answer by its end-to-end latency"},
    {"number_input_tokens", "number_input_tokens", WHAT_INPUT, 1, "tokens of each prompt"},
    {"number_output_tokens", "number_output_tokens", WHAT_OUTPUT, 1, "tokens of each answer"}};

#define SHEET(title, name)                                                                         \
    {title, name##_columns, LENGTH(name##_columns), name##_rows, LENGTH(name##_rows)}
static const struct sheet sheets[AS_TOOL_COUNT] = {
    [AS_VLLM] = SHEET("vllm bench serve", vllm),
    [AS_AIPERF] = SHEET("aiperf profile", aiperf),
    [AS_GUIDELLM] = SHEET("guidellm benchmark", guidellm),
    [AS_INFERENCE_PERF] = SHEET("inference-perf", inference_perf),
    [AS_LLMPERF] = SHEET("llmperf (token_benchmark_ray.py)", llmperf),
};

size_t as_rows(enum as_tool tool, const struct as_row **rows)
{
    *rows = sheets[tool].rows;
    return sheets[tool].row_count;
}

/* In the series' own unit; NAN where the tool shows nothing. */
static double statistic_of(const struct series *s, const struct column *column)
{
    if (s->weight <= 0)
        return NAN;
    switch (column->statistic) {
    case MEAN:
        return s->mean;
    case LEAST:
        return s->least;
    case MOST:
        return s->most;
    case DEVIATION:
        return sqrt(s->squares / s->weight);
    case SAMPLE_DEVIATION:
        return s->weight > 1 ? sqrt(s->squares / (s->weight - 1)) : NAN;
    case BETWEEN:
        return between(s, column->percent);
    case NEAREST:
        return (double)histogram_percentile(&s->h, column->percent);
    }
    return NAN;
}

/* A figure that is of the whole run. */
struct figure {
    const char *name, *label;
    double value;
};
#define FIGURES 12

struct figures {
    struct figure items[FIGURES];
    size_t count;
};

static void figure(struct figures *figures, const char *name, const char *label, double value)
{
    figures->items[figures->count++] = (struct figure){name, label, value};
}

static struct figures figures_of(const struct as_tally *tally, int64_t measured)
{
    struct figures f = {0};
    double good = (double)tally->good, failed = (double)tally->failed;
    double input = (double)tally->input, output = (double)tally->output;
    double seconds = tally->last_end > tally->first_start
                         ? times(tally->first_start, tally->last_end) * IN_S
                         : NAN;
    double within = measured > 0 ? (double)measured * IN_S : NAN;
    switch (tally->tool) {
    case AS_VLLM:
        figure(&f, "completed", "Successful requests", good);
        figure(&f, "failed", "Failed requests", failed);
        figure(&f, "duration", "Benchmark duration (s)", seconds);
        figure(&f, "total_input_tokens", "Total input tokens", input);
        figure(&f, "total_output_tokens", "Total generated tokens", output);
        figure(&f, "request_throughput", "Request throughput (req/s)", good / seconds);
        figure(&f, "output_throughput", "Output token throughput (tok/s)", output / seconds);
        figure(&f, "total_token_throughput", "Total token throughput (tok/s)",
               (input + output) / seconds);
        break;
    case AS_AIPERF:
        figure(&f, "output_token_throughput", "Output Token Throughput (tokens/sec)",
               output / seconds);
        figure(&f, "request_throughput", "Request Throughput (requests/sec)", good / seconds);
        figure(&f, "request_count", "Request Count (requests)", good);
        figure(&f, "error_request_count", "Error Request Count (requests)", failed);
        figure(&f, "benchmark_duration", "Benchmark Duration (sec)", seconds);
        break;
    case AS_GUIDELLM:
        figure(&f, "successful", "Successful requests", good);
        figure(&f, "errored", "Errored requests", failed);
        figure(&f, "requests_per_second", "Requests/s (mean)", (double)tally->ended / within);
        figure(&f, "output_tokens_per_second", "Output tokens/s (mean)",
               tally->ended_tokens / within);
        break;
    case AS_INFERENCE_PERF:
        figure(&f, "successes", "successes", good);
        figure(&f, "failures", "failures", failed);
        figure(&f, "benchmark_time_seconds", "benchmark_time_seconds", seconds);
        figure(&f, "input_tokens_per_sec", "input_tokens_per_sec", input / seconds);
        figure(&f, "output_tokens_per_sec", "output_tokens_per_sec", output / seconds);
        figure(&f, "total_tokens_per_sec", "total_tokens_per_sec", (input + output) / seconds);
        figure(&f, "requests_per_sec", "requests_per_sec", good / seconds);
        break;
    case AS_LLMPERF:
        figure(&f, "num_requests_started", "num_requests_started", good + failed);
        figure(&f, "number_errors", "number_errors", failed);
        figure(&f, "error_rate", "error_rate", failed / (good + failed));
        figure(&f, "mean_output_throughput_token_per_s", "mean_output_throughput_token_per_s",
               output / seconds);
        figure(&f, "num_completed_requests", "num_completed_requests", good);
        figure(&f, "num_completed_requests_per_min", "num_completed_requests_per_min",
               60 * good / seconds);
        break;
    case AS_TOOL_COUNT:
        break;
    }
    return f;
}

/* Enough digits to be compared with the tool's. */
static void print_value(struct text *t, double value)
{
    if (isnan(value))
        text_printf(t, "%13s", "-");
    else if (value >= 100000)
        text_printf(t, "%13.1f", value);
    else
        text_printf(t, "%13.*f", value >= 100 ? 3 : value >= 1 ? 4 : 6, value);
}

static size_t widest_label(const struct sheet *sheet, const struct figures *figures)
{
    size_t width = 0;
    for (size_t i = 0; i < sheet->row_count; i++)
        width = strlen(sheet->rows[i].label) > width ? strlen(sheet->rows[i].label) : width;
    for (size_t i = 0; i < figures->count; i++)
        width = strlen(figures->items[i].label) > width ? strlen(figures->items[i].label) : width;
    return width;
}

void as_print(struct text *t, const struct as_tally *tally, int64_t measured)
{
    const struct sheet *sheet = &sheets[tally->tool];
    struct figures figures = figures_of(tally, measured);
    int width = (int)widest_label(sheet, &figures);
    text_printf(t, "\nAs %s says it\n", sheet->title);
    for (size_t i = 0; i < figures.count; i++) {
        text_printf(t, "  %-*s", width, figures.items[i].label);
        print_value(t, figures.items[i].value);
        text_add_byte(t, '\n');
    }
    text_printf(t, "  %*s", width, "");
    for (size_t c = 0; c < sheet->column_count; c++)
        text_printf(t, "%13s", sheet->columns[c].name);
    text_add_byte(t, '\n');
    for (size_t i = 0; i < sheet->row_count; i++) {
        const struct as_row *row = &sheet->rows[i];
        if (tally->series[row->what].weight <= 0)
            continue;
        text_printf(t, "  %-*s", width, row->label);
        for (size_t c = 0; c < sheet->column_count; c++)
            print_value(t,
                        row->scale * statistic_of(&tally->series[row->what], &sheet->columns[c]));
        text_add_byte(t, '\n');
    }
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *as_json(const struct as_tally *tally, int64_t measured)
{
    const struct sheet *sheet = &sheets[tally->tool];
    struct figures figures = figures_of(tally, measured);
    json_t *out = json_pack("{s:s}", "tool", as_tool_names[tally->tool]);
    for (size_t i = 0; i < figures.count; i++)
        json_object_set_new(out, figures.items[i].name, number(figures.items[i].value));
    for (size_t i = 0; i < sheet->row_count; i++) {
        const struct as_row *row = &sheet->rows[i];
        const struct series *s = &tally->series[row->what];
        json_t *one = json_object();
        for (size_t c = 0; c < sheet->column_count && s->weight > 0; c++) {
            char flat[64]; /* vLLM's names have the statistic before them: mean_ttft_ms */
            double value = row->scale * statistic_of(s, &sheet->columns[c]);
            snprintf(flat, sizeof(flat), "%s_%s", sheet->columns[c].name, row->name);
            bool is_flat = tally->tool == AS_VLLM;
            json_object_set_new(is_flat ? out : one, is_flat ? flat : sheet->columns[c].name,
                                number(value));
        }
        if (json_object_size(one) > 0)
            json_object_set(out, row->name, one);
        json_decref(one);
    }
    return out;
}
