/*
 * Answers read back from evidence.
 */
#include "report/answer.h"

#include "core/jsontext.h"
#include "core/parse.h"
#include "core/text.h"
#include "net/sse.h"

static const char replaced[] = "\xef\xbf\xbd"; /* U+FFFD */

static struct slice member(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_string(value) ? jsontext_slice(value) : (struct slice){0};
}

/* {"code", "message"}, or OpenAI's {"error": {"code" or "type", "message"}}. */
static bool read_error(const json_t *json, struct answer *a)
{
    const json_t *error = json_object_get(json, "error");
    if (!json_is_object(error))
        error = json;
    struct slice code = member(error, "code");
    if (code.len == 0 && error != json)
        code = member(error, "type");
    if (code.len == 0 && error == json)
        return false;
    a->error_code = code;
    a->error_message = member(error, "message");
    return true;
}

static void read_token(struct arena *arena, const json_t *json, struct answer *a)
{
    const json_t *number = json_object_get(json, "i");
    if (json_is_integer(number) && json_integer_value(number) != (json_int_t)a->tokens &&
        a->not_ordered.len == 0)
        a->not_ordered = slice_str(arena_printf(arena, "token %zu is numbered %lld instead of %zu",
                                                a->tokens + 1,
                                                (long long)json_integer_value(number), a->tokens));
    a->tokens++;
}

static void read_event(struct arena *arena, const struct sse_event *event, struct answer *a)
{
    struct slice data = arena_copy(arena, event->data); /* the decoder's are gone with the next */
    json_t *json = NULL;

    a->events++;
    if (slice_eq(data, SLICE("[DONE]"))) {
        a->ended = true;
        return;
    }
    if (!result_ok(jsontext_read_in(arena, data, &json))) {
        if (a->not_json.len == 0)
            a->not_json = data;
        return;
    }
    struct slice type = member(json, "type");
    bool error = slice_is(type, "error") || slice_is(event->type, "error") ||
                 json_is_object(json_object_get(json, "error"));
    if (error) {
        a->error_event = a->ended = true;
        read_error(json, a);
    } else if (slice_is(type, "token")) {
        read_token(arena, json, a);
    } else if (slice_is(type, "end")) {
        a->ended = true;
    }
}

static void read_stream(struct arena *arena, struct answer *a)
{
    struct sse_decoder decoder;
    struct sse_event event;
    struct slice rest = a->body;
    bool got = true;

    sse_init(&decoder);
    while (got && result_ok(sse_next(&decoder, &rest, &event, &got)))
        if (got)
            read_event(arena, &event, a);
    sse_free(&decoder);
}

static void read_body(struct arena *arena, struct answer *a)
{
    json_t *json = NULL;
    bool says_json = slice_ends(a->type, SLICE("json"));

    if (a->body.len == 0 || !says_json)
        return;
    if (result_ok(jsontext_read_in(arena, a->body, &json)))
        read_error(json, a);
    else
        a->not_json_body = !a->cut;
}

static void read_header(struct slice line, struct answer *a)
{
    struct slice rest = line, name = {0}, type = {0};
    if (!slice_split(&rest, ':', &name))
        return;
    rest = slice_trim(rest);
    if (slice_eq_nocase(name, SLICE("retry-after")))
        a->retry_after = rest;
    if (slice_eq_nocase(name, SLICE("content-type")) && slice_split(&rest, ';', &type))
        a->type = slice_trim(type);
}

/* A byte that was no UTF-8: "\\xff" as it is shown, or U+FFFD as it is stored. */
static bool has_bad_byte(struct slice line)
{
    struct slice rest = line;
    for (ptrdiff_t at; (at = slice_find(rest, SLICE("\\x"))) >= 0;
         rest = slice_from(rest, (size_t)at + 2))
        if ((size_t)at + 3 < rest.len && strchr("89abcdef", rest.data[at + 2]))
            return true;
    return slice_find(line, slice_str(replaced)) >= 0;
}

static struct slice bad_line(struct slice body)
{
    struct slice rest = body, line;
    while (slice_split(&rest, '\n', &line))
        if (has_bad_byte(line))
            return slice_trim(line);
    return (struct slice){0};
}

/* A carriage return is shown as "\\x0d"; here it only ends lines. */
static struct slice without_returns(struct arena *arena, struct slice body)
{
    static const char shown[] = "\\x0d\n";
    struct slice rest = body;
    struct text t = text_in(arena);
    ptrdiff_t at;
    while ((at = slice_find(rest, slice_str(shown))) >= 0) {
        text_add(&t, slice_part(rest, 0, (size_t)at));
        text_add_byte(&t, '\n');
        rest = slice_from(rest, (size_t)at + strlen(shown));
    }
    if (t.len == 0)
        return body;
    text_add(&t, rest);
    return text_slice(&t);
}

void answer_read(struct arena *arena, struct slice response, struct answer *out)
{
    struct slice rest = response, line = {0};
    uint64_t status = 0;

    *out = (struct answer){.cut = slice_ends(response, SLICE(" more bytes)"))};
    if (!slice_split(&rest, '\n', &line) || !slice_starts(line, SLICE("HTTP ")))
        return;
    if (!result_ok(parse_unsigned(slice_trim(slice_from(line, 5)), 999, &status)))
        return;
    out->status = (int)status;
    while (slice_split(&rest, '\n', &line) && slice_trim(line).len)
        read_header(line, out);
    out->body = without_returns(arena, rest);
    out->stream = slice_eq_nocase(out->type, SLICE("text/event-stream"));
    out->not_utf8 = bad_line(rest);
    if (out->stream)
        read_stream(arena, out);
    else
        read_body(arena, out);
}
