/*
 * What is asked: from rows, lengths and traces, in the forms of APIs; and conversations that grow.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/jsontext.h"
#include "load/supply.h"

static struct arena *arena;

static int begin(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct target target_of(const char *path)
{
    struct target target;
    struct target_options options = {.url = arena_printf(arena, "http://127.0.0.1:1%s", path)};
    if (!result_ok(target_build(arena, &options, &target)))
        fail_msg("%s", error_last()->text);
    return target;
}

static const struct inputs *rows(const char *name, bool trace, const char *text)
{
    struct inputs *inputs = ARENA_NEW(arena, struct inputs);
    if (!result_ok(inputs_parse(arena, name, slice_str(text), trace, inputs)))
        fail_msg("%s", error_last()->text);
    return inputs;
}

static struct distribution count(const char *text)
{
    struct distribution d;
    if (!result_ok(distribution_counts("--n", text, 1, 100000, &d)))
        fail_msg("%s", error_last()->text);
    return d;
}

static struct stock built(const struct target *target, struct stock_options options)
{
    struct stock stock;
    if (!result_ok(stock_build(arena, target, &options, &stock)))
        fail_msg("%s", error_last()->text);
    return stock;
}

static struct slice body_of(const struct stock *stock, uint32_t i)
{
    return slice_from(stock->items[i].wire, stock->items[i].body_at);
}

static void assert_body(const struct stock *stock, uint32_t i, const char *expected)
{
    assert_true(i < stock->count);
    assert_string_equal(arena_string(arena, body_of(stock, i)), expected);
}

static const char *prompt_of(const struct stock *stock, uint32_t i)
{
    json_t *json = NULL;
    assert_true(result_ok(jsontext_read_in(arena, body_of(stock, i), &json)));
    return json_string_value(json_object_get(json, "prompt"));
}

#define THREE                                                                                      \
    "{\"prompt\": \"a\"}\n{\"prompt\": \"b\", \"max_tokens\": 5}\n{\"prompt\": \"c\", \"model\": " \
    "\"m\"}\n"

static void rows_become_requests_in_the_form_of_the_api(void **state)
{
    (void)state;
    struct target chat = target_of("/v1/chat/completions"), text = target_of("/v1/completions");
    struct stock stock =
        built(&chat, (struct stock_options){.prompts = rows("p.jsonl", false, THREE)});
    assert_int_equal(stock.count, 3);
    assert_body(&stock, 0,
                "{\"model\":\"default\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],"
                "\"max_tokens\":128}");
    assert_body(&stock, 1,
                "{\"model\":\"default\",\"messages\":[{\"role\":\"user\",\"content\":\"b\"}],"
                "\"max_tokens\":5}");
    stock = built(&text, (struct stock_options){.prompts = rows("p.jsonl", false, THREE)});
    assert_body(&stock, 2, "{\"model\":\"m\",\"prompt\":\"c\",\"max_tokens\":128}");
    assert_true(slice_starts(stock.items[2].wire, SLICE("POST /v1/completions HTTP/1.1\r\n")));
    assert_true(slice_find(stock.items[2].wire, SLICE("Content-Length: 43\r\n\r\n")) > 0);
}

static void what_stands_in_front_is_one_system_message(void **state)
{
    (void)state;
    struct target chat = target_of("/v1/chat/completions"), text = target_of("/v1/completions");
    struct stock_options options = {
        .system = "be \"nice\"",
        .prompts = rows("p.jsonl", false,
                        "{\"prompt\": \"a\"}\n{\"system\": \"s\", \"prompt\": \"b\"}\n")};
    struct stock stock = built(&chat, options);
    assert_body(&stock, 0,
                "{\"model\":\"default\",\"messages\":[{\"role\":\"system\",\"content\":\"be "
                "\\\"nice\\\"\"},{\"role\":\"user\",\"content\":\"a\"}],\"max_tokens\":128}");
    assert_body(
        &stock, 1,
        "{\"model\":\"default\",\"messages\":[{\"role\":\"system\",\"content\":\"be "
        "\\\"nice\\\"\\n\\ns\"},{\"role\":\"user\",\"content\":\"b\"}],\"max_tokens\":128}");
    stock = built(&text, options);
    assert_string_equal(prompt_of(&stock, 1), "be \"nice\"\n\ns\n\nb");
    options = (struct stock_options){.shared_prefix = 40,
                                     .has_prompt_tokens = true,
                                     .prompt_tokens = count("10"),
                                     .distinct = 3};
    stock = built(&text, options);
    const char *first = prompt_of(&stock, 0), *second = prompt_of(&stock, 1);
    size_t prefix = strcspn(first, "\n") + 2;
    assert_memory_equal(first, second, prefix);
    assert_string_not_equal(first + prefix, second + prefix);
}

static size_t words_in(const char *text)
{
    size_t words = 1;
    for (; *text; text++)
        words += *text == ' ';
    return words;
}

static void prompts_that_are_made_up_are_as_long_as_asked_for(void **state)
{
    (void)state;
    struct target text = target_of("/v1/completions");
    struct stock stock = built(&text, (struct stock_options){.has_prompt_tokens = true,
                                                             .prompt_tokens = count("37"),
                                                             .has_output_tokens = true,
                                                             .output_tokens = count("uniform:3..4"),
                                                             .distinct = 50});
    int lengths[2] = {0};
    assert_int_equal(stock.count, 50);
    for (uint32_t i = 0; i < stock.count; i++) {
        assert_int_equal(words_in(prompt_of(&stock, i)), 37);
        bool three = slice_ends(body_of(&stock, i), SLICE("\"max_tokens\":3}"));
        assert_true(three || slice_ends(body_of(&stock, i), SLICE("\"max_tokens\":4}")));
        lengths[three]++;
    }
    assert_true(lengths[0] > 10 && lengths[1] > 10);
}

static void the_same_seed_writes_the_same_requests(void **state)
{
    (void)state;
    struct target text = target_of("/execute");
    struct stock_options options = {.has_prompt_tokens = true,
                                    .prompt_tokens = count("uniform:5..500"),
                                    .distinct = 20,
                                    .order = STOCK_RANDOM,
                                    .seed = 1};
    struct stock a = built(&text, options), b = built(&text, options);
    options.seed = 2;
    struct stock c = built(&text, options);
    int other = 0;
    for (uint32_t i = 0; i < 20; i++) {
        assert_true(slice_eq(a.items[i].wire, b.items[i].wire));
        other += !slice_eq(a.items[i].wire, c.items[i].wire);
        assert_int_equal(stock_item(&a, i), stock_item(&b, i));
    }
    assert_int_equal(other, 20);
}

static void an_order_gives_each_its_turn(void **state)
{
    (void)state;
    struct target chat = target_of("/v1/chat/completions");
    struct stock_options options = {
        .has_prompt_tokens = true, .prompt_tokens = count("3"), .distinct = 100, .seed = 5};
    struct stock file = built(&chat, options);
    options.order = STOCK_SHUFFLED;
    struct stock shuffled = built(&chat, options);
    options.order = STOCK_RANDOM;
    struct stock random = built(&chat, options);
    int times[100] = {0}, drawn[100] = {0}, moved = 0, missing = 0;
    for (uint64_t n = 0; n < 300; n++) {
        assert_int_equal(stock_item(&file, n), n % 100);
        times[stock_item(&shuffled, n)]++;
        drawn[stock_item(&random, n)]++;
        moved += stock_item(&shuffled, n) != n % 100;
    }
    for (int i = 0; i < 100; i++) {
        assert_int_equal(times[i], 3);
        missing += drawn[i] == 0;
    }
    assert_true(moved > 250);
    assert_true(missing > 0 && missing < 30); /* e^-3 of 100 */
}

static void equal_blocks_of_a_trace_are_equal_text(void **state)
{
    (void)state;
    struct target text = target_of("/v1/completions");
    const struct inputs *trace =
        rows("t.jsonl", true,
             "{\"timestamp\": 0, \"input_length\": 1100, \"output_length\": 7, \"hash_ids\": [1, "
             "2, 3]}\n"
             "{\"timestamp\": 5, \"input_length\": 1030, \"output_length\": 8, \"hash_ids\": [1, "
             "2, 4]}\n"
             "{\"timestamp\": 9, \"input_length\": 20, \"hash_ids\": [9]}\n"
             "{\"timestamp\": 10, \"prompt\": \"as it is\"}\n{\"timestamp\": 11}\n");
    struct stock stock = built(&text, (struct stock_options){.trace = trace, .trace_count = 4});
    assert_int_equal(stock.count, 4);
    const char *first = prompt_of(&stock, 0), *second = prompt_of(&stock, 1);
    assert_int_equal(words_in(first), 1100);
    assert_int_equal(words_in(second), 1030);
    size_t same = 0, words = 0;
    for (; first[same] == second[same]; same++)
        words += first[same] == ' ';
    assert_in_range(words, 1024, 1025);
    assert_int_equal(words_in(prompt_of(&stock, 2)), 20);
    assert_string_equal(prompt_of(&stock, 3), "as it is");
    assert_true(slice_ends(body_of(&stock, 1), SLICE("\"max_tokens\":8}")));
    for (uint64_t n = 0; n < 4; n++)
        assert_int_equal(stock_item(&stock, n), n);
}

static void rows_that_an_api_cannot_be_asked_are_told(void **state)
{
    (void)state;
    struct target text = target_of("/v1/completions"), http = target_of("/health");
    struct stock stock;
    struct stock_options options = {
        .prompts = rows("p.jsonl", false,
                        "{\"prompt\": \"a\"}\n{\"messages\": [{\"role\": \"user\", \"content\": "
                        "[{\"type\": \"image_url\"}]}]}\n")};
    assert_int_equal(stock_build(arena, &text, &options, &stock).code, ERR_VALUE);
    assert_true(slice_starts(slice_str(error_last()->text), SLICE("p.jsonl:2: ")));
    assert_int_equal(stock_build(arena, &http, &options, &stock).code, ERR_USAGE);
    stock = built(&http, (struct stock_options){0});
    assert_int_equal(stock.count, 1);
}

/* ------------------------------------------------------------------ conversations */

static void append(struct buf *said, const char *text)
{
    assert_non_null(said);
    assert_true(result_ok(buf_append(said, slice_str(text))));
}

static void a_conversation_sends_all_that_was_said(void **state)
{
    (void)state;
    struct target chat = target_of("/v1/chat/completions");
    struct stock stock = built(
        &chat,
        (struct stock_options){
            .has_turns = true,
            .turns = count("3"),
            .system = "s",
            .prompts = rows("p.jsonl", false,
                            "{\"conversations\": [{\"from\": \"human\", \"value\": \"q1\"}, "
                            "{\"from\": \"gpt\", \"value\": \"recorded\"}, {\"from\": \"human\", "
                            "\"value\": \"q2\"}]}\n")});
    struct supply supply;
    supply_begin(&supply, &stock, 1, 0);
    struct talk *talk = supply_talk(&supply, 0);
    struct ask ask = supply_turn(&supply, talk);
    assert_string_equal(arena_string(arena, ask.body),
                        "{\"model\":\"default\",\"messages\":[{\"role\":\"system\",\"content\":"
                        "\"s\"},{\"role\":\"user\",\"content\":\"q1\"}],\"max_tokens\":128}");
    append(supply_listens(talk), "an \\\"ans");
    append(supply_listens(talk), "wer\\n");
    assert_true(supply_next(&supply, talk));
    ask = supply_turn(&supply, talk);
    assert_string_equal(arena_string(arena, ask.body),
                        "{\"model\":\"default\",\"messages\":[{\"role\":\"system\",\"content\":"
                        "\"s\"},{\"role\":\"user\",\"content\":\"q1\"},{\"role\":\"assistant\","
                        "\"content\":\"an \\\"answer\\n\"},{\"role\":\"user\",\"content\":\"q2\"}],"
                        "\"max_tokens\":128}");
    assert_true(slice_starts(ask.wire, SLICE("POST /v1/chat/completions HTTP/1.1\r\n")));
    assert_null(supply_listens(talk)); /* it was the last question */
    supply_over(&supply, talk);
    supply_end(&supply);
}

static void single_rows_follow_one_another_in_a_conversation(void **state)
{
    (void)state;
    struct target text = target_of("/execute");
    struct stock stock =
        built(&text, (struct stock_options){.has_turns = true,
                                            .turns = count("2"),
                                            .prompts = rows("p.jsonl", false, THREE)});
    assert_int_equal(stock.count, 2); /* a and b, c */
    assert_int_equal(stock.turns, 2);
    assert_int_equal(stock.items[1].later_count, 0);
    struct supply supply;
    supply_begin(&supply, &stock, 2, 1);
    struct talk *talk = supply_talk(&supply, 0);
    struct ask ask = supply_turn(&supply, talk);
    assert_true(slice_find(ask.body, SLICE("load-000000000000")) > 0);
    append(supply_listens(talk), "x");
    assert_true(supply_next(&supply, talk));
    ask = supply_turn(&supply, talk);
    assert_string_equal(arena_string(arena, ask.body),
                        "{\"job_id\":\"load-500000000001\",\"prompt\":\"a\\n\\nx\\n\\nb\","
                        "\"max_tokens\":128}");
    supply_over(&supply, talk);
    assert_ptr_equal(supply_talk(&supply, 3), talk); /* its memory serves the next */
    supply_over(&supply, talk);
    supply_end(&supply);
}

static void a_conversation_that_grows_too_long_ends(void **state)
{
    (void)state;
    struct target chat = target_of("/v1/chat/completions");
    struct stock stock = built(&chat, (struct stock_options){.has_turns = true,
                                                             .turns = count("2"),
                                                             .has_prompt_tokens = true,
                                                             .prompt_tokens = count("3"),
                                                             .distinct = 1});
    struct supply supply;
    supply_begin(&supply, &stock, 1, 0);
    struct talk *talk = supply_talk(&supply, 0);
    supply_turn(&supply, talk);
    struct buf *said = supply_listens(talk);
    while (result_ok(buf_append(said, SLICE("a word after a word after a word after a word "))))
        continue;
    assert_false(supply_next(&supply, talk));
    supply_over(&supply, talk);
    supply_end(&supply);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_become_requests_in_the_form_of_the_api),
        TEST(what_stands_in_front_is_one_system_message),
        TEST(prompts_that_are_made_up_are_as_long_as_asked_for),
        TEST(the_same_seed_writes_the_same_requests),
        TEST(an_order_gives_each_its_turn),
        TEST(equal_blocks_of_a_trace_are_equal_text),
        TEST(rows_that_an_api_cannot_be_asked_are_told),
        TEST(a_conversation_sends_all_that_was_said),
        TEST(single_rows_follow_one_another_in_a_conversation),
        TEST(a_conversation_that_grows_too_long_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
