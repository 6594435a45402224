/*
 * What is kept of a load comes back as it was; what nobody would have written is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/jsontext.h"
#include "core/memory.h"
#include "core/random.h"
#include "load/keep.h"
#include "load/print.h"

static struct arena *arena;

static int begin(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct slice kept(const struct histogram *h)
{
    struct text t = text_in(arena);
    keep_histogram(&t, h);
    return text_slice(&t);
}

static void histograms_come_back_as_they_were(void **state)
{
    (void)state;
    struct random random = random_seeded(1);
    struct histogram *h = ARENA_NEW(arena, struct histogram),
                     *again = ARENA_NEW(arena, struct histogram);
    for (int round = 0; round < 50; round++) {
        histogram_clear(h);
        int64_t most = INT64_C(1) << (round + 1);
        for (int i = 0; i < round * 10; i++)
            histogram_add(h, random_between(&random, 0, most));
        if (!result_ok(keep_read_histogram(kept(h), again)))
            fail_msg("%s", error_last()->text);
        assert_memory_equal(h->counts, again->counts, sizeof(h->counts));
        assert_int_equal(h->count, again->count);
        assert_int_equal(h->least, again->least);
        assert_int_equal(h->most, again->most);
        assert_true(h->sum == again->sum);
    }
}

static void the_format_is_the_documented_one(void **state)
{
    (void)state;
    struct histogram *h = ARENA_NEW(arena, struct histogram);
    histogram_clear(h);
    int64_t values[] = {100, 100, 250, 256, 257, 1000};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        histogram_add(h, values[i]);
    assert_string_equal(arena_string(arena, kept(h)), "100 1000 1963 100 2 150 1 6 2 250 1");
}

static void histograms_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct histogram *h = ARENA_NEW(arena, struct histogram);
    static const char *const texts[] = {
        "1",
        "1 1",
        "1 1 1",
        "1 1 1 1",
        "1 1 1 1 0",
        "1 1 1 1 -1",
        "1 1 1 1 1 0 1",
        "1 1 1 1 1 1",
        "1 1 1 1 1 99999 1",
        "1 1 1 1 1 7000 1 7000 1",
        "2 1 1 1 1",
        "5 5 1 1 1",
        "1 9 1 1 1",
        "-1 1 1 1 1",
        "1 1 1 1 99999999999999999999",
        "1 1 99999999999999999999999 1 1",
        "1  1 1 1 1",
        "1 1 1 1 1 ",
        "x",
        "1 1 1.5 1 1",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (result_ok(keep_read_histogram(slice_str(texts[i]), h)))
            fail_msg("\"%s\" was taken", texts[i]);
        assert_int_equal(h->count, 0);
    }
}

static void an_outcome_comes_back_as_it_was(void **state)
{
    (void)state;
    struct load_outcome *a = ARENA_NEW(arena, struct load_outcome),
                        *b = ARENA_NEW(arena, struct load_outcome);
    uint64_t *counts = &a->metrics.requests;
    size_t count = (sizeof(struct metrics) - offsetof(struct metrics, requests)) / sizeof(uint64_t);
    for (size_t i = 0; i < count; i++)
        counts[i] = 1000 + i;
    a->measured = 10 * NS_PER_S;
    a->stopped = true;
    a->processor = 0.25;
    a->waiting = 0.5;
    a->processor_time = 3.5;
    a->connections = 17;
    a->clock_steps = 3;
    keep_read_outcome(jsontext_keep(arena, keep_outcome(a)), b);
    assert_memory_equal(a, b, sizeof(*a));
}

static void a_plan_comes_back_as_reports_tell_it(void **state)
{
    (void)state;
    struct arrival_stage stages[] = {{1, 5, 5}, {2, 5, 50}};
    struct target target = {.url = "http://h/execute", .api = TARGET_EXECUTE, .stream = true}, back;
    struct load_plan open = {.target = &target,
                             .arrivals = ARRIVAL_GAMMA,
                             .shape = 0.5,
                             .stages = stages,
                             .stage_count = 2,
                             .seed = 7,
                             .connections = 9,
                             .threads = 2,
                             .warmup = NS_PER_S,
                             .duration = 2 * NS_PER_S},
                     closed = {.target = &target, .users = 3, .threads = 1, .duration = NS_PER_S};
    const struct load_plan *plans[] = {&open, &closed};
    for (int i = 0; i < 2; i++) {
        struct load_plan again;
        struct text before = text_in(arena), after = text_in(arena);
        const json_t *json = jsontext_keep(arena, print_plan_json(plans[i]));
        assert_true(result_ok(keep_read_plan(arena, json, &back, &again)));
        print_plan(&before, plans[i]);
        print_plan(&after, &again);
        assert_string_equal(text_str(&before), text_str(&after));
    }
}

static void a_plan_without_its_parts_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"{}", "[]", "{\"api\":\"soap\"}",
                                        "{\"api\":\"http\",\"stages\":[]}",
                                        "{\"api\":\"http\",\"stages\":[1],\"arrivals\":\"never\"}"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        json_t *json = NULL;
        struct target target;
        struct load_plan plan;
        assert_true(result_ok(jsontext_read_in(arena, slice_str(texts[i]), &json)));
        assert_false(result_ok(keep_read_plan(arena, json, &target, &plan)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(histograms_come_back_as_they_were),
        cmocka_unit_test(the_format_is_the_documented_one),
        cmocka_unit_test(histograms_that_cannot_be_are_refused),
        cmocka_unit_test(an_outcome_comes_back_as_it_was),
        cmocka_unit_test(a_plan_comes_back_as_reports_tell_it),
        cmocka_unit_test(a_plan_without_its_parts_is_refused),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
