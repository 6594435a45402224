/*
 * Files of prompts and traces: every form in common use is understood, and what is not says where.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "load/inputs.h"

static struct inputs read(struct arena *arena, const char *name, bool trace, const char *text)
{
    struct inputs inputs;
    if (!result_ok(inputs_parse(arena, name, slice_str(text), trace, &inputs)))
        fail_msg("%s", error_last()->text);
    return inputs;
}

static void assert_message(const struct input *input, uint32_t i, const char *json,
                           const char *text)
{
    assert_true(i < input->message_count);
    assert_string_equal(input->messages[i].json.data, json);
    if (text)
        assert_true(slice_is(input->messages[i].text, text));
    else
        assert_null(input->messages[i].text.data);
}

static void assert_refused(const char *name, bool trace, const char *text, const char *words)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct inputs inputs;
    assert_false(result_ok(inputs_parse(arena, name, slice_str(text), trace, &inputs)));
    assert_string_equal(error_last()->text, words);
}

#define WITH_ARENA                                                                                 \
    (void)state;                                                                                   \
    DEFER(arena_free_pointer)                                                                      \
    struct arena *arena = arena_new()

static void a_prompt_has_several_names(void **state)
{
    WITH_ARENA;
    struct inputs in = read(arena, "p.jsonl", false,
                            "{\"prompt\": \"a \\\"b\\\"\", \"max_tokens\": 7, \"model\": \"m\"}\n"
                            "{\"text\": \"c\"}\n\n{\"input\": \"d\"}\n{\"question\": \"e\"}\n");
    assert_int_equal(in.count, 4);
    assert_message(&in.items[0], 0, "{\"role\":\"user\",\"content\":\"a \\\"b\\\"\"}",
                   "a \\\"b\\\"");
    assert_int_equal(in.items[0].max_tokens, 7);
    assert_true(slice_is(in.items[0].model, "\"m\""));
    assert_int_equal(in.items[1].max_tokens, 0);
    assert_int_equal(in.items[2].line, 4);
    assert_true(in.items[3].messages[0].user);
}

static void messages_are_kept_as_openai_has_them(void **state)
{
    WITH_ARENA;
    struct inputs in =
        read(arena, "p.jsonl", false,
             "{\"messages\": [{\"role\": \"system\", \"content\": \"s\"}, {\"role\": \"user\", "
             "\"content\": [{\"type\": \"text\", \"text\": \"t\"}]}]}\n"
             "{\"custom_id\": \"1\", \"body\": {\"model\": \"m\", \"messages\": [{\"role\": "
             "\"user\", \"content\": \"u\"}], \"max_completion_tokens\": 3}}\n");
    assert_message(&in.items[0], 0, "{\"role\":\"system\",\"content\":\"s\"}", "s");
    assert_message(&in.items[0], 1,
                   "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"t\"}]}", NULL);
    assert_true(in.items[0].messages[1].user);
    assert_message(&in.items[1], 0, "{\"role\":\"user\",\"content\":\"u\"}", "u");
    assert_int_equal(in.items[1].max_tokens, 3);
}

static void conversations_are_read_as_sharegpt_has_them(void **state)
{
    WITH_ARENA;
    struct inputs in = read(arena, "p.jsonl", false,
                            "{\"id\": \"x\", \"conversations\": [{\"from\": \"gpt\", \"value\": "
                            "\"hello\"}, {\"from\": \"human\", \"value\": \"q1\"}, {\"from\": "
                            "\"gpt\", \"value\": \"a1\"}, {\"from\": \"human\", \"value\": "
                            "\"q2\"}]}\n");
    assert_int_equal(in.items[0].message_count, 3);
    assert_message(&in.items[0], 0, "{\"role\":\"user\",\"content\":\"q1\"}", "q1");
    assert_true(in.items[0].messages[1].assistant);
    assert_true(in.items[0].messages[2].user);
}

static void csv_has_the_same_columns(void **state)
{
    WITH_ARENA;
    struct inputs in =
        read(arena, "p.csv", false, "prompt,max_tokens,system\n\"a, \"\"b\"\"\nc\",9,\nd,,sys\n");
    assert_true(slice_is(in.items[0].messages[0].text, "a, \\\"b\\\"\\nc"));
    assert_int_equal(in.items[0].max_tokens, 9);
    assert_message(&in.items[1], 0, "{\"role\":\"system\",\"content\":\"sys\"}", "sys");
    assert_message(&in.items[1], 1, "{\"role\":\"user\",\"content\":\"d\"}", "d");
}

static void a_trace_of_mooncake_has_blocks_and_milliseconds(void **state)
{
    WITH_ARENA;
    struct inputs in = read(arena, "t.jsonl", true,
                            "{\"timestamp\": 27482, \"input_length\": 6955, \"output_length\": 52, "
                            "\"hash_ids\": [46, 47]}\n"
                            "{\"timestamp\": 30535, \"input_length\": 6472, \"output_length\": 26, "
                            "\"hash_ids\": [46, 2354]}\n");
    assert_int_equal(in.items[0].at, 0);
    assert_int_equal(in.items[1].at, 3053 * NS_PER_MS);
    assert_int_equal(in.items[1].tokens, 6472);
    assert_int_equal(in.items[1].max_tokens, 26);
    assert_int_equal(in.items[1].block_count, 2);
    assert_int_equal(in.items[1].blocks[1], 2354);
}

static void a_trace_of_azure_has_dates(void **state)
{
    WITH_ARENA;
    struct inputs in = read(arena, "t.csv", true,
                            "TIMESTAMP,ContextTokens,GeneratedTokens\r\n"
                            "2023-11-16 18:17:03.9799600,4808,10\r\n"
                            "2023-11-16 18:17:04.0319600,3180,8\r\n");
    assert_int_equal(in.items[0].at, 0);
    assert_int_equal(in.items[1].at, 52 * NS_PER_MS);
    assert_int_equal(in.items[1].tokens, 3180);
    assert_int_equal(in.items[1].max_tokens, 8);
    /* The form of 2024, over a leap day, and with zones. */
    in = read(arena, "t.csv", true,
              "TIMESTAMP,ContextTokens\n2024-02-28 23:59:59.5+00:00,1\n2024-03-01T00:00:00Z,1\n"
              "2024-03-01 02:00:01+02:00,1\n");
    assert_int_equal(in.items[1].at, 86400 * NS_PER_S + NS_PER_S / 2);
    assert_int_equal(in.items[2].at, 86401 * NS_PER_S + NS_PER_S / 2);
}

static void a_trace_of_burstgpt_has_seconds(void **state)
{
    WITH_ARENA;
    struct inputs in = read(arena, "t.csv", true,
                            "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
                            "5,ChatGPT,472,18,490,Conversation log\n"
                            "45.5,GPT-4,1087,230,1317,Conversation log\n");
    assert_int_equal(in.items[1].at, 81 * NS_PER_S / 2);
    assert_int_equal(in.items[1].tokens, 1087);
    assert_int_equal(in.items[1].model.len, 0); /* not the name of a model to ask for */
}

static void a_trace_of_our_own_is_put_in_order(void **state)
{
    WITH_ARENA;
    struct inputs in = read(arena, "t.jsonl", true,
                            "{\"at_s\": 2.5, \"prompt\": \"c\"}\n{\"at_ms\": 500}\n"
                            "{\"at_s\": 2.5, \"input_tokens\": 9, \"output_tokens\": 3}\n");
    assert_int_equal(in.items[0].at, 0);
    assert_int_equal(in.items[0].message_count + in.items[0].tokens, 0);
    assert_int_equal(in.items[1].at, 2 * NS_PER_S);
    assert_int_equal(in.items[1].line, 1);
    assert_int_equal(in.items[2].line, 3);
    assert_int_equal(in.items[2].max_tokens, 3);
}

static void what_is_wrong_says_where(void **state)
{
    (void)state;
    assert_refused("p.jsonl", false, "{\"prompt\": \"a\"}\n{\"x\": 1}",
                   "p.jsonl:2: it does not say what to ask: expected prompt, text, messages or "
                   "conversations, or how long with input_tokens");
    assert_refused("p.jsonl", false, "{\"prompt\": 5}", "p.jsonl:1: prompt: expected a text");
    assert_refused("p.jsonl", false, "{\"prompt\": \"a\", \"max_tokens\": -1}",
                   "p.jsonl:1: max_tokens: expected a whole number up to 10000000");
    assert_refused("p.csv", false, "prompt,max_tokens\na,1.5\n",
                   "p.csv:2: max_tokens: expected a whole number up to 10000000");
    assert_refused("p.jsonl", false, "{\"messages\": [{\"content\": \"a\"}]}",
                   "p.jsonl:1: message 1: expected an object with role and content");
    assert_refused("p.jsonl", false, "{\"conversations\": []}",
                   "p.jsonl:1: nobody asks anything: expected a message of the user's (leave such "
                   "rows out)");
    assert_refused("t.jsonl", true, "{\"prompt\": \"a\"}",
                   "t.jsonl:1: it does not say when: expected at_s, at_ms or timestamp");
    assert_refused("t.csv", true, "TIMESTAMP\n12\n",
                   "t.csv:2: TIMESTAMP: expected a date such as 2023-11-16 18:17:03.97");
    assert_refused("t.csv", true, "timestamp\n2023-13-01 00:00:00\n",
                   "t.csv:2: timestamp: expected a number, or a date such as 2023-11-16 "
                   "18:17:03.97");
    assert_refused("t.jsonl", true, "{\"at_s\": -1}", "t.jsonl:1: at_s: -1 is no time");
    assert_refused("t.jsonl", true, "{\"at_s\": 1, \"hash_ids\": [\"a\"]}",
                   "t.jsonl:1: hash_ids: expected whole numbers");
    assert_refused("p.jsonl", false, "\n", "p.jsonl: no rows");
    assert_refused("p.txt", false, "x", "p.txt: rows come from a .csv or .jsonl file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prompt_has_several_names),
        cmocka_unit_test(messages_are_kept_as_openai_has_them),
        cmocka_unit_test(conversations_are_read_as_sharegpt_has_them),
        cmocka_unit_test(csv_has_the_same_columns),
        cmocka_unit_test(a_trace_of_mooncake_has_blocks_and_milliseconds),
        cmocka_unit_test(a_trace_of_azure_has_dates),
        cmocka_unit_test(a_trace_of_burstgpt_has_seconds),
        cmocka_unit_test(a_trace_of_our_own_is_put_in_order),
        cmocka_unit_test(what_is_wrong_says_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
