/*
 * Runs read back from a store for reports: what was recorded is there, and only failures cost more
 * than a few numbers.
 */
#include "../record/fixture_store.h"

#include "core/clock.h"
#include "core/limits.h"
#include "record/database.h"
#include "report/run_data.h"

struct recorded {
    char *folder;
    struct arena *arena;
    struct store *store;
};

static struct recorded store_new(void)
{
    struct recorded r = {.folder = fixture_folder(), .arena = arena_new()};
    assert_ok(store_open(fixture_store(r.arena, r.folder), &r.store));
    return r;
}

static void store_done(struct recorded *r)
{
    store_close(r->store);
    arena_free(r->arena);
    fixture_remove(r->folder);
}

/* A run with these results, begun a minute after the one before. */
static void record(struct recorded *r, const char *id, struct case_result **results, size_t count)
{
    static int64_t minutes;
    struct run_info run = fixture_run(r->arena);
    struct planned_case planned[64];
    run.id = slice_str(id);
    run.started_wall += 60 * NS_PER_S * ++minutes;
    for (size_t i = 0; i < count; i++)
        planned[i] = fixture_planned(results[i]);
    assert_ok(store_begin(r->store, &run, planned, count));
    assert_ok(store_results(r->store, run.id, (const struct case_result *const *)results, count));
    memset(run.counts, 0, sizeof(run.counts));
    for (size_t i = 0; i < count; i++)
        run_count(&run, results[i]);
    assert_ok(store_end(r->store, &run));
}

static void free_all(struct case_result **results, size_t count)
{
    for (size_t i = 0; i < count; i++)
        arena_free(results[i]->arena);
}

static struct run_data *load(struct recorded *r, const char *const *ids, size_t count)
{
    struct slice wanted[8];
    struct run_data *data = NULL;
    for (size_t i = 0; i < count; i++)
        wanted[i] = slice_str(ids[i]);
    assert_ok(run_data_load(r->store, r->arena, wanted, count, &data));
    return data;
}

#define LOAD(recorded, ...)                                                                        \
    load(recorded, (const char *const[]){__VA_ARGS__},                                             \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void a_run_is_read_as_it_was_recorded(void **state)
{
    (void)state;
    struct recorded r = store_new();
    struct case_result *results[FIXTURE_CASES];
    static const struct slice gpu = SLICE("gpu"), service = SLICE("worker");
    for (size_t i = 0; i < FIXTURE_CASES; i++)
        results[i] = fixture_case(i);
    results[0]->uses = &gpu;
    results[0]->services = &service;
    results[0]->use_count = results[0]->service_count = 1;
    results[0]->held_by = SLICE("resource gpu");
    record(&r, "20261121-101530-4f2a", results, FIXTURE_CASES);

    struct run_data *data = LOAD(&r, "last");
    assert_int_equal(data->run_count, 1);
    assert_int_equal(data->count, FIXTURE_CASES);
    assert_int_equal(data->definition_count, FIXTURE_CASES);
    for (size_t i = 0; i < FIXTURE_CASES; i++) {
        const struct case_outcome *c = &data->cases[i];
        assert_true(slice_eq(c->definition->key, results[i]->key));
        assert_true(slice_eq(c->definition->suite, results[i]->suite));
        assert_true(slice_eq(c->definition->model, results[i]->model));
        assert_int_equal(c->definition->tag_count, results[i]->tag_count);
        assert_int_equal(c->status, results[i]->status);
        assert_int_equal(c->flags, results[i]->flags);
        assert_int_equal(c->duration, results[i]->duration);
        assert_int_equal(c->queued, results[i]->queued);
        assert_int_equal(c->slot, results[i]->slot);
        bool told = outcome_is_bad(c) || c->flags & (CASE_FLAKY | CASE_LEAKY);
        assert_int_equal(c->detail != NULL, told);
        if (told)
            assert_true(slice_eq(c->detail->rerun, results[i]->status == CASE_PASSED
                                                       ? (struct slice){0}
                                                       : results[i]->rerun));
    }
    const struct case_outcome *first = &data->cases[0];
    assert_int_equal(first->definition->use_count, 1);
    assert_true(slice_is(first->definition->uses[0], "gpu"));
    assert_true(slice_is(first->definition->services[0], "worker"));
    assert_true(slice_is(data->waits[first->held_by], "resource gpu"));
    assert_true(data->check_count > 0);
    free_all(results, FIXTURE_CASES);
    store_done(&r);
}

static void an_anomaly_is_of_a_subject_and_a_bottleneck_is_none(void **state)
{
    (void)state;
    struct recorded r = store_new();
    struct case_result *results[] = {fixture_passed("s", "a", 1000)};
    record(&r, "20261121-101530-4f2a", results, 1);
    assert_ok(database_execute(store_database(r.store),
                               "INSERT INTO subject (run, subject, name, instance, pid)"
                               " VALUES (1, 1, 'worker', 1, 7);"
                               "INSERT INTO anomaly (run, position, kind, subject, started, ended,"
                               " text) VALUES (1, 1, 'memory', 1, 10, 20, 'it grew'),"
                               " (1, 2, 'bottleneck', 0, 0, 30, 'jobs')"));
    struct run_data *data = LOAD(&r, "last");
    assert_int_equal(data->anomaly_count, 1);
    assert_true(slice_is(data->anomalies[0].kind, "memory"));
    assert_true(slice_is(data->anomalies[0].subject, "worker"));
    assert_true(slice_is(data->anomalies[0].text, "it grew"));
    assert_int_equal(data->anomalies[0].started, 10);
    assert_int_equal(data->anomalies[0].ended, 20);
    free_all(results, 1);
    store_done(&r);
}

static void what_services_did_is_read_in_the_order_of_time(void **state)
{
    (void)state;
    struct recorded r = store_new();
    struct case_result *results[] = {fixture_passed("s", "a", 1000)};
    record(&r, "20261121-101530-4f2a", results, 1);
    const struct event events[] = {
        {.kind = EVENT_SERVICE,
         .at_wall = 10,
         .service = {.name = SLICE("worker"), .state = SLICE("ready"), .pid = 7, .exit_code = -1}},
        {.kind = EVENT_SERVICE,
         .at_wall = 20,
         .service = {.name = SLICE("worker"),
                     .state = SLICE("died"),
                     .detail = SLICE("gone"),
                     .instance = 1,
                     .signal = 9,
                     .exit_code = -1,
                     .log = SLICE("last words")}},
    };
    assert_ok(store_events(r.store, SLICE("20261121-101530-4f2a"),
                           (const struct event *const[]){&events[0], &events[1]}, 2));
    struct run_data *data = LOAD(&r, "last");
    assert_int_equal(data->change_count, 2);
    assert_true(slice_is(data->changes[0].state, "ready"));
    assert_int_equal(data->changes[0].pid, 7);
    assert_true(slice_is(data->changes[1].state, "died"));
    assert_int_equal(data->changes[1].signal, 9);
    assert_int_equal(data->changes[1].at, 20);
    assert_true(slice_is(data->changes[1].log, "last words"));
    free_all(results, 1);
    store_done(&r);
}

static void several_runs_are_read_into_one(void **state)
{
    (void)state;
    struct recorded r = store_new();
    struct case_result *first[] = {fixture_passed("s", "a", 1000), fixture_passed("s", "b", 1000)};
    struct case_result *second[] = {fixture_passed("s", "b", 3000), fixture_passed("s", "c", 1000)};
    record(&r, "20261121-101530-0001", first, 2);
    record(&r, "20261121-101530-0002", second, 2);
    struct run_data *data = LOAD(&r, "20261121-101530-0001", "20261121-101530-0002");
    assert_int_equal(data->run_count, 2);
    assert_int_equal(data->count, 4);
    assert_int_equal(data->definition_count, 3);
    assert_ptr_equal(data->cases[1].definition, data->cases[2].definition);
    assert_int_equal(data->cases[1].definition->passed, 2);
    assert_int_equal(data->cases[1].run, 0);
    assert_int_equal(data->cases[2].run, 1);
    free_all(first, 2);
    free_all(second, 2);
    store_done(&r);
}

static struct case_result *failed(const char *id)
{
    struct case_result *r = fixture_passed("s", id, 1000);
    r->status = CASE_FAILED;
    return r;
}

static void the_past_of_a_failure_is_known(void **state)
{
    (void)state;
    struct recorded r = store_new();
    struct case_result *runs[] = {failed("a"), fixture_passed("s", "a", 5000),
                                  fixture_passed("s", "a", 7000), failed("a"), failed("a")};
    static const char *const ids[] = {"20261121-101530-0001", "20261121-101530-0002",
                                      "20261121-101530-0003", "20261121-101530-0004",
                                      "20261121-101530-0005"};
    for (size_t i = 0; i < 5; i++)
        record(&r, ids[i], &runs[i], 1);
    struct run_data *data = LOAD(&r, "last");
    const struct case_past *past = data->cases[0].past;
    assert_non_null(past);
    assert_int_equal(past->passed, 2);
    assert_int_equal(past->failed, 2);
    assert_int_equal(past->failing, 1);
    assert_true(slice_is(past->last_good, ids[2]));
    assert_true(slice_is(past->first_bad, ids[3]));
    assert_int_equal(past->longest, 7000);
    assert_true(slice_is(past->last_version, "0.1.0"));
    data = LOAD(&r, ids[0]);
    assert_int_equal(data->cases[0].past->passed, 0); /* what came later is not its past */
    assert_int_equal(data->cases[0].past->last_good.len, 0);
    free_all(runs, 5);
    store_done(&r);
}

static void of_many_failures_only_some_are_kept_whole(void **state)
{
    (void)state;
    struct recorded r = store_new();
    enum { MANY = LIMIT_REPORT_DETAILS + 5 };
    static struct case_result *results[MANY];
    struct run_info run = fixture_run(r.arena);
    assert_ok(store_begin(r.store, &run, NULL, 0));
    for (size_t i = 0; i < MANY; i++)
        results[i] = failed(arena_printf(r.arena, "case %zu", i));
    assert_ok(store_results(r.store, run.id, (const struct case_result *const *)results, MANY));
    struct run_data *data = LOAD(&r, "last");
    size_t kept = 0;
    for (size_t i = 0; i < data->count; i++)
        kept += data->cases[i].detail != NULL;
    assert_int_equal(data->count, MANY);
    assert_int_equal(kept, LIMIT_REPORT_DETAILS);
    free_all(results, MANY);
    store_done(&r);
}

static void a_run_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    struct recorded r = store_new();
    struct slice wanted = SLICE("2027");
    struct run_data *data = NULL;
    assert_int_equal(run_data_load(r.store, r.arena, &wanted, 1, &data).code, ERR_NOT_FOUND);
    store_done(&r);
}

static void a_run_without_results_is_read(void **state)
{
    (void)state;
    struct recorded r = store_new();
    record(&r, "20261121-101530-0001", NULL, 0);
    struct run_data *data = LOAD(&r, "last");
    assert_int_equal(data->count, 0);
    assert_int_equal(data->definition_count, 0);
    store_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_is_read_as_it_was_recorded),
        cmocka_unit_test(an_anomaly_is_of_a_subject_and_a_bottleneck_is_none),
        cmocka_unit_test(what_services_did_is_read_in_the_order_of_time),
        cmocka_unit_test(several_runs_are_read_into_one),
        cmocka_unit_test(the_past_of_a_failure_is_known),
        cmocka_unit_test(of_many_failures_only_some_are_kept_whole),
        cmocka_unit_test(a_run_that_is_not_there_is_an_error),
        cmocka_unit_test(a_run_without_results_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
