/*
 * Slices: the edges (empty, NULL, past the end), the parts of a split, and which word is meant.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/random.h"

static void an_empty_slice_is_safe_everywhere(void **state)
{
    (void)state;
    struct slice none = {0};
    assert_true(slice_eq(none, SLICE("")));
    assert_true(slice_starts(none, none));
    assert_true(slice_ends(none, none));
    assert_false(slice_starts(none, SLICE("a")));
    assert_false(slice_ends(none, SLICE("a")));
    assert_int_equal(slice_find(none, none), 0);
    assert_int_equal(slice_find(none, SLICE("a")), -1);
    assert_int_equal(slice_find_byte(none, 'a'), -1);
    assert_int_equal(slice_trim(none).len, 0);
    assert_int_equal(slice_from(none, 1).len, 0);
    assert_int_equal(slice_part(none, 0, 5).len, 0);
    assert_int_equal(slice_cmp(none, SLICE("")), 0);
    assert_null(slice_nearest(none, (const char *const[]){"a", NULL}));
}

static void beginnings_ends_and_occurrences_are_found(void **state)
{
    (void)state;
    struct slice s = SLICE("data: a\0b");
    assert_true(slice_starts(s, SLICE("data:")));
    assert_true(slice_ends(s, SLICE("a\0b")));
    assert_false(slice_ends(SLICE("b"), s));
    assert_int_equal(slice_find(s, SLICE("a\0b")), 6);
    assert_int_equal(slice_find(s, SLICE("a")), 1);
    assert_int_equal(slice_find(s, SLICE("c")), -1);
    assert_int_equal(slice_find_byte(s, '\0'), 7);
    assert_true(slice_is(slice_part(s, 2, 2), "ta"));
    assert_true(slice_eq(slice_part(s, 6, 99), SLICE("a\0b")));
    assert_true(slice_eq_nocase(SLICE("Content-LENGTH"), SLICE("content-length")));
    assert_false(slice_eq_nocase(SLICE("@"), SLICE("`"))); /* 32 apart, and no letters */
    assert_true(slice_is(slice_trim(SLICE(" \t\r\n a b \n")), "a b"));
    assert_int_equal(slice_trim(SLICE(" \n\t")).len, 0);
}

static void the_order_is_that_of_bytes_with_the_shorter_first(void **state)
{
    (void)state;
    static const char *const sorted[] = {"", "\x01", "A", "a", "aa", "ab", "b", "\x7f", "\xff"};
    for (size_t i = 0; i < sizeof(sorted) / sizeof(sorted[0]); i++) {
        for (size_t j = 0; j < sizeof(sorted) / sizeof(sorted[0]); j++) {
            int order = slice_cmp(slice_str(sorted[i]), slice_str(sorted[j]));
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
}

static void a_split_gives_back_the_whole_text(void **state)
{
    (void)state;
    struct random r = random_seeded(1);
    for (int round = 0; round < 2000; round++) {
        char text[24], joined[32];
        size_t len = (size_t)random_between(&r, 1, 24), at = 0, commas = 0, parts = 0;
        for (size_t i = 0; i < len; i++) {
            text[i] = ",ab"[random_between(&r, 0, 2)];
            commas += text[i] == ',';
        }
        struct slice rest = slice_of(text, len), part;
        while (slice_split(&rest, ',', &part)) {
            assert_int_equal(slice_find_byte(part, ','), -1);
            if (parts++ > 0)
                joined[at++] = ',';
            memcpy(joined + at, part.data, part.len);
            at += part.len;
        }
        assert_int_equal(parts, commas + 1);
        assert_int_equal(at, len);
        assert_memory_equal(joined, text, len);
    }
}

static void the_hash_is_fnv_1a(void **state)
{
    (void)state;
    assert_true(slice_hash(SLICE("")) == 0xcbf29ce484222325u);
    assert_true(slice_hash(SLICE("a")) == 0xaf63dc4c8601ec8cu);
    assert_true(slice_hash(SLICE("foobar")) == 0x85944171f73967e8u);
}

static const char *const keys[] = {"timeout",    "services", "expect", "resources",
                                   "max_tokens", "needs",    "id",     NULL};

static void a_slip_of_the_finger_finds_the_word_that_was_meant(void **state)
{
    (void)state;
    static const struct {
        const char *written, *meant;
    } cases[] = {{"timeuot", "timeout"},
                 {"Timeout", "timeout"},
                 {"time_out", "timeout"},
                 {"expects", "expect"},
                 {"exepct", "expect"},
                 {"maxtokens", "max_tokens"},
                 {"resource", "resources"},
                 {"need", "needs"},
                 {"di", "id"},
                 {"service", "services"},
                 {"id", "id"},
                 {"banana", NULL},
                 {"x", NULL},
                 {"tokens", NULL}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *nearest = slice_nearest(slice_str(cases[i].written), keys);
        if (cases[i].meant)
            assert_string_equal(nearest, cases[i].meant);
        else
            assert_null(nearest);
    }
}

static void any_one_wrong_letter_finds_a_long_word(void **state)
{
    (void)state;
    struct random r = random_seeded(2);
    for (int round = 0; round < 2000; round++) {
        const char *word = keys[random_between(&r, 0, 5)];
        char written[32];
        size_t len = strlen(word), at = (size_t)random_between(&r, 0, (int64_t)len - 1);
        memcpy(written, word, len);
        written[at] = (char)random_between(&r, 'a', 'z');
        assert_string_equal(slice_nearest(slice_of(written, len), keys), word);
    }
}

static void a_word_too_long_to_be_a_key_has_no_neighbour(void **state)
{
    (void)state;
    char written[100];
    memset(written, 'a', sizeof(written));
    const char *const one[] = {"aaaa", NULL};
    assert_null(slice_nearest(slice_of(written, sizeof(written)), one));
    assert_null(slice_nearest(SLICE("aaaa"), (const char *const[]){NULL}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_slice_is_safe_everywhere),
        cmocka_unit_test(beginnings_ends_and_occurrences_are_found),
        cmocka_unit_test(the_order_is_that_of_bytes_with_the_shorter_first),
        cmocka_unit_test(a_split_gives_back_the_whole_text),
        cmocka_unit_test(the_hash_is_fnv_1a),
        cmocka_unit_test(a_slip_of_the_finger_finds_the_word_that_was_meant),
        cmocka_unit_test(any_one_wrong_letter_finds_a_long_word),
        cmocka_unit_test(a_word_too_long_to_be_a_key_has_no_neighbour),
    };
    return cmocka_run_group_tests_name("slice", tests, NULL, NULL);
}
