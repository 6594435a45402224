/*
 * Nothing acknowledged is lost: a program that records is killed at random moments; the database is
 * whole each time, and every case whose end was told is in it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/random.h"
#include "fixture_store.h"
#include "record/store_internal.h"

#define KILLS (ON_POSTGRESQL ? 5 : 20)
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

static void assert_whole(const char *path, const bool *told)
{
    struct store *store;
    struct query *q = NULL;
    bool row, *stored = mem_zero(CASES);

    assert_ok(store_open(path, &store));
    struct database *db = store_database(store);
    if (!ON_POSTGRESQL)
        assert_int_equal(fixture_number(db, "SELECT count(*) FROM pragma_integrity_check "
                                            "WHERE integrity_check <> 'ok'"),
                         0);
    /* A result is there with all its parts, or not at all. */
    assert_int_equal(fixture_number(db, "SELECT (SELECT count(*) FROM result) * 2 - "
                                        "(SELECT count(*) FROM verdict)"),
                     0);
    assert_ok(
        database_prepare(db, "SELECT slot FROM result WHERE run = (SELECT max(run) FROM run)", &q));
    for (;;) {
        assert_ok(query_next(q, &row));
        if (!row)
            break;
        stored[query_integer(q, 0)] = true;
    }
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
    const char *path = fixture_store(arena, folder);
    struct random random = random_seeded(random_fresh_seed());
    for (int i = 0; i < KILLS; i++)
        kill_after(path, (uint64_t)random_between(&random, 0, 1500));
    fixture_remove(folder);
}

/* --- going on --- */

static const char *key_of(struct arena *arena, size_t i)
{
    return arena_printf(arena, "s/%zu", i);
}

static void write_one(struct store *store, struct arena *arena, struct slice key)
{
    struct case_result *r =
        fixture_passed("s", arena_string(arena, slice_from(key, strlen("s/"))), 1);
    const struct case_result *results[] = {r};
    assert_ok(store_results(store, SLICE("killed"), results, 1));
    arena_free(r->arena);
}

enum { PLANNED = 300, BEFORE = 100 };

/* Writes a third of the plan, says so, and waits for its end. */
static void begin_and_wait(const char *path, int to)
{
    struct arena *arena = arena_new();
    struct run_info run = fixture_run(arena);
    struct planned_case planned[PLANNED];
    struct store *store;

    run.id = SLICE("killed");
    run.planned = PLANNED;
    for (size_t i = 0; i < PLANNED; i++)
        planned[i] = (struct planned_case){slice_str(key_of(arena, i)),
                                           slice_str(arena_printf(arena, "%zu", i)), SLICE("s")};
    assert_ok(store_open(path, &store));
    assert_ok(store_begin(store, &run, planned, PLANNED));
    for (size_t i = 0; i < BEFORE; i++)
        write_one(store, arena, planned[i].key);
    if (write(to, "", 1) < 0)
        _exit(1);
    for (;;)
        pause();
}

static void a_run_that_was_killed_goes_on(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    char *folder = fixture_folder(), byte;
    const char *path = fixture_store(arena, folder);
    int ends[2], status;

    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        begin_and_wait(path, ends[1]);
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);

    struct store *store;
    struct run_info run;
    struct slice *keys;
    size_t count;
    assert_ok(store_open(path, &store));
    assert_ok(store_find(store, arena, SLICE("last"), &run));
    assert_int_equal(run.exit_status, -1);
    assert_int_equal(run.counts[CASE_PASSED], BEFORE);
    assert_ok(store_resume(store, run.id));
    assert_ok(store_unfinished(store, arena, run.id, &keys, &count));
    assert_int_equal(count, PLANNED - BEFORE);
    for (size_t i = 0; i < count; i++)
        write_one(store, arena, keys[i]);
    run.counts[CASE_PASSED] = PLANNED;
    run.exit_status = 0;
    assert_ok(store_end(store, &run));
    assert_ok(store_unfinished(store, arena, run.id, &keys, &count));
    assert_int_equal(count, 0);
    struct database *db = store_database(store);
    assert_int_equal(fixture_number(db, "SELECT count(DISTINCT test_case) FROM result"), PLANNED);
    assert_int_equal(fixture_number(db, "SELECT max(sequence) FROM result"), PLANNED);
    store_close(store);
    fixture_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_told_survives_being_killed),
        cmocka_unit_test(a_run_that_was_killed_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
