/*
 * Writing what is kept, and reading it with the mistrust that a file from elsewhere deserves.
 */
#include "load/keep.h"

#include <math.h>
#include <stdio.h>
#include <strings.h>

#include "core/clock.h"
#include "core/jsontext.h"
#include "core/parse.h"
#include "load/print.h"

/* ------------------------------------------------------------------ histograms */

/* Of what is written: 64 bits hold it. */
#define SUM_MOST 1e19

void keep_histogram(struct text *t, const struct histogram *h)
{
    size_t before = 0;
    if (h->count == 0)
        return;
    text_printf(t, "%lld %lld %.0f", (long long)h->least, (long long)h->most,
                fmin(h->sum, SUM_MOST));
    for (size_t i = 0; i < HISTOGRAM_SIZE; i++) {
        if (h->counts[i] == 0)
            continue;
        text_printf(t, " %zu %llu", i - before, (unsigned long long)h->counts[i]);
        before = i;
    }
}

static struct result next_number(struct slice *rest, uint64_t most, uint64_t *out)
{
    struct slice word = {0};
    ENSURE(slice_split(rest, ' ', &word) && result_ok(parse_unsigned(word, most, out)), ERR_SYNTAX,
           "a histogram has \"%.*s\" where a whole number up to %llu should be", SLICE_ARG(word),
           (unsigned long long)most);
    return RESULT_OK;
}

static struct result read_steps(struct slice rest, struct histogram *out)
{
    uint64_t index = 0, gap = 0, count = 0;
    bool first = true;
    while (rest.data) {
        TRY(next_number(&rest, HISTOGRAM_SIZE, &gap));
        TRY(next_number(&rest, UINT32_MAX * UINT64_C(1000), &count));
        index += gap;
        ENSURE((first || gap > 0) && index < HISTOGRAM_SIZE && count > 0, ERR_SYNTAX,
               "a histogram has a step that cannot be");
        out->counts[index] = count;
        out->count += count;
        first = false;
    }
    ENSURE(!first, ERR_SYNTAX, "a histogram has no values");
    return RESULT_OK;
}

static struct result read_histogram(struct slice text, struct histogram *out)
{
    uint64_t least = 0, most = 0, sum = 0;
    TRY(next_number(&text, INT64_MAX, &least));
    TRY(next_number(&text, INT64_MAX, &most));
    TRY(next_number(&text, UINT64_MAX, &sum));
    TRY(read_steps(text, out));
    ENSURE(least <= most && out->counts[histogram_index((int64_t)least)] > 0 &&
               out->counts[histogram_index((int64_t)most)] > 0,
           ERR_SYNTAX, "a histogram has no values where its least or most is");
    out->least = (int64_t)least;
    out->most = (int64_t)most;
    out->sum = (double)sum;
    return RESULT_OK;
}

struct result keep_read_histogram(struct slice text, struct histogram *out)
{
    histogram_clear(out);
    if (text.len == 0)
        return RESULT_OK;
    struct result r = read_histogram(text, out);
    if (!result_ok(r))
        histogram_clear(out);
    return r;
}

/* ------------------------------------------------------------------ seconds */

json_t *keep_second(const struct load_second *second)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    json_t *out = json_object();
    for (int i = 0; i < SECOND_METRICS; i++) {
        struct text t = text_in(arena);
        keep_histogram(&t, &second->measured[i]);
        if (t.len)
            json_object_set_new(out, metric_kinds[second_metrics[i]].name,
                                json_string(text_str(&t)));
    }
    return out;
}

json_t *keep_failures(const struct load_second *second)
{
    json_t *out = json_object();
    for (int i = 1; i < FAILURE_COUNT; i++)
        if (second->failures[i])
            json_object_set_new(out, failure_kinds[i].name,
                                json_integer((json_int_t)second->failures[i]));
    return out;
}

static int64_t integer_of(const json_t *json, const char *name)
{
    json_int_t value = json_integer_value(json_object_get(json, name));
    return value > 0 ? value : 0;
}

struct result keep_read_second(const json_t *histograms, const json_t *failures,
                               struct load_second *out)
{
    for (int i = 0; i < SECOND_METRICS; i++) {
        const json_t *text = json_object_get(histograms, metric_kinds[second_metrics[i]].name);
        TRY(keep_read_histogram(jsontext_slice(text), &out->measured[i]));
    }
    for (int i = 1; i < FAILURE_COUNT; i++)
        out->failures[i] = (uint64_t)integer_of(failures, failure_kinds[i].name);
    return RESULT_OK;
}

/* ------------------------------------------------------------------ outcome */

/* Every count of struct metrics, which are all uint64_t. */
#define COUNT_TABLE(X)                                                                             \
    X(requests)                                                                                    \
    X(answered)                                                                                    \
    X(checked)                                                                                     \
    X(unchecked)                                                                                   \
    X(good)                                                                                        \
    X(waited)                                                                                      \
    X(together)                                                                                    \
    X(counted)                                                                                     \
    X(several)                                                                                     \
    X(ended)                                                                                       \
    X(ended_tokens)                                                                                \
    X(ended_bytes)                                                                                 \
    X(conversations)                                                                               \
    X(conversations_failed)                                                                        \
    X(told_to_wait)                                                                                \
    X(longest_wait)                                                                                \
    X(lost)                                                                                        \
    X(reads)                                                                                       \
    X(unstamped)                                                                                   \
    X(out_of_order)

static const struct {
    const char *name;
    size_t offset;
} counts[] = {
#define X(name) {#name, offsetof(struct metrics, name)},
    COUNT_TABLE(X)
#undef X
};
_Static_assert(sizeof(struct metrics) - offsetof(struct metrics, requests) ==
                   sizeof(counts) / sizeof(counts[0]) * sizeof(uint64_t),
               "a count that is added to struct metrics is kept too: add it to the table above");

json_t *keep_outcome(const struct load_outcome *o)
{
    json_t *out =
        json_pack("{s:I, s:b, s:f, s:f, s:f, s:I, s:I}", "measured_ns", (json_int_t)o->measured,
                  "stopped", o->stopped, "processor_share", o->processor, "waiting_share",
                  o->waiting, "processor_s", o->processor_time, "connections",
                  (json_int_t)o->connections, "clock_steps", (json_int_t)o->clock_steps);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        json_object_set_new(
            out, counts[i].name,
            json_integer((json_int_t) *
                         (const uint64_t *)((const char *)&o->metrics + counts[i].offset)));
    if (o->streams)
        json_object_set_new(out, "streams", json_integer((json_int_t)o->streams));
    if (*o->tls.version)
        json_object_set_new(out, "tls",
                            json_pack("{s:s, s:s, s:I, s:I}", "version", o->tls.version, "cipher",
                                      o->tls.cipher, "handshakes", (json_int_t)o->tls.handshakes,
                                      "resumed", (json_int_t)o->tls.resumed));
    return out;
}

static double number_of(const json_t *json, const char *name)
{
    double value = json_number_value(json_object_get(json, name));
    return isfinite(value) ? value : 0;
}

static void read_tls(const json_t *json, struct tls_seen *out)
{
    snprintf(out->version, sizeof(out->version), "%.*s",
             SLICE_ARG(jsontext_slice(json_object_get(json, "version"))));
    snprintf(out->cipher, sizeof(out->cipher), "%.*s",
             SLICE_ARG(jsontext_slice(json_object_get(json, "cipher"))));
    out->handshakes = (uint32_t)integer_of(json, "handshakes");
    out->resumed = (uint32_t)integer_of(json, "resumed");
}

void keep_read_outcome(const json_t *json, struct load_outcome *out)
{
    out->streams = (uint32_t)integer_of(json, "streams");
    read_tls(json_object_get(json, "tls"), &out->tls);
    out->measured = integer_of(json, "measured_ns");
    out->stopped = json_is_true(json_object_get(json, "stopped"));
    out->processor = number_of(json, "processor_share");
    out->waiting = number_of(json, "waiting_share");
    out->processor_time = number_of(json, "processor_s");
    out->connections = (uint32_t)integer_of(json, "connections");
    out->clock_steps = (uint32_t)integer_of(json, "clock_steps");
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        *(uint64_t *)((char *)&out->metrics + counts[i].offset) =
            (uint64_t)integer_of(json, counts[i].name);
}

/* ------------------------------------------------------------------ plan */

static int find_word(const json_t *json, const char *name, const char *const *words)
{
    struct slice word = jsontext_slice(json_object_get(json, name));
    for (int i = 0; words[i]; i++)
        if (slice_is(word, words[i]))
            return i;
    return -1;
}

static struct result read_schedule(struct arena *arena, const json_t *json, struct load_plan *plan)
{
    static const char *const names[] = {
#define X(code, name, help) name,
        ARRIVAL_TABLE(X)
#undef X
            NULL};
    const json_t *stages = json_object_get(json, "stages");
    int arrivals = find_word(json, "arrivals", names);
    size_t count = json_array_size(stages);
    ENSURE(arrivals >= 0 && count > 0, ERR_VALUE, "the plan of a load has no schedule");
    struct arrival_stage *all = ARENA_ARRAY(arena, struct arrival_stage, count);
    for (size_t i = 0; i < count; i++) {
        const json_t *stage = json_array_get(stages, i);
        all[i] = (struct arrival_stage){number_of(stage, "duration_s"), number_of(stage, "from"),
                                        number_of(stage, "to")};
    }
    plan->arrivals = (enum arrival_kind)arrivals;
    plan->shape = number_of(json, "shape");
    plan->stages = all;
    plan->stage_count = count;
    return RESULT_OK;
}

struct result keep_read_plan(struct arena *arena, const json_t *json, struct target *target,
                             struct load_plan *plan)
{
    int api = find_word(json, "api", target_api_names);
    ENSURE(api >= 0, ERR_VALUE, "the plan of a load does not say which API");
    *target = (struct target){
        .api = (enum target_api)api,
        .stream = json_is_true(json_object_get(json, "stream")),
        .url = arena_string(arena, jsontext_slice(json_object_get(json, "url"))),
        .http2 = json_is_true(json_object_get(json, "http2")),
        .tls.insecure = json_is_true(json_object_get(json, "insecure")),
    };
    target->secure = strncasecmp(target->url, "https://", 8) == 0;
    const json_t *inputs = json_object_get(json, "inputs");
    *plan = (struct load_plan){
        .target = target,
        .inputs = inputs ? arena_string(arena, jsontext_slice(inputs)) : NULL,
        .seed = (uint64_t)json_integer_value(json_object_get(json, "seed")),
        .users = (uint32_t)integer_of(json, "concurrency"),
        .connections = (uint32_t)integer_of(json, "connections"),
        .streams = (uint32_t)integer_of(json, "streams"),
        .threads = (uint32_t)integer_of(json, "threads"),
        .warmup = integer_of(json, "warmup_ns"),
        .duration = integer_of(json, "duration_ns"),
    };
    return json_object_get(json, "stages") ? read_schedule(arena, json, plan) : RESULT_OK;
}
