/*
 * Event patterns.
 */
#include "check_test.h"

#include "check/sequence.h"
#include "core/text.h"

struct names {
    struct slice items[64];
    size_t count;
};

static struct slice name_at(const void *names, size_t i)
{
    return ((const struct names *)names)->items[i];
}

static struct sequence_report run(struct arena *arena, const char *pattern, const char *events)
{
    struct sequence *sequence;
    struct names names = {.count = 0};
    struct slice rest = slice_str(events), part;
    struct result r = sequence_parse(arena, slice_str(pattern), &sequence);
    if (!result_ok(r))
        fail_msg("%s: %s", pattern, error_last()->text);
    while (*events && slice_split(&rest, ' ', &part))
        names.items[names.count++] = part;
    return sequence_match(sequence, arena, name_at, &names, names.count);
}

static void sequences_that_fit_are_accepted(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *events;
    } fitting[] = {
        {"started token* end", "started end"},
        {"started token* end", "started token token end"},
        {"started token+ (end | error)", "started token error"},
        {"a?b", "b"},
        {"a? b", "a b"},
        {"a{2}", "a a"},
        {"a{1,}", "a a a"},
        {"a{0,2} b", "a a b"},
        {"a{0,2} b", "b"},
        {"(a b){2,3}", "a b a b a b"},
        {"any+ end", "x y end end"},
        {"(a*)* b", "a a b"},
        {"(a|b|c d)+", "a c d b"},
        {"((a))", "a"},
        {" a  b ", "a b"},
        {"message.start response/delta* [DONE]", "message.start response/delta [DONE]"},
    };
    for (size_t i = 0; i < sizeof(fitting) / sizeof(fitting[0]); i++) {
        DEFER(arena_free_pointer)
        struct arena *arena = arena_new();
        if (!run(arena, fitting[i].pattern, fitting[i].events).fits)
            fail_msg("%s should accept %s", fitting[i].pattern, fitting[i].events);
    }
}

static void the_first_event_that_does_not_fit_is_named_with_what_could_have_come(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *events;
        size_t at;
        const char *expected;
    } wrong[] = {
        {"started token* end", "token", 0, "started"},
        {"started token* end", "started token error", 2, "token or end"},
        {"started token* end", "started token", 2, "token or end"},
        {"started token* end", "started end end", 2, "the end of the stream"},
        {"started token* end", "", 0, "started"},
        {"a{2,3}", "a", 1, "a"},
        {"a{2,3}", "a a a a", 3, "the end of the stream"},
        {"a | b c", "b b", 1, "c"},
        {"a+ | b", "a b", 1, "a or the end of the stream"},
        {"any b", "x", 1, "b"},
        {"a any", "a", 1, "any event"},
        {"(x|x|x) y", "y", 0, "x"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        DEFER(arena_free_pointer)
        struct arena *arena = arena_new();
        struct sequence_report report = run(arena, wrong[i].pattern, wrong[i].events);
        assert_false(report.fits);
        assert_int_equal(report.at, wrong[i].at);
        assert_string_equal(arena_string(arena, report.expected), wrong[i].expected);
    }
}

static void a_wrong_pattern_says_where(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
    } wrong[] = {
        {"", "expected the name of an event, any or \"(\" at the end of the pattern"},
        {"a (b", "expected \")\" at the end of the pattern"},
        {"a )", "expected the name of an event at character 3 of the pattern, got \")\""},
        {"* a", "expected the name of an event, any or \"(\" at character 1 of the pattern, got "
                "\"*\""},
        {"a |", "expected the name of an event, any or \"(\" at the end of the pattern"},
        {"a{", "expected a number of times at the end of the pattern"},
        {"a{1", "expected \"}\" at the end of the pattern"},
        {"a{3,2}", "{3,2} at character 6 of the pattern can never be"},
        {"a{0}", "{0,0} at character 4 of the pattern can never be"},
        {"()", "expected the name of an event, any or \"(\" at character 2 of the pattern, got "
               "\")\""},
        {"a{99999}", "99999 is more than 10000"},
        {"((a{100}){100}){100}", "the pattern repeats more than 10000 events; use + or *"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        DEFER(arena_free_pointer)
        struct arena *arena = arena_new();
        struct sequence *sequence;
        assert_false(result_ok(sequence_parse(arena, slice_str(wrong[i].pattern), &sequence)));
        assert_string_equal(error_last()->text, wrong[i].text);
    }
}

static void a_pattern_cannot_exhaust_the_stack(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct sequence *sequence;
    struct text deep = text_in(arena), starred = text_in(arena), longest = text_in(arena);
    for (int i = 0; i < 200; i++)
        text_add_byte(&deep, '(');
    assert_int_equal(sequence_parse(arena, text_slice(&deep), &sequence).code, ERR_TOO_LARGE);
    text_add_byte(&starred, 'a');
    for (int i = 0; i < 4000; i++)
        text_add_byte(&starred, '*');
    assert_true(result_ok(sequence_parse(arena, text_slice(&starred), &sequence)));
    for (int i = 0; i < 5000; i++)
        text_add_byte(&longest, 'a');
    assert_int_equal(sequence_parse(arena, text_slice(&longest), &sequence).code, ERR_TOO_LARGE);
}

static void a_pattern_full_of_choices_is_matched_in_one_pass(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    /* Backtracking would need 2^40 attempts. */
    assert_true(run(arena, "(a? a?){20} b", "a a a a a a a a a a a a a a a a a a a a b").fits);
    assert_false(run(arena, "(a? a?){20} b", "a a a a a a a a a a a a a a a a a a a a c").fits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_that_fit_are_accepted),
        cmocka_unit_test(the_first_event_that_does_not_fit_is_named_with_what_could_have_come),
        cmocka_unit_test(a_wrong_pattern_says_where),
        cmocka_unit_test(a_pattern_cannot_exhaust_the_stack),
        cmocka_unit_test(a_pattern_full_of_choices_is_matched_in_one_pass),
    };
    return cmocka_run_group_tests_name("sequence", tests, NULL, NULL);
}
