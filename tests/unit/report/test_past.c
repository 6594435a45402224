/*
 * Reading the past: the right time of a result, the right results of a case, runs and cases by what
 * people call them; baselines, quarantine and predictions beside them. On each kind of store.
 */
#include "../record/fixture_store.h"

#include <math.h>

#include "core/clock.h"
#include "core/memory.h"
#include "report/baseline.h"
#include "report/compare.h"
#include "report/predict.h"
#include "report/quarantine.h"

struct world {
    struct arena *arena;
    char *folder;
    struct store *store;
    struct past past;
    int runs;
    int64_t started; /* of the next run; 0: as the fixture has it */
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
    store_close(w->store);
    fixture_remove(w->folder);
    arena_free(w->arena);
    mem_free(w);
    return 0;
}

/* A result whose steps are written as digits of milliseconds, trials apart with blanks and attempts
   with slashes; the first token of each step is half of it. */
static struct case_result *result(struct world *w, const char *suite, const char *id,
                                  enum case_status status, const char *steps)
{
    struct case_result *r = ARENA_NEW(w->arena, struct case_result);
    struct attempt_result *attempt = ARENA_NEW(w->arena, struct attempt_result);
    struct step_result *last = NULL;
    uint32_t trial = 0, index = 0;
    *r = (struct case_result){
        .arena = w->arena,
        .key = slice_str(arena_printf(w->arena, "%s/%s", suite, id)),
        .suite = slice_str(suite),
        .id = slice_str(id),
        .file = SLICE("x.json"),
        .status = status,
        .started_wall = 1,
        .attempts = attempt,
    };
    *attempt = (struct attempt_result){.number = 1, .status = status, .trials = 1};
    for (; *steps; steps++) {
        if (*steps == '/') {
            attempt->next = ARENA_NEW(w->arena, struct attempt_result);
            attempt = attempt->next;
            *attempt = (struct attempt_result){.number = 2, .status = status, .trials = 1};
            last = NULL;
            r->flags = status == CASE_PASSED ? CASE_FLAKY : 0;
        }
        if (*steps == '/' || *steps == ' ') {
            trial = *steps == ' ' ? trial + 1 : 0;
            index = 0;
            continue;
        }
        int64_t duration = (*steps - '0') * NS_PER_MS;
        struct step_result *step = ARENA_NEW(w->arena, struct step_result);
        *step = (struct step_result){
            .name = SLICE("s"),
            .kind = SLICE("exec"),
            .trial = trial,
            .index = index++,
            .duration = duration,
            .first_token = duration / 2,
        };
        if (last)
            last->next = step;
        else
            attempt->steps = step;
        last = step;
    }
    return r;
}

/* A run of its own for these results: r1, r2, …; on `host`. */
static void record_on(struct world *w, const char *host, struct case_result **results, size_t count)
{
    struct run_info run = fixture_run(w->arena);
    struct planned_case planned[8];
    run.id = slice_str(arena_printf(w->arena, "r%d", ++w->runs));
    run.host = slice_str(host);
    run.started_wall = w->started ? w->started : run.started_wall;
    run.machine = SLICE("{\"revision\":\"abc\"}");
    for (size_t i = 0; i < count; i++)
        planned[i] = fixture_planned(results[i]);
    assert_ok(store_begin(w->store, &run, planned, count));
    assert_ok(store_results(w->store, run.id, (const struct case_result *const *)results, count));
    run.exit_status = 0;
    assert_ok(store_end(w->store, &run));
}

static void record(struct world *w, struct case_result *one)
{
    record_on(w, "here", &one, 1);
}

static struct past_result *results_of(struct world *w, const char *key, size_t limit, size_t *count)
{
    struct past_case found;
    struct past_result *results;
    assert_ok(past_find_case(&w->past, slice_str(key), &found));
    assert_ok(past_results(&w->past, found.number, (uint32_t)w->past.run_count - 1, limit, &results,
                           count));
    return results;
}

static void a_time_is_that_of_the_last_attempt_and_the_median_trial(void **state)
{
    struct world *w = *state;
    size_t count;
    record(w, result(w, "s", "a", CASE_PASSED, "12"));     /* two steps: 3 ms */
    record(w, result(w, "s", "a", CASE_PASSED, "9/4"));    /* a retry: 4 ms */
    record(w, result(w, "s", "a", CASE_PASSED, "2 11 7")); /* trials of 2, 2 and 7 ms */
    record(w, result(w, "s", "a", CASE_FAILED, "1"));      /* failed: no time */
    record(w, result(w, "s", "a", CASE_SKIPPED, ""));      /* says nothing */
    assert_ok(past_open(w->store, w->arena, &w->past));
    struct past_result *r = results_of(w, "s/a", 10, &count);
    assert_int_equal(count, 4);
    assert_true(r[0].metrics[PAST_TIME] == 3e6);
    assert_true(r[0].metrics[PAST_FIRST_TOKEN] == 0.75e6); /* of 0.5 and 1 ms */
    assert_true(r[1].metrics[PAST_TIME] == 4e6);
    assert_true(r[1].flags & CASE_FLAKY);
    assert_true(r[2].metrics[PAST_TIME] == 2e6);
    assert_int_equal(r[3].status, CASE_FAILED);
    assert_true(isnan(r[3].metrics[PAST_TIME]));
    r = results_of(w, "s/a", 2, &count);
    assert_int_equal(count, 2);
    assert_int_equal(r[1].status, CASE_FAILED);
    assert_true(r[0].metrics[PAST_TIME] == 2e6);
    past_close(&w->past);
}

/* The numbers of runs are in the order of import; what counts is when runs began. */
static void runs_that_were_imported_later_count_by_when_they_began(void **state)
{
    struct world *w = *state;
    static const struct {
        int64_t started;
        enum case_status status;
        const char *steps;
    } made[] = {{4000, CASE_PASSED, "4"},
                {1000, CASE_PASSED, "1"},
                {3000, CASE_FAILED, "3"},
                {2000, CASE_PASSED, "2"}};
    static const char *const in_order[] = {"r2", "r4", "r3", "r1"};
    struct past_place place;
    enum case_status before = CASE_ERROR;
    struct prediction *p;
    size_t count;
    for (size_t i = 0; i < 4; i++) {
        w->started = made[i].started;
        record(w, result(w, "s", "a", made[i].status, made[i].steps));
    }
    assert_ok(past_open(w->store, w->arena, &w->past));
    struct past_result *r = results_of(w, "s/a", 10, &count);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_true(slice_is(w->past.runs[r[i].run].id, in_order[i]));
    assert_true(r[0].metrics[PAST_TIME] == 1e6 && r[1].metrics[PAST_TIME] == 2e6);
    assert_int_equal(r[2].status, CASE_FAILED);
    assert_true(r[3].metrics[PAST_TIME] == 4e6);
    r = results_of(w, "s/a", 2, &count);
    assert_int_equal(count, 2);
    assert_int_equal(r[0].status, CASE_FAILED);
    assert_ok(past_find_run(&w->past, SLICE("last~1"), &place));
    assert_true(slice_is(past_run_at(&w->past, place)->id, "r3"));
    assert_ok(predict(&w->past, &p));
    past_close(&w->past);
    assert_true(store_status_before(w->store, SLICE("r1"), SLICE("s/a"), &before));
    assert_int_equal(before, CASE_FAILED);
    assert_true(store_status_before(w->store, SLICE("r3"), SLICE("s/a"), &before));
    assert_int_equal(before, CASE_PASSED);
    assert_false(store_status_before(w->store, SLICE("r2"), SLICE("s/a"), &before));
}

static void runs_and_cases_are_found_by_what_people_call_them(void **state)
{
    struct world *w = *state;
    struct past_case found;
    struct past_place run = {true, 99};
    struct case_result *both[] = {result(w, "s", "a", CASE_PASSED, "1"),
                                  result(w, "t", "a", CASE_PASSED, "1")};
    record_on(w, "here", both, 2);
    record(w, result(w, "t", "b", CASE_PASSED, "1"));
    record(w, result(w, "t", "b", CASE_PASSED, "1"));
    assert_ok(past_open(w->store, w->arena, &w->past));
    assert_true(slice_is(w->past.runs[0].revision, "abc"));
    assert_ok(past_find_run(&w->past, SLICE("last"), &run));
    assert_int_equal(run.index, 2);
    assert_false(run.load);
    assert_ok(past_find_run(&w->past, SLICE("last~2"), &run));
    assert_int_equal(run.index, 0);
    assert_ok(past_find_run(&w->past, SLICE("r2"), &run));
    assert_int_equal(run.index, 1);
    assert_int_equal(past_find_run(&w->past, SLICE("last~3"), &run).code, ERR_NOT_FOUND);
    assert_int_equal(past_find_run(&w->past, SLICE("last~-1"), &run).code, ERR_USAGE);
    assert_ok(past_find_case(&w->past, SLICE("b"), &found));
    assert_true(slice_is(found.key, "t/b"));
    assert_int_equal(past_find_case(&w->past, SLICE("a"), &found).code, ERR_USAGE);
    assert_ok(past_find_case(&w->past, SLICE("t/a"), &found));
    assert_int_equal(past_find_case(&w->past, SLICE("c"), &found).code, ERR_NOT_FOUND);
    past_close(&w->past);
}

static struct comparison *compare(struct world *w, const char *a, const char *b)
{
    struct compare_side before, after;
    struct comparison *c = NULL;
    assert_ok(past_open(w->store, w->arena, &w->past));
    assert_ok(compare_side_find(&w->past, a, &before));
    assert_ok(compare_side_find(&w->past, b, &after));
    assert_ok(compare_sides(&w->past, &before, &after, CHANGE_THRESHOLD, clock_wall(), &c));
    past_close(&w->past);
    return c;
}

static void a_side_of_one_run_takes_the_results_before_it_along(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 8; i++)
        record(w, result(w, "s", "a", CASE_PASSED, i % 2 ? "44" : "43"));
    for (int i = 0; i < 4; i++)
        record(w, result(w, "s", "a", CASE_PASSED, i % 2 ? "55" : "54"));
    struct comparison *c = compare(w, "r8", "last");
    const struct compared_metric *m = &c->cases[0].metrics[PAST_TIME];
    assert_int_equal(m->change.before, 8);
    assert_int_equal(m->change.after, 4);
    assert_int_equal(m->kind, CHANGE_UNCLEAR); /* ties: the normal approximation is not so sure */
    c = compare(w, "r1,r2", "r11,r12");
    assert_int_equal(c->cases[0].metrics[PAST_TIME].change.before, 2);
    assert_int_equal(c->cases[0].metrics[PAST_TIME].kind, CHANGE_UNKNOWN);
    assert_int_equal(c->unknown, 1);
    assert_false(compare_worse(c));
}

static void times_of_another_host_are_not_compared(void **state)
{
    struct world *w = *state;
    struct case_result *slow = result(w, "s", "a", CASE_PASSED, "9");
    for (int i = 0; i < 6; i++)
        record(w, result(w, "s", "a", CASE_PASSED, "1"));
    for (int i = 0; i < 6; i++)
        record_on(w, "elsewhere", &slow, 1);
    struct comparison *c = compare(w, "r6", "r12");
    assert_true(c->other_host);
    assert_int_equal(c->slower, 0);
    assert_int_equal(c->kinds[COMPARED_UNCHANGED], 1);
}

static void what_is_in_quarantine_breaks_nothing_until_it_expires(void **state)
{
    struct world *w = *state;
    struct quarantined *list, entry = {.owner = SLICE("ann"), .reason = SLICE("bug 42")};
    struct past_case found;
    size_t count;
    record(w, result(w, "s", "a", CASE_PASSED, "1"));
    record(w, result(w, "s", "a", CASE_FAILED, "1"));
    assert_true(compare_worse(compare(w, "r1", "r2")));
    assert_ok(past_open(w->store, w->arena, &w->past));
    assert_ok(past_find_case(&w->past, SLICE("a"), &found));
    past_close(&w->past);
    entry.test_case = found.number;
    entry.since = clock_wall();
    entry.expires = entry.since + 3600 * NS_PER_S;
    assert_ok(quarantine_add(w->store, &entry));
    struct comparison *c = compare(w, "r1", "r2");
    assert_false(compare_worse(c));
    assert_int_equal(c->kinds[COMPARED_BROKE], 1); /* and is shown all the same */
    entry.expires = entry.since - 1;
    assert_ok(quarantine_add(w->store, &entry)); /* in place of the other */
    assert_ok(quarantine_list(w->store, w->arena, &list, &count));
    assert_int_equal(count, 1);
    assert_true(slice_is(list[0].owner, "ann") && slice_is(list[0].key, "s/a"));
    assert_null(quarantine_holds(list, count, SLICE("s/a"), entry.since));
    assert_true(compare_worse(compare(w, "r1", "r2")));
    assert_ok(quarantine_remove(w->store, found.number, found.key));
    assert_int_equal(quarantine_remove(w->store, found.number, found.key).code, ERR_NOT_FOUND);
}

static void a_poisoned_baseline_says_so_until_it_is_set_again(void **state)
{
    struct world *w = *state;
    const struct baseline *found;
    record(w, result(w, "s", "a", CASE_PASSED, "1"));
    record(w, result(w, "s", "a", CASE_PASSED, "1"));
    assert_ok(past_open(w->store, w->arena, &w->past));
    int64_t first = w->past.runs[0].number;
    past_close(&w->past);
    assert_ok(baseline_set(w->store, SLICE("main"), first, 5));
    assert_ok(baseline_poison(w->store, SLICE("main"), SLICE("a backup ran")));
    struct comparison *c = compare(w, "main", "last");
    assert_string_equal(c->before.poisoned, "baseline \"main\" is poisoned: a backup ran");
    assert_ok(baseline_set(w->store, SLICE("main"), first, 6));
    assert_null(compare(w, "main", "last")->before.poisoned);
    assert_ok(baseline_find(w->store, w->arena, SLICE("main"), &found));
    assert_true(slice_is(found->run, "r1") && found->pinned == 6);
    assert_int_equal(baseline_set(w->store, SLICE("last"), first, 7).code, ERR_USAGE);
    assert_int_equal(baseline_set(w->store, SLICE("a b"), first, 7).code, ERR_USAGE);
    assert_ok(baseline_remove(w->store, SLICE("main")));
    assert_int_equal(baseline_remove(w->store, SLICE("main")).code, ERR_NOT_FOUND);
    assert_int_equal(baseline_poison(w->store, SLICE("main"), SLICE("x")).code, ERR_NOT_FOUND);
}

/* `wobbles` fails every other run, so that what failed last time is just what passes now. */
static void what_learning_sees_and_the_plain_rule_does_not_is_used(void **state)
{
    struct world *w = *state;
    struct prediction *p;
    for (int i = 0; i < 60; i++) {
        struct case_result *three[] = {
            result(w, "s", "steady", CASE_PASSED, "1"),
            result(w, "s", "wobbles", i % 2 ? CASE_FAILED : CASE_PASSED, "1"),
            result(w, "s", "other", CASE_PASSED, "1")};
        record_on(w, "here", three, 3);
    }
    assert_ok(past_open(w->store, w->arena, &w->past));
    assert_ok(predict(&w->past, &p));
    past_close(&w->past);
    assert_true(p->learned && p->better);
    assert_true(p->model.position < 0.1 && p->plain.position > 0.4);
    assert_true(prediction_risk(p, SLICE("s/steady")) < 0.1);
    assert_true(prediction_risk(p, SLICE("s/never seen")) == 0.5);
}

static void with_little_to_learn_from_what_failed_last_comes_first(void **state)
{
    struct world *w = *state;
    struct prediction *p;
    struct case_result *two[] = {result(w, "s", "a", CASE_PASSED, "1"),
                                 result(w, "s", "b", CASE_FAILED, "1")};
    assert_ok(past_open(w->store, w->arena, &w->past));
    assert_ok(predict(&w->past, &p)); /* of an empty store */
    assert_false(p->learned);
    past_close(&w->past);
    record_on(w, "here", two, 2);
    assert_ok(past_open(w->store, w->arena, &w->past));
    assert_ok(predict(&w->past, &p));
    past_close(&w->past);
    assert_false(p->learned || p->better);
    assert_true(prediction_risk(p, SLICE("s/b")) > prediction_risk(p, SLICE("s/a")));
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_time_is_that_of_the_last_attempt_and_the_median_trial),
        WITH_STORE(runs_that_were_imported_later_count_by_when_they_began),
        WITH_STORE(runs_and_cases_are_found_by_what_people_call_them),
        WITH_STORE(a_side_of_one_run_takes_the_results_before_it_along),
        WITH_STORE(times_of_another_host_are_not_compared),
        WITH_STORE(what_is_in_quarantine_breaks_nothing_until_it_expires),
        WITH_STORE(a_poisoned_baseline_says_so_until_it_is_set_again),
        WITH_STORE(what_learning_sees_and_the_plain_rule_does_not_is_used),
        WITH_STORE(with_little_to_learn_from_what_failed_last_comes_first),
    };
    return cmocka_run_group_tests_name(ON_POSTGRESQL ? "report past, PostgreSQL" : "report past",
                                       tests, NULL, NULL);
}
