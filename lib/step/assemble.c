/*
 * Streams put together after they ended, from the events that were kept: some thousand chunks.
 */
#include "step/assemble.h"

#include "core/text.h"

/* Indices beyond are no index of an honest server. */
#define CHOICES_MAX 128
#define CALLS_MAX 128

struct call_parts {
    bool opened; /* it came with an id and a name */
    const json_t *id, *type, *name;
    struct text arguments;
};

struct choice_parts {
    const json_t *role, *finish_reason;
    struct text content, refusal;
    bool has_content, has_text, has_refusal;
    json_int_t roles, role_late, finishes, after_finish, deltas;
    size_t call_count;
    struct call_parts *calls; /* CALLS_MAX of them once there is one */
};

struct assembly {
    struct arena *arena;
    struct choice_parts *choices[CHOICES_MAX];
    size_t choice_count;
    const json_t *first, *usage, *error;
    json_t *ids, *models, *objects; /* sets */
    json_int_t chunks, done, after_done, not_json, usages, usages_with_choices, bad_choices,
        bad_calls;
};

static bool has_text(const json_t *object, const char *name)
{
    return json_string_length(json_object_get(object, name)) > 0;
}

static bool is_given(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return value && !json_is_null(value);
}

struct slice assemble_name(const struct stream_event *event)
{
    const json_t *choice = json_array_get(json_object_get(event->json, "choices"), 0),
                 *delta = json_object_get(choice, "delta");
    if (slice_is(event->data, "[DONE]"))
        return SLICE("done");
    if (is_given(event->json, "error"))
        return SLICE("error");
    if (is_given(delta, "role"))
        return SLICE("role");
    if (is_given(choice, "finish_reason"))
        return SLICE("finish");
    if (json_array_size(json_object_get(delta, "tool_calls")))
        return SLICE("tool_call");
    if (has_text(delta, "content") || has_text(choice, "text"))
        return SLICE("content");
    if (!choice && is_given(event->json, "usage"))
        return SLICE("usage");
    return SLICE("chunk");
}

static void note(json_t *set, const json_t *chunk, const char *name)
{
    const json_t *value = json_object_get(chunk, name);
    if (json_is_string(value))
        json_object_set_new(set, json_string_value(value), json_true());
}

/* Text at `name`, joined. */
static bool join(struct text *to, const json_t *object, const char *name)
{
    const json_t *text = json_object_get(object, name);
    if (!json_is_string(text))
        return false;
    text_add(to, jsontext_slice(text));
    return true;
}

static void take_call(struct assembly *a, struct choice_parts *choice, const json_t *delta)
{
    const json_t *index = json_object_get(delta, "index"),
                 *function = json_object_get(delta, "function");
    json_int_t at = json_is_integer(index) ? json_integer_value(index) : -1;
    if (at < 0 || at >= CALLS_MAX || at > (json_int_t)choice->call_count) {
        a->bad_calls++;
        return;
    }
    if (!choice->calls)
        choice->calls = ARENA_ARRAY(a->arena, struct call_parts, CALLS_MAX);
    struct call_parts *call = &choice->calls[at];
    if (at == (json_int_t)choice->call_count) {
        choice->call_count++;
        call->arguments = text_in(a->arena);
        call->opened = has_text(delta, "id") && has_text(function, "name");
        a->bad_calls += !call->opened;
        call->id = json_object_get(delta, "id");
        call->type = json_object_get(delta, "type");
        call->name = json_object_get(function, "name");
    }
    (void)join(&call->arguments, function, "arguments");
}

static void take_choice(struct assembly *a, const json_t *part)
{
    const json_t *index = json_object_get(part, "index"), *delta = json_object_get(part, "delta"),
                 *calls = json_object_get(delta, "tool_calls");
    json_int_t at = json_is_integer(index) ? json_integer_value(index) : -1;
    if (at < 0 || at >= CHOICES_MAX) {
        a->bad_choices++;
        return;
    }
    if (!a->choices[at]) {
        a->choices[at] = ARENA_NEW(a->arena, struct choice_parts);
        a->choices[at]->content = a->choices[at]->refusal = text_in(a->arena);
    }
    struct choice_parts *choice = a->choices[at];
    if ((size_t)at >= a->choice_count)
        a->choice_count = (size_t)at + 1;
    if (is_given(delta, "role")) {
        choice->roles++;
        choice->role_late += choice->deltas > 0;
        choice->role = json_object_get(delta, "role");
    }
    choice->deltas++;
    if (choice->finishes &&
        (has_text(delta, "content") || has_text(part, "text") || json_array_size(calls)))
        choice->after_finish++;
    choice->has_content = join(&choice->content, delta, "content") || choice->has_content;
    choice->has_text = join(&choice->content, part, "text") || choice->has_text;
    choice->has_refusal = join(&choice->refusal, delta, "refusal") || choice->has_refusal;
    for (size_t i = 0; i < json_array_size(calls); i++)
        take_call(a, choice, json_array_get(calls, i));
    if (is_given(part, "finish_reason")) {
        choice->finishes++;
        choice->finish_reason = json_object_get(part, "finish_reason");
    }
}

static void take_event(struct assembly *a, const struct stream_event *event)
{
    const json_t *choices = json_object_get(event->json, "choices");
    a->after_done += a->done > 0;
    if (slice_is(event->data, "[DONE]")) {
        a->done++;
        return;
    }
    if (!json_is_object(event->json)) {
        a->not_json++;
        return;
    }
    if (is_given(event->json, "error")) {
        a->error = json_object_get(event->json, "error");
        return;
    }
    a->chunks++;
    if (!a->first)
        a->first = event->json;
    note(a->ids, event->json, "id");
    note(a->models, event->json, "model");
    note(a->objects, event->json, "object");
    if (is_given(event->json, "usage")) {
        a->usages++;
        a->usages_with_choices += json_array_size(choices) > 0;
        a->usage = json_object_get(event->json, "usage");
    }
    for (size_t i = 0; i < json_array_size(choices); i++)
        take_choice(a, json_array_get(choices, i));
}

/* ---- the object ---- */

static void set(json_t *object, const char *name, const json_t *value)
{
    if (value)
        json_object_set(object, name, (json_t *)(uintptr_t)value);
}

static void set_text(json_t *object, const char *name, const struct text *text)
{
    json_object_set_new(object, name, json_stringn(text_str(text), text->len));
}

static json_t *calls_of(const struct choice_parts *choice)
{
    json_t *list = json_array();
    for (size_t i = 0; i < choice->call_count; i++) {
        const struct call_parts *parts = &choice->calls[i];
        json_t *call = json_object(), *function = json_object();
        set(call, "id", parts->id);
        set(call, "type", parts->type);
        set(function, "name", parts->name);
        set_text(function, "arguments", &parts->arguments);
        json_object_set_new(call, "function", function);
        json_array_append_new(list, call);
    }
    return list;
}

static json_t *choice_object(const struct choice_parts *parts, size_t index)
{
    json_t *choice = json_pack("{s:I}", "index", (json_int_t)index);
    if (parts->has_text) {
        set_text(choice, "text", &parts->content);
    } else {
        json_t *message = json_object();
        set(message, "role", parts->role);
        if (parts->has_content)
            set_text(message, "content", &parts->content);
        else
            json_object_set_new(message, "content", json_null());
        if (parts->has_refusal)
            set_text(message, "refusal", &parts->refusal);
        if (parts->call_count)
            json_object_set_new(message, "tool_calls", calls_of(parts));
        json_object_set_new(choice, "message", message);
    }
    set(choice, "finish_reason", parts->finish_reason);
    json_object_set_new(choice, "stream",
                        json_pack("{s:I, s:I, s:I, s:I}", "roles", parts->roles, "role_late",
                                  parts->role_late, "finishes", parts->finishes, "after_finish",
                                  parts->after_finish));
    return choice;
}

static json_t *stream_object(const struct assembly *a, const struct sse_notes *notes)
{
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "chunks",
        a->chunks, "done", a->done, "after_done", a->after_done, "not_json", a->not_json, "ids",
        (json_int_t)json_object_size(a->ids), "models", (json_int_t)json_object_size(a->models),
        "objects", (json_int_t)json_object_size(a->objects), "usages", a->usages,
        "usages_with_choices", a->usages_with_choices, "bad_choices", a->bad_choices, "bad_calls",
        a->bad_calls, "comments", (json_int_t)notes->comments, "no_space",
        (json_int_t)notes->no_space, "unknown_fields", (json_int_t)notes->unknown_fields,
        "invalid_utf8", (json_int_t)notes->invalid_utf8);
}

json_t *assemble_answer(const struct observation *o, const struct sse_notes *notes)
{
    static const char *const copied[] = {"id", "object", "created", "model", "system_fingerprint"};
    struct assembly a = {.arena = o->arena};
    a.ids = jsontext_keep(o->arena, json_object());
    a.models = jsontext_keep(o->arena, json_object());
    a.objects = jsontext_keep(o->arena, json_object());
    for (size_t i = 0; i < o->event_count; i++)
        take_event(&a, &o->events[i]);
    json_t *answer = jsontext_keep(o->arena, json_object()), *choices = json_array();
    for (size_t i = 0; i < sizeof(copied) / sizeof(copied[0]); i++)
        set(answer, copied[i], json_object_get(a.first, copied[i]));
    for (size_t i = 0; i < a.choice_count; i++)
        json_array_append_new(choices, a.choices[i] ? choice_object(a.choices[i], i) : json_null());
    json_object_set_new(answer, "choices", choices);
    set(answer, "usage", a.usage);
    set(answer, "error", a.error);
    json_object_set_new(answer, "stream", stream_object(&a, notes));
    return answer;
}
