/*
 * What is found in beats made up: every illness in the form it really has, and what merely looks
 * like one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/random.h"
#include "measure/watch.h"

#define MB 1000000
/* Half a second each. */
#define BEAT (NS_PER_S / 2)

struct life {
    struct watch *watch;
    struct beat beat;
    struct random random;
    struct found *found;
};

static int begin(void **state)
{
    static struct life life;
    life = (struct life){.watch = watch_new(), .random = random_seeded(3)};
    life.beat = (struct beat){.at = 1000 * NS_PER_S,
                              .wall = 5000 * NS_PER_S,
                              .gpu_use = -1,
                              .rss = 50 * MB,
                              .descriptors = 12,
                              .threads = 4};
    *state = &life;
    return 0;
}

static int end(void **state)
{
    struct life *l = *state;
    for (struct found *f = l->found, *next; f; f = next) {
        next = f->next;
        arena_free(f->arena);
    }
    watch_free(l->watch);
    return 0;
}

static void tick(struct life *l)
{
    l->beat.at += BEAT;
    l->beat.wall += BEAT;
    watch_beat(l->watch, &l->beat);
}

static const char *only_kind(struct life *l)
{
    watch_end(l->watch);
    l->found = watch_take(l->watch);
    assert_true(!l->found || !l->found->next);
    return l->found ? l->found->kind : "";
}

static int64_t noise(struct life *l, int64_t most)
{
    return random_between(&l->random, 0, most);
}

static void nothing_is_found_in_a_quiet_life(void **state)
{
    struct life *l = *state;
    for (int i = 0; i < 2000; i++) {
        l->beat.cpu += BEAT / 50;
        l->beat.rss = 50 * MB + noise(l, 3 * MB);
        l->beat.descriptors = 12 + noise(l, 30);
        l->beat.pending = (size_t)noise(l, 2);
        l->beat.answered += 3;
        tick(l);
    }
    assert_string_equal(only_kind(l), "");
}

static void a_leak_of_a_megabyte_a_second_is_found_in_20_s(void **state)
{
    struct life *l = *state;
    for (int i = 0; i < 38; i++) {
        l->beat.rss = 50 * MB + i * MB / 2 + noise(l, MB / 2);
        tick(l);
    }
    assert_string_equal(only_kind(l), ANOMALY_MEMORY);
    assert_int_equal(l->found->started, 5000 * NS_PER_S + BEAT);
    assert_int_equal(l->found->ended, 5000 * NS_PER_S + 38 * BEAT);
    assert_non_null(strstr(l->found->text.data, "MB a second"));
}

static void a_leak_that_begins_late_is_found(void **state)
{
    struct life *l = *state;
    for (int i = 0; i < 400; i++) {
        l->beat.rss = 50 * MB + noise(l, MB) + (i > 300 ? (i - 300) * MB / 2 : 0);
        tick(l);
    }
    assert_string_equal(only_kind(l), ANOMALY_MEMORY);
    assert_true(l->found->started >= 5000 * NS_PER_S + 250 * BEAT);
}

static void warming_up_is_no_leak(void **state)
{
    struct life *l = *state;
    double held = 0;
    for (int i = 0; i < 40; i++) {
        held += (60e6 - held) / 8; /* a cache that fills, ever more slowly */
        l->beat.rss = 50 * MB + (int64_t)held + noise(l, MB / 10);
        l->beat.descriptors = 12 + (i < 10 ? 6 * i : 60);
        tick(l);
    }
    assert_string_equal(only_kind(l), "");
}

static void growth_that_ended_long_ago_is_no_leak(void **state)
{
    struct life *l = *state;
    for (int i = 0; i < 200; i++) {
        l->beat.rss = 50 * MB + (i < 40 ? i : 40) * MB;
        tick(l);
    }
    assert_string_equal(only_kind(l), "");
}

static void saw_teeth_are_no_leak(void **state)
{
    struct life *l = *state;
    for (int i = 0; i < 400; i++) {
        l->beat.rss = 50 * MB + i % 30 * 2 * MB;
        tick(l);
    }
    assert_string_equal(only_kind(l), "");
}

static void open_files_that_only_become_more_are_found(void **state)
{
    struct life *l = *state;
    for (int i = 0; i < 40; i++) {
        l->beat.descriptors = 12 + i * 2;
        tick(l);
    }
    assert_string_equal(only_kind(l), ANOMALY_DESCRIPTORS);
    assert_non_null(strstr(l->found->text.data, "4.0 a second"));
}

static void threads_that_only_become_more_are_found(void **state)
{
    struct life *l = *state;
    for (int i = 0; i < 60; i++) {
        l->beat.threads = 4 + i;
        tick(l);
    }
    assert_string_equal(only_kind(l), ANOMALY_THREADS);
}

static void a_thread_that_never_rests_is_found_even_when_others_take_its_core(void **state)
{
    struct life *l = *state;
    for (int i = 0; i < 40; i++) {
        l->beat.cpu += BEAT / 3;
        l->beat.restless = i > 4 ? 77 : 0;
        l->beat.restless_since = i > 4 ? 1000 * NS_PER_S + 5 * BEAT : 0;
        l->beat.restless_name = SLICE("spinner");
        tick(l);
    }
    assert_string_equal(only_kind(l), ANOMALY_CPU);
    assert_int_equal(l->found->started, 5000 * NS_PER_S + 5 * BEAT);
    assert_non_null(strstr(l->found->text.data, "thread 77 (spinner)"));
    assert_non_null(strstr(l->found->text.data, "0.33 cores, though no request was under way"));
}

static void a_burst_of_work_is_no_anomaly(void **state)
{
    struct life *l = *state;
    for (int i = 0; i < 100; i++) {
        bool busy = i % 20 < 14; /* 7 s of every 10 */
        l->beat.cpu += busy ? BEAT : 0;
        l->beat.restless = busy ? 77 : 0;
        l->beat.restless_since = busy ? l->beat.at - i % 20 * BEAT : 0;
        tick(l);
    }
    assert_string_equal(only_kind(l), "");
}

static void wait_for_an_answer(struct life *l, int beats)
{
    l->beat.pending = 1;
    l->beat.quiet = 0;
    for (int i = 0; i < beats; i++) {
        l->beat.quiet += BEAT;
        tick(l);
    }
}

static void a_request_that_nobody_works_on_is_found(void **state)
{
    struct life *l = *state;
    wait_for_an_answer(l, 24);
    assert_string_equal(only_kind(l), ANOMALY_STALL);
    assert_non_null(strstr(l->found->text.data, "the service did nothing"));
}

static void a_request_whose_thread_spins_is_found_too(void **state)
{
    struct life *l = *state;
    l->beat.pending = 2;
    for (int i = 0; i < 24; i++) {
        l->beat.quiet += BEAT;
        l->beat.cpu += BEAT;
        l->beat.restless = 5;
        l->beat.restless_since = 1000 * NS_PER_S;
        tick(l);
    }
    watch_end(l->watch);
    l->found = watch_take(l->watch);
    assert_string_equal(l->found->kind, ANOMALY_CPU);
    assert_string_equal(l->found->next->kind, ANOMALY_STALL);
    assert_non_null(strstr(l->found->next->text.data, "2 requests waited"));
}

static void a_slow_answer_that_is_worked_on_is_none(void **state)
{
    struct life *l = *state;
    l->beat.pending = 1;
    for (int i = 0; i < 60; i++) {
        l->beat.quiet += BEAT;
        l->beat.cpu += i < 20 ? BEAT / 2 : 0;   /* it computes, */
        l->beat.moved += i >= 20 ? 10 * MB : 0; /* then reads a file, */
        l->beat.gpu_use = i >= 40 ? 70 : 0;     /* then the GPU works */
        tick(l);
    }
    assert_string_equal(only_kind(l), "");
}

static void an_answer_in_time_is_none(void **state)
{
    struct life *l = *state;
    for (int i = 0; i < 10; i++) {
        wait_for_an_answer(l, 14); /* 7 s */
        l->beat.pending = 0;
        l->beat.quiet = 0;
        tick(l);
    }
    assert_string_equal(only_kind(l), "");
}

static void a_stream_may_be_silent_for_longer(void **state)
{
    struct life *l = *state;
    l->beat.answering = true;
    wait_for_an_answer(l, 24);
    l->beat.pending = 0;
    l->beat.quiet = 0;
    tick(l);
    watch_end(l->watch);
    assert_null(watch_take(l->watch));
    wait_for_an_answer(l, 40);
    assert_string_equal(only_kind(l), ANOMALY_STALL);
    assert_non_null(strstr(l->found->text.data, "more of the answer"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_found_in_a_quiet_life),
        TEST(a_leak_of_a_megabyte_a_second_is_found_in_20_s),
        TEST(a_leak_that_begins_late_is_found),
        TEST(warming_up_is_no_leak),
        TEST(growth_that_ended_long_ago_is_no_leak),
        TEST(saw_teeth_are_no_leak),
        TEST(open_files_that_only_become_more_are_found),
        TEST(threads_that_only_become_more_are_found),
        TEST(a_thread_that_never_rests_is_found_even_when_others_take_its_core),
        TEST(a_burst_of_work_is_no_anomaly),
        TEST(a_request_that_nobody_works_on_is_found),
        TEST(a_request_whose_thread_spins_is_found_too),
        TEST(a_slow_answer_that_is_worked_on_is_none),
        TEST(an_answer_in_time_is_none),
        TEST(a_stream_may_be_silent_for_longer),
    };
    return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
