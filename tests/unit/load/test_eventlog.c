/*
 * The event log: what threads put in while it is written is all there when it is read again, and
 * what it has no room for is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/memory.h"
#include "load/eventlog.h"
#include "load/replay.h"

#define THREADS 2
#define REQUESTS 2000
#define BEGUN (5 * NS_PER_S)

static char path[] = "/tmp/assay-events-XXXXXX";

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 || close(fd) != 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static const struct target target = {.api = TARGET_CHAT, .stream = true, .url = "http://h/"};
static const struct load_plan plan = {
    .target = &target, .threads = THREADS, .users = THREADS, .duration = NS_PER_S};

/* The i-th request: sent when it should be, a token 10 ms later and one after 20; every tenth
 * fails. */
static bool put(struct eventfeed *feed, struct notes *notes, int64_t i)
{
    int64_t at = BEGUN + i * NS_PER_MS / 10;
    struct flight f = {.number = (uint64_t)i,
                       .intended = at,
                       .started = at,
                       .connected = at + NS_PER_MS,
                       .secured = at + 3 * NS_PER_MS,
                       .sent = at,
                       .first_byte = at + 10 * NS_PER_MS,
                       .usage = -1,
                       .input = 7,
                       .bytes = 100,
                       .measured = true,
                       .status = 200};
    f.end = at + 30 * NS_PER_MS;
    f.failure = i % 10 == 0 ? FAILURE_SERVER_ERROR : FAILURE_NONE;
    notes_clear(notes);
    notes_add(notes, (struct note){at + 10 * NS_PER_MS, at + 11 * NS_PER_MS, -1, ANSWER_TEXT});
    notes_add(notes, (struct note){at + 20 * NS_PER_MS, at + 22 * NS_PER_MS, -1, ANSWER_TEXT});
    return eventfeed_add(feed, BEGUN, &f, notes, "it said \"no\"\n\xff");
}

static void *put_all(void *argument)
{
    size_t room = NOTES_BYTES;
    struct notes notes = notes_within(&room);
    for (int64_t i = 0; i < REQUESTS; i++)
        if (!put(argument, &notes, i))
            return argument; /* lost */
    notes_free(&notes);
    return room == NOTES_BYTES ? NULL : argument;
}

static void what_threads_put_in_is_read_again(void **state)
{
    (void)state;
    struct eventlog *log = NULL;
    pthread_t threads[THREADS];
    assert_true(result_ok(eventlog_open(path, &plan, 3 * NS_PER_MS, &log)));
    for (uint32_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, put_all, eventlog_feed(log, i)), 0);
    for (uint32_t i = 0; i < THREADS; i++) {
        void *lost = NULL;
        pthread_join(threads[i], &lost);
        assert_null(lost);
    }
    struct load_outcome *outcome = mem_zero(sizeof(*outcome));
    metrics_clear(&outcome->metrics);
    outcome->measured = NS_PER_S;
    outcome->metrics.waited = 5;
    outcome->metrics.answered = 100;
    outcome->metrics.checked = 20;
    metrics_failed_checks(&outcome->metrics, 3, "a word is missing");
    metrics_add(&outcome->metrics, METRIC_CLIENT_LAG, 1000);
    assert_true(result_ok(eventlog_close(log, outcome)));
    mem_free(outcome);

    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    DEFER(replay_free_pointer)
    struct replay *replay = replay_new(arena);
    struct result r = replay_file(replay, path);
    if (!result_ok(r))
        fail_msg("%s", error_last()->text);
    const struct metrics *m = &replay->outcome.metrics;
    assert_int_equal(m->requests, THREADS * REQUESTS);
    assert_int_equal(m->answered, THREADS * REQUESTS * 9 / 10 - 3);
    assert_int_equal(m->checked, 20);
    assert_int_equal(m->failures[FAILURE_CHECK], 3);
    assert_string_equal(m->examples[FAILURE_CHECK], "a word is missing");
    assert_int_equal(m->failures[FAILURE_SERVER_ERROR], THREADS * REQUESTS / 10);
    assert_string_equal(m->examples[FAILURE_SERVER_ERROR], "it said \"no\" \xef\xbf\xbd");
    assert_int_equal(m->waited, 5);
    assert_int_equal(m->histograms[METRIC_TLS_HANDSHAKE].least, 2 * NS_PER_MS);
    assert_int_equal(m->histograms[METRIC_ITL].count, THREADS * REQUESTS);
    assert_int_equal(m->histograms[METRIC_ITL].least, 10 * NS_PER_MS);
    assert_int_equal(m->histograms[METRIC_ITL_READ].most, 11 * NS_PER_MS);
    assert_int_equal(m->histograms[METRIC_LATENCY].most, 30 * NS_PER_MS);
    assert_int_equal(m->histograms[METRIC_INPUT_TOKENS].most, 7);
    assert_int_equal(m->histograms[METRIC_CLIENT_LAG].count, 1); /* of the run, not made again */
    assert_int_equal(replay->belief.usual, 3 * NS_PER_MS);
    assert_false(replay->outcome.cut);
}

static void notes_without_room_are_lost_and_said_to_be(void **state)
{
    (void)state;
    size_t room = 100 * sizeof(struct note);
    struct notes notes = notes_within(&room);
    for (int i = 0; i < 64; i++)
        notes_add(&notes, (struct note){i, i, -1, ANSWER_TEXT});
    assert_false(notes.lost);
    notes_add(&notes, (struct note){64, 64, -1, ANSWER_TEXT}); /* 64 more do not fit */
    assert_true(notes.lost);
    assert_int_equal(notes.count, 64);
    struct eventlog *log = NULL;
    assert_true(result_ok(eventlog_open(path, &plan, 0, &log)));
    const struct flight f = {.intended = BEGUN};
    assert_false(eventfeed_add(eventlog_feed(log, 0), BEGUN, &f, &notes, ""));
    eventlog_drop(log);
    notes_free(&notes);
    assert_int_equal(room, 100 * sizeof(struct note));
}

static void a_full_buffer_takes_no_more(void **state)
{
    (void)state;
    size_t room = NOTES_BYTES;
    struct notes notes = notes_within(&room);
    for (size_t i = 0; i <= EVENTLOG_FEED_BYTES / sizeof(struct note); i++)
        notes_add(&notes, (struct note){0, 0, -1, ANSWER_TEXT});
    assert_false(notes.lost);
    struct eventlog *log = NULL;
    assert_true(result_ok(eventlog_open(path, &plan, 0, &log)));
    const struct flight f = {.intended = BEGUN};
    assert_false(eventfeed_add(eventlog_feed(log, 1), BEGUN, &f, &notes, ""));
    eventlog_drop(log);
    notes_free(&notes);
}

static void a_log_that_cannot_be_written_says_so(void **state)
{
    (void)state;
    struct eventlog *log = NULL;
    assert_false(result_ok(eventlog_open("/nowhere/at/all", &plan, 0, &log)));
    assert_non_null(strstr(error_last()->text, "--events /nowhere/at/all: No such file"));
    assert_true(result_ok(eventlog_open("/dev/full", &plan, 0, &log)));
    struct load_outcome *outcome = mem_zero(sizeof(*outcome));
    metrics_clear(&outcome->metrics);
    assert_false(result_ok(eventlog_close(log, outcome)));
    assert_non_null(strstr(error_last()->text, "No space left"));
    mem_free(outcome);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_threads_put_in_is_read_again),
        cmocka_unit_test(notes_without_room_are_lost_and_said_to_be),
        cmocka_unit_test(a_full_buffer_takes_no_more),
        cmocka_unit_test(a_log_that_cannot_be_written_says_so),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
