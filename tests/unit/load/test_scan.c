/*
 * The scanner against the full parser: the same values from the same texts, and nothing from what
 * is not JSON.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/jsontext.h"
#include "core/random.h"
#include "core/text.h"
#include "load/scan.h"
#include "scan_check.h"

static const struct scan_path content = {
    {SLICE("choices"), SLICE("0"), SLICE("delta"), SLICE("content")}, 4};
static const struct scan_path usage = {{SLICE("usage"), SLICE("completion_tokens")}, 2};

static struct scan_value found(const char *json, const struct scan_path *path)
{
    struct scan_value value;
    assert_true(scan_json(slice_str(json), path, 1, &value));
    return value;
}

static void a_token_is_found_in_a_chunk(void **state)
{
    (void)state;
    const char *chunk = "{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\","
                        "\"content\":\" wor\\u006cd\"},\"finish_reason\":null},{\"delta\":{"
                        "\"content\":\"second\"}}],\"usage\":{\"completion_tokens\":42}}";
    struct scan_value value = found(chunk, &content);
    assert_int_equal(value.kind, SCAN_STRING);
    assert_true(slice_is(value.text, " wor\\u006cd"));
    value = found(chunk, &usage);
    assert_int_equal(scan_count(&value), 42);
}

static void what_is_not_there_is_absent(void **state)
{
    (void)state;
    assert_int_equal(found("{\"choices\":[]}", &content).kind, SCAN_ABSENT);
    assert_int_equal(found("{\"choices\":{\"delta\":{\"content\":\"x\"}}}", &content).kind,
                     SCAN_ABSENT);
    assert_int_equal(found("[1,2]", &content).kind, SCAN_ABSENT);
    assert_int_equal(found("{\"choices\":[{\"delta\":{\"content\":null}}]}", &content).kind,
                     SCAN_NULL);
    struct scan_value value = found("{\"usage\":{\"completion_tokens\":-1}}", &usage);
    assert_int_equal(scan_count(&value), -1);
    value = found("{\"usage\":{\"completion_tokens\":1.5}}", &usage);
    assert_int_equal(scan_count(&value), -1);
}

static void a_name_may_be_written_with_escapes(void **state)
{
    (void)state;
    struct scan_value value = found("{\"us\\u0061ge\":{\"completion\\u005Ftokens\":7}}", &usage);
    assert_int_equal(scan_count(&value), 7);
}

static void what_is_not_json_is_refused(void **state)
{
    (void)state;
    const char *const texts[] = {"",         "{",     "{\"a\"}",  "{\"a\":}", "{\"a\":1,}",
                                 "[1,]",     "[1 2]", "tru",      "nul",      "01",
                                 "1.",       "1e",    "-",        "\"\\x\"",  "\"\\u12g4\"",
                                 "\"\\u12",  "\"a",   "\"a\nb\"", "{} {}",    "{a:1}",
                                 "{\"a\":1", "[1]x",  "\"\\",     "+1",       "{\"a\" 1}"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct scan_value value;
        if (scan_json(slice_str(texts[i]), &content, 1, &value))
            fail_msg("taken for JSON: %s", texts[i]);
    }
}

static void nesting_has_a_limit(void **state)
{
    (void)state;
    char deep[400];
    struct scan_value value;
    memset(deep, '[', 200);
    memset(deep + 200, ']', 200);
    assert_false(scan_json(slice_of(deep, 400), &content, 1, &value));
    assert_true(scan_json(slice_of(deep + 100, 200), &content, 1, &value));
}

/* A random JSON text that has the names that are looked for, and others, at every depth. */
static void write_random(struct text *t, struct random *random, int depth)
{
    static const char *const names[] = {"choices", "delta", "content",       "usage", "text",
                                        "message", "t",     "finish_reason", "error", "\\u0074"};
    static const char *const leaves[] = {"null",     "true",        "12", "-0.5e3", "\"\"",
                                         "\"a\\n\"", "\"\\u00e9\"", "[]", "\" x\"", "{}",
                                         "0"};
    int64_t kind = random_between(random, 0, depth > 0 ? 2 : 0);
    if (kind == 0) {
        text_add_str(t, leaves[random_between(random, 0, 10)]);
        return;
    }
    text_add_str(t, kind == 1 ? "{" : "[ ");
    uint32_t used = 0;
    bool any = false;
    for (int64_t i = random_between(random, 0, 4); i > 0; i--) {
        int64_t name = random_between(random, 0, 9);
        if (kind == 1 && used & 1u << (name == 9 ? 6 : name))
            continue; /* the full parser refuses a name twice */
        used |= 1u << (name == 9 ? 6 : name);
        text_add_str(t, any ? ", " : "");
        any = true;
        if (kind == 1)
            text_printf(t, "\"%s\" : ", names[name]);
        write_random(t, random, depth - 1);
    }
    text_add_str(t, kind == 1 ? "}" : " ]");
}

static void values_are_those_of_the_full_parser(void **state)
{
    (void)state;
    struct random random = random_seeded(5);
    for (int i = 0; i < 20000; i++) {
        DEFER(arena_free_pointer)
        struct arena *arena = arena_new();
        struct text t = text_in(arena);
        write_random(&t, &random, 6);
        scan_check(text_slice(&t));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_found_in_a_chunk),
        cmocka_unit_test(what_is_not_there_is_absent),
        cmocka_unit_test(a_name_may_be_written_with_escapes),
        cmocka_unit_test(what_is_not_json_is_refused),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(values_are_those_of_the_full_parser),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
