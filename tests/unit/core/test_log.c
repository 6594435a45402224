/*
 * Logging: levels, the two forms, one line per message whatever it quotes, and threads that do not
 * mix. Settings are read once per process, so each test logs from a child of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>

#include "child.h"
#include "core/jsontext.h"
#include "core/log.h"

static void log_each_level(void *context)
{
    (void)context;
    if (!result_ok(log_setup()))
        _exit(9);
    log_error("store", "disk %s", "full");
    log_warning("store", "warn");
    log_info("store", "inform");
    log_debug("store", "debug");
}

static void set(const char *level, const char *format)
{
    setenv("ASSAY_LOG", level, 1);
    setenv("ASSAY_LOG_FORMAT", format, 1);
}

static size_t lines_in(const struct child *child)
{
    size_t lines = 0;
    for (size_t i = 0; i < child->len; i++)
        lines += child->errors[i] == '\n';
    return lines;
}

static void a_level_lets_through_itself_and_what_is_graver(void **state)
{
    (void)state;
    static const char *const levels[] = {"error", "warning", "info", "debug"};
    for (size_t i = 0; i < 4; i++) {
        set(levels[i], "");
        struct child child = in_child(log_each_level, NULL);
        assert_true(child_exited_with(&child, 0));
        assert_int_equal(lines_in(&child), i + 1);
    }
    set("", "");
    struct child child = in_child(log_each_level, NULL);
    assert_int_equal(lines_in(&child), 2);
    assert_non_null(strstr(child.errors, "Z error store: disk full\n"));
}

static void a_wrong_setting_is_an_error_that_says_what_is_right(void **state)
{
    (void)state;
    set("verbose", "");
    assert_int_equal(log_setup().code, ERR_USAGE);
    assert_string_equal(error_last()->text,
                        "ASSAY_LOG=verbose: expected error, warning, info or debug");
    set("", "xml");
    assert_int_equal(log_setup().code, ERR_USAGE);
    assert_string_equal(error_last()->text, "ASSAY_LOG_FORMAT=xml: expected text or json");
}

#define HOSTILE "got \"a\"\n2026-01-01T00:00:00.000Z error store: forged\x1b[2J"

static void log_a_quotation(void *context)
{
    (void)context;
    result_ignore(log_setup());
    log_error("service", "%s", HOSTILE);
}

static void a_quoted_line_cannot_pass_for_one_of_ours(void **state)
{
    (void)state;
    set("", "text");
    struct child child = in_child(log_a_quotation, NULL);
    assert_int_equal(lines_in(&child), 1);
    assert_non_null(strstr(child.errors, "got \"a\"\\n2026"));
    assert_null(memchr(child.errors, '\x1b', child.len));
}

static void json_lines_read_back(void **state)
{
    (void)state;
    set("", "json");
    struct child child = in_child(log_a_quotation, NULL);
    assert_int_equal(lines_in(&child), 1);
    DEFER(jsontext_release)
    json_t *line = NULL;
    assert_true(result_ok(jsontext_read(slice_of(child.errors, child.len), &line)));
    assert_string_equal(json_string_value(json_object_get(line, "level")), "error");
    assert_string_equal(json_string_value(json_object_get(line, "area")), "service");
    assert_string_equal(json_string_value(json_object_get(line, "message")), HOSTILE);
}

enum { THREADS = 4, LINES = 100 };

static void *log_many(void *letter)
{
    for (int i = 0; i < LINES; i++)
        log_error("thread", "%.*s", 60, (const char *)letter);
    return NULL;
}

static char letters[THREADS][61];

static void log_from_threads(void *context)
{
    (void)context;
    result_ignore(log_setup());
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, log_many, letters[i]);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void lines_of_threads_do_not_mix(void **state)
{
    (void)state;
    set("", "");
    for (int i = 0; i < THREADS; i++)
        memset(letters[i], 'a' + i, 60);
    struct child child = in_child(log_from_threads, NULL);
    assert_int_equal(lines_in(&child), THREADS * LINES);
    struct slice rest = slice_of(child.errors, child.len), line;
    while (slice_split(&rest, '\n', &line) && line.len) {
        assert_true(line.len > 60);
        struct slice message = slice_from(line, line.len - 60);
        for (size_t i = 1; i < 60; i++)
            assert_int_equal(message.data[i], message.data[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_level_lets_through_itself_and_what_is_graver),
        cmocka_unit_test(a_wrong_setting_is_an_error_that_says_what_is_right),
        cmocka_unit_test(a_quoted_line_cannot_pass_for_one_of_ours),
        cmocka_unit_test(json_lines_read_back),
        cmocka_unit_test(lines_of_threads_do_not_mix),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
