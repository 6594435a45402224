/*
 * Reading answers and making numbers of them.
 */
#include "load/flight.h"

#include "core/parse.h"

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
    flight->usage = flight->input = -1;
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
    if (flight->kept)
        inspected_head(flight->kept, status, SLICE(""));
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

/* An event with text. */
static void take_token(struct flight *flight, enum answer_kind kind, int64_t received, int64_t read,
                       struct metrics *metrics)
{
    if (kind != ANSWER_REASONING && !flight->first_answer)
        flight->first_answer = received;
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

/* How many tokens there are by now, as the service says. */
static void take_counts(struct flight *flight, const struct answer_part *part,
                        struct metrics *metrics)
{
    if (part->input >= 0)
        flight->input = part->input;
    if (part->tokens < 0)
        return;
    int64_t before = flight->usage > 0 ? flight->usage : 0;
    if (answer_has_token(part->kind)) {
        flight->by_event = true;
        if (flight->measured && part->tokens > before)
            metrics_add(metrics, METRIC_TOKENS_PER_CHUNK, part->tokens - before);
    }
    flight->usage = part->tokens;
}

void flight_event(struct flight *flight, const struct answer_part *part, int64_t received,
                  int64_t read, struct metrics *metrics)
{
    if (flight->notes)
        notes_add(flight->notes,
                  (struct note){received, read,
                                part->tokens > INT32_MAX ? -1 : (int32_t)part->tokens, part->kind});
    if (part->choice >= flight->choices)
        flight->choices = part->choice + 1;
    flight->finished += part->finish;
    flight->done = flight->done || part->kind == ANSWER_DONE;
    take_counts(flight, part, metrics);
    if (answer_has_token(part->kind))
        take_token(flight, part->kind, received, read, metrics);
}

/* The text of an answer of which something is to be made: the first of several. */
static void take_text(struct flight *flight, const struct answer_part *part)
{
    if (flight->said && part->choice == 0 && !result_ok(buf_append(flight->said, part->text)))
        flight->said = NULL; /* too long */
}

/* A read of which no event came. */
static void note_bytes(const struct flight *flight, int64_t received, int64_t read)
{
    struct notes *n = flight->notes;
    if (n && (n->count == 0 || n->items[n->count - 1].read != read))
        notes_add(n, (struct note){received, read, -1, ANSWER_BYTES});
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
        struct answer_part part = {0};
        enum failure failure = answer_event(target->api, event.data, &part);
        if (failure)
            return fail(flight, failure);
        flight_event(flight, &part, received, read, metrics);
        take_text(flight, &part);
    }
}

static bool take_body(struct flight *flight, struct reader *reader, const struct target *target,
                      struct slice bytes, int64_t received, int64_t read, struct metrics *metrics)
{
    if (flight->kept)
        inspected_body(flight->kept, bytes, received);
    if (reader->is_stream)
        return take_events(flight, reader, target, bytes, received, read, metrics);
    if (flight->status >= 300) { /* what it says stands at its beginning */
        size_t room = FLIGHT_ERROR_BYTES - reader->body.len;
        return result_ok(
            buf_append(&reader->body, slice_part(bytes, 0, bytes.len < room ? bytes.len : room)));
    }
    if (target->api == TARGET_HTTP)
        return true;
    return result_ok(buf_append(&reader->body, bytes)) || fail(flight, FAILURE_PROTOCOL);
}

bool flight_body(struct flight *flight, struct reader *reader, const struct target *target,
                 struct slice bytes, int64_t received, int64_t read, struct metrics *metrics)
{
    bool goes_on = take_body(flight, reader, target, bytes, received, read, metrics);
    note_bytes(flight, received, read);
    return goes_on;
}

void flight_end(struct flight *flight, struct reader *reader, const struct target *target,
                int64_t received)
{
    flight->end = received;
    flight->failure = failure_of_status(flight->status);
    struct slice body = buf_slice(&reader->body);
    if (flight->failure) {
        (void)error_set(ERR_PROTOCOL, "status %u%s%.*s%s", flight->status, body.len ? ": " : "",
                        SLICE_ARG(body), body.len < FLIGHT_ERROR_BYTES ? "" : "…");
    } else if (reader->is_stream) {
        if (flight->done || (flight->finished > 0 && flight->finished >= flight->choices))
            return;
        (void)error_set(ERR_PROTOCOL, "the stream ended after %u events with text", flight->tokens);
        flight->failure = FAILURE_UNFINISHED;
    } else if (target->api != TARGET_HTTP) {
        struct answer_part part = {0};
        flight->failure = answer_body(target->api, body, &part);
        flight->usage = part.tokens;
        flight->input = part.input;
        flight->results = part.results;
        take_text(flight, &part);
    }
}

void flight_retry_after(struct flight *flight, struct slice value)
{
    uint64_t seconds = 0;
    flight->told_to_wait = true;
    if (result_ok(parse_unsigned(slice_trim(value), UINT32_MAX, &seconds)))
        flight->wait = (uint32_t)seconds;
}

static bool take_head(struct flight *flight, struct reader *reader, const struct target *target,
                      const struct http_head *head)
{
    struct slice type = {0}, wait = {0};
    if (target->stream) /* else nobody asks */
        http_header_find(head->headers, SLICE("content-type"), &type);
    if ((head->status == 429 || head->status == 503) &&
        http_header_find(head->headers, SLICE("retry-after"), &wait))
        flight_retry_after(flight, wait);
    bool well = flight_head(flight, reader, target, head->status, type);
    if (flight->kept)
        inspected_head(flight->kept, head->status, head->headers);
    return well;
}

static bool feed(struct flight *flight, struct reader *reader, const struct target *target,
                 struct slice bytes, int64_t received, int64_t read, struct metrics *metrics)
{
    struct http_event event;
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

bool flight_feed(struct flight *flight, struct reader *reader, const struct target *target,
                 struct slice bytes, int64_t received, int64_t read, struct metrics *metrics)
{
    if (!flight->first_byte)
        flight->first_byte = received;
    flight->bytes += bytes.len;
    bool over = feed(flight, reader, target, bytes, received, read, metrics);
    note_bytes(flight, received, read);
    return over;
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

/* Tokens that the service counts for the whole answer are those of its events, as evenly as whole
 * numbers can be. */
static void count_chunks(const struct flight *flight, struct metrics *metrics)
{
    if (flight->usage < 0 || flight->by_event || !flight->tokens)
        return;
    int64_t each = flight->usage / flight->tokens, more = flight->usage % flight->tokens;
    struct histogram *h = &metrics->histograms[METRIC_TOKENS_PER_CHUNK];
    histogram_add_many(h, each + 1, (uint64_t)more);
    histogram_add_many(h, each, (uint64_t)(flight->tokens - more));
}

static void count_stream(const struct flight *flight, struct metrics *metrics)
{
    int64_t tokens = flight_tokens(flight);
    metrics->counted += flight->usage >= 0;
    metrics->several += flight->choices > 1;
    metrics_add(metrics, METRIC_TOKENS, tokens);
    count_chunks(flight, metrics);
    if (!flight->tokens)
        return;
    metrics_add(metrics, METRIC_TTFT, flight->first_token - flight->intended);
    if (flight->turn)
        metrics_add(metrics, flight->turn == 1 ? METRIC_TTFT_FIRST_TURN : METRIC_TTFT_LATER_TURNS,
                    flight->first_token - flight->intended);
    metrics_add(metrics, METRIC_TTFT_SENT, flight->first_token - flight->sent);
    if (flight->first_answer)
        metrics_add(metrics, METRIC_TTFT_ANSWER, flight->first_answer - flight->intended);
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
    if (flight->secured && flight->connected)
        metrics_add(metrics, METRIC_TLS_HANDSHAKE, flight->secured - flight->connected);
    if (flight->failure) {
        metrics_failed(metrics, flight->failure, example);
        metrics->told_to_wait += flight->told_to_wait;
        if (flight->wait > metrics->longest_wait)
            metrics->longest_wait = flight->wait;
        return;
    }
    metrics->answered++;
    metrics->good += within(flight, bounds);
    metrics_add(metrics, METRIC_LATENCY, flight->end - flight->intended);
    metrics_add(metrics, METRIC_LATENCY_SENT, flight->end - flight->sent);
    metrics_add(metrics, METRIC_FIRST_BYTE, flight->first_byte - flight->sent);
    if (flight->input >= 0)
        metrics_add(metrics, METRIC_INPUT_TOKENS, flight->input);
    if (flight->results > 0)
        metrics_add(metrics, METRIC_RESULTS, flight->results);
    if (target->stream)
        count_stream(flight, metrics);
    else if (flight->usage >= 0)
        metrics_add(metrics, METRIC_TOKENS, flight->usage);
}

void flight_count_ended(const struct flight *flight, int64_t from, int64_t to,
                        struct metrics *metrics)
{
    if (flight->failure || flight->end < from || flight->end >= to)
        return;
    metrics->ended++;
    metrics->ended_bytes += flight->bytes;
    metrics->ended_tokens += (uint64_t)flight_tokens(flight);
}
