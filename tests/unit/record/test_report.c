/*
 * The report formats, against golden files and against readers of their formats; that a report made
 * later from the store is the same; and that no secret is in any of them.
 *
 * ASSAY_UPDATE_GOLDEN=1 writes the golden files anew; look at the difference before committing it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/text.h"
#include "fixture.h"
#include "record/replay.h"

struct world {
    struct arena *arena;
    char *folder;
};

static int set_up(void **state)
{
    struct world *w = NEW(struct world);
    w->arena = arena_new();
    w->folder = fixture_folder();
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    fixture_remove(w->folder);
    arena_free(w->arena);
    mem_free(w);
    return 0;
}

static struct slice file_of(struct world *w, const char *path)
{
    size_t len;
    char *data = fixture_read(path, &len);
    if (!data)
        fail_msg("cannot read %s", path);
    struct slice copy = arena_copy(w->arena, slice_of(data, len));
    mem_free(data);
    return copy;
}

/* The first line that differs tells more than the whole. */
static void assert_same(struct slice got, struct slice wanted, const char *what)
{
    struct slice a, b;
    for (size_t line = 1; slice_split(&got, '\n', &a); line++) {
        if (!slice_split(&wanted, '\n', &b))
            b = SLICE("(end of file)");
        if (!slice_eq(a, b))
            fail_msg("%s, line %zu:\n  got    %.*s\n  wanted %.*s", what, line, SLICE_ARG(a),
                     SLICE_ARG(b));
    }
    if (slice_split(&wanted, '\n', &b))
        fail_msg("%s ends too early; next would be: %.*s", what, SLICE_ARG(b));
}

static void assert_golden(struct world *w, struct slice got, const char *name)
{
    const char *path = arena_printf(w->arena, "%s/%s", GOLDEN_REPORTS, name);
    if (getenv("ASSAY_UPDATE_GOLDEN")) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fwrite(got.data, 1, got.len, file);
        fclose(file);
    }
    assert_same(got, file_of(w, path), name);
}

static void assert_no_secret(struct slice text, const char *what)
{
    for (size_t i = 0; fixture_secrets[i]; i++)
        if (slice_find(text, slice_str(fixture_secrets[i])) >= 0)
            fail_msg("%s holds the secret \"%s\"", what, fixture_secrets[i]);
}

/* Formats that tell nothing of when an event was passed on. */
static const struct {
    const char *format, *file;
} timeless[] = {{"junit", "junit.xml"},
                {"json", "ctrf.json"},
                {"tap", "report.tap"},
                {"markdown", "report.md"},
                {"github", "github.txt"}};
#define TIMELESS (sizeof(timeless) / sizeof(timeless[0]))

static void open_reports(struct world *w, const char *prefix, struct sink *sinks[TIMELESS])
{
    for (size_t i = 0; i < TIMELESS; i++)
        assert_ok(sink_report(slice_str(arena_printf(w->arena, "%s=%s/%s%s", timeless[i].format,
                                                     w->folder, prefix, timeless[i].file)),
                              &sinks[i]));
}

static struct slice report_of(struct world *w, const char *prefix, size_t i)
{
    return file_of(w, arena_printf(w->arena, "%s/%s%s", w->folder, prefix, timeless[i].file));
}

static struct store *record_all(struct world *w, struct sink *const *sinks, size_t count)
{
    const char *path = fixture_path(w->arena, w->folder, "results.db");
    struct store *store;
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_ok(store_open(path, &store));
    fixture_record(&loop, store, sinks, count);
    fixture_close_loop(&loop);
    assert_ok(store_open(path, &store));
    return store;
}

static void reports_are_as_the_golden_files_live_and_replayed(void **state)
{
    struct world *w = *state;
    struct sink *sinks[TIMELESS];

    open_reports(w, "live-", sinks);
    struct store *store = record_all(w, sinks, TIMELESS);
    open_reports(w, "replayed-", sinks);
    assert_ok(record_replay(store, SLICE("last"), sinks, TIMELESS));
    store_close(store);
    for (size_t i = 0; i < TIMELESS; i++) {
        struct slice live = report_of(w, "live-", i), again = report_of(w, "replayed-", i);
        assert_golden(w, live, timeless[i].file);
        assert_same(again, live, timeless[i].format);
        assert_no_secret(live, timeless[i].format);
        assert_true(utf8_valid(live));
    }
}

static void no_secret_is_in_the_database(void **state)
{
    struct world *w = *state;
    store_close(record_all(w, NULL, 0));
    struct slice database = file_of(w, fixture_path(w->arena, w->folder, "results.db"));
    assert_true(slice_find(database, SLICE("stops at a brace")) >= 0);
    assert_no_secret(database, "the database");
}

static void emit(struct sink *sink, const struct run_info *run, struct event event)
{
    event.run = run;
    event.at_wall = run->started_wall;
    sink->event(sink, &event);
}

/* Every kind of event, at fixed times, as a recorder would send them. */
static void play_events(struct world *w, struct sink *sink)
{
    struct redactor *redactor = fixture_redactor();
    struct run_info run = fixture_run(w->arena);

    run.options = NULL;
    run.command = redact_text(redactor, w->arena, run.command);
    emit(sink, &run, (struct event){.kind = EVENT_RUN_STARTED});
    emit(sink, &run,
         (struct event){.kind = EVENT_SERVICE,
                        .service = {SLICE("worker"), SLICE("ready"), SLICE("pid 7, port 4711")}});
    emit(sink, &run, (struct event){.kind = EVENT_NOTE, .note = SLICE("a port was\nlost")});
    for (size_t i = 0; i < FIXTURE_CASES; i++) {
        struct case_result *r = fixture_case(i);
        redact_result(redactor, r);
        emit(sink, &run,
             (struct event){.kind = EVENT_CASE_STARTED, .started = {r->key, r->id, r->slot}});
        emit(sink, &run, (struct event){.kind = EVENT_CASE_FINISHED, .finished = r});
        run_count(&run, r);
        arena_free(r->arena);
    }
    emit(sink, &run, (struct event){.kind = EVENT_RUN_FINISHED});
    assert_ok(sink->close(sink));
    redactor_free(redactor);
}

static void json_lines_tell_every_event(void **state)
{
    struct world *w = *state;
    const char *path = fixture_path(w->arena, w->folder, "events.jsonl");
    struct sink *sink;

    assert_ok(sink_report(slice_str(arena_printf(w->arena, "jsonl=%s", path)), &sink));
    play_events(w, sink);
    struct slice lines = file_of(w, path), rest = lines, line;
    assert_golden(w, lines, "events.jsonl");
    assert_no_secret(lines, "jsonl");
    size_t count = 0;
    while (slice_split(&rest, '\n', &line) && (line.len || rest.len)) {
        json_t *event;
        assert_ok(jsontext_read_in(w->arena, line, &event));
        assert_true(json_is_string(json_object_get(event, "event")));
        count++;
    }
    assert_int_equal(count, 3 + 2 * FIXTURE_CASES + 1);
}

static void the_console_is_as_the_golden_files(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *file;
        enum console_detail detail;
        bool color;
    } kinds[] = {{"console.txt", CONSOLE_NORMAL, false},
                 {"console-quiet.txt", CONSOLE_QUIET, false},
                 {"console-verbose.txt", CONSOLE_VERBOSE, false},
                 {"console-color.txt", CONSOLE_NORMAL, true}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const char *path = fixture_path(w->arena, w->folder, kinds[i].file);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        play_events(w, sink_console(file, kinds[i].detail, kinds[i].color, false, 80));
        fclose(file);
        assert_golden(w, file_of(w, path), kinds[i].file);
        assert_no_secret(file_of(w, path), kinds[i].file);
    }
}

static void junit_is_well_formed_xml(void **state)
{
    struct world *w = *state;
    struct sink *sink;
    const char *path = fixture_path(w->arena, w->folder, "junit.xml");

    assert_ok(sink_report(slice_str(arena_printf(w->arena, "junit=%s", path)), &sink));
    play_events(w, sink);
    /* The command is ours, and the path is of our temporary folder. */
    int status = system( // NOLINT(cert-env33-c)
        arena_printf(w->arena, "xmllint --noout '%s'", path));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        skip(); /* no xmllint here; tools/deps.sh installs it */
    assert_int_equal(status, 0);
}

static size_t occurrences(struct slice text, const char *word)
{
    size_t count = 0;
    ptrdiff_t at;
    while ((at = slice_find(text, slice_str(word))) >= 0) {
        text = slice_from(text, (size_t)at + 1);
        count++;
    }
    return count;
}

static void junit_counts_what_it_lists(void **state)
{
    struct world *w = *state;
    struct slice xml = file_of(w, GOLDEN_REPORTS "/junit.xml");
    assert_int_equal(occurrences(xml, "<testcase "), FIXTURE_CASES);
    assert_int_equal(occurrences(xml, "<failure "), 3);
    assert_int_equal(occurrences(xml, "<error "), 2);
    assert_int_equal(occurrences(xml, "<skipped "), 2);
    assert_int_equal(occurrences(xml, "<flakyFailure "), 1);
    assert_int_equal(occurrences(xml, "<rerunFailure "), 1);
    assert_int_equal(occurrences(xml, "<rerunError "), 1);
    assert_true(slice_find(xml, SLICE("<testsuites name=\"assay\" tests=\"12\" failures=\"3\" "
                                      "errors=\"2\" skipped=\"2\"")) >= 0);
}

static void ctrf_counts_what_it_lists(void **state)
{
    struct world *w = *state;
    json_t *report;
    assert_ok(jsontext_read_in(w->arena, file_of(w, GOLDEN_REPORTS "/ctrf.json"), &report));
    assert_string_equal(json_string_value(json_object_get(report, "reportFormat")), "CTRF");
    json_t *results = json_object_get(report, "results");
    json_t *summary = json_object_get(results, "summary"),
           *tests = json_object_get(results, "tests");
    static const char *const statuses[] = {"passed", "failed", "skipped", "other"};
    size_t listed[4] = {0}, i;
    json_t *test;
    json_array_foreach(tests, i, test) for (size_t s = 0; s < 4; s++) listed[s] +=
        !strcmp(json_string_value(json_object_get(test, "status")), statuses[s]);
    for (size_t s = 0; s < 4; s++)
        assert_int_equal(json_integer_value(json_object_get(summary, statuses[s])), listed[s]);
    assert_int_equal(json_integer_value(json_object_get(summary, "tests")), FIXTURE_CASES);
    assert_int_equal(json_integer_value(json_object_get(summary, "pending")), 0);
}

static void a_markdown_summary_stays_below_github_s_limit(void **state)
{
    struct world *w = *state;
    const char *path = fixture_path(w->arena, w->folder, "report.md");
    struct run_info run = fixture_run(w->arena);
    struct sink *sink;

    run.options = NULL;
    assert_ok(sink_report(slice_str(arena_printf(w->arena, "markdown=%s", path)), &sink));
    for (size_t i = 0; i < 20000; i++) {
        struct case_result *r = fixture_case(i % 4 == 0 ? 8 : i % 4 == 1 ? 3 : i % 4 == 2 ? 5 : 1);
        emit(sink, &run, (struct event){.kind = EVENT_CASE_FINISHED, .finished = r});
        run_count(&run, r);
        arena_free(r->arena);
    }
    emit(sink, &run, (struct event){.kind = EVENT_RUN_FINISHED});
    assert_ok(sink->close(sink));
    struct slice text = file_of(w, path);
    assert_true(text.len > 700000);
    assert_true(text.len < 1048576);
    assert_true(slice_find(text, SLICE("… and ")) >= 0);
}

static void a_report_appears_only_when_complete(void **state)
{
    struct world *w = *state;
    const char *path = fixture_path(w->arena, w->folder, "junit.xml");
    struct run_info run = fixture_run(w->arena);
    struct sink *sink;

    assert_ok(sink_report(slice_str(arena_printf(w->arena, "junit=%s", path)), &sink));
    emit(sink, &run, (struct event){.kind = EVENT_RUN_STARTED});
    assert_int_equal(access(path, F_OK), -1);
    emit(sink, &run, (struct event){.kind = EVENT_RUN_FINISHED});
    assert_ok(sink->close(sink));
    assert_int_equal(access(path, F_OK), 0);
}

static void a_wrong_report_argument_says_what_there_is(void **state)
{
    (void)state;
    struct sink *sink;
    assert_int_equal(sink_report(SLICE("junot=x.xml"), &sink).code, ERR_USAGE);
    assert_string_equal(error_last()->text,
                        "there is no report format \"junot\": did you mean \"junit\"?; there are "
                        "junit, json, jsonl, tap, markdown, summary, summary-json, html, github");
    assert_int_equal(sink_report(SLICE("tap="), &sink).code, ERR_USAGE);
    assert_int_equal(sink_report(SLICE("junit=/nowhere/at/all.xml"), &sink).code, ERR_IO);
    assert_non_null(strstr(error_last()->text, "/nowhere/at/all.xml"));
}

static void reports_for_standard_output_are_told_apart(void **state)
{
    (void)state;
    assert_true(sink_report_on_stdout(SLICE("tap")));
    assert_true(sink_report_on_stdout(SLICE("junit=-")));
    assert_false(sink_report_on_stdout(SLICE("junit")));
    assert_false(sink_report_on_stdout(SLICE("tap=report.tap")));
    assert_false(sink_report_on_stdout(SLICE("nothing")));
}

static void a_report_that_cannot_be_written_is_an_error(void **state)
{
    (void)state;
    if (access("/dev/full", W_OK) != 0)
        skip();
    struct world *w = *state;
    struct sink *sink;
    assert_ok(sink_report(SLICE("tap=/dev/full"), &sink));
    struct run_info run = fixture_run(w->arena);
    emit(sink, &run, (struct event){.kind = EVENT_RUN_STARTED});
    assert_int_equal(sink->close(sink).code, ERR_IO);
    assert_non_null(strstr(error_last()->text, "/dev/full"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reports_are_as_the_golden_files_live_and_replayed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(no_secret_is_in_the_database, set_up, tear_down),
        cmocka_unit_test_setup_teardown(json_lines_tell_every_event, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_console_is_as_the_golden_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(junit_is_well_formed_xml, set_up, tear_down),
        cmocka_unit_test_setup_teardown(junit_counts_what_it_lists, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ctrf_counts_what_it_lists, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_markdown_summary_stays_below_github_s_limit, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_report_appears_only_when_complete, set_up, tear_down),
        cmocka_unit_test(a_wrong_report_argument_says_what_there_is),
        cmocka_unit_test(reports_for_standard_output_are_told_apart),
        cmocka_unit_test_setup_teardown(a_report_that_cannot_be_written_is_an_error, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
