/*
 * Regular expressions: where the dialects differ, what errors say, limits, and the cache.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "check/regex.h"
#include "core/limits.h"
#include "core/memory.h"

static bool matches(const char *pattern, unsigned flags, const char *subject)
{
    bool found = false;
    struct result r = regex_matches(slice_str(pattern), flags, slice_str(subject), &found);
    if (!result_ok(r))
        fail_msg("%s: %s", pattern, error_last()->text);
    return found;
}

static void the_dialects_differ_where_their_standards_do(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        unsigned flags;
        const char *subject;
        bool found;
    } cases[] = {
        {"^a.c$", REGEX_PERL,
         "a\xe2\x80\xa8"
         "c",
         true}, /* U+2028 is a line end to ECMA only */
        {"^a.c$", REGEX_ECMA,
         "a\xe2\x80\xa8"
         "c",
         false},
        {"^a.c$", REGEX_IREGEXP,
         "a\xe2\x80\xa8"
         "c",
         true},
        {"^a.c$", REGEX_PERL, "a\rc", true},
        {"^a.c$", REGEX_IREGEXP, "a\rc", false},
        {"c$", REGEX_PERL, "c\n", true},
        {"c$", REGEX_ECMA, "c\n", false},
        {"^\\s$", REGEX_PERL, "\xc2\xa0", false},
        {"^\\s$", REGEX_ECMA, "\xc2\xa0", true},
        {"^[\\s]$", REGEX_ECMA, "\xef\xbb\xbf", true},
        {"^\\S$", REGEX_ECMA, "\xe2\x80\x83", false},
        {"^[\\S]$", REGEX_ECMA, "\xe2\x80\x83", false},
        {"^[\\S]$", REGEX_ECMA, "x", true},
        {"^\\p{Letter}$", REGEX_ECMA, "é", true},
        {"^\\p{gc=Lu}$", REGEX_ECMA, "é", false},
        {"^\\P{L}$", REGEX_IREGEXP, "é", false},
        {"^\\u{1F432}$", REGEX_ECMA, "🐲", true},
        {"^\\ud83d\\udc32$", REGEX_ECMA, "🐲", true},
        {"^\\x41\\cJ\\0?$", REGEX_ECMA, "A\n", true},
        {"^[]$", REGEX_ECMA, "", false},
        {"^[^]$", REGEX_ECMA, "\n", true},
        {"^[[:a]+$", REGEX_ECMA, "[a:", true},
        {"^a{,2}$", REGEX_ECMA, "a{,2}", true},
        {"^\\d{3}\\-\\d{4}$", REGEX_ECMA, "555-1234", true},
        {"(?<x>a)\\k<x>\\1", REGEX_ECMA, "aaa", true},
        {"^(?:a|(b))\\1$", REGEX_ECMA, "a", true}, /* an unset group matches nothing at all */
        {"b", REGEX_IREGEXP, "abc", true},
        {"b", REGEX_IREGEXP | REGEX_WHOLE, "abc", false},
        {"a|abc", REGEX_IREGEXP | REGEX_WHOLE, "abc", true},
        {"É", REGEX_PERL | REGEX_CASELESS, "é", true},
        {"", REGEX_PERL, "", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (matches(cases[i].pattern, cases[i].flags, cases[i].subject) != cases[i].found)
            fail_msg("case %zu: %s", i, cases[i].pattern);
}

static void a_wrong_pattern_says_where(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        unsigned flags;
        const char *text;
    } cases[] = {
        {"^(abc]", REGEX_PERL, "missing closing parenthesis at character 7"},
        {"é(abc", REGEX_ECMA, "missing closing parenthesis at character 6"},
        {"é\\a", REGEX_ECMA, "\\a is not an escape in this dialect at character 2"},
        {"a++", REGEX_ECMA, "there is nothing to repeat at character 3"},
        {"(*FAIL)", REGEX_ECMA, "there is nothing to repeat at character 2"},
        {"(?>a)", REGEX_ECMA, "(?> is not a group in this dialect at character 1"},
        {"\\ud83d", REGEX_ECMA, "a lone surrogate"},
        {"[a", REGEX_IREGEXP, "expected ] to end the class at character 3"},
        {"\\", REGEX_ECMA, "expected something after the backslash at character 1"},
        {"\\p{Nonsense}", REGEX_ECMA, "at character"},
        {"x{2,1}", REGEX_ECMA, "out of order"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(regex_check(slice_str(cases[i].pattern), cases[i].flags).code, ERR_SYNTAX);
        if (!strstr(error_last()->text, cases[i].text))
            fail_msg("%s: %s", cases[i].pattern, error_last()->text);
    }
}

static void groups_come_with_their_offsets(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct regex_match m;
    assert_true(
        result_ok(regex_search(SLICE("(\\d+)|(x)|(y)"), REGEX_PERL, SLICE("é x 42"), arena, &m)));
    assert_true(m.found);
    assert_int_equal(m.start, 3);
    assert_int_equal(m.end, 4);
    assert_int_equal(m.group_count, 3);
    assert_false(m.groups[0].set);
    assert_true(m.groups[1].set);
    assert_int_equal(m.groups[1].start, 3);
    assert_false(m.groups[2].set);
}

static void text_that_is_not_utf8_is_matched_by_bytes(void **state)
{
    (void)state;
    bool found = false;
    struct slice subject = SLICE("log \xff\xfe: ready on 8080");
    assert_true(result_ok(regex_matches(SLICE("..: ready on \\d+$"), REGEX_PERL, subject, &found)));
    assert_true(found);
    assert_int_equal(regex_matches(SLICE("ready"), REGEX_ECMA, subject, &found).code, ERR_VALUE);
}

static void a_limit_that_is_met_is_an_error_and_not_a_miss(void **state)
{
    (void)state;
    bool found = false;
    struct slice subject = SLICE("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");
    assert_int_equal(regex_matches(SLICE("^((a+)+)+$"), REGEX_PERL, subject, &found).code,
                     ERR_TOO_LARGE);
    assert_non_null(strstr(error_last()->text, "gave up"));
}

static void a_long_subject_is_matched_within_the_limits(void **state)
{
    (void)state;
    size_t size = 1u << 20;
    char *subject = mem_alloc(size);
    memset(subject, 'a', size);
    bool found = true;
    assert_true(result_ok(
        regex_matches(SLICE("^(?:a|b)*$"), REGEX_PERL, slice_of(subject, size / 64), &found)));
    assert_true(found);
    assert_true(
        result_ok(regex_matches(SLICE("^[a-z]*$"), REGEX_PERL, slice_of(subject, size), &found)));
    assert_true(found);
    mem_free(subject);
}

static void a_pattern_over_its_ceiling_is_refused(void **state)
{
    (void)state;
    size_t size = LIMIT_REGEX_PATTERN_BYTES + 1;
    char *pattern = mem_alloc(size);
    memset(pattern, 'a', size);
    assert_int_equal(regex_check(slice_of(pattern, size), REGEX_PERL).code, ERR_TOO_LARGE);
    mem_free(pattern);
}

static void more_patterns_than_the_cache_holds_still_match(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < REGEX_CACHED * 2; i++) {
            char pattern[32], subject[32];
            snprintf(pattern, sizeof pattern, "^n%d$", i);
            snprintf(subject, sizeof subject, "n%d", i);
            assert_true(matches(pattern, REGEX_PERL, subject));
            assert_false(matches(pattern, REGEX_PERL, "n"));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_dialects_differ_where_their_standards_do),
        cmocka_unit_test(a_wrong_pattern_says_where),
        cmocka_unit_test(groups_come_with_their_offsets),
        cmocka_unit_test(text_that_is_not_utf8_is_matched_by_bytes),
        cmocka_unit_test(a_limit_that_is_met_is_an_error_and_not_a_miss),
        cmocka_unit_test(a_long_subject_is_matched_within_the_limits),
        cmocka_unit_test(a_pattern_over_its_ceiling_is_refused),
        cmocka_unit_test(more_patterns_than_the_cache_holds_still_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
