/*
 * KServe v2 over real sockets: routes, metadata, the three models, tensors as JSON and as binary
 * data, what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/jsontext.h"
#include "core/memory.h"
#include "core/text.h"
#include "net/http.h"
#include "options.h"
#include "stub.h"
#include "worker.h"

/* ---- one worker for all tests ---- */

static pid_t worker_pid;
static uint16_t worker_port;

static int start_worker(void **state)
{
    struct options options;
    char *argv[] = {(char[]){"assay-worker"}, (char[]){"--stub-mode"}, (char[]){"--port=0"}};
    int out[2];
    char line[128];
    (void)state;
    if (!result_ok(options_read(&options, 3, argv)) || pipe(out) != 0)
        return -1;
    fflush(NULL);
    worker_pid = fork();
    if (worker_pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(out[1], STDOUT_FILENO);
        close(out[0]);
        close(out[1]);
        exit(worker_run(&options, &stub_engine));
    }
    close(out[1]);
    FILE *lines = fdopen(out[0], "r");
    bool listens = fgets(line, sizeof(line), lines) && strrchr(line, ':');
    if (listens)
        worker_port = (uint16_t)strtoul(strrchr(line, ':') + 1, NULL, 10); /* our own text */
    fclose(lines);
    return listens ? 0 : -1;
}

static int end_worker(void **state)
{
    int status = -1;
    (void)state;
    kill(worker_pid, SIGTERM);
    waitpid(worker_pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- one request ---- */

struct reply {
    unsigned status;
    struct slice json, binary; /* `binary`: behind the JSON, where the header says so */
};

static struct slice read_all(struct arena *arena, int fd)
{
    struct text t = text_in(arena);
    char room[4096];
    ssize_t n;
    while ((n = read(fd, room, sizeof(room))) > 0)
        text_add(&t, slice_of(room, (size_t)n));
    return text_slice(&t);
}

static struct reply read_reply(struct arena *arena, struct slice raw)
{
    struct reply reply = {0};
    struct http_parser parser;
    struct http_event event = {0};
    struct text body = text_in(arena);
    struct slice length;
    size_t json_len = SIZE_MAX;
    http_init(&parser, HTTP_RESPONSE);
    do {
        assert_true(result_ok(http_next(&parser, &raw, &event)));
        if (event.kind == HTTP_HEAD) {
            reply.status = event.head->status;
            if (http_header_find(event.head->headers, SLICE("Inference-Header-Content-Length"),
                                 &length))
                json_len = strtoul(arena_string(arena, length), NULL, 10); /* our own text */
        } else if (event.kind == HTTP_BODY) {
            text_add(&body, event.bytes);
        }
    } while (event.kind != HTTP_END && event.kind != HTTP_NEED_MORE);
    assert_int_equal(event.kind, HTTP_END);
    http_free(&parser);
    reply.json = slice_part(text_slice(&body), 0, json_len);
    reply.binary = slice_from(text_slice(&body), json_len);
    return reply;
}

static struct reply ask(struct arena *arena, const char *method, const char *path,
                        const char *headers, struct slice body)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(worker_port)};
    struct text t = text_in(arena);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    text_printf(&t,
                "%s %s HTTP/1.1\r\nHost: w\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n",
                method, path, headers, body.len);
    text_add(&t, body);
    assert_int_equal(write(fd, t.data, t.len), t.len);
    struct reply reply = read_reply(arena, read_all(arena, fd));
    close(fd);
    return reply;
}

static void expect(const char *method, const char *path, const char *body, unsigned status,
                   const char *json)
{
    struct arena *arena = arena_new();
    struct reply reply = ask(arena, method, path, "", slice_str(body));
    if (reply.status != status || !slice_is(reply.json, json))
        fail_msg("%s %s %s: expected %u %s, got %u %.*s", method, path, body, status, json,
                 reply.status, SLICE_ARG(reply.json));
    arena_free(arena);
}

static void expect_error(const char *path, const char *body, unsigned status, const char *part)
{
    struct arena *arena = arena_new();
    struct reply reply = ask(arena, "POST", path, "", slice_str(body));
    json_t *json = NULL;
    assert_true(result_ok(jsontext_read_in(arena, reply.json, &json)));
    const char *error = json_string_value(json_object_get(json, "error"));
    if (reply.status != status || !error || !strstr(error, part))
        fail_msg("%s %s: expected %u %s, got %u %.*s", path, body, status, part, reply.status,
                 SLICE_ARG(reply.json));
    arena_free(arena);
}

/* ---- routes ---- */

static void the_server_and_its_health_are_shown(void **state)
{
    (void)state;
    static const char server[] = "{\"name\":\"assay-worker\",\"version\":\"1\",\"extensions\":"
                                 "[\"binary_tensor_data\"]}";
    expect("GET", "/v2", "", 200, server);
    expect("GET", "/v2/", "", 200, server);
    expect("GET", "/v2/health/live", "", 200, "{\"live\":true}");
    expect("GET", "/v2/health/ready", "", 200, "{\"ready\":true}");
}

static void models_have_metadata_with_and_without_a_version(void **state)
{
    (void)state;
    static const char linear[] =
        "{\"name\":\"linear\",\"versions\":[\"1\"],\"platform\":\"assay\",\"inputs\":[{\"name\":"
        "\"x\",\"datatype\":\"FP32\",\"shape\":[-1,-1]}],\"outputs\":[{\"name\":\"y\","
        "\"datatype\":\"FP32\",\"shape\":[-1,1]}]}";
    expect("GET", "/v2/models/linear", "", 200, linear);
    expect("GET", "/v2/models/linear/versions/1", "", 200, linear);
    expect("GET", "/v2/models/add_sub/ready", "", 200, "{\"name\":\"add_sub\",\"ready\":true}");
    expect("GET", "/v2/models/add_sub/versions/1/ready", "", 200,
           "{\"name\":\"add_sub\",\"ready\":true}");
}

static void unknown_models_versions_and_paths_are_404(void **state)
{
    (void)state;
    expect_error("/v2/models/none/infer", "{}", 404, "unknown model 'none'");
    expect_error("/v2/models//infer", "{}", 404, "unknown model ''");
    expect_error("/v2/models/linear/versions/2/infer", "{}", 404, "has version 1 only");
    expect_error("/v2/models/linear/versions", "{}", 404, "has version 1 only");
    expect_error("/v2/models/linear/infer/more", "{}", 404, "there is nothing here");
    expect_error("/v2/nothing", "{}", 404, "there is nothing here");
}

static void another_method_is_405(void **state)
{
    (void)state;
    expect_error("/v2", "", 405, "takes GET only");
    expect_error("/v2/health/ready", "", 405, "takes GET only");
    expect_error("/v2/models/linear", "", 405, "takes GET only");
    expect("GET", "/v2/models/linear/infer", "", 405, "{\"error\":\"this path takes POST only\"}");
}

/* ---- models, as JSON ---- */

#define IN(name, type, shape, data)                                                                \
    "{\"name\":\"" name "\",\"datatype\":\"" type "\",\"shape\":" shape ",\"data\":" data "}"
#define OUT IN
#define ANSWER(model, rest) "{\"model_name\":\"" model "\",\"model_version\":\"1\"" rest "}"

static void identity_gives_back_what_it_got(void **state)
{
    (void)state;
    expect("POST", "/v2/models/identity/infer",
           "{\"id\":\"\xc3\xa9 1\",\"inputs\":[" IN("INPUT0", "BYTES", "[2,1]",
                                                    "[[\"\xe8\xaa\x9e\"],[\"b\"]]") "]}",
           200,
           ANSWER("identity", ",\"id\":\"\xc3\xa9 1\",\"outputs\":[" OUT(
                                  "OUTPUT0", "BYTES", "[2,1]", "[\"\xe8\xaa\x9e\",\"b\"]") "]"));
    expect("POST", "/v2/models/identity/versions/1/infer",
           "{\"inputs\":[" IN("INPUT0", "UINT64", "[1]", "[9223372036854775808]") "]}", 200,
           ANSWER("identity",
                  ",\"outputs\":[" OUT("OUTPUT0", "UINT64", "[1]", "[9223372036854775808]") "]"));
}

static void whole_numbers_wrap_around(void **state)
{
    (void)state;
    expect("POST", "/v2/models/add_sub/infer",
           "{\"inputs\":[" IN("INPUT1", "UINT8", "[2]", "[10,1]") "," IN("INPUT0", "UINT8", "[2]",
                                                                         "[250,0]") "]}",
           200,
           ANSWER("add_sub", ",\"outputs\":[" OUT("OUTPUT0", "UINT8", "[2]", "[4,1]") "," OUT(
                                 "OUTPUT1", "UINT8", "[2]", "[240,255]") "]"));
    expect("POST", "/v2/models/add_sub/infer",
           "{\"inputs\":[" IN("INPUT0", "INT8", "[1]", "[-128]") "," IN("INPUT1", "INT8", "[1]",
                                                                        "[1]") "]}",
           200,
           ANSWER("add_sub", ",\"outputs\":[" OUT("OUTPUT0", "INT8", "[1]", "[-127]") "," OUT(
                                 "OUTPUT1", "INT8", "[1]", "[127]") "]"));
}

static void linear_is_exact_for_each_row(void **state)
{
    (void)state;
    expect("POST", "/v2/models/linear/infer",
           "{\"inputs\":[" IN("x", "FP64", "[2,3]", "[[1,2,3],[0,0,-0.5]]") "]}", 200,
           ANSWER("linear", ",\"outputs\":[" OUT("y", "FP64", "[2,1]", "[14.5,-1]") "]"));
    expect("POST", "/v2/models/linear/infer", "{\"inputs\":[" IN("x", "FP32", "[0,3]", "[]") "]}",
           200, ANSWER("linear", ",\"outputs\":[" OUT("y", "FP32", "[0,1]", "[]") "]"));
}

static void only_the_outputs_asked_for_come(void **state)
{
    (void)state;
    expect("POST", "/v2/models/add_sub/infer",
           "{\"inputs\":[" IN("INPUT0", "FP32", "[1]", "[1.5]") "," IN(
               "INPUT1", "FP32", "[1]", "[2]") "],\"outputs\":[{\"name\":\"OUTPUT1\"}]}",
           200, ANSWER("add_sub", ",\"outputs\":[" OUT("OUTPUT1", "FP32", "[1]", "[-0.5]") "]"));
}

static void a_wrong_request_is_400_and_says_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *model, *body, *part;
    } cases[] = {
        {"linear", "{", "line 1"},
        {"linear", "[]", "expected an object, got array"},
        {"linear", "{}", "expected inputs to be an array"},
        {"linear", "{\"inputs\":[" IN("y", "FP32", "[1,1]", "[1]") "]}", "needs the input 'x'"},
        {"linear",
         "{\"inputs\":[" IN("x", "FP32", "[1,1]", "[1]") "," IN("z", "FP32", "[1]", "[1]") "]}",
         "has 1 inputs, the request 2"},
        {"linear", "{\"inputs\":[" IN("x", "FP32", "[3]", "[1,2,3]") "]}", "takes FP32 or FP64"},
        {"linear", "{\"inputs\":[" IN("x", "INT32", "[1,1]", "[1]") "]}", "takes FP32 or FP64"},
        {"linear", "{\"inputs\":[" IN("x", "FP32", "[1,0]", "[]") "]}", "takes FP32 or FP64"},
        {"add_sub",
         "{\"inputs\":[" IN("INPUT0", "FP32", "[1]", "[1]") "," IN("INPUT1", "FP64", "[1]",
                                                                   "[1]") "]}",
         "one datatype and shape"},
        {"add_sub",
         "{\"inputs\":[" IN("INPUT0", "FP32", "[2]", "[1,2]") "," IN("INPUT1", "FP32", "[2,1]",
                                                                     "[1,2]") "]}",
         "one datatype and shape"},
        {"add_sub",
         "{\"inputs\":[" IN("INPUT0", "BYTES", "[1]", "[\"\"]") "," IN("INPUT1", "BYTES", "[1]",
                                                                       "[\"\"]") "]}",
         "takes whole numbers, FP32 and FP64, got BYTES"},
        {"identity", "{\"id\":1,\"inputs\":[" IN("INPUT0", "INT8", "[1]", "[1]") "]}",
         "expected id to be a string"},
        {"identity",
         "{\"inputs\":[" IN("INPUT0", "INT8", "[1]", "[1]") "],\"outputs\":[{\"name\":\"Y\"}]}",
         "has no output of the name"},
        {"identity", "{\"inputs\":[" IN("INPUT0", "INT8", "[1]", "[1]") "],\"outputs\":1}",
         "expected outputs to be an array"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char path[64];
        snprintf(path, sizeof(path), "/v2/models/%s/infer", cases[i].model);
        expect_error(path, cases[i].body, 400, cases[i].part);
    }
}

/* ---- binary data ---- */

#define BINARY_IN(name, type, shape, size)                                                         \
    "{\"name\":\"" name "\",\"datatype\":\"" type "\",\"shape\":" shape                            \
    ",\"parameters\":{\"binary_data_size\":" size "}}"

static struct reply ask_binary(struct arena *arena, const char *model, const char *json,
                               struct slice binary, size_t told)
{
    struct text body = text_in(arena);
    text_add_str(&body, json);
    text_add(&body, binary);
    return ask(arena, "POST", arena_printf(arena, "/v2/models/%s/infer", model),
               arena_printf(arena, "Inference-Header-Content-Length: %zu\r\n", told),
               text_slice(&body));
}

static void binary_tensors_pass_byte_for_byte(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    static const char json[] = "{\"inputs\":[" BINARY_IN(
        "INPUT0", "BF16", "[2]", "4") "],"
                                      "\"parameters\":{\"binary_data_output\":true}}";
    struct slice bytes = SLICE("\x00\xff\x0a\x00");
    struct reply reply = ask_binary(arena, "identity", json, bytes, strlen(json));
    assert_int_equal(reply.status, 200);
    assert_true(slice_eq(reply.binary, bytes));
    assert_true(slice_is(reply.json, ANSWER("identity", ",\"outputs\":[" BINARY_IN(
                                                            "OUTPUT0", "BF16", "[2]", "4") "]")));
    arena_free(arena);
}

static void each_output_is_as_it_was_asked_for(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    static const char json[] = "{\"inputs\":[" BINARY_IN("INPUT0", "INT16", "[1]", "2") "," IN(
        "INPUT1", "INT16", "[1]",
        "[1]") "],"
               "\"outputs\":[{\"name\":\"OUTPUT1\"},{\"name\":\"OUTPUT0\","
               "\"parameters\":{\"binary_data\":true}}]}";
    struct reply reply = ask_binary(arena, "add_sub", json, SLICE("\x00\x01"), strlen(json));
    assert_int_equal(reply.status, 200);
    assert_true(slice_eq(reply.binary, SLICE("\x01\x01")));
    assert_true(slice_is(
        reply.json,
        ANSWER("add_sub", ",\"outputs\":[" BINARY_IN("OUTPUT0", "INT16", "[1]", "2") "," OUT(
                              "OUTPUT1", "INT16", "[1]", "[255]") "]")));
    arena_free(arena);
}

static void binary_data_that_do_not_fit_are_400(void **state)
{
    (void)state;
    static const char json[] = "{\"inputs\":[" BINARY_IN("INPUT0", "INT16", "[1]", "2") "]}";
    static const struct {
        struct slice binary;
        size_t told;
        const char *part;
    } cases[] = {
        {{"\x00", 1}, sizeof(json) - 1, "not within the 1 bytes"},
        {{"\x00\x01\x02", 3}, sizeof(json) - 1, "1 bytes of binary data belong to no input"},
        {{"\x00\x01", 2}, sizeof(json) + 2, "no length within the body"},
        {{"\x00\x01", 2}, sizeof(json) - 2, "line 1"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena *arena = arena_new();
        struct reply reply = ask_binary(arena, "identity", json, cases[i].binary, cases[i].told);
        assert_int_equal(reply.status, 400);
        if (slice_find(reply.json, slice_str(cases[i].part)) < 0)
            fail_msg("expected %s, got %.*s", cases[i].part, SLICE_ARG(reply.json));
        arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_server_and_its_health_are_shown),
        cmocka_unit_test(models_have_metadata_with_and_without_a_version),
        cmocka_unit_test(unknown_models_versions_and_paths_are_404),
        cmocka_unit_test(another_method_is_405),
        cmocka_unit_test(identity_gives_back_what_it_got),
        cmocka_unit_test(whole_numbers_wrap_around),
        cmocka_unit_test(linear_is_exact_for_each_row),
        cmocka_unit_test(only_the_outputs_asked_for_come),
        cmocka_unit_test(a_wrong_request_is_400_and_says_what_is_wrong),
        cmocka_unit_test(binary_tensors_pass_byte_for_byte),
        cmocka_unit_test(each_output_is_as_it_was_asked_for),
        cmocka_unit_test(binary_data_that_do_not_fit_are_400),
    };
    mem_install();
    alarm(60); /* a test that hangs is a failure */
    return cmocka_run_group_tests(tests, start_worker, end_worker);
}
