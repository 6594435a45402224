/*
 * The filter expression: what it means, and what is said of a wrong one.
 */
#include "plan/filter.h"
#include "plan_test.h"

static const struct slice red_and_round[] = {{"red", 3}, {"round", 5}};

static bool matches(const char *expression)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct plan_suite suite = {.name = SLICE("fruit"), .file = "suites/fruit.json"};
    struct plan_case apple = {.id = SLICE("an apple [n=1]"),
                              .model = SLICE("gpt-4"),
                              .tags = red_and_round,
                              .tag_count = 2,
                              .suite = &suite};
    struct filter *filter;
    if (!result_ok(filter_parse(arena, slice_str(expression), &filter)))
        fail_msg("%s: %s", expression, error_last()->text);
    return filter_matches(filter, &apple);
}

static void assert_refused(const char *expression, const char *words)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct filter *filter;
    struct result r = filter_parse(arena, slice_str(expression), &filter);
    assert_int_equal(r.code, ERR_USAGE);
    assert_string_equal(error_last()->text, words);
}

static void every_field_can_be_compared(void **state)
{
    (void)state;
    assert_true(matches("id = 'an apple [[]n=1]'"));
    assert_true(matches("tag = red"));
    assert_true(matches("tag == round"));
    assert_false(matches("tag = green"));
    assert_true(matches("model = gpt-4"));
    assert_true(matches("path = suites/*.json"));
    assert_true(matches("suite = fruit"));
    assert_false(matches("suite = frui"));
}

static void a_glob_covers_the_whole_value(void **state)
{
    (void)state;
    assert_true(matches("id = *apple*"));
    assert_false(matches("id = apple"));
    assert_true(matches("suite = f????"));
    assert_false(matches("suite = f???"));
}

static void a_regular_expression_is_searched_for(void **state)
{
    (void)state;
    assert_true(matches("id ~ '^an .*\\d\\]$'"));
    assert_false(matches("id ~ Apple"));
    assert_true(matches("id ~ \"(?i)Apple\""));
    assert_true(matches("id !~ pear"));
    assert_false(matches("tag !~ ^r"));
}

static void a_value_alone_is_a_part_of_the_id(void **state)
{
    (void)state;
    assert_true(matches("apple"));
    assert_true(matches("'an apple'"));
    assert_false(matches("pear"));
    assert_false(matches("id"));
    assert_true(matches("not tag"));
}

static void not_binds_tighter_than_and_and_that_than_or(void **state)
{
    (void)state;
    assert_true(matches("not pear and apple"));
    assert_true(matches("apple or pear and pear"));
    assert_false(matches("(apple or pear) and pear"));
    assert_true(matches("!(pear||plum)&&apple"));
    assert_true(matches("not not apple"));
    assert_false(matches("not (apple)"));
    assert_true(matches("tag != green and tag != blue"));
    assert_false(matches("tag != red"));
}

static void words_of_the_language_can_be_quoted(void **state)
{
    (void)state;
    assert_false(matches("'and' or 'not'"));
    assert_true(matches("model = \"gpt-4\" and id = '*apple*'"));
}

static void a_wrong_expression_says_where_and_what_was_expected(void **state)
{
    (void)state;
    assert_refused("", "--filter: expected a value at character 1 of \"\"");
    assert_refused("tag =", "--filter: expected a value at character 6 of \"tag =\"");
    assert_refused("tag ! x", "--filter: expected one of = != ~ !~ at character 7 of \"tag ! x\"");
    assert_refused("(a", "--filter: expected \")\" at character 3 of \"(a\"");
    assert_refused("a)", "--filter: expected \"and\", \"or\" or the end at character 2 of \"a)\"");
    assert_refused("a and", "--filter: expected a value at character 6 of \"a and\"");
    assert_refused("'a", "--filter: expected a closing quote for the text that begins at character "
                         "1 of \"'a\"");
    assert_refused("id ~ '['", "--filter: not a regular expression: missing terminating ] for "
                               "character class at character 2 of '['");
}

static void deep_nesting_is_refused_and_width_is_not(void **state)
{
    (void)state;
    char deep[4096] = "", wide[8192] = "x";
    memset(deep, '(', 4000);
    assert_refused(deep, "--filter: nested too deeply");
    for (size_t i = 0; i < 1000; i++)
        memcpy(wide + 1 + i * 5, " or x", 6);
    assert_false(matches(wide));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_can_be_compared),
        cmocka_unit_test(a_glob_covers_the_whole_value),
        cmocka_unit_test(a_regular_expression_is_searched_for),
        cmocka_unit_test(a_value_alone_is_a_part_of_the_id),
        cmocka_unit_test(not_binds_tighter_than_and_and_that_than_or),
        cmocka_unit_test(words_of_the_language_can_be_quoted),
        cmocka_unit_test(a_wrong_expression_says_where_and_what_was_expected),
        cmocka_unit_test(deep_nesting_is_refused_and_width_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
