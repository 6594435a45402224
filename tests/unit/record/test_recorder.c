/*
 * The recorder: sinks hear of a case only when it is durable, nothing is lost at the end, a resumed
 * run is whole again, and a store that fails is noticed.
 */
#include <sqlite3.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/text.h"
#include "fixture.h"
#include "record/database_sqlite.h"
#include "record/replay.h"
#include "record/store_internal.h"

struct world {
    struct arena *arena;
    char *folder;
    const char *path;
    uv_loop_t loop;
};

static int set_up(void **state)
{
    struct world *w = NEW(struct world);
    w->arena = arena_new();
    w->folder = fixture_folder();
    w->path = fixture_path(w->arena, w->folder, "results.db");
    assert_int_equal(uv_loop_init(&w->loop), 0);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    fixture_close_loop(&w->loop);
    fixture_remove(w->folder);
    arena_free(w->arena);
    mem_free(w);
    return 0;
}

/* A sink that writes down what it hears, and asks a second connection whether it is durable. */
struct witness {
    struct sink base;
    struct text heard;
    struct store *store; /* NULL: do not ask */
    size_t closed;
    struct result at_close;
};

static bool is_stored(struct store *store, struct slice key)
{
    sqlite3_stmt *q;
    assert_int_equal(sqlite3_prepare_v2(database_sqlite(store->database),
                                        "SELECT count(*) FROM result JOIN test_case USING "
                                        "(test_case) WHERE key = ?1",
                                        -1, &q, NULL),
                     SQLITE_OK);
    sqlite3_bind_text(q, 1, key.data, (int)key.len, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    bool stored = sqlite3_column_int(q, 0) == 1;
    sqlite3_finalize(q);
    return stored;
}

static void hear(struct sink *sink, const struct event *e)
{
    struct witness *w = (struct witness *)sink;
    text_printf(&w->heard, "%s%s", w->heard.len ? " " : "", event_kind_name(e->kind));
    assert_non_null(e->run);
    assert_true(e->at_wall > 0);
    if (e->kind == EVENT_CASE_FINISHED) {
        text_printf(&w->heard, "(%.*s%s)", SLICE_ARG(e->finished->id),
                    e->earlier ? ", earlier" : "");
        if (w->store)
            assert_true(is_stored(w->store, e->finished->key));
    } else if (e->kind == EVENT_NOTE) {
        text_printf(&w->heard, "(%.*s)", SLICE_ARG(e->note));
    } else if (e->kind == EVENT_RUN_FINISHED) {
        text_printf(&w->heard, "(%zu passed)", e->run->counts[CASE_PASSED]);
    }
}

static struct result witness_close(struct sink *sink)
{
    struct witness *w = (struct witness *)sink;
    w->closed++;
    if (result_ok(w->at_close))
        return RESULT_OK;
    return error_set(w->at_close.code, "the witness cannot write");
}

static struct witness witness_in(struct world *w)
{
    return (struct witness){.base = {.event = hear, .close = witness_close},
                            .heard = text_in(w->arena)};
}

static struct recorder *recorder_at(struct world *w, struct witness *witness)
{
    struct store *store;
    struct sink *sinks[] = {&witness->base};
    assert_ok(store_open(w->path, &store));
    return recorder_new(&w->loop, store, sinks, 1, NULL);
}

static void wait_for_commits(struct world *w, struct recorder *recorder)
{
    while (recorder_pending(recorder))
        uv_run(&w->loop, UV_RUN_ONCE);
}

static struct run_info begin(struct world *w, struct recorder *recorder, size_t count)
{
    struct run_info run = fixture_run(w->arena);
    struct planned_case *planned = ARENA_ARRAY(w->arena, struct planned_case, count);
    for (size_t i = 0; i < count; i++) {
        const char *id = arena_printf(w->arena, "%zu", i);
        planned[i] = (struct planned_case){slice_str(arena_printf(w->arena, "s/%s", id)),
                                           slice_str(id), SLICE("s")};
    }
    run.planned = count;
    run.exit_status = -1;
    assert_ok(recorder_begin(recorder, &run, planned, count, false));
    return run;
}

static void hand_over(struct world *w, struct recorder *recorder, size_t i)
{
    recorder_case(recorder, fixture_passed("s", arena_printf(w->arena, "%zu", i), 1));
}

static void a_case_is_told_only_when_it_is_durable(void **state)
{
    struct world *w = *state;
    struct witness witness = witness_in(w);
    struct recorder *recorder = recorder_at(w, &witness);
    struct run_info run = begin(w, recorder, 100);

    assert_ok(store_open(w->path, &witness.store));
    for (size_t i = 0; i < 100; i++) {
        hand_over(w, recorder, i);
        if (i % 7 == 0)
            uv_run(&w->loop, UV_RUN_NOWAIT);
    }
    wait_for_commits(w, recorder);
    assert_ok(recorder_end(recorder, &run));
    assert_int_equal(run.counts[CASE_PASSED], 100);
    assert_int_equal(witness.closed, 1);
    recorder_free(recorder);
    store_close(witness.store);
}

static void the_end_waits_for_what_was_handed_over(void **state)
{
    struct world *w = *state;
    struct witness witness = witness_in(w);
    struct recorder *recorder = recorder_at(w, &witness);
    struct run_info run = begin(w, recorder, 3);

    for (size_t i = 0; i < 3; i++)
        hand_over(w, recorder, i);
    run.exit_status = 0;
    assert_ok(recorder_end(recorder, &run)); /* the loop did not run at all */
    assert_int_equal(recorder_pending(recorder), 0);
    assert_string_equal(text_str(&witness.heard),
                        "run_started case_finished(0) case_finished(1) case_finished(2) "
                        "run_finished(3 passed)");
    recorder_free(recorder);
}

static void without_a_store_everything_is_told_all_the_same(void **state)
{
    struct world *w = *state;
    struct witness witness = witness_in(w);
    struct sink *sinks[] = {&witness.base};
    struct recorder *recorder = recorder_new(&w->loop, NULL, sinks, 1, NULL);
    struct run_info run = begin(w, recorder, 1);

    hand_over(w, recorder, 0);
    assert_int_equal(recorder_pending(recorder), 1);
    wait_for_commits(w, recorder);
    assert_ok(recorder_end(recorder, &run));
    assert_string_equal(text_str(&witness.heard),
                        "run_started case_finished(0) run_finished(1 passed)");
    recorder_free(recorder);
}

static void a_resumed_run_is_told_as_a_whole(void **state)
{
    struct world *w = *state;
    struct witness witness = witness_in(w);
    struct recorder *recorder = recorder_at(w, &witness);
    struct run_info run = begin(w, recorder, 2);
    hand_over(w, recorder, 0);
    recorder_free(recorder); /* as if it had been killed: what was handed over is kept */
    uv_run(&w->loop, UV_RUN_DEFAULT);

    witness = witness_in(w);
    recorder = recorder_at(w, &witness);
    assert_ok(recorder_begin(recorder, &run, NULL, 0, true));
    hand_over(w, recorder, 1);
    assert_ok(recorder_end(recorder, &run));
    assert_int_equal(run.counts[CASE_PASSED], 2);
    assert_string_equal(text_str(&witness.heard),
                        "run_started case_finished(0, earlier) case_finished(1) "
                        "run_finished(2 passed)");
    recorder_free(recorder);
}

struct commits {
    size_t count, failed;
    char text[1024];
};

static void committed(void *context, struct result result)
{
    struct commits *commits = context;
    commits->count++;
    if (!result_ok(result)) {
        commits->failed++;
        snprintf(commits->text, sizeof(commits->text), "%s", error_last()->text);
    }
}

static void a_store_that_fails_is_told_and_the_cases_are_shown(void **state)
{
    struct world *w = *state;
    struct witness witness = witness_in(w);
    struct recorder *recorder = recorder_at(w, &witness);
    struct run_info run = begin(w, recorder, 2);
    struct commits commits = {0};
    recorder_on_commit(recorder, committed, &commits);
    hand_over(w, recorder, 0);
    wait_for_commits(w, recorder);
    assert_int_equal(commits.count, 1);
    assert_int_equal(commits.failed, 0);

    sqlite3 *other;
    assert_int_equal(sqlite3_open(w->path, &other), SQLITE_OK);
    sqlite3_busy_timeout(other, 10000);
    assert_int_equal(sqlite3_exec(other, "DROP TABLE verdict", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    hand_over(w, recorder, 1);
    wait_for_commits(w, recorder);
    assert_int_equal(commits.failed, 1);
    assert_non_null(strstr(commits.text, "no such table"));
    struct result ended = recorder_end(recorder, &run);
    assert_int_equal(ended.code, ERR_STORE);
    assert_non_null(strstr(error_last()->text, "no such table"));
    assert_non_null(strstr(error_last()->text, "; 1 result that finished is not kept: "));
    assert_non_null(strstr(text_str(&witness.heard), "case_finished(1) run_finished(2 passed)"));
    recorder_free(recorder);
}

static void a_sink_that_cannot_write_is_told_and_the_others_are_closed(void **state)
{
    struct world *w = *state;
    struct witness broken = witness_in(w), fine = witness_in(w);
    struct sink *sinks[] = {&broken.base, &fine.base};
    broken.at_close = (struct result){ERR_IO};
    struct recorder *recorder = recorder_new(&w->loop, NULL, sinks, 2, NULL);
    struct run_info run = begin(w, recorder, 1);
    assert_int_equal(recorder_end(recorder, &run).code, ERR_IO);
    assert_string_equal(error_last()->text, "the witness cannot write");
    assert_int_equal(fine.closed, 1);
    recorder_free(recorder);
}

static void what_is_emitted_holds_no_secret(void **state)
{
    struct world *w = *state;
    struct witness witness = witness_in(w);
    struct sink *sinks[] = {&witness.base};
    struct redactor *redactor = redactor_new();
    redactor_add(redactor, SLICE("hunter2"));
    struct recorder *recorder = recorder_new(&w->loop, NULL, sinks, 1, redactor);
    begin(w, recorder, 1);
    recorder_emit(recorder,
                  &(struct event){.kind = EVENT_NOTE, .note = SLICE("the key hunter2 is wrong")});
    assert_string_equal(text_str(&witness.heard), "run_started note(the key [secret] is wrong)");
    recorder_free(recorder);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    redactor_free(redactor);
}

static void what_is_emitted_is_stored_and_replayed_in_the_order_of_time(void **state)
{
    struct world *w = *state;
    struct witness live = witness_in(w), replayed = witness_in(w);
    struct recorder *recorder = recorder_at(w, &live);
    struct run_info run = begin(w, recorder, 1);
    int64_t begun = run.started_wall;
    struct event ready = {.kind = EVENT_SERVICE, .at_wall = begun + 1};
    struct event stopped = {.kind = EVENT_SERVICE, .at_wall = INT64_MAX};
    ready.service.name = stopped.service.name = SLICE("worker");
    ready.service.state = SLICE("ready");
    stopped.service.state = SLICE("stopped");
    recorder_emit(recorder, &ready);
    recorder_emit(recorder,
                  &(struct event){.kind = EVENT_NOTE, .at_wall = begun + 2, .note = SLICE("hm")});
    hand_over(w, recorder, 0);
    wait_for_commits(w, recorder);
    recorder_emit(recorder, &stopped); /* alone: the end does not lose it */
    assert_ok(recorder_end(recorder, &run));
    recorder_free(recorder);

    struct store *store;
    struct sink *sinks[] = {&replayed.base};
    assert_ok(store_open(w->path, &store));
    assert_ok(record_replay(store, SLICE("last"), sinks, 1));
    store_close(store);
    assert_string_equal(text_str(&live.heard), "run_started service note(hm) case_finished(0) "
                                               "service run_finished(1 passed)");
    assert_string_equal(text_str(&replayed.heard), text_str(&live.heard));
}

static size_t ticks;

static void count_tick(struct sink *sink, int64_t now)
{
    (void)sink;
    assert_true(now > 0);
    ticks++;
}

static void do_nothing(uv_timer_t *timer)
{
    (void)timer;
}

static void ticks_reach_the_sinks(void **state)
{
    struct world *w = *state;
    struct witness witness = witness_in(w);
    witness.base.tick = count_tick;
    struct recorder *recorder = recorder_at(w, &witness);
    struct run_info run = begin(w, recorder, 1);
    static uv_timer_t alive; /* the recorder itself does not keep the loop alive */
    ticks = 0;
    uv_timer_init(&w->loop, &alive);
    uv_timer_start(&alive, do_nothing, 10000, 0);
    while (ticks < 2)
        uv_run(&w->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&alive, NULL);
    assert_ok(recorder_end(recorder, &run));
    recorder_free(recorder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_case_is_told_only_when_it_is_durable),
        TEST(the_end_waits_for_what_was_handed_over),
        TEST(without_a_store_everything_is_told_all_the_same),
        TEST(a_resumed_run_is_told_as_a_whole),
        TEST(a_store_that_fails_is_told_and_the_cases_are_shown),
        TEST(a_sink_that_cannot_write_is_told_and_the_others_are_closed),
        TEST(what_is_emitted_holds_no_secret),
        TEST(what_is_emitted_is_stored_and_replayed_in_the_order_of_time),
        TEST(ticks_reach_the_sinks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
