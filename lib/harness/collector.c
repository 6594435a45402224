/*
 * From the bytes of a stream to its events: the SSE decoder cuts, one table of fields reads the
 * JSON of every kind of event, and the first thing that is wrong is said in a sentence.
 */
#include "harness/collector.h"

#include "core/arena.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/jsontext.h"
#include "core/limits.h"
#include "core/memory.h"
#include "core/text.h"
#include "harness/failure.h"
#include "net/sse.h"

/* Of a stream without events, for the message. */
#define BEGINNING_BYTES 200

/* The list given out is the collector, seen from outside: `events` is its first member. */
struct assay_collector {
    struct assay_events events;
    struct arena *arena; /* all strings of the events */
    struct assay_event *items;
    size_t room;
    struct buf text; /* the tokens joined */
    struct sse_decoder decoder;
    assay_event_callback *callback;
    void *context;
    int64_t began;
    size_t beginning_length;
    char beginning[BEGINNING_BYTES];
    size_t terminal; /* the first end or error event, counted from 1; 0: none so far */
    bool failed;     /* beyond a ceiling: the rest is ignored */
};

/* ---- one event ---- */

static const struct {
    const char *name;
    enum assay_event_kind kind;
} kinds[] = {
    {"started", ASSAY_EVENT_STARTED}, {"token", ASSAY_EVENT_TOKEN},
    {"metrics", ASSAY_EVENT_METRICS}, {"end", ASSAY_EVENT_END},
    {"error", ASSAY_EVENT_ERROR},
};

enum field_type { FIELD_STRING, FIELD_TEXT, FIELD_WHOLE };

/* What the wire says of the fields of each kind. */
#define FIELD(kind, name, type, required, member)                                                  \
    {ASSAY_EVENT_##kind, name, FIELD_##type, required, offsetof(struct assay_event, member)}
static const struct field {
    enum assay_event_kind kind;
    const char *name;
    enum field_type type;
    bool required;
    size_t offset;
} fields[] = {
    FIELD(STARTED, "job_id", STRING, true, job_id),
    FIELD(STARTED, "model", STRING, false, model),
    FIELD(STARTED, "started_at", STRING, false, started_at),
    FIELD(TOKEN, "t", TEXT, true, text),
    FIELD(TOKEN, "i", WHOLE, true, index),
    FIELD(END, "tokens_out", WHOLE, true, tokens_out),
    FIELD(END, "decode_time_ms", WHOLE, false, decode_time_ms),
    FIELD(END, "stop_reason", STRING, true, stop_reason),
    FIELD(END, "stop_sequence_matched", STRING, false, stop_sequence),
    FIELD(ERROR, "code", STRING, true, code),
    FIELD(ERROR, "message", STRING, true, message),
};

static const char *read_field(struct arena *arena, const struct field *field, const json_t *value,
                              struct assay_event *event)
{
    void *at = (char *)event + field->offset;
    bool whole = field->type == FIELD_WHOLE;
    if (!value || (json_is_null(value) && !field->required))
        return field->required ? arena_printf(arena, "it has no \"%s\"", field->name) : NULL;
    if (whole ? !json_is_integer(value) || json_integer_value(value) < 0 : !json_is_string(value))
        return arena_printf(arena, "\"%s\" must be a %s, got %.*s", field->name,
                            whole ? "whole number of 0 or more" : "string",
                            SLICE_ARG(slice_part(jsontext_write(arena, value), 0, 80)));
    if (whole) {
        *(int64_t *)at = json_integer_value(value);
        return NULL;
    }
    *(const char **)at = arena_string(arena, jsontext_slice(value));
    if (field->type == FIELD_TEXT)
        event->text_length = json_string_length(value);
    return NULL;
}

/* The data's "type", or what the event line says; they may not disagree. */
static const char *read_name(struct arena *arena, const struct sse_event *sse, const json_t *json,
                             struct assay_event *event)
{
    const json_t *type = json_object_get(json, "type");
    struct slice name = sse->has_type ? sse->type : (struct slice){0};
    if (type && !json_is_string(type))
        return "its \"type\" is no string";
    if (type && sse->has_type && !slice_eq(sse->type, jsontext_slice(type)))
        return arena_printf(arena, "its event line says \"%.*s\" and its data \"%s\"",
                            SLICE_ARG(sse->type), json_string_value(type));
    if (type)
        name = jsontext_slice(type);
    event->name = arena_string(arena, name);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (slice_is(name, kinds[i].name))
            event->kind = kinds[i].kind;
    if (name.len == 0)
        return "neither an event line nor a \"type\" says what it is";
    return event->kind != ASSAY_EVENT_UNKNOWN ? NULL
                                              : "expected started, token, metrics, end or error";
}

/* Fills in the event; returns its fault, NULL when it has none. */
static const char *read_event(struct arena *arena, const struct sse_event *sse,
                              struct assay_event *event)
{
    DEFER(jsontext_release)
    json_t *json = NULL;
    struct result read = jsontext_read(sse->data, &json);
    event->name = sse->has_type ? arena_string(arena, sse->type) : "";
    if (!result_ok(read))
        return arena_printf(arena, "its data is %s", error_last()->text);
    if (!json_is_object(json))
        return arena_printf(arena, "expected a JSON object as its data, got %s",
                            jsontext_type(json));
    const char *fault = read_name(arena, sse, json, event);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]) && !fault; i++)
        if (fields[i].kind == event->kind)
            fault = read_field(arena, &fields[i], json_object_get(json, fields[i].name), event);
    return fault;
}

/* ---- the list ---- */

static struct result add_event(struct assay_collector *c, const struct sse_event *sse)
{
    struct assay_events *list = &c->events;
    ENSURE(list->count < LIMIT_STREAM_EVENTS, ERR_TOO_LARGE, "the stream has more than %u events",
           LIMIT_STREAM_EVENTS);
    GROW(c->items, list->count, c->room);
    struct assay_event *event = &c->items[list->count];
    struct slice data = arena_copy(c->arena, sse->data);
    *event = (struct assay_event){
        .data = data.len ? data.data : "",
        .data_length = data.len,
        .offset = sse->offset,
        .at_ns = clock_now() - c->began,
        .index = -1,
        .tokens_out = -1,
        .decode_time_ms = -1,
    };
    event->fault = read_event(c->arena, sse, event);
    if (event->fault && !list->fault)
        list->fault = arena_printf(c->arena, "events[%zu] (%s): %s; its data: %.*s", list->count,
                                   *event->name ? event->name : "no name", event->fault,
                                   SLICE_ARG(text_shown(c->arena, data, BEGINNING_BYTES)));
    if (event->kind == ASSAY_EVENT_TOKEN) {
        list->tokens++;
        TRY(buf_append(&c->text, slice_of(event->text, event->text_length)));
    }
    list->count++;
    if (!c->terminal && (event->kind == ASSAY_EVENT_END || event->kind == ASSAY_EVENT_ERROR))
        c->terminal = list->count;
    return RESULT_OK;
}

/* The array of events and the text move while they grow. */
static void set_pointers(struct assay_collector *c)
{
    c->events.items = c->items;
    c->events.text = c->text.data ? c->text.data : "";
    c->events.text_length = c->text.len;
    c->events.terminal = c->terminal ? &c->items[c->terminal - 1] : NULL;
}

static struct result feed(struct assay_collector *c, struct slice bytes)
{
    for (;;) {
        struct sse_event sse;
        bool got;
        TRY(sse_next(&c->decoder, &bytes, &sse, &got));
        if (!got)
            return RESULT_OK;
        TRY(add_event(c, &sse));
        if (c->callback && !c->callback(c->context, &c->items[c->events.count - 1])) {
            c->events.stopped = true;
            return RESULT_OK;
        }
    }
}

/* ---- the interface ---- */

struct assay_collector *collector_new(assay_event_callback *callback, void *context, int64_t began)
{
    struct assay_collector *c = NEW(struct assay_collector);
    c->arena = arena_new();
    c->text = buf_limited(LIMIT_BODY_BYTES);
    c->callback = callback;
    c->context = context;
    c->began = began;
    sse_init(&c->decoder);
    return c;
}

struct assay_collector *assay_collector_new(assay_event_callback *callback, void *context)
{
    return collector_new(callback, context, clock_now());
}

enum assay_error assay_collector_feed(struct assay_collector *collector, const char *bytes,
                                      size_t length)
{
    struct assay_collector *c = collector;
    if (c->failed || c->events.stopped)
        return ASSAY_OK;
    size_t room = BEGINNING_BYTES - c->beginning_length, take = length < room ? length : room;
    if (take > 0)
        memcpy(c->beginning + c->beginning_length, bytes, take);
    c->beginning_length += take;
    struct result fed = feed(c, slice_of(bytes, length));
    if (!result_ok(fed)) {
        c->failed = true;
        if (!c->events.fault)
            c->events.fault = arena_string(c->arena, slice_str(error_last()->text));
    }
    return harness_result(fed);
}

const struct assay_events *collector_events(const struct assay_collector *collector)
{
    return &collector->events;
}

bool collector_has_ended(const struct assay_collector *collector)
{
    return collector->terminal != 0;
}

struct assay_events *collector_end_without(struct assay_collector *collector, const char *why)
{
    struct assay_collector *c = collector;
    struct sse_event left;
    c->events.unfinished = !c->failed && !c->events.stopped && sse_end(&c->decoder, &left);
    sse_free(&c->decoder);
    if (!c->events.fault)
        c->events.fault = why ? arena_string(c->arena, slice_str(why)) : NULL;
    set_pointers(c);
    return &c->events;
}

static const char *no_event(struct assay_collector *c)
{
    struct slice beginning = slice_of(c->beginning, c->beginning_length);
    return beginning.len == 0
               ? "expected an event stream, got nothing"
               : arena_printf(c->arena, "expected an event stream, got: %.*s",
                              SLICE_ARG(text_shown(c->arena, beginning, BEGINNING_BYTES)));
}

struct assay_events *assay_collector_end(struct assay_collector *collector)
{
    return collector_end_without(collector,
                                 collector->events.count == 0 ? no_event(collector) : NULL);
}

void assay_collector_free(struct assay_collector *collector)
{
    if (collector == NULL)
        return;
    sse_free(&collector->decoder);
    arena_free(collector->arena);
    buf_free(&collector->text);
    mem_free(collector->items);
    mem_free(collector);
}

enum assay_error assay_collect_events(const char *bytes, size_t length,
                                      struct assay_events **events)
{
    struct assay_collector *c = assay_collector_new(NULL, NULL);
    (void)assay_collector_feed(c, bytes, length); /* a failure is a fault of the list */
    *events = assay_collector_end(c);
    if ((*events)->fault)
        return harness_fail(ASSAY_ERROR_PROTOCOL, "%s", (*events)->fault);
    if ((*events)->unfinished)
        return harness_fail(ASSAY_ERROR_PROTOCOL, "the stream ends within an event");
    return ASSAY_OK;
}

void assay_events_free(struct assay_events *events)
{
    assay_collector_free((struct assay_collector *)(void *)events);
}

void assay_events_cleanup(struct assay_events **events)
{
    assay_events_free(*events);
    *events = NULL;
}
