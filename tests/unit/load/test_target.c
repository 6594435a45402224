/*
 * Targets: the request that options make, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "core/jsontext.h"
#include "load/target.h"
#include "net/http.h"

static struct arena *arena;

static int begin(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct target built(struct target_options options)
{
    struct target target;
    if (!result_ok(target_build(arena, &options, &target)))
        fail_msg("%s", error_last()->text);
    return target;
}

/* The request as the parser of servers reads it; gives its body. */
static struct slice read_request(const struct target *target, const char *method, const char *path)
{
    struct http_parser p;
    struct http_event event;
    struct slice input = target->request, body = {0};
    http_init(&p, HTTP_REQUEST);
    do {
        if (!result_ok(http_next(&p, &input, &event)))
            fail_msg("%s", error_last()->text);
        if (event.kind == HTTP_HEAD) {
            assert_true(slice_is(event.head->method, method));
            assert_true(slice_is(event.head->target, path));
        }
        if (event.kind == HTTP_BODY)
            body = event.bytes;
        assert_int_not_equal(event.kind, HTTP_NEED_MORE);
    } while (event.kind != HTTP_END);
    assert_int_equal(input.len, 0);
    http_free(&p);
    return body;
}

static const char *member(struct slice body, const char *name)
{
    json_t *json = NULL;
    assert_true(result_ok(jsontext_read_in(arena, body, &json)));
    return json_string_value(json_object_get(json, name));
}

static void a_url_alone_is_a_get(void **state)
{
    (void)state;
    struct target t = built((struct target_options){.url = "http://127.0.0.1:8080"});
    assert_int_equal(read_request(&t, "GET", "/").len, 0);
    assert_int_equal(t.api, TARGET_HTTP);
    assert_int_equal(t.serial_at, 0);
    t = built((struct target_options){.url = "HTTP://[::1]:80?a=b#c"});
    read_request(&t, "GET", "/?a=b");
    assert_int_equal(t.address.ss_family, AF_INET6);
}

static void the_path_says_how_answers_are_read(void **state)
{
    (void)state;
    struct target t = built((struct target_options){
        .url = "http://127.0.0.1:1/execute?x", .prompt = "say \"hi\"\n", .max_tokens = 7});
    struct slice body = read_request(&t, "POST", "/execute?x");
    assert_int_equal(t.api, TARGET_EXECUTE);
    assert_true(t.stream);
    assert_string_equal(member(body, "prompt"), "say \"hi\"\n");
    assert_string_equal(member(body, "job_id"), "load-000000000000");
    assert_memory_equal(t.request.data + t.body_at + t.serial_at, "000000000000\"",
                        TARGET_SERIAL + 1);
    t = built((struct target_options){
        .url = "http://127.0.0.1:1/v1/chat/completions", .model = "m", .stream = true});
    assert_int_equal(t.api, TARGET_CHAT);
    assert_string_equal(member(read_request(&t, "POST", "/v1/chat/completions"), "model"), "m");
    t = built((struct target_options){.url = "http://127.0.0.1:1/v1/completions", .prompt = "p"});
    assert_int_equal(t.api, TARGET_COMPLETE);
    assert_string_equal(member(read_request(&t, "POST", "/v1/completions"), "prompt"), "p");
    t = built((struct target_options){.url = "http://127.0.0.1:1/v1/embeddings", .prompt = "p"});
    assert_int_equal(t.api, TARGET_EMBED);
    assert_string_equal(member(read_request(&t, "POST", "/v1/embeddings"), "input"), "p");
    t = built(
        (struct target_options){.url = "http://127.0.0.1:1/v2/models/m/infer", .prompt = "\"q\""});
    assert_int_equal(t.api, TARGET_INFER);
    assert_true(slice_is(read_request(&t, "POST", "/v2/models/m/infer"),
                         "{\"inputs\":[{\"name\":\"INPUT0\",\"datatype\":\"BYTES\","
                         "\"shape\":[1],\"data\":[\"\\\"q\\\"\"]}]}"));
    t = built((struct target_options){.url = "http://127.0.0.1:1/x", .api = "execute"});
    assert_int_equal(t.api, TARGET_EXECUTE);
}

static void headers_and_body_are_sent_as_they_are(void **state)
{
    (void)state;
    const char *const headers[] = {"X-A: b", "host:  elsewhere", "Content-Type: text/plain"};
    struct target t = built((struct target_options){.url = "http://127.0.0.1:1/",
                                                    .method = "PUT",
                                                    .body = "{}",
                                                    .headers = headers,
                                                    .header_count = 3});
    assert_true(slice_is(read_request(&t, "PUT", "/"), "{}"));
    assert_true(slice_find(t.request, SLICE("X-A: b\r\n")) > 0);
    assert_true(slice_find(t.request, SLICE("host: elsewhere\r\n")) > 0);
    assert_true(slice_find(t.request, SLICE("127.0.0.1")) < 0);
    assert_true(slice_find(t.request, SLICE("application/json")) < 0);
}

static void refused(struct target_options options, const char *because)
{
    struct target target;
    assert_false(result_ok(target_build(arena, &options, &target)));
    if (!strstr(error_last()->text, because))
        fail_msg("%s", error_last()->text);
}

static void https_has_a_port_of_its_own_and_a_name_to_check(void **state)
{
    (void)state;
    struct target target = built((struct target_options){.url = "HTTPS://127.0.0.1/x"});
    assert_true(target.secure);
    assert_string_equal(target.tls.host, "127.0.0.1");
    assert_int_equal(((struct sockaddr_in *)&target.address)->sin_port, htons(443));
    assert_false(built((struct target_options){.url = "http://127.0.0.1/"}).secure);
}

static void members_may_be_added_to_bodies(void **state)
{
    (void)state;
    static const char *const paths[] = {"/chat/completions", "/completions", "/execute",
                                        "/embeddings", "/infer"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct target t = built(
            (struct target_options){.url = arena_printf(arena, "http://127.0.0.1:1%s", paths[i]),
                                    .extra = "{\"stop\": \"x\", \"n\": 2}"});
        struct slice body = slice_from(t.request, t.body_at);
        assert_string_equal(member(body, "stop"), "x");
        assert_true(slice_ends(body, SLICE(",\"stop\":\"x\",\"n\":2}")));
    }
    struct target t;
    struct target_options refused = {.url = "http://127.0.0.1:1/completions", .extra = "[]"};
    assert_int_equal(target_build(arena, &refused, &t).code, ERR_USAGE);
    refused.extra = "{\"max_tokens\": 5}";
    assert_int_equal(target_build(arena, &refused, &t).code, ERR_USAGE);
    refused.extra = "{}";
    assert_true(slice_ends(built(refused).request, SLICE("\"max_tokens\":128}")));
    refused.body = "x";
    assert_int_equal(target_build(arena, &refused, &t).code, ERR_USAGE);
}

static void what_cannot_be_sent_is_refused_with_the_reason(void **state)
{
    (void)state;
    const char *const forged[] = {"X: a\r\nY: b"}, *const length[] = {"Content-Length: 3"},
                      *const none[] = {"nothing"};
    refused((struct target_options){0}, "needs --url");
    refused((struct target_options){.url = "ftp://x/"}, "expected http://");
    refused((struct target_options){.url = "http://127.0.0.1/", .tls.insecure = true}, "of https");
    refused((struct target_options){.url = "http://"}, "names no host");
    refused((struct target_options){.url = "http:///x"}, "names no host");
    refused((struct target_options){.url = "http://u:p@x/"}, "Authorization");
    refused((struct target_options){.url = "http://x:0/"}, "expected a port");
    refused((struct target_options){.url = "http://x:99999/"}, "expected a port");
    refused((struct target_options){.url = "http://[::1/"}, "has no ]");
    refused((struct target_options){.url = "http://[::1]8/"}, "expected a port");
    refused((struct target_options){.url = "http://127.0.0.1/a b"}, "cannot be written");
    refused((struct target_options){.url = "http://127.0.0.1/", .prompt = "p"}, "give --api");
    refused((struct target_options){.url = "http://127.0.0.1/v1/embeddings", .stream = true},
            "no streams");
    refused((struct target_options){.url = "http://127.0.0.1/execute", .prompt = "p", .body = "b"},
            "do not go together");
    refused(
        (struct target_options){.url = "http://127.0.0.1/", .headers = forged, .header_count = 1},
        "--header");
    refused(
        (struct target_options){.url = "http://127.0.0.1/", .headers = length, .header_count = 1},
        "how long the body is");
    refused((struct target_options){.url = "http://127.0.0.1/", .headers = none, .header_count = 1},
            "expected 'Name: value'");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_url_alone_is_a_get),
        TEST(the_path_says_how_answers_are_read),
        TEST(headers_and_body_are_sent_as_they_are),
        TEST(https_has_a_port_of_its_own_and_a_name_to_check),
        TEST(members_may_be_added_to_bodies),
        TEST(what_cannot_be_sent_is_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
