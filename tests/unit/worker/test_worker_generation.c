/*
 * Generations: the events they write, their timing by a clock we move, engines that misbehave, and
 * the stub's determinism over ten thousand random prompts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "core/jsontext.h"
#include "core/random.h"
#include "core/text.h"
#include "generation.h"
#include "net/sse.h"
#include "stub.h"

/* What a reader of the events made of them. */
struct reading {
    char text[1 << 16];
    size_t text_len, tokens, events;
    char last_type[16], stop_reason[24], stop_sequence[128], error_code[32];
};

static void read_token(struct reading *r, const json_t *json)
{
    struct slice t = jsontext_slice(json_object_get(json, "t"));
    assert_true(t.len > 0 && utf8_valid(t));
    assert_int_equal(json_integer_value(json_object_get(json, "i")), r->tokens++);
    assert_true(r->text_len + t.len < sizeof(r->text));
    memcpy(r->text + r->text_len, t.data, t.len);
    r->text_len += t.len;
}

static void keep(char *to, size_t size, const json_t *string)
{
    if (string)
        snprintf(to, size, "%s", json_string_value(string));
}

/* The stream comes in pieces that are cut anywhere. */
static void read_events(struct reading *r, struct buf *out)
{
    static struct random cuts = {{1, 2, 3, 4}};
    struct sse_decoder decoder;
    struct sse_event event;
    struct slice rest = buf_slice(out), input = SLICE("");
    bool got;
    sse_init(&decoder);
    for (;;) {
        assert_true(result_ok(sse_next(&decoder, &input, &event, &got)));
        if (!got && rest.len == 0)
            break;
        if (!got) {
            input = slice_part(rest, 0, (size_t)random_between(&cuts, 1, 300));
            rest = slice_from(rest, input.len);
            continue;
        }
        json_t *json;
        assert_true(result_ok(jsontext_read(event.data, &json)));
        assert_string_not_equal(r->last_type, "end");
        assert_string_not_equal(r->last_type, "error");
        assert_true(slice_eq(event.type, jsontext_slice(json_object_get(json, "type"))));
        snprintf(r->last_type, sizeof(r->last_type), "%.*s", SLICE_ARG(event.type));
        r->events++;
        if (slice_is(event.type, "token"))
            read_token(r, json);
        keep(r->stop_reason, sizeof(r->stop_reason), json_object_get(json, "stop_reason"));
        keep(r->stop_sequence, sizeof(r->stop_sequence),
             json_object_get(json, "stop_sequence_matched"));
        keep(r->error_code, sizeof(r->error_code), json_object_get(json, "code"));
        if (slice_is(event.type, "end"))
            assert_int_equal(json_integer_value(json_object_get(json, "tokens_out")), r->tokens);
        json_decref(json);
    }
    assert_false(sse_end(&decoder, &event));
    sse_free(&decoder);
    buf_clear(out);
}

static struct generation_options stub_options(struct slice prompt, uint64_t seed,
                                              uint32_t max_tokens)
{
    return (struct generation_options){
        .engine = &stub_engine,
        .request = {.prompt = prompt, .seed = seed, .temperature = 1},
        .max_tokens = max_tokens,
        .timeout = CLOCK_NEVER,
    };
}

/* Run to the end in turns of random budgets. */
static void run(struct reading *r, const struct generation_options *options, struct random *random)
{
    struct generation g;
    struct buf out = buf_limited(FRAME_BYTES_MAX);
    *r = (struct reading){0};
    generation_start(&g, options, 0, &out);
    while (g.state == GENERATION_RUNNING) {
        assert_true(generation_due(&g) <= 0);
        generation_turn(&g, 0, (uint32_t)random_between(random, 1, 50), &out);
    }
    read_events(r, &out);
    assert_int_equal(generation_due(&g), CLOCK_NEVER);
    generation_free(&g);
    buf_free(&out);
}

static size_t random_text(struct random *random, char *out, size_t characters)
{
    static const char *const alphabet[] = {"a", "b",  " ",  "\"", "\\",     "\n",      "é",
                                           "ß", "語", "世", "🚀", "\u200d", "e\u0301", "END"};
    size_t len = 0;
    for (size_t i = 0; i < characters; i++) {
        const char *c = alphabet[random_between(random, 0, 13)];
        memcpy(out + len, c, strlen(c));
        len += strlen(c);
    }
    return len;
}

static void ten_thousand_prompts_give_valid_text_twice_the_same(void **state)
{
    (void)state;
    static struct reading first, second;
    struct random random = random_seeded(3);
    for (int i = 0; i < 10000; i++) {
        char prompt[400];
        size_t len = random_text(&random, prompt, (size_t)random_between(&random, 1, 60));
        struct generation_options options = stub_options(
            slice_of(prompt, len), random_next(&random), (uint32_t)random_between(&random, 1, 60));
        run(&first, &options, &random);
        run(&second, &options, &random);
        assert_int_equal(first.tokens, options.max_tokens);
        assert_int_equal(first.text_len, second.text_len);
        assert_memory_equal(first.text, second.text, first.text_len);
        assert_string_equal(first.stop_reason, "MAX_TOKENS");
    }
}

static void an_echo_says_its_text_whatever_the_seed(void **state)
{
    (void)state;
    static struct reading r;
    struct random random = random_seeded(4);
    for (int i = 0; i < 2000; i++) {
        char prompt[400] = "echo:";
        size_t len = 5 + random_text(&random, prompt + 5, (size_t)random_between(&random, 0, 60));
        struct generation_options options =
            stub_options(slice_of(prompt, len), random_next(&random), 2048);
        run(&r, &options, &random);
        assert_int_equal(r.text_len, len - 5);
        assert_memory_equal(r.text, prompt + 5, len - 5);
        assert_string_equal(r.stop_reason, "EOS");
    }
}

static void the_stop_rule_holds_for_any_tokens(void **state)
{
    (void)state;
    static struct reading r;
    struct random random = random_seeded(5);
    for (int i = 0; i < 5000; i++) {
        char prompt[600] = "echo:";
        size_t len = 5 + random_text(&random, prompt + 5, (size_t)random_between(&random, 1, 80));
        static const struct slice stops[] = {{"END", 3}, {"世\"", 4}, {"🚀", 4}, {"ab a", 4}};
        struct slice text = slice_of(prompt + 5, len - 5);
        struct generation_options options =
            stub_options(slice_of(prompt, len), random_next(&random), 2048);
        options.stop = stops;
        options.stop_count = 4;
        run(&r, &options, &random);
        size_t expected = text.len; /* none of them overlaps another: the first to begin ends it */
        for (size_t k = 0; k < 4; k++) {
            ptrdiff_t at = slice_find(text, stops[k]);
            if (at >= 0 && (size_t)at < expected)
                expected = (size_t)at;
        }
        assert_int_equal(r.text_len, expected);
        assert_memory_equal(r.text, text.data, expected);
        assert_string_equal(r.stop_reason, expected < text.len ? "STOP_SEQUENCE" : "EOS");
    }
}

/* Whatever the settings, what comes out is the text without stop sequences, cut by the rule. */
static void ten_thousand_prompts_with_stops_keep_the_rule_and_are_twice_the_same(void **state)
{
    (void)state;
    static struct reading whole, first, second;
    static const char *const words[] = {" the", "e",  "語", "\xc3\xa9", "🚀",
                                        " {",   "to", "\n", "世",       "!"};
    struct random random = random_seeded(8);
    size_t stopped = 0;
    for (int i = 0; i < 10000; i++) {
        char prompt[400];
        size_t len = random_text(&random, prompt, (size_t)random_between(&random, 1, 60));
        struct slice stops[STOP_COUNT_MAX];
        struct generation_options options = stub_options(
            slice_of(prompt, len), random_next(&random), (uint32_t)random_between(&random, 1, 40));
        options.request.temperature = (float)random_between(&random, 0, 2);
        run(&whole, &options, &random);
        options.stop = stops;
        options.stop_count = (size_t)random_between(&random, 1, STOP_COUNT_MAX);
        for (size_t k = 0; k < options.stop_count; k++)
            stops[k] = slice_str(words[random_between(&random, 0, 9)]);
        run(&first, &options, &random);
        run(&second, &options, &random);
        struct slice text = slice_of(whole.text, whole.text_len);
        size_t end = text.len, length = 0, best = SIZE_MAX;
        for (size_t k = 0; k < options.stop_count; k++) { /* the first byte at which one ends */
            ptrdiff_t at = slice_find(text, stops[k]);
            size_t to = at < 0 ? SIZE_MAX : (size_t)at + stops[k].len;
            if (to < best || (to == best && to != SIZE_MAX && stops[k].len > length)) {
                best = to;
                length = stops[k].len;
                end = best - length;
            }
        }
        assert_int_equal(first.text_len, end);
        assert_memory_equal(first.text, whole.text, end);
        assert_string_equal(first.stop_reason, best == SIZE_MAX ? "MAX_TOKENS" : "STOP_SEQUENCE");
        assert_int_equal(second.text_len, end);
        assert_int_equal(second.tokens, first.tokens);
        assert_memory_equal(second.text, first.text, end);
        stopped += best != SIZE_MAX;
    }
    assert_in_range(stopped, 1000, 9900); /* both happen */
}

static void other_seeds_and_prompts_give_other_texts(void **state)
{
    (void)state;
    static struct reading one, other;
    struct random random = random_seeded(6);
    struct generation_options options = stub_options(SLICE("Hello"), 1, 40);
    run(&one, &options, &random);
    options.request.seed = 2;
    run(&other, &options, &random);
    assert_string_not_equal(one.text, other.text);
    options = stub_options(SLICE("Hello!"), 1, 40);
    run(&other, &options, &random);
    assert_string_not_equal(one.text, other.text);
}

static void the_stub_cuts_characters_that_come_out_whole(void **state)
{
    (void)state;
    struct engine_request request = {.prompt = SLICE("cut"), .seed = 1, .temperature = 1};
    void *sequence;
    struct slice token;
    int cut = 0;
    assert_true(result_ok(stub_engine.start(&request, &sequence)));
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(stub_engine.next(sequence, &token), ENGINE_TOKEN);
        cut += !utf8_valid(token);
    }
    stub_engine.free(sequence);
    assert_in_range(cut, 50, 500);
}

/* ---- time ---- */

static void tokens_come_at_their_absolute_times(void **state)
{
    (void)state;
    static struct reading r;
    struct generation g;
    struct buf out = buf_limited(FRAME_BYTES_MAX);
    struct generation_options options = stub_options(SLICE("time"), 1, 5);
    options.first_token = timing_constant(100);
    options.delay = timing_constant(10);
    generation_start(&g, &options, 1000, &out);
    assert_int_equal(generation_due(&g), 1100);
    generation_turn(&g, 1099, 9, &out);
    assert_int_equal(g.tokens_out, 0);
    generation_turn(&g, 1100, 9, &out);
    assert_int_equal(g.tokens_out, 1);
    assert_int_equal(generation_due(&g), 1110);
    generation_turn(&g, 1133, 9, &out); /* late: those of 1110, 1120 and 1130 */
    assert_int_equal(g.tokens_out, 4);
    assert_int_equal(generation_due(&g), 1140); /* the lateness is not carried on */
    generation_turn(&g, 1140, 9, &out);
    assert_int_equal(g.state, GENERATION_ENDED);
    r = (struct reading){0};
    read_events(&r, &out);
    assert_int_equal(r.tokens, 5);
    generation_free(&g);
    buf_free(&out);
}

static void a_long_prompt_and_other_jobs_make_a_job_slower(void **state)
{
    (void)state;
    struct generation g, other;
    struct load load = {0};
    struct buf out = buf_limited(FRAME_BYTES_MAX);
    struct generation_options options =
        stub_options(SLICE("ten tokens: 40 bytes of prompt in all..."), 1, 5);
    options.first_token = timing_constant(100);
    options.delay = timing_constant(10);
    options.prefill = 7;
    options.slowdown = 0.5;
    options.load = &load;
    generation_start(&g, &options, 0, &out);
    assert_int_equal(generation_due(&g), 100 + 10 * 7);
    generation_turn(&g, 170, 1, &out);
    assert_int_equal(generation_due(&g), 180); /* it is alone */
    generation_start(&other, &options, 0, &out);
    generation_turn(&g, 180, 1, &out);
    assert_int_equal(generation_due(&g), 195);
    generation_free(&other);
    generation_turn(&g, 195, 1, &out);
    assert_int_equal(generation_due(&g), 205);
    generation_free(&g);
    assert_int_equal(load.running, 0);
    buf_free(&out);
}

static void no_slowdown_delays_a_token_by_more_than_a_day(void **state)
{
    (void)state;
    const int64_t day = 86400 * NS_PER_S;
    struct generation g, other;
    struct load load = {0};
    struct buf out = buf_limited(FRAME_BYTES_MAX);
    struct generation_options options = stub_options(SLICE("x"), 1, 5);
    options.delay = timing_constant(day);
    options.slowdown = PACE_MS_MAX;
    options.load = &load;
    generation_start(&g, &options, 0, &out);
    generation_start(&other, &options, 0, &out);
    generation_turn(&g, 0, 1, &out);
    assert_int_equal(generation_due(&g), day);
    generation_free(&g);
    generation_free(&other);
    buf_free(&out);
}

static void a_full_cache_is_an_error_event_and_is_given_back(void **state)
{
    (void)state;
    static struct reading r;
    struct generation g, second;
    struct load load = {.cache_max = 10};
    struct buf out = buf_limited(FRAME_BYTES_MAX);
    struct generation_options options = stub_options(SLICE("8 bytes."), 1, 100);
    options.load = &load;
    generation_start(&g, &options, 0, &out);
    assert_int_equal(load.cache_used, 2);
    generation_turn(&g, 0, 6, &out);
    assert_int_equal(load.cache_used, 8);
    generation_start(&second, &options, 0, &out);
    assert_int_equal(load.cache_used, 10);
    buf_clear(&out);
    generation_turn(&g, 0, 1, &out);
    assert_int_equal(g.state, GENERATION_FAILED);
    r = (struct reading){0};
    read_events(&r, &out);
    assert_string_equal(r.error_code, "VRAM_OOM");
    generation_free(&g);
    generation_turn(&second, 0, 8, &out); /* there is room again */
    assert_int_equal(second.state, GENERATION_RUNNING);
    generation_free(&second);
    assert_int_equal(load.cache_used, 0);
    buf_free(&out);
}

static void a_generation_that_takes_too_long_times_out(void **state)
{
    (void)state;
    static struct reading r;
    struct generation g;
    struct buf out = buf_limited(FRAME_BYTES_MAX);
    struct generation_options options = stub_options(SLICE("time"), 1, 5);
    options.first_token = timing_constant(100);
    options.delay = timing_constant(10);
    options.timeout = 115;
    generation_start(&g, &options, 0, &out);
    generation_turn(&g, 110, 9, &out);
    assert_int_equal(generation_due(&g), 115);
    generation_turn(&g, 115, 9, &out);
    assert_int_equal(g.state, GENERATION_TIMED_OUT);
    r = (struct reading){0};
    read_events(&r, &out);
    assert_int_equal(r.tokens, 2);
    assert_string_equal(r.error_code, "TIMEOUT");
    generation_free(&g);
    buf_free(&out);
}

static void metrics_come_at_their_interval_and_not_in_heaps(void **state)
{
    (void)state;
    struct generation g;
    struct buf out = buf_limited(FRAME_BYTES_MAX);
    struct generation_options options = stub_options(SLICE("time"), 1, 5);
    options.delay = timing_constant(1000);
    options.metrics_interval = 400;
    generation_start(&g, &options, 0, &out);
    generation_turn(&g, 0, 9, &out);
    buf_clear(&out);
    assert_int_equal(generation_due(&g), 400);
    generation_turn(&g, 950, 9, &out); /* late by more than an interval */
    assert_true(slice_starts(buf_slice(&out), SLICE("event: metrics\n")));
    assert_int_equal(slice_find(slice_from(buf_slice(&out), 10), SLICE("event: ")), -1);
    assert_int_equal(generation_due(&g), 1000);
    generation_turn(&g, 1000, 9, &out);
    assert_int_equal(generation_due(&g), 1200);
    generation_free(&g);
    buf_free(&out);
}

static void a_cancelled_generation_ends_once(void **state)
{
    (void)state;
    static struct reading r;
    struct generation g;
    struct buf out = buf_limited(FRAME_BYTES_MAX);
    struct generation_options options = stub_options(SLICE("cancel"), 1, 500);
    generation_start(&g, &options, 0, &out);
    generation_turn(&g, 0, 3, &out);
    generation_cancel(&g, 0, &out);
    generation_cancel(&g, 0, &out);
    generation_turn(&g, 0, 3, &out);
    r = (struct reading){0};
    read_events(&r, &out);
    assert_int_equal(r.tokens, 3);
    assert_string_equal(r.stop_reason, "CANCELLED");
    assert_int_equal(g.state, GENERATION_CANCELLED);
    generation_free(&g);
    buf_free(&out);
}

/* ---- engines that misbehave: the prompt says how ---- */

static struct result bad_start(const struct engine_request *request, void **sequence)
{
    ENSURE(!slice_is(request->prompt, "refuse"), ERR_IO, "the engine will not");
    static char kind[16];
    snprintf(kind, sizeof(kind), "%.*s", SLICE_ARG(request->prompt));
    *sequence = kind;
    return RESULT_OK;
}

static enum engine_step bad_next(void *sequence, struct slice *token)
{
    static const char long_token[ENGINE_TOKEN_BYTES + 1];
    struct slice kind = slice_str(sequence);
    if (slice_is(kind, "fail"))
        return ENGINE_FAILED;
    if (slice_is(kind, "nonsense"))
        return (enum engine_step)99;
    if (slice_is(kind, "half") && token->len == 0) {
        static int calls;
        *token = SLICE("\xe4\xb8");
        return calls++ % 2 == 0 ? ENGINE_TOKEN : ENGINE_EOS;
    }
    *token = slice_is(kind, "long")      ? slice_of(long_token, sizeof(long_token))
             : slice_is(kind, "invalid") ? SLICE("ok \xff")
             : slice_is(kind, "cut")     ? SLICE("\xe4z")
                                         : SLICE("");
    return ENGINE_TOKEN;
}

static void bad_free(void *sequence)
{
    (void)sequence;
}

static const struct engine bad_engine = {
    .name = "bad", .start = bad_start, .next = bad_next, .free = bad_free};

static void an_engine_that_misbehaves_is_an_error_event(void **state)
{
    (void)state;
    static const char *const kinds[] = {"refuse", "fail",    "nonsense", "half",
                                        "long",   "invalid", "cut",      "empty"};
    static struct reading r;
    struct random random = random_seeded(7);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct generation_options options = stub_options(slice_str(kinds[i]), 1, 5);
        options.engine = &bad_engine;
        run(&r, &options, &random);
        assert_string_equal(r.last_type, "error");
        assert_string_equal(r.error_code, "INFERENCE_FAILED");
    }
}

/* ---- characters ---- */

static void characters_come_out_whole_for_every_cut(void **state)
{
    (void)state;
    const struct slice text = SLICE("aé語🚀\u07ff\u0800\ud7ff\ue000\U00010000\U0010ffffz");
    for (size_t i = 0; i <= text.len; i++) {
        for (size_t j = i; j <= text.len; j++) {
            struct characters c = {0};
            struct slice parts[] = {slice_part(text, 0, i), slice_part(text, i, j - i),
                                    slice_from(text, j)};
            char joined[64], room[64];
            size_t len = 0;
            for (size_t k = 0; k < 3; k++) {
                struct slice whole;
                assert_true(result_ok(characters_take(&c, parts[k], room, &whole)));
                assert_true(utf8_valid(whole));
                for (size_t n = 0; n < whole.len; n++)
                    joined[len++] = whole.data[n];
            }
            assert_true(characters_complete(&c));
            assert_true(slice_eq(slice_of(joined, len), text));
        }
    }
}

static void bytes_that_cannot_become_a_character_are_refused_at_once(void **state)
{
    (void)state;
    static const char *const wrong[] = {"\x80",     "\xc0",     "\xc1",        "\xe0\x80",
                                        "\xed\xa0", "\xf0\x80", "\xf4\x90",    "\xf5",
                                        "\xff",     "\xe4z",    "\xf0\x9f\x41"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct characters c = {0};
        char room[16];
        struct slice whole;
        assert_int_equal(characters_take(&c, slice_str(wrong[i]), room, &whole).code, ERR_PROTOCOL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_prompts_give_valid_text_twice_the_same),
        cmocka_unit_test(an_echo_says_its_text_whatever_the_seed),
        cmocka_unit_test(the_stop_rule_holds_for_any_tokens),
        cmocka_unit_test(ten_thousand_prompts_with_stops_keep_the_rule_and_are_twice_the_same),
        cmocka_unit_test(other_seeds_and_prompts_give_other_texts),
        cmocka_unit_test(the_stub_cuts_characters_that_come_out_whole),
        cmocka_unit_test(tokens_come_at_their_absolute_times),
        cmocka_unit_test(a_long_prompt_and_other_jobs_make_a_job_slower),
        cmocka_unit_test(no_slowdown_delays_a_token_by_more_than_a_day),
        cmocka_unit_test(a_full_cache_is_an_error_event_and_is_given_back),
        cmocka_unit_test(a_generation_that_takes_too_long_times_out),
        cmocka_unit_test(metrics_come_at_their_interval_and_not_in_heaps),
        cmocka_unit_test(a_cancelled_generation_ends_once),
        cmocka_unit_test(an_engine_that_misbehaves_is_an_error_event),
        cmocka_unit_test(characters_come_out_whole_for_every_cut),
        cmocka_unit_test(bytes_that_cannot_become_a_character_are_refused_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
