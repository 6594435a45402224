/*
 * Event streams: the examples of the standard, every line ending, every cut, and what is noted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/limits.h"
#include "net/sse.h"
#include "transcript.h"

struct expected {
    const char *type, *data, *id;
};

/* The events of a stream in one piece, and its notes. */
static struct sse_notes assert_events(struct slice input, const struct expected *expected)
{
    struct sse_decoder d;
    sse_init(&d);
    struct sse_event event;
    bool got;
    for (size_t i = 0;; i++) {
        assert_true(result_ok(sse_next(&d, &input, &event, &got)));
        if (!got) {
            assert_null(expected[i].data);
            break;
        }
        assert_non_null(expected[i].data);
        assert_true(slice_is(event.data, expected[i].data));
        assert_true(slice_is(event.type, expected[i].type ? expected[i].type : "message"));
        assert_true(slice_is(event.id, expected[i].id ? expected[i].id : ""));
    }
    sse_end(&d, &event);
    struct sse_notes notes = d.notes;
    sse_free(&d);
    return notes;
}

/* ---- the standard's examples (HTML, 9.2.6) ---- */

static void data_lines_are_joined_by_lf(void **state)
{
    (void)state;
    assert_events(SLICE("data: YHOO\ndata: +2\ndata: 10\n\n"),
                  (const struct expected[]){{.data = "YHOO\n+2\n10"}, {0}});
}

static void comments_and_ids_are_read_as_in_the_standard(void **state)
{
    (void)state;
    struct slice stream = SLICE(": test stream\n\ndata: first event\nid: 1\n\n"
                                "data:second event\nid\n\ndata:  third event\n\n");
    struct sse_notes notes =
        assert_events(stream, (const struct expected[]){{.data = "first event", .id = "1"},
                                                        {.data = "second event", .id = ""},
                                                        {.data = " third event", .id = ""},
                                                        {0}});
    assert_int_equal(notes.comments, 1);
    assert_int_equal(notes.no_space, 1);
    assert_int_equal(notes.no_colon, 1);
    assert_false(notes.unfinished);
}

static void data_without_a_colon_is_an_empty_line(void **state)
{
    (void)state;
    struct sse_notes notes =
        assert_events(SLICE("data\n\ndata\ndata\n\ndata:"),
                      (const struct expected[]){{.data = ""}, {.data = "\n"}, {0}});
    assert_true(notes.unfinished);
}

static void one_space_after_the_colon_is_no_part_of_the_value(void **state)
{
    (void)state;
    assert_events(SLICE("data:test\n\ndata: test\n\n"),
                  (const struct expected[]){{.data = "test"}, {.data = "test"}, {0}});
}

static void events_can_be_named(void **state)
{
    (void)state;
    assert_events(SLICE("event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\n"
                        "data: unnamed\n\n"),
                  (const struct expected[]){{.type = "add", .data = "73857293"},
                                            {.type = "remove", .data = "2153"},
                                            {.data = "unnamed"},
                                            {0}});
}

/* ---- the rest of the rules ---- */

static void an_id_stays_until_it_is_set_again(void **state)
{
    (void)state;
    assert_events(
        SLICE("id: 7\ndata: a\n\ndata: b\n\nid: 8\n\ndata: c\n\n"),
        (const struct expected[]){
            {.data = "a", .id = "7"}, {.data = "b", .id = "7"}, {.data = "c", .id = "8"}, {0}});
}

static void an_id_with_nul_is_ignored(void **state)
{
    (void)state;
    struct sse_notes notes =
        assert_events(SLICE("id: 7\nid: 8\0\ndata: a\n\n"),
                      (const struct expected[]){{.data = "a", .id = "7"}, {0}});
    assert_int_equal(notes.ignored_ids, 1);
}

static void a_type_without_data_is_no_event_and_is_forgotten(void **state)
{
    (void)state;
    struct sse_notes notes = assert_events(SLICE("event: ping\n\ndata: x\n\n"),
                                           (const struct expected[]){{.data = "x"}, {0}});
    assert_int_equal(notes.without_data, 1);
}

static void retry_is_digits_only(void **state)
{
    (void)state;
    static const struct {
        const char *stream;
        int64_t retry;
    } cases[] = {
        {"retry: 1500\n\n", 1500}, {"retry:0\n\n", 0},  {"retry: -1\n\n", -1},
        {"retry: 1s\n\n", -1},     {"retry\n\n", -1},   {"retry: \n\n", -1},
        {"retry:  5\n\n", -1},     {"retry: 007\n", 7}, {"retry: 5\nretry: x\n\n", 5},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sse_decoder d;
        sse_init(&d);
        struct slice input = slice_str(cases[i].stream);
        struct sse_event event;
        bool got;
        assert_true(result_ok(sse_next(&d, &input, &event, &got)));
        assert_false(got);
        assert_int_equal(d.retry, cases[i].retry);
        sse_free(&d);
    }
}

static void an_event_after_a_byte_order_mark_begins_behind_it(void **state)
{
    (void)state;
    struct sse_decoder d;
    sse_init(&d);
    struct slice input = SLICE("\xef\xbb\xbf"
                               "data: a\n\n");
    struct sse_event event;
    bool got;
    assert_true(result_ok(sse_next(&d, &input, &event, &got)) && got);
    assert_int_equal(event.offset, 3);
    sse_free(&d);
}

static void an_event_says_its_own_retry_and_where_it_begins(void **state)
{
    (void)state;
    struct sse_decoder d;
    sse_init(&d);
    struct slice input = SLICE(":x\n\nretry: 9\ndata: a\n\n\ndata: b\n\n");
    struct sse_event event;
    bool got;
    assert_true(result_ok(sse_next(&d, &input, &event, &got)) && got);
    assert_int_equal(event.retry, 9);
    assert_int_equal(event.offset, 4);
    assert_true(result_ok(sse_next(&d, &input, &event, &got)) && got);
    assert_int_equal(event.retry, -1);
    assert_int_equal(event.offset, 23);
    assert_int_equal(d.retry, 9);
    sse_free(&d);
}

static void every_line_ending_is_one(void **state)
{
    (void)state;
    struct sse_notes notes = assert_events(
        SLICE("data: a\r\n\r\ndata: b\r\rdata: c\n\ndata: d\r\n\ndata: e\n\rdata: f\r\r\n"),
        (const struct expected[]){{.data = "a"},
                                  {.data = "b"},
                                  {.data = "c"},
                                  {.data = "d"},
                                  {.data = "e"},
                                  {.data = "f"},
                                  {0}});
    assert_int_equal(notes.crlf, 4);
    assert_int_equal(notes.cr, 4);
    assert_int_equal(notes.lf, 4);
}

static void a_byte_order_mark_is_dropped_only_at_the_beginning(void **state)
{
    (void)state;
    struct sse_notes notes =
        assert_events(SLICE("\xef\xbb\xbf"
                            "data: a\n\n\xef\xbb\xbf"
                            "data: b\n\ndata: c\n\n"),
                      (const struct expected[]){{.data = "a"}, {.data = "c"}, {0}});
    assert_true(notes.bom);
    assert_int_equal(notes.unknown_fields, 1);
}

static void an_event_is_given_at_the_cr_that_ends_it(void **state)
{
    (void)state;
    struct sse_decoder d;
    sse_init(&d);
    struct slice input = SLICE("data: a\r\n\r");
    struct sse_event event;
    bool got;
    assert_true(result_ok(sse_next(&d, &input, &event, &got)));
    assert_true(got);
    input = SLICE("\ndata: b\r\n\r\n");
    assert_true(result_ok(sse_next(&d, &input, &event, &got)));
    assert_true(got);
    assert_true(slice_is(event.data, "b"));
    assert_int_equal(event.offset, 11);
    sse_free(&d);
}

static void an_unfinished_event_is_discarded_and_shown(void **state)
{
    (void)state;
    static const char *const streams[] = {"event: end\ndata: half", "event: end\ndata: half\n"};
    for (size_t i = 0; i < 2; i++) {
        struct sse_decoder d;
        sse_init(&d);
        struct slice input = slice_str(streams[i]);
        struct sse_event event;
        bool got;
        assert_true(result_ok(sse_next(&d, &input, &event, &got)));
        assert_false(got);
        assert_true(sse_end(&d, &event));
        assert_true(slice_is(event.type, "end"));
        assert_true(slice_is(event.data, "half"));
        assert_true(d.notes.unfinished);
        assert_int_equal(d.notes.events, 0);
        sse_free(&d);
    }
}

static void invalid_utf8_is_noted_and_passed_on(void **state)
{
    (void)state;
    struct sse_notes notes =
        assert_events(SLICE("data: \xc3\xa9\n\ndata: \xc3\n\n: \xff\n\n"),
                      (const struct expected[]){{.data = "é"}, {.data = "\xc3"}, {0}});
    assert_int_equal(notes.invalid_utf8, 2);
}

static void an_event_beyond_the_ceiling_is_refused_however_it_comes(void **state)
{
    (void)state;
    struct buf line = buf_limited(LIMIT_SSE_EVENT_BYTES * 3ul), out = buf_limited(4096);
    assert_true(result_ok(buf_append(&line, SLICE("data: "))));
    while (line.len < LIMIT_SSE_EVENT_BYTES + 1)
        assert_true(result_ok(buf_append(&line, SLICE("0123456789abcdef"))));
    sse_transcript(&out, buf_slice(&line), uncut);
    assert_non_null(strstr(out.data, "FAILED an SSE line at byte 0 has more than 8388608 bytes"));
    buf_clear(&out);
    sse_transcript(&out, buf_slice(&line), (struct cut){.every = 4096});
    assert_non_null(strstr(out.data, "FAILED an SSE line at byte 0 has more than 8388608 bytes"));
    /* The same bytes in lines that are short enough. */
    for (size_t at = 1000; at < line.len - 7; at += 1000)
        memcpy(line.data + at, "\ndata: ", 7);
    while (line.len < LIMIT_SSE_EVENT_BYTES * 2ul)
        assert_true(result_ok(buf_append(&line, SLICE("\ndata: 0123456789abcdef"))));
    buf_clear(&out);
    sse_transcript(&out, buf_slice(&line), (struct cut){.every = 4096});
    assert_non_null(strstr(out.data, "FAILED the data of the SSE event at byte 0"));
    buf_free(&line);
    buf_free(&out);
}

static void nothing_is_read_after_a_failure(void **state)
{
    (void)state;
    struct buf line = buf_limited(LIMIT_SSE_EVENT_BYTES + 64ul);
    while (line.len < LIMIT_SSE_EVENT_BYTES + 1)
        assert_true(result_ok(buf_append(&line, SLICE("0123456789abcdef"))));
    struct sse_decoder d;
    sse_init(&d);
    struct sse_event event;
    bool got;
    struct slice input = buf_slice(&line);
    assert_int_equal(sse_next(&d, &input, &event, &got).code, ERR_TOO_LARGE);
    input = SLICE("\ndata: a\n\n");
    assert_int_equal(sse_next(&d, &input, &event, &got).code, ERR_TOO_LARGE);
    sse_free(&d);
    buf_free(&line);
}

/* ---- every cut ---- */

static const struct slice cut_streams[] = {
    SLICE(""),
    SLICE("\n"),
    SLICE("data: YHOO\ndata: +2\ndata: 10\n\n"),
    SLICE(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third\n\n"),
    SLICE("data\n\ndata\ndata\n\ndata:"),
    SLICE("\xef\xbb\xbf"
          "event: started\r\ndata: {\"a\":1}\r\n\r\nevent: token\r\ndata: x\r\ndata: y\r\n\r\n"),
    SLICE("\xef\xbb\xbf\xef\xbb\xbf\n\n"),
    SLICE("data: a\r\rdata: b\r\r\r\rid: 3\rdata\r\r"),
    SLICE("data: a\r\n\ndata: b\n\rretry: 77\r\n\r\nevent: e\n\n\n\n"),
    SLICE(
        "event: token\ndata: {\"t\":\"\xf0\x9f\x98\x80\xc3\xa9\"}\n\n: ping\n\ndata: \xff\xfe\n\n"),
    SLICE("id: a\0b\nid: c\ndata: \0\n\nunknown: 1\nevent\ndata: last\nretry: 1x\n\nevent: cut"),
    SLICE("data:\ndata:\ndata: \ndata:  \n\nevent: one\nevent: two\nevent:\ndata\n\n"),
};

static void assert_same(struct slice stream, const struct buf *whole, struct cut cut)
{
    struct buf out = buf_limited(1u << 20);
    sse_transcript(&out, stream, cut);
    assert_string_equal(out.data, whole->data);
    buf_free(&out);
}

static void the_events_are_the_same_for_every_cut(void **state)
{
    (void)state;
    struct random random = random_seeded(2026);
    for (size_t i = 0; i < sizeof(cut_streams) / sizeof(cut_streams[0]); i++) {
        struct buf whole = buf_limited(1u << 20);
        sse_transcript(&whole, cut_streams[i], uncut);
        for (size_t at = 1; at < cut_streams[i].len; at++)
            assert_same(cut_streams[i], &whole, (struct cut){.first = at});
        assert_same(cut_streams[i], &whole, every_byte);
        for (int n = 0; n < 200; n++)
            assert_same(cut_streams[i], &whole, (struct cut){.random = &random});
        buf_free(&whole);
    }
}

/* ---- writing ---- */

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    static const struct {
        const char *type, *data, *read;
    } cases[] = {
        {"token", "{\"t\":\"x\"}", "{\"t\":\"x\"}"}, {"", "", ""},         {"", "a\nb", "a\nb"},
        {"e", "a\r\nb\rc\n", "a\nb\nc\n"},           {"", "\n\n", "\n\n"}, {"", " led", " led"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf b = buf_limited(1000);
        assert_true(
            result_ok(sse_write_event(&b, slice_str(cases[i].type), slice_str(cases[i].data))));
        assert_true(result_ok(sse_write_comment(&b, SLICE("ping"))));
        struct sse_notes notes = assert_events(
            buf_slice(&b),
            (const struct expected[]){
                {.type = cases[i].type[0] ? cases[i].type : NULL, .data = cases[i].read}, {0}});
        assert_int_equal(notes.comments, 1);
        buf_free(&b);
    }
}

static void a_line_break_cannot_be_smuggled_into_a_type(void **state)
{
    (void)state;
    struct buf b = buf_limited(1000);
    assert_int_equal(sse_write_event(&b, SLICE("a\ndata: b"), SLICE("c")).code, ERR_VALUE);
    assert_int_equal(sse_write_event(&b, SLICE("a\rid: b"), SLICE("c")).code, ERR_VALUE);
    assert_int_equal(sse_write_comment(&b, SLICE("a\nb")).code, ERR_VALUE);
    assert_int_equal(b.len, 0);
    buf_free(&b);
}

static void an_event_is_written_whole_or_not_at_all(void **state)
{
    (void)state;
    struct buf b = buf_limited(30);
    assert_true(result_ok(sse_write_event(&b, SLICE("e"), SLICE("12345"))));
    size_t before = b.len;
    assert_int_equal(sse_write_event(&b, SLICE("e"), SLICE("12345")).code, ERR_TOO_LARGE);
    assert_int_equal(b.len, before);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_lines_are_joined_by_lf),
        cmocka_unit_test(comments_and_ids_are_read_as_in_the_standard),
        cmocka_unit_test(data_without_a_colon_is_an_empty_line),
        cmocka_unit_test(one_space_after_the_colon_is_no_part_of_the_value),
        cmocka_unit_test(events_can_be_named),
        cmocka_unit_test(an_id_stays_until_it_is_set_again),
        cmocka_unit_test(an_id_with_nul_is_ignored),
        cmocka_unit_test(a_type_without_data_is_no_event_and_is_forgotten),
        cmocka_unit_test(retry_is_digits_only),
        cmocka_unit_test(an_event_says_its_own_retry_and_where_it_begins),
        cmocka_unit_test(every_line_ending_is_one),
        cmocka_unit_test(a_byte_order_mark_is_dropped_only_at_the_beginning),
        cmocka_unit_test(an_event_after_a_byte_order_mark_begins_behind_it),
        cmocka_unit_test(an_event_is_given_at_the_cr_that_ends_it),
        cmocka_unit_test(an_unfinished_event_is_discarded_and_shown),
        cmocka_unit_test(invalid_utf8_is_noted_and_passed_on),
        cmocka_unit_test(an_event_beyond_the_ceiling_is_refused_however_it_comes),
        cmocka_unit_test(nothing_is_read_after_a_failure),
        cmocka_unit_test(the_events_are_the_same_for_every_cut),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(a_line_break_cannot_be_smuggled_into_a_type),
        cmocka_unit_test(an_event_is_written_whole_or_not_at_all),
    };
    return cmocka_run_group_tests_name("event streams", tests, NULL, NULL);
}
