/*
 * The circuit breaker, with a clock of the test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/random.h"
#include "step/breaker.h"

#define S(seconds) ((seconds) * NS_PER_S)

static bool allows(struct breaker *b, int64_t now)
{
    int64_t wait;
    return breaker_allows(b, now, &wait);
}

static void fail_at(struct breaker *b, int64_t now)
{
    assert_true(allows(b, now));
    breaker_failed(b, now);
}

static struct breaker opened_at(int64_t now)
{
    struct breaker b = {.limits = BREAKER_DEFAULTS};
    for (int i = 0; i < 5; i++)
        fail_at(&b, now);
    return b;
}

static void five_failures_within_a_minute_open_it(void **state)
{
    (void)state;
    struct breaker b = {.limits = BREAKER_DEFAULTS};
    for (int i = 0; i < 4; i++)
        fail_at(&b, S(10 * i));
    assert_true(allows(&b, S(40)));
    breaker_succeeded(&b); /* does not make failures unhappened */
    fail_at(&b, S(60));
    assert_int_equal(b.state, BREAKER_OPEN);
    assert_false(allows(&b, S(60)));
}

static void five_failures_in_more_than_a_minute_do_not(void **state)
{
    (void)state;
    struct breaker b = {.limits = BREAKER_DEFAULTS};
    for (int i = 0; i < 40; i++)
        fail_at(&b, S(16 * i));
    assert_int_equal(b.state, BREAKER_CLOSED);
}

static void it_is_open_for_half_a_minute_and_says_how_long_still(void **state)
{
    (void)state;
    struct breaker b = opened_at(S(100));
    int64_t wait;
    assert_false(breaker_allows(&b, S(110), &wait));
    assert_true(wait == S(20));
    assert_false(breaker_allows(&b, S(130) - 1, &wait));
    assert_true(wait == 1);
    assert_true(allows(&b, S(130)));
}

static void three_successes_one_by_one_close_it(void **state)
{
    (void)state;
    struct breaker b = opened_at(S(100));
    for (int i = 0; i < 3; i++) {
        assert_true(allows(&b, S(131)));
        assert_int_equal(b.state, BREAKER_HALF_OPEN);
        assert_false(allows(&b, S(131)));
        breaker_succeeded(&b);
    }
    assert_int_equal(b.state, BREAKER_CLOSED);
    /* The failures of before are forgotten: it takes five new ones. */
    for (int i = 0; i < 4; i++)
        fail_at(&b, S(132));
    assert_int_equal(b.state, BREAKER_CLOSED);
    fail_at(&b, S(132));
    assert_int_equal(b.state, BREAKER_OPEN);
}

static void one_failure_while_half_open_opens_it_again(void **state)
{
    (void)state;
    struct breaker b = opened_at(S(100));
    assert_true(allows(&b, S(131)));
    breaker_succeeded(&b);
    fail_at(&b, S(132));
    assert_int_equal(b.state, BREAKER_OPEN);
    assert_false(allows(&b, S(132 + 29)));
    assert_true(allows(&b, S(132 + 30)));
}

static void a_request_that_was_given_up_lets_the_next_one_try(void **state)
{
    (void)state;
    struct breaker b = opened_at(S(100));
    assert_true(allows(&b, S(131)));
    breaker_undecided(&b);
    assert_true(allows(&b, S(131)));
    assert_int_equal(b.state, BREAKER_HALF_OPEN);
}

static void what_comes_back_after_it_opened_changes_nothing(void **state)
{
    (void)state;
    struct breaker b = opened_at(S(100));
    breaker_failed(&b, S(120));
    breaker_succeeded(&b);
    assert_int_equal(b.state, BREAKER_OPEN);
    assert_true(b.opened_at == S(100));
}

/* Against a plain model: the times of all failures since it was last closed, in a list. */
static void it_opens_exactly_when_a_list_of_all_failures_says_so(void **state)
{
    (void)state;
    struct random r = random_seeded(7);
    for (int round = 0; round < 2000; round++) {
        struct breaker b = {.limits = {1 + (uint32_t)random_between(&r, 0, 7), S(10), S(5), 2}};
        int64_t failures[64], now = 0;
        size_t count = 0;
        while (b.state == BREAKER_CLOSED && count < 64) {
            now += random_between(&r, 0, S(4));
            assert_true(allows(&b, now));
            failures[count++] = now;
            breaker_failed(&b, now);
            bool many = count >= b.limits.failures &&
                        now - failures[count - b.limits.failures] <= b.limits.window;
            assert_int_equal(b.state == BREAKER_OPEN, many);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_failures_within_a_minute_open_it),
        cmocka_unit_test(five_failures_in_more_than_a_minute_do_not),
        cmocka_unit_test(it_is_open_for_half_a_minute_and_says_how_long_still),
        cmocka_unit_test(three_successes_one_by_one_close_it),
        cmocka_unit_test(one_failure_while_half_open_opens_it_again),
        cmocka_unit_test(a_request_that_was_given_up_lets_the_next_one_try),
        cmocka_unit_test(what_comes_back_after_it_opened_changes_nothing),
        cmocka_unit_test(it_opens_exactly_when_a_list_of_all_failures_says_so),
    };
    return cmocka_run_group_tests_name("breaker", tests, NULL, NULL);
}
