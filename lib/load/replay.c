/*
 * Reading event logs.
 */
#include "load/replay.h"

#include <errno.h>
#include <stdio.h>

#include "core/clock.h"
#include "core/jsontext.h"
#include "core/memory.h"
#include "core/parse.h"
#include "load/eventlog.h"
#include "load/keep.h"

/* Within a load 0 means that something did not happen; a log's times begin here instead. */
#define BEGIN NS_PER_S
#define MOST_TIME ((int64_t)1 << 56) /* two years */

/* A request whose answer has millions of events. */
#define LINE_BYTES ((size_t)256 << 20)

struct replay *replay_new(struct arena *arena)
{
    struct replay *replay = NEW(struct replay);
    replay->arena = arena;
    replay->room = NOTES_BYTES;
    replay->notes = notes_within(&replay->room);
    metrics_clear(&replay->outcome.metrics);
    return replay;
}

void replay_free_pointer(struct replay **replay)
{
    if (*replay)
        notes_free(&(*replay)->notes);
    mem_free(*replay);
}

/* ------------------------------------------------------------------ numbers */

static struct result read_number(const json_t *json, const char *what, int64_t most, int64_t *out)
{
    json_int_t value = json_integer_value(json);
    ENSURE(json_is_integer(json) && value >= 0 && value <= most, ERR_VALUE,
           "%s: expected a whole number from 0 to %lld", what, (long long)most);
    *out = value;
    return RESULT_OK;
}

/* A member that may be absent or null; `*out` stays then. */
static struct result read_member(const json_t *line, const char *name, int64_t most, int64_t *out)
{
    const json_t *json = json_object_get(line, name);
    return json && !json_is_null(json) ? read_number(json, name, most, out) : RESULT_OK;
}

static struct result read_time(const json_t *line, const char *name, int64_t *out)
{
    int64_t at = -1;
    TRY(read_member(line, name, MOST_TIME, &at));
    if (at >= 0)
        *out = BEGIN + at;
    return RESULT_OK;
}

/* ------------------------------------------------------------------ a request */

static struct result read_failure(const json_t *line, struct flight *f)
{
    const json_t *json = json_object_get(line, "failure");
    if (!json || json_is_null(json))
        return RESULT_OK;
    for (int i = 1; i < FAILURE_COUNT; i++)
        if (slice_is(jsontext_slice(json), failure_kinds[i].name))
            f->failure = (enum failure)i;
    ENSURE(f->failure, ERR_VALUE, "failure: there is no class \"%.*s\"",
           SLICE_ARG(jsontext_slice(json)));
    return RESULT_OK;
}

static struct result read_flight(const json_t *line, struct flight *f)
{
    int64_t status = 0, bytes = 0, number = 0, turn = 0;
    *f = (struct flight){.usage = -1, .input = -1};
    TRY(read_time(line, "intended", &f->intended));
    TRY(read_time(line, "could", &f->could));
    TRY(read_time(line, "started", &f->started));
    TRY(read_time(line, "connected", &f->connected));
    TRY(read_time(line, "secured", &f->secured));
    TRY(read_time(line, "sent", &f->sent));
    TRY(read_time(line, "first_byte", &f->first_byte));
    TRY(read_time(line, "end", &f->end));
    TRY(read_member(line, "number", INT64_MAX, &number));
    TRY(read_member(line, "status", 999, &status));
    TRY(read_member(line, "bytes", MOST_TIME, &bytes));
    TRY(read_member(line, "turn", UINT32_MAX, &turn));
    TRY(read_failure(line, f));
    f->number = (uint64_t)number;
    f->turn = (uint32_t)turn;
    f->status = (uint16_t)status;
    f->bytes = (uint64_t)bytes;
    f->measured = !json_is_false(json_object_get(line, "measured"));
    ENSURE(f->intended, ERR_VALUE, "a request has no \"intended\"");
    ENSURE(f->failure || (f->sent && f->end >= f->sent), ERR_VALUE,
           "a request that did not fail has no \"sent\", or no \"end\" after it");
    if (!f->first_byte)
        f->first_byte = f->end;
    if (!f->started)
        f->started = f->could ? f->could : f->intended;
    return RESULT_OK;
}

/* What is known of the whole answer, for what its events do not say. */
static struct result read_counts(const json_t *line, struct flight *f)
{
    int64_t choices = f->choices, results = 0;
    TRY(read_member(line, "tokens", INT32_MAX, &f->usage));
    TRY(read_member(line, "input_tokens", INT32_MAX, &f->input));
    TRY(read_member(line, "choices", UINT32_MAX, &choices));
    TRY(read_member(line, "results", UINT32_MAX, &results));
    f->choices = (uint32_t)choices;
    f->results = (uint32_t)results;
    return RESULT_OK;
}

static struct result read_kind(const json_t *json, enum answer_kind *out)
{
    for (int i = 0; i < ANSWER_KIND_COUNT; i++)
        if (slice_is(jsontext_slice(json), answer_kind_names[i])) {
            *out = (enum answer_kind)i;
            return RESULT_OK;
        }
    return error_set(ERR_VALUE, "events: there is no kind \"%.*s\"",
                     SLICE_ARG(jsontext_slice(json)));
}

/* [received, read, kind, tokens], of which the last may be absent. */
static struct result read_event(const json_t *json, struct note *out)
{
    int64_t tokens = -1;
    size_t size = json_array_size(json);
    ENSURE(size == 3 || size == 4, ERR_VALUE,
           "events: expected [received, read, kind] or [received, read, kind, tokens]");
    TRY(read_number(json_array_get(json, 0), "events: received", MOST_TIME, &out->received));
    TRY(read_number(json_array_get(json, 1), "events: read", MOST_TIME, &out->read));
    TRY(read_kind(json_array_get(json, 2), &out->kind));
    if (size == 4)
        TRY(read_number(json_array_get(json, 3), "events: tokens", INT32_MAX, &tokens));
    out->received += BEGIN;
    out->read += BEGIN;
    out->tokens = (int32_t)tokens;
    return RESULT_OK;
}

static struct result read_events(struct replay *replay, const json_t *line, struct flight *f)
{
    struct metrics *m = &replay->outcome.metrics;
    const json_t *events = json_object_get(line, "events");
    int64_t before = 0;
    f->notes = &replay->notes;
    notes_clear(&replay->notes);
    for (size_t i = 0; i < json_array_size(events); i++) {
        struct note note = {0};
        TRY(read_event(json_array_get(events, i), &note));
        if (!replay->has_lag && note.read != before && f->measured) /* a read of its own */
            metrics_add(m, METRIC_CLIENT_LAG, note.read - note.received);
        before = note.read;
        struct answer_part part = {.kind = note.kind, .tokens = note.tokens, .input = -1};
        flight_event(f, &part, note.received, note.read, m);
    }
    ENSURE(!replay->notes.lost, ERR_VALUE, "a request has more events than are read");
    return RESULT_OK;
}

static struct result read_request(struct replay *replay, const json_t *line)
{
    struct flight f;
    struct metrics *m = &replay->outcome.metrics;
    int64_t from = BEGIN + replay->plan.warmup, to = BEGIN + replay->to;
    ENSURE(replay->begun, ERR_VALUE,
           "a request comes before the first line, {\"assay_events\": 1}");
    TRY(read_flight(line, &f));
    TRY(read_events(replay, line, &f));
    TRY(read_counts(line, &f));
    const char *example = json_string_value(json_object_get(line, "example"));
    flight_count(&f, &replay->target, &replay->bounds, example ? example : "", m);
    flight_count_ended(&f, from, to, m);
    if (replay->as)
        as_count(replay->as, &f, &replay->notes, from, to);
    return RESULT_OK;
}

/* ------------------------------------------------------------------ the first and the last line */

static struct result read_begin(struct replay *replay, const json_t *line)
{
    int64_t version = 0, lag = BELIEF_USUAL;
    TRY(read_member(line, "assay_events", INT32_MAX, &version));
    ENSURE(version == EVENTLOG_VERSION, ERR_VALUE,
           "this is an event log of version %lld, and %d is read", (long long)version,
           EVENTLOG_VERSION);
    ENSURE(!replay->begun, ERR_VALUE, "a log begins twice");
    TRY(read_member(line, "lag_ns", MOST_TIME, &lag));
    const json_t *plan = json_object_get(line, "plan");
    if (plan)
        TRY(keep_read_plan(replay->arena, plan, &replay->target, &replay->plan));
    ENSURE(replay->plan.warmup <= MOST_TIME && replay->plan.duration <= MOST_TIME, ERR_VALUE,
           "the plan's times are too long");
    replay->plan.target = &replay->target;
    replay->belief.usual = lag;
    replay->begun = true;
    if (!replay->ended)
        replay->to = replay->plan.warmup + replay->plan.duration;
    return RESULT_OK;
}

/* What a run counts besides its requests. */
static struct result read_end(struct replay *replay, const json_t *line)
{
    const json_t *json = json_object_get(line, "outcome");
    const json_t *lag = json_object_get(line, "client_lag");
    struct load_outcome *out = &replay->outcome;
    struct metrics *m = &out->metrics;
    keep_read_outcome(json, out);
    ENSURE(out->measured <= MOST_TIME, ERR_VALUE, "outcome: measured_ns is too much");
    /* These are counted again. */
    m->requests = m->answered = m->good = m->together = m->counted = m->several = 0;
    m->ended = m->ended_tokens = m->ended_bytes = 0;
    replay->ended = true;
    if (lag)
        TRY(keep_read_histogram(jsontext_slice(lag), &m->histograms[METRIC_CLIENT_LAG]));
    replay->has_lag = lag != NULL;
    const char *why = json_string_value(json_object_get(line, "failed_check"));
    replay->why = why ? arena_string(replay->arena, slice_str(why)) : "";
    TRY(read_member(line, "failed_checks", MOST_TIME, &replay->failed_checks));
    return RESULT_OK;
}

static struct result read_line(struct replay *replay, const json_t *line)
{
    ENSURE(json_is_object(line), ERR_VALUE, "expected an object on each line");
    if (json_object_get(line, "assay_events"))
        return read_begin(replay, line);
    if (json_object_get(line, "outcome"))
        return RESULT_OK; /* it was read before */
    return read_request(replay, line);
}

struct result replay_line(struct replay *replay, struct slice text)
{
    DEFER(jsontext_release)
    json_t *line = NULL;
    if (slice_trim(text).len == 0)
        return RESULT_OK;
    TRY(jsontext_read(text, &line));
    return read_line(replay, line);
}

struct result replay_finish(struct replay *replay)
{
    ENSURE(replay->begun, ERR_VALUE,
           "this is no event log: its first line is {\"assay_events\": 1}");
    if (replay->ended) {
        metrics_failed_checks(&replay->outcome.metrics, (uint64_t)replay->failed_checks,
                              replay->why);
        return RESULT_OK;
    }
    replay->outcome.cut = true;
    replay->outcome.measured = replay->plan.duration;
    return RESULT_OK;
}

/* ------------------------------------------------------------------ files */

static void close_file(FILE **file)
{
    if (*file)
        fclose(*file);
}

/* The next line into `b`; false at the end. */
static struct result next_line(FILE *file, struct buf *b, bool *got)
{
    char piece[16384];
    buf_clear(b);
    *got = false;
    while (fgets(piece, sizeof(piece), file)) {
        size_t n = strlen(piece);
        *got = true;
        TRY(buf_append(b, slice_of(piece, n)));
        if (n > 0 && piece[n - 1] == '\n')
            break;
    }
    ENSURE(!ferror(file), ERR_IO, "%s", strerror(errno));
    return RESULT_OK;
}

/* The last line says how long was measured, which requests are judged by. */
static struct result find_outcome(struct replay *replay, FILE *file, struct buf *b,
                                  uint64_t *number)
{
    bool got = true;
    for (*number = 1;; ++*number) {
        TRY(next_line(file, b, &got));
        if (!got)
            break;
        if (!slice_starts(slice_trim(buf_slice(b)), SLICE("{\"outcome\"")))
            continue;
        DEFER(jsontext_release)
        json_t *line = NULL;
        TRY(jsontext_read(buf_slice(b), &line));
        TRY(read_end(replay, line));
    }
    *number = 0;
    return RESULT_OK;
}

static struct result read_all(struct replay *replay, FILE *file, struct buf *b, uint64_t *number)
{
    bool got = true;
    TRY(find_outcome(replay, file, b, number));
    ENSURE(fseek(file, 0, SEEK_SET) == 0, ERR_IO, "%s", strerror(errno));
    for (*number = 1;; ++*number) {
        TRY(next_line(file, b, &got));
        if (!got)
            break;
        TRY(replay_line(replay, buf_slice(b)));
        if (*number == 1 && replay->ended)
            replay->to = replay->plan.warmup + replay->outcome.measured;
    }
    *number = 0;
    return replay_finish(replay);
}

struct result replay_file(struct replay *replay, const char *path)
{
    DEFER(buf_free)
    struct buf b = buf_limited(LINE_BYTES);
    DEFER(close_file)
    FILE *file = fopen(path, "re");
    uint64_t number = 0;
    ENSURE(file, ERR_USAGE, "--from-events %s: %s", path, strerror(errno));
    struct result r = read_all(replay, file, &b, &number);
    if (!result_ok(r) && number)
        return error_context(r, "%s:%llu", path, (unsigned long long)number);
    return result_ok(r) ? r : error_context(r, "%s", path);
}
