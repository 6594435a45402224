/*
 * The server takes one connection, reads one request and writes the answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/memory.h"
#include "core/text.h"
#include "net/http.h"
#include "served.h"

struct exchange_under_test {
    struct served *served;
    struct slice answer;
    struct http_parser parser;
    struct text body;
    uv_tcp_t listener, connection;
    uv_write_t write;
    char room[4096];
    bool accepted, over;
};

static void on_written(uv_write_t *write, int status)
{
    struct exchange_under_test *x = write->data;
    (void)status;
    uv_close((uv_handle_t *)&x->connection, NULL);
}

static void write_answer(struct exchange_under_test *x)
{
    uv_buf_t bytes = uv_buf_init((char *)(uintptr_t)x->answer.data, (unsigned)x->answer.len);
    x->served->body = text_slice(&x->body);
    x->write.data = x;
    uv_read_stop((uv_stream_t *)&x->connection);
    assert_int_equal(uv_write(&x->write, (uv_stream_t *)&x->connection, &bytes, 1, on_written), 0);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct exchange_under_test *x = stream->data;
    struct slice input = slice_of(buf->base, n > 0 ? (size_t)n : 0);
    struct http_event event = {0};
    assert_true(n >= 0);
    do {
        assert_true(result_ok(http_next(&x->parser, &input, &event)));
        if (event.kind == HTTP_HEAD)
            x->served->head = arena_copy(x->served->arena, event.head->block);
        else if (event.kind == HTTP_BODY)
            text_add(&x->body, event.bytes);
    } while (event.kind != HTTP_NEED_MORE && event.kind != HTTP_END);
    if (event.kind == HTTP_END)
        write_answer(x);
}

static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct exchange_under_test *x = handle->data;
    (void)suggested;
    *buf = uv_buf_init(x->room, sizeof(x->room));
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct exchange_under_test *x = listener->data;
    assert_int_equal(status, 0);
    assert_false(x->accepted);
    x->accepted = true;
    assert_int_equal(uv_tcp_init(listener->loop, &x->connection), 0);
    x->connection.data = x;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&x->connection), 0);
    assert_int_equal(uv_read_start((uv_stream_t *)&x->connection, give_room, on_read), 0);
}

static const char *listen_on(struct exchange_under_test *x, uv_loop_t *loop)
{
    struct sockaddr_in address;
    int size = sizeof(address);
    assert_int_equal(uv_tcp_init(loop, &x->listener), 0);
    x->listener.data = x;
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &address), 0);
    assert_int_equal(uv_tcp_bind(&x->listener, (const struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&x->listener, 4, on_connection), 0);
    assert_int_equal(uv_tcp_getsockname(&x->listener, (struct sockaddr *)&address, &size), 0);
    return arena_printf(x->served->arena, "http://127.0.0.1:%u", ntohs(address.sin_port));
}

static void on_finished(struct step *step, struct result result)
{
    struct exchange_under_test *x = step->owner;
    x->served->result = result;
    x->over = true;
}

struct served *served_step(const struct step_kind *kind, const char *config, struct slice answer)
{
    struct arena *arena = arena_new();
    struct served *served = ARENA_NEW(arena, struct served);
    struct exchange_under_test *x = NEW(struct exchange_under_test);
    uv_loop_t loop;
    json_t *json = NULL;
    served->arena = served->observation.arena = arena;
    *x = (struct exchange_under_test){.served = served, .answer = answer, .body = text_in(arena)};
    http_init(&x->parser, HTTP_REQUEST);
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_true(result_ok(jsontext_read_in(arena, slice_str(config), &json)));
    struct step step = {
        .kind = kind,
        .config = node_from_json(arena, json, (struct place){0}),
        .arena = arena,
        .observation = &served->observation,
        .loop = &loop,
        .client = client_new(&loop),
        .base_url = slice_str(listen_on(x, &loop)),
        .finished = on_finished,
        .owner = x,
    };
    served->result = kind->start(&step);
    while (result_ok(served->result) && !x->over)
        uv_run(&loop, UV_RUN_ONCE);
    client_free(step.client);
    uv_close((uv_handle_t *)&x->listener, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    http_free(&x->parser);
    mem_free(x);
    return served;
}

void served_free(struct served *served)
{
    arena_free(served->arena);
}

struct slice served_answer(struct arena *arena, unsigned status, const char *headers,
                           struct slice body)
{
    struct text t = text_in(arena);
    text_printf(&t, "HTTP/1.1 %u Said\r\n%sContent-Length: %zu\r\n\r\n", status, headers, body.len);
    text_add(&t, body);
    return text_slice(&t);
}

const struct tensor *served_tensor(const struct served *served)
{
    if (!result_ok(served->result))
        fail_msg("%s", error_last()->text);
    assert_int_equal(served->observation.tensor_count, 1);
    assert_true(served->observation.seen & OBSERVED_TENSORS);
    return served->observation.tensors;
}
