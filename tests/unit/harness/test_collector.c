/*
 * Streams as bytes, and the events made of them: both generations of the wire, every way to cut a
 * stream, and everything that can be wrong with an event.
 */
#include "capture.h"

#include <string.h>

#define STARTED                                                                                    \
    "data: {\"type\":\"started\",\"job_id\":\"j\",\"model\":\"m\",\"started_at\":\"0\"}\n\n"
#define TOKEN(text, index) "data: {\"type\":\"token\",\"t\":\"" text "\",\"i\":" #index "}\n\n"
#define END(count)                                                                                 \
    "data: {\"type\":\"end\",\"tokens_out\":" #count                                               \
    ",\"decode_time_ms\":7,\"stop_reason\":\"EOS\"}\n\n"

static struct assay_events *collect(const char *stream)
{
    struct assay_events *events;
    if (assay_collect_events(stream, strlen(stream), &events) != ASSAY_OK)
        fail_msg("%s", assay_last_error());
    return events;
}

static void events_with_type_in_the_data_are_read(void **state)
{
    (void)state;
    ASSAY_EVENTS_CLEANUP struct assay_events *e =
        collect(STARTED TOKEN("Hi", 0) TOKEN("!", 1) END(2));
    assert_int_equal(e->count, 4);
    assert_int_equal(e->tokens, 2);
    assert_string_equal(e->text, "Hi!");
    assert_int_equal(e->text_length, 3);
    assert_string_equal(e->items[0].job_id, "j");
    assert_string_equal(e->items[0].model, "m");
    assert_string_equal(e->items[0].started_at, "0");
    assert_string_equal(e->items[1].text, "Hi");
    assert_int_equal(e->items[1].index, 0);
    assert_string_equal(e->items[1].data, "{\"type\":\"token\",\"t\":\"Hi\",\"i\":0}");
    assert_int_equal(e->items[1].offset, strlen(STARTED));
    assert_ptr_equal(e->terminal, &e->items[3]);
    assert_int_equal(e->terminal->tokens_out, 2);
    assert_int_equal(e->terminal->decode_time_ms, 7);
    assert_string_equal(e->terminal->stop_reason, "EOS");
    assert_null(e->terminal->stop_sequence);
    assert_int_equal(e->items[0].index, -1);
    assert_null(e->fault);
}

static void events_named_by_their_event_line_are_read(void **state)
{
    (void)state;
    ASSAY_EVENTS_CLEANUP struct assay_events *e =
        collect("event: started\ndata: {\"job_id\":\"j\"}\n\n"
                "event: token\ndata: {\"t\":\"x\",\"i\":0}\n\n"
                "event: metrics\ndata: {\"tokens_per_sec\":1.5}\n\n"
                "event: error\ndata: {\"code\":\"VRAM_OOM\",\"message\":\"full\"}\n\n");
    assert_int_equal(e->items[2].kind, ASSAY_EVENT_METRICS);
    assert_string_equal(e->items[2].name, "metrics");
    assert_string_equal(e->terminal->code, "VRAM_OOM");
    assert_string_equal(e->terminal->message, "full");
    assert_holds(assay_assert_error_code(e, "VRAM_OOM"));
}

static void line_endings_missing_spaces_and_several_data_lines_change_nothing(void **state)
{
    (void)state;
    ASSAY_EVENTS_CLEANUP struct assay_events *e = collect(
        "\xef\xbb\xbf: hello\r\n\r\ndata:{\"type\":\"started\",\r\ndata:\"job_id\":\"j\"}\r\n\r\n"
        "id: 4\rdata:{\"type\":\"token\",\"t\":\"x\",\"i\":0}\r\r"
        "data:{\"type\":\"end\",\"tokens_out\":1,\"stop_reason\":\"eos\"}\n\r\n");
    assert_int_equal(e->count, 3);
    assert_string_equal(e->items[0].data, "{\"type\":\"started\",\n\"job_id\":\"j\"}");
    assert_holds(assay_assert_completed(e));
}

static void a_stream_cut_anywhere_gives_the_same_events(void **state)
{
    (void)state;
    static const char stream[] = STARTED TOKEN("日本", 0) TOKEN("\\u0000🌊", 1) END(2);
    size_t length = sizeof(stream) - 1;
    for (size_t first = 0; first <= length; first++) {
        struct assay_collector *c = assay_collector_new(NULL, NULL);
        assert_int_equal(assay_collector_feed(c, stream, first), ASSAY_OK);
        for (size_t at = first; at < length; at++) /* and then byte by byte */
            assert_int_equal(assay_collector_feed(c, stream + at, 1), ASSAY_OK);
        ASSAY_EVENTS_CLEANUP struct assay_events *e = assay_collector_end(c);
        assert_int_equal(e->count, 4);
        assert_int_equal(e->text_length, 11);
        assert_memory_equal(e->text, "日本\0🌊", 11);
        assert_null(e->fault);
        assert_false(e->unfinished);
    }
}

struct seen {
    size_t events, stop_after;
};

static bool count_events(void *context, const struct assay_event *event)
{
    struct seen *seen = context;
    assert_non_null(event->name);
    return ++seen->events != seen->stop_after;
}

static void a_callback_sees_each_event_and_may_stop(void **state)
{
    (void)state;
    struct seen seen = {.stop_after = 2};
    struct assay_collector *c = assay_collector_new(count_events, &seen);
    static const char stream[] = STARTED TOKEN("a", 0) TOKEN("b", 1) END(2);
    assert_int_equal(assay_collector_feed(c, stream, sizeof(stream) - 1), ASSAY_OK);
    assert_int_equal(assay_collector_feed(c, TOKEN("c", 2), 3), ASSAY_OK);
    ASSAY_EVENTS_CLEANUP struct assay_events *e = assay_collector_end(c);
    assert_int_equal(seen.events, 2);
    assert_int_equal(e->count, 2);
    assert_true(e->stopped);
    assert_fails(assay_assert_terminal(e), "left by the test after 2 events");
}

static void a_collector_can_be_given_up(void **state)
{
    (void)state;
    struct assay_collector *c = assay_collector_new(NULL, NULL);
    assert_int_equal(assay_collector_feed(c, STARTED "data: {", 20), ASSAY_OK);
    assay_collector_free(c);
    assay_collector_free(NULL);
    assay_events_free(NULL);
}

/* What is no stream of a worker is never a success, and says why. */
static void what_is_wrong_with_a_stream_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *stream, *words;
    } rows[] = {
        {"", "expected an event stream, got nothing"},
        {"{\"errors\":[]}", "expected an event stream, got: {\"errors\":[]}"},
        {"\n\n: only a comment\n\n", "expected an event stream, got:"},
        {"data: [DONE]\n\n", "events[0] (no name): its data is not JSON"},
        {"data: {\"type\":\"token\",\n\n", "its data is not JSON"},
        {"data: 7\n\n", "expected a JSON object as its data, got integer"},
        {"data: {}\n\n", "neither an event line nor a \"type\" says what it is"},
        {"data: {\"type\":1}\n\n", "its \"type\" is no string"},
        {"data: {\"type\":\"begin\"}\n\n", "expected started, token, metrics, end or error"},
        {"event: token\ndata: {\"type\":\"end\"}\n\n",
         "its event line says \"token\" and its data \"end\""},
        {"data: {\"type\":\"started\"}\n\n", "it has no \"job_id\""},
        {"data: {\"type\":\"started\",\"job_id\":\"j\",\"model\":1}\n\n",
         "\"model\" must be a string, got 1"},
        {STARTED "data: {\"type\":\"token\",\"t\":\"x\"}\n\n",
         "events[1] (token): it has no \"i\""},
        {"data: {\"type\":\"token\",\"i\":0}\n\n", "it has no \"t\""},
        {"data: {\"type\":\"token\",\"t\":null,\"i\":0}\n\n", "\"t\" must be a string, got null"},
        {TOKEN("x", -1), "\"i\" must be a whole number of 0 or more, got -1"},
        {TOKEN("x", 0.5), "\"i\" must be a whole number of 0 or more, got 0.5"},
        {TOKEN("\xff", 0), "its data is not JSON: unable to decode byte 0xff"},
        {TOKEN("\\ud83c", 0), "its data is not JSON"},
        {"data: {\"type\":\"end\",\"tokens_out\":1}\n\n", "it has no \"stop_reason\""},
        {"data: {\"type\":\"error\",\"code\":\"X\"}\n\n", "it has no \"message\""},
        {STARTED "data: {\"type\":\"end\"", "the stream ends within an event"},
        {STARTED "data: {\"type\":\"end\",\"tokens_out\":0,\"stop_reason\":\"EOS\"}\n",
         "the stream ends within an event"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ASSAY_EVENTS_CLEANUP struct assay_events *e = NULL;
        assert_int_equal(assay_collect_events(rows[i].stream, strlen(rows[i].stream), &e),
                         ASSAY_ERROR_PROTOCOL);
        assert_says(assay_last_error(), rows[i].words);
        assert_true(e->fault || e->unfinished);
        capture_begin();
        assert_false(assay_assert_completed(e));
    }
}

static void an_optional_field_may_be_null(void **state)
{
    (void)state;
    ASSAY_EVENTS_CLEANUP struct assay_events *e =
        collect(STARTED "data: {\"type\":\"end\",\"tokens_out\":0,\"stop_reason\":\"EOS\","
                        "\"stop_sequence_matched\":null}\n\n");
    assert_null(e->terminal->stop_sequence);
    assert_int_equal(e->terminal->decode_time_ms, -1);
}

static void an_endless_event_is_refused(void **state)
{
    (void)state;
    static char line[1 << 20];
    memset(line, 'x', sizeof(line));
    struct assay_collector *c = assay_collector_new(NULL, NULL);
    assert_int_equal(assay_collector_feed(c, STARTED "data: ", sizeof(STARTED "data: ") - 1),
                     ASSAY_OK);
    enum assay_error error = ASSAY_OK;
    for (int i = 0; i < 9 && !error; i++)
        error = assay_collector_feed(c, line, sizeof(line));
    assert_int_equal(error, ASSAY_ERROR_PROTOCOL);
    assert_int_equal(assay_collector_feed(c, "\n\n", 2), ASSAY_OK);
    ASSAY_EVENTS_CLEANUP struct assay_events *e = assay_collector_end(c);
    assert_int_equal(e->count, 1);
    assert_non_null(e->fault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_with_type_in_the_data_are_read),
        cmocka_unit_test(events_named_by_their_event_line_are_read),
        cmocka_unit_test(line_endings_missing_spaces_and_several_data_lines_change_nothing),
        cmocka_unit_test(a_stream_cut_anywhere_gives_the_same_events),
        cmocka_unit_test(a_callback_sees_each_event_and_may_stop),
        cmocka_unit_test(a_collector_can_be_given_up),
        cmocka_unit_test(what_is_wrong_with_a_stream_is_said),
        cmocka_unit_test(an_optional_field_may_be_null),
        cmocka_unit_test(an_endless_event_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
