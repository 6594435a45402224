/*
 * The sink that explains: the others hear all that it hears, and causes and totals before the end.
 */
#include "../record/fixture.h"

#include "core/memory.h"
#include "record/replay.h"
#include "report/explained.h"

/* What a sink heard, a letter for each event; for the causes their number as well. */
struct listener {
    struct sink base;
    char *heard; /* of the test */
    bool broken; /* its close fails */
};

static void on_event(struct sink *sink, const struct event *event)
{
    struct listener *l = (struct listener *)sink;
    size_t len = strlen(l->heard);
    if (event->kind == EVENT_CASE_FINISHED)
        l->heard[len] = 'c';
    else if (event->kind == EVENT_RUN_FINISHED)
        l->heard[len] = 'E';
    else if (event->kind == EVENT_TOTALS)
        l->heard[len] = 'T';
    else if (event->kind == EVENT_CAUSES)
        l->heard[len] = (char)('0' + event->causes.count);
    else
        return;
    l->heard[len + 1] = '\0';
}

static void on_tick(struct sink *sink, int64_t now)
{
    (void)now;
    struct listener *l = (struct listener *)sink;
    strncat(l->heard, "t", 2);
}

static struct result on_close(struct sink *sink)
{
    struct listener *l = (struct listener *)sink;
    bool broken = l->broken;
    mem_free(l);
    ENSURE(!broken, ERR_IO, "the disk is full");
    return RESULT_OK;
}

static struct sink *listener(char *heard, bool broken)
{
    struct listener *l = NEW(struct listener);
    l->base = (struct sink){.event = on_event, .tick = broken ? NULL : on_tick, .close = on_close};
    l->heard = heard;
    l->broken = broken;
    return &l->base;
}

struct kept {
    char *folder;
    struct arena *arena;
    const char *path;
    struct store *store;
};

static struct kept run_with(enum case_status second)
{
    struct kept k = {.folder = fixture_folder(), .arena = arena_new()};
    struct case_result *results[] = {fixture_passed("s", "a", 1000),
                                     fixture_passed("s", "b", 1000)};
    struct run_info run = fixture_run(k.arena);
    results[1]->status = second;
    results[1]->reason = SLICE("no reason that is known");
    k.path = fixture_path(k.arena, k.folder, "results.db");
    assert_ok(store_open(k.path, &k.store));
    assert_ok(store_begin(k.store, &run, NULL, 0));
    assert_ok(store_results(k.store, run.id, (const struct case_result *const *)results, 2));
    arena_free(results[0]->arena);
    arena_free(results[1]->arena);
    return k;
}

static void done(struct kept *k)
{
    store_close(k->store);
    arena_free(k->arena);
    fixture_remove(k->folder);
}

static void causes_come_before_the_end(void **state)
{
    (void)state;
    struct kept k = run_with(CASE_FAILED);
    char first[32] = "", second[32] = "";
    struct sink *inner[] = {listener(first, false), listener(second, false)};
    struct sink *sink = sink_explained(k.path, inner, 2);
    sink->tick(sink, 0);
    assert_ok(record_replay(k.store, SLICE("last"), &sink, 1));
    assert_string_equal(first, "tcc1E");
    assert_string_equal(second, "tcc1E");
    done(&k);
}

static void without_a_failure_there_is_nothing_to_explain(void **state)
{
    (void)state;
    struct kept k = run_with(CASE_PASSED);
    char heard[32] = "";
    struct sink *inner = listener(heard, false);
    struct sink *sink = sink_explained(k.path, &inner, 1);
    assert_ok(record_replay(k.store, SLICE("last"), &sink, 1));
    assert_string_equal(heard, "ccE");
    done(&k);
}

static void totals_are_made_for_those_that_want_them(void **state)
{
    (void)state;
    struct kept k = run_with(CASE_PASSED);
    char first[32] = "", second[32] = "";
    struct sink *inner[] = {listener(first, false), listener(second, false)};
    inner[1]->totals = true;
    struct sink *sink = sink_explained(k.path, inner, 2);
    assert_ok(record_replay(k.store, SLICE("last"), &sink, 1));
    assert_string_equal(first, "ccE");
    assert_string_equal(second, "ccTE");
    done(&k);
}

static void without_its_store_the_end_is_told_all_the_same(void **state)
{
    (void)state;
    struct kept k = run_with(CASE_FAILED);
    char heard[32] = "";
    struct sink *inner = listener(heard, false);
    struct sink *sink = sink_explained("/dev/null/results.db", &inner, 1);
    assert_ok(record_replay(k.store, SLICE("last"), &sink, 1));
    assert_string_equal(heard, "ccE");
    done(&k);
}

static void a_sink_that_cannot_be_closed_is_told(void **state)
{
    (void)state;
    struct kept k = run_with(CASE_PASSED);
    char heard[32] = "";
    struct sink *inner[] = {listener(heard, true), listener(heard, false)};
    struct sink *sink = sink_explained(k.path, inner, 2);
    sink->tick(sink, 0);
    assert_int_equal(record_replay(k.store, SLICE("last"), &sink, 1).code, ERR_IO);
    assert_string_equal(error_last()->text, "the disk is full");
    done(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(causes_come_before_the_end),
        cmocka_unit_test(without_a_failure_there_is_nothing_to_explain),
        cmocka_unit_test(totals_are_made_for_those_that_want_them),
        cmocka_unit_test(without_its_store_the_end_is_told_all_the_same),
        cmocka_unit_test(a_sink_that_cannot_be_closed_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
