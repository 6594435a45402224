/*
 * The strict parsers: what they accept, what they refuse, and that the refusal says where.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "core/parse.h"
#include "core/random.h"

static void durations_are_read_in_every_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
    } cases[] = {{"0", 0},
                 {"1ns", 1},
                 {"5us", 5000},
                 {"5µs", 5000},
                 {"1.5ms", 1500000},
                 {"2s", 2000000000},
                 {"1m30s", 90000000000},
                 {"1h", 3600000000000},
                 {"1d", 86400000000000}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t ns = -1;
        assert_true(result_ok(parse_duration(slice_str(cases[i].text), &ns)));
        assert_int_equal(ns, cases[i].ns);
    }
}

static void a_wrong_duration_says_where(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",     "5",  "5 s",     "-1s",   "s",   "1s1m",
                                        "1s1s", "1x", "1e9999s", "1..5s", "nan", "999999999d"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        int64_t ns;
        assert_int_equal(parse_duration(slice_str(wrong[i]), &ns).code, ERR_VALUE);
    }
    int64_t ns;
    assert_int_equal(parse_duration(SLICE("10sek"), &ns).code, ERR_VALUE);
    assert_string_equal(error_last()->text, "expected a duration such as 500ms, 1.5s or 1m30s, got "
                                            "\"10sek\" (wrong at character 3)");
}

static void integers_keep_their_full_range(void **state)
{
    (void)state;
    int64_t value;
    assert_true(result_ok(parse_integer(SLICE("-9223372036854775808"), &value)));
    assert_true(value == INT64_MIN);
    assert_true(result_ok(parse_integer(SLICE("9223372036854775807"), &value)));
    assert_true(value == INT64_MAX);
    static const char *const wrong[] = {"",
                                        "-",
                                        "+1",
                                        "01",
                                        " 1",
                                        "1 ",
                                        "1.0",
                                        "0x1",
                                        "9223372036854775808",
                                        "-9223372036854775809"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(parse_integer(slice_str(wrong[i]), &value).code, ERR_VALUE);
}

static void a_ceiling_below_ten_holds(void **state)
{
    (void)state;
    for (uint64_t max = 0; max < 30; max++) {
        for (uint64_t value = 0; value < 40; value++) {
            char text[8];
            uint64_t out;
            int len = snprintf(text, sizeof(text), "%d", (int)value);
            struct result r = parse_unsigned(slice_of(text, (size_t)len), max, &out);
            assert_int_equal(r.code, value <= max ? ERR_OK : ERR_VALUE);
            assert_true(!result_ok(r) || out == value);
        }
    }
}

static void any_integer_reads_back_as_it_was_printed(void **state)
{
    (void)state;
    struct random r = random_seeded(10);
    for (int i = 0; i < 5000; i++) {
        int64_t value = (int64_t)random_next(&r) >> random_between(&r, 0, 63), out;
        char text[32];
        int len = snprintf(text, sizeof(text), "%lld", (long long)value);
        assert_true(result_ok(parse_integer(slice_of(text, (size_t)len), &out)));
        assert_true(out == value);
    }
}

static void numbers_follow_json(void **state)
{
    (void)state;
    double value;
    assert_true(result_ok(parse_number(SLICE("-0.5e+3"), &value)));
    assert_true(value > -500.1 && value < -499.9);
    static const char *const wrong[] = {"",    ".5",    "5.", "1e",    "inf",
                                        "nan", "0x1p3", "00", "1e999", "1,5"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(parse_number(slice_str(wrong[i]), &value).code, ERR_VALUE);
}

static void sizes_know_both_kinds_of_kilo(void **state)
{
    (void)state;
    uint64_t bytes;
    assert_true(result_ok(parse_size(SLICE("64KiB"), &bytes)));
    assert_int_equal(bytes, 65536);
    assert_true(result_ok(parse_size(SLICE("1.5MB"), &bytes)));
    assert_int_equal(bytes, 1500000);
    assert_true(result_ok(parse_size(SLICE("12"), &bytes)));
    assert_int_equal(bytes, 12);
    assert_int_equal(parse_size(SLICE("12 KiB"), &bytes).code, ERR_VALUE);
    assert_int_equal(parse_size(SLICE("-1B"), &bytes).code, ERR_VALUE);
}

static void durations_are_shown_with_three_digits(void **state)
{
    (void)state;
    char out[DURATION_TEXT];
    assert_string_equal(format_duration(out, 412), "412 ns");
    assert_string_equal(format_duration(out, 1234567), "1.23 ms");
    assert_string_equal(format_duration(out, 37123456), "37.1 ms");
    assert_string_equal(format_duration(out, 2500000000), "2.50 s");
    assert_string_equal(format_duration(out, 125000000000), "2m05s");
    assert_string_equal(format_duration(out, 7260000000000), "2h01m");
    /* Where rounding would give a fourth digit. */
    assert_string_equal(format_duration(out, 999499), "999 µs");
    assert_string_equal(format_duration(out, 999500), "1.00 ms");
    assert_string_equal(format_duration(out, 9994999), "9.99 ms");
    assert_string_equal(format_duration(out, 9999999), "10.0 ms");
    assert_string_equal(format_duration(out, 99949999), "99.9 ms");
    assert_string_equal(format_duration(out, 99999999), "100 ms");
    assert_string_equal(format_duration(out, 999999999), "1.00 s");
    assert_string_equal(format_duration(out, 59999999999), "60.0 s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_read_in_every_unit),
        cmocka_unit_test(a_wrong_duration_says_where),
        cmocka_unit_test(integers_keep_their_full_range),
        cmocka_unit_test(a_ceiling_below_ten_holds),
        cmocka_unit_test(any_integer_reads_back_as_it_was_printed),
        cmocka_unit_test(numbers_follow_json),
        cmocka_unit_test(sizes_know_both_kinds_of_kilo),
        cmocka_unit_test(durations_are_shown_with_three_digits),
    };
    return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
