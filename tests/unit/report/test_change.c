/*
 * The rule for slower and faster: what it says, what it keeps to itself, and why. How often it is
 * right on real noise is measured by bench/regress.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/random.h"
#include "report/change.h"

#define MANY 20

/* Times around `level` that scatter by 2 %. */
static void fill(double *values, size_t count, double level, uint64_t seed)
{
    struct random r = random_seeded(seed);
    for (size_t i = 0; i < count; i++)
        values[i] = level * (1 + (random_unit(&r) - 0.5) / 25);
}

static enum change_kind judge(const double *a, size_t m, const double *b, size_t n, double spells)
{
    struct change c = change_measure(a, m, b, n, spells);
    return change_judge(&c, c.p, CHANGE_THRESHOLD);
}

static void a_clear_shift_is_slower_or_faster(void **state)
{
    (void)state;
    double a[MANY], b[MANY];
    fill(a, MANY, 100, 1);
    fill(b, MANY, 110, 2);
    assert_int_equal(judge(a, MANY, b, MANY, 1), CHANGE_SLOWER);
    assert_int_equal(judge(b, MANY, a, MANY, 1), CHANGE_FASTER);
    struct change c = change_measure(a, MANY, b, MANY, 1);
    assert_float_equal(c.ratio, 1.1, 0.02);
    struct interval i = change_interval(a, MANY, b, MANY, 1);
    assert_true(i.low < c.ratio && c.ratio < i.high && i.low > 1.08 && i.high < 1.12);
}

static void what_is_sure_but_small_is_no_change(void **state)
{
    (void)state;
    double a[MANY], b[MANY];
    fill(a, MANY, 100, 1);
    fill(b, MANY, 103, 2);
    struct change c = change_measure(a, MANY, b, MANY, 1);
    assert_true(c.p < CHANGE_LEVEL);
    assert_int_equal(change_judge(&c, c.p, CHANGE_THRESHOLD), CHANGE_NONE);
    assert_int_equal(change_judge(&c, c.p, 0.01), CHANGE_SLOWER);
}

static void too_few_results_show_nothing_and_say_how_many_would(void **state)
{
    (void)state;
    double a[MANY], b[MANY];
    fill(a, MANY, 100, 1);
    fill(b, MANY, 200, 2);
    for (size_t n = 0; n < 3; n++)
        assert_int_equal(judge(a, MANY, b, n, 1), CHANGE_UNKNOWN);
    assert_int_equal(judge(a, MANY, b, 3, 1), CHANGE_SLOWER);
    assert_int_equal(change_measure(a, MANY, b, 1, 1).needed, 3);
    assert_int_equal(change_measure(a, 1, b, 1, 1).needed, 0); /* 1 against 20 is never sure */
}

static void a_suspicion_is_called_unclear(void **state)
{
    (void)state;
    double a[] = {100, 101, 102, 103, 104}, b[] = {111, 112, 103.5, 113, 114};
    struct change c = change_measure(a, 5, b, 5, 1);
    assert_true(c.p >= CHANGE_LEVEL && c.p < CHANGE_HINT);
    double more[] = {100, 101, 102, 103, 104, 99}, rest[] = {111, 112, 103.5, 113, 114, 98};
    c = change_measure(more, 6, rest, 6, 1);
    assert_int_equal(change_judge(&c, 0.02, CHANGE_THRESHOLD), CHANGE_UNCLEAR);
    assert_int_equal(change_judge(&c, 0.2, CHANGE_THRESHOLD), CHANGE_NONE);
}

/* Of neighbouring rows of so many, or of such that take turns. */
static double spells_of(const double *history, size_t count, size_t rows_of, bool in_turns)
{
    bool after[2 * MANY];
    for (size_t i = 0; i < 2 * rows_of; i++)
        after[i] = in_turns ? i % 2 : i >= rows_of;
    return change_spells(history, count, after, 2 * rows_of);
}

static void independent_results_have_no_spells(void **state)
{
    (void)state;
    double history[CHANGE_HISTORY];
    fill(history, CHANGE_HISTORY, 100, 3);
    assert_true(spells_of(history, CHANGE_HISTORY, MANY, false) < 1.4);
    assert_true(spells_of(history, 0, MANY, false) == 1);
    assert_true(spells_of(history, CHANGE_HISTORY, 0, false) == 1);
}

/* Every 20 results another level: what cried wolf before must be clearer from then on. */
static void good_and_bad_spells_make_a_difference_less_clear(void **state)
{
    (void)state;
    double history[CHANGE_HISTORY];
    for (size_t i = 0; i < CHANGE_HISTORY; i += MANY)
        fill(history + i, MANY, i / MANY % 2 ? 106 : 100, i);
    double spells = spells_of(history, CHANGE_HISTORY, MANY, false);
    assert_true(spells > 3);
    assert_true(spells_of(history, CHANGE_HISTORY, MANY, true) < 1.2); /* both had each spell */
    double *a = history + CHANGE_HISTORY - 2 * MANY, *b = history + CHANGE_HISTORY - MANY;
    assert_int_equal(judge(a, MANY, b, MANY, 1), CHANGE_SLOWER);
    assert_int_not_equal(judge(a, MANY, b, MANY, spells), CHANGE_SLOWER);
    struct interval plain = change_interval(a, MANY, b, MANY, 1),
                    wide = change_interval(a, MANY, b, MANY, spells);
    assert_true(wide.low < plain.low && wide.high > plain.high);
}

static void allowing_for_no_spells_changes_nothing(void **state)
{
    (void)state;
    assert_true(change_allow(0.01, 1) == 0.01);
    assert_true(change_allow(1, 3) == 1);
    assert_true(change_allow(0.01, 2) > 0.19 && change_allow(0.01, 2) < 0.2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clear_shift_is_slower_or_faster),
        cmocka_unit_test(what_is_sure_but_small_is_no_change),
        cmocka_unit_test(too_few_results_show_nothing_and_say_how_many_would),
        cmocka_unit_test(a_suspicion_is_called_unclear),
        cmocka_unit_test(independent_results_have_no_spells),
        cmocka_unit_test(good_and_bad_spells_make_a_difference_less_clear),
        cmocka_unit_test(allowing_for_no_spells_changes_nothing),
    };
    return cmocka_run_group_tests_name("report change", tests, NULL, NULL);
}
