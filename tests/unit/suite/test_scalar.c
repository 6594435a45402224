/*
 * YAML's core schema: what a word without quotes stands for, and what it does not.
 */
#include "suite/scalar.h"
#include "suite_test.h"

static struct node resolve(const char *text)
{
    struct node node = {.kind = NODE_MAP};
    assert_true(result_ok(scalar_resolve(slice_str(text), &node)));
    return node;
}

static void the_words_of_yaml_1_1_are_plain_text(void **state)
{
    (void)state;
    static const char *const words[] = {
        "yes", "No", "on", "off",   "y",  "0b1", "1_000", "12:30", "tRUE", "nil", "-",   "+",
        ".",   "1e", "e5", "1.5.1", "0x", "0o8", "-0x10", "--1",   "+-1",  "1,5", "inf", "0xG"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        assert_int_equal(resolve(words[i]).kind, NODE_STRING);
}

static void null_and_booleans_have_three_spellings(void **state)
{
    (void)state;
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++)
        assert_int_equal(resolve(nulls[i]).kind, NODE_NULL);
    assert_true(resolve("True").boolean);
    assert_true(resolve("TRUE").boolean);
    assert_int_equal(resolve("False").kind, NODE_BOOL);
    assert_false(resolve("false").boolean);
}

static void integers_are_decimal_even_with_leading_zeros(void **state)
{
    (void)state;
    assert_int_equal(resolve("012").integer, 12);
    assert_int_equal(resolve("+3").integer, 3);
    assert_int_equal(resolve("-0").integer, 0);
    assert_int_equal(resolve("0x1F").integer, 31);
    assert_int_equal(resolve("0o17").integer, 15);
    assert_true(resolve("-9223372036854775808").integer == INT64_MIN);
    assert_int_equal(resolve("9223372036854775808").kind, NODE_REAL);
}

static void reals_may_lack_a_side(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } cases[] = {{".5", .5}, {"1.", 1}, {"-1.25e+2", -125}, {"1e3", 1000}, {"+0.5", .5}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct node node = resolve(cases[i].text);
        assert_int_equal(node.kind, NODE_REAL);
        assert_true(node.real >= cases[i].value && node.real <= cases[i].value);
    }
}

static void infinity_is_refused_rather_than_read_as_text(void **state)
{
    (void)state;
    static const char *const wrong[] = {".inf", "-.INF", ".nan", "1e999"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct node node;
        assert_int_equal(scalar_resolve(slice_str(wrong[i]), &node).code, ERR_VALUE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(the_words_of_yaml_1_1_are_plain_text),
        SUITE_TEST(null_and_booleans_have_three_spellings),
        SUITE_TEST(integers_are_decimal_even_with_leading_zeros),
        SUITE_TEST(reals_may_lack_a_side),
        SUITE_TEST(infinity_is_refused_rather_than_read_as_text),
    };
    return cmocka_run_group_tests_name("scalar", tests, NULL, NULL);
}
