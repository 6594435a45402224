/*
 * The reader of command lines: every form an option can have, and what is said of a wrong one. And
 * the tables: no command has two options of one name or letter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/arena.h"
#include "core/clock.h"
#include "options.h"

static struct arena *words_of_all;

static int begin(void **state)
{
    (void)state;
    words_of_all = arena_new();
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(words_of_all);
    return 0;
}

/* Read a command line, words separated by blanks; the invocation, and what was said. */
struct reading_of {
    struct invocation in;
    bool read;
    char said[2048];
};

static struct reading_of read_line(const struct command *command, const char *line)
{
    struct reading_of r = {.in = {.command = command, .arena = words_of_all}};
    char *argv[64];
    int argc = 0;
    FILE *err = fmemopen(r.said, sizeof(r.said), "w");
    struct slice rest = slice_str(line), word;
    while (slice_split(&rest, ' ', &word))
        argv[argc++] = (char *)(uintptr_t)arena_string(words_of_all, word); /* only read */
    r.read = options_read(command, *line ? argc : 0, argv, &r.in, err);
    fclose(err);
    return r;
}

static struct reading_of run_line(const char *line)
{
    struct reading_of r = read_line(&command_run, line);
    if (!r.read)
        fail_msg("%s: %s", line, r.said);
    return r;
}

static void values_stand_behind_a_blank_or_an_equals_sign(void **state)
{
    (void)state;
    assert_int_equal(run_line("--jobs 4").in.jobs, 4);
    assert_int_equal(run_line("--jobs=4").in.jobs, 4);
    assert_int_equal(run_line("-j 4").in.jobs, 4);
    assert_int_equal(run_line("-j4").in.jobs, 4);
    assert_string_equal(run_line("--filter=a=b").in.selection.filter, "a=b");
    assert_string_equal(run_line("--filter=").in.selection.filter, "");
    assert_string_equal(run_line("--filter --jobs").in.selection.filter, "--jobs");
    assert_true(run_line("--timeout 1m30s").in.timeout_ns == 90 * NS_PER_S);
}

static void letters_stand_together(void **state)
{
    (void)state;
    struct reading_of r = run_line("-qvxj8 suite.json");
    assert_true(r.in.quiet && r.in.verbose && r.in.fail_fast);
    assert_int_equal(r.in.jobs, 8);
    assert_int_equal(r.in.words.count, 1);
}

static void lists_grow_and_texts_are_replaced(void **state)
{
    (void)state;
    struct reading_of r = run_line("-s a=1 --set b=2 --set=c=3 -t x -f one --filter two");
    assert_int_equal(r.in.selection.sets.count, 3);
    assert_string_equal(r.in.selection.sets.items[0], "a=1");
    assert_string_equal(r.in.selection.sets.items[2], "c=3");
    assert_int_equal(r.in.selection.tags.count, 1);
    assert_string_equal(r.in.selection.filter, "two");
}

static void words_and_options_mix_until_two_dashes(void **state)
{
    (void)state;
    struct reading_of r = run_line("a.json -q b.json - -- -v --jobs");
    assert_int_equal(r.in.words.count, 5);
    assert_string_equal(r.in.words.items[2], "-");
    assert_string_equal(r.in.words.items[4], "--jobs");
    assert_true(r.in.quiet);
    assert_false(r.in.verbose);
}

static void an_optional_value_may_be_left_out(void **state)
{
    (void)state;
    assert_string_equal(run_line("--resume").in.resume, "last");
    assert_string_equal(run_line("--resume -q").in.resume, "last");
    assert_string_equal(run_line("--resume 2026").in.resume, "2026");
    assert_string_equal(run_line("--resume=2026").in.resume, "2026");
    assert_string_equal(run_line("--rerun-failed --quiet").in.rerun_failed, "last");
    assert_null(run_line("-q").in.resume);
}

static void assert_refused(const char *line, const char *words)
{
    struct reading_of r = read_line(&command_run, line);
    assert_false(r.read);
    if (!strstr(r.said, words))
        fail_msg("%s: expected \"%s\" in \"%s\"", line, words, r.said);
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    assert_refused("--job 3", "there is no option --job; did you mean --jobs?");
    assert_refused("--Jobs=3", "there is no option --Jobs; did you mean --jobs?");
    assert_refused("--zzzzzz", "there is no option --zzzzzz\n");
    assert_refused("-Q", "there is no option -Q\n");
    assert_refused("-qZ", "there is no option -Z\n");
    assert_refused("--=x", "there is no option --");
    assert_refused("--jobs", "--jobs needs a value: --jobs N");
    assert_refused("-j", "--jobs needs a value: --jobs N");
    assert_refused("--jobs 0", "expected a whole number from 1 to 100000");
    assert_refused("--jobs 1.5", "expected a whole number from 1 to 100000");
    assert_refused("--jobs=", "expected a whole number from 1 to 100000");
    assert_refused("--jobs 100001", "expected a whole number from 1 to 100000");
    assert_refused("--timeout soon", "expected a duration such as 500ms");
    assert_refused("--quiet=no", "--quiet takes no value");
    assert_refused("--flaky perhaps", "--flaky perhaps: expected pass or fail");
    assert_refused("--color=blue", "--color blue: expected auto, always or never");
}

static void commands_have_only_their_own_options(void **state)
{
    (void)state;
    assert_false(read_line(&command_plan, "--resume").read);
    assert_false(read_line(&command_version, "--jobs 3").read);
    assert_true(read_line(&command_plan, "--json --jobs 3").read);
    assert_true(read_line(&command_version, "--help").in.help);
}

static void no_command_has_two_options_of_one_name_or_letter(void **state)
{
    (void)state;
    for (size_t c = 0; commands[c]; c++) {
        size_t count = 0;
        const struct option *all[128];
        for (const struct option *const *table = commands[c]->options; *table; table++)
            for (const struct option *o = *table; o->name; o++)
                all[count++] = o;
        for (size_t i = 0; i < count; i++) {
            assert_ptr_equal(option_find(commands[c], all[i]->name, strlen(all[i]->name)), all[i]);
            assert_true(all[i]->kind == OPTION_FLAG || all[i]->argument);
            for (size_t k = 0; k < i; k++)
                if (all[i]->letter && all[i]->letter == all[k]->letter)
                    fail_msg("%s: --%s and --%s have the letter %c", commands[c]->name,
                             all[i]->name, all[k]->name, all[i]->letter);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_stand_behind_a_blank_or_an_equals_sign),
        cmocka_unit_test(letters_stand_together),
        cmocka_unit_test(lists_grow_and_texts_are_replaced),
        cmocka_unit_test(words_and_options_mix_until_two_dashes),
        cmocka_unit_test(an_optional_value_may_be_left_out),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(commands_have_only_their_own_options),
        cmocka_unit_test(no_command_has_two_options_of_one_name_or_letter),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
