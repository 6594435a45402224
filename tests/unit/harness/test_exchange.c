/*
 * Requests as they go out, and answers of every kind as they come back, byte for byte: the worker
 * is a server that says what the test wants.
 */
#include "capture.h"

#include <math.h>
#include <string.h>

#include "canned.h"

#define STREAM_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
#define UNTIL_CLOSE STREAM_HEAD "\r\n"
#define STARTED "data: {\"type\":\"started\",\"job_id\":\"j\"}\n\n"
#define TOKEN(text, index) "data: {\"type\":\"token\",\"t\":\"" text "\",\"i\":" #index "}\n\n"
#define END "data: {\"type\":\"end\",\"tokens_out\":1,\"stop_reason\":\"EOS\"}\n\n"
#define JSON(status, length, body)                                                                 \
    "HTTP/1.1 " status "\r\nContent-Type: application/json\r\nContent-Length: " #length            \
    "\r\n\r\n" body

static struct canned *server;
static struct assay_worker *worker;
static struct assay_response *response;

static int begin(void **state)
{
    (void)state;
    server = canned_start();
    worker = assay_worker_start(&(struct assay_worker_options){.url = canned_url(server)});
    assay_assert_started(worker);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    assay_response_cleanup(&response);
    assert_int_equal(assay_worker_stop(worker), ASSAY_OK);
    if (server)
        canned_stop(server);
    return 0;
}

static enum assay_error execute_answer(const char *answer, size_t piece, enum canned_end end)
{
    struct assay_request request = assay_request("j", "Hi", 10);
    canned_answer(server, answer, piece, end);
    return assay_execute(worker, &request, &response);
}

/* ---- requests ---- */

static void a_request_has_the_usual_headers_and_the_job_as_json(void **state)
{
    (void)state;
    assert_int_equal(execute_answer(UNTIL_CLOSE STARTED TOKEN("a", 0) END, 0, CANNED_CLOSE),
                     ASSAY_OK);
    const char *request = canned_request(server);
    assert_says(request, "POST /execute HTTP/1.1\r\nHost: 127.0.0.1:");
    assert_says(request, "\r\nUser-Agent: assay\r\nAccept: text/event-stream\r\n"
                         "Connection: close\r\nContent-Type: application/json\r\n"
                         "Content-Length: 72\r\n\r\n"
                         "{\"job_id\":\"j\",\"prompt\":\"Hi\",\"max_tokens\":10,"
                         "\"temperature\":0.7,\"seed\":42}");
    assert_null(strstr(request, "top_p"));
}

static void every_field_of_a_job_is_sent(void **state)
{
    (void)state;
    const char *stop[] = {"}", "\"\n", NULL}, *headers[] = {"X-One: 1", "user-agent:  me ", NULL};
    struct assay_request r = {.job_id = "j\"",
                              .prompt = "日",
                              .max_tokens = 0,
                              .temperature = 0,
                              .top_p = 0.25,
                              .has_seed = true,
                              .seed = UINT64_MAX,
                              .top_k = 4,
                              .repetition_penalty = 1.5,
                              .min_p = 1e-3,
                              .stop = stop,
                              .headers = headers,
                              .path = "/v2/execute?x=1"};
    canned_answer(server, JSON("503 Busy", 2, "{}"), 0, CANNED_CLOSE);
    assert_int_equal(assay_execute(worker, &r, &response), ASSAY_ERROR_STATUS);
    const char *request = canned_request(server);
    assert_says(request, "POST /v2/execute?x=1 HTTP/1.1\r\n");
    assert_says(request, "\r\nX-One: 1\r\nuser-agent: me\r\n\r\n");
    assert_null(strstr(request, "User-Agent"));
    assert_says(request,
                "{\"job_id\":\"j\\\"\",\"prompt\":\"日\",\"max_tokens\":0,\"temperature\":0.0,"
                "\"top_p\":0.25,\"repetition_penalty\":1.5,\"min_p\":0.001,\"top_k\":4,"
                "\"seed\":18446744073709551615,\"stop\":[\"}\",\"\\\"\\n\"]}");
}

static void a_body_of_your_own_is_sent_as_it_is(void **state)
{
    (void)state;
    struct assay_request request = {.body = "{\"job_id\": "};
    canned_answer(server, JSON("400 Bad Request", 13, "{\"errors\":[]}"), 0, CANNED_CLOSE);
    assert_int_equal(assay_execute(worker, &request, &response), ASSAY_ERROR_STATUS);
    assert_says(canned_request(server), "\r\nContent-Length: 11\r\n\r\n{\"job_id\": ");
    assert_says(assay_last_error(), "expected 200 and an event stream, got 400: {\"errors\":[]}");
    assert_int_equal(response->error, ASSAY_ERROR_STATUS);
    assert_string_equal(response->error_text, assay_last_error());
    assert_holds(assay_assert_status(response, 400));
    assert_string_equal(response->body, "{\"errors\":[]}");
    assert_fails(assay_assert_completed(response->events),
                 "expected an event stream, got status 400 with application/json: {\"errors\":[]}");
}

static void what_cannot_be_sent_is_refused(void **state)
{
    (void)state;
    const char *no_colon[] = {"X-One", NULL}, *forged[] = {"X-One: 1\r\nX-Two: 2", NULL};
    const struct {
        struct assay_request request;
        const char *words;
    } rows[] = {
        {{.prompt = "x"}, "needs a job_id and a prompt"},
        {{.job_id = "j", .prompt = "\xff"}, "the prompt is not UTF-8"},
        {{.job_id = "j", .prompt = "x", .top_p = NAN}, "top_p is not finite"},
        {{.body = "{}", .headers = no_colon}, "expected a header such as"},
        {{.body = "{}", .headers = forged}, "byte 0x0d may not stand in a header's value"},
        {{.body = "{}", .path = "execute"}, "expected a path that begins with /"},
        {{.body = "{}", .path = "/a b"}, ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(assay_execute(worker, &rows[i].request, &response), ASSAY_ERROR_INVALID);
        assert_says(assay_last_error(), rows[i].words);
        assert_int_equal(response->status, 0);
        assert_fails(assay_assert_order(response->events), "got no answer");
        assay_response_cleanup(&response);
    }
}

/* ---- answers ---- */

static void streams_are_read_however_they_are_framed_and_cut(void **state)
{
    (void)state;
    static const char *const answers[] = {
        UNTIL_CLOSE STARTED TOKEN("日本", 0) END,
        /* CRLF, no space after the colon, chunks that end within a character, a trailer */
        "HTTP/1.1 200 OK\r\ncontent-type: Text/Event-Stream; charset=utf-8\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
        "29\r\n"
        "data:{\"type\":\"started\",\"job_id\":\"j\"}\r\n\r\nd\r\n"
        "1b\r\n"
        "ata:{\"type\":\"token\",\"t\":\"\xe6\x97\r\n"
        "10\r\n"
        "\xa5\xe6\x9c\xac\",\"i\":0}\r\n\r\n\r\n"
        "40\r\n"
        "data:{\"type\":\"end\",\"tokens_out\":1,\ndata:\"stop_reason\":\"EOS\"}\r\n\r\n\r\n"
        "0\r\nX-Sum: 1\r\n\r\n",
    };
    for (size_t i = 0; i < 2; i++) {
        for (size_t piece = 0; piece <= 3; piece++) {
            if (execute_answer(answers[i], piece, CANNED_CLOSE) != ASSAY_OK)
                fail_msg("answer %zu: %s", i, assay_last_error());
            assert_holds(assay_assert_text(response->events, "日本"));
            assert_int_equal(response->raw_length, strlen(answers[i]));
            assert_string_equal(response->raw, answers[i]);
            assert_true(response->first_byte_ns >= 0);
            assert_true(response->total_ns >= response->first_byte_ns);
            assert_true(response->events->items[0].at_ns >= response->first_byte_ns);
            assay_response_cleanup(&response);
        }
    }
}

static void what_is_wrong_with_an_answer_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        enum canned_end end;
        enum assay_error error;
        const char *words;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
         CANNED_CLOSE, ASSAY_ERROR_PROTOCOL,
         "expected an event stream, got status 200 with application/json: {}"},
        {"HTTP/1.1 204 No Content\r\n\r\n", CANNED_CLOSE, ASSAY_ERROR_STATUS, "got 204"},
        {"HTTP/1.1 500 Oops\r\nContent-Type: text/event-stream\r\n\r\n" STARTED TOKEN("a", 0) END,
         CANNED_CLOSE, ASSAY_ERROR_STATUS, "expected 200 and an event stream, got 500"},
        {UNTIL_CLOSE, CANNED_CLOSE, ASSAY_ERROR_PROTOCOL, "expected an event stream, got nothing"},
        {UNTIL_CLOSE STARTED TOKEN("a", 0), CANNED_CLOSE, ASSAY_ERROR_PROTOCOL,
         "the stream was over after 2 events; the events: started token"},
        {UNTIL_CLOSE TOKEN("a", 0) END, CANNED_CLOSE, ASSAY_ERROR_PROTOCOL, "expected started"},
        {UNTIL_CLOSE STARTED END END, CANNED_CLOSE, ASSAY_ERROR_PROTOCOL,
         "expected nothing after the end event"},
        {UNTIL_CLOSE STARTED "data: {\"type\":\"token\",\"t\":\"x\",\"i\":}\n\n" END, CANNED_CLOSE,
         ASSAY_ERROR_PROTOCOL, "events[1] (no name): its data is not JSON"},
        {STREAM_HEAD "Content-Length: 1000\r\n\r\n" STARTED, CANNED_CLOSE, ASSAY_ERROR_HTTP,
         "39 of 1000 bytes"},
        {STREAM_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\ndata:", CANNED_CLOSE, ASSAY_ERROR_HTTP,
         ""},
        {UNTIL_CLOSE STARTED, CANNED_RESET, ASSAY_ERROR_HTTP, "Connection reset by peer"},
        {"HTTP/1.1 2", CANNED_CLOSE, ASSAY_ERROR_HTTP, ""},
        {"", CANNED_CLOSE, ASSAY_ERROR_HTTP, "closed without an answer"},
        {"220 mail.example ESMTP\r\n", CANNED_CLOSE, ASSAY_ERROR_HTTP, ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum assay_error error = execute_answer(rows[i].answer, 0, rows[i].end);
        if (error != rows[i].error)
            fail_msg("row %zu: %s: %s", i, assay_error_name(error), assay_last_error());
        assert_says(assay_last_error(), rows[i].words);
        assert_string_equal(response->error_text, assay_last_error());
        capture_begin();
        assert_false(assay_assert_completed(response->events));
        assay_response_cleanup(&response);
    }
}

static void the_stream_must_be_that_of_the_job(void **state)
{
    (void)state;
    assert_int_equal(execute_answer(UNTIL_CLOSE
                                    "data: {\"type\":\"started\",\"job_id\":\"k\"}\n\n" END,
                                    0, CANNED_CLOSE),
                     ASSAY_ERROR_PROTOCOL);
    assert_says(assay_last_error(), "expected \"job_id\": \"j\" in started, got \"k\"");
}

static void what_came_before_a_stream_broke_is_there(void **state)
{
    (void)state;
    assert_int_equal(execute_answer(STREAM_HEAD "Content-Length: 1000\r\n\r\n" STARTED TOKEN("a", 0)
                                        TOKEN("b", 1) "data: {\"ty",
                                    0, CANNED_CLOSE),
                     ASSAY_ERROR_HTTP);
    assert_int_equal(response->events->tokens, 2);
    assert_true(response->events->unfinished);
    assert_holds(assay_assert_tokens_contiguous(response->events));
    assert_holds(assay_assert_utf8(response->events));
    assert_fails(assay_assert_text(response->events, "ab"), "the stream was over after 3 events");
}

static void silence_ends_with_the_timeout(void **state)
{
    (void)state;
    struct assay_request request = assay_request("j", "Hi", 10);
    request.timeout_ns = 30 * ASSAY_MILLISECOND;
    canned_answer(server, UNTIL_CLOSE STARTED, 0, CANNED_HOLD);
    assert_int_equal(assay_execute(worker, &request, &response), ASSAY_ERROR_TIMEOUT);
    assert_says(assay_last_error(), "bytes of the answer read");
    assert_int_equal(response->events->count, 1);
}

static void an_answer_that_stays_open_after_its_end_is_a_fault(void **state)
{
    (void)state;
    assert_int_equal(execute_answer(UNTIL_CLOSE STARTED TOKEN("a", 0) END, 0, CANNED_HOLD),
                     ASSAY_ERROR_PROTOCOL);
    assert_says(assay_last_error(), "expected the answer to be over with its last event");
}

static bool leave(void *context, const struct assay_event *event)
{
    (void)context;
    return event->kind != ASSAY_EVENT_TOKEN;
}

static void a_callback_that_wants_no_more_closes_the_connection(void **state)
{
    (void)state;
    struct assay_request request = assay_request("j", "Hi", 10);
    canned_answer(server, UNTIL_CLOSE STARTED TOKEN("a", 0) TOKEN("b", 1), 0, CANNED_HOLD);
    assert_int_equal(assay_execute_each(worker, &request, leave, NULL, &response), ASSAY_OK);
    assert_true(response->events->stopped);
    assert_int_equal(response->events->count, 2);
    assert_fails(assay_assert_completed(response->events), "left by the test after 2 events");
}

static void nobody_there_is_no_answer(void **state)
{
    (void)state;
    canned_stop(server);
    server = NULL;
    assert_int_equal(assay_health(worker, &response), ASSAY_ERROR_HTTP);
    assert_says(assay_last_error(), "connecting to 127.0.0.1:");
    assert_says(assay_last_error(), "Connection refused");
    assert_fails(assay_assert_status(response, 200), "got no answer: connecting to");
}

/* ---- the other requests ---- */

static void health_is_a_status_of_healthy(void **state)
{
    (void)state;
    assert_int_equal(assay_health(worker, NULL), ASSAY_OK);
    assert_says(canned_request(server), "GET /health HTTP/1.1\r\n");
    static const char *const answers[] = {
        JSON("200 OK", 22, "{\"status\":\"unhealthy\"}"),
        JSON("200 OK", 2, "{}"),
        JSON("200 OK", 2, "ok"),
        JSON("503 Busy", 20, "{\"status\":\"healthy\"}"),
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        canned_answer(server, answers[i], 0, CANNED_CLOSE);
        assert_int_equal(assay_health(worker, &response), ASSAY_ERROR_STATUS);
        assert_says(assay_last_error(), "expected ");
        assay_response_cleanup(&response);
    }
}

static void jobs_are_cancelled_in_both_forms(void **state)
{
    (void)state;
    canned_answer(server, JSON("202 Accepted", 2, "{}"), 0, CANNED_CLOSE);
    assert_int_equal(assay_cancel(worker, "a/b \"", ASSAY_CANCEL_BODY), ASSAY_OK);
    assert_says(canned_request(server), "POST /cancel HTTP/1.1\r\n");
    assert_says(canned_request(server), "\r\n\r\n{\"job_id\":\"a/b \\\"\"}");
    assert_int_equal(assay_cancel(worker, "a/b \"", ASSAY_CANCEL_PATH), ASSAY_OK);
    assert_says(canned_request(server), "POST /cancel/a%2Fb%20%22 HTTP/1.1\r\n");
    assert_says(canned_request(server), "\r\nContent-Length: 0\r\n\r\n");
    canned_answer(server, JSON("404 Not Found", 2, "{}"), 0, CANNED_CLOSE);
    assert_int_equal(assay_cancel(worker, "j", ASSAY_CANCEL_BODY), ASSAY_ERROR_STATUS);
    assert_says(assay_last_error(), "expected 202 from /cancel, got 404: {}");
}

static void any_request_can_be_made(void **state)
{
    (void)state;
    canned_answer(server, JSON("418 Teapot", 5, "short"), 0, CANNED_CLOSE);
    assert_int_equal(assay_fetch(worker, "GET", "/metrics", NULL, &response), ASSAY_OK);
    assert_holds(assay_assert_status(response, 418));
    assert_string_equal(assay_response_header(response, "CONTENT-TYPE"), "application/json");
    assert_null(assay_response_header(response, "x-none"));
    assert_int_equal(response->header_count, 2);
    assay_response_cleanup(&response);
    canned_answer(server, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", 0, CANNED_HOLD);
    assert_int_equal(assay_fetch(worker, "HEAD", "/health", NULL, &response), ASSAY_OK);
    assert_int_equal(response->body_length, 0);
    assay_response_cleanup(&response);
    assert_int_equal(assay_fetch(worker, "BAD METHOD", "/", NULL, &response), ASSAY_ERROR_INVALID);
}

static void a_worker_that_runs_elsewhere_is_only_asked(void **state)
{
    (void)state;
    int status;
    assert_string_equal(assay_worker_url(worker), canned_url(server));
    assert_int_equal(assay_worker_pid(worker), 0);
    assert_int_equal(assay_worker_wait(worker, 0, &status), ASSAY_ERROR_INVALID);
    canned_answer(server, JSON("202 Accepted", 2, "{}"), 0, CANNED_CLOSE);
    assert_int_equal(assay_shutdown(worker), ASSAY_OK);
    assert_says(canned_request(server), "POST /shutdown HTTP/1.1\r\n");
    canned_answer(server, JSON("405 No", 2, "{}"), 0, CANNED_CLOSE);
    assert_int_equal(assay_shutdown(worker), ASSAY_ERROR_STATUS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_has_the_usual_headers_and_the_job_as_json),
        TEST(every_field_of_a_job_is_sent),
        TEST(a_body_of_your_own_is_sent_as_it_is),
        TEST(what_cannot_be_sent_is_refused),
        TEST(streams_are_read_however_they_are_framed_and_cut),
        TEST(what_is_wrong_with_an_answer_is_said),
        TEST(the_stream_must_be_that_of_the_job),
        TEST(what_came_before_a_stream_broke_is_there),
        TEST(silence_ends_with_the_timeout),
        TEST(an_answer_that_stays_open_after_its_end_is_a_fault),
        TEST(a_callback_that_wants_no_more_closes_the_connection),
        TEST(nobody_there_is_no_answer),
        TEST(health_is_a_status_of_healthy),
        TEST(jobs_are_cancelled_in_both_forms),
        TEST(any_request_can_be_made),
        TEST(a_worker_that_runs_elsewhere_is_only_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
