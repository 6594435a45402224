/*
 * Output as lines: cut anywhere on the way in, whole on the way out, and never more than the limit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/limits.h"
#include "core/memory.h"
#include "service/linelog.h"

struct fixture {
    struct linelog *log;
    struct arena *arena;
    uint64_t seen;
};

static void on_line(void *context, const struct log_line *line)
{
    struct fixture *f = context;
    f->seen++;
    assert_true(line->text.len <= LINELOG_LINE_BYTES);
}

static int set_up(void **state)
{
    struct fixture *f = NEW(struct fixture);
    f->log = linelog_new(on_line, f);
    f->arena = arena_new();
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(f->seen, linelog_count(f->log));
    linelog_free(f->log);
    arena_free(f->arena);
    mem_free(f);
    return 0;
}

static void assert_text(struct fixture *f, int64_t from, int64_t to, size_t max, const char *text)
{
    struct slice got = linelog_text(f->log, from, to, max, f->arena);
    if (!slice_is(got, text))
        fail_msg("expected \"%s\", got \"%.*s\"", text, SLICE_ARG(got));
}

static void lines_are_whole_however_they_were_cut(void **state)
{
    struct fixture *f = *state;
    static const char text[] = "first\r\n\nthird line\nlast";
    for (size_t size = 1; size < sizeof(text); size++) {
        struct linelog *log = linelog_new(NULL, NULL);
        for (size_t at = 0; at < sizeof(text) - 1; at += size)
            linelog_add(log, PROCESS_STDOUT, slice_part(slice_str(text), at, size), 1);
        linelog_flush(log);
        assert_int_equal(linelog_count(log), 4);
        struct slice got = linelog_text(log, 0, 1, 1000, f->arena);
        assert_true(slice_is(got, "first\n\nthird line\nlast\n"));
        linelog_free(log);
    }
}

static void streams_do_not_mix_within_a_line(void **state)
{
    struct fixture *f = *state;
    linelog_add(f->log, PROCESS_STDOUT, SLICE("out "), 1);
    linelog_add(f->log, PROCESS_STDERR, SLICE("err\n"), 2);
    linelog_add(f->log, PROCESS_STDOUT, SLICE("put\n"), 3);
    const struct log_line *lines;
    assert_int_equal(linelog_between(f->log, 0, CLOCK_NEVER, 100, f->arena, &lines), 2);
    assert_true(slice_is(lines[0].text, "err") && lines[0].stream == PROCESS_STDERR);
    assert_true(slice_is(lines[1].text, "out put") && lines[1].stream == PROCESS_STDOUT);
    assert_int_equal(lines[1].time, 1);
}

static void the_log_between_two_times_is_cut_off_at_the_front(void **state)
{
    struct fixture *f = *state;
    linelog_add(f->log, PROCESS_STDOUT, SLICE("a1\n"), 10);
    linelog_add(f->log, PROCESS_STDOUT, SLICE("b2\n"), 20);
    linelog_add(f->log, PROCESS_STDOUT, SLICE("c3\n"), 30);
    assert_text(f, 0, CLOCK_NEVER, 100, "a1\nb2\nc3\n");
    assert_text(f, 11, 30, 100, "b2\nc3\n");
    assert_text(f, 20, 29, 100, "b2\n");
    assert_text(f, 0, CLOCK_NEVER, 6, "b2\nc3\n");
    assert_text(f, 0, CLOCK_NEVER, 5, "2\nc3\n");
    assert_text(f, 0, CLOCK_NEVER, 2, "3\n");
    assert_text(f, 31, CLOCK_NEVER, 100, "");
}

static void a_line_without_an_end_is_still_seen(void **state)
{
    struct fixture *f = *state;
    char *many = mem_zero(3 * LINELOG_LINE_BYTES);
    linelog_add(f->log, PROCESS_STDERR, slice_of(many, 3 * LINELOG_LINE_BYTES), 1);
    assert_int_equal(linelog_count(f->log), 2);
    linelog_flush(f->log);
    linelog_flush(f->log);
    assert_int_equal(linelog_count(f->log), 3);
    mem_free(many);
}

static void only_the_newest_lines_are_held(void **state)
{
    struct fixture *f = *state;
    static const char line[] = "a line of a service that never stops talking, as some do\n";
    uint64_t count = 3 * LIMIT_OUTPUT_BYTES / sizeof(line);
    for (uint64_t i = 0; i < count; i++)
        linelog_add(f->log, PROCESS_STDOUT, slice_str(line), (int64_t)i);
    assert_int_equal(linelog_count(f->log), count);
    const struct log_line *lines;
    size_t held = linelog_between(f->log, 0, CLOCK_NEVER, LIMIT_OUTPUT_BYTES, f->arena, &lines);
    assert_true(held * sizeof(line) < LIMIT_OUTPUT_BYTES && held > 10000);
    assert_int_equal(lines[held - 1].time, count - 1);
    assert_int_equal(lines[0].time, count - held);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_are_whole_however_they_were_cut),
        TEST(streams_do_not_mix_within_a_line),
        TEST(the_log_between_two_times_is_cut_off_at_the_front),
        TEST(a_line_without_an_end_is_still_seen),
        TEST(only_the_newest_lines_are_held),
    };
    return cmocka_run_group_tests_name("linelog", tests, NULL, NULL);
}
