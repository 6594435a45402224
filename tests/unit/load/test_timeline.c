/*
 * Timelines: rows add up to what happened, however long the run; a histogram at rest is the same
 * histogram; and the encoding of HdrHistogram, byte for byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "core/random.h"
#include "load/hdr.h"

static struct histogram *empty(void)
{
    struct histogram *h = mem_alloc(sizeof(*h));
    histogram_clear(h);
    return h;
}

static void same(const struct histogram *a, const struct histogram *b)
{
    assert_memory_equal(a->counts, b->counts, sizeof(a->counts));
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->least, b->least);
    assert_int_equal(a->most, b->most);
    assert_true(fabs(a->sum - b->sum) <= 1e-9 * a->sum);
}

static void histograms_at_rest_lose_nothing(void **state)
{
    (void)state;
    struct random random = random_seeded(3);
    struct histogram *all = empty(), *one = empty(), *back = empty();
    struct sparse sum = sparse_of(one);
    for (int part = 0; part < 5; part++) {
        histogram_clear(one);
        for (int i = 0; i < 1000 * part; i++)
            histogram_add(one, (int64_t)exp(random_unit(&random) * 43));
        histogram_merge(all, one);
        struct sparse s = sparse_of(one);
        sparse_merge(&sum, &s);
        sparse_free(&s);
    }
    sparse_spread(&sum, back);
    same(all, back);
    sparse_free(&sum);
    mem_free(all);
    mem_free(one);
    mem_free(back);
}

static void what_came_since_adds_up_to_all_of_it(void **state)
{
    (void)state;
    struct random random = random_seeded(4);
    struct histogram *now = empty(), *before = empty(), *sum = empty(), *part = empty();
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < 500 * (round % 3); i++)
            histogram_add(now, (int64_t)exp(random_unit(&random) * 30));
        histogram_clear(part);
        histogram_advance(before, now, part);
        assert_int_equal(part->count, 500 * (round % 3));
        if (part->count) {
            assert_true(part->counts[histogram_index(part->least)] > 0);
            assert_true(part->counts[histogram_index(part->most)] > 0);
        }
        histogram_merge(sum, part);
        same(now, before);
    }
    same(now, sum);
    mem_free(now);
    mem_free(before);
    mem_free(sum);
    mem_free(part);
}

/* One second in which something of everything happens. */
static void fill(struct load_second *s, struct random *random)
{
    second_clear(s);
    s->started = 7;
    s->answered = 5;
    s->failed = s->failures[FAILURE_RESET] = 2;
    s->tokens = 50;
    s->bytes = 1000;
    s->busy = 3;
    s->lags = 10;
    s->lag_sum = 1000;
    s->lag_most = 200;
    for (int i = 0; i < 5; i++)
        histogram_add(&s->measured[SECOND_LATENCY], random_between(random, 1, 1 << 30));
}

static void a_day_fits_and_every_request_is_counted(void **state)
{
    (void)state;
    enum { SECONDS = 20000 };
    struct random random = random_seeded(5);
    struct load_second *second = mem_alloc(sizeof(*second));
    struct histogram *all = empty(), *back = empty();
    struct timeline *t = timeline_new();
    for (int i = 0; i < SECONDS; i++) {
        fill(second, &random);
        histogram_merge(all, &second->measured[SECOND_LATENCY]);
        timeline_add(t, second, i * NS_PER_S, (i + 1) * NS_PER_S, i < 10);
    }
    assert_in_range(t->count, TIMELINE_ROWS / 4, TIMELINE_ROWS);
    uint64_t started = 0, resets = 0;
    for (size_t i = 0; i < t->count; i++) {
        const struct timeline_row *row = &t->rows[i];
        assert_int_equal(row->from, i > 0 ? t->rows[i - 1].to : 0);
        assert_int_equal(row->busy, 3);
        assert_int_equal(row->lag_most, 200);
        started += row->started;
        resets += row->failures[FAILURE_RESET];
        sparse_spread(&row->metrics[SECOND_LATENCY], back);
    }
    assert_int_equal(t->rows[t->count - 1].to, SECONDS * NS_PER_S);
    assert_int_equal(started, 7 * SECONDS);
    assert_int_equal(resets, 2 * SECONDS);
    same(all, back);
    timeline_free(t);
    mem_free(second);
    mem_free(all);
    mem_free(back);
}

static void what_is_left_at_the_end_joins_the_last_row(void **state)
{
    (void)state;
    struct random random = random_seeded(6);
    struct load_second *second = mem_alloc(sizeof(*second));
    struct timeline *t = timeline_new();
    fill(second, &random);
    timeline_add(t, second, 0, NS_PER_S, false);
    timeline_add(t, second, NS_PER_S, NS_PER_S + 10 * NS_PER_MS, false);
    assert_int_equal(t->count, 1);
    assert_int_equal(t->rows[0].started, 14);
    timeline_add(t, second, NS_PER_S + 10 * NS_PER_MS, NS_PER_S + 400 * NS_PER_MS, false);
    assert_int_equal(t->count, 2);
    timeline_free(t);
    mem_free(second);
}

static void the_encoding_is_that_of_hdrhistogram(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    struct histogram *h = empty();
    hdr_encode(&t, h);
    /* The compressed cookie is what makes all of them begin so. */
    assert_memory_equal(text_str(&t), "HISTFAAAA", 9);
    assert_int_equal(t.len % 4, 0);
    mem_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(histograms_at_rest_lose_nothing),
        cmocka_unit_test(what_came_since_adds_up_to_all_of_it),
        cmocka_unit_test(a_day_fits_and_every_request_is_counted),
        cmocka_unit_test(what_is_left_at_the_end_joins_the_last_row),
        cmocka_unit_test(the_encoding_is_that_of_hdrhistogram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
