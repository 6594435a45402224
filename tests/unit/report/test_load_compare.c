/*
 * Comparing loads: what is there is found and what is not is not, on latencies that follow each
 * other; what proves nothing and what is not alike is said; and the history of a name.
 */
#include <math.h>

#include "../record/fixture.h"
#include "../record/fixture_store.h"
#include "core/clock.h"
#include "core/memory.h"
#include "core/text.h"
#include "load_world.h"
#include "report/baseline.h"
#include "report/load_history.h"

struct world {
    struct arena *arena;
    char *folder;
    struct store *store;
    struct past past;
    int loads;
};

static int set_up(void **state)
{
    struct world *w = NEW(struct world);
    w->arena = arena_new();
    w->folder = fixture_folder();
    assert_ok(store_open(fixture_store(w->arena, w->folder), &w->store));
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    past_close(&w->past);
    store_close(w->store);
    fixture_remove(w->folder);
    arena_free(w->arena);
    mem_free(w);
    return 0;
}

/* Loads l1, l2, …, a minute apart. */
static void add(struct world *w, struct made_load how)
{
    how.id = arena_printf(w->arena, "l%d", ++w->loads);
    how.started = w->loads * 60 * NS_PER_S;
    how.seed = (uint64_t)w->loads;
    how.spread = how.spread > 0 ? how.spread : 0.1;
    how.seconds = how.seconds ? how.seconds : 10;
    assert_ok(made_load_store(w->store, &how));
}

static struct load_comparison *compared(struct world *w, const char *before, const char *after)
{
    struct compare_side a, b;
    struct load_comparison *c = NULL;
    if (!w->past.store)
        assert_ok(past_open(w->store, w->arena, &w->past));
    assert_ok(compare_side_find(&w->past, before, &a));
    assert_ok(compare_side_find(&w->past, after, &b));
    assert_ok(load_compare(&w->past, &a, &b, CHANGE_THRESHOLD, &c));
    return c;
}

static void assert_says(const struct world *w, const struct load_comparison *c, const char *what)
{
    const char *text = load_compare_text(w->arena, c, false);
    if (!strstr(text, what))
        fail_msg("\"%s\" is not in:\n%s", what, text);
}

static void a_load_that_is_slower_is_called_slower(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 8; i++)
        add(w, (struct made_load){.latency = 0.02});
    add(w, (struct made_load){.latency = 0.024});
    const struct load_comparison *c = compared(w, "l8", "l9");
    assert_true(c->conclusive);
    assert_int_equal(c->difference_count, 0);
    assert_int_equal(c->changes[FIGURE_LATENCY_P50].kind, CHANGE_SLOWER);
    assert_true(fabs(c->changes[FIGURE_LATENCY_P50].ratio - 1.2) < 0.02);
    assert_true(c->changes[FIGURE_LATENCY_P50].interval.low < 1.2);
    assert_true(c->changes[FIGURE_LATENCY_P50].interval.high > 1.2);
    assert_int_equal(c->changes[FIGURE_ANSWERS].kind, CHANGE_NONE);
    assert_int_equal(c->noise_loads, 7);
    assert_says(w, c, "slower");
    c = compared(w, "l9", "l8");
    assert_int_equal(c->changes[FIGURE_LATENCY_P50].kind, CHANGE_FASTER);
    assert_int_equal(c->worse, 0);
}

static void loads_that_are_alike_are_not_told_apart(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 6; i++)
        add(w, (struct made_load){.latency = 0.02, .memory = 0.9, .failed = 1});
    for (int i = 1; i < 6; i++) {
        const struct load_comparison *c =
            compared(w, arena_printf(w->arena, "l%d", i), arena_printf(w->arena, "l%d", i + 1));
        assert_int_equal(c->worse + c->better, 0);
    }
}

/* The same difference, of answers that come in long spells: independent ones would be sure. */
static void what_follows_each_other_counts_for_less(void **state)
{
    struct world *w = *state;
    struct load_figure apart[LOAD_FIGURES], together[LOAD_FIGURES];
    struct made_load how = {.id = "x", .latency = 0.02, .spread = 0.3, .started = 1};
    struct load_data *a = made_load_data(w->arena, &how);
    how.memory = 0.99;
    struct load_data *b = made_load_data(w->arena, &how);
    load_figures(a, apart);
    load_figures(b, together);
    load_data_free(&a);
    load_data_free(&b);
    assert_true(apart[FIGURE_LATENCY_P50].sure && together[FIGURE_LATENCY_P50].sure);
    assert_true(together[FIGURE_LATENCY_P50].variance > 10 * apart[FIGURE_LATENCY_P50].variance);
}

static void more_errors_are_worse(void **state)
{
    struct world *w = *state;
    add(w, (struct made_load){.latency = 0.02});
    add(w, (struct made_load){.latency = 0.02, .failed = 5});
    const struct load_comparison *c = compared(w, "l1", "l2");
    assert_int_equal(c->changes[FIGURE_ERRORS].kind, CHANGE_SLOWER);
    assert_says(w, c, "more errors");
}

/* A million errors are not counted one by one, and what an import says of them is not believed. */
static void many_errors_are_told_too(void **state)
{
    (void)state;
    struct load_figure a = {.seen = true, .sure = true, .value = 0.5, .hits = 5e8, .of = 1e9},
                       b = a;
    b.value = 0.51;
    b.hits = 5.1e8;
    struct load_change change = load_change_of(FIGURE_ERRORS, &a, &b, 0, 0, CHANGE_THRESHOLD);
    assert_int_equal(change.kind, CHANGE_SLOWER);
    change = load_change_of(FIGURE_ERRORS, &a, &a, 0, 0, CHANGE_THRESHOLD);
    assert_int_equal(change.kind, CHANGE_NONE);
}

static void what_cannot_be_read_does_not_hide_the_rest(void **state)
{
    struct world *w = *state;
    struct load_history *h = NULL;
    add(w, (struct made_load){.latency = 0.02});
    add(w, (struct made_load){.latency = 0.02});
    assert_ok(database_execute(store_database(w->store),
                               "UPDATE load SET outcome = 'bent' WHERE run = 1;"
                               "UPDATE load SET outcome = '{\"requests\":1,\"answered\":99,"
                               "\"measured_ns\":-5}' WHERE run = 2"));
    assert_ok(past_open(w->store, w->arena, &w->past));
    assert_ok(load_history_read(&w->past, slice_str(NULL), 0, CHANGE_THRESHOLD, &h));
    assert_string_equal(h->names[0].loads[0].seen.verdict, "unreadable");
    assert_non_null(strstr(load_history_text(w->arena, h, true, false), "unreadable"));
}

static void an_invalid_load_proves_nothing_and_that_is_said(void **state)
{
    struct world *w = *state;
    add(w, (struct made_load){.latency = 0.02});
    add(w, (struct made_load){.latency = 0.04, .verdict = VERDICT_INVALID});
    add(w, (struct made_load){.latency = 0.04, .cut = true});
    const struct load_comparison *c = compared(w, "l1", "l2");
    assert_false(c->conclusive);
    assert_int_equal(c->worse, 0);
    assert_int_equal(c->changes[FIGURE_LATENCY_P50].kind, CHANGE_UNCLEAR);
    assert_says(w, c, "after: load l2 is INVALID: a reason");
    assert_says(w, c, "nothing is concluded");
    c = compared(w, "l1", "l3");
    assert_false(c->conclusive);
    assert_false(c->changes[FIGURE_LATENCY_P50].seen);
    assert_says(w, c, "incomplete");
}

static void loads_that_are_not_alike_are_named_first(void **state)
{
    struct world *w = *state;
    add(w, (struct made_load){.latency = 0.02});
    add(w, (struct made_load){.latency = 0.02, .rate = 200, .url = "http://127.0.0.2/"});
    const struct load_comparison *c = compared(w, "l1", "l2");
    assert_int_equal(c->difference_count, 2);
    assert_string_equal(c->differences[0].what, "plan.url");
    assert_string_equal(c->differences[1].what, "plan.stages");
    assert_says(w, c, "not alike");
    assert_int_equal(c->noise_loads, 0);
}

static void a_baseline_is_a_side(void **state)
{
    struct world *w = *state;
    add(w, (struct made_load){.latency = 0.02});
    add(w, (struct made_load){.latency = 0.02});
    assert_ok(baseline_set(w->store, SLICE("main"), 1, 1));
    const struct load_comparison *c = compared(w, "main", "last");
    assert_int_equal(c->before.runs[0], 0);
    assert_int_equal(c->after.runs[0], 1);
    struct compare_side side, earlier;
    assert_ok(compare_side_find(&w->past, "last", &side));
    assert_ok(load_compare_earlier(&w->past, &side, &earlier));
    assert_int_equal(earlier.runs[0], 0);
    assert_int_equal(load_compare_earlier(&w->past, &earlier, &side).code, ERR_NOT_FOUND);
}

static void history_says_since_when_a_load_is_slower(void **state)
{
    struct world *w = *state;
    struct load_history *h = NULL;
    for (int i = 0; i < 12; i++)
        add(w, (struct made_load){.latency = i < 7 ? 0.02 : 0.023,
                                  .verdict = i == 3 ? VERDICT_INVALID : VERDICT_PASSED});
    add(w, (struct made_load){.latency = 0.02, .name = "other"});
    assert_ok(past_open(w->store, w->arena, &w->past));
    assert_ok(load_history_read(&w->past, SLICE("steady"), 0, CHANGE_THRESHOLD, &h));
    assert_int_equal(h->count, 1);
    const struct load_history_name *n = &h->names[0];
    const struct load_history_figure *f = &n->figures[FIGURE_LATENCY_P50];
    assert_int_equal(n->count, 12);
    assert_int_equal(f->count, 11); /* the invalid one does not count */
    assert_int_equal(f->since, 7);
    assert_int_equal(f->change.kind, CHANGE_SLOWER);
    assert_true(fabs(f->change.ratio - 1.15) < 0.02);
    assert_int_equal(n->figures[FIGURE_ANSWERS].since, -1);
    assert_non_null(strstr(load_history_text(w->arena, h, true, false), "slower since l8"));
    assert_ok(load_history_read(&w->past, slice_str(NULL), 0, CHANGE_THRESHOLD, &h));
    assert_int_equal(h->count, 2);
    assert_int_equal(load_history_read(&w->past, SLICE("none"), 0, CHANGE_THRESHOLD, &h).code,
                     ERR_NOT_FOUND);
}

/* Few enough of these to be quick; bench/load/compare.c has the figures of the docs. */
static void alarms_are_false_seldom_and_great_changes_are_found(void **state)
{
    struct world *w = *state;
    int false_alarms = 0, found = 0;
    for (uint64_t i = 0; i < 40; i++) {
        struct load_figure figures[3][LOAD_FIGURES];
        for (uint64_t k = 0; k < 3; k++) {
            struct made_load how = {.id = "x",
                                    .started = 1,
                                    .latency = k == 2 ? 0.0225 : 0.02,
                                    .spread = 0.2,
                                    .memory = 0.5,
                                    .seconds = 20,
                                    .seed = 3 * i + k};
            struct load_data *data = made_load_data(w->arena, &how);
            load_figures(data, figures[k]);
            load_data_free(&data);
        }
        struct load_change none =
            load_change_of(FIGURE_LATENCY_P50, &figures[0][FIGURE_LATENCY_P50],
                           &figures[1][FIGURE_LATENCY_P50], 0.005, 10, CHANGE_THRESHOLD);
        struct load_change slower =
            load_change_of(FIGURE_LATENCY_P50, &figures[0][FIGURE_LATENCY_P50],
                           &figures[2][FIGURE_LATENCY_P50], 0.005, 10, CHANGE_THRESHOLD);
        false_alarms += none.kind == CHANGE_SLOWER || none.kind == CHANGE_FASTER;
        found += slower.kind == CHANGE_SLOWER;
    }
    assert_in_range(false_alarms, 0, 1);
    assert_in_range(found, 36, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        TEST(a_load_that_is_slower_is_called_slower),
        TEST(loads_that_are_alike_are_not_told_apart),
        TEST(what_follows_each_other_counts_for_less),
        TEST(more_errors_are_worse),
        TEST(many_errors_are_told_too),
        TEST(what_cannot_be_read_does_not_hide_the_rest),
        TEST(an_invalid_load_proves_nothing_and_that_is_said),
        TEST(loads_that_are_not_alike_are_named_first),
        TEST(a_baseline_is_a_side),
        TEST(history_says_since_when_a_load_is_slower),
        TEST(alarms_are_false_seldom_and_great_changes_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
