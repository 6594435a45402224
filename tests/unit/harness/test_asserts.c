/*
 * Every assert, holding and failing: each must be able to fail, at the right place and with words
 * that help, and none may hold when there is nothing to look at.
 */
#include "capture.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define STARTED "data: {\"type\":\"started\",\"job_id\":\"j\"}\n\n"
#define TOKEN(text, index) "data: {\"type\":\"token\",\"t\":\"" text "\",\"i\":" #index "}\n\n"
#define METRICS "data: {\"type\":\"metrics\"}\n\n"
#define END_BY(reason, count)                                                                      \
    "data: {\"type\":\"end\",\"tokens_out\":" #count ",\"stop_reason\":\"" reason "\"}\n\n"
#define ERROR_EVENT "data: {\"type\":\"error\",\"code\":\"VRAM_OOM\",\"message\":\"full\"}\n\n"

#define GOOD STARTED TOKEN("a", 0) METRICS TOKEN("b", 1) END_BY("EOS", 2)

/* Kept until the test is over. */
static struct assay_events *lists[32];
static size_t list_count;

static const struct assay_events *events(const char *stream)
{
    (void)assay_collect_events(stream, strlen(stream), &lists[list_count]);
    return lists[list_count++];
}

static int free_lists(void **state)
{
    (void)state;
    while (list_count > 0)
        assay_events_free(lists[--list_count]);
    return 0;
}

static void order_is_started_then_tokens_and_metrics_then_one_end(void **state)
{
    (void)state;
    assert_holds(assay_assert_order(events(GOOD)));
    assert_holds(assay_assert_order(events(STARTED ERROR_EVENT)));
    assert_fails(assay_assert_order(events(TOKEN("a", 0) STARTED END_BY("EOS", 1))),
                 "expected started as the first event, got token; the events: token started end");
    assert_fails(assay_assert_order(events(ERROR_EVENT)),
                 "expected started as the first event, got error");
    assert_fails(assay_assert_order(events(STARTED STARTED END_BY("EOS", 0))),
                 "expected token or metrics as events[1], got started; the events: started×2 end");
    assert_fails(assay_assert_order(events(STARTED TOKEN("a", 0))),
                 "expected an end or error event, but the stream was over after 2 events");
    assert_fails(assay_assert_order(events(STARTED END_BY("EOS", 0) TOKEN("a", 0))),
                 "expected nothing after the end event, got 1 more events; the events: started end "
                 "token");
}

static void a_terminal_event_is_the_last_and_only_one(void **state)
{
    (void)state;
    assert_holds(assay_assert_terminal(events(GOOD)));
    assert_fails(assay_assert_terminal(events(STARTED)), "expected an end or error event");
    assert_fails(assay_assert_terminal(events(STARTED END_BY("EOS", 0) ERROR_EVENT)),
                 "expected nothing after the end event");
    assert_fails(assay_assert_terminal(events(STARTED END_BY("EOS", 0) "data: {")),
                 "got the beginning of another");
}

static void tokens_are_numbered_from_0_without_gaps(void **state)
{
    (void)state;
    assert_holds(assay_assert_tokens_contiguous(events(GOOD)));
    assert_holds(assay_assert_tokens_contiguous(events(STARTED TOKEN("a", 0) "data: {")));
    assert_fails(assay_assert_tokens_contiguous(events(TOKEN("a", 1))),
                 "expected token 0 as events[0], got one with \"i\": 1");
    assert_fails(assay_assert_tokens_contiguous(events(TOKEN("a", 0) TOKEN("a", 0))),
                 "expected token 1 as events[1], got one with \"i\": 0");
    assert_fails(assay_assert_tokens_contiguous(events(TOKEN("a", 0) END_BY("EOS", 2))),
                 "expected \"tokens_out\": 1 in the end event, as many as came, got 2");
    assert_fails(assay_assert_tokens_contiguous(events(STARTED END_BY("EOS", 0))),
                 "expected at least 1 token event, got none; the events: started end");
}

static void tokens_are_whole_characters(void **state)
{
    (void)state;
    assert_holds(assay_assert_utf8(events(STARTED TOKEN("Grüße 🌊", 0) END_BY("EOS", 1))));
    assert_fails(assay_assert_utf8(events(TOKEN("", 0))), "expected a text in token 0");
    assert_fails(assay_assert_utf8(events(TOKEN("a", 0) TOKEN("\xef\xbf\xbd", 1))),
                 "token 1 (events[1]) has U+FFFD");
    assert_fails(assay_assert_utf8(events(TOKEN("\xe6\x97", 0))), "unable to decode byte 0xe6");
    assert_fails(assay_assert_utf8(events(STARTED END_BY("EOS", 0))), "at least 1 token");
}

static void tokens_are_counted_in_whole_streams(void **state)
{
    (void)state;
    assert_holds(assay_assert_token_count(events(GOOD), 2, 2));
    assert_holds(assay_assert_token_count(events(STARTED END_BY("EOS", 0)), 0, 0));
    assert_fails(assay_assert_token_count(events(GOOD), 3, 9), "expected 3 to 9 tokens, got 2");
    assert_fails(assay_assert_token_count(events(GOOD), 0, 1), "expected 0 to 1 tokens, got 2");
    assert_fails(assay_assert_token_count(events(GOOD), 3, 1), "no count is at least 3");
    assert_fails(assay_assert_token_count(events(STARTED TOKEN("a", 0)), 1, 1),
                 "the stream was over");
}

static void texts_are_compared_byte_for_byte(void **state)
{
    (void)state;
    assert_holds(assay_assert_text(events(GOOD), "ab"));
    assert_fails(assay_assert_text(events(GOOD), "aB"),
                 "expected the text \"aB\", got \"ab\": they differ from byte 1 on");
    assert_fails(assay_assert_text(events(GOOD), "abc"), "they differ from byte 2 on");
    assert_fails(assay_assert_text(events(STARTED TOKEN("a", 0)), "a"), "the stream was over");
}

static void completion_is_one_of_three_stop_reasons(void **state)
{
    (void)state;
    assert_holds(assay_assert_completed(events(GOOD)));
    assert_holds(assay_assert_completed(events(STARTED END_BY("max_tokens", 0))));
    assert_holds(assay_assert_completed(events(STARTED END_BY("STOP_SEQUENCE", 0))));
    assert_fails(assay_assert_completed(events(STARTED END_BY("CANCELLED", 0))),
                 "expected the stop reason MAX_TOKENS, EOS or STOP_SEQUENCE, got CANCELLED");
    assert_fails(assay_assert_completed(events(STARTED ERROR_EVENT)),
                 "expected completion, got the error VRAM_OOM: full");
    assert_fails(assay_assert_completed(events(END_BY("EOS", 0))), "expected started");
}

static void stop_reasons_are_compared_in_any_case(void **state)
{
    (void)state;
    assert_holds(assay_assert_stop_reason(events(STARTED END_BY("cancelled", 0)), "CANCELLED"));
    assert_fails(assay_assert_stop_reason(events(GOOD), "MAX_TOKENS"),
                 "expected the stop reason MAX_TOKENS, got EOS");
    assert_fails(assay_assert_stop_reason(events(STARTED ERROR_EVENT), "EOS"),
                 "expected EOS, got the error VRAM_OOM: full");
    assert_fails(assay_assert_stop_reason(events(STARTED), "EOS"), "the stream was over");
}

static void error_codes_are_compared(void **state)
{
    (void)state;
    assert_holds(assay_assert_error_code(events(STARTED ERROR_EVENT), "VRAM_OOM"));
    assert_fails(assay_assert_error_code(events(STARTED ERROR_EVENT), "TIMEOUT"),
                 "expected the error TIMEOUT, got VRAM_OOM: full");
    assert_fails(assay_assert_error_code(events(GOOD), "TIMEOUT"),
                 "expected the error TIMEOUT, got an end with the stop reason EOS");
    assert_fails(assay_assert_error_code(events(STARTED), "TIMEOUT"), "the stream was over");
}

static void streams_of_one_seed_have_the_same_tokens(void **state)
{
    (void)state;
    const struct assay_events *good = events(GOOD);
    assert_holds(assay_assert_same_tokens(good, events(GOOD)));
    assert_fails(assay_assert_same_tokens(good, events(STARTED TOKEN("ab", 0) END_BY("EOS", 1))),
                 "token 0 differs");
    assert_fails(assay_assert_same_tokens(good, events(STARTED TOKEN("a", 0) END_BY("EOS", 1))),
                 "one stream has 2 tokens, the other 1");
    assert_fails(assay_assert_same_tokens(
                     good, events(STARTED TOKEN("a", 0) TOKEN("b", 1) END_BY("MAX_TOKENS", 2))),
                 "one stream ends with EOS, the other with MAX_TOKENS");
    assert_fails(assay_assert_same_tokens(events(STARTED END_BY("EOS", 0)), good), "at least 1");
    assert_fails(assay_assert_same_tokens(good, NULL), "expected events, got NULL");
}

/* An assert that holds because there is nothing to look at would make a hollow test. */
static void no_assert_holds_without_events(void **state)
{
    (void)state;
    const struct assay_events *const nothing[] = {NULL, events(""), events("{\"errors\":[]}"),
                                                  events(STARTED "data: {\"type\":\"tok\"}\n\n")};
    for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++) {
        assert_fails(assay_assert_order(nothing[i]), "expected");
        assert_fails(assay_assert_terminal(nothing[i]), "expected");
        assert_fails(assay_assert_tokens_contiguous(nothing[i]), "expected");
        assert_fails(assay_assert_utf8(nothing[i]), "expected");
        assert_fails(assay_assert_token_count(nothing[i], 0, 100), "expected");
        assert_fails(assay_assert_text(nothing[i], ""), "expected");
        assert_fails(assay_assert_completed(nothing[i]), "expected");
        assert_fails(assay_assert_stop_reason(nothing[i], "EOS"), "expected");
        assert_fails(assay_assert_error_code(nothing[i], "TIMEOUT"), "expected");
        assert_fails(assay_assert_same_tokens(nothing[i], nothing[i]), "expected");
    }
    assert_fails(assay_assert_started(NULL), "expected a worker, got NULL");
    assert_fails(assay_assert_status(NULL, 200), "expected status 200, got no response");
}

static void calls_are_asserted_with_their_error(void **state)
{
    (void)state;
    struct assay_events *e = NULL;
    assert_holds(assay_assert_error(assay_collect_events("x", 1, &e), ASSAY_ERROR_PROTOCOL));
    assay_events_free(e);
    assert_fails(assay_assert_ok(assay_collect_events("x", 1, &e)),
                 "assay_collect_events(\"x\", 1, &e): expected OK, got PROTOCOL: expected an event "
                 "stream, got: x");
    assay_events_free(e);
    assert_fails(assay_assert_error(ASSAY_OK, ASSAY_ERROR_DIED), "ASSAY_OK: expected DIED, got OK");
    assert_holds(assay_assert_ok(ASSAY_OK));
}

static void statuses_are_asserted_with_their_body(void **state)
{
    (void)state;
    const struct assay_response response = {.status = 503, .body = "busy\x1b", .body_length = 5};
    const struct assay_response none = {.status = 0, .error_text = "connection refused"};
    assert_holds(assay_assert_status(&response, 503));
    assert_fails(assay_assert_status(&response, 200), "expected status 200, got 503: busy\\x1b");
    assert_fails(assay_assert_status(&none, 200), "got no answer: connection refused");
}

/* Without a hook a failure is printed, and the program aborted. */
static void the_default_prints_the_place_and_aborts(void **state)
{
    (void)state;
    int output[2];
    assert_int_equal(pipe(output), 0);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(output[1], STDERR_FILENO);
        assay_set_failure_hook(NULL, NULL);
        assay_assert_order(NULL);
        _exit(0);
    }
    close(output[1]);
    char text[512] = "";
    size_t length = 0;
    for (ssize_t n; (n = read(output[0], text + length, sizeof(text) - 1 - length)) > 0;)
        length += (size_t)n;
    close(output[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_says(text, "test_asserts.c:");
    assert_says(text, ": expected events, got NULL\n");
}

static void errors_have_names_and_texts(void **state)
{
    (void)state;
    assert_string_equal(assay_error_name(ASSAY_OK), "OK");
    assert_string_equal(assay_error_name(ASSAY_ERROR_READY_TIMEOUT), "READY_TIMEOUT");
    assert_string_equal(assay_error_text(ASSAY_ERROR_READY_TIMEOUT),
                        "the worker was not ready in time");
    assert_string_equal(assay_error_name((enum assay_error)99), "?");
    assert_string_equal(assay_error_text((enum assay_error)99), "no error of the harness");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(order_is_started_then_tokens_and_metrics_then_one_end,
                                  free_lists),
        cmocka_unit_test_teardown(a_terminal_event_is_the_last_and_only_one, free_lists),
        cmocka_unit_test_teardown(tokens_are_numbered_from_0_without_gaps, free_lists),
        cmocka_unit_test_teardown(tokens_are_whole_characters, free_lists),
        cmocka_unit_test_teardown(tokens_are_counted_in_whole_streams, free_lists),
        cmocka_unit_test_teardown(texts_are_compared_byte_for_byte, free_lists),
        cmocka_unit_test_teardown(completion_is_one_of_three_stop_reasons, free_lists),
        cmocka_unit_test_teardown(stop_reasons_are_compared_in_any_case, free_lists),
        cmocka_unit_test_teardown(error_codes_are_compared, free_lists),
        cmocka_unit_test_teardown(streams_of_one_seed_have_the_same_tokens, free_lists),
        cmocka_unit_test_teardown(no_assert_holds_without_events, free_lists),
        cmocka_unit_test(calls_are_asserted_with_their_error),
        cmocka_unit_test(statuses_are_asserted_with_their_body),
        cmocka_unit_test(the_default_prints_the_place_and_aborts),
        cmocka_unit_test(errors_have_names_and_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
