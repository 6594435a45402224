/*
 * Nothing acknowledged is lost: a program that records is killed at random moments; the database is
 * whole each time, and every case whose end was told is in it.
 */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/random.h"
#include "fixture.h"
#include "record/database_sqlite.h"
#include "record/store_internal.h"

#define KILLS 20
#define CASES 100000 /* far more than it gets to */

/* Tells the parent of every finished case: one number in one write. */
struct messenger {
    struct sink base;
    int to;
};

static void tell(struct sink *sink, const struct event *e)
{
    const struct messenger *m = (const struct messenger *)sink;
    if (e->kind == EVENT_CASE_FINISHED &&
        write(m->to, &e->finished->slot, sizeof(e->finished->slot)) < 0)
        _exit(1);
}

static struct result close_nothing(struct sink *sink)
{
    (void)sink;
    return RESULT_OK;
}

/* The program that will be killed: hands over cases as fast as they are committed. */
static void record_until_killed(const char *path, int to)
{
    struct messenger messenger = {{.event = tell, .close = close_nothing}, to};
    struct sink *sinks[] = {&messenger.base};
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct run_info run = fixture_run(arena);
    struct store *store;
    uv_loop_t loop;

    char id[UUID_TEXT];
    run.id = slice_str(random_uuid(id));
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_ok(store_open(path, &store));
    struct recorder *recorder = recorder_new(&loop, store, sinks, 1, NULL);
    assert_ok(recorder_begin(recorder, &run, NULL, 0, false));
    for (uint32_t i = 0; i < CASES; i++) {
        struct case_result *r = fixture_passed("s", arena_printf(arena, "%u", i), i);
        r->slot = i;
        recorder_case(recorder, r);
        while (recorder_pending(recorder) > 200)
            uv_run(&loop, UV_RUN_ONCE);
    }
    _exit(1);
}

static int64_t number_of(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *q;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return value;
}

static void assert_whole(const char *path, const bool *told)
{
    struct store *store;
    sqlite3_stmt *q;
    bool *stored = mem_zero(CASES);

    assert_ok(store_open(path, &store));
    assert_int_equal(number_of(database_sqlite(store->database),
                               "SELECT count(*) FROM pragma_integrity_check "
                               "WHERE integrity_check <> 'ok'"),
                     0);
    /* A result is there with all its parts, or not at all. */
    assert_int_equal(number_of(database_sqlite(store->database),
                               "SELECT (SELECT count(*) FROM result) * 2 - "
                               "(SELECT count(*) FROM verdict)"),
                     0);
    assert_int_equal(sqlite3_prepare_v2(database_sqlite(store->database),
                                        "SELECT slot FROM result WHERE run = (SELECT max(run) "
                                        "FROM run)",
                                        -1, &q, NULL),
                     SQLITE_OK);
    while (sqlite3_step(q) == SQLITE_ROW)
        stored[sqlite3_column_int(q, 0)] = true;
    sqlite3_finalize(q);
    store_close(store);
    for (size_t i = 0; i < CASES; i++)
        if (told[i] && !stored[i])
            fail_msg("case %zu was told as finished, and is not stored", i);
    mem_free(stored);
}

/* The moment is counted in cases told, so that it lies within the work on any machine. */
static void kill_after(const char *path, uint64_t moment)
{
    int pipe_ends[2];
    bool *told = mem_zero(CASES);

    assert_int_equal(pipe(pipe_ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(pipe_ends[0]);
        record_until_killed(path, pipe_ends[1]);
    }
    close(pipe_ends[1]);
    uint32_t number;
    for (uint64_t count = 0; read(pipe_ends[0], &number, sizeof(number)) == sizeof(number);
         count++) {
        assert_true(number < CASES);
        told[number] = true;
        if (count == moment)
            kill(child, SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    close(pipe_ends[0]);
    assert_whole(path, told);
    mem_free(told);
}

static void what_was_told_survives_being_killed(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    char *folder = fixture_folder();
    struct random random = random_seeded(random_fresh_seed());
    for (int i = 0; i < KILLS; i++)
        kill_after(fixture_path(arena, folder, "results.db"),
                   (uint64_t)random_between(&random, 0, 1500));
    fixture_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_told_survives_being_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
