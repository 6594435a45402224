/*
 * Logistic regression: it finds the weights that data were made with, and says something sensible
 * where there is nothing to find.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/random.h"
#include "report/logistic.h"

#define MANY 20000

static void it_finds_the_probabilities_that_data_were_made_with(void **state)
{
    (void)state;
    static double rows[MANY][2];
    static bool outcomes[MANY];
    struct random r = random_seeded(7);
    for (size_t i = 0; i < MANY; i++) {
        rows[i][0] = random_unit(&r) * 4 - 2;
        rows[i][1] = random_unit(&r) * 10;
        double p = 1 / (1 + exp(1 - 2 * rows[i][0] + 0.3 * rows[i][1]));
        outcomes[i] = random_unit(&r) < p;
    }
    struct logistic *model = logistic_learn(rows[0], outcomes, MANY, 2);
    for (int i = -4; i <= 4; i++) {
        double x = i / 2.0, row[] = {x, 3}, p = 1 / (1 + exp(1 - 2 * x + 0.9));
        assert_float_equal(logistic_risk(model, row), p, 0.03);
    }
    logistic_free(model);
}

/* A feature that is all alike tells nothing; the share of outcomes is left. */
static void without_anything_to_learn_from_the_share_is_the_risk(void **state)
{
    (void)state;
    double rows[] = {5, 5, 5, 5, 5, 5, 5, 5};
    bool outcomes[] = {true, false, false, false, true, false, false, false};
    struct logistic *model = logistic_learn(rows, outcomes, 8, 1);
    assert_float_equal(logistic_risk(model, rows), 0.25, 1e-3);
    logistic_free(model);
    model = logistic_learn(NULL, NULL, 0, 1);
    assert_float_equal(logistic_risk(model, rows), 0.5, 1e-12);
    logistic_free(model);
}

/* Without the ridge the weight would grow without end. */
static void what_is_perfectly_separated_stays_finite(void **state)
{
    (void)state;
    double rows[] = {0, 0, 0, 0, 1, 1, 1, 1};
    bool outcomes[] = {false, false, false, false, true, true, true, true};
    struct logistic *model = logistic_learn(rows, outcomes, 8, 1);
    double low = logistic_risk(model, &rows[0]), high = logistic_risk(model, &rows[7]);
    assert_true(low > 0.01 && low < 0.3 && high > 0.7 && high < 0.99);
    logistic_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_finds_the_probabilities_that_data_were_made_with),
        cmocka_unit_test(without_anything_to_learn_from_the_share_is_the_risk),
        cmocka_unit_test(what_is_perfectly_separated_stays_finite),
    };
    return cmocka_run_group_tests_name("report logistic", tests, NULL, NULL);
}
