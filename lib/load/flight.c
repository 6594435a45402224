/*
 * Reading answers and making numbers of them.
 */
#include "load/flight.h"

#include "load/scan.h"

#define PATH(depth, ...) {{__VA_ARGS__}, depth}

/* What is looked for in an event, or in a whole answer, of each API. */
enum wanted {
    WANTED_TEXT,
    WANTED_REASONING,
    WANTED_USAGE,
    WANTED_FINISH,
    WANTED_ERROR,
    WANTED_TYPE,
    WANTED_COUNT,
};

#define NOTHING PATH(SCAN_DEPTH, SLICE(""), SLICE(""), SLICE(""), SLICE(""))
#define OF_CHOICE(...) PATH(4, SLICE("choices"), SLICE("0"), __VA_ARGS__)
#define USAGE PATH(2, SLICE("usage"), SLICE("completion_tokens"))
#define FINISH PATH(3, SLICE("choices"), SLICE("0"), SLICE("finish_reason"))
#define ERROR PATH(1, SLICE("error"))

static const struct scan_path chat_event[] = {
    OF_CHOICE(SLICE("delta"), SLICE("content")),
    OF_CHOICE(SLICE("delta"), SLICE("reasoning_content")),
    USAGE,
    FINISH,
    ERROR,
};
static const struct scan_path chat_answer[] = {
    OF_CHOICE(SLICE("message"), SLICE("content")),
    OF_CHOICE(SLICE("message"), SLICE("reasoning_content")),
    USAGE,
    FINISH,
    ERROR,
};
static const struct scan_path completion[] = {
    PATH(3, SLICE("choices"), SLICE("0"), SLICE("text")), NOTHING, USAGE, FINISH, ERROR,
};
static const struct scan_path execute_event[] = {
    PATH(1, SLICE("t")),    NOTHING, PATH(1, SLICE("tokens_out")), NOTHING, NOTHING,
    PATH(1, SLICE("type")),
};
_Static_assert(sizeof(execute_event) / sizeof(execute_event[0]) == WANTED_COUNT,
               "a row is missing");

void reader_init(struct reader *reader)
{
    *reader = (struct reader){.body = buf_limited(FLIGHT_BODY_BYTES)};
    http_init(&reader->http, HTTP_RESPONSE);
    sse_init(&reader->events);
}

void reader_free(struct reader *reader)
{
    http_free(&reader->http);
    sse_free(&reader->events);
    buf_free(&reader->body);
}

void flight_expect(struct flight *flight, struct reader *reader, const struct target *target)
{
    flight->usage = -1;
    http_expect_head(&reader->http, target->head);
}

static bool fail(struct flight *flight, enum failure failure)
{
    flight->failure = failure;
    return false;
}

static enum failure failure_of_status(unsigned status)
{
    if (status == 429)
        return FAILURE_TOO_MANY;
    return status < 300   ? FAILURE_NONE
           : status < 400 ? FAILURE_REDIRECT
           : status < 500 ? FAILURE_CLIENT_ERROR
                          : FAILURE_SERVER_ERROR;
}

bool flight_head(struct flight *flight, struct reader *reader, const struct target *target,
                 uint16_t status, struct slice content_type)
{
    flight->status = status;
    buf_clear(&reader->body);
    reader->is_stream = false;
    if (status >= 300 || !target->stream)
        return true;
    if (!slice_eq_nocase(slice_part(content_type, 0, 17), SLICE("text/event-stream"))) {
        (void)error_set(ERR_PROTOCOL, "expected Content-Type text/event-stream, got \"%.*s\"",
                        SLICE_ARG(content_type));
        return fail(flight, FAILURE_MALFORMED);
    }
    reader->is_stream = true;
    /* What the stream before left behind in the decoder is not of this one. */
    if (reader->events.offset > 0) {
        sse_free(&reader->events);
        sse_init(&reader->events);
    }
    return true;
}

static void take_token(struct flight *flight, int64_t received, int64_t read,
                       struct metrics *metrics)
{
    if (flight->tokens++ == 0) {
        flight->first_token = received;
    } else if (flight->measured) {
        metrics_add(metrics, METRIC_ITL, received - flight->last_token);
        metrics_add(metrics, METRIC_ITL_READ, read - flight->last_token_read);
        metrics->together += read == flight->last_token_read; /* each read has its time */
    }
    flight->last_token = received;
    flight->last_token_read = read;
}

static void take_usage(struct flight *flight, const struct scan_value *value)
{
    int64_t count = scan_count(value);
    if (count >= 0)
        flight->usage = count;
}

/* What came is no event of the API, or tells of an error: say what it was, and -1. */
static int malformed(struct flight *flight, const char *what, struct slice data)
{
    (void)error_set(ERR_PROTOCOL, "%s: %.*s", what, (int)(data.len < 160 ? data.len : 160),
                    data.data);
    flight->failure = FAILURE_MALFORMED;
    return -1;
}

static int told_error(struct flight *flight, struct slice data)
{
    (void)error_set(ERR_PROTOCOL, "%.*s", (int)(data.len < 200 ? data.len : 200), data.data);
    flight->failure = FAILURE_STREAM_ERROR;
    return -1;
}

/* An event of the worker's stream: 1 it has text, 0 it has none, -1 it ends the flight. */
static int execute_text(struct flight *flight, struct slice data)
{
    struct scan_value values[WANTED_COUNT];
    if (!scan_json(data, execute_event, WANTED_COUNT, values))
        return malformed(flight, "an event is not JSON", data);
    struct slice type = values[WANTED_TYPE].text;
    if (slice_is(type, "token"))
        return scan_has_text(&values[WANTED_TEXT]);
    if (slice_is(type, "error"))
        return told_error(flight, data);
    if (slice_is(type, "end")) {
        flight->finished = true;
        take_usage(flight, &values[WANTED_USAGE]);
    }
    return 0;
}

/* The same of OpenAI's streams. */
static int openai_text(struct flight *flight, const struct scan_path *paths, struct slice data)
{
    struct scan_value values[WANTED_COUNT];
    if (slice_is(data, "[DONE]")) {
        flight->finished = true;
        return 0;
    }
    if (!scan_json(data, paths, WANTED_TYPE, values))
        return malformed(flight, "an event is not JSON", data);
    if (values[WANTED_ERROR].kind > SCAN_NULL)
        return told_error(flight, data);
    if (values[WANTED_FINISH].kind == SCAN_STRING)
        flight->finished = true;
    take_usage(flight, &values[WANTED_USAGE]);
    return scan_has_text(&values[WANTED_TEXT]) || scan_has_text(&values[WANTED_REASONING]);
}

static int event_text(struct flight *flight, const struct target *target, struct slice data)
{
    switch (target->api) {
    case TARGET_EXECUTE:
        return execute_text(flight, data);
    case TARGET_CHAT:
        return openai_text(flight, chat_event, data);
    case TARGET_COMPLETE:
        return openai_text(flight, completion, data);
    default:
        flight->finished = true; /* nothing is known of its end but the end of the answer */
        return data.len > 0;
    }
}

static bool take_events(struct flight *flight, struct reader *reader, const struct target *target,
                        struct slice bytes, int64_t received, int64_t read, struct metrics *metrics)
{
    struct sse_event event;
    bool got = false;
    for (;;) {
        if (!result_ok(sse_next(&reader->events, &bytes, &event, &got)))
            return fail(flight, FAILURE_MALFORMED);
        if (!got)
            return true;
        int text = event_text(flight, target, event.data);
        if (text < 0)
            return false;
        if (text > 0)
            take_token(flight, received, read, metrics);
    }
}

bool flight_body(struct flight *flight, struct reader *reader, const struct target *target,
                 struct slice bytes, int64_t received, int64_t read, struct metrics *metrics)
{
    if (reader->is_stream)
        return take_events(flight, reader, target, bytes, received, read, metrics);
    if (target->api == TARGET_HTTP || flight->status >= 300)
        return true;
    return result_ok(buf_append(&reader->body, bytes)) || fail(flight, FAILURE_PROTOCOL);
}

void flight_end(struct flight *flight, struct reader *reader, const struct target *target,
                int64_t received)
{
    flight->end = received;
    flight->failure = failure_of_status(flight->status);
    if (flight->failure) {
        (void)error_set(ERR_PROTOCOL, "status %u", flight->status);
        return;
    }
    if (reader->is_stream) {
        if (!flight->finished) {
            (void)error_set(ERR_PROTOCOL, "the stream ended after %u events with text",
                            flight->tokens);
            flight->failure = FAILURE_UNFINISHED;
        }
        return;
    }
    if (target->api == TARGET_HTTP)
        return;
    struct scan_value values[WANTED_COUNT];
    const struct scan_path *paths = target->api == TARGET_CHAT ? chat_answer : completion;
    struct slice body = buf_slice(&reader->body);
    if (!scan_json(body, paths, WANTED_TYPE, values))
        malformed(flight, "the answer is not JSON", body);
    else if (values[WANTED_ERROR].kind > SCAN_NULL)
        told_error(flight, body);
    else
        take_usage(flight, &values[WANTED_USAGE]);
}

static bool take_head(struct flight *flight, struct reader *reader, const struct target *target,
                      const struct http_head *head)
{
    struct slice type = {0};
    http_header_find(head->headers, SLICE("content-type"), &type);
    return flight_head(flight, reader, target, head->status, type);
}

bool flight_feed(struct flight *flight, struct reader *reader, const struct target *target,
                 struct slice bytes, int64_t received, int64_t read, struct metrics *metrics)
{
    struct http_event event;
    if (!flight->first_byte)
        flight->first_byte = received;
    flight->bytes += bytes.len;
    for (;;) {
        if (!result_ok(http_next(&reader->http, &bytes, &event)))
            return !fail(flight, FAILURE_PROTOCOL);
        switch (event.kind) {
        case HTTP_NEED_MORE:
            return false;
        case HTTP_INTERIM:
            break;
        case HTTP_HEAD:
            if (!take_head(flight, reader, target, event.head))
                return true;
            break;
        case HTTP_BODY:
            if (!flight_body(flight, reader, target, event.bytes, received, read, metrics))
                return true;
            break;
        case HTTP_END:
            flight_end(flight, reader, target, received);
            flight->keep_alive =
                reader->http.head.keep_alive && bytes.len == 0; /* nobody asked for more */
            return true;
        }
    }
}

void flight_closed(struct flight *flight, struct reader *reader, const struct target *target,
                   int64_t received)
{
    struct http_event event;
    if (!flight->first_byte) {
        (void)error_set(ERR_CLOSED, "the connection ended before a byte of the answer");
        flight->failure = FAILURE_CLOSED;
    } else if (!result_ok(http_end_of_input(&reader->http, &event)) || event.kind != HTTP_END) {
        flight->failure = FAILURE_CLOSED;
    } else {
        flight_end(flight, reader, target, received);
    }
}

static void count_stream(const struct flight *flight, struct metrics *metrics)
{
    int64_t tokens = flight->usage >= 0 ? flight->usage : flight->tokens;
    metrics->counted += flight->usage >= 0;
    metrics_add(metrics, METRIC_TOKENS, tokens);
    if (!flight->tokens)
        return;
    metrics_add(metrics, METRIC_TTFT, flight->first_token - flight->intended);
    metrics_add(metrics, METRIC_TTFT_SENT, flight->first_token - flight->sent);
    int64_t whole = flight->last_token - flight->first_token;
    if (flight->tokens > 1)
        metrics_add(metrics, METRIC_ITL_MEAN, whole / (flight->tokens - 1));
    if (tokens > 1)
        metrics_add(metrics, METRIC_TPOT, whole / (tokens - 1));
    if (tokens > 0)
        metrics_add(metrics, METRIC_TPOT_FIRST, (flight->last_token - flight->sent) / tokens);
}

static bool within(const struct flight *flight, const struct bounds *bounds)
{
    int64_t gaps =
        flight->tokens > 1 ? (flight->last_token - flight->first_token) / (flight->tokens - 1) : 0;
    return (!bounds->latency || flight->end - flight->intended <= bounds->latency) &&
           (!bounds->ttft ||
            (flight->tokens > 0 && flight->first_token - flight->intended <= bounds->ttft)) &&
           (!bounds->itl_mean || gaps <= bounds->itl_mean);
}

void flight_count(const struct flight *flight, const struct target *target,
                  const struct bounds *bounds, const char *example, struct metrics *metrics)
{
    if (!flight->measured)
        return;
    metrics->requests++;
    if (flight->could && flight->sent) { /* there is a schedule, and it went */
        metrics_add(metrics, METRIC_SCHEDULE_DELAY, flight->sent - flight->intended);
        metrics_add(metrics, METRIC_LATENESS, flight->started - flight->could);
    }
    if (flight->connected)
        metrics_add(metrics, METRIC_CONNECT, flight->connected - flight->started);
    if (flight->failure) {
        metrics_failed(metrics, flight->failure, example);
        return;
    }
    metrics->answered++;
    metrics->good += within(flight, bounds);
    metrics_add(metrics, METRIC_LATENCY, flight->end - flight->intended);
    metrics_add(metrics, METRIC_LATENCY_SENT, flight->end - flight->sent);
    metrics_add(metrics, METRIC_FIRST_BYTE, flight->first_byte - flight->sent);
    if (target->stream)
        count_stream(flight, metrics);
    else if (flight->usage >= 0)
        metrics_add(metrics, METRIC_TOKENS, flight->usage);
}
