/*
 * Loads in the store: what is read is what was recorded, also of a load that was killed, and after
 * an export and an import; prune takes all of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../record/fixture.h"
#include "../record/fixture_store.h"
#include "core/clock.h"
#include "core/memory.h"
#include "core/text.h"
#include "load_world.h"
#include "record/store_admin.h"

struct world {
    struct arena *arena;
    char *folder;
    struct store *store;
    struct load_data *loads[8]; /* to be freed */
    size_t count;
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
    for (size_t i = 0; i < w->count; i++)
        load_data_free(&w->loads[i]);
    store_close(w->store);
    fixture_remove(w->folder);
    arena_free(w->arena);
    mem_free(w);
    return 0;
}

static const char *shown(struct arena *arena, const struct load_data *d)
{
    struct text t = text_in(arena);
    print_plan(&t, d->report.plan);
    if (d->ended)
        print_report(&t, &d->report, false);
    return text_str(&t);
}

static struct load_data *reading(struct world *w, struct store *store, const char *id)
{
    struct run_info run;
    struct load_data *d = NULL;
    assert_ok(store_find(store, w->arena, slice_str(id), &run));
    assert_true(run.load);
    assert_ok(load_data_read(store, w->arena, &run, &d));
    return w->loads[w->count++] = d;
}

static const struct made_load some = {.id = "20261121-100000-0001",
                                      .started = 1000 * NS_PER_S,
                                      .latency = 0.02,
                                      .spread = 0.3,
                                      .failed = 2,
                                      .seconds = 3};

static void a_load_comes_back_as_it_was_shown_at_its_end(void **state)
{
    struct world *w = *state;
    assert_ok(made_load_store(w->store, &some));
    const struct load_data *made = w->loads[w->count++] = made_load_data(w->arena, &some);
    const struct load_data *back = reading(w, w->store, some.id);
    assert_string_equal(shown(w->arena, made), shown(w->arena, back));
    assert_true(strstr(shown(w->arena, back), "timeout") != NULL);
    assert_int_equal(back->timeline->count, 3);
    assert_int_equal(back->run.exit_status, 0);
    struct text before = text_in(w->arena), after = text_in(w->arena);
    print_csv(&before, &made->report);
    print_csv(&after, &back->report);
    assert_string_equal(text_str(&before), text_str(&after));
    assert_null(load_data_disbelief(w->arena, back));
}

static void a_load_that_was_killed_is_incomplete_and_has_its_seconds(void **state)
{
    struct world *w = *state;
    struct made_load cut = some;
    cut.cut = true;
    assert_ok(made_load_store(w->store, &cut));
    const struct load_data *back = reading(w, w->store, some.id);
    assert_false(back->ended);
    assert_int_equal(back->run.exit_status, -1);
    assert_int_equal(back->timeline->count, 3);
    assert_true(strstr(load_data_disbelief(w->arena, back), "incomplete") != NULL);
}

static void an_invalid_load_keeps_its_reasons(void **state)
{
    struct world *w = *state;
    struct made_load invalid = some;
    invalid.verdict = VERDICT_INVALID;
    assert_ok(made_load_store(w->store, &invalid));
    const struct load_data *back = reading(w, w->store, some.id);
    assert_string_equal(load_data_disbelief(w->arena, back), "is INVALID: a reason");
}

static void a_copy_of_a_store_has_the_same_loads(void **state)
{
    struct world *w = *state;
    char *data = NULL;
    size_t length = 0;
    struct store_copy copied;
    struct store *copy = NULL;
    assert_ok(made_load_store(w->store, &some));
    FILE *file = open_memstream(&data, &length);
    assert_ok(store_export(w->store, NULL, 0, file, &copied));
    fclose(file);
    assert_ok(store_open(ON_POSTGRESQL ? fixture_store(w->arena, w->folder)
                                       : fixture_path(w->arena, w->folder, "copy.db"),
                         &copy));
    file = fmemopen(data, length, "r");
    assert_ok(store_import(copy, file, "export", &copied));
    fclose(file);
    assert_int_equal(copied.runs, 1);
    assert_string_equal(shown(w->arena, reading(w, w->store, some.id)),
                        shown(w->arena, reading(w, copy, some.id)));
    store_close(copy);
    free(data);
}

static void prune_leaves_nothing_of_a_load(void **state)
{
    struct world *w = *state;
    struct store_prune which = {.runs = (const char *const[]){some.id}, .run_count = 1};
    struct store_pruned pruned;
    struct database *db = store_database(w->store);
    assert_ok(made_load_store(w->store, &some));
    assert_int_equal(fixture_number(db, "SELECT count(*) FROM load_second"), 3);
    assert_ok(store_prune(w->store, w->arena, &which, &pruned));
    assert_int_equal(fixture_number(db, "SELECT (SELECT count(*) FROM load) + (SELECT count(*) FROM"
                                        " load_metric) + (SELECT count(*) FROM load_failure) +"
                                        " (SELECT count(*) FROM load_second)"),
                     0);
}

static void what_cannot_be_read_is_told_with_the_run(void **state)
{
    struct world *w = *state;
    struct run_info run;
    struct load_data *d = NULL;
    assert_ok(made_load_store(w->store, &some));
    assert_ok(database_execute(store_database(w->store),
                               "UPDATE load_metric SET histogram = 'bent' WHERE metric = 'ttft'"));
    assert_ok(store_find(w->store, w->arena, slice_str(some.id), &run));
    assert_int_equal(load_data_read(w->store, w->arena, &run, &d).code, ERR_STORE);
    assert_true(strstr(error_last()->text, some.id) != NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        TEST(a_load_comes_back_as_it_was_shown_at_its_end),
        TEST(a_load_that_was_killed_is_incomplete_and_has_its_seconds),
        TEST(an_invalid_load_keeps_its_reasons),
        TEST(a_copy_of_a_store_has_the_same_loads),
        TEST(prune_leaves_nothing_of_a_load),
        TEST(what_cannot_be_read_is_told_with_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
