/*
 * What a failed comparison shows.
 */
#include "check_test.h"

#include "check/diff.h"
#include "core/limits.h"
#include "core/random.h"
#include "core/text.h"

static const char *text_diff(struct arena *arena, const char *expected, const char *actual)
{
    return arena_string(arena, diff_text(arena, slice_str(expected), slice_str(actual)));
}

static void equal_values_have_no_difference(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    assert_string_equal(text_diff(arena, "", ""), "");
    assert_string_equal(text_diff(arena, "a\nb", "a\nb"), "");
    const json_t *value = json_of(arena, "{'a': [1, 2.0]}");
    assert_int_equal(diff_json(arena, value, json_of(arena, "{'a': [1.0, 2]}"), "$").len, 0);
}

static void a_caret_stands_under_the_first_character_that_differs(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    assert_string_equal(text_diff(arena, "hello world", "hello, world"), "- hello world\n"
                                                                         "+ hello, world\n"
                                                                         "       ^ character 6\n");
    assert_string_equal(text_diff(arena, "grün", "grüß"), "- grün\n"
                                                          "+ grüß\n"
                                                          "     ^ character 4\n");
    assert_string_equal(text_diff(arena, "abc", "ab"), "- abc\n"
                                                       "+ ab\n"
                                                       "    ^ character 3\n");
    assert_string_equal(text_diff(arena, "", "ab"), "- \n"
                                                    "+ ab\n"
                                                    "  ^ character 1\n");
}

static void two_characters_with_the_same_first_byte_differ_as_characters(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    /* é is c3 a9, è is c3 a8: the caret must not stand inside. */
    assert_string_equal(text_diff(arena, "é", "è"), "- é\n"
                                                    "+ è\n"
                                                    "  ^ character 1\n");
}

static void a_long_line_is_shown_around_its_difference(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text a = text_in(arena), b = text_in(arena);
    for (int i = 0; i < 100; i++)
        text_printf(&a, "%d ", i);
    text_add(&b, text_slice(&a));
    text_add_str(&a, "left");
    text_add_str(&b, "right");
    assert_string_equal(text_diff(arena, text_str(&a), text_str(&b)),
                        "- … 87 88 89 90 91 92 93 94 95 96 97 98 99 left\n"
                        "+ … 87 88 89 90 91 92 93 94 95 96 97 98 99 right\n"
                        "                                           ^ character 291\n");
}

static void lines_differ_with_their_context(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    assert_string_equal(
        text_diff(arena, "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n6\n7\n8\n9\n"),
        "@@ expected line 2, actual line 2 @@\n"
        "  2\n  3\n  4\n- 5\n+ x\n  6\n  7\n  8\n");
    assert_string_equal(text_diff(arena, "a\nb\nc", "a\nc\nd"),
                        "@@ expected line 1, actual line 1 @@\n"
                        "  a\n- b\n  c\n+ d\n");
    assert_string_equal(text_diff(arena, "a\nb\n", "a\nb"), "- (a newline at the end)\n");
}

static void two_places_far_apart_are_two_hunks(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    assert_string_equal(
        text_diff(arena, "a\n1\n2\n3\n4\n5\n6\n7\n8\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\n8\nB\n"),
        "@@ expected line 1, actual line 1 @@\n- a\n+ A\n  1\n  2\n  3\n"
        "@@ expected line 7, actual line 7 @@\n  6\n  7\n  8\n- b\n+ B\n");
}

/* Lines kept on both sides are as many, whatever was drawn. */
static void the_edits_of_any_two_texts_account_for_their_lines(void **state)
{
    (void)state;
    struct random random = random_seeded(7);
    for (int round = 0; round < 300; round++) {
        DEFER(arena_free_pointer)
        struct arena *arena = arena_new();
        struct text a = text_in(arena), b = text_in(arena);
        for (int64_t i = random_between(&random, 1, 12); i > 0; i--)
            text_printf(&a, "%c\n", (char)random_between(&random, 'a', 'c'));
        for (int64_t i = random_between(&random, 1, 12); i > 0; i--)
            text_printf(&b, "%c\n", (char)random_between(&random, 'a', 'c'));
        struct slice rest = diff_text(arena, text_slice(&a), text_slice(&b)), line;
        size_t plus = 0, minus = 0;
        while (slice_split(&rest, '\n', &line)) {
            plus += line.len && line.data[0] == '+';
            minus += line.len && line.data[0] == '-';
        }
        /* Both sides keep the same lines, so the edits account for the lengths. */
        assert_int_equal(a.len / 2 - minus, b.len / 2 - plus);
    }
}

static void json_values_differ_by_path(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct slice diff = diff_json(
        arena, json_of(arena, "{'a': [1, 2, {'b': 3}], 'c': 'x', 'same': 1, 'odd key': 1}"),
        json_of(arena, "{'a': [1, 2, {'b': 4}, 5], 'd': null, 'same': 1.0, 'odd key': []}"), "$");
    assert_string_equal(arena_string(arena, diff), "$.a[2].b: expected 3, got 4\n"
                                                   "$.a[3]: unexpected, got 5\n"
                                                   "$.c: missing, expected \"x\"\n"
                                                   "$['odd key']: expected 1, got []\n"
                                                   "$.d: unexpected, got null\n");
}

static void no_difference_is_shown_at_more_than_its_ceiling(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text a = text_in(arena), b = text_in(arena);
    json_t *left = jsontext_keep(arena, json_array()), *right = jsontext_keep(arena, json_array());
    for (int i = 0; i < 30000; i++) {
        text_printf(&a, "left %d\n", i);
        text_printf(&b, "right %d\n", i);
        json_array_append_new(left, json_integer(i));
        json_array_append_new(right, json_integer(i + 1));
    }
    assert_true(diff_text(arena, text_slice(&a), text_slice(&b)).len < 2 * LIMIT_SHOWN_BYTES);
    assert_true(
        diff_text(arena, slice_part(text_slice(&a), 0, 2000), slice_part(text_slice(&b), 0, 2000))
            .len < 2 * LIMIT_SHOWN_BYTES);
    struct slice json = diff_json(arena, left, right, "$");
    assert_true(json.len < 2 * LIMIT_SHOWN_BYTES);
    assert_true(slice_find(json, SLICE("more differences)")) > 0);
}

static void bytes_that_are_no_text_are_escaped(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    assert_string_equal(text_diff(arena, "a\xff\x01z", "a\xff\x01y"), "- a\\xff\\x01z\n"
                                                                      "+ a\\xff\\x01y\n"
                                                                      "           ^ character 4\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_values_have_no_difference),
        cmocka_unit_test(a_caret_stands_under_the_first_character_that_differs),
        cmocka_unit_test(two_characters_with_the_same_first_byte_differ_as_characters),
        cmocka_unit_test(a_long_line_is_shown_around_its_difference),
        cmocka_unit_test(lines_differ_with_their_context),
        cmocka_unit_test(two_places_far_apart_are_two_hunks),
        cmocka_unit_test(the_edits_of_any_two_texts_account_for_their_lines),
        cmocka_unit_test(json_values_differ_by_path),
        cmocka_unit_test(no_difference_is_shown_at_more_than_its_ceiling),
        cmocka_unit_test(bytes_that_are_no_text_are_escaped),
    };
    return cmocka_run_group_tests_name("diff", tests, NULL, NULL);
}
