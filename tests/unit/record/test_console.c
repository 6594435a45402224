/*
 * The console on a terminal: the progress line keeps to the width, makes way for other lines and is
 * gone in the end. (What it says in plain lines is in the golden files, test_report.c.)
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/memory.h"
#include "core/text.h"
#include "fixture.h"
#include "record/failure.h"

#define ERASE "\r\x1b[K"

struct terminal {
    struct arena *arena;
    FILE *file;
    char *output;
    size_t len;
    struct sink *console;
    struct run_info run;
};

static struct terminal *terminal_of(int columns, bool live)
{
    struct terminal *t = NEW(struct terminal);
    t->arena = arena_new();
    t->file = open_memstream(&t->output, &t->len);
    assert_non_null(t->file);
    t->console = sink_console(t->file, CONSOLE_NORMAL, false, live, columns);
    t->run = fixture_run(t->arena);
    t->run.planned = 400;
    return t;
}

static void terminal_free(struct terminal *t)
{
    if (t->console)
        assert_ok(t->console->close(t->console));
    fclose(t->file);
    free(t->output);
    arena_free(t->arena);
    mem_free(t);
}

static void emit(struct terminal *t, struct event event)
{
    event.run = &t->run;
    t->console->event(t->console, &event);
}

static void start_case(struct terminal *t, const char *id)
{
    const char *key = arena_printf(t->arena, "worker/%s", id);
    emit(t,
         (struct event){.kind = EVENT_CASE_STARTED, .started = {slice_str(key), slice_str(id), 0}});
}

static void finish_case(struct terminal *t, const char *id, enum case_status status)
{
    struct case_result *r = fixture_passed("worker", id, 1000000);
    r->status = status;
    r->reason = status == CASE_PASSED ? SLICE("") : SLICE("it broke");
    emit(t, (struct event){.kind = EVENT_CASE_FINISHED, .finished = r});
    arena_free(r->arena);
}

/* What stands on the last line of the terminal after a tick `seconds` from now. */
static struct slice progress(struct terminal *t, int seconds)
{
    t->console->tick(t->console, clock_now() + seconds * NS_PER_S);
    fflush(t->file);
    struct slice output = slice_of(t->output, t->len), line = output;
    for (ptrdiff_t at; (at = slice_find(line, SLICE(ERASE))) >= 0;)
        line = slice_from(line, (size_t)at + strlen(ERASE));
    assert_true(line.len < output.len);
    return line;
}

static void the_progress_line_says_how_far_and_what_runs(void **state)
{
    (void)state;
    struct terminal *t = terminal_of(120, true);
    emit(t, (struct event){.kind = EVENT_RUN_STARTED});
    for (int i = 0; i < 118; i++)
        finish_case(t, arena_printf(t->arena, "c%d", i), CASE_PASSED);
    finish_case(t, "bad", CASE_FAILED);
    finish_case(t, "worse", CASE_ERROR);
    finish_case(t, "off", CASE_SKIPPED);
    start_case(t, "stops at a brace");
    start_case(t, "every level [opt=O2]");
    struct slice line = progress(t, 30);
    struct slice wanted = SLICE(" 121/400  118 passed  1 failed  1 error  1 skipped  running: "
                                "stops at a brace, every level [opt=O2] … ");
    if (!slice_starts(line, wanted) || !slice_ends(line, SLICE(" left")))
        fail_msg("the line is \"%.*s\"", SLICE_ARG(line));
    terminal_free(t);
}

static void the_progress_line_keeps_to_the_width(void **state)
{
    (void)state;
    for (int columns = 1; columns <= 130; columns++) {
        struct terminal *t = terminal_of(columns, true);
        emit(t, (struct event){.kind = EVENT_RUN_STARTED});
        for (int i = 0; i < 10; i++)
            finish_case(t, arena_printf(t->arena, "c%d", i), CASE_PASSED);
        start_case(t, "a case with a rather long name that goes on and on and on, for a while");
        start_case(t, "ünïcode – ok");
        for (int i = 0; i < 30; i++)
            start_case(t, arena_printf(t->arena, "running %d", i));
        struct slice line = progress(t, 1);
        if (utf8_length(line) >= (size_t)columns && line.len > 0)
            fail_msg("%zu columns on a terminal of %d: \"%.*s\"", utf8_length(line), columns,
                     SLICE_ARG(line));
        terminal_free(t);
    }
}

static void other_lines_take_the_place_of_the_progress_line(void **state)
{
    (void)state;
    struct terminal *t = terminal_of(80, true);
    emit(t, (struct event){.kind = EVENT_RUN_STARTED});
    progress(t, 1);
    size_t before = t->len;
    finish_case(t, "bad", CASE_FAILED);
    fflush(t->file);
    assert_true(slice_starts(slice_from(slice_of(t->output, t->len), before),
                             SLICE(ERASE "FAILED     worker/bad  (1.00 ms)  it broke\n")));
    progress(t, 1);
    before = t->len;
    assert_ok(t->console->close(t->console));
    t->console = NULL;
    fflush(t->file);
    assert_string_equal(t->output + before, ERASE);
    terminal_free(t);
}

static void a_finished_case_runs_no_longer(void **state)
{
    (void)state;
    struct terminal *t = terminal_of(80, true);
    emit(t, (struct event){.kind = EVENT_RUN_STARTED});
    start_case(t, "one");
    start_case(t, "two");
    finish_case(t, "one", CASE_PASSED);
    struct slice line = progress(t, 1);
    assert_true(slice_find(line, SLICE("running: two")) >= 0);
    terminal_free(t);
}

static void history_foretells_before_anything_has_finished(void **state)
{
    (void)state;
    struct terminal *t = terminal_of(80, true);
    t->run.expected = 100 * NS_PER_S;
    emit(t, (struct event){.kind = EVENT_RUN_STARTED});
    struct slice line = progress(t, 50);
    if (!slice_ends(line, SLICE(" … 50 s left")))
        fail_msg("the line is \"%.*s\"", SLICE_ARG(line));
    terminal_free(t);
}

static void names_cannot_move_the_cursor(void **state)
{
    (void)state;
    struct terminal *t = terminal_of(200, true);
    emit(t, (struct event){.kind = EVENT_RUN_STARTED});
    start_case(t, "evil \x1b[2J\n\x07");
    struct slice line = progress(t, 1);
    assert_true(slice_find_byte(line, '\x1b') < 0);
    assert_true(slice_find_byte(line, '\n') < 0);
    assert_true(slice_find(line, SLICE("evil \\x1b[2J")) >= 0);
    terminal_free(t);
}

static void the_name_of_a_file_reached_the_terminal_as_it_was(void **state)
{
    (void)state;
    static const struct source source = {"a\x1b[2J\nb.json", {0}};
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct slice place =
        place_text(arena, (struct place){.source = &source, .line = 1, .column = 2});
    assert_true(slice_is(place, "a\\x1b[2J b.json:1:2"));
}

static void without_a_terminal_a_long_silence_is_broken(void **state)
{
    (void)state;
    struct terminal *t = terminal_of(80, false);
    emit(t, (struct event){.kind = EVENT_RUN_STARTED});
    finish_case(t, "one", CASE_PASSED);
    size_t before = t->len;
    t->console->tick(t->console, clock_now() + 10 * NS_PER_S);
    fflush(t->file);
    assert_int_equal(t->len, before);
    t->console->tick(t->console, clock_now() + 40 * NS_PER_S);
    fflush(t->file);
    assert_string_equal(t->output + before, " 1/400  1 passed\n");
    terminal_free(t);
}

static void many_failures_are_not_all_shown_in_full(void **state)
{
    (void)state;
    struct terminal *t = terminal_of(80, false);
    emit(t, (struct event){.kind = EVENT_RUN_STARTED});
    for (int i = 0; i < 300; i++)
        finish_case(t, arena_printf(t->arena, "bad %d", i), CASE_FAILED);
    t->run.planned = 300;
    emit(t, (struct event){.kind = EVENT_RUN_FINISHED});
    fflush(t->file);
    assert_non_null(strstr(t->output, "\n… and 250 more; all of them: assay report "));
    assert_non_null(strstr(t->output, "0 passed, 300 failed in 2.41 s"));
    terminal_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_progress_line_says_how_far_and_what_runs),
        cmocka_unit_test(the_progress_line_keeps_to_the_width),
        cmocka_unit_test(other_lines_take_the_place_of_the_progress_line),
        cmocka_unit_test(a_finished_case_runs_no_longer),
        cmocka_unit_test(history_foretells_before_anything_has_finished),
        cmocka_unit_test(names_cannot_move_the_cursor),
        cmocka_unit_test(the_name_of_a_file_reached_the_terminal_as_it_was),
        cmocka_unit_test(without_a_terminal_a_long_silence_is_broken),
        cmocka_unit_test(many_failures_are_not_all_shown_in_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
