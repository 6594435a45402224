/*
 * Answers that are looked into: all that are taken, on a thread of its own, in a queue that has an
 * end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "load/inspect.h"

#define TEST(name) cmocka_unit_test(name)

static struct inspected *answer(uint32_t item)
{
    struct inspected *a = inspected_new();
    a->item = item;
    inspected_head(a, 200, SLICE("a: b\r\n"));
    inspected_body(a, SLICE("some"), 1);
    inspected_body(a, SLICE("thi"), 2); /* chunks of one read … */
    inspected_body(a, SLICE("ng"), 2);
    return a;
}

/* Odd items are wrong. */
static bool even(void *context, const struct inspected *a, char why[INSPECT_WHY])
{
    (void)context;
    bool whole = a->status == 200 && slice_is(buf_slice(&a->body), "something") &&
                 slice_is(buf_slice(&a->head), "a: b\r\n") &&
                 a->piece_count == 2 && /* … are one piece */
                 a->pieces[1].len == 5 && a->pieces[1].at == 2;
    if (!whole)
        memcpy(why, "torn", 5);
    else if (a->item % 2)
        memcpy(why, "odd", 4);
    return whole && a->item % 2 == 0;
}

#define THREADS 4
#define EACH 200

static void *give(void *inspector)
{
    for (uint32_t i = 0; i < EACH; i++)
        inspector_take(inspector, answer(i));
    return NULL;
}

static void everything_that_is_taken_is_looked_into(void **state)
{
    (void)state;
    struct inspection inspection = {.share = 1, .check = even};
    struct inspector *inspector = NULL;
    struct inspections seen = {0};
    pthread_t threads[THREADS];
    assert_int_equal(inspector_begin(&inspection, &inspector).code, ERR_OK);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, give, inspector), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    inspector_end(inspector, &seen);
    assert_int_equal(seen.checked, THREADS * EACH);
    assert_int_equal(seen.failed, THREADS * EACH / 2);
    assert_int_equal(seen.dropped, 0);
    assert_string_equal(seen.example, "odd");
}

/* A check that waits until it may go on. */
struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool reached, open;
};

static bool wait_at(void *context, const struct inspected *a, char why[INSPECT_WHY])
{
    struct gate *gate = context;
    (void)a;
    why[0] = '\0';
    pthread_mutex_lock(&gate->mutex);
    gate->reached = true;
    pthread_cond_broadcast(&gate->changed);
    while (!gate->open)
        pthread_cond_wait(&gate->changed, &gate->mutex);
    pthread_mutex_unlock(&gate->mutex);
    return true;
}

static void what_finds_no_room_is_counted_and_let_go(void **state)
{
    (void)state;
    struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false};
    struct inspection inspection = {.share = 1, .check = wait_at, .context = &gate};
    struct inspector *inspector = NULL;
    struct inspections seen = {0};
    assert_int_equal(inspector_begin(&inspection, &inspector).code, ERR_OK);
    inspector_take(inspector, answer(0));
    pthread_mutex_lock(&gate.mutex);
    while (!gate.reached)
        pthread_cond_wait(&gate.changed, &gate.mutex);
    pthread_mutex_unlock(&gate.mutex);
    for (uint32_t i = 0; i < INSPECT_QUEUE + 5; i++)
        inspector_take(inspector, answer(i));
    pthread_mutex_lock(&gate.mutex);
    gate.open = true;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.mutex);
    inspector_end(inspector, &seen);
    assert_int_equal(seen.checked, INSPECT_QUEUE + 1);
    assert_int_equal(seen.dropped, 5);
}

static void a_share_is_drawn_and_repeats_with_its_seed(void **state)
{
    (void)state;
    struct inspection inspection = {.share = 0.1, .check = even};
    struct inspector *inspector = NULL;
    struct random one = random_seeded(7), two = random_seeded(7);
    int drawn = 0;
    assert_int_equal(inspector_begin(&inspection, &inspector).code, ERR_OK);
    for (int i = 0; i < 10000; i++) {
        bool wanted = inspector_wants(inspector, &one);
        assert_int_equal(wanted, inspector_wants(inspector, &two));
        drawn += wanted;
    }
    inspector_end(inspector, NULL);
    assert_in_range(drawn, 850, 1150); /* five standard deviations */
}

static void a_body_that_is_too_long_is_cut(void **state)
{
    (void)state;
    static char much[INSPECT_BODY_BYTES];
    struct inspected *a = answer(0);
    memset(much, 'x', sizeof(much));
    inspected_body(a, slice_of(much, sizeof(much)), 3);
    assert_true(a->cut);
    assert_int_equal(a->piece_count, 2);
    inspected_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(everything_that_is_taken_is_looked_into),
        TEST(what_finds_no_room_is_counted_and_let_go),
        TEST(a_share_is_drawn_and_repeats_with_its_seed),
        TEST(a_body_that_is_too_long_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
