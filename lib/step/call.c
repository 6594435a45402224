/*
 * HTTP exchanges of steps. The response is kept whole for the checks; request and response are also
 * made into text only as evidence of a failure.
 */
#include "step/call.h"

#include "core/buf.h"
#include "core/limits.h"
#include "core/text.h"

#define EVENT_STREAM "text/event-stream"

struct call {
    struct step *step;
    struct call_events events;
    struct client_call *client_call;
    struct call_request request;
    struct client_header *headers;
    size_t header_count;
    struct buf body;
    struct stream stream;
    bool streaming;
};

static void free_body(void *body)
{
    buf_free(body);
}

/* A text body as it came, or a note that it is binary; at most LIMIT_EVIDENCE_BYTES. */
static void show_body(struct text *t, struct slice body)
{
    if (body.len == 0)
        return;
    text_add_str(t, "\n");
    text_add(t, text_shown(t->arena, body, LIMIT_EVIDENCE_BYTES / 2));
}

static struct slice show_request(const struct call *call)
{
    struct text t = text_in(call->step->arena);
    text_printf(&t, "%s %.*s\n", call->request.method, SLICE_ARG(call->request.url));
    for (size_t i = 0; i < call->header_count; i++)
        text_printf(&t, "%.*s: %.*s\n", SLICE_ARG(call->headers[i].name),
                    SLICE_ARG(call->headers[i].value));
    show_body(&t, call->request.body);
    return text_slice(&t);
}

static struct slice show_response(const struct call *call)
{
    const struct observation *o = call->step->observation;
    struct text t = text_in(call->step->arena);
    if (!(o->seen & OBSERVED_STATUS))
        return text_slice(&t);
    text_printf(&t, "HTTP %d\n", o->status);
    for (size_t i = 0; i < o->header_count; i++)
        text_printf(&t, "%.*s: %.*s\n", SLICE_ARG(o->headers[i].name),
                    SLICE_ARG(o->headers[i].value));
    show_body(&t, o->body);
    return text_slice(&t);
}

static void show(struct step *step)
{
    const struct call *call = step->call;
    step->observation->request_shown = show_request(call);
    step->observation->response_shown = show_response(call);
}

static void on_head(void *context, const struct client_response *response)
{
    struct call *call = context;
    struct observation *o = call->step->observation;
    struct header *headers = ARENA_ARRAY(o->arena, struct header, response->header_count + 1);
    for (size_t i = 0; i < response->header_count; i++)
        headers[i] = (struct header){arena_copy(o->arena, response->headers[i].name),
                                     arena_copy(o->arena, response->headers[i].value)};
    o->status = response->status;
    o->headers = headers;
    o->header_count = response->header_count;
    o->connected = response->connected;
    o->first_byte = o->last_byte = response->first_byte;
    o->seen |= OBSERVED_STATUS | OBSERVED_HEADERS;
    struct slice type = observation_header(o, SLICE("content-type"));
    call->streaming =
        slice_eq_nocase(slice_part(type, 0, strlen(EVENT_STREAM)), SLICE(EVENT_STREAM));
    if (call->streaming)
        stream_init(&call->stream, o);
    step_progress(call->step);
}

static struct result on_event(void *context, struct stream_event *event)
{
    struct call *call = context;
    TRY(call->events.on_event(call->step, &call->stream, event));
    step_progress(call->step);
    return RESULT_OK;
}

static struct result on_body(void *context, struct slice bytes, int64_t at)
{
    struct call *call = context;
    call->step->observation->last_byte = at;
    TRY(buf_append(&call->body, bytes));
    return call->streaming ? stream_feed(&call->stream, bytes, at, on_event, call) : RESULT_OK;
}

/* What there is of the answer, whole or cut, is in the observation. */
static void complete(struct call *call)
{
    struct observation *o = call->step->observation;
    call->client_call = NULL;
    const struct call_wire *wire = call->step->wire;
    o->ended = wire && wire->answer ? wire->answer->ended : clock_now();
    o->body = buf_slice(&call->body);
    if (call->streaming)
        stream_close(&call->stream);
}

static void on_done(void *context, struct result result, const struct client_response *response)
{
    (void)response;
    struct call *call = context;
    struct observation *o = call->step->observation;
    if (call->streaming && result_ok(result))
        result = stream_end(&call->stream);
    struct slice why = {0};
    if (!result_ok(result))
        why = arena_copy(o->arena, slice_str(error_last()->text));
    struct sse_notes notes = call->stream.decoder.notes;
    complete(call);
    o->seen |= OBSERVED_TIME;
    if (o->seen & OBSERVED_STATUS)
        o->seen |= OBSERVED_BODY;
    if (call->events.on_done)
        call->events.on_done(call->step, call->streaming ? &notes : NULL);
    /* Reading half an answer may have failed too: that is not why. */
    if (!result_ok(result))
        result = error_set(result.code, "%.*s", SLICE_ARG(why));
    if (call->events.finish)
        call->events.finish(call->step, result);
    else
        step_finish(call->step, result);
}

static const struct client_handlers handlers = {on_head, on_body, on_done};

static void gather_headers(struct call *call, const struct call_request *request)
{
    size_t given = request->headers ? request->headers->count : 0;
    bool has_type = false;
    call->headers = ARENA_ARRAY(call->step->arena, struct client_header, given + 1);
    for (size_t i = 0; i < given; i++) {
        const struct node_entry *entry = &request->headers->entries[i];
        call->headers[call->header_count++] =
            (struct client_header){entry->key, node_text(call->step->arena, entry->value)};
        has_type = has_type || slice_eq_nocase(entry->key, SLICE("content-type"));
    }
    if (request->content_type && !has_type)
        call->headers[call->header_count++] =
            (struct client_header){SLICE("Content-Type"), slice_str(request->content_type)};
}

static struct call *new_call(struct step *step, const struct call_request *request,
                             const struct call_events *events)
{
    struct call *call = ARENA_NEW(step->arena, struct call);
    call->step = step;
    call->events = *events;
    call->request = *request;
    call->body = buf_limited(LIMIT_BODY_BYTES);
    arena_defer(step->arena, free_body, &call->body);
    gather_headers(call, request);
    step->observation->started = clock_now();
    step->show = show;
    step->call = call;
    return call;
}

/* The request as it would be sent, and the answer as it was sent. */
static struct result use_wire(struct call *call)
{
    struct step *step = call->step;
    struct call_wire *wire = step->wire;
    const struct call_answer *answer = wire->answer;
    struct result result = RESULT_OK;
    wire->request = call->request;
    wire->headers = call->headers;
    wire->header_count = call->header_count;
    if (!answer)
        return RESULT_OK;
    struct client_header *list =
        ARENA_ARRAY(step->arena, struct client_header, answer->header_count + 1);
    for (size_t i = 0; i < answer->header_count; i++)
        list[i] = (struct client_header){answer->headers[i].name, answer->headers[i].value};
    struct client_response response = {.status = answer->status,
                                       .headers = list,
                                       .header_count = answer->header_count,
                                       .connected = answer->connected,
                                       .first_byte = answer->first_byte};
    step->observation->intended = answer->intended;
    step->observation->started = answer->sent;
    on_head(call, &response);
    for (size_t i = 0; i < answer->piece_count && result_ok(result); i++)
        result = on_body(call, answer->pieces[i].bytes, answer->pieces[i].at);
    on_done(call, result, &response);
    return RESULT_OK;
}

struct result call_start(struct step *step, const struct call_request *request,
                         const struct call_events *events)
{
    struct call *call = new_call(step, request, events);
    if (step->wire)
        return use_wire(call);
    struct client_request wanted = {
        .method = request->method,
        .url = arena_string(step->arena, request->url),
        .headers = call->headers,
        .header_count = call->header_count,
        .body = request->body,
        .has_body = request->has_body,
        .insecure = request->insecure,
        .follow = request->follow,
        .http2 = request->http2,
        .body_max = LIMIT_BODY_BYTES,
    };
    return client_send(step->client, &wanted, &handlers, call, &call->client_call);
}

void call_replay(struct step *step, const struct call_request *request,
                 const struct call_events *events, int status, const struct header *headers,
                 size_t header_count, struct slice body)
{
    struct call *call = new_call(step, request, events);
    struct client_header *list = ARENA_ARRAY(step->arena, struct client_header, header_count + 1);
    for (size_t i = 0; i < header_count; i++)
        list[i] = (struct client_header){headers[i].name, headers[i].value};
    struct client_response response = {
        .status = status, .headers = list, .header_count = header_count};
    on_head(call, &response);
    struct result result = on_body(call, body, clock_now());
    on_done(call, result, &response);
}

void call_cancel(struct step *step)
{
    struct call *call = step->call;
    client_cancel(call->client_call);
    complete(call);
}
