/*
 * How faults are shown: golden texts, with the caret under its character.
 */
#include "core/limits.h"
#include "core/text.h"
#include "suite_test.h"

static struct place at(struct fixture *f, const char *name, const char *text, size_t offset)
{
    struct source *source = ARENA_NEW(f->arena, struct source);
    *source = (struct source){name, arena_copy(f->arena, slice_str(text))};
    return source_place(source, offset);
}

static void a_fault_shows_its_line_a_caret_and_a_suggestion(void **state)
{
    struct fixture *f = *state;
    static const char *const keys[] = {"execute", "expect", NULL};
    struct place place = at(f, "suites/x.json", "{\n  \"expct\": 1\n}\n", 4);
    struct diagnostic *fault = diagnose(&f->d, place, "unknown key \"expct\" in a case");
    diagnostic_suggest(&f->d, fault, SLICE("expct"), keys);
    assert_string_equal(shown(f), "suites/x.json:2:3: error: unknown key \"expct\" in a case\n"
                                  "  2 |   \"expct\": 1\n"
                                  "    |   ^\n"
                                  "help: did you mean \"expect\"?\n"
                                  "\n"
                                  "1 error\n");
}

static void an_unknown_word_far_from_all_others_has_no_suggestion(void **state)
{
    struct fixture *f = *state;
    static const char *const words[] = {"status", NULL};
    struct place place = at(f, "x", "zebra", 0);
    diagnose_unknown(&f->d, place, "check", SLICE("zebra"), words);
    assert_string_equal(shown(f), "x:1:1: error: unknown check \"zebra\"\n"
                                  "  1 | zebra\n"
                                  "    | ^\n"
                                  "\n"
                                  "1 error\n");
}

static void tabs_and_wide_characters_do_not_misplace_the_caret(void **state)
{
    struct fixture *f = *state;
    diagnose(&f->d, at(f, "x", "\t\"日本é\xcc\x81🙂\": X", 19), "here");
    assert_string_equal(shown(f), "x:1:20: error: here\n"
                                  "  1 |     \"日本é\xcc\x81🙂\": X\n"
                                  "    |                ^\n"
                                  "\n"
                                  "1 error\n");
}

static void a_long_line_is_cut_to_a_window_around_the_caret(void **state)
{
    struct fixture *f = *state;
    struct text line = text_in(f->arena);
    for (int i = 0; i < 400; i++)
        text_printf(&line, "%d", i % 10);
    diagnose(&f->d, at(f, "x", text_str(&line), 205), "here");
    assert_string_equal(
        shown(f),
        "x:1:206: error: here\n"
        "  1 | …5678901234567890123456789012345678901234567890123456789012345678901234567890123456"
        "78901234…\n"
        "    |                                                              ^\n"
        "\n"
        "1 error\n");
    diagnose(&f->d, at(f, "x", text_str(&line), 5), "here");
    assert_string_equal(
        shown(f),
        "x:1:6: error: here\n"
        "  1 | 0123456789012345678901234567890123456789012345678901234567890123456789012345"
        "67890123456789…\n"
        "    |      ^\n"
        "\n"
        "1 error\n");
}

static void nothing_in_the_file_can_steer_the_terminal(void **state)
{
    struct fixture *f = *state;
    /* Misleading text is what this is about. */
    static const char hostile[] =
        "a\033[2J\xff\xe2\x80\xae" // NOLINT(misc-misleading-bidirectional)
        "b";
    diagnose(&f->d, at(f, "x", hostile, 9), "got \"%s\"", "\033[31m");
    assert_string_equal(shown(f), "x:1:10: error: got \"\\x1b[31m\"\n"
                                  "  1 | a\xef\xbf\xbd[2J\xef\xbf\xbd\xef\xbf\xbd"
                                  "b\n"
                                  "    |        ^\n"
                                  "\n"
                                  "1 error\n");
}

static void faults_come_in_the_order_of_file_and_place(void **state)
{
    struct fixture *f = *state;
    struct place b = at(f, "b.json", "x\ny\n", 0), a = at(f, "a.json", "x\ny z\n", 4);
    diagnose(&f->d, b, "in b");
    diagnose(&f->d, a, "last in a");
    a.column = 1;
    diagnose(&f->d, a, "first in a");
    diagnose(&f->d, a, "second at the same place");
    diagnose(&f->d, (struct place){0}, "nowhere");
    diagnose(&f->d, (struct place){.source = a.source}, "the file as a whole");
    assert_string_equal(shown(f),
                        "error: nowhere\n\n"
                        "a.json: error: the file as a whole\n\n"
                        "a.json:2:1: error: first in a\n  2 | y z\n    | ^\n\n"
                        "a.json:2:1: error: second at the same place\n  2 | y z\n    | ^\n\n"
                        "a.json:2:3: error: last in a\n  2 | y z\n    |   ^\n\n"
                        "b.json:1:1: error: in b\n  1 | x\n    | ^\n\n"
                        "6 errors\n");
}

static void only_so_many_faults_are_kept_but_all_are_counted(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < LIMIT_DIAGNOSTICS + 50; i++)
        diagnose(&f->d, (struct place){0}, "fault %d", i)->hint = "a hint can always be set";
    const char *text = shown(f);
    assert_null(strstr(text, "fault 100"));
    assert_non_null(strstr(text, "fault 99\n"));
    assert_non_null(strstr(text, "\n150 errors, the first 100 shown\n"));
}

static void the_result_is_the_first_fault_with_its_place(void **state)
{
    struct fixture *f = *state;
    assert_true(result_ok(diagnostics_result(&f->d)));
    result_ignore(error_at(ERR_VALUE, at(f, "x", "a b", 2), "too small"));
    diagnose_error(&f->d, (struct place){0});
    result_ignore(error_set(ERR_VALUE, "no place of its own"));
    diagnose_error(&f->d, at(f, "y", "a", 0));
    assert_int_equal(diagnostics_result(&f->d).code, ERR_SUITE);
    assert_string_equal(error_last()->text, "too small");
    assert_int_equal(error_last()->place.column, 3);
    assert_non_null(strstr(shown(f), "y:1:1: error: no place of its own\n"));
}

static void color_is_there_only_when_asked_for(void **state)
{
    struct fixture *f = *state;
    char *text = NULL;
    size_t size = 0;
    diagnose(&f->d, at(f, "x", "abc", 1), "here")->hint = "do";
    FILE *to = open_memstream(&text, &size);
    diagnostics_print(&f->d, to, true);
    fclose(to);
    assert_string_equal(text, "\033[1mx:1:2:\033[0m \033[1;31merror:\033[0m \033[1mhere\033[0m\n"
                              "\033[34m  1 |\033[0m abc\n"
                              "\033[34m    |\033[0m  \033[1;31m^\033[0m\n"
                              "\033[1;32mhelp:\033[0m do\n"
                              "\n"
                              "1 error\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(a_fault_shows_its_line_a_caret_and_a_suggestion),
        SUITE_TEST(an_unknown_word_far_from_all_others_has_no_suggestion),
        SUITE_TEST(tabs_and_wide_characters_do_not_misplace_the_caret),
        SUITE_TEST(a_long_line_is_cut_to_a_window_around_the_caret),
        SUITE_TEST(nothing_in_the_file_can_steer_the_terminal),
        SUITE_TEST(faults_come_in_the_order_of_file_and_place),
        SUITE_TEST(only_so_many_faults_are_kept_but_all_are_counted),
        SUITE_TEST(the_result_is_the_first_fault_with_its_place),
        SUITE_TEST(color_is_there_only_when_asked_for),
    };
    return cmocka_run_group_tests_name("diagnostics", tests, NULL, NULL);
}
