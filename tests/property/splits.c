/*
 * All that a reader sees is written down as text, so that two readings are compared as a whole.
 */
#include "splits.h"

#include "core/buf.h"
#include "core/limits.h"
#include "net/http.h"
#include "net/sse.h"

struct reader {
    struct http_parser http;
    struct sse_decoder sse;
    struct buf seen;
    bool stream, failed, ended;
};

static void write_down(struct buf *seen, struct slice bytes)
{
    MUST(result_ok(buf_append(seen, bytes)), "an answer of %zu bytes", seen->len);
}

static void read_body(struct reader *r, struct slice bytes)
{
    struct sse_event event;
    bool got = r->stream;
    char numbers[80];
    if (!r->stream)
        write_down(&r->seen, bytes);
    while (got) {
        if (!result_ok(sse_next(&r->sse, &bytes, &event, &got))) {
            r->failed = true;
            return;
        }
        if (!got)
            return;
        int n = snprintf(numbers, sizeof(numbers), "\n%llu %d %d %lld %zu ",
                         (unsigned long long)event.offset, event.has_type, event.has_id,
                         (long long)event.retry, event.type.len);
        write_down(&r->seen, slice_of(numbers, (size_t)n));
        write_down(&r->seen, event.type);
        write_down(&r->seen, event.data);
    }
}

static void read_part(struct reader *r, struct slice bytes)
{
    struct http_event event = {0};
    do {
        if (!result_ok(http_next(&r->http, &bytes, &event))) {
            r->failed = true;
            return;
        }
        if (event.kind == HTTP_HEAD)
            write_down(&r->seen, event.head->block);
        else if (event.kind == HTTP_BODY)
            read_body(r, event.bytes);
        r->ended = r->ended || event.kind == HTTP_END;
    } while (event.kind != HTTP_NEED_MORE && event.kind != HTTP_END);
}

/* In two parts, cut at `at`; SIZE_MAX: byte by byte. What was seen is left in `seen`. */
static void read_cut(struct reader *r, struct slice raw, size_t at)
{
    struct sse_event left;
    http_init(&r->http, HTTP_RESPONSE);
    sse_init(&r->sse);
    buf_clear(&r->seen);
    r->failed = r->ended = false;
    for (size_t i = 0; at == SIZE_MAX && i < raw.len && !r->failed; i++)
        read_part(r, slice_part(raw, i, 1));
    if (at != SIZE_MAX) {
        read_part(r, slice_part(raw, 0, at));
        if (at < raw.len && !r->ended && !r->failed)
            read_part(r, slice_from(raw, at));
    }
    if (sse_end(&r->sse, &left) || r->failed || !r->ended)
        write_down(&r->seen, SLICE("\nnot complete"));
    struct sse_notes n = r->sse.notes;
    MUST(result_ok(buf_printf(&r->seen, "\n%llu %llu %llu %llu %llu", (unsigned long long)n.events,
                              (unsigned long long)n.lf, (unsigned long long)n.crlf,
                              (unsigned long long)n.no_space, (unsigned long long)n.invalid_utf8)),
         "an answer of %zu bytes", r->seen.len);
    http_free(&r->http);
    sse_free(&r->sse);
}

static const char *check_parsers(struct arena *arena, struct slice raw, bool stream, size_t most,
                                 size_t *tried)
{
    struct reader whole = {.seen = buf_limited(LIMIT_BODY_BYTES), .stream = stream};
    struct reader cut = whole;
    const char *fault = NULL;
    size_t step = raw.len / most + 1;
    read_cut(&whole, raw, raw.len);
    read_cut(&cut, raw, SIZE_MAX);
    if (whole.failed || !whole.ended)
        fault = "our parsers do not read the answer";
    else if (!slice_eq(buf_slice(&whole.seen), buf_slice(&cut.seen)))
        fault = "byte by byte our parsers see another answer";
    for (size_t at = 1 + raw.len % step; at < raw.len && !fault; at += step, ++*tried) {
        read_cut(&cut, raw, at);
        if (!slice_eq(buf_slice(&whole.seen), buf_slice(&cut.seen)))
            fault = arena_printf(arena, "cut at byte %zu of %zu our parsers see another answer", at,
                                 raw.len);
    }
    buf_free(&whole.seen);
    buf_free(&cut.seen);
    return fault;
}

/* ---- the harness ---- */

static struct assay_events *collect_cut(struct slice body, size_t at)
{
    struct assay_collector *c = assay_collector_new(NULL, NULL);
    for (size_t i = 0; at == SIZE_MAX && i < body.len; i++)
        (void)assay_collector_feed(c, body.data + i, 1);
    if (at != SIZE_MAX) {
        (void)assay_collector_feed(c, body.data, at);
        (void)assay_collector_feed(c, body.data + at, body.len - at);
    }
    return assay_collector_end(c); /* a failure of a part is a fault of the events */
}

static bool same_string(const char *a, const char *b)
{
    return slice_eq(slice_str(a), slice_str(b)) && !a == !b;
}

static bool same_event(const struct assay_event *a, const struct assay_event *b)
{
    return a->kind == b->kind && a->offset == b->offset && a->index == b->index &&
           a->tokens_out == b->tokens_out && same_string(a->name, b->name) &&
           same_string(a->fault, b->fault) && same_string(a->job_id, b->job_id) &&
           same_string(a->stop_reason, b->stop_reason) &&
           same_string(a->stop_sequence, b->stop_sequence) &&
           slice_eq(slice_of(a->data, a->data_length), slice_of(b->data, b->data_length)) &&
           slice_eq(slice_of(a->text, a->text_length), slice_of(b->text, b->text_length));
}

static bool same_events(const struct assay_events *a, const struct assay_events *b)
{
    bool same = a->count == b->count && a->tokens == b->tokens && a->unfinished == b->unfinished &&
                same_string(a->fault, b->fault) &&
                slice_eq(slice_of(a->text, a->text_length), slice_of(b->text, b->text_length));
    for (size_t i = 0; i < a->count && same; i++)
        same = same_event(&a->items[i], &b->items[i]);
    return same;
}

static const char *check_collector(struct arena *arena, struct slice body, size_t most,
                                   size_t *tried)
{
    struct assay_events *whole = collect_cut(body, body.len), *cut = collect_cut(body, SIZE_MAX);
    const char *fault = same_events(whole, cut) ? NULL : "byte by byte the harness sees others";
    size_t step = body.len / most + 1;
    assay_events_free(cut);
    for (size_t at = 1 + body.len % step; at < body.len && !fault; at += step, ++*tried) {
        cut = collect_cut(body, at);
        if (!same_events(whole, cut))
            fault = arena_printf(
                arena, "cut at byte %zu of %zu of the body the harness sees others", at, body.len);
        assay_events_free(cut);
    }
    assay_events_free(whole);
    return fault;
}

const char *splits_check(struct arena *arena, const struct assay_response *response, bool stream,
                         size_t most, size_t *tried)
{
    struct slice raw = slice_of(response->raw, response->raw_length);
    struct slice body = slice_of(response->body, response->body_length);
    const char *fault = check_parsers(arena, raw, stream, most, tried);
    return fault || !stream ? fault : check_collector(arena, body, most, tried);
}
