/*
 * Answers are kept whole, in memory with a ceiling.
 */
#include "harness/reply.h"

#include "core/clock.h"
#include "core/limits.h"
#include "core/memory.h"
#include "core/text.h"
#include "harness/collector.h"
#include "harness/failure.h"

/* After the last event of a stream nothing is left to wait for but the end of the answer. */
#define AFTER_END (2 * NS_PER_S)
/* Of an answer that is no stream, in a message. */
#define SHOWN_BYTES 300

static struct result take_raw(void *context, struct slice bytes)
{
    struct reply *reply = context;
    if (reply->raw.len == 0)
        reply->response.first_byte_ns = clock_now() - reply->began;
    return buf_append(&reply->raw, bytes);
}

static bool is_event_stream(const struct http_head *head)
{
    struct slice type;
    if (!http_header_find(head->headers, SLICE("content-type"), &type))
        return false;
    struct slice essence;
    slice_split(&type, ';', &essence);
    return slice_eq_nocase(slice_trim(essence), SLICE("text/event-stream"));
}

static struct result take_head(void *context, const struct http_head *head)
{
    struct reply *reply = context;
    struct assay_header *headers =
        ARENA_ARRAY(reply->arena, struct assay_header, LIMIT_HTTP_HEADERS);
    struct slice rest = head->headers;
    struct http_header h;
    size_t count = 0;
    while (count < LIMIT_HTTP_HEADERS && http_header_next(&rest, &h))
        headers[count++] = (struct assay_header){arena_string(reply->arena, h.name),
                                                 arena_string(reply->arena, h.value)};
    reply->response.status = head->status;
    reply->response.headers = headers;
    reply->response.header_count = count;
    reply->streaming = head->status == 200 && is_event_stream(head);
    return RESULT_OK;
}

static struct result take_body(void *context, struct slice bytes)
{
    struct reply *reply = context;
    const struct assay_events *events = collector_events(reply->collector);
    TRY(buf_append(&reply->body, bytes));
    if (!reply->streaming)
        return RESULT_OK;
    ENSURE(assay_collector_feed(reply->collector, bytes.data, bytes.len) == ASSAY_OK, ERR_TOO_LARGE,
           "%s", assay_last_error());
    reply->reader.enough = events->stopped;
    if (!reply->ended && collector_has_ended(reply->collector)) {
        int64_t deadline = clock_now() + AFTER_END;
        reply->ended = true;
        if (deadline < reply->reader.deadline)
            reply->reader.deadline = deadline;
    }
    return RESULT_OK;
}

struct reply *reply_new(assay_event_callback *callback, void *context, int64_t timeout)
{
    struct reply *reply = NEW(struct reply);
    reply->arena = arena_new();
    reply->raw = buf_limited(LIMIT_BODY_BYTES);
    reply->body = buf_limited(LIMIT_BODY_BYTES);
    reply->began = clock_now();
    reply->collector = collector_new(callback, context, reply->began);
    reply->response.first_byte_ns = -1;
    reply->reader = (struct wire_reader){.context = reply,
                                         .deadline = reply->began + timeout,
                                         .on_raw = take_raw,
                                         .on_head = take_head,
                                         .on_body = take_body};
    return reply;
}

/* Why there are no events, for whoever asserts something of them. */
static const char *no_stream(const struct reply *reply)
{
    const struct assay_response *r = &reply->response;
    if (r->status == 0)
        return arena_printf(reply->arena, "expected an event stream, got no answer: %s",
                            r->error_text);
    const char *type = assay_response_header(r, "content-type");
    return arena_printf(reply->arena, "expected an event stream, got status %d with %s: %.*s",
                        r->status, type ? type : "no content type",
                        SLICE_ARG(text_shown(reply->arena, buf_slice(&reply->body), SHOWN_BYTES)));
}

void reply_set_error(struct reply *reply, enum assay_error error)
{
    struct assay_response *r = &reply->response;
    r->error = error;
    r->error_text = error ? arena_string(reply->arena, slice_str(assay_last_error())) : "";
}

struct assay_response *reply_finish(struct reply *reply, enum assay_error error)
{
    struct assay_response *r = &reply->response;
    reply_set_error(reply, error);
    r->body = reply->body.data ? reply->body.data : "";
    r->body_length = reply->body.len;
    r->raw = reply->raw.data ? reply->raw.data : "";
    r->raw_length = reply->raw.len;
    r->total_ns = clock_now() - reply->began;
    r->events = reply->streaming ? assay_collector_end(reply->collector)
                                 : collector_end_without(reply->collector, no_stream(reply));
    return r;
}

const char *assay_response_header(const struct assay_response *response, const char *name)
{
    for (size_t i = 0; i < response->header_count; i++)
        if (slice_eq_nocase(slice_str(response->headers[i].name), slice_str(name)))
            return response->headers[i].value;
    return NULL;
}

void assay_response_free(struct assay_response *response)
{
    struct reply *reply = (struct reply *)(void *)response;
    if (reply == NULL)
        return;
    assay_collector_free(reply->collector);
    buf_free(&reply->raw);
    buf_free(&reply->body);
    arena_free(reply->arena);
    mem_free(reply);
}

void assay_response_cleanup(struct assay_response **response)
{
    assay_response_free(*response);
    *response = NULL;
}
