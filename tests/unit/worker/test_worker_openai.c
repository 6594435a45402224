/*
 * OpenAI's requests: every refusal names its parameter and code; and embeddings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "embedding.h"
#include "openai_request.h"

static const struct openai_model model = {{"m", 1}, 2048};

#define CHAT(members)                                                                              \
    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"f\"}]," members "}"
#define TOOL(parameters)                                                                           \
    "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":" parameters    \
    "}}]"

static void every_refusal_names_its_parameter(void **state)
{
    (void)state;
    static const struct {
        const char *body, *param, *code;
        unsigned status;
    } cases[] = {
        {"{", NULL, NULL, 400},
        {"[]", NULL, NULL, 400},
        {"{}", "model", "missing_required_parameter", 400},
        {"{\"model\":\"other\"}", "model", "model_not_found", 404},
        {"{\"model\":\"m\"}", "messages", "missing_required_parameter", 400},
        {"{\"model\":\"m\",\"messages\":[]}", "messages", "empty_array", 400},
        {"{\"model\":\"m\",\"messages\":[{\"role\":\"me\",\"content\":\"\"}]}", "messages[0].role",
         "invalid_value", 400},
        {"{\"model\":\"m\",\"messages\":[{\"role\":\"user\"}]}", "messages[0].content",
         "missing_required_parameter", 400},
        {"{\"model\":\"m\",\"messages\":[{\"role\":\"tool\",\"content\":\"x\"}]}",
         "messages[0].tool_call_id", "missing_required_parameter", 400},
        {CHAT("\"temperature\":\"hot\""), "temperature", "invalid_type", 400},
        {CHAT("\"temperature\":-1"), "temperature", "decimal_below_min_value", 400},
        {CHAT("\"n\":129"), "n", "integer_above_max_value", 400},
        {CHAT("\"max_tokens\":0"), "max_tokens", "integer_below_min_value", 400},
        {CHAT("\"max_tokens\":2049"), "max_tokens", "invalid_value", 400},
        {CHAT("\"stop\":[\"\"]"), "stop", "invalid_value", 400},
        {CHAT("\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]"), "stop", "array_above_max_length", 400},
        {CHAT("\"stream_options\":{}"), "stream_options", NULL, 400},
        {CHAT("\"top_logprobs\":2"), "top_logprobs", NULL, 400},
        {CHAT("\"logprobs\":true,\"n\":128"), "logprobs", "invalid_value", 400},
        {CHAT("\"tool_choice\":\"auto\""), "tool_choice", NULL, 400},
        {CHAT("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a b\"}}]"),
         "tools[0].function.name", "invalid_value", 400},
        {CHAT(TOOL("{\"pattern\":\"x\"}")), "tools[0].function.parameters", "unsupported_schema",
         400},
        {CHAT(TOOL("{}") ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"g\"}}"),
         "tool_choice", "invalid_value", 400},
        {CHAT("\"response_format\":{\"type\":\"json_object\"}"), "messages", NULL, 400},
        {CHAT("\"response_format\":{\"type\":\"xml\"}"), "response_format.type", "invalid_value",
         400},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena *arena = arena_new();
        struct openai_request request;
        struct openai_error error;
        if (openai_read(arena, OPENAI_CHAT, &model, slice_str(cases[i].body), &request, &error))
            fail_msg("%s was accepted", cases[i].body);
        assert_int_equal(error.status, cases[i].status);
        assert_string_equal(error.param ? error.param : "none",
                            cases[i].param ? cases[i].param : "none");
        assert_string_equal(error.code ? error.code : "none",
                            cases[i].code ? cases[i].code : "none");
        arena_free(arena);
    }
}

static void tools_are_called_by_the_documented_rule(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        size_t calls;
    } cases[] = {
        {CHAT(TOOL("{}")), 1}, /* the message says f */
        {CHAT(TOOL("{}") ",\"tool_choice\":\"none\""), 0},
        {CHAT("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"g\"}}]"), 0},
        {CHAT("\"tool_choice\":\"required\",\"tools\":[{\"type\":\"function\",\"function\":{"
              "\"name\":\"g\"}}]"),
         1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena *arena = arena_new();
        struct openai_request request;
        struct openai_error error;
        assert_true(
            openai_read(arena, OPENAI_CHAT, &model, slice_str(cases[i].body), &request, &error));
        assert_int_equal(request.call_count, cases[i].calls);
        arena_free(arena);
    }
}

static double similarity(struct slice a, struct slice b)
{
    float x[64], y[64];
    double dot = 0;
    embedding_of(a, x, 64);
    embedding_of(b, y, 64);
    for (size_t i = 0; i < 64; i++)
        dot += (double)x[i] * (double)y[i];
    return dot;
}

static void embeddings_are_unit_vectors_and_near_for_shared_words(void **state)
{
    (void)state;
    struct slice apple = SLICE("a red apple");
    assert_true(fabs(similarity(apple, apple) - 1) < 1e-6);
    assert_true(fabs(similarity(apple, SLICE("Apple, RED! a")) - 1) < 1e-6);
    assert_true(fabs(similarity(SLICE("!?"), SLICE("!?")) - 1) < 1e-6);
    assert_true(similarity(apple, SLICE("a green apple")) > similarity(apple, SLICE("far stars")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_refusal_names_its_parameter),
        cmocka_unit_test(tools_are_called_by_the_documented_rule),
        cmocka_unit_test(embeddings_are_unit_vectors_and_near_for_shared_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
