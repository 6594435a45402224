/*
 * Normalised messages: what varies is taken out, what tells failures apart stays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/normalise.h"

static void becomes(const char *message, const char *expected)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct slice got = normalise_message(arena, slice_str(message));
    assert_string_equal(arena_string(arena, got), expected);
}

static void what_varies_is_taken_out(void **state)
{
    (void)state;
    becomes("Recv failure after 312 ms from 127.0.0.1:41235",
            "Recv failure after <duration> from <address>");
    becomes("job 0fe1d2c3-b4a5-9687-7869-5a4b3c2d1e0f of /tmp/x7/a.py:12: gone",
            "job <id> of <path>: gone");
    becomes("at 2026-11-21T15:33:42.677Z and 15:33:42, 2026-11-21 15:33:42.5",
            "at <time> and <time>, <time>");
    becomes("read 0x7ffe12 in chatcmpl-c0cc9853-2025", "read <hex> in <id>");
    becomes("worker3 of 12 took 1.25 s, 3e5 bytes, -7",
            "worker<n> of <n> took <duration>, <n> bytes, <n>");
    becomes("commit 9fceb02d0ae5", "commit <id>");
    becomes("connect to localhost:8080", "connect to <address>");
}

static void what_tells_apart_stays(void **state)
{
    (void)state;
    becomes("http GET /v1/models: expected status to be 200",
            "http GET /v<n>/models: expected status to be <n>");
    becomes("expected the text to equal \"five\", got \"four\"",
            "expected the text to equal \"five\", got \"four\"");
    becomes("deadbeef face facade", "deadbeef face facade");
    becomes("[worker] is stopped", "[worker] is stopped");
}

static void long_values_are_data(void **state)
{
    (void)state;
    becomes("got \"a text so long that nobody could take it for a part of the message\" here",
            "got <text> here");
    becomes("got \"without an end", "got \"without an end");
}

static void blanks_and_controls_do_not_count(void **state)
{
    (void)state;
    becomes("  one\t two\n\nthree\x1b[0m ", "one two three[<n>m");
    becomes("", "");
}

static void a_long_message_is_cut(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    char *text = arena_alloc(arena, 100000);
    memset(text, 'x', 100000);
    assert_true(normalise_message(arena, slice_of(text, 100000)).len <= 1000);
}

static void stack_becomes(const char *text, const char *expected)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct slice got = normalise_stack(arena, slice_str(text));
    assert_string_equal(arena_string(arena, got), expected);
}

static void stacks_of_many_languages_are_read(void **state)
{
    (void)state;
    stack_becomes("Traceback (most recent call last):\n"
                  "  File \"/srv/a.py\", line 3, in <module>\n    load('w')\n"
                  "  File \"/srv/a.py\", line 2, in load\n    return open(p)\n"
                  "FileNotFoundError: no\n",
                  "load < <module>");
    stack_becomes("Error: no\n    at load (/srv/a.js:3:5)\n    at main (/srv/a.js:9:1)\n",
                  "load < main");
    stack_becomes("Exception in thread\n\tat com.example.Model.load(Model.java:12)\n",
                  "com.example.Model.load");
    stack_becomes("==1==ERROR: AddressSanitizer\n    #0 0x55d0 in load /src/x.c:3\n"
                  "    #1 0x55d1 in main /src/x.c:9\n",
                  "load < main");
    stack_becomes("#0  load (path=0x0) at x.c:3\n#1  0x0001 in main () at x.c:9\n", "load < main");
    stack_becomes(
        "thread 'main' panicked\nstack backtrace:\n   0: model::load\n             at ./x.rs:3\n"
        "   1: main\n",
        "model::load < main");
    stack_becomes(
        "goroutine 1 [running]:\nmain.(*Model).load(0x1, 0x2)\n\t/srv/x.go:12 +0x1d\nmain.main()\n"
        "\t/srv/x.go:3 +0x2\n",
        "main.(*Model).load < main.main");
    stack_becomes("all is well (really)\n12: 30 we begin\n", "");
}

static void of_a_deep_stack_the_innermost_frames_stay(void **state)
{
    (void)state;
    stack_becomes(
        "  File \"a\", line 1, in a\n  File \"a\", line 1, in b\n  File \"a\", line 1, in c\n"
        "  File \"a\", line 1, in d\n  File \"a\", line 1, in e\n  File \"a\", line 1, in f\n"
        "  File \"a\", line 1, in g\n  File \"a\", line 1, in h\n  File \"a\", line 1, in i\n",
        "i < h < g < f < e < d < c < b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_varies_is_taken_out),
        cmocka_unit_test(what_tells_apart_stays),
        cmocka_unit_test(long_values_are_data),
        cmocka_unit_test(blanks_and_controls_do_not_count),
        cmocka_unit_test(a_long_message_is_cut),
        cmocka_unit_test(stacks_of_many_languages_are_read),
        cmocka_unit_test(of_a_deep_stack_the_innermost_frames_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
