/*
 * Tensors from and to the wire, as JSON and as binary data: nothing is cut down, nothing is lost,
 * and what does not fit together is refused with a sentence.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kserve_tensor.h"

#define INPUT(type, shape, rest)                                                                   \
    "[{\"name\":\"x\",\"datatype\":\"" type "\",\"shape\":" shape rest "}]"
#define DATA(type, shape, data) INPUT(type, shape, ",\"data\":" data)
#define BINARY(type, shape, size)                                                                  \
    INPUT(type, shape, ",\"parameters\":{\"binary_data_size\":" size "}")

static struct result read_text(struct arena *arena, const char *text, struct slice binary,
                               struct tensors *out)
{
    json_t *inputs = NULL;
    assert_true(result_ok(jsontext_read_in(arena, slice_str(text), &inputs)));
    return kserve_read(arena, inputs, &binary, out);
}

static void expect_refused(const char *text, struct slice binary, const char *part)
{
    struct arena *arena = arena_new();
    struct tensors in;
    if (result_ok(read_text(arena, text, binary, &in)))
        fail_msg("accepted: %s", text);
    if (!strstr(error_last()->text, part))
        fail_msg("expected \"%s\" of %s, got: %s", part, text, error_last()->text);
    arena_free(arena);
}

/* What stands behind "data": when the tensor is written as JSON again. */
static const char *written(struct arena *arena, const struct tensor *tensor)
{
    struct text json = text_in(arena);
    assert_true(result_ok(kserve_write(tensor, &json, NULL)));
    const char *data = strstr(text_str(&json), "\"data\":");
    assert_non_null(data);
    return data + strlen("\"data\":");
}

static void values_of_json_are_little_endian_bytes_and_come_back(void **state)
{
    (void)state;
    static const struct {
        const char *text, *data;
        struct slice bytes;
    } cases[] = {
        {DATA("BOOL", "[2]", "[true,false]"), "[true,false]}", {"\x01\x00", 2}},
        {DATA("UINT8", "[2]", "[0,255]"), "[0,255]}", {"\x00\xff", 2}},
        {DATA("INT8", "[2]", "[-128,127]"), "[-128,127]}", {"\x80\x7f", 2}},
        {DATA("UINT16", "[1]", "[258]"), "[258]}", {"\x02\x01", 2}},
        {DATA("INT16", "[1]", "[-2]"), "[-2]}", {"\xfe\xff", 2}},
        {DATA("UINT32", "[1]", "[4294967295]"), "[4294967295]}", {"\xff\xff\xff\xff", 4}},
        {DATA("INT32", "[1]", "[-2147483648]"), "[-2147483648]}", {"\x00\x00\x00\x80", 4}},
        {DATA("INT64", "[1]", "[-9223372036854775808]"),
         "[-9223372036854775808]}",
         {"\x00\x00\x00\x00\x00\x00\x00\x80", 8}},
        /* beyond int64: read as a real, which it is exactly */
        {DATA("UINT64", "[1]", "[9223372036854775808]"),
         "[9223372036854775808]}",
         {"\x00\x00\x00\x00\x00\x00\x00\x80", 8}},
        {DATA("INT32", "[1]", "[3.0]"), "[3]}", {"\x03\x00\x00\x00", 4}},
        {DATA("FP32", "[1]", "[0.1]"), "[0.100000001]}", {"\xcd\xcc\xcc\x3d", 4}},
        {DATA("FP64", "[1]", "[0.1]"),
         "[0.10000000000000001]}",
         {"\x9a\x99\x99\x99\x99\x99\xb9\x3f", 8}},
        {DATA("BYTES", "[2]", "[\"h\xc3\xa9\",\"\"]"),
         "[\"h\xc3\xa9\",\"\"]}",
         {"\x03\x00\x00\x00h\xc3\xa9\x00\x00\x00\x00", 11}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena *arena = arena_new();
        struct tensors in;
        if (!result_ok(read_text(arena, cases[i].text, SLICE(""), &in)))
            fail_msg("%s: %s", cases[i].text, error_last()->text);
        assert_int_equal(in.count, 1);
        if (!slice_eq(in.items[0].bytes, cases[i].bytes))
            fail_msg("other bytes of %s", cases[i].text);
        assert_string_equal(written(arena, &in.items[0]), cases[i].data);
        arena_free(arena);
    }
}

static void no_number_is_cut_down(void **state)
{
    (void)state;
    static const char *const cases[] = {
        DATA("UINT8", "[1]", "[256]"),
        DATA("UINT8", "[1]", "[-1]"),
        DATA("INT8", "[1]", "[128]"),
        DATA("INT8", "[1]", "[-129]"),
        DATA("UINT32", "[1]", "[4294967296]"),
        DATA("INT32", "[1]", "[2147483648]"),
        DATA("INT32", "[1]", "[1.5]"),
        DATA("INT32", "[1]", "[true]"),
        DATA("INT32", "[1]", "[\"1\"]"),
        DATA("INT64", "[1]", "[9223372036854775808]"),
        DATA("UINT64", "[1]", "[18446744073709551616]"),
        DATA("UINT64", "[1]", "[-9223372036854775809]"),
        DATA("FP32", "[1]", "[\"1\"]"),
        DATA("FP32", "[1]", "[1e39]"),
        DATA("FP64", "[1]", "[null]"),
        DATA("BOOL", "[1]", "[1]"),
        DATA("BYTES", "[1]", "[1]"),
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_refused(cases[i], SLICE(""), "input 'x': value 0 is no ");
}

static void nested_and_flat_data_are_the_same(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct tensors flat, nested;
    assert_true(
        result_ok(read_text(arena, DATA("INT8", "[2,3]", "[1,2,3,4,5,6]"), SLICE(""), &flat)));
    assert_true(result_ok(
        read_text(arena, DATA("INT8", "[2,3]", "[[1,2,3],[4,5,6]]"), SLICE(""), &nested)));
    assert_true(slice_eq(flat.items[0].bytes, nested.items[0].bytes));
    assert_int_equal(nested.items[0].rank, 2);
    assert_int_equal(nested.items[0].shape[1], 3);
    assert_int_equal(nested.items[0].count, 6);
    arena_free(arena);
}

static void a_shape_has_to_be_one_and_to_fit(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"{}", "expected inputs to be an array of 1 to 16 tensors"},
        {"[]", "expected inputs to be an array of 1 to 16 tensors"},
        {"[{}]", "every input has a name"},
        {"[{\"name\":\"x\"}]", "input 'x': expected a datatype such as FP32"},
        {DATA("FP128", "[1]", "[1]"), "expected a datatype such as FP32"},
        {DATA("FP32", "3", "[1,2,3]"), "expected a shape of 1 to 8 dimensions"},
        {DATA("FP32", "[]", "[]"), "expected a shape of 1 to 8 dimensions"},
        {DATA("FP32", "[1,1,1,1,1,1,1,1,1]", "[1]"), "expected a shape of 1 to 8 dimensions"},
        {DATA("FP32", "[2,-1]", "[1]"), "dimension 1 of the shape is no whole number"},
        {DATA("FP32", "[1.5]", "[1]"), "dimension 0 of the shape is no whole number"},
        {DATA("FP32", "[4294967296,4294967296]", "[1]"), "more values than any request"},
        {DATA("FP32", "[2]", "[1,2,3]"), "the shape has 2 values, the data 3"},
        {DATA("FP32", "[2]", "[]"), "the shape has 2 values, the data 0"},
        {DATA("FP32", "[1]", "1"), "expected data to be an array"},
        {INPUT("FP32", "[1]", ""), "expected data to be an array"},
        {DATA("FP32", "[1]", "[[[[[[[[[[1]]]]]]]]]]"), "nested too deep"},
        {DATA("FP16", "[1]", "[1]"), "FP16 has to be binary data"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_refused(cases[i].text, SLICE(""), cases[i].part);
}

static void an_empty_tensor_is_a_tensor(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct tensors in;
    assert_true(result_ok(read_text(arena, DATA("FP32", "[0,3]", "[]"), SLICE(""), &in)));
    assert_int_equal(in.items[0].count, 0);
    assert_string_equal(written(arena, &in.items[0]), "[]}");
    arena_free(arena);
}

static void binary_data_belong_to_the_inputs_in_their_order(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct tensors in;
    const char *text = "[{\"name\":\"a\",\"datatype\":\"FP16\",\"shape\":[2],"
                       "\"parameters\":{\"binary_data_size\":4}},"
                       "{\"name\":\"b\",\"datatype\":\"UINT8\",\"shape\":[1],\"data\":[7]},"
                       "{\"name\":\"c\",\"datatype\":\"BYTES\",\"shape\":[2],"
                       "\"parameters\":{\"binary_data_size\":9}}]";
    assert_true(result_ok(read_text(
        arena, text, SLICE("\x00\x3c\x01\x02\x01\x00\x00\x00\x41\x00\x00\x00\x00"), &in)));
    assert_int_equal(in.count, 3);
    assert_true(slice_eq(in.items[0].bytes, SLICE("\x00\x3c\x01\x02")));
    assert_true(slice_eq(in.items[1].bytes, SLICE("\x07")));
    assert_int_equal(in.items[2].bytes.len, 9);
    assert_string_equal(written(arena, &in.items[2]), "[\"A\",\"\"]}");
    arena_free(arena);
}

static void binary_data_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct slice binary;
        const char *part;
    } cases[] = {
        {BINARY("FP32", "[1]", "4"), {"abc", 3}, "not within the 3 bytes that are left"},
        {BINARY("FP32", "[1]", "-1"), {"abcd", 4}, "not within the 4 bytes"},
        {BINARY("FP32", "[1]", "\"4\""), {"abcd", 4}, "not within the 4 bytes"},
        {BINARY("FP32", "[2]", "4"),
         {"abcd", 4},
         "4 bytes of binary data are not 2 values of FP32"},
        {BINARY("FP32", "[1]", "4"), {"abcdef", 6}, "2 bytes of binary data belong to no input"},
        {DATA("FP32", "[1]", "[1]"), {"a", 1}, "1 bytes of binary data belong to no input"},
        {BINARY("BYTES", "[1]", "5"), {"\x02\x00\x00\x00z", 5}, "are not 1 values of BYTES"},
        {BINARY("BYTES", "[1]", "6"), {"\x01\x00\x00\x00zz", 6}, "are not 1 values of BYTES"},
        {BINARY("BYTES", "[2]", "5"), {"\x01\x00\x00\x00z", 5}, "are not 2 values of BYTES"},
        {BINARY("BYTES", "[1]", "3"), {"\x00\x00\x00", 3}, "are not 1 values of BYTES"},
        {BINARY("BYTES", "[1]", "4"), {"\xff\xff\xff\xff", 4}, "are not 1 values of BYTES"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_refused(cases[i].text, cases[i].binary, cases[i].part);
}

static void an_output_is_json_or_binary(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct tensors in;
    struct text json = text_in(arena), binary = text_in(arena);
    assert_true(result_ok(read_text(arena, DATA("INT16", "[1,2]", "[1,-1]"), SLICE(""), &in)));
    assert_true(result_ok(kserve_write(&in.items[0], &json, &binary)));
    assert_string_equal(text_str(&json), "{\"name\":\"x\",\"datatype\":\"INT16\",\"shape\":[1,2],"
                                         "\"parameters\":{\"binary_data_size\":4}}");
    assert_true(slice_eq(text_slice(&binary), SLICE("\x01\x00\xff\xff")));
    arena_free(arena);
}

static void what_json_has_no_words_for_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct slice binary;
        const char *part;
    } cases[] = {
        {BINARY("FP32", "[2]", "8"),
         {"\x00\x00\x80\x3f\x00\x00\x80\x7f", 8},
         "value 1 is not finite"},
        {BINARY("FP64", "[1]", "8"),
         {"\x00\x00\x00\x00\x00\x00\xf8\x7f", 8},
         "value 0 is not finite"},
        {BINARY("BF16", "[1]", "2"), {"ab", 2}, "BF16 has to be binary data"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena *arena = arena_new();
        struct tensors in;
        struct text json = text_in(arena), binary = text_in(arena);
        assert_true(result_ok(read_text(arena, cases[i].text, cases[i].binary, &in)));
        assert_false(result_ok(kserve_write(&in.items[0], &json, NULL)));
        assert_non_null(strstr(error_last()->text, cases[i].part));
        assert_true(result_ok(kserve_write(&in.items[0], &json, &binary)));
        assert_true(slice_eq(text_slice(&binary), cases[i].binary));
        arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_json_are_little_endian_bytes_and_come_back),
        cmocka_unit_test(no_number_is_cut_down),
        cmocka_unit_test(nested_and_flat_data_are_the_same),
        cmocka_unit_test(a_shape_has_to_be_one_and_to_fit),
        cmocka_unit_test(an_empty_tensor_is_a_tensor),
        cmocka_unit_test(binary_data_belong_to_the_inputs_in_their_order),
        cmocka_unit_test(binary_data_that_do_not_fit_are_refused),
        cmocka_unit_test(an_output_is_json_or_binary),
        cmocka_unit_test(what_json_has_no_words_for_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
