/*
 * Bodies of /execute and /cancel: what is accepted, and for everything else the whole answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "core/jsontext.h"
#include "core/text.h"
#include "request.h"

#define REFUSED(...) "{\"errors\":[" __VA_ARGS__ "]}"
#define ERROR(field, constraint, message)                                                          \
    "{\"field\":\"" field "\",\"constraint\":\"" constraint "\",\"message\":\"" message "\"}"
#define ERROR_OF(field, constraint, message, value)                                                \
    "{\"field\":\"" field "\",\"constraint\":\"" constraint "\",\"message\":\"" message            \
    "\",\"value\":\"" value "\"}"

/* A body that is right but for `members`, which come first. */
#define BODY(members) "{" members "\"job_id\":\"j\",\"prompt\":\"p\",\"max_tokens\":1}"
#define WITH(member) BODY(member ",")

static void every_refusal_has_its_exact_text(void **state)
{
    (void)state;
    static const struct {
        const char *body, *errors;
    } cases[] = {
        {"{\"job_id\":\"\",\"prompt\":\"p\",\"max_tokens\":1}",
         REFUSED(ERROR_OF("job_id", "non_empty", "job_id must not be empty", ""))},
        {"{\"job_id\":\"j\",\"prompt\":\"\",\"max_tokens\":1}",
         REFUSED(ERROR("prompt", "length(1..=32768)", "prompt must not be empty"))},
        {"{\"job_id\":\"j\",\"prompt\":\"p\",\"max_tokens\":0}",
         REFUSED(ERROR_OF("max_tokens", "range(1..=2048)", "max_tokens must be at least 1", "0"))},
        {"{\"job_id\":\"j\",\"prompt\":\"p\",\"max_tokens\":2049}",
         REFUSED(ERROR_OF("max_tokens", "range(1..=2048)",
                          "max_tokens must be at most 2048 (got 2049)", "2049"))},
        {WITH("\"temperature\":-0.5"),
         REFUSED(ERROR_OF("temperature", "range(0.0..=2.0)",
                          "temperature must be at least 0.0 (got -0.5)", "-0.5"))},
        {WITH("\"temperature\":3.0"),
         REFUSED(ERROR_OF("temperature", "range(0.0..=2.0)",
                          "temperature must be at most 2.0 (got 3)", "3"))},
        {WITH("\"temperature\":1e39"),
         REFUSED(ERROR_OF("temperature", "range(0.0..=2.0)",
                          "temperature must be at most 2.0 (got inf)", "inf"))},
        {WITH("\"top_p\":1.5"), REFUSED(ERROR_OF("top_p", "range(0.0..=1.0)",
                                                 "top_p must be at most 1.0 (got 1.5)", "1.5"))},
        {WITH("\"repetition_penalty\":2.1"),
         REFUSED(ERROR_OF("repetition_penalty", "range(0.0..=2.0)",
                          "repetition_penalty must be at most 2.0 (got 2.1)", "2.1"))},
        {WITH("\"min_p\":-1"), REFUSED(ERROR_OF("min_p", "range(0.0..=1.0)",
                                                "min_p must be at least 0.0 (got -1)", "-1"))},
        {WITH("\"stop\":[\"a\",\"\",\"c\",\"d\",\"e\"]"),
         REFUSED(
             ERROR_OF("stop", "max_count(4)", "stop must have at most 4 sequences (got 5)",
                      "5") "," ERROR("stop", "non_empty", "stop sequence 1 must not be empty"))},
        {"{}", REFUSED(ERROR("job_id", "required", "job_id is required") "," ERROR(
                   "prompt", "required", "prompt is required") "," ERROR("max_tokens", "required",
                                                                         "max_tokens is "
                                                                         "required"))},
        {WITH("\"top_k\":4294967296"),
         REFUSED(ERROR("top_k", "type(u32)",
                       "top_k must be a whole number from 0 to 4294967295 (got 4294967296)"))},
        {WITH("\"top_k\":1.0"),
         REFUSED(ERROR("top_k", "type(u32)",
                       "top_k must be a whole number from 0 to 4294967295 (got 1.0)"))},
        {WITH("\"seed\":18446744073709551616"),
         REFUSED(ERROR("seed", "type(u64)",
                       "seed must be a whole number from 0 to 18446744073709551615 or null (got "
                       "18446744073709551616)"))},
        {WITH("\"stop\":\"a\""),
         REFUSED(ERROR("stop", "type([string])", "stop must be a list of strings (got string)"))},
        {WITH("\"temperature\":null"),
         REFUSED(ERROR("temperature", "type(f32)", "temperature must be a number (got null)"))},
        {"[]", REFUSED(ERROR("body", "type(object)", "body must be a JSON object (got array)"))},
        {"", REFUSED(ERROR("body", "json", "no JSON: the text is empty"))},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena *arena = arena_new();
        struct execute_request request;
        struct slice errors = SLICE("");
        assert_false(request_execute(arena, slice_str(cases[i].body), REQUEST_TOKENS_MAX, &request,
                                     &errors));
        assert_string_equal(arena_string(arena, errors), cases[i].errors);
        arena_free(arena);
    }
}

static bool accepted(struct arena *arena, const char *body, struct execute_request *request)
{
    struct slice errors;
    return request_execute(arena, slice_str(body), REQUEST_TOKENS_MAX, request, &errors);
}

static void what_is_left_out_has_its_default(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct execute_request r;
    assert_true(accepted(arena, BODY(""), &r));
    assert_true(slice_is(r.job_id, "j") && slice_is(r.prompt, "p"));
    assert_int_equal(r.max_tokens, 1);
    assert_int_equal(r.seed, REQUEST_SEED);
    assert_true(r.temperature == 1.0f && r.top_p == 1.0f && r.repetition_penalty == 1.0f);
    assert_true(fpclassify(r.min_p) == FP_ZERO && r.top_k == 0 && r.stop_count == 0);
    arena_free(arena);
}

static void every_field_arrives_as_it_was_sent(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct execute_request r;
    assert_true(accepted(
        arena,
        "{ \"unknown\" : {\"seed\": [1, {\"prompt\": \"}\"}]}, \"seed\" :\t18446744073709551615 ,"
        "\"stop\":[\"\\u4e16\",\"b\\\"}\"], \"t\\u0065mperature\":0.25,\"top_p\":1,\"top_k\":"
        "4294967295,\"repetition_penalty\":2,\"min_p\":0.5,\"job_id\":\"a\\u0000b\","
        "\"prompt\":\"{\",\"max_tokens\":2048}",
        &r));
    assert_true(r.seed == UINT64_MAX);
    assert_int_equal(r.stop_count, 2);
    assert_true(slice_is(r.stop[0], "世") && slice_is(r.stop[1], "b\"}"));
    assert_true(r.temperature == 0.25f && r.top_p == 1.0f && r.repetition_penalty == 2.0f);
    assert_true(r.min_p == 0.5f && r.top_k == UINT32_MAX && r.max_tokens == 2048);
    assert_true(slice_eq(r.job_id, slice_of("a\0b", 3)) && slice_is(r.prompt, "{"));
    arena_free(arena);
}

static void integers_beyond_63_bits_do_not_disturb_the_others(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct execute_request r;
    assert_true(accepted(
        arena, "{\"job_id\":\"j\",\"prompt\":\"p\",\"max_tokens\":7,\"seed\":9223372036854775809}",
        &r));
    assert_true(r.seed == 9223372036854775809u && r.max_tokens == 7);
    arena_free(arena);
}

static const char *body_with_prompt(struct arena *arena, const char *character, size_t count)
{
    struct text t = text_in(arena);
    text_add_str(&t, "{\"job_id\":\"j\",\"max_tokens\":1,\"prompt\":\"");
    for (size_t i = 0; i < count; i++)
        text_add_str(&t, character);
    text_add_str(&t, "\"}");
    return text_str(&t);
}

static void a_prompt_is_measured_in_characters(void **state)
{
    (void)state;
    static const char *const characters[] = {"x", "é", "語", "🚀", "\\n", "\\ud83d\\ude80"};
    for (size_t i = 0; i < sizeof(characters) / sizeof(characters[0]); i++) {
        struct arena *arena = arena_new();
        struct execute_request r;
        struct slice errors;
        assert_true(accepted(arena, body_with_prompt(arena, characters[i], 32768), &r));
        assert_false(request_execute(arena,
                                     slice_str(body_with_prompt(arena, characters[i], 32769)),
                                     REQUEST_TOKENS_MAX, &r, &errors));
        assert_true(slice_find(errors, SLICE("at most 32768 characters (got 32769)")) > 0);
        assert_true(errors.len < 200);
        arena_free(arena);
    }
}

static void a_million_failures_are_not_listed(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    struct execute_request r;
    struct slice errors;
    text_add_str(&t, "{\"stop\":[\"\"");
    for (int i = 0; i < 500000; i++)
        text_add_str(&t, ",\"\"");
    text_add_str(&t, "]}");
    assert_false(request_execute(arena, text_slice(&t), REQUEST_TOKENS_MAX, &r, &errors));
    json_t *read;
    assert_true(result_ok(jsontext_read_in(arena, errors, &read)));
    assert_int_equal(json_array_size(json_object_get(read, "errors")), REQUEST_ERRORS_MAX);
    arena_free(arena);
}

static void a_cancellation_needs_an_id(void **state)
{
    (void)state;
    static const struct {
        const char *body, *job_id, *errors;
    } cases[] = {
        {"{\"job_id\":\"a b\",\"more\":1}", "a b", NULL},
        {"{\"job_id\":\"\"}", NULL,
         REFUSED(ERROR_OF("job_id", "non_empty", "job_id must not be empty", ""))},
        {"{}", NULL, REFUSED(ERROR("job_id", "required", "job_id is required"))},
        {"{\"job_id\":12}", NULL,
         REFUSED(ERROR("job_id", "type(string)", "job_id must be a string (got 12)"))},
        {"\"a\"", NULL,
         REFUSED(ERROR("body", "type(object)", "body must be a JSON object (got string)"))},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena *arena = arena_new();
        struct slice job_id, errors;
        bool ok = request_cancel(arena, slice_str(cases[i].body), &job_id, &errors);
        if (cases[i].errors)
            assert_string_equal(arena_string(arena, errors), cases[i].errors);
        else
            assert_string_equal(arena_string(arena, job_id), cases[i].job_id);
        assert_int_equal(ok, cases[i].errors == NULL);
        arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_refusal_has_its_exact_text),
        cmocka_unit_test(what_is_left_out_has_its_default),
        cmocka_unit_test(every_field_arrives_as_it_was_sent),
        cmocka_unit_test(integers_beyond_63_bits_do_not_disturb_the_others),
        cmocka_unit_test(a_prompt_is_measured_in_characters),
        cmocka_unit_test(a_million_failures_are_not_listed),
        cmocka_unit_test(a_cancellation_needs_an_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
