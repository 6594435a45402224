/*
 * The agenda: the earliest first, whatever came in between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/random.h"
#include "load/agenda.h"

#define MANY 2000

static void the_earliest_comes_first(void **state)
{
    (void)state;
    static int64_t times[MANY];
    struct agenda agenda = {0};
    struct random random = random_seeded(3);
    int64_t last = -1;
    for (int i = 0; i < MANY; i++) {
        times[i] = random_between(&random, 0, 500);
        agenda_note(&agenda, times[i], &times[i]);
    }
    for (int i = 0; i < MANY; i++) {
        int64_t next = agenda_next(&agenda);
        const int64_t *who = agenda_take(&agenda);
        assert_true(next >= last);
        assert_int_equal(*who, next);
        last = next;
    }
    assert_true(agenda_next(&agenda) == CLOCK_NEVER);
    agenda_free(&agenda);
}

static void who_is_due_at_the_same_time_goes_in_the_order_of_noting(void **state)
{
    (void)state;
    static char people[100];
    struct agenda agenda = {0};
    for (int i = 0; i < 100; i++)
        agenda_note(&agenda, i % 2, &people[i]);
    for (int i = 0; i < 100; i++)
        assert_ptr_equal(agenda_take(&agenda), &people[i < 50 ? 2 * i : 2 * (i - 50) + 1]);
    agenda_free(&agenda);
}

static void what_is_noted_meanwhile_finds_its_place(void **state)
{
    (void)state;
    struct agenda agenda = {0};
    struct random random = random_seeded(4);
    int64_t now = 0;
    for (int i = 0; i < MANY; i++)
        agenda_note(&agenda, random_between(&random, 0, 100), NULL);
    for (int i = 0; i < 20 * MANY; i++) { /* each rests and is due again later */
        assert_true(agenda_next(&agenda) >= now);
        now = agenda_next(&agenda);
        agenda_take(&agenda);
        agenda_note(&agenda, now + random_between(&random, 0, 100), NULL);
    }
    assert_int_equal(agenda.count, MANY);
    agenda_free(&agenda);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_earliest_comes_first),
        cmocka_unit_test(who_is_due_at_the_same_time_goes_in_the_order_of_noting),
        cmocka_unit_test(what_is_noted_meanwhile_finds_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
