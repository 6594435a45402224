/*
 * Answers of OpenAI's form, made without a server: whole and streamed, texts and calls of
 * functions, log probabilities, what ends them, and that both forms say the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/text.h"
#include "openai_answer.h"
#include "stub.h"

static const struct openai_model model = {{"stub", 4}, 2048};

#define CHAT(prompt, members)                                                                      \
    "{\"model\":\"stub\",\"messages\":[{\"role\":\"user\",\"content\":\"" prompt "\"}]" members "}"
#define COMPLETION(prompt, members) "{\"model\":\"stub\",\"prompt\":" prompt members "}"
#define STREAM ",\"stream\":true"
#define TOOL(name)                                                                                 \
    "{\"type\":\"function\",\"function\":{\"name\":\"" name "\",\"parameters\":{\"type\":"         \
    "\"object\",\"properties\":{\"city\":{\"type\":\"string\",\"minLength\":8}},"                  \
    "\"required\":[\"city\"]}}}"

/* What was answered: a whole answer as `json`, a stream as its `chunks`. */
struct said {
    struct arena *arena;
    struct slice id;
    unsigned status;
    json_t *json;
    json_t *chunks[600];
    size_t count;
    uint64_t prompt_tokens;
};

static void read_chunks(struct said *said, struct slice stream)
{
    struct slice line;
    while (slice_split(&stream, '\n', &line)) {
        if (!slice_starts(line, SLICE("data: ")))
            continue;
        assert_true(said->count < sizeof(said->chunks) / sizeof(said->chunks[0]));
        assert_true(result_ok(
            jsontext_read_in(said->arena, slice_from(line, 6), &said->chunks[said->count++])));
    }
}

static struct said *ask_of(const struct engine *engine, enum openai_form form, const char *body)
{
    struct arena *arena = arena_new(), *taken = arena_new();
    struct said *said = ARENA_NEW(arena, struct said);
    struct openai_request request;
    struct openai_error error;
    struct buf out = buf_limited(4 << 20);
    said->arena = arena;
    if (!openai_read(taken, form, &model, slice_str(body), &request, &error))
        fail_msg("refused: %s", error.message);
    struct openai_answer *a = openai_answer_new(taken, &request, &model, engine);
    struct generation_options options = {.timeout = CLOCK_NEVER};
    while (openai_answer_next(a, &options, &out)) {
        struct generation g;
        generation_start(&g, &options, 0, &out);
        while (g.state == GENERATION_RUNNING)
            generation_turn(&g, 0, 1000, &out);
        generation_free(&g);
    }
    said->id = arena_copy(arena, openai_answer_id(a));
    said->prompt_tokens = openai_answer_prompt_tokens(a);
    if (openai_answer_streams(a)) {
        read_chunks(said, buf_slice(&out));
    } else {
        assert_int_equal(out.len, 0);
        struct slice whole = openai_answer_whole(a, &said->status);
        assert_true(result_ok(jsontext_read_in(arena, whole, &said->json)));
    }
    buf_free(&out);
    openai_answer_free(a);
    return said;
}

static struct said *chat(const char *body)
{
    return ask_of(&stub_engine, OPENAI_CHAT, body);
}

static struct said *complete(const char *body)
{
    return ask_of(&stub_engine, OPENAI_COMPLETION, body);
}

static void done(struct said *said)
{
    arena_free(said->arena);
}

/* ---- looking into answers: a path of member names and numbers, separated by blanks ---- */

static const json_t *at(const json_t *value, const char *path)
{
    struct slice rest = slice_str(path), part;
    while (slice_split(&rest, ' ', &part)) {
        char name[40];
        snprintf(name, sizeof(name), "%.*s", SLICE_ARG(part));
        value = name[0] >= '0' && name[0] <= '9' ? json_array_get(value, (size_t)(name[0] - '0'))
                                                 : json_object_get(value, name);
    }
    return value;
}

static const char *text_at(const json_t *value, const char *path)
{
    const json_t *found = at(value, path);
    if (!json_is_string(found))
        fail_msg("no string at %s", path);
    return json_string_value(found);
}

static json_int_t number_at(const json_t *value, const char *path)
{
    const json_t *found = at(value, path);
    if (!json_is_integer(found))
        fail_msg("no number at %s", path);
    return json_integer_value(found);
}

/* The deltas of a choice joined. */
static const char *streamed_text(const struct said *said, json_int_t choice)
{
    struct text t = text_in(said->arena);
    for (size_t i = 0; i < said->count; i++) {
        const json_t *c = at(said->chunks[i], "choices 0");
        const json_t *text = at(c, "delta content") ? at(c, "delta content") : at(c, "text");
        if (number_at(c, "index") == choice && json_is_string(text))
            text_add(&t, jsontext_slice(text));
    }
    return text_str(&t);
}

/* ---- texts ---- */

static void a_whole_chat_answer_has_its_text_end_and_usage(void **state)
{
    (void)state;
    struct said *said = chat(CHAT("echo:Grüße, 世界", ""));
    assert_int_equal(said->status, 200);
    assert_true(slice_starts(said->id, SLICE("chatcmpl-")));
    assert_string_equal(text_at(said->json, "id"), said->id.data);
    assert_string_equal(text_at(said->json, "object"), "chat.completion");
    assert_string_equal(text_at(said->json, "model"), "stub");
    assert_int_equal(json_array_size(at(said->json, "choices")), 1);
    assert_string_equal(text_at(said->json, "choices 0 message role"), "assistant");
    assert_string_equal(text_at(said->json, "choices 0 message content"), "Grüße, 世界");
    assert_true(json_is_null(at(said->json, "choices 0 message refusal")));
    assert_true(json_is_null(at(said->json, "choices 0 logprobs")));
    assert_string_equal(text_at(said->json, "choices 0 finish_reason"), "stop");
    json_int_t completion = number_at(said->json, "usage completion_tokens");
    assert_true(completion >= 3 && completion <= 16); /* of 1 to 6 bytes each */
    assert_int_equal(number_at(said->json, "usage prompt_tokens"), said->prompt_tokens);
    assert_int_equal(number_at(said->json, "usage total_tokens"),
                     said->prompt_tokens + (uint64_t)completion);
    done(said);
}

static void max_tokens_is_exact_and_the_reason_is_length(void **state)
{
    (void)state;
    struct said *said = chat(CHAT("tell me", ",\"max_tokens\":7"));
    assert_string_equal(text_at(said->json, "choices 0 finish_reason"), "length");
    assert_int_equal(number_at(said->json, "usage completion_tokens"), 7);
    done(said);
    said = complete(COMPLETION("\"tell me\"", ",\"max_tokens\":1"));
    assert_string_equal(text_at(said->json, "choices 0 finish_reason"), "length");
    assert_int_equal(number_at(said->json, "usage completion_tokens"), 1);
    done(said);
}

static void without_max_tokens_a_text_ends_by_itself(void **state)
{
    (void)state;
    struct said *said = chat(CHAT("tell me", ""));
    json_int_t tokens = number_at(said->json, "usage completion_tokens");
    assert_string_equal(text_at(said->json, "choices 0 finish_reason"), "stop");
    assert_true(tokens >= 16 && tokens <= 63);
    done(said);
}

static void at_temperature_0_the_seed_decides_neither_text_nor_length(void **state)
{
    (void)state;
    static const char *const seeds[] = {CHAT("x", ",\"temperature\":0,\"seed\":1"),
                                        CHAT("x", ",\"temperature\":0,\"seed\":2"),
                                        CHAT("x", ",\"temperature\":0,\"seed\":77777")};
    struct said *first = chat(seeds[0]);
    for (size_t i = 1; i < 3; i++) {
        struct said *said = chat(seeds[i]);
        assert_string_equal(text_at(said->json, "choices 0 message content"),
                            text_at(first->json, "choices 0 message content"));
        done(said);
    }
    done(first);
    first = chat(CHAT("x", ",\"seed\":1"));
    struct said *other = chat(CHAT("x", ",\"seed\":2"));
    assert_string_not_equal(text_at(other->json, "choices 0 message content"),
                            text_at(first->json, "choices 0 message content"));
    done(first);
    done(other);
}

static void nothing_of_a_stop_sequence_is_in_the_answer(void **state)
{
    (void)state;
    struct said *said = chat(CHAT("echo:one two three", ",\"stop\":[\"three\",\"two\"]"));
    assert_string_equal(text_at(said->json, "choices 0 message content"), "one ");
    assert_string_equal(text_at(said->json, "choices 0 finish_reason"), "stop");
    done(said);
}

static void a_choice_has_the_seed_and_its_index(void **state)
{
    (void)state;
    struct said *many = chat(CHAT("tell", ",\"n\":3,\"seed\":5,\"max_tokens\":9"));
    struct said *third = chat(CHAT("tell", ",\"seed\":7,\"max_tokens\":9"));
    assert_int_equal(json_array_size(at(many->json, "choices")), 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(number_at(json_array_get(at(many->json, "choices"), i), "index"), i);
    assert_string_equal(text_at(many->json, "choices 2 message content"),
                        text_at(third->json, "choices 0 message content"));
    assert_string_not_equal(text_at(many->json, "choices 1 message content"),
                            text_at(third->json, "choices 0 message content"));
    assert_int_equal(number_at(many->json, "usage completion_tokens"), 27);
    done(many);
    done(third);
}

static void every_prompt_of_a_completion_has_its_choices(void **state)
{
    (void)state;
    struct said *said = complete(COMPLETION("[\"echo:a\",\"echo:b\"]", ",\"n\":2"));
    static const char *const texts[] = {"a", "a", "b", "b"};
    assert_true(slice_starts(said->id, SLICE("cmpl-")));
    assert_string_equal(text_at(said->json, "object"), "text_completion");
    assert_int_equal(json_array_size(at(said->json, "choices")), 4);
    for (size_t i = 0; i < 4; i++) {
        const json_t *choice = json_array_get(at(said->json, "choices"), i);
        assert_int_equal(number_at(choice, "index"), i);
        assert_string_equal(text_at(choice, "text"), texts[i]);
    }
    done(said);
}

/* ---- streams ---- */

static void a_stream_says_what_the_whole_answer_says(void **state)
{
    (void)state;
    struct said *whole = chat(CHAT("tell", ",\"n\":2,\"max_tokens\":30"));
    struct said *stream = chat(CHAT("tell", ",\"n\":2,\"max_tokens\":30" STREAM));
    assert_string_equal(streamed_text(stream, 0),
                        text_at(whole->json, "choices 0 message content"));
    assert_string_equal(streamed_text(stream, 1),
                        text_at(whole->json, "choices 1 message content"));
    done(whole);
    done(stream);
}

static void a_stream_begins_with_the_role_and_ends_each_choice_once(void **state)
{
    (void)state;
    struct said *said = chat(
        CHAT("echo:abcdefghij", ",\"n\":2,\"stream_options\":{\"include_usage\":true}" STREAM));
    size_t roles[2] = {0}, ends[2] = {0}, texts[2] = {0};
    for (size_t i = 0; i < said->count; i++) {
        const json_t *chunk = said->chunks[i], *choice = at(chunk, "choices 0");
        size_t index = (size_t)number_at(choice, "index");
        assert_string_equal(text_at(chunk, "id"), said->id.data);
        assert_string_equal(text_at(chunk, "object"), "chat.completion.chunk");
        assert_true(json_is_null(at(chunk, "usage")));
        assert_true(index < 2 && ends[index] == 0);
        bool role = at(choice, "delta role") != NULL,
             end = json_is_string(at(choice, "finish_reason"));
        assert_true(role == (roles[index] == 0 && texts[index] == 0));
        roles[index] += role;
        ends[index] += end;
        texts[index] += !role && !end;
    }
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(roles[i], 1);
        assert_int_equal(ends[i], 1);
        assert_true(texts[i] >= 2);
    }
    done(said);
}

static void a_completion_repeats_its_prompt_when_asked(void **state)
{
    (void)state;
    struct said *whole = complete(COMPLETION("\"echo:née\"", ",\"echo\":true,\"logprobs\":1"));
    struct said *stream = complete(COMPLETION("\"echo:née\"", ",\"echo\":true" STREAM));
    assert_string_equal(text_at(whole->json, "choices 0 text"), "echo:néenée");
    assert_string_equal(streamed_text(stream, 0), "echo:néenée");
    /* in characters, not bytes */
    assert_int_equal(number_at(whole->json, "choices 0 logprobs text_offset 0"), 8);
    done(whole);
    done(stream);
}

/* ---- log probabilities ---- */

static void log_probabilities_of_a_chat_are_those_of_its_tokens(void **state)
{
    (void)state;
    struct said *said = chat(CHAT("echo:Grüße, 世界", ",\"logprobs\":true,\"top_logprobs\":3"));
    const json_t *tokens = at(said->json, "choices 0 logprobs content");
    struct text joined = text_in(said->arena);
    assert_int_equal(json_array_size(tokens), number_at(said->json, "usage completion_tokens"));
    for (size_t i = 0; i < json_array_size(tokens); i++) {
        const json_t *token = json_array_get(tokens, i), *bytes = at(token, "bytes");
        assert_true(json_real_value(at(token, "logprob")) <= 0);
        assert_int_equal(json_array_size(at(token, "top_logprobs")), 3);
        assert_string_equal(text_at(token, "top_logprobs 0 token"), text_at(token, "token"));
        assert_int_equal(json_array_size(bytes), json_string_length(at(token, "token")));
        for (size_t k = 0; k < json_array_size(bytes); k++)
            text_add_byte(&joined, (char)json_integer_value(json_array_get(bytes, k)));
    }
    assert_string_equal(text_str(&joined), "Grüße, 世界");
    done(said);
}

static void log_probabilities_of_a_completion_are_parallel_lists(void **state)
{
    (void)state;
    struct said *said = complete(COMPLETION("\"echo:Grüße, 世界\"", ",\"logprobs\":2"));
    const json_t *lists = at(said->json, "choices 0 logprobs"), *tokens = at(lists, "tokens");
    size_t count = json_array_size(tokens), offset = 0;
    assert_int_equal(count, number_at(said->json, "usage completion_tokens"));
    assert_int_equal(json_array_size(at(lists, "token_logprobs")), count);
    assert_int_equal(json_array_size(at(lists, "top_logprobs")), count);
    for (size_t i = 0; i < count; i++) {
        struct slice token = jsontext_slice(json_array_get(tokens, i));
        const json_t *top = json_array_get(at(lists, "top_logprobs"), i);
        assert_int_equal(json_integer_value(json_array_get(at(lists, "text_offset"), i)), offset);
        assert_non_null(json_object_get(top, json_string_value(json_array_get(tokens, i))));
        assert_int_equal(json_object_size(top), 2);
        offset += utf8_length(token);
    }
    assert_int_equal(offset, 9);
    done(said);
}

/* ---- functions ---- */

#define TWO_TOOLS ",\"tools\":[" TOOL("weather") "," TOOL("travel") "]"

static void functions_are_called_with_valid_arguments(void **state)
{
    (void)state;
    struct said *said = chat(CHAT("weather and travel", TWO_TOOLS));
    const json_t *calls = at(said->json, "choices 0 message tool_calls");
    assert_true(json_is_null(at(said->json, "choices 0 message content")));
    assert_string_equal(text_at(said->json, "choices 0 finish_reason"), "tool_calls");
    assert_int_equal(json_array_size(calls), 2);
    for (size_t i = 0; i < 2; i++) {
        const json_t *call = json_array_get(calls, i), *city = NULL;
        json_t *arguments = NULL;
        assert_string_equal(text_at(call, "type"), "function");
        assert_true(slice_starts(slice_str(text_at(call, "id")), SLICE("call_")));
        assert_string_equal(text_at(call, "function name"), i ? "travel" : "weather");
        assert_true(result_ok(jsontext_read_in(
            said->arena, jsontext_slice(at(call, "function arguments")), &arguments)));
        city = json_object_get(arguments, "city");
        assert_true(utf8_length(jsontext_slice(city)) >= 8);
    }
    assert_string_not_equal(text_at(calls, "0 id"), text_at(calls, "1 id"));
    done(said);
}

static void streamed_calls_are_the_same_in_pieces(void **state)
{
    (void)state;
    struct said *whole = chat(CHAT("weather and travel", TWO_TOOLS));
    struct said *stream = chat(CHAT("weather and travel", TWO_TOOLS STREAM));
    struct text arguments[2] = {text_in(stream->arena), text_in(stream->arena)};
    size_t openings = 0, pieces = 0;
    for (size_t i = 0; i < stream->count; i++) {
        const json_t *call = at(stream->chunks[i], "choices 0 delta tool_calls 0");
        if (!call)
            continue;
        size_t index = (size_t)number_at(call, "index");
        assert_true(index < 2);
        if (at(call, "id")) { /* a call begins: the next index, id, type and name */
            assert_int_equal(index, openings++);
            const json_t *same =
                json_array_get(at(whole->json, "choices 0 message tool_calls"), index);
            assert_string_equal(text_at(call, "id"), text_at(same, "id"));
            assert_string_equal(text_at(call, "function name"), text_at(same, "function name"));
        }
        text_add(&arguments[index], jsontext_slice(at(call, "function arguments")));
        pieces++;
    }
    assert_int_equal(openings, 2);
    assert_true(pieces > 4);
    for (size_t i = 0; i < 2; i++)
        assert_string_equal(
            text_str(&arguments[i]),
            text_at(json_array_get(at(whole->json, "choices 0 message tool_calls"), i),
                    "function arguments"));
    assert_string_equal(text_at(stream->chunks[stream->count - 1], "choices 0 finish_reason"),
                        "tool_calls");
    done(whole);
    done(stream);
}

static void arguments_that_are_cut_end_with_length(void **state)
{
    (void)state;
    struct said *said = chat(CHAT("weather and travel", ",\"max_tokens\":2" TWO_TOOLS));
    assert_string_equal(text_at(said->json, "choices 0 finish_reason"), "length");
    assert_int_equal(number_at(said->json, "usage completion_tokens"), 2);
    assert_int_equal(json_array_size(at(said->json, "choices 0 message tool_calls")), 1);
    done(said);
}

static void an_answer_in_json_is_json(void **state)
{
    (void)state;
    struct said *said = chat(CHAT("as JSON", ",\"response_format\":{\"type\":\"json_object\"}"));
    json_t *content = NULL;
    assert_true(result_ok(jsontext_read_in(
        said->arena, jsontext_slice(at(said->json, "choices 0 message content")), &content)));
    assert_true(json_is_object(content));
    done(said);
}

/* ---- an engine that fails ---- */

static enum engine_step fails_at_third(void *sequence, struct slice *token)
{
    unsigned *given = sequence;
    *token = SLICE("t");
    if ((*given)++ < 2)
        return ENGINE_TOKEN;
    result_ignore(error_set(ERR_VALUE, "the \"weights\" are gone"));
    return ENGINE_FAILED;
}

static struct result start_counting(const struct engine_request *request, void **sequence)
{
    static unsigned given;
    (void)request;
    given = 0;
    *sequence = &given;
    return RESULT_OK;
}

static void free_nothing(void *sequence)
{
    (void)sequence;
}

static uint64_t one_token(struct slice prompt)
{
    (void)prompt;
    return 1;
}

static const struct engine failing = {
    .name = "failing",
    .prompt_tokens = one_token,
    .start = start_counting,
    .next = fails_at_third,
    .free = free_nothing,
};

static void an_engine_that_fails_is_an_error_of_status_500(void **state)
{
    (void)state;
    struct said *said = ask_of(&failing, OPENAI_CHAT, CHAT("x", ",\"n\":2,\"max_tokens\":9"));
    assert_int_equal(said->status, 500);
    assert_string_equal(text_at(said->json, "error code"), "INFERENCE_FAILED");
    assert_string_equal(text_at(said->json, "error type"), "server_error");
    assert_null(at(said->json, "choices"));
    done(said);
}

static void in_a_stream_an_error_is_the_last_event(void **state)
{
    (void)state;
    struct said *said =
        ask_of(&failing, OPENAI_CHAT, CHAT("x", ",\"n\":2,\"max_tokens\":9" STREAM));
    assert_int_equal(said->count, 4); /* role, two tokens, the error; no second choice */
    assert_string_equal(
        streamed_text(&(struct said){.arena = said->arena,
                                     .count = 3,
                                     .chunks = {said->chunks[0], said->chunks[1], said->chunks[2]}},
                      0),
        "tt");
    assert_string_equal(text_at(said->chunks[3], "error code"), "INFERENCE_FAILED");
    done(said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_chat_answer_has_its_text_end_and_usage),
        cmocka_unit_test(max_tokens_is_exact_and_the_reason_is_length),
        cmocka_unit_test(without_max_tokens_a_text_ends_by_itself),
        cmocka_unit_test(at_temperature_0_the_seed_decides_neither_text_nor_length),
        cmocka_unit_test(nothing_of_a_stop_sequence_is_in_the_answer),
        cmocka_unit_test(a_choice_has_the_seed_and_its_index),
        cmocka_unit_test(every_prompt_of_a_completion_has_its_choices),
        cmocka_unit_test(a_stream_says_what_the_whole_answer_says),
        cmocka_unit_test(a_stream_begins_with_the_role_and_ends_each_choice_once),
        cmocka_unit_test(a_completion_repeats_its_prompt_when_asked),
        cmocka_unit_test(log_probabilities_of_a_chat_are_those_of_its_tokens),
        cmocka_unit_test(log_probabilities_of_a_completion_are_parallel_lists),
        cmocka_unit_test(functions_are_called_with_valid_arguments),
        cmocka_unit_test(streamed_calls_are_the_same_in_pieces),
        cmocka_unit_test(arguments_that_are_cut_end_with_length),
        cmocka_unit_test(an_answer_in_json_is_json),
        cmocka_unit_test(an_engine_that_fails_is_an_error_of_status_500),
        cmocka_unit_test(in_a_stream_an_error_is_the_last_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
