/*
 * The whole worker in a process of its own, over real sockets: streams, cancelling, clients that go
 * away or do not read, shutting down, the ready callback.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/jsontext.h"
#include "core/memory.h"
#include "net/http.h"
#include "options.h"
#include "stub.h"
#include "worker.h"

/* ---- the worker under test ---- */

struct live {
    pid_t pid;
    uint16_t port;
};

static uint64_t loops; /* of the workers under test */

static struct options defaults(void)
{
    struct options options;
    char *argv[] = {(char[]){"assay-worker"}, (char[]){"--stub-mode"}, (char[]){"--port=0"}};
    assert_true(result_ok(options_read(&options, 3, argv)));
    options.threads = loops;
    return options;
}

static struct live start_with(const struct options *options, const struct engine *engine)
{
    int out[2];
    struct live live = {0};
    fflush(NULL);
    assert_int_equal(pipe(out), 0);
    live.pid = fork();
    assert_true(live.pid >= 0);
    if (live.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody behind */
        dup2(out[1], STDOUT_FILENO);
        close(out[0]);
        close(out[1]);
        exit(worker_run(options, engine));
    }
    close(out[1]);
    FILE *lines = fdopen(out[0], "r");
    char line[128];
    if (fgets(line, sizeof(line), lines)) {
        const char *port = strrchr(line, ':');
        assert_non_null(port);
        live.port = (uint16_t)strtoul(port + 1, NULL, 10); /* our own text */
    }
    fclose(lines);
    return live;
}

static struct live start(const struct options *options)
{
    return start_with(options, &stub_engine);
}

static int end_of(struct live live)
{
    int status;
    assert_int_equal(waitpid(live.pid, &status, 0), live.pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int stop(struct live live)
{
    kill(live.pid, SIGTERM);
    return end_of(live);
}

/* ---- a plain client ---- */

static int connect_to(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void send_text(int fd, const char *text)
{
    size_t len = strlen(text);
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        assert_true(n > 0);
        text += n;
        len -= (size_t)n;
    }
}

static void send_request(int fd, const char *method, const char *path, const char *headers,
                         const char *body)
{
    struct buf b = buf_limited(4 << 20);
    assert_true(result_ok(buf_printf(&b,
                                     "%s %s HTTP/1.1\r\nHost: w\r\nConnection: close\r\n"
                                     "Content-Type: application/json\r\nContent-Length: %zu\r\n"
                                     "%s\r\n%s",
                                     method, path, strlen(body), headers, body)));
    send_text(fd, b.data);
    buf_free(&b);
}

struct answer {
    struct http_parser parser;
    struct buf body;
    unsigned status;
    bool complete;
};

/* Read until the answer is complete or its body holds `until` (NULL: the end). */
static void read_answer(int fd, struct answer *a, const char *until)
{
    char room[4096];
    while (!a->complete && !(until && a->body.len && strstr(a->body.data, until))) {
        ssize_t n = read(fd, room, sizeof(room));
        assert_true(n > 0);
        struct slice input = slice_of(room, (size_t)n);
        struct http_event event;
        do {
            assert_true(result_ok(http_next(&a->parser, &input, &event)));
            if (event.kind == HTTP_HEAD)
                a->status = event.head->status;
            if (event.kind == HTTP_BODY)
                assert_true(result_ok(buf_append(&a->body, event.bytes)));
            a->complete = event.kind == HTTP_END;
        } while (event.kind != HTTP_NEED_MORE && !a->complete);
    }
}

static struct answer answer_new(void)
{
    struct answer a = {.body = buf_limited(32 << 20)};
    http_init(&a.parser, HTTP_RESPONSE);
    return a;
}

static void answer_free(struct answer *a)
{
    http_free(&a->parser);
    buf_free(&a->body);
}

/* One request on a connection of its own, answered in full. */
static struct answer call(uint16_t port, const char *method, const char *path, const char *body)
{
    int fd = connect_to(port);
    struct answer a = answer_new();
    send_request(fd, method, path, "", body);
    read_answer(fd, &a, NULL);
    close(fd);
    return a;
}

static void expect(uint16_t port, const char *method, const char *path, const char *body,
                   unsigned status, const char *part)
{
    struct answer a = call(port, method, path, body);
    assert_int_equal(a.status, status);
    assert_non_null(strstr(a.body.data, part));
    answer_free(&a);
}

/* Ask until the answer holds `part`: for what the worker learns a moment later. */
static void expect_soon(uint16_t port, const char *path, const char *part)
{
    for (int64_t end = clock_now() + 10 * NS_PER_S;;) {
        struct answer a = call(port, "GET", path, "");
        bool there = strstr(a.body.data, part) != NULL;
        answer_free(&a);
        if (there)
            return;
        assert_true(clock_now() < end);
    }
}

#define JOB(id, prompt, tokens)                                                                    \
    "{\"job_id\":\"" id "\",\"prompt\":\"" prompt "\",\"max_tokens\":" tokens "}"
#define SLOWLY "X-Assay-Delay-Ms: 2\r\n"

static int open_stream(uint16_t port, const char *headers, const char *body)
{
    int fd = connect_to(port);
    send_request(fd, "POST", "/execute", headers, body);
    return fd;
}

/* ---- tests ---- */

static void a_stream_has_its_events_and_the_next_request_its_answer(void **state)
{
    (void)state;
    struct options options = defaults();
    struct live live = start(&options);
    struct answer a = call(live.port, "POST", "/execute", JOB("a", "echo:hi", "9"));
    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.body.data, "event: started\ndata: {\"type\":\"started\","));
    assert_non_null(strstr(a.body.data, "\"stop_reason\":\"EOS\"}\n\n"));
    answer_free(&a);
    expect(live.port, "GET", "/health", "", 200, "\"state\":\"ready\"");
    expect(live.port, "POST", "/execute", "{}", 400, "{\"errors\":[");
    expect(live.port, "GET", "/nothing", "", 404, "NOT_FOUND");
    assert_int_equal(stop(live), 0);
}

static void hundreds_of_streams_at_once_are_all_complete(void **state)
{
    (void)state;
    enum { STREAMS = 300 };
    struct options options = defaults();
    struct live live = start(&options);
    int fds[STREAMS];
    char body[128];
    for (int i = 0; i < STREAMS; i++) {
        snprintf(body, sizeof(body),
                 "{\"job_id\":\"j%d\",\"prompt\":\"p%d\",\"max_tokens\":200,\"seed\":%d}", i, i, i);
        fds[i] = open_stream(live.port, i % 2 ? SLOWLY : "", body);
    }
    for (int i = 0; i < STREAMS; i++) {
        struct answer a = answer_new();
        char started[64];
        snprintf(started, sizeof(started), "\"job_id\":\"j%d\"", i);
        read_answer(fds[i], &a, NULL);
        assert_non_null(strstr(a.body.data, started));
        assert_non_null(strstr(a.body.data, "\"i\":199}"));
        assert_non_null(strstr(a.body.data, "\"tokens_out\":200"));
        answer_free(&a);
        close(fds[i]);
    }
    expect(live.port, "GET", "/metrics", "", 200, "worker_tokens_generated_total 60000\n");
    assert_int_equal(stop(live), 0);
}

static void a_job_is_cancelled_from_another_connection(void **state)
{
    (void)state;
    struct options options = defaults();
    struct live live = start(&options);
    struct answer a = answer_new();
    int fd = open_stream(live.port, SLOWLY, JOB("slow", "p", "2048"));
    read_answer(fd, &a, "\"i\":1}");
    expect(live.port, "POST", "/execute", JOB("slow", "p", "1"), 409, "INVALID_REQUEST");
    expect(live.port, "POST", "/cancel", "{\"job_id\":\"slow\"}", 202, "\"cancelled\":true");
    expect(live.port, "POST", "/cancel/slow", "", 202, "\"cancelled\":false");
    read_answer(fd, &a, NULL);
    assert_non_null(strstr(a.body.data, "\"stop_reason\":\"CANCELLED\"}\n\n"));
    answer_free(&a);
    close(fd);
    assert_int_equal(stop(live), 0);
}

static void a_deadline_and_a_limit_of_the_prompt_are_kept(void **state)
{
    (void)state;
    struct options options = defaults();
    options.max_tokens_in = 3;
    struct live live = start(&options);
    struct answer a = answer_new();
    char header[128];
    snprintf(header, sizeof(header), "X-Assay-First-Token-Ms: 100000\r\nX-Deadline: %lld\r\n",
             (long long)(clock_wall() / NS_PER_MS + 30));
    int fd = open_stream(live.port, header, JOB("dead", "p", "9"));
    read_answer(fd, &a, NULL);
    assert_non_null(strstr(a.body.data, "\"code\":\"TIMEOUT\""));
    answer_free(&a);
    close(fd);
    expect(live.port, "POST", "/execute", JOB("long", "thirteen byte", "9"), 400,
           "prompt must have at most 3 tokens (got 4)");
    assert_int_equal(stop(live), 0);
}

static void a_client_that_goes_away_stops_its_generation(void **state)
{
    (void)state;
    struct options options = defaults();
    struct live live = start(&options);
    static const char *const paces[] = {SLOWLY, "X-Assay-First-Token-Ms: 100000\r\n"};
    for (size_t i = 0; i < 2; i++) {
        struct answer a = answer_new();
        int fd = open_stream(live.port, paces[i], JOB("gone", "p", "2048"));
        read_answer(fd, &a, "started");
        close(fd);
        answer_free(&a);
        expect_soon(live.port, "/metrics",
                    i == 0 ? "{outcome=\"cancelled\"} 1\n" : "{outcome=\"cancelled\"} 2\n");
        expect(live.port, "GET", "/health", "", 200, "\"state\":\"ready\"");
    }
    assert_int_equal(stop(live), 0);
}

/* An engine so loud that a stream is more than the kernel takes for a client that does not read:
 * 256 control characters a token, each six bytes as JSON. */
static struct result loud_start(const struct engine_request *request, void **sequence)
{
    (void)request;
    static char nothing;
    *sequence = &nothing;
    return RESULT_OK;
}

static enum engine_step loud_next(void *sequence, struct slice *token)
{
    (void)sequence;
    static _Thread_local char bytes[ENGINE_TOKEN_BYTES];
    memset(bytes, 1, sizeof(bytes));
    *token = slice_of(bytes, sizeof(bytes));
    return ENGINE_TOKEN;
}

static uint64_t loud_prompt_tokens(struct slice prompt)
{
    return prompt.len;
}

static void loud_free(void *sequence)
{
    (void)sequence;
}

static const struct engine loud_engine = {"loud",     0,         loud_prompt_tokens,
                                          loud_start, loud_next, loud_free};

static void a_client_that_does_not_read_delays_nobody_and_gets_all(void **state)
{
    (void)state;
    struct options options = defaults();
    options.max_tokens_out = 8000;
    struct live live = start_with(&options, &loud_engine);
    int fds[4];
    for (int i = 0; i < 4; i++) {
        char body[128];
        snprintf(body, sizeof(body), "{\"job_id\":\"%d\",\"prompt\":\"p\",\"max_tokens\":8000}", i);
        fds[i] = connect_to(live.port);
        send_request(fds[i], "POST", "/execute", "", body);
    }
    expect(live.port, "POST", "/execute", JOB("quick", "p", "9"), 200, "\"tokens_out\":9");
    for (int i = 0; i < 4; i++) {
        struct answer a = answer_new();
        expect(live.port, "GET", "/health", "", 200, "\"state\":\"busy\""); /* it waits for us */
        read_answer(fds[i], &a, NULL);
        assert_non_null(strstr(a.body.data, "\"i\":7999}"));
        assert_non_null(strstr(a.body.data, "MAX_TOKENS"));
        answer_free(&a);
        close(fds[i]);
    }
    assert_int_equal(stop(live), 0);
}

static void shutting_down_refuses_new_work_and_lets_the_old_finish(void **state)
{
    (void)state;
    struct options options = defaults();
    struct live live = start(&options);
    struct answer a = answer_new();
    int fd = open_stream(live.port, "X-Assay-Delay-Ms: 5\r\n", JOB("last", "p", "60"));
    read_answer(fd, &a, "\"i\":0}");
    expect(live.port, "POST", "/shutdown", "", 202, "draining");
    expect(live.port, "GET", "/health", "", 503, "\"status\":\"unhealthy\",\"state\":\"draining\"");
    expect(live.port, "POST", "/execute", JOB("late", "p", "1"), 503, "WORKER_UNHEALTHY");
    read_answer(fd, &a, NULL);
    assert_non_null(strstr(a.body.data, "\"tokens_out\":60"));
    assert_non_null(strstr(a.body.data, "MAX_TOKENS"));
    answer_free(&a);
    close(fd);
    assert_int_equal(end_of(live), 0);
}

static void what_does_not_finish_in_time_is_cancelled(void **state)
{
    (void)state;
    struct options options = defaults();
    options.drain_timeout_s = 0;
    struct live live = start(&options);
    struct answer a = answer_new();
    int fd = open_stream(live.port, "X-Assay-First-Token-Ms: 100000\r\n", JOB("long", "p", "9"));
    read_answer(fd, &a, "started");
    kill(live.pid, SIGTERM);
    read_answer(fd, &a, NULL);
    assert_non_null(strstr(a.body.data, "\"stop_reason\":\"CANCELLED\""));
    answer_free(&a);
    close(fd);
    assert_int_equal(end_of(live), 0);
}

static void a_second_signal_ends_at_once(void **state)
{
    (void)state;
    struct options options = defaults();
    struct live live = start(&options);
    struct answer a = answer_new();
    int fd = open_stream(live.port, "X-Assay-First-Token-Ms: 100000\r\n", JOB("long", "p", "9"));
    read_answer(fd, &a, "started");
    kill(live.pid, SIGTERM);
    expect_soon(live.port, "/health", "draining");
    kill(live.pid, SIGINT);
    read_answer(fd, &a, NULL);
    assert_non_null(strstr(a.body.data, "CANCELLED"));
    answer_free(&a);
    close(fd);
    assert_int_equal(end_of(live), 0);
}

static void what_is_too_large_is_refused_in_the_form_of_its_path(void **state)
{
    (void)state;
    struct options options = defaults();
    struct live live = start(&options);
    static char body[(2 << 20) + 2];
    memset(body, ' ', sizeof(body) - 1);
    expect(live.port, "POST", "/execute", body, 413, "{\"code\":\"PAYLOAD_TOO_LARGE\"");
    expect(live.port, "POST", "/v1/completions", body, 413,
           "{\"error\":{\"message\":\"the body of a request may have 2097152 bytes\"");
    expect(live.port, "POST", "/v2/models/add_sub/infer", body, 413, "{\"error\":\"the body");
    assert_int_equal(stop(live), 0);
}

/* The list shows batches as they are; only looking at one has it go on at once. */
/* A stream of 60 MB, which its truncation had to hold as a whole. */
static void a_fault_of_an_answer_too_large_to_be_kept_ended_the_worker(void **state)
{
    (void)state;
    struct options options = defaults();
    struct live live = start(&options);
    int fd = connect_to(live.port);
    char room[4096];
    ssize_t n;
    send_request(fd, "POST", "/v1/chat/completions", "X-Assay-Fault: truncate,bytes=1\r\n",
                 "{\"model\":\"stub\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],"
                 "\"max_tokens\":2048,\"n\":128,\"stream\":true}");
    while ((n = read(fd, room, sizeof(room))) > 0)
        continue;
    assert_int_equal(n, -1); /* reset */
    close(fd);
    expect(live.port, "GET", "/health", "", 200, "\"state\":\"ready\"");
    assert_int_equal(stop(live), 0);
}

static void a_batch_goes_on_when_nobody_looks_at_it(void **state)
{
    (void)state;
    struct options options = defaults();
    struct live live = start(&options);
    char request[1000];
    const char *form =
        "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n"
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n"
        "{\"custom_id\":\"a\",\"method\":\"POST\",\"url\":\"/v1/completions\","
        "\"body\":{\"model\":\"stub\",\"prompt\":\"p\"}}\r\n--b--\r\n";
    snprintf(request, sizeof(request),
             "POST /v1/files HTTP/1.1\r\nHost: w\r\nConnection: close\r\n"
             "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(form), form);
    int fd = connect_to(live.port);
    struct answer a = answer_new();
    send_text(fd, request);
    read_answer(fd, &a, NULL);
    const char *id = strstr(a.body.data, "file-");
    assert_non_null(id);
    snprintf(request, sizeof(request),
             "{\"input_file_id\":\"%.*s\",\"endpoint\":\"/v1/completions\","
             "\"completion_window\":\"24h\"}",
             (int)strcspn(id, "\""), id);
    expect(live.port, "POST", "/v1/batches", request, 200, "\"status\":\"validating\"");
    expect_soon(live.port, "/v1/batches", "\"status\":\"in_progress\"");
    expect_soon(live.port, "/v1/batches", "\"status\":\"completed\"");
    answer_free(&a);
    close(fd);
    assert_int_equal(stop(live), 0);
}

/* Connections are spread evenly, so that eight are on every loop. */
static void what_one_connection_does_is_seen_on_all(void **state)
{
    (void)state;
    enum { COUNT = 8 };
    struct options options = defaults();
    struct live live = start(&options);
    struct answer answers[COUNT];
    int fds[COUNT];
    char body[100];
    for (int i = 0; i < COUNT; i++) {
        snprintf(body, sizeof(body), "{\"job_id\":\"j%d\",\"prompt\":\"p\",\"max_tokens\":9}", i);
        answers[i] = answer_new();
        fds[i] = open_stream(live.port, "X-Assay-First-Token-Ms: 100000\r\n", body);
        read_answer(fds[i], &answers[i], "started");
    }
    for (int i = 0; i < COUNT; i++) {
        snprintf(body, sizeof(body), "{\"job_id\":\"j%d\",\"prompt\":\"p\",\"max_tokens\":9}", i);
        expect(live.port, "POST", "/execute", body, 409, "INVALID_REQUEST");
        expect(live.port, "POST", "/v1/files", "", 400, "invalid_request_error");
    }
    for (int i = 0; i < COUNT - 1; i++) {
        snprintf(body, sizeof(body), "{\"job_id\":\"j%d\"}", i);
        expect(live.port, "GET", "/health", "", 200, "\"state\":\"busy\"");
        expect(live.port, "POST", "/cancel", body, 202, "\"cancelled\":true");
        expect(live.port, "POST", "/cancel", body, 202, "\"cancelled\":false");
        read_answer(fds[i], &answers[i], NULL);
        assert_non_null(strstr(answers[i].body.data, "CANCELLED"));
    }
    expect(live.port, "GET", "/metrics", "", 200, "worker_requests_total{outcome=\"cancelled\"} 7");
    expect(live.port, "GET", "/metrics", "", 200, "worker_requests_total{outcome=\"error\"} 8");
    expect(live.port, "POST", "/shutdown", "", 202, "draining");
    for (int i = 0; i < COUNT; i++) {
        expect(live.port, "GET", "/health", "", 503, "\"state\":\"draining\"");
        expect(live.port, "POST", "/execute", JOB("late", "p", "1"), 503, "WORKER_UNHEALTHY");
    }
    expect(live.port, "POST", "/shutdown", "", 202, "draining");
    read_answer(fds[COUNT - 1], &answers[COUNT - 1], NULL);
    assert_non_null(strstr(answers[COUNT - 1].body.data, "CANCELLED"));
    for (int i = 0; i < COUNT; i++) {
        answer_free(&answers[i]);
        close(fds[i]);
    }
    assert_int_equal(end_of(live), 0);
}

/* ---- the ready callback ---- */

static int listen_anywhere(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

/* Take the callback's request whole; gives its JSON. */
static json_t *read_callback(int fd)
{
    struct http_parser parser;
    struct buf body = buf_limited(1 << 16);
    struct http_event event = {0};
    char room[4096];
    http_init(&parser, HTTP_REQUEST);
    while (event.kind != HTTP_END) {
        ssize_t n = read(fd, room, sizeof(room));
        assert_true(n > 0);
        struct slice input = slice_of(room, (size_t)n);
        do {
            assert_true(result_ok(http_next(&parser, &input, &event)));
            if (event.kind == HTTP_HEAD) {
                assert_true(slice_is(event.head->method, "POST"));
                assert_true(slice_is(event.head->target, "/workers/ready?x=1"));
            }
            if (event.kind == HTTP_BODY)
                assert_true(result_ok(buf_append(&body, event.bytes)));
        } while (event.kind != HTTP_NEED_MORE && event.kind != HTTP_END);
    }
    json_t *json;
    assert_true(result_ok(jsontext_read(buf_slice(&body), &json)));
    buf_free(&body);
    http_free(&parser);
    return json;
}

static void the_callback_comes_when_the_worker_already_listens(void **state)
{
    (void)state;
    uint16_t port;
    int listener = listen_anywhere(&port);
    char url[64], uri[64];
    struct options options = defaults();
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/workers/ready?x=1", port);
    options.callback_url = url;
    options.worker_id = "worker \"7\"";
    struct live live = start(&options);
    int fd = accept(listener, NULL, NULL);
    json_t *json = read_callback(fd);
    snprintf(uri, sizeof(uri), "http://127.0.0.1:%u", live.port);
    assert_string_equal(json_string_value(json_object_get(json, "worker_id")), "worker \"7\"");
    assert_string_equal(json_string_value(json_object_get(json, "uri")), uri);
    assert_true(json_integer_value(json_object_get(json, "vram_bytes")) > 0);
    json_decref(json);
    expect(live.port, "GET", "/health", "", 200, "\"state\":\"starting\"");
    send_text(fd, "HTTP/1.1 204 No Content\r\n\r\n");
    expect_soon(live.port, "/health", "\"state\":\"ready\"");
    close(fd);
    close(listener);
    assert_int_equal(stop(live), 0);
}

static void a_callback_that_is_refused_ends_the_worker(void **state)
{
    (void)state;
    static const char *const answers[] = {"HTTP/1.1 500 Internal Server Error\r\n\r\n",
                                          "HTTP/1.1 302 Found\r\n\r\n", "nonsense\r\n\r\n", ""};
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        uint16_t port;
        int listener = listen_anywhere(&port);
        char url[64];
        struct options options = defaults();
        snprintf(url, sizeof(url), "http://localhost:%u/workers/ready?x=1", port);
        options.callback_url = url;
        struct live live = start(&options);
        int fd = accept(listener, NULL, NULL);
        json_decref(read_callback(fd));
        send_text(fd, answers[i]);
        close(fd);
        close(listener);
        assert_int_equal(end_of(live), 3);
    }
}

static void a_callback_that_is_no_http_address_is_a_usage_error(void **state)
{
    (void)state;
    static const char *const urls[] = {"https://127.0.0.1/", "127.0.0.1:80", "http://",
                                       "http://:80/",        "http://h:0/",  "http://h:99999/",
                                       "http://h/a b"};
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct options options = defaults();
        options.callback_url = urls[i];
        assert_int_equal(end_of(start(&options)), 2);
    }
}

static void the_test_hook_of_the_original_is_not_called(void **state)
{
    (void)state;
    struct options options = defaults();
    options.callback_url = "http://localhost:9999/callback";
    struct live live = start(&options);
    expect(live.port, "GET", "/health", "", 200, "\"state\":\"ready\"");
    assert_int_equal(stop(live), 0);
}

static void a_port_in_use_is_an_error(void **state)
{
    (void)state;
    uint16_t port;
    int listener = listen_anywhere(&port);
    struct options options = defaults();
    options.port = port;
    assert_int_equal(end_of(start(&options)), 3);
    close(listener);
}

static int with_one_loop(void **state)
{
    (void)state;
    loops = 1;
    return 0;
}

static int with_three_loops(void **state)
{
    (void)state;
    loops = 3;
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_has_its_events_and_the_next_request_its_answer),
        cmocka_unit_test(hundreds_of_streams_at_once_are_all_complete),
        cmocka_unit_test(a_job_is_cancelled_from_another_connection),
        cmocka_unit_test(a_deadline_and_a_limit_of_the_prompt_are_kept),
        cmocka_unit_test(a_client_that_goes_away_stops_its_generation),
        cmocka_unit_test(a_client_that_does_not_read_delays_nobody_and_gets_all),
        cmocka_unit_test(shutting_down_refuses_new_work_and_lets_the_old_finish),
        cmocka_unit_test(what_does_not_finish_in_time_is_cancelled),
        cmocka_unit_test(a_second_signal_ends_at_once),
        cmocka_unit_test(what_is_too_large_is_refused_in_the_form_of_its_path),
        cmocka_unit_test(a_fault_of_an_answer_too_large_to_be_kept_ended_the_worker),
        cmocka_unit_test(a_batch_goes_on_when_nobody_looks_at_it),
        cmocka_unit_test(what_one_connection_does_is_seen_on_all),
        cmocka_unit_test(the_callback_comes_when_the_worker_already_listens),
        cmocka_unit_test(a_callback_that_is_refused_ends_the_worker),
        cmocka_unit_test(a_callback_that_is_no_http_address_is_a_usage_error),
        cmocka_unit_test(the_test_hook_of_the_original_is_not_called),
        cmocka_unit_test(a_port_in_use_is_an_error),
    };
    mem_install();
    signal(SIGPIPE, SIG_IGN);
    alarm(100); /* a test that hangs is a failure */
    enum { COUNT = sizeof(tests) / sizeof(tests[0]) };
    static struct CMUnitTest both[2 * COUNT];
    static char names[2 * COUNT][120];
    for (size_t i = 0; i < 2 * COUNT; i++) {
        bool one = i < COUNT;
        both[i] = tests[i % COUNT];
        both[i].setup_func = one ? with_one_loop : with_three_loops;
        snprintf(names[i], sizeof(names[i]), "%s_with_%s", both[i].name,
                 one ? "one_loop" : "three_loops");
        both[i].name = names[i];
    }
    return cmocka_run_group_tests(both, NULL, NULL);
}
