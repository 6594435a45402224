/*
 * The `infer` step: the request as JSON and with binary data behind it, and outputs as tensors,
 * however they came. A value that its datatype does not have is never sent as another; an output
 * that cannot be read is left out, so that a check of it sees no data.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "core/text.h"
#include "served.h"
#include "step/kinds.h"

#define JSON "Content-Type: application/json\r\n"
#define NOTHING "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
#define OUTPUT(type, shape, data)                                                                  \
    "{\"outputs\":[{\"name\":\"y\",\"datatype\":\"" type "\",\"shape\":" shape ",\"data\":" data   \
    "}]}"
#define BINARY_OUTPUT(type, shape, size)                                                           \
    "{\"outputs\":[{\"name\":\"y\",\"datatype\":\"" type "\",\"shape\":" shape                     \
    ",\"parameters\":{\"binary_data_size\":" size "}}]}"

static struct served *ask(const char *config)
{
    struct served *s = served_step(&step_infer, config, SLICE(NOTHING));
    if (!result_ok(s->result))
        fail_msg("%s", error_last()->text);
    return s;
}

/* What comes of an answer to some request. */
static struct served *hear(const char *json, struct slice binary, bool header)
{
    struct arena *arena = arena_new();
    struct text body = text_in(arena);
    text_add_str(&body, json);
    text_add(&body, binary);
    const char *headers =
        header ? arena_printf(arena, "Inference-Header-Content-Length: %zu\r\n", strlen(json))
               : JSON;
    struct slice answer = served_answer(arena, 200, headers, text_slice(&body));
    struct served *s =
        served_step(&step_infer, "{\"model\":\"m\",\"inputs\":{\"x\":{\"data\":[1]}}}", answer);
    arena_free(arena);
    return s;
}

/* ---- the request ---- */

static void expect_body(const char *config, const char *expected)
{
    struct served *s = ask(config);
    if (!slice_is(s->body, expected))
        fail_msg("expected %s, got %.*s", expected, SLICE_ARG(s->body));
    served_free(s);
}

static void shapes_and_datatypes_need_not_be_said(void **state)
{
    (void)state;
    expect_body("{\"model\":\"m\",\"inputs\":{\"x\":{\"data\":[[1,2,3],[4,5,6]]}}}",
                "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[2,3],"
                "\"data\":[1,2,3,4,5,6]}]}");
    expect_body("{\"model\":\"m\",\"inputs\":{\"x\":{\"data\":7}}}",
                "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1],\"data\":[7]}]}");
    expect_body("{\"model\":\"m\",\"inputs\":{\"a\":{\"data\":[\"t\"],\"datatype\":\"BYTES\"},"
                "\"b\":{\"data\":[1,2],\"shape\":[2,1],\"datatype\":\"INT8\"}}}",
                "{\"inputs\":[{\"name\":\"a\",\"datatype\":\"BYTES\",\"shape\":[1],\"data\":"
                "[\"t\"]},{\"name\":\"b\",\"datatype\":\"INT8\",\"shape\":[2,1],\"data\":[1,2]}]}");
}

static void what_is_given_is_sent_as_it_is(void **state)
{
    (void)state;
    expect_body("{\"model\":\"m\",\"id\":\"r\",\"outputs\":[{\"name\":\"y\"}],\"parameters\":"
                "{\"p\":1},\"inputs\":{\"x\":{\"data\":[300],\"datatype\":\"UINT8\"}}}",
                "{\"id\":\"r\",\"outputs\":[{\"name\":\"y\"}],\"parameters\":{\"p\":1},\"inputs\":"
                "[{\"name\":\"x\",\"datatype\":\"UINT8\",\"shape\":[1],\"data\":[300]}]}");
}

static void it_goes_to_the_model_and_version(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"model\":\"m\",\"inputs\":{}}", "POST /v2/models/m/infer HTTP/1.1\r\n"},
        {"{\"model\":\"m\",\"version\":2,\"inputs\":{}}",
         "POST /v2/models/m/versions/2/infer HTTP/1.1\r\n"},
        {"{\"model\":\"m\",\"path\":\"/other\",\"inputs\":{}}", "POST /other HTTP/1.1\r\n"},
    };
    for (size_t i = 0; i < 3; i++) {
        struct served *s = ask(cases[i][0]);
        if (!slice_starts(s->head, slice_str(cases[i][1])))
            fail_msg("expected %s, got %.*s", cases[i][1], SLICE_ARG(s->head));
        served_free(s);
    }
}

static void binary_data_stand_behind_the_json(void **state)
{
    (void)state;
    static const char json[] = "{\"parameters\":{\"binary_data_output\":true},\"inputs\":["
                               "{\"name\":\"a\",\"datatype\":\"INT16\",\"shape\":[3],"
                               "\"parameters\":{\"binary_data_size\":6}},"
                               "{\"name\":\"b\",\"datatype\":\"BYTES\",\"shape\":[2],"
                               "\"parameters\":{\"binary_data_size\":11}},"
                               "{\"name\":\"c\",\"datatype\":\"FP32\",\"shape\":[1],\"parameters\":"
                               "{\"binary_data_size\":4}}]}";
    struct slice binary = SLICE("\x02\x01\xff\xff\x00\x80"
                                "\x03\x00\x00\x00h\xc3\xa9\x00\x00\x00\x00"
                                "\x00\x00\x80\x3f");
    struct served *s = ask("{\"model\":\"m\",\"binary\":true,\"inputs\":{"
                           "\"a\":{\"data\":[258,-1,-32768],\"datatype\":\"INT16\"},"
                           "\"b\":{\"data\":[\"h\xc3\xa9\",\"\"],\"datatype\":\"BYTES\"},"
                           "\"c\":{\"data\":[1]}}}");
    assert_true(slice_starts(s->body, slice_str(json)));
    assert_true(slice_eq(slice_from(s->body, strlen(json)), binary));
    const char *length =
        arena_printf(s->arena, "Inference-Header-Content-Length: %zu\r\n", strlen(json));
    assert_true(slice_find(s->head, slice_str(length)) > 0);
    assert_true(slice_find(s->head, SLICE("Content-Type: application/octet-stream\r\n")) > 0);
    served_free(s);
}

/* The bytes behind the JSON of one value. */
static struct slice binary_of(struct arena *arena, const char *type, const char *value)
{
    struct served *s =
        ask(arena_printf(arena,
                         "{\"model\":\"m\",\"binary\":true,\"inputs\":{\"x\":{\"data\":[%s],"
                         "\"datatype\":\"%s\"}}}",
                         value, type));
    struct slice end = SLICE("}}]}");
    struct slice bytes =
        arena_copy(arena, slice_from(s->body, (size_t)slice_find(s->body, end) + end.len));
    served_free(s);
    return bytes;
}

static void extreme_values_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *type, *value;
        struct slice bytes;
    } cases[] = {
        {"BOOL", "true", {"\x01", 1}},
        {"UINT8", "255", {"\xff", 1}},
        {"INT8", "-128", {"\x80", 1}},
        {"UINT32", "4294967295", {"\xff\xff\xff\xff", 4}},
        {"INT32", "-2147483648", {"\x00\x00\x00\x80", 4}},
        /* no double has these */
        {"INT64", "9007199254740993", {"\x01\x00\x00\x00\x00\x00\x20\x00", 8}},
        {"INT64", "9223372036854775807", {"\xff\xff\xff\xff\xff\xff\xff\x7f", 8}},
        {"INT64", "-9223372036854775808", {"\x00\x00\x00\x00\x00\x00\x00\x80", 8}},
        {"UINT64", "9223372036854775808", {"\x00\x00\x00\x00\x00\x00\x00\x80", 8}},
        {"FP64", "0.1", {"\x9a\x99\x99\x99\x99\x99\xb9\x3f", 8}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena *arena = arena_new();
        if (!slice_eq(binary_of(arena, cases[i].type, cases[i].value), cases[i].bytes))
            fail_msg("other bytes of %s as %s", cases[i].value, cases[i].type);
        arena_free(arena);
    }
}

static void a_value_that_the_datatype_has_not_is_not_sent(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"UINT8", "256"}, {"UINT8", "-1"},
        {"INT8", "128"},  {"INT8", "-129"},
        {"INT16", "1.5"}, {"UINT64", "18446744073709551616"},
        {"UINT64", "-1"}, {"INT64", "9223372036854775808"},
        {"FP32", "1e39"}, {"FP32", "\"1\""},
        {"FP64", "null"}, {"BYTES", "1"},
        {"FP16", "1"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena *arena = arena_new();
        struct served *s = served_step(
            &step_infer,
            arena_printf(arena,
                         "{\"model\":\"m\",\"binary\":true,\"inputs\":{\"x\":{\"data\":[%s],"
                         "\"datatype\":\"%s\"}}}",
                         cases[i][1], cases[i][0]),
            SLICE(NOTHING));
        if (result_ok(s->result))
            fail_msg("%s was sent as %s", cases[i][1], cases[i][0]);
        assert_int_equal(s->result.code, ERR_SUITE);
        assert_int_equal(s->head.len, 0);
        served_free(s);
        arena_free(arena);
    }
}

/* ---- the answer ---- */

static void outputs_of_json_are_tensors(void **state)
{
    (void)state;
    static const double expected[] = {1, 2, -3.5, 0};
    struct served *s = hear(OUTPUT("FP32", "[2,2]", "[[1,2],[-3.5,0]]"), SLICE(""), false);
    const struct tensor *t = served_tensor(s);
    assert_true(slice_is(t->name, "y"));
    assert_true(slice_is(t->dtype, "FP32"));
    assert_int_equal(t->rank, 2);
    assert_int_equal(t->shape[0], 2);
    assert_int_equal(t->shape[1], 2);
    assert_memory_equal(t->values, expected, sizeof(expected));
    served_free(s);
}

static void binary_outputs_are_the_same_in_every_datatype(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        struct slice binary;
        double value;
    } cases[] = {
        {BINARY_OUTPUT("BOOL", "[1]", "1"), {"\x01", 1}, 1},
        {BINARY_OUTPUT("UINT8", "[1]", "1"), {"\xff", 1}, 255},
        {BINARY_OUTPUT("INT8", "[1]", "1"), {"\xff", 1}, -1},
        {BINARY_OUTPUT("INT16", "[1]", "2"), {"\x00\x80", 2}, -32768},
        {BINARY_OUTPUT("UINT32", "[1]", "4"), {"\x01\x02\x03\x04", 4}, 67305985},
        {BINARY_OUTPUT("INT64", "[1]", "8"), {"\xfe\xff\xff\xff\xff\xff\xff\xff", 8}, -2},
        {BINARY_OUTPUT("FP32", "[1]", "4"), {"\x00\x00\x00\xc0", 4}, -2},
        {BINARY_OUTPUT("FP64", "[1]", "8"), {"\x00\x00\x00\x00\x00\x00\xe0\x3f", 8}, 0.5},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct served *s = hear(cases[i].json, cases[i].binary, true);
        const struct tensor *t = served_tensor(s);
        assert_int_equal(t->count, 1);
        assert_memory_equal(t->values, &cases[i].value, sizeof(double));
        served_free(s);
    }
    struct served *s = hear(BINARY_OUTPUT("FP32", "[1]", "4"), SLICE("\x00\x00\x80\x7f"), true);
    assert_true(isinf(served_tensor(s)->values[0]));
    served_free(s);
}

static void binary_outputs_are_taken_in_their_order(void **state)
{
    (void)state;
    static const char json[] = "{\"outputs\":[{\"name\":\"a\",\"datatype\":\"UINT8\",\"shape\":[2],"
                               "\"parameters\":{\"binary_data_size\":2}},"
                               "{\"name\":\"b\",\"datatype\":\"INT32\",\"shape\":[1],\"data\":[9]},"
                               "{\"name\":\"c\",\"datatype\":\"UINT8\",\"shape\":[1],"
                               "\"parameters\":{\"binary_data_size\":1}}]}";
    struct served *s = hear(json, SLICE("\x01\x02\x03"), true);
    const struct tensor *t = s->observation.tensors;
    assert_int_equal(s->observation.tensor_count, 3);
    assert_true(t[0].values[0] == 1 && t[0].values[1] == 2);
    assert_true(t[1].values[0] == 9);
    assert_true(slice_is(t[2].name, "c") && t[2].values[0] == 3);
    served_free(s);
}

static void an_output_that_cannot_be_read_is_left_out(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        struct slice binary;
        bool header;
    } cases[] = {
        {"{}", {"", 0}, false},
        {"[1]", {"", 0}, false},
        {"{\"outputs\":[1]}", {"", 0}, false},
        {OUTPUT("FP33", "[1]", "[1]"), {"", 0}, false},
        {OUTPUT("FP32", "[2]", "[1]"), {"", 0}, false},
        {OUTPUT("FP32", "[-1]", "[1]"), {"", 0}, false},
        {OUTPUT("FP32", "\"1\"", "[1]"), {"", 0}, false},
        {OUTPUT("FP32", "[4294967296,4294967296]", "[1]"), {"", 0}, false},
        {OUTPUT("FP32", "[1]", "[\"1\"]"), {"", 0}, false},
        {OUTPUT("FP32", "[1]", "[null]"), {"", 0}, false},
        {BINARY_OUTPUT("FP32", "[1]", "4"), {"abc", 3}, true},
        {BINARY_OUTPUT("FP32", "[1]", "-4"), {"abcd", 4}, true},
        {BINARY_OUTPUT("FP32", "[2]", "4"), {"abcd", 4}, true},
        {BINARY_OUTPUT("FP32", "[1]", "5"), {"abcde", 5}, true},
        {BINARY_OUTPUT("BYTES", "[1]", "5"), {"\x01\x00\x00\x00z", 5}, true},
        {BINARY_OUTPUT("FP32", "[1]", "4"), {"abcd", 4}, false}, /* nothing says where JSON ends */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct served *s = hear(cases[i].json, cases[i].binary, cases[i].header);
        assert_true(result_ok(s->result));
        if (s->observation.tensor_count || s->observation.seen & OBSERVED_TENSORS)
            fail_msg("a tensor of %s", cases[i].json);
        served_free(s);
    }
}

static void a_refusal_is_seen_as_an_error(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct served *s =
        served_step(&step_infer, "{\"model\":\"m\",\"inputs\":{\"x\":{\"data\":[1]}}}",
                    served_answer(arena, 400, JSON, SLICE("{\"error\":\"no such model\"}")));
    assert_true(result_ok(s->result));
    assert_int_equal(s->observation.status, 400);
    assert_true(s->observation.seen & OBSERVED_ERROR);
    assert_string_equal(json_string_value(json_object_get(s->observation.error, "error")),
                        "no such model");
    served_free(s);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_and_datatypes_need_not_be_said),
        cmocka_unit_test(what_is_given_is_sent_as_it_is),
        cmocka_unit_test(it_goes_to_the_model_and_version),
        cmocka_unit_test(binary_data_stand_behind_the_json),
        cmocka_unit_test(extreme_values_are_exact),
        cmocka_unit_test(a_value_that_the_datatype_has_not_is_not_sent),
        cmocka_unit_test(outputs_of_json_are_tensors),
        cmocka_unit_test(binary_outputs_are_the_same_in_every_datatype),
        cmocka_unit_test(binary_outputs_are_taken_in_their_order),
        cmocka_unit_test(an_output_that_cannot_be_read_is_left_out),
        cmocka_unit_test(a_refusal_is_seen_as_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
