/*
 * Keeping a store: what is exported comes back the same, in either database; hostile files are
 * refused with their line and leave nothing; prune takes what it should and nothing else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/text.h"
#include "fixture_store.h"
#include "record/store_admin.h"
#include "record/store_internal.h"
#include "record/store_line.h"
#include "record/store_tables.h"

struct world {
    struct arena *arena;
    char *folder;
    struct store *store;
    unsigned others;
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

/* A second, empty store: of the same kind. */
static struct store *another(struct world *w)
{
    struct store *store = NULL;
    const char *name = arena_printf(w->arena, "other%u.db", ++w->others);
    assert_ok(store_open(ON_POSTGRESQL ? fixture_store(w->arena, w->folder)
                                       : fixture_path(w->arena, w->folder, name),
                         &store));
    return store;
}

/* A run with everything that can be in one; `id` is its last digit. */
static void record(struct store *store, char id, int64_t started)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct run_info run = fixture_run(arena);
    struct case_result *results[FIXTURE_CASES];
    struct planned_case planned[FIXTURE_CASES];
    struct event event = {.kind = EVENT_SERVICE, .at_wall = started + 1};
    struct event note = {.kind = EVENT_NOTE, .at_wall = started + 2, .note = SLICE("a \"note\"\n")};
    const struct event *events[] = {&event, &note};

    event.service.name = SLICE("worker");
    event.service.state = SLICE("ready");
    run.id = slice_str(arena_printf(arena, "20261121-10153%c-4f2a", id));
    run.started_wall = started;
    for (size_t i = 0; i < FIXTURE_CASES; i++) {
        results[i] = fixture_case(i);
        redact_result(NULL, results[i]);
        planned[i] = fixture_planned(results[i]);
        run_count(&run, results[i]);
    }
    assert_ok(store_begin(store, &run, planned, FIXTURE_CASES));
    assert_ok(store_events(store, run.id, events, 2));
    assert_ok(
        store_results(store, run.id, (const struct case_result *const *)results, FIXTURE_CASES));
    assert_ok(store_end(store, &run));
    for (size_t i = 0; i < FIXTURE_CASES; i++)
        arena_free(results[i]->arena);
}

static int64_t number_of(struct store *store, const char *sql)
{
    return fixture_number(store_database(store), sql);
}

static const char *exported(struct world *w, struct store *store, const char *const *runs,
                            size_t count)
{
    char *data = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&data, &length);
    struct store_copy copied;
    assert_non_null(to);
    assert_ok(store_export(store, runs, count, to, &copied));
    fclose(to);
    const char *text = arena_string(w->arena, slice_of(data, length));
    free(data);
    return text;
}

static struct result import(struct store *store, const char *text, struct store_copy *copied)
{
    FILE *from = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    assert_non_null(from);
    struct result r = store_import(store, from, "export.jsonl", copied);
    fclose(from);
    return r;
}

static void the_list_of_tables_is_that_of_the_schema(void **state)
{
    struct world *w = *state;
    int64_t listed = 0;
    for (const struct stored_table *t = stored_tables; t->name; t++) {
        struct stored_column *columns;
        size_t count;
        assert_ok(stored_columns(store_database(w->store), w->arena, t->name, &columns, &count));
        assert_true(count > 0);
        listed++;
    }
    assert_int_equal(
        number_of(w->store, ON_POSTGRESQL
                                ? "SELECT count(*) FROM information_schema.tables WHERE"
                                  " table_schema = current_schema() AND table_name NOT IN"
                                  " ('status', 'flag', 'assay_store')"
                                : "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND"
                                  " name NOT IN ('status', 'flag')"),
        listed);
}

static void what_is_exported_comes_back_the_same(void **state)
{
    struct world *w = *state;
    struct store_copy copied;
    record(w->store, '0', 1000);
    record(w->store, '1', 2000);
    assert_ok(
        database_execute(store_database(w->store),
                         "INSERT INTO baseline VALUES ('main', 2, 5, 'ran beside a backup');"
                         "INSERT INTO quarantine VALUES (3, 'me', 'why', 1, 2);"
                         "INSERT INTO subject VALUES (1, 1, 'assay', 1, 77);"
                         "INSERT INTO sample VALUES (1, 1, 5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,"
                         " -1, -1);"
                         "INSERT INTO anomaly VALUES (1, 1, 'leak', 1, 2, 3, 'grows', '{}')"));
    const char *text = exported(w, w->store, NULL, 0);
    struct store *other = another(w);
    assert_ok(import(other, text, &copied));
    assert_int_equal(copied.runs, 2);
    assert_int_equal(copied.results, 2 * FIXTURE_CASES);
    assert_int_equal(copied.runs_there, 0);
    assert_string_equal(exported(w, other, NULL, 0), text);

    /* Again: nothing is there twice. */
    assert_ok(import(other, text, &copied));
    assert_int_equal(copied.runs, 0);
    assert_int_equal(copied.runs_there, 2);
    assert_string_equal(exported(w, other, NULL, 0), text);
    store_close(other);
}

static void numbers_of_another_store_become_its_own(void **state)
{
    struct world *w = *state;
    struct store_copy copied;
    struct store *other = another(w);
    struct run_info first = fixture_run(w->arena);
    static const struct planned_case planned[] = {
        {SLICE("x/1"), SLICE("1"), SLICE("x")},
        {SLICE("worker/cancels"), SLICE("cancels"), SLICE("worker")}};
    first.id = SLICE("before");
    assert_ok(store_begin(other, &first, planned, 2));
    record(w->store, '0', 1000);
    record(w->store, '1', 2000);
    static const char *const last[] = {"last"};
    assert_ok(import(other, exported(w, w->store, last, 1), &copied));
    assert_int_equal(copied.runs, 1);
    assert_int_equal(number_of(other, "SELECT count(*) FROM run"), 2);
    assert_int_equal(number_of(other, "SELECT count(*) FROM test_case"), FIXTURE_CASES + 1);
    assert_int_equal(number_of(other, "SELECT count(*) FROM result r JOIN run USING (run) JOIN"
                                      " test_case t USING (test_case) JOIN definition d USING"
                                      " (definition) WHERE run.id = '20261121-101531-4f2a' AND"
                                      " d.test_case = t.test_case"),
                     FIXTURE_CASES);
    assert_int_equal(number_of(other, "SELECT count(*) FROM result r JOIN test_case t USING"
                                      " (test_case) WHERE t.key = 'worker/cancels'"),
                     1);
    assert_int_equal(number_of(other, "SELECT count(*) FROM run WHERE seed = -1"), 2);
    store_close(other);
}

#define HEAD "{\"assay_export\":1,\"schema\":2}\n"
#define RUNS                                                                                       \
    "{\"table\":\"run\",\"columns\":[\"run\",\"id\",\"command\",\"seed\",\"jobs\",\"started\","    \
    "\"planned\",\"options\"]}\n"
#define RUN "[7,\"hostile\",\"c\",0,1,0,0,null]\n"
#define NOTES "{\"table\":\"note\",\"columns\":[\"run\",\"position\",\"at\",\"text\"]}\n"

static void a_hostile_file_is_refused_with_its_line_and_leaves_nothing(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *text, *sentence;
    } files[] = {
        {"", "export.jsonl ends with line 0, before its end"},
        {"\n", "line 1: is no export of a store"},
        {"hello\n", "line 1: is no export of a store"},
        {"{}\n", "line 1: is no export of a store"},
        {"{\"assay_export\":2,\"schema\":2}\n",
         "line 1: is of form 2 and schema 2, made by a newer"},
        {"{\"assay_export\":1,\"schema\":99}\n", "made by a newer assay"},
        {"{\"assay_export\":1,\"schema\":0}\n", "line 1"},
        {HEAD, "ends with line 1, before its end: it was cut off"},
        {HEAD "{\"end\":true,\"rows\":1}\n", "line 2: 1 rows were exported, and 0 are here"},
        {HEAD "{\"end\":true,\"rows\":0}\n\n", "line 3: something after the end"},
        {HEAD "{\"end\":true,\"rows\":0}", "line 2 has no end"},
        {HEAD "[1]\n", "line 2: a row before any"},
        {HEAD "{\"table\":\"sqlite_schema\",\"columns\":[\"sql\"]}\n", "has no table \"sqlite_sc"},
        {HEAD "{\"table\":\"status\",\"columns\":[\"status\"]}\n", "has no table \"status\""},
        {HEAD "{\"table\":7}\n", "has no table \"\""},
        {HEAD "{\"table\":\"run\"}\n", "0 columns"},
        {HEAD "{\"table\":\"run\",\"columns\":[\"id\"]}\n", "needs its column \"run\""},
        {HEAD "{\"table\":\"run\",\"columns\":[\"run\",\"id\",\"id\"]}\n", "column id comes twice"},
        {HEAD "{\"table\":\"run\",\"columns\":[\"x); DROP TABLE run; --\"]}\n", "has no column"},
        {HEAD RUNS RUNS, "line 3: table run comes twice"},
        {HEAD RUNS "[7,\"hostile\"]\n", "line 3: 2 values for 8 columns"},
        {HEAD RUNS "[7,5,\"c\",0,1,0,0,null]\n", "line 3: column id wants a string"},
        {HEAD RUNS "[7,null,\"c\",0,1,0,0,null]\n", "column id is null"},
        {HEAD RUNS "[7,\"\",\"c\",0,1,0,0,null]\n", "a run without an id"},
        {HEAD RUNS "[7,\"a\",\"c\",0,1,0,0,\"{\"]\n", "column options"},
        {HEAD RUNS "[7,\"a\",\"c\",0,1,0,0,\"[]\"]\n", "column options is no JSON object"},
        {HEAD RUNS "[7,\"a\",\"c\",1.5,1,0,0,null]\n", "a whole number at character 13"},
        {HEAD RUNS "[7,\"a\",\"c\",9223372036854775808,1,0,0,null]\n", "a number of 64 bits"},
        {HEAD RUNS "[7,\"a\",\"c\",1,1,9223372036854775807,0,null]\n", "is out of range"},
        {HEAD RUNS RUN RUN, "line 4: run 7 comes twice"},
        {HEAD RUNS RUN NOTES "[8,1,1,\"x\"]\n", "line 5: run 8 is not in the file before"},
        {HEAD RUNS RUN NOTES "[7,1,1,\"\x01\"]\n", "line 5: expected no control character"},
        {HEAD RUNS RUN NOTES "[7,1,1,\"x\"]\n[7,1,1,\"x\"]\n{\"end\":true,\"rows\":3}\n",
         "result store"},
        {HEAD RUNS RUN NOTES "[7,1,1,\"x\n", "line 5: expected the end of a string"},
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct store_copy copied;
        struct result r = import(w->store, files[i].text, &copied);
        if (result_ok(r) || !strstr(error_last()->text, files[i].sentence))
            fail_msg("%s: \"%s\" does not say \"%s\"", files[i].text,
                     result_ok(r) ? "(it was taken)" : error_last()->text, files[i].sentence);
    }
    assert_int_equal(number_of(w->store, "SELECT count(*) FROM run"), 0);
    assert_int_equal(number_of(w->store, "SELECT count(*) FROM note"), 0);
    struct store_copy copied; /* and the store is as good as before */
    assert_ok(import(w->store, HEAD RUNS RUN NOTES "[7,1,1,\"x\"]\n{\"end\":true,\"rows\":2}\n",
                     &copied));
    assert_int_equal(number_of(w->store, "SELECT count(*) FROM note"), 1);
}

static void a_file_that_is_cut_anywhere_leaves_nothing(void **state)
{
    struct world *w = *state;
    record(w->store, '0', 1000);
    const char *text = exported(w, w->store, NULL, 0);
    struct store *other = another(w);
    size_t length = strlen(text);
    for (size_t cut = 1; cut < length; cut += ON_POSTGRESQL ? 997 : 97) {
        struct store_copy copied;
        const char *part = arena_string(w->arena, slice_of(text, cut));
        if (result_ok(import(other, part, &copied)))
            fail_msg("the first %zu of %zu bytes were taken", cut, length);
    }
    assert_int_equal(number_of(other, "SELECT count(*) FROM run"), 0);
    assert_int_equal(number_of(other, "SELECT count(*) FROM test_case"), 0);
    store_close(other);
}

static void a_row_is_read_as_json_is(void **state)
{
    (void)state;
    struct line_memory memory = {0};
    struct line_value v[4];
    size_t count;
    assert_ok(line_read_row(SLICE(" [ -9223372036854775808 ,null,\"a\\n\\\"\\\\\\/\\u00e9"
                                  "\\ud83d\\ude00\\u0000\", 0 ] "),
                            &memory, v, 4, &count));
    assert_int_equal(count, 4);
    assert_true(v[0].kind == LINE_INTEGER && v[0].integer == INT64_MIN);
    assert_true(v[1].kind == LINE_NULL);
    assert_true(slice_eq(v[2].text, SLICE("a\n\"\\/é😀\0")));
    assert_true(v[3].kind == LINE_INTEGER && v[3].integer == 0);
    assert_ok(line_read_row(SLICE("[]"), &memory, v, 4, &count));
    assert_int_equal(count, 0);
    static const char *const wrong[] = {"",
                                        "[",
                                        "]",
                                        "[1",
                                        "[1,",
                                        "[1,]",
                                        "[,1]",
                                        "[01]",
                                        "[-]",
                                        "[+1]",
                                        "[1e3]",
                                        "[true]",
                                        "[nul]",
                                        "[\"]",
                                        "[\"\\x\"]",
                                        "[\"\\u12\"]",
                                        "[\"\\ud800\"]",
                                        "[\"\\ud800\\u0041\"]",
                                        "[\"\\udc00\"]",
                                        "[1] 2",
                                        "[1][2]",
                                        "[[1]]",
                                        "[1,2,3,4,5]",
                                        "[9223372036854775808]"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (result_ok(line_read_row(slice_str(wrong[i]), &memory, v, 4, &count)))
            fail_msg("%s was taken for a row", wrong[i]);
    line_memory_free(&memory);
}

/* --- prune --- */

static struct store_pruned prune(struct world *w, struct store_prune which)
{
    struct store_pruned pruned;
    assert_ok(store_prune(w->store, w->arena, &which, &pruned));
    return pruned;
}

#define DAY (24 * 3600 * NS_PER_S)

static void old_runs_go_and_the_rest_stays_as_it_was(void **state)
{
    struct world *w = *state;
    int64_t now = clock_wall();
    for (int i = 0; i < 6; i++)
        record(w->store, (char)('0' + i), now - (6 - i) * 10 * DAY);
    assert_ok(database_execute(store_database(w->store),
                               "INSERT INTO baseline VALUES ('main', 2, 5, NULL)"));
    static const char *const kept[] = {"20261121-101531", "20261121-101534", "20261121-101535"};
    const char *before = exported(w, w->store, kept, 3);

    /* 60, 50, 40 and 30 days old, but the newest three are kept, and the one of 50 is pinned. */
    struct store_pruned pruned =
        prune(w, (struct store_prune){.keep = 3, .older = 25 * DAY, .dry_run = true});
    assert_int_equal(pruned.count, 2);
    assert_int_equal(pruned.pinned, 1);
    assert_int_equal(number_of(w->store, "SELECT count(*) FROM run"), 6);
    prune(w, (struct store_prune){.keep = 3, .older = 25 * DAY});
    assert_int_equal(number_of(w->store, "SELECT count(*) FROM run"), 4);
    pruned = prune(w, (struct store_prune){.keep = 2, .compact = true});
    assert_int_equal(pruned.count, 1);
    assert_string_equal(exported(w, w->store, kept, 3), before);
    assert_int_equal(number_of(w->store, "SELECT count(*) FROM step s WHERE NOT EXISTS (SELECT 1"
                                         " FROM run r WHERE r.run = s.run)"),
                     0);
}

static void an_old_run_that_was_imported_last_pushed_out_the_newest(void **state)
{
    struct world *w = *state;
    struct run_info info;
    int64_t now = clock_wall();
    record(w->store, '1', now - DAY);
    record(w->store, '0', now - 2 * DAY); /* as if it were imported */
    assert_ok(store_find(w->store, w->arena, SLICE("last"), &info));
    assert_true(slice_is(info.id, "20261121-101531-4f2a"));
    struct store_pruned pruned = prune(w, (struct store_prune){.keep = 1});
    assert_int_equal(pruned.count, 1);
    assert_true(slice_is(pruned.runs[0], "20261121-101530-4f2a"));
}

static void the_last_run_of_a_case_takes_it_along(void **state)
{
    struct world *w = *state;
    record(w->store, '0', 1000);
    static const char *const last[] = {"last"};
    prune(w, (struct store_prune){.runs = last, .run_count = 1});
    for (const struct stored_table *t = stored_tables; t->name; t++)
        assert_int_equal(
            number_of(w->store, arena_printf(w->arena, "SELECT count(*) FROM %s", t->name)), 0);
    record(w->store, '1', 2000); /* and the store is as good as new */
    assert_int_equal(number_of(w->store, "SELECT count(*) FROM result"), FIXTURE_CASES);
}

static void what_may_still_run_and_what_is_pinned_stays(void **state)
{
    struct world *w = *state;
    struct run_info run = fixture_run(w->arena);
    struct store_pruned pruned;
    run.started_wall = clock_wall() - NS_PER_S;
    assert_ok(store_begin(w->store, &run, NULL, 0)); /* goes on */
    record(w->store, '1', clock_wall());
    pruned = prune(w, (struct store_prune){.keep = 1});
    assert_int_equal(pruned.count, 0);
    assert_int_equal(pruned.running, 1);
    const char *named[] = {"20261121-101530"};
    struct store_prune which = {.runs = named, .run_count = 1};
    assert_int_equal(store_prune(w->store, w->arena, &which, &pruned).code, ERR_USAGE);
    assert_ok(database_execute(store_database(w->store),
                               "INSERT INTO baseline VALUES ('main', 2, 5, NULL)"));
    named[0] = "last";
    assert_int_equal(store_prune(w->store, w->arena, &which, &pruned).code, ERR_USAGE);
    assert_non_null(strstr(error_last()->text, "is a baseline"));
    assert_int_equal(number_of(w->store, "SELECT count(*) FROM run"), 2);
}

static void the_facts_are_those_of_the_store(void **state)
{
    struct world *w = *state;
    struct store_facts facts;
    assert_ok(store_facts(w->store, &facts));
    assert_int_equal(facts.runs, 0);
    assert_int_equal(facts.oldest, 0);
    record(w->store, '0', 1000);
    record(w->store, '1', 2000);
    assert_ok(store_facts(w->store, &facts));
    assert_int_equal(facts.runs, 2);
    assert_int_equal(facts.cases, FIXTURE_CASES);
    assert_int_equal(facts.results, 2 * FIXTURE_CASES);
    assert_int_equal(facts.oldest, 1000);
    assert_int_equal(facts.newest, 2000);
    assert_true(facts.bytes > 10000);
}

static void upgrading_says_what_was_there(void **state)
{
    struct world *w = *state;
    struct database *db;
    int from = -1, to = -1;
    const char *url = ON_POSTGRESQL ? fixture_store(w->arena, w->folder)
                                    : fixture_path(w->arena, w->folder, "old.db");
    assert_ok(database_open(url, &db));
    assert_ok(store_migrate(db, store_schema, 1, NULL));
    database_close(db);
    assert_ok(store_upgrade(url, &from, &to));
    assert_int_equal(from, 1);
    assert_int_equal(to, store_schema_version);
    assert_ok(store_upgrade(url, &from, &to));
    assert_int_equal(from, to);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_list_of_tables_is_that_of_the_schema),
        TEST(what_is_exported_comes_back_the_same),
        TEST(numbers_of_another_store_become_its_own),
        TEST(a_hostile_file_is_refused_with_its_line_and_leaves_nothing),
        TEST(a_file_that_is_cut_anywhere_leaves_nothing),
        TEST(a_row_is_read_as_json_is),
        TEST(old_runs_go_and_the_rest_stays_as_it_was),
        TEST(an_old_run_that_was_imported_last_pushed_out_the_newest),
        TEST(the_last_run_of_a_case_takes_it_along),
        TEST(what_may_still_run_and_what_is_pinned_stays),
        TEST(the_facts_are_those_of_the_store),
        TEST(upgrading_says_what_was_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
