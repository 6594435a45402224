/*
 * Flaky or broken: rows of outcomes and what the rule says of them. A row is written as history
 * shows it: . passed, r passed on a retry, F failed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report/outcome.h"

#define MOST 64

/* Each result is of a run of its own; `revisions` has a letter for each, a blank for unknown. */
static struct outcome judge(const char *row, const char *revisions)
{
    static struct past_run runs[MOST];
    static struct past_result results[MOST];
    size_t count = strlen(row);
    for (size_t i = 0; i < count; i++) {
        runs[i] = (struct past_run){.host = SLICE("here")};
        if (revisions && revisions[i] != ' ')
            runs[i].revision = slice_of(&revisions[i], 1);
        results[i] = (struct past_result){
            .run = (uint32_t)i,
            .status = row[i] == 'F' ? CASE_FAILED : CASE_PASSED,
            .flags = row[i] == 'r' ? CASE_FLAKY : 0,
        };
    }
    struct past past = {.runs = runs, .run_count = count};
    return outcome_judge(&past, results, count);
}

static void what_always_passed_is_passing(void **state)
{
    (void)state;
    struct outcome o = judge("..........", NULL);
    assert_int_equal(o.kind, OUTCOME_PASSING);
    assert_int_equal(o.passed, 10);
    assert_int_equal(o.last_good, 9);
    assert_int_equal(o.first_bad, -1);
    assert_int_equal(judge("", NULL).kind, OUTCOME_UNKNOWN);
}

/* "chance … 1" of two results meant nothing. */
static void of_few_results_no_chance_is_told(void **state)
{
    (void)state;
    assert_false(judge(".F", NULL).telling);
    assert_false(judge("..FF", NULL).telling);
    assert_false(judge("..........", NULL).telling);
    assert_false(judge("FFFFFFFFFF", NULL).telling);
    assert_true(judge("...FFFF.", NULL).telling);
    assert_true(judge("..............FFFFFF", NULL).telling);
}

static void what_fails_since_a_run_is_broken_and_not_flaky(void **state)
{
    (void)state;
    struct outcome o = judge("..............FFFFFF", NULL);
    assert_int_equal(o.kind, OUTCOME_BROKEN);
    assert_int_equal(o.last_good, 13);
    assert_int_equal(o.first_bad, 14);
    assert_int_equal(o.fixed, -1);
    assert_true(o.together < 0.001);
    o = judge(".........F", NULL);
    assert_int_equal(o.kind, OUTCOME_BROKEN);
    assert_int_equal(o.first_bad, 9);
    assert_int_equal(judge("FFF", NULL).kind, OUTCOME_BROKEN);
    assert_int_equal(judge("FFF", NULL).last_good, -1);
}

static void what_was_broken_once_and_fixed_is_passing(void **state)
{
    (void)state;
    struct outcome o = judge("........FFFFFF......", NULL);
    assert_int_equal(o.kind, OUTCOME_PASSING);
    assert_int_equal(o.first_bad, 8);
    assert_int_equal(o.last_good, 7);
    assert_int_equal(o.fixed, 14);
    /* Twice broken for long is no flakiness either: the failures stand together. */
    assert_int_equal(judge("......FFFFFF......FFFFFF......", NULL).kind, OUTCOME_PASSING);
}

static void what_fails_now_and_then_is_flaky(void **state)
{
    (void)state;
    struct outcome o = judge("...F......F....F.....", NULL);
    assert_int_equal(o.kind, OUTCOME_FLAKY);
    assert_int_equal(o.recoveries, 3);
    assert_int_equal(o.unexplained, 0);
    assert_int_equal(judge(".F.F.F.F.F", NULL).kind, OUTCOME_FLAKY);
}

static void a_pass_on_a_retry_hides_nothing(void **state)
{
    (void)state;
    struct outcome o = judge(".....r....", NULL);
    assert_int_equal(o.kind, OUTCOME_FLAKY);
    assert_int_equal(o.passed, 9);
    assert_int_equal(o.retried, 1);
    assert_int_equal(o.unexplained, 1);
    assert_true(o.rate.high < 1);
}

static void both_outcomes_at_one_revision_are_flaky(void **state)
{
    (void)state;
    assert_int_equal(judge("....F.....", "aaaabbbbbb").kind, OUTCOME_PASSING);
    assert_int_equal(judge("....F.....", "aaaaaaaaaa").kind, OUTCOME_FLAKY);
    assert_int_equal(judge("....F.....", "          ").kind, OUTCOME_PASSING);
    /* Fixed by a change: the pass before was of another revision. */
    assert_int_equal(judge("....F.....", "aaaaabbbbb").kind, OUTCOME_PASSING);
}

static void a_flaky_case_that_broke_is_broken(void **state)
{
    (void)state;
    assert_int_equal(judge("..F.......r.....FFFFFFFFFF", NULL).kind, OUTCOME_BROKEN);
    assert_int_equal(judge("..F.......r.....F", NULL).kind, OUTCOME_FLAKY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_always_passed_is_passing),
        cmocka_unit_test(of_few_results_no_chance_is_told),
        cmocka_unit_test(what_fails_since_a_run_is_broken_and_not_flaky),
        cmocka_unit_test(what_was_broken_once_and_fixed_is_passing),
        cmocka_unit_test(what_fails_now_and_then_is_flaky),
        cmocka_unit_test(a_pass_on_a_retry_hides_nothing),
        cmocka_unit_test(both_outcomes_at_one_revision_are_flaky),
        cmocka_unit_test(a_flaky_case_that_broke_is_broken),
    };
    return cmocka_run_group_tests_name("report outcome", tests, NULL, NULL);
}
