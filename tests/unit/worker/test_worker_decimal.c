/*
 * Rust's text of an f32: known ones, and for random floats that it reads back and is the shortest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/random.h"
#include "decimal.h"

static void known_numbers_have_their_rust_text(void **state)
{
    (void)state;
    static const struct {
        float value;
        const char *text;
    } cases[] = {
        {0.0f, "0"},
        {-0.0f, "-0"},
        {3.0f, "3"},
        {2.1f, "2.1"},
        {-0.1f, "-0.1"},
        {0.7f, "0.7"},
        {1.0000001f, "1.0000001"},
        {1e-7f, "0.0000001"},
        {1e10f, "10000000000"},
        {16777216.0f, "16777216"},
        {123456.79f, "123456.79"},
        {100.0f, "100"},
        {3.4028235e38f, "340282350000000000000000000000000000000"},
        {1e-45f, "0.000000000000000000000000000000000000000000001"},
        {INFINITY, "inf"},
        {-INFINITY, "-inf"},
        {NAN, "NaN"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[DECIMAL_TEXT];
        assert_string_equal(decimal_f32(text, cases[i].value), cases[i].text);
    }
}

static size_t significant_digits(const char *text)
{
    size_t digits = 0, zeros = 0;
    for (; *text; text++) {
        if (*text == '0') {
            zeros += digits > 0;
        } else if (*text != '.' && *text != '-') {
            digits += zeros + 1;
            zeros = 0;
        }
    }
    return digits;
}

static void every_float_reads_back_from_the_fewest_digits(void **state)
{
    (void)state;
    struct random random = random_seeded(1);
    for (int i = 0; i < 20000; i++) {
        uint32_t bits = (uint32_t)random_next(&random);
        float value;
        memcpy(&value, &bits, sizeof(value));
        if (!isfinite(value) || fpclassify(value) == FP_ZERO)
            continue;
        char text[DECIMAL_TEXT], shorter[64];
        decimal_f32(text, value);
        assert_null(strpbrk(text, "eE"));
        assert_true(strtof(text, NULL) == value); /* our own text */
        size_t digits = significant_digits(text);
        if (digits > 1) {
            snprintf(shorter, sizeof(shorter), "%.*e", (int)digits - 2, (double)value);
            assert_false(strtof(shorter, NULL) == value); /* our own text */
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_numbers_have_their_rust_text),
        cmocka_unit_test(every_float_reads_back_from_the_fewest_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
