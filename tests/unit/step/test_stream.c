/*
 * Event streams as observations: what is kept of a stream that comes in pieces, and of one that is
 * cut.
 */
#include "step/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct reading {
    struct arena *arena;
    struct observation observation;
    struct stream stream;
};

static void begin(struct reading *r)
{
    *r = (struct reading){.arena = arena_new()};
    r->observation.arena = r->arena;
    stream_init(&r->stream, &r->observation);
}

static void end(struct reading *r)
{
    arena_free(r->arena);
}

/* Every event's data is a token. */
static struct result add_token(void *context, struct stream_event *event)
{
    struct reading *r = context;
    return stream_token(&r->stream, event->data, -1, event->at);
}

static struct result feed(struct reading *r, const char *text, int64_t at)
{
    return stream_feed(&r->stream, slice_str(text), at, add_token, r);
}

static void tokens_of_a_stream_in_pieces_are_its_text(void **state)
{
    (void)state;
    struct reading r;
    begin(&r);
    assert_true(result_ok(feed(&r, "data: on", 1)));
    assert_true(result_ok(feed(&r, "e\n\nevent: x\ndata: two\n", 2)));
    assert_true(result_ok(feed(&r, "\n", 3)));
    assert_true(result_ok(stream_end(&r.stream)));
    stream_close(&r.stream);
    assert_int_equal(r.observation.event_count, 2);
    assert_true(slice_is(r.observation.events[1].name, "x"));
    assert_true(slice_is(r.observation.text, "onetwo"));
    assert_int_equal(r.observation.first_token, 2);
    assert_int_equal(r.observation.tokens[1].at, 3);
    assert_true(r.observation.seen & OBSERVED_TEXT);
    end(&r);
}

static void a_stream_cut_within_an_event_is_an_error_and_keeps_its_tokens(void **state)
{
    (void)state;
    struct reading r;
    begin(&r);
    assert_true(result_ok(feed(&r, "data: one\n\ndata: tw", 1)));
    assert_int_equal(stream_end(&r.stream).code, ERR_CLOSED);
    stream_close(&r.stream);
    assert_int_equal(r.observation.event_count, 1);
    assert_true(slice_is(r.observation.text, "one"));
    end(&r);
}

static void a_stream_without_tokens_shows_no_text(void **state)
{
    (void)state;
    struct reading r;
    begin(&r);
    assert_true(result_ok(stream_end(&r.stream)));
    stream_close(&r.stream);
    assert_true(r.observation.seen & OBSERVED_EVENTS);
    assert_false(r.observation.seen & OBSERVED_TEXT);
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_of_a_stream_in_pieces_are_its_text),
        cmocka_unit_test(a_stream_cut_within_an_event_is_an_error_and_keeps_its_tokens),
        cmocka_unit_test(a_stream_without_tokens_shows_no_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
