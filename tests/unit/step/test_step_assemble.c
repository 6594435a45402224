/*
 * Streams put together: the answer that comes out, and that every rule a stream breaks is counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/text.h"
#include "step/assemble.h"

/* The answer put together from events with these data. */
static json_t *assembled(struct arena *arena, const char *const *data)
{
    struct observation *o = ARENA_NEW(arena, struct observation);
    struct stream_event *events = ARENA_ARRAY(arena, struct stream_event, 32);
    o->arena = arena;
    o->events = events;
    for (; *data; data++) {
        struct stream_event *event = &events[o->event_count++];
        event->data = slice_str(*data);
        if (!result_ok(jsontext_read_in(arena, event->data, &event->json)))
            event->json = NULL;
    }
    return assemble_answer(o, &(struct sse_notes){0});
}

#define CHUNK(choices)                                                                             \
    "{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[" choices "]" \
    "}"
#define DELTA(index, delta) "{\"index\":" #index ",\"delta\":{" delta "},\"finish_reason\":null}"
#define FINISH(index) "{\"index\":" #index ",\"delta\":{},\"finish_reason\":\"stop\"}"
#define ROLE "\"role\":\"assistant\""
#define SAID(text) "\"content\":\"" text "\""

static json_int_t count(const json_t *answer, const char *name)
{
    const json_t *number = json_object_get(json_object_get(answer, "stream"), name);
    assert_true(json_is_integer(number));
    return json_integer_value(number);
}

static json_int_t count_of_choice(const json_t *answer, size_t i, const char *name)
{
    return count(json_array_get(json_object_get(answer, "choices"), i), name);
}

static void a_good_stream_is_the_answer_in_one_piece(void **state)
{
    (void)state;
    static const char *const data[] = {
        CHUNK(DELTA(0, ROLE) "," DELTA(1, ROLE)),
        CHUNK(DELTA(1, SAID("x"))),
        CHUNK(DELTA(0, SAID("a"))),
        CHUNK(DELTA(0, SAID("b"))),
        CHUNK(FINISH(0)),
        CHUNK(FINISH(1)),
        "{\"id\":\"c\",\"choices\":[],\"usage\":{\"total_tokens\":3}}",
        "[DONE]",
        NULL,
    };
    struct arena *arena = arena_new();
    json_t *answer = assembled(arena, data);
    const json_t *choices = json_object_get(answer, "choices");
    const char *content = NULL;
    assert_int_equal(
        json_unpack(json_array_get(choices, 0), "{s:{s:s}}", "message", "content", &content), 0);
    assert_string_equal(content, "ab");
    assert_int_equal(count(answer, "chunks"), 7);
    assert_int_equal(count(answer, "done"), 1);
    assert_int_equal(count(answer, "after_done"), 0);
    assert_int_equal(count(answer, "ids"), 1);
    assert_int_equal(count(answer, "usages"), 1);
    assert_int_equal(count(answer, "usages_with_choices"), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(count_of_choice(answer, i, "roles"), 1);
        assert_int_equal(count_of_choice(answer, i, "role_late"), 0);
        assert_int_equal(count_of_choice(answer, i, "finishes"), 1);
        assert_int_equal(count_of_choice(answer, i, "after_finish"), 0);
    }
    arena_free(arena);
}

static void every_broken_rule_is_counted(void **state)
{
    (void)state;
    static const char *const data[] = {
        CHUNK(DELTA(0, SAID("a"))),
        CHUNK(DELTA(0, ROLE)),
        CHUNK(FINISH(0)),
        CHUNK(DELTA(0, SAID("late"))),
        CHUNK(FINISH(0)),
        CHUNK(DELTA(-1, SAID("nowhere"))),
        CHUNK(DELTA(999999, SAID("far"))),
        "{\"id\":\"other\",\"model\":\"n\",\"object\":\"x\",\"usage\":{},\"choices\":[{\"index\":0}"
        "]}",
        "not JSON",
        "[DONE]",
        "[DONE]",
        NULL,
    };
    struct arena *arena = arena_new();
    json_t *answer = assembled(arena, data);
    assert_int_equal(count(answer, "done"), 2);
    assert_int_equal(count(answer, "after_done"), 1);
    assert_int_equal(count(answer, "not_json"), 1);
    assert_int_equal(count(answer, "ids"), 2);
    assert_int_equal(count(answer, "models"), 2);
    assert_int_equal(count(answer, "objects"), 2);
    assert_int_equal(count(answer, "usages_with_choices"), 1);
    assert_int_equal(count(answer, "bad_choices"), 2);
    assert_int_equal(count_of_choice(answer, 0, "role_late"), 1);
    assert_int_equal(count_of_choice(answer, 0, "finishes"), 2);
    assert_int_equal(count_of_choice(answer, 0, "after_finish"), 1);
    arena_free(arena);
}

#define CALL(index, members) "\"tool_calls\":[{\"index\":" #index "," members "}]"

static void tool_calls_are_put_together_by_their_index(void **state)
{
    (void)state;
    static const char *const good[] = {
        CHUNK(
            DELTA(0, CALL(0, "\"id\":\"i\",\"type\":\"function\",\"function\":{\"name\":\"f\"}"))),
        CHUNK(DELTA(0, CALL(1, "\"id\":\"j\",\"function\":{\"name\":\"g\"}"))),
        CHUNK(DELTA(0, CALL(0, "\"function\":{\"arguments\":\"{\"}"))),
        CHUNK(DELTA(0, CALL(1, "\"function\":{\"arguments\":\"[\"}"))),
        CHUNK(DELTA(0, CALL(0, "\"function\":{\"arguments\":\"}\"}"))),
        NULL,
    };
    static const char *const bad[] = {
        CHUNK(DELTA(0, CALL(0, "\"function\":{\"arguments\":\"without a name\"}"))),
        CHUNK(DELTA(0, CALL(7, "\"id\":\"x\""))),
        CHUNK(DELTA(0, "\"tool_calls\":[{\"id\":\"without an index\"}]")),
        NULL,
    };
    struct arena *arena = arena_new();
    json_t *answer = assembled(arena, good);
    const char *name = NULL, *arguments = NULL;
    const json_t *calls = json_object_get(
        json_object_get(json_array_get(json_object_get(answer, "choices"), 0), "message"),
        "tool_calls");
    assert_int_equal(json_array_size(calls), 2);
    assert_int_equal(json_unpack(json_array_get(calls, 0), "{s:{s:s, s:s}}", "function", "name",
                                 &name, "arguments", &arguments),
                     0);
    assert_string_equal(name, "f");
    assert_string_equal(arguments, "{}");
    assert_int_equal(count(answer, "bad_calls"), 0);
    assert_int_equal(count(assembled(arena, bad), "bad_calls"), 3);
    arena_free(arena);
}

static void events_are_named_by_what_they_bring(void **state)
{
    (void)state;
    static const struct {
        const char *data, *name;
    } cases[] = {
        {"[DONE]", "done"},
        {"{\"error\":{}}", "error"},
        {CHUNK(DELTA(0, ROLE "," SAID("x"))), "role"},
        {CHUNK(FINISH(0)), "finish"},
        {CHUNK(DELTA(0, CALL(0, "\"id\":\"x\""))), "tool_call"},
        {CHUNK(DELTA(0, SAID("x"))), "content"},
        {"{\"choices\":[{\"index\":0,\"text\":\"x\"}]}", "content"},
        {"{\"choices\":[],\"usage\":{}}", "usage"},
        {CHUNK(DELTA(0, SAID(""))), "chunk"},
        {"rubbish", "chunk"},
    };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct stream_event event = {.data = slice_str(cases[i].data)};
        if (!result_ok(jsontext_read_in(arena, event.data, &event.json)))
            event.json = NULL;
        assert_true(slice_is(assemble_name(&event), cases[i].name));
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_stream_is_the_answer_in_one_piece),
        cmocka_unit_test(every_broken_rule_is_counted),
        cmocka_unit_test(tool_calls_are_put_together_by_their_index),
        cmocka_unit_test(events_are_named_by_what_they_bring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
