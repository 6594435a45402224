/*
 * Stop sequences against the plainest reading of their rule, over random texts, sequences and token
 * boundaries of a small alphabet, so that nearly every text has near misses and overlaps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/random.h"
#include "stop.h"

#define TEXT_MAX 300

struct outcome {
    char text[TEXT_MAX];
    size_t len, tokens;
    struct slice matched;
};

/* The rule, read aloud: the first byte at which the text ends with a sequence, the longest there.
 */
static struct outcome by_the_rule(struct slice text, const struct slice *sequences, size_t count)
{
    struct outcome o = {.len = text.len};
    for (size_t end = 1; end <= text.len && !o.matched.data; end++) {
        for (size_t k = 0; k < count; k++) {
            struct slice s = sequences[k];
            if (slice_ends(slice_part(text, 0, end), s) && s.len > o.matched.len)
                o.matched = s;
        }
        if (o.matched.data)
            o.len = end - o.matched.len;
    }
    memcpy(o.text, text.data, o.len);
    return o;
}

static void collect(struct stop_matcher *m, struct outcome *o)
{
    struct slice token;
    while (stop_released(m, &token)) {
        assert_true(token.len > 0);
        memcpy(o->text + o->len, token.data, token.len);
        o->len += token.len;
        o->tokens++;
    }
}

static void random_texts_stop_where_the_rule_says(void **state)
{
    (void)state;
    struct random random = random_seeded(2);
    int matches = 0;
    for (int round = 0; round < 20000; round++) {
        char text[TEXT_MAX], sequences[STOP_COUNT_MAX][STOP_BYTES_MAX];
        struct slice slices[STOP_COUNT_MAX];
        size_t len = (size_t)random_between(&random, 1, TEXT_MAX);
        size_t count = (size_t)random_between(&random, 1, STOP_COUNT_MAX);
        char last = (char)random_between(&random, 'a', 'c'); /* an alphabet of one, two or three */
        for (size_t i = 0; i < len; i++)
            text[i] = (char)random_between(&random, 'a', last);
        for (size_t k = 0; k < count; k++) {
            slices[k] = slice_of(sequences[k], (size_t)random_between(&random, 1, 12));
            for (size_t i = 0; i < slices[k].len; i++)
                sequences[k][i] = (char)random_between(&random, 'a', last);
        }
        struct outcome expected = by_the_rule(slice_of(text, len), slices, count), o = {0};
        struct stop_matcher *m = stop_new(slices, count);
        bool stopped = false;
        for (size_t at = 0; at < len && !stopped;) {
            size_t n = (size_t)random_between(&random, 1, 9);
            struct slice token = slice_part(slice_of(text, len), at, n);
            stopped = stop_take(m, token);
            collect(m, &o);
            /* Nothing is held longer than it must be: fewer bytes than a sequence and a token. */
            at += token.len;
            assert_true(stopped || at - o.len < 12 + 9);
        }
        if (!stopped)
            stop_end(m);
        collect(m, &o);
        assert_int_equal(stopped, expected.matched.data != NULL);
        assert_int_equal(o.len, expected.len);
        assert_memory_equal(o.text, expected.text, expected.len);
        assert_true(slice_eq(stop_matched(m), expected.matched));
        matches += stopped;
        stop_free(m);
    }
    assert_in_range(matches, 1000, 19900);
}

static void tokens_keep_their_boundaries(void **state)
{
    (void)state;
    static const char *const tokens[] = {"one ", "E", "N", "x", "E", "ND", " gone"};
    static const char *const released[] = {"one ", "E", "N", "x"};
    struct stop_matcher *m = stop_new(&SLICE("END"), 1);
    struct slice token;
    size_t next = 0;
    bool stopped = false;
    for (size_t i = 0; !stopped; i++) {
        stopped = stop_take(m, slice_str(tokens[i]));
        while (stop_released(m, &token))
            assert_true(slice_is(token, released[next++]));
    }
    assert_int_equal(next, 4);
    assert_string_equal(stop_matched(m).data, "END");
    stop_free(m);
}

static void the_token_around_the_match_is_cut(void **state)
{
    (void)state;
    struct stop_matcher *m = stop_new(&SLICE("}"), 1);
    struct slice token;
    assert_true(stop_take(m, SLICE("1}, {")));
    assert_true(stop_released(m, &token));
    assert_true(slice_is(token, "1"));
    assert_false(stop_released(m, &token));
    stop_free(m);
}

static void the_longest_sequence_is_held_in_single_bytes(void **state)
{
    (void)state;
    char sequence[STOP_BYTES_MAX];
    memset(sequence, 'a', sizeof(sequence));
    sequence[STOP_BYTES_MAX - 1] = 'b';
    struct slice slices[STOP_COUNT_MAX];
    for (size_t i = 0; i < STOP_COUNT_MAX; i++)
        slices[i] = slice_of(sequence + i, STOP_BYTES_MAX - i);
    struct stop_matcher *m = stop_new(slices, STOP_COUNT_MAX);
    struct slice token;
    size_t released = 0;
    for (int i = 0; i < 1000; i++) {
        assert_false(stop_take(m, SLICE("a")));
        while (stop_released(m, &token))
            released += token.len;
    }
    assert_int_equal(released, 1000 - (STOP_BYTES_MAX - 1));
    assert_true(stop_take(m, SLICE("b")));
    assert_int_equal(stop_matched(m).len, STOP_BYTES_MAX);
    stop_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_texts_stop_where_the_rule_says),
        cmocka_unit_test(tokens_keep_their_boundaries),
        cmocka_unit_test(the_token_around_the_match_is_cut),
        cmocka_unit_test(the_longest_sequence_is_held_in_single_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
