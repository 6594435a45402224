/*
 * The three forms: events of the worker's own wire, chunks of OpenAI's, and whole answers.
 */
#include "answer.h"

#include "core/jsontext.h"
#include "net/sse.h"

/* What a character becomes that was cut in the middle. */
#define REPLACEMENT SLICE("\xef\xbf\xbd")

/* A stream of the longest text has fewer. */
#define TOKENS_MAX 4096

static void add_token(struct arena *arena, struct said *said, struct slice token)
{
    if (!said->tokens)
        said->tokens = ARENA_ARRAY(arena, struct slice, TOKENS_MAX);
    MUST(said->count < TOKENS_MAX, "a stream of %zu tokens", said->count);
    said->tokens[said->count++] = arena_copy(arena, token);
}

static void join(struct arena *arena, struct said *said)
{
    struct text t = text_in(arena);
    for (size_t i = 0; i < said->count; i++)
        text_add(&t, said->tokens[i]);
    said->text = text_slice(&t);
}

/* ---- the worker's own wire ---- */

static const char *read_execute(struct arena *arena, const struct assay_response *response,
                                struct answer *answer)
{
    const struct assay_events *events = response->events;
    struct said *said = &answer->choices[0];
    if (response->error != ASSAY_OK)
        return arena_printf(arena, "assay_execute: %s", response->error_text);
    for (size_t i = 0; i < events->count; i++) {
        const struct assay_event *event = &events->items[i];
        if (event->kind != ASSAY_EVENT_TOKEN)
            continue;
        if (event->index != (int64_t)said->count)
            return arena_printf(arena, "token %zu has the number %lld", said->count,
                                (long long)event->index);
        add_token(arena, said, slice_of(event->text, event->text_length));
    }
    if (events->terminal->kind != ASSAY_EVENT_END)
        return arena_printf(arena, "it ended with the error %s", events->terminal->code);
    said->finish = slice_str(events->terminal->stop_reason);
    said->sequence = slice_str(events->terminal->stop_sequence);
    answer->choice_count = 1;
    answer->completion_tokens = events->terminal->tokens_out;
    return NULL;
}

/* ---- OpenAI's ---- */

static struct slice member(const json_t *object, const char *name)
{
    return jsontext_slice(json_object_get(object, name));
}

/* One choice of a chunk, or of a whole answer. */
static const char *read_choice(struct arena *arena, const struct scenario *s, const json_t *choice,
                               struct answer *answer)
{
    json_int_t index = json_integer_value(json_object_get(choice, "index"));
    if (index < 0 || index >= CHOICES_MAX)
        return "a choice with an index that was not asked for";
    struct said *said = &answer->choices[index];
    const json_t *delta = json_object_get(choice, answer->stream ? "delta" : "message");
    struct slice text = s->wire == WIRE_CHAT ? member(delta, "content") : member(choice, "text");
    struct slice finish = member(choice, "finish_reason");
    bool role = json_object_get(delta, "role") != NULL;
    if (said->finish.len)
        return "a choice goes on behind its finish_reason";
    if (text.len)
        add_token(arena, said, text);
    else if (answer->stream && !role && !finish.len)
        return "a chunk without text";
    said->finish = arena_copy(arena, finish);
    if ((size_t)index >= answer->choice_count)
        answer->choice_count = (size_t)index + 1;
    return NULL;
}

static const char *read_object(struct arena *arena, const struct scenario *s, struct slice text,
                               struct answer *answer)
{
    json_t *json = NULL;
    if (!result_ok(jsontext_read_in(arena, text, &json)))
        return arena_printf(arena, "%s: %.*s", error_last()->text, SLICE_ARG(text));
    const json_t *choices = json_object_get(json, "choices");
    const json_t *tokens = json_object_get(json_object_get(json, "usage"), "completion_tokens");
    if (tokens)
        answer->completion_tokens = json_integer_value(tokens);
    const char *fault = NULL;
    for (size_t i = 0; i < json_array_size(choices) && !fault; i++)
        fault = read_choice(arena, s, json_array_get(choices, i), answer);
    return fault;
}

static const char *read_chunks(struct arena *arena, const struct scenario *s, struct slice body,
                               struct answer *answer)
{
    struct sse_decoder decoder;
    struct sse_event event;
    const char *fault = NULL;
    bool got = true, done = false;
    sse_init(&decoder);
    while (!fault && got) {
        if (!result_ok(sse_next(&decoder, &body, &event, &got)))
            fault = error_last()->text;
        else if (got && done)
            fault = "something stands behind [DONE]";
        else if (got && slice_is(event.data, "[DONE]"))
            done = true;
        else if (got)
            fault = read_object(arena, s, event.data, answer);
    }
    if (!fault && (!done || decoder.line.len))
        fault = "a stream without [DONE] at its end";
    sse_free(&decoder);
    return fault;
}

/* ---- both ---- */

static const char *judge_choice(struct arena *arena, const struct scenario *s,
                                const struct answer *answer, const struct said *said)
{
    if (!utf8_valid(said->text))
        return "the tokens together are no UTF-8";
    if (!said->finish.len)
        return "a choice without an end";
    for (size_t i = 0; i < said->count; i++) {
        struct slice token = said->tokens[i];
        if (token.len == 0 || !utf8_valid(token) || slice_find(token, REPLACEMENT) >= 0)
            return arena_printf(arena, "token %zu is empty or no UTF-8", i);
    }
    bool limited = slice_is(said->finish, "MAX_TOKENS") || slice_is(said->finish, "length");
    if (answer->stream && s->max_tokens &&
        (said->count > s->max_tokens || (limited && said->count != s->max_tokens)))
        return arena_printf(arena, "%zu tokens and %.*s with max_tokens %u", said->count,
                            SLICE_ARG(said->finish), s->max_tokens);
    return NULL;
}

const char *answer_read(struct arena *arena, const struct scenario *s, const struct variant *v,
                        const struct assay_response *response, struct answer *answer)
{
    struct slice body = slice_of(response->body, response->body_length);
    *answer = (struct answer){.stream = v->stream, .completion_tokens = -1};
    if (response->status != 200)
        return arena_printf(arena, "status %d: %s%s", response->status, response->body,
                            response->error_text);
    const char *fault = s->wire == WIRE_EXECUTE ? read_execute(arena, response, answer)
                        : v->stream             ? read_chunks(arena, s, body, answer)
                                                : read_object(arena, s, body, answer);
    if (!fault && answer->choice_count != s->n)
        fault = arena_printf(arena, "%zu choices", answer->choice_count);
    for (size_t i = 0; i < answer->choice_count && !fault; i++) {
        join(arena, &answer->choices[i]);
        fault = judge_choice(arena, s, answer, &answer->choices[i]);
    }
    return fault;
}

/*
 * Generation stops at the first byte at which the text so far ends with a stop sequence; when
 * several end there, the longest is the one. The text is everything before it, and the tokens are
 * the same as without stop sequences, save that the last may be cut short.
 */
struct said said_until_stop(struct arena *arena, const struct scenario *s, const struct said *said)
{
    struct slice found = {0};
    size_t end = 0;
    while (!found.len && end++ < said->text.len)
        for (size_t i = 0; i < s->stop_count; i++)
            if (s->stops[i].len > found.len &&
                slice_ends(slice_part(said->text, 0, end), s->stops[i]))
                found = s->stops[i];
    if (!found.len)
        return *said;
    struct said until = {.text = slice_part(said->text, 0, end - found.len)};
    for (size_t i = 0, at = 0; at < until.text.len; at += said->tokens[i++].len)
        add_token(arena, &until, slice_part(said->tokens[i], 0, until.text.len - at));
    until.finish = s->wire == WIRE_EXECUTE ? SLICE("STOP_SEQUENCE") : SLICE("stop");
    until.sequence = s->wire == WIRE_EXECUTE ? found : SLICE("");
    return until;
}
