/*
 * Parts of one load, made by several machines, added up: every value is counted once, and what is
 * not one load is refused.
 */
#include "../record/fixture.h"
#include "core/clock.h"
#include "core/memory.h"
#include "load_world.h"
#include "report/load_merge.h"

#define AT (1700000000 * NS_PER_S)

struct world {
    struct arena *arena;
    struct load_data *parts[4];
    size_t count;
    struct load_data *merged;
};

static int set_up(void **state)
{
    struct world *w = NEW(struct world);
    w->arena = arena_new();
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < w->count; i++)
        load_data_free(&w->parts[i]);
    load_data_free(&w->merged);
    arena_free(w->arena);
    mem_free(w);
    return 0;
}

static const struct made_load *made(struct made_load how)
{
    static struct made_load kept;
    kept = how;
    kept.started = how.started ? how.started : AT;
    kept.latency = how.latency > 0 ? how.latency : 0.1;
    kept.spread = 0.5;
    return &kept;
}

static void add(struct world *w, struct made_load how)
{
    w->parts[w->count++] = made_load_data(w->arena, made(how));
}

static void every_value_is_counted_once(void **state)
{
    struct world *w = *state;
    add(w, (struct made_load){.id = "a", .seed = 1, .rate = 100, .seconds = 20, .failed = 3});
    add(w, (struct made_load){.id = "b",
                              .seed = 2,
                              .rate = 300,
                              .seconds = 20,
                              .latency = 0.3,
                              .started = AT + 3 * NS_PER_S});
    add(w, (struct made_load){.id = "c", .seed = 3, .rate = 50, .seconds = 20, .started = AT - 1});
    assert_ok(load_merge(w->arena, w->parts, 3, &w->merged));
    struct metrics *sum = mem_alloc(sizeof(*sum));
    uint64_t started = 0, answered = 0, failed = 0, counted = 0, rows = 0;
    metrics_clear(sum);
    for (size_t i = 0; i < 3; i++) {
        metrics_merge(sum, &w->parts[i]->report.outcome->metrics);
        for (size_t k = 0; k < w->parts[i]->timeline->count; k++) {
            started += w->parts[i]->timeline->rows[k].started;
            failed += w->parts[i]->timeline->rows[k].failed;
            rows += w->parts[i]->timeline->rows[k].metrics[SECOND_LATENCY].count;
        }
    }
    const struct metrics *m = &w->merged->report.outcome->metrics;
    assert_memory_equal(&m->histograms[METRIC_LATENCY], &sum->histograms[METRIC_LATENCY],
                        sizeof(struct histogram));
    assert_int_equal(m->requests, sum->requests);
    assert_int_equal(m->answered, sum->answered);
    assert_string_equal(w->merged->report.run, "a,b,c");
    const struct timeline *t = w->merged->timeline;
    for (size_t k = 0; k < t->count; k++) {
        assert_true(k == 0 || t->rows[k].from == t->rows[k - 1].to);
        answered += t->rows[k].answered;
        counted += t->rows[k].metrics[SECOND_LATENCY].count;
        started -= t->rows[k].started;
        failed -= t->rows[k].failed;
    }
    assert_int_equal(started, 0);
    assert_int_equal(failed, 0);
    assert_int_equal(counted, rows);
    assert_true(answered > 0);
    mem_free(sum);
}

static void what_is_invalid_on_one_machine_is_invalid(void **state)
{
    struct world *w = *state;
    add(w, (struct made_load){.id = "a", .seed = 1});
    add(w, (struct made_load){.id = "b", .seed = 2, .verdict = VERDICT_INVALID});
    assert_ok(load_merge(w->arena, w->parts, 2, &w->merged));
    assert_int_equal(w->merged->judgement.verdict, VERDICT_INVALID);
    assert_int_equal(w->merged->judgement.reason_count, w->parts[1]->judgement.reason_count);
    if (w->merged->judgement.reason_count)
        assert_memory_equal(w->merged->judgement.reasons[0], "b: ", 3);
}

static void refused(struct world *w, struct made_load how, const char *why)
{
    struct load_data *out = NULL;
    if (w->count == 0)
        add(w, (struct made_load){.id = "a", .seed = 1});
    w->count = 1;
    add(w, how);
    assert_false(result_ok(load_merge(w->arena, w->parts, 2, &out)));
    assert_non_null(strstr(error_last()->text, why));
    load_data_free(&w->parts[--w->count]);
}

static void what_is_not_one_load_is_not_added_up(void **state)
{
    struct world *w = *state;
    refused(w, (struct made_load){.id = "a"}, "counted twice");
    refused(w, (struct made_load){.id = "b", .seconds = 10}, "other times");
    refused(w, (struct made_load){.id = "b", .started = AT + 3600 * NS_PER_S}, "1h00m apart");
    refused(w, (struct made_load){.id = "b", .cut = true}, "incomplete");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_value_is_counted_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_invalid_on_one_machine_is_invalid, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_one_load_is_not_added_up, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
