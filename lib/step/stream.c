/*
 * Streams as observations. Arrays double in the observation's arena: the waste is at most what is
 * kept, and everything goes away with the case.
 */
#include "step/stream.h"

#include "core/limits.h"

void stream_init(struct stream *stream, struct observation *observation)
{
    *stream = (struct stream){.observation = observation, .text = buf_limited(LIMIT_BODY_BYTES)};
    sse_init(&stream->decoder);
    observation->seen |= OBSERVED_EVENTS;
}

void stream_close(struct stream *stream)
{
    struct observation *o = stream->observation;
    o->text = arena_copy(o->arena, buf_slice(&stream->text));
    if (o->token_count)
        o->seen |= OBSERVED_TEXT;
    sse_free(&stream->decoder);
    buf_free(&stream->text);
}

static struct result keep_event(struct stream *stream, const struct sse_event *event, int64_t at,
                                struct stream_event **kept)
{
    struct observation *o = stream->observation;
    ENSURE(o->event_count < LIMIT_STREAM_EVENTS, ERR_TOO_LARGE,
           "the stream has more than %u events", LIMIT_STREAM_EVENTS);
    ARENA_GROW(o->arena, stream->events, o->event_count);
    o->events = stream->events;
    *kept = &stream->events[o->event_count++];
    **kept = (struct stream_event){.name = arena_copy(o->arena, event->type),
                                   .data = arena_copy(o->arena, event->data),
                                   .at = at};
    /* Data that is no JSON ("[DONE]") is an event all the same. */
    if (!result_ok(jsontext_read_in(o->arena, (*kept)->data, &(*kept)->json)))
        (*kept)->json = NULL;
    return RESULT_OK;
}

struct result stream_feed(struct stream *stream, struct slice bytes, int64_t at,
                          struct result (*on_event)(void *context, struct stream_event *event),
                          void *context)
{
    while (true) {
        struct sse_event event;
        struct stream_event *kept = NULL;
        bool got;
        TRY(sse_next(&stream->decoder, &bytes, &event, &got));
        if (!got)
            return RESULT_OK;
        TRY(keep_event(stream, &event, at, &kept));
        if (on_event)
            TRY(on_event(context, kept));
    }
}

struct result stream_token(struct stream *stream, struct slice text, int64_t index, int64_t at)
{
    struct observation *o = stream->observation;
    ARENA_GROW(o->arena, stream->tokens, o->token_count);
    o->tokens = stream->tokens;
    if (o->token_count == 0)
        o->first_token = at;
    stream->tokens[o->token_count++] = (struct token){arena_copy(o->arena, text), index, at};
    o->seen |= OBSERVED_TOKENS | OBSERVED_STREAM_TIME;
    return buf_append(&stream->text, text);
}

struct result stream_end(struct stream *stream)
{
    struct sse_event left;
    ENSURE(!sse_end(&stream->decoder, &left), ERR_CLOSED,
           "the stream ended within an event, after %zu whole ones",
           stream->observation->event_count);
    return RESULT_OK;
}
