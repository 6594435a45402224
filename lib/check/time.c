/*
 * Checks of time. A latency counts from when the request should have started (`intended`), so that
 * a late client is not hidden. Percentiles of gaps are by nearest rank: the smallest gap that at
 * least p percent of the gaps do not exceed; nothing is interpolated.
 */
#include <math.h>

#include "check/families.h"
#include "core/text.h"

const struct check_part time_parts[] = {
    {"ttft", OBSERVED_STREAM_TIME},
    {"itl_p50", OBSERVED_STREAM_TIME},
    {"itl_p90", OBSERVED_STREAM_TIME},
    {"itl_p95", OBSERVED_STREAM_TIME},
    {"itl_p99", OBSERVED_STREAM_TIME},
    {"tokens_per_s", OBSERVED_STREAM_TIME | OBSERVED_TOKENS},
    {NULL, 0},
};

static const struct field time_table[] = {
    {"total", &shape_duration_matcher, false, "From the intended start to the end.", "\"<2s\""},
    {"first_byte", &shape_duration_matcher, false,
     "From the intended start to the first byte of the answer.", "\"<100ms\""},
    {"ttft", &shape_duration_matcher, false, "Time to first token, from the intended start.",
     "\"<500ms\""},
    {"itl_p50", &shape_duration_matcher, false, "Inter-token latency, median.", "\"<20ms\""},
    {"itl_p90", &shape_duration_matcher, false, "Inter-token latency, 90th percentile.",
     "\"<30ms\""},
    {"itl_p95", &shape_duration_matcher, false, "Inter-token latency, 95th percentile.",
     "\"<40ms\""},
    {"itl_p99", &shape_duration_matcher, false, "Inter-token latency, 99th percentile.",
     "\"<50ms\""},
    {"tokens_per_s", &shape_number_matcher, false,
     "Tokens after the first, divided by the time from the first token to the last.", "\">=30\""},
    {NULL},
};
static const struct field *const time_fields[] = {time_table, NULL};

const struct shape check_shape_time = {
    .name = "time check", .kind = SHAPE_OBJECT, .fields = time_fields, .check = map_not_empty};

/* ns from the intended start to `moment`; false when it did not happen. */
static bool since_intended(const struct observation *o, int64_t moment, double *out)
{
    *out = (double)(moment - o->intended);
    return moment != 0 && o->intended != 0;
}

static bool gap_percentile(struct observation *o, int percent, double *out)
{
    size_t count;
    const int64_t *gaps = observation_gaps(o, &count);
    if (count == 0)
        return false;
    size_t rank = (count * (size_t)percent + 99) / 100; /* ceil(p/100 × n), from 1 */
    *out = (double)gaps[rank - 1];
    return true;
}

static bool token_rate(const struct observation *o, double *out)
{
    if (o->token_count < 2)
        return false;
    int64_t span = o->tokens[o->token_count - 1].at - o->tokens[0].at;
    *out = (double)(o->token_count - 1) * (double)NS_PER_S / (double)span;
    return span > 0;
}

static bool measure(struct observation *o, struct slice key, double *out)
{
    static const struct {
        const char *name;
        int percent;
    } percentiles[] = {{"itl_p50", 50}, {"itl_p90", 90}, {"itl_p95", 95}, {"itl_p99", 99}};

    if (slice_is(key, "total"))
        return since_intended(o, o->ended, out);
    if (slice_is(key, "first_byte"))
        return since_intended(o, o->first_byte, out);
    if (!(o->seen & OBSERVED_STREAM_TIME))
        return false;
    if (slice_is(key, "ttft"))
        return since_intended(o, o->first_token, out);
    if (slice_is(key, "tokens_per_s"))
        return token_rate(o, out);
    for (size_t i = 0; i < sizeof(percentiles) / sizeof(percentiles[0]); i++)
        if (slice_is(key, percentiles[i].name))
            return gap_percentile(o, percentiles[i].percent, out);
    MUST(false, "time has no \"%.*s\"", SLICE_ARG(key));
}

void check_run_time(struct observation *o, const struct node *expected, struct verdicts *out)
{
    for (size_t i = 0; i < expected->count; i++) {
        struct slice key = expected->entries[i].key;
        double value = NAN;
        bool seen = measure(o, key, &value);
        const char *check = arena_printf(out->arena, "time %.*s", SLICE_ARG(key));
        match_number(out, check, expected->entries[i].value, seen ? value : (double)NAN, check,
                     slice_is(key, "tokens_per_s") ? UNIT_NONE : UNIT_DURATION);
    }
}
