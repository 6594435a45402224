/*
 * Numbers from recorded answers: bytes with their stamps in, metrics out, each worked out by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/result.h"
#include "load/flight.h"

#define MS(n) ((n) * NS_PER_MS)

/* An answer as it came: bytes, when the kernel had them, when they were read. */
struct piece {
    const char *bytes;
    int64_t received, read;
};

struct recording {
    struct target target;
    struct flight flight;
    struct reader reader;
    struct metrics *metrics;
    bool over;
};

/* Meant for 1000 ms, sent at 1010 ms. */
static struct recording record(enum target_api api, bool stream)
{
    struct recording r = {.target = {.api = api, .stream = stream}};
    r.flight = (struct flight){.intended = MS(1000),
                               .could = MS(1000),
                               .started = MS(1004),
                               .sent = MS(1010),
                               .measured = true};
    r.metrics = mem_alloc(sizeof(*r.metrics));
    metrics_clear(r.metrics);
    reader_init(&r.reader);
    flight_expect(&r.flight, &r.reader, &r.target);
    return r;
}

static void play(struct recording *r, const struct piece *pieces)
{
    for (; pieces->bytes && !r->over; pieces++)
        r->over = flight_feed(&r->flight, &r->reader, &r->target, slice_str(pieces->bytes),
                              MS(pieces->received), MS(pieces->read), r->metrics);
}

static void land(struct recording *r)
{
    flight_count(&r->flight, &r->target, &(struct bounds){0}, "example", r->metrics);
}

static void end(struct recording *r)
{
    reader_free(&r->reader);
    mem_free(r->metrics);
}

static const struct histogram *of(const struct recording *r, enum metric metric)
{
    return &r->metrics->histograms[metric];
}

/* Exactly: of one value the histogram knows the least and the most. */
static void only(const struct recording *r, enum metric metric, int64_t value)
{
    assert_int_equal(of(r, metric)->count, 1);
    assert_int_equal(of(r, metric)->least, value);
}

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
#define STREAM HEAD "Connection: close\r\n\r\n"
#define CHUNK(text)                                                                                \
    "data: {\"choices\":[{\"index\":0,\"delta\":{" text "},\"finish_reason\":null}]}\n\n"
#define WORD(word) CHUNK("\"content\":\"" word "\"")
#define STOP "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"

static void a_chat_stream_gives_every_metric_by_its_definition(void **state)
{
    (void)state;
    const struct piece pieces[] = {
        {STREAM CHUNK("\"role\":\"assistant\",\"content\":\"\""), 1050, 1051},
        {WORD("a"), 1100, 1103},
        {WORD("b"), 1120, 1121},
        {WORD("c") WORD("d"), 1160, 1163}, /* together */
        {STOP "data: {\"choices\":[],\"usage\":{\"completion_tokens\":8}}\n\ndata: [DONE]\n\n",
         1170, 1171},
        {NULL, 0, 0}};
    struct recording r = record(TARGET_CHAT, true);
    play(&r, pieces);
    assert_false(r.over);
    flight_closed(&r.flight, &r.reader, &r.target, MS(1180));
    assert_int_equal(r.flight.failure, FAILURE_NONE);
    land(&r);
    only(&r, METRIC_LATENCY, MS(180));
    only(&r, METRIC_LATENCY_SENT, MS(170));
    only(&r, METRIC_FIRST_BYTE, MS(40));
    only(&r, METRIC_TTFT, MS(100)); /* the role alone is no token */
    only(&r, METRIC_TTFT_SENT, MS(90));
    only(&r, METRIC_ITL_MEAN, MS(20));        /* (1160 - 1100) / 3 */
    only(&r, METRIC_TPOT, MS(60) / 7);        /* the service counts 8 */
    only(&r, METRIC_TPOT_FIRST, MS(150) / 8); /* 1160 - 1010 */
    only(&r, METRIC_TOKENS, 8);
    only(&r, METRIC_SCHEDULE_DELAY, MS(10));
    only(&r, METRIC_LATENESS, MS(4));
    assert_int_equal(of(&r, METRIC_ITL)->count, 3); /* 20, 40 and 0 ms */
    assert_int_equal(of(&r, METRIC_ITL)->least, 0);
    assert_int_equal(of(&r, METRIC_ITL)->most, MS(40));
    assert_true(of(&r, METRIC_ITL)->sum == (double)MS(60));
    assert_int_equal(of(&r, METRIC_ITL_READ)->most, MS(42));
    assert_int_equal(r.metrics->together, 1);
    assert_int_equal(r.metrics->answered, 1);
    end(&r);
}

static void reasoning_counts_as_tokens(void **state)
{
    (void)state;
    const struct piece pieces[] = {{STREAM CHUNK("\"reasoning_content\":\"hm\""), 1020, 1020},
                                   {WORD("a") STOP, 1030, 1030},
                                   {NULL, 0, 0}};
    struct recording r = record(TARGET_CHAT, true);
    play(&r, pieces);
    flight_closed(&r.flight, &r.reader, &r.target, MS(1040));
    land(&r);
    only(&r, METRIC_TTFT, MS(20));
    only(&r, METRIC_TOKENS, 2); /* the service does not count them */
    assert_int_equal(r.metrics->counted, 0);
    end(&r);
}

/* One answer, stream and all, as its pieces came. */
static struct recording streamed(const struct piece *pieces)
{
    struct recording r = record(TARGET_CHAT, true);
    play(&r, pieces);
    if (!r.over)
        flight_closed(&r.flight, &r.reader, &r.target, MS(1900));
    land(&r);
    return r;
}

static void the_first_answer_is_told_from_the_reasoning_before_it(void **state)
{
    (void)state;
    const struct piece pieces[] = {{STREAM CHUNK("\"reasoning\":\"hm\""), 1020, 1020},
                                   {CHUNK("\"reasoning_content\":\"so\""), 1040, 1040},
                                   {WORD("a") STOP, 1090, 1090},
                                   {NULL, 0, 0}};
    struct recording r = streamed(pieces);
    only(&r, METRIC_TTFT, MS(20));
    only(&r, METRIC_TTFT_ANSWER, MS(90));
    assert_int_equal(of(&r, METRIC_ITL)->count, 2);
    end(&r);
}

#define COUNTED(word, count)                                                                       \
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" word                              \
    "\"}}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":" #count "}}\n\n"

static void tokens_of_an_event_are_those_the_service_counts(void **state)
{
    (void)state;
    const struct piece each[] = {{STREAM CHUNK("\"role\":\"assistant\""), 1010, 1010},
                                 {COUNTED("a", 3), 1020, 1020},
                                 {COUNTED("b", 4), 1030, 1030},
                                 {COUNTED("c", 9) STOP, 1040, 1040},
                                 {NULL, 0, 0}};
    struct recording r = streamed(each);
    assert_int_equal(of(&r, METRIC_TOKENS_PER_CHUNK)->count, 3); /* 3, 1 and 5 */
    assert_int_equal(of(&r, METRIC_TOKENS_PER_CHUNK)->least, 1);
    assert_int_equal(of(&r, METRIC_TOKENS_PER_CHUNK)->most, 5);
    only(&r, METRIC_TOKENS, 9);
    only(&r, METRIC_INPUT_TOKENS, 9);
    end(&r);
    const struct piece whole[] = {
        {STREAM WORD("a") WORD("b") WORD("c"), 1020, 1020},
        {STOP "data: {\"choices\":[],\"usage\":{\"completion_tokens\":8}}\n\n", 1030, 1030},
        {NULL, 0, 0}};
    r = streamed(whole);
    assert_int_equal(of(&r, METRIC_TOKENS_PER_CHUNK)->count, 3); /* 3, 3 and 2 */
    assert_int_equal(of(&r, METRIC_TOKENS_PER_CHUNK)->least, 2);
    assert_true(of(&r, METRIC_TOKENS_PER_CHUNK)->sum == 8);
    assert_int_equal(of(&r, METRIC_INPUT_TOKENS)->count, 0); /* it did not say */
    end(&r);
}

static void a_call_of_a_tool_is_text_and_an_empty_one_is_none(void **state)
{
    (void)state;
    const struct piece pieces[] = {
        {STREAM CHUNK("\"tool_calls\":[],\"content\":null"), 1020, 1020},
        {CHUNK("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\"}}]"), 1050, 1050},
        {STOP, 1060, 1060},
        {NULL, 0, 0}};
    struct recording r = streamed(pieces);
    only(&r, METRIC_TTFT, MS(50));
    only(&r, METRIC_TTFT_ANSWER, MS(50));
    only(&r, METRIC_TOKENS, 1);
    end(&r);
}

#define CHOICE(i, rest) "data: {\"choices\":[{\"index\":" #i "," rest "}]}\n\n"
#define CHOICE_WORD(i) CHOICE(i, "\"delta\":{\"content\":\"x\"}")
#define CHOICE_STOP(i) CHOICE(i, "\"delta\":{},\"finish_reason\":\"stop\"")

static void several_choices_are_complete_when_all_of_them_are(void **state)
{
    (void)state;
    const struct piece one[] = {{STREAM CHOICE_WORD(0) CHOICE_WORD(1) CHOICE_STOP(0), 1020, 1020},
                                {NULL, 0, 0}};
    struct recording r = streamed(one);
    assert_int_equal(r.flight.failure, FAILURE_UNFINISHED);
    end(&r);
    const struct piece both[] = {{STREAM CHOICE_WORD(0) CHOICE_WORD(1) CHOICE_STOP(0), 1020, 1020},
                                 {CHOICE_WORD(1) CHOICE_STOP(1), 1030, 1030},
                                 {NULL, 0, 0}};
    r = streamed(both);
    assert_int_equal(r.flight.failure, FAILURE_NONE);
    assert_int_equal(r.metrics->several, 1);
    only(&r, METRIC_TOKENS, 3);
    end(&r);
}

static void what_a_refusal_says_is_kept(void **state)
{
    (void)state;
    static const char head[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 400\r\n\r\n";
    char body[401];
    memset(body, 'x', 400);
    body[400] = 0;
    memcpy(body, "{\"error\":\"no model\"}", 20);
    const struct piece pieces[] = {{head, 1020, 1020}, {body, 1030, 1030}, {NULL, 0, 0}};
    struct recording r = record(TARGET_CHAT, true);
    play(&r, pieces);
    assert_true(r.over);
    assert_int_equal(r.flight.failure, FAILURE_CLIENT_ERROR);
    assert_ptr_equal(strstr(error_last()->text, "status 404: {\"error\":\"no model\"}"),
                     error_last()->text);
    assert_int_equal(strlen(error_last()->text),
                     strlen("status 404: ") + FLIGHT_ERROR_BYTES + strlen("…"));
    end(&r);
}

static struct recording answered(enum target_api api, const char *body)
{
    const struct piece pieces[] = {
        {"HTTP/1.1 200 OK\r\n\r\n", 1020, 1020}, {body, 1030, 1030}, {NULL, 0, 0}};
    struct recording r = record(api, false);
    play(&r, pieces);
    flight_closed(&r.flight, &r.reader, &r.target, MS(1040));
    land(&r);
    return r;
}

static void embeddings_and_tensors_are_counted(void **state)
{
    (void)state;
    struct recording r = answered(TARGET_EMBED, "{\"data\":[{\"embedding\":[1,2]},{}],\"usage\":"
                                                "{\"prompt_tokens\":5,\"total_tokens\":5}}");
    only(&r, METRIC_RESULTS, 2);
    only(&r, METRIC_INPUT_TOKENS, 5);
    assert_int_equal(of(&r, METRIC_TOKENS)->count, 0);
    end(&r);
    r = answered(TARGET_INFER, "{\"outputs\":[{\"name\":\"y\",\"data\":[1]}]}");
    only(&r, METRIC_RESULTS, 1);
    end(&r);
}

#define TOKEN(i) "event: token\ndata: {\"type\":\"token\",\"t\":\"x\",\"i\":" #i "}\n\n"
#define STARTED "data: {\"type\":\"started\",\"job_id\":\"j\"}\n\n"
#define ENDED "data: {\"type\":\"end\",\"tokens_out\":2,\"stop_reason\":\"EOS\"}\n\n"

static void a_worker_stream_is_read_however_it_is_cut(void **state)
{
    (void)state;
    static const char whole[] = STREAM STARTED TOKEN(0) TOKEN(1) ENDED;
    for (size_t cut = 1; cut < sizeof(whole) - 1; cut++) {
        struct recording r = record(TARGET_EXECUTE, true);
        bool over = flight_feed(&r.flight, &r.reader, &r.target, slice_of(whole, cut), MS(1020),
                                MS(1020), r.metrics) ||
                    flight_feed(&r.flight, &r.reader, &r.target,
                                slice_of(whole + cut, sizeof(whole) - 1 - cut), MS(1030), MS(1030),
                                r.metrics);
        assert_false(over);
        flight_closed(&r.flight, &r.reader, &r.target, MS(1040));
        land(&r);
        assert_int_equal(r.metrics->answered, 1);
        only(&r, METRIC_TOKENS, 2);
        only(&r, METRIC_FIRST_BYTE, MS(10));
        end(&r);
    }
}

static void fails(enum target_api api, bool stream, const char *answer, bool closed,
                  enum failure failure)
{
    const struct piece pieces[] = {{answer, 1050, 1050}, {NULL, 0, 0}};
    struct recording r = record(api, stream);
    play(&r, pieces);
    if (closed && !r.over)
        flight_closed(&r.flight, &r.reader, &r.target, MS(1060));
    else
        assert_true(r.over);
    if (r.flight.failure != failure)
        fail_msg("%s instead of %s: %s", failure_kinds[r.flight.failure].name,
                 failure_kinds[failure].name, answer);
    land(&r);
    assert_int_equal(r.metrics->failures[failure], 1);
    assert_int_equal(r.metrics->requests, 1);
    assert_int_equal(r.metrics->answered, 0);
    assert_int_equal(of(&r, METRIC_LATENCY)->count, 0);
    assert_string_equal(r.metrics->examples[failure], "example");
    end(&r);
}

#define EMPTY(status) "HTTP/1.1 " status " X\r\nContent-Length: 0\r\n\r\n"
#define JSON(text) "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" text

static void failures_are_told_apart(void **state)
{
    (void)state;
    fails(TARGET_HTTP, false, EMPTY("404"), false, FAILURE_CLIENT_ERROR);
    fails(TARGET_HTTP, false, EMPTY("429"), false, FAILURE_TOO_MANY);
    fails(TARGET_HTTP, false, EMPTY("302"), false, FAILURE_REDIRECT);
    fails(TARGET_CHAT, true, EMPTY("503"), false, FAILURE_SERVER_ERROR);
    fails(TARGET_HTTP, false, "SSH-2.0-x\r\n\r\n", false, FAILURE_PROTOCOL);
    fails(TARGET_HTTP, false, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", true,
          FAILURE_CLOSED);
    fails(TARGET_HTTP, false, "HTTP/1.1 200", true, FAILURE_CLOSED);
    fails(TARGET_CHAT, true, JSON("{}"), false, FAILURE_MALFORMED); /* no event stream */
    fails(TARGET_CHAT, true, STREAM "data: {oops\n\n", false, FAILURE_MALFORMED);
    fails(TARGET_CHAT, true, STREAM "data: {\"error\":{\"message\":\"full\"}}\n\n", false,
          FAILURE_STREAM_ERROR);
    fails(TARGET_CHAT, true, STREAM WORD("a"), true, FAILURE_UNFINISHED);
    fails(TARGET_EXECUTE, true, STREAM STARTED TOKEN(0), true, FAILURE_UNFINISHED);
    fails(TARGET_EXECUTE, true, STREAM "data: {\"type\":\"error\",\"code\":\"X\"}\n\n", false,
          FAILURE_STREAM_ERROR);
    fails(TARGET_CHAT, false, JSON("{\"choices\":"), true, FAILURE_MALFORMED);
    fails(TARGET_CHAT, false, JSON("{\"error\":{}}"), true, FAILURE_STREAM_ERROR);
    fails(TARGET_EMBED, false, JSON("{\"data\":[]}"), true, FAILURE_MALFORMED);
    fails(TARGET_INFER, false, JSON("{\"error\":\"no such model\"}"), true, FAILURE_STREAM_ERROR);
}

static void a_connection_that_ends_before_the_answer_is_closed(void **state)
{
    (void)state;
    struct recording r = record(TARGET_HTTP, false);
    flight_closed(&r.flight, &r.reader, &r.target, MS(1060));
    assert_int_equal(r.flight.failure, FAILURE_CLOSED);
    end(&r);
}

static void connections_are_kept_when_they_can_be(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        bool kept;
    } rows[] = {
        {EMPTY("200"), true},
        {EMPTY("500"), true},      /* a failure of the service, not of the connection */
        {EMPTY("200") "x", false}, /* nobody asked for more */
        {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", false},
        {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct piece pieces[] = {{rows[i].answer, 1050, 1050}, {NULL, 0, 0}};
        struct recording r = record(TARGET_HTTP, false);
        play(&r, pieces);
        assert_true(r.over);
        assert_int_equal(r.flight.keep_alive, rows[i].kept);
        end(&r);
    }
}

static void what_is_not_measured_is_not_counted(void **state)
{
    (void)state;
    const struct piece pieces[] = {{STREAM WORD("a") WORD("b") STOP, 1050, 1050}, {NULL, 0, 0}};
    struct recording r = record(TARGET_CHAT, true);
    r.flight.measured = false;
    play(&r, pieces);
    flight_closed(&r.flight, &r.reader, &r.target, MS(1060));
    land(&r);
    for (int i = 0; i < METRIC_COUNT; i++)
        assert_int_equal(of(&r, (enum metric)i)->count, 0);
    assert_int_equal(r.metrics->requests, 0);
    end(&r);
}

/* What a conversation sends back: the text as it stood between the quotes, of the first choice. */
static void the_text_of_an_answer_is_kept_as_it_was_written(void **state)
{
    (void)state;
#define SAYS(i, rest) "data: {\"choices\":[{\"index\":" #i ",\"delta\":{" rest "}}]}\n\n"
    static const struct piece stream[] = {
        {STREAM SAYS(0, "\"role\":\"assistant\",\"content\":\"\"")
             SAYS(0, "\"reasoning_content\":\"hm\"") SAYS(0, "\"content\":\"a \\\"b\\\"\""),
         1030, 1030},
        {SAYS(1, "\"content\":\"another\"") SAYS(0, "\"content\":\"\\ud83d\"")
             SAYS(0, "\"content\":\"\\ude00\"") "data: [DONE]\n\n",
         1040, 1040},
        {0}};
    static const struct piece whole[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 51\r\n\r\n"
         "{\"choices\":[{\"text\":\"c\\n\",\"finish_reason\":\"stop\"}]}",
         1030, 1030},
        {0}};
    struct buf said = buf_limited(1000);
    struct recording r = record(TARGET_CHAT, true);
    r.flight.said = &said;
    play(&r, stream);
    assert_string_equal(said.data, "a \\\"b\\\"\\ud83d\\ude00");
    end(&r);
    buf_clear(&said);
    r = record(TARGET_COMPLETE, false);
    r.flight.said = &said;
    play(&r, whole);
    assert_true(r.over && !r.flight.failure);
    assert_string_equal(said.data, "c\\n");
    end(&r);
    buf_free(&said);
    said = buf_limited(5);
    r = record(TARGET_CHAT, true);
    r.flight.said = &said;
    play(&r, stream);
    assert_null(r.flight.said); /* too long: nothing can be made of it */
    end(&r);
    buf_free(&said);
}

static void one_connection_has_stream_after_stream(void **state)
{
    (void)state;
    static const char cut[] = HEAD "Content-Length: 12\r\n\r\ndata: {\"cut\"";
    const struct piece first[] = {{cut, 1050, 1050}, {NULL, 0, 0}};
    const struct piece second[] = {{STREAM WORD("a") STOP, 1070, 1070}, {NULL, 0, 0}};
    struct recording r = record(TARGET_CHAT, true);
    play(&r, first);
    assert_int_equal(r.flight.failure, FAILURE_UNFINISHED);
    r.over = false;
    r.flight = (struct flight){.intended = MS(1060), .sent = MS(1060), .measured = true};
    flight_expect(&r.flight, &r.reader, &r.target);
    play(&r, second);
    flight_closed(&r.flight, &r.reader, &r.target, MS(1080));
    assert_int_equal(r.flight.failure, FAILURE_NONE); /* nothing of the first is left */
    assert_int_equal(r.flight.tokens, 1);
    end(&r);
}

static void goodput_counts_requests_within_every_bound(void **state)
{
    (void)state;
    static const struct {
        struct bounds bounds;
        bool good;
    } rows[] = {
        {{0, 0, 0}, true},       {{MS(60), MS(50), MS(10)}, true}, {{MS(59), 0, 0}, false},
        {{0, MS(29), 0}, false}, {{0, 0, MS(9)}, false},
    };
    const struct piece pieces[] = {
        {STREAM WORD("a"), 1030, 1030}, {WORD("b") STOP, 1040, 1040}, {NULL, 0, 0}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct recording r = record(TARGET_CHAT, true);
        play(&r, pieces);
        flight_closed(&r.flight, &r.reader, &r.target, MS(1060));
        flight_count(&r.flight, &r.target, &rows[i].bounds, "", r.metrics);
        assert_int_equal(r.metrics->good, rows[i].good);
        end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chat_stream_gives_every_metric_by_its_definition),
        cmocka_unit_test(reasoning_counts_as_tokens),
        cmocka_unit_test(the_first_answer_is_told_from_the_reasoning_before_it),
        cmocka_unit_test(tokens_of_an_event_are_those_the_service_counts),
        cmocka_unit_test(a_call_of_a_tool_is_text_and_an_empty_one_is_none),
        cmocka_unit_test(several_choices_are_complete_when_all_of_them_are),
        cmocka_unit_test(what_a_refusal_says_is_kept),
        cmocka_unit_test(embeddings_and_tensors_are_counted),
        cmocka_unit_test(a_worker_stream_is_read_however_it_is_cut),
        cmocka_unit_test(failures_are_told_apart),
        cmocka_unit_test(a_connection_that_ends_before_the_answer_is_closed),
        cmocka_unit_test(connections_are_kept_when_they_can_be),
        cmocka_unit_test(what_is_not_measured_is_not_counted),
        cmocka_unit_test(the_text_of_an_answer_is_kept_as_it_was_written),
        cmocka_unit_test(one_connection_has_stream_after_stream),
        cmocka_unit_test(goodput_counts_requests_within_every_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
