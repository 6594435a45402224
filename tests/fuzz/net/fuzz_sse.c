/*
 * The event-stream decoder: the same events and notes however the stream is cut, and what the
 * encoder makes of the stream's bytes is read back.
 */
#include "fuzz.h"
#include "net/sse.h"
#include "transcript.h"

static void check_cuts(struct slice input)
{
    struct random random = random_seeded(slice_hash(input));
    const struct cut cuts[] = {uncut, every_byte, {.random = &random}};
    struct buf out[3];
    for (size_t i = 0; i < 3; i++) {
        out[i] = buf_limited(input.len * 64 + 65536);
        sse_transcript(&out[i], input, cuts[i]);
    }
    MUST(slice_eq(buf_slice(&out[0]), buf_slice(&out[1])), "whole:%s\nevery byte:%s",
         fuzz_text(&out[0]), fuzz_text(&out[1]));
    MUST(slice_eq(buf_slice(&out[0]), buf_slice(&out[2])), "whole:%s\nrandom pieces:%s",
         fuzz_text(&out[0]), fuzz_text(&out[2]));
    for (size_t i = 0; i < 3; i++)
        buf_free(&out[i]);
}

/* `data` as it comes back: every line break as LF. */
static struct buf with_lf(struct slice data)
{
    struct buf b = buf_limited(data.len + 1);
    for (size_t i = 0; i < data.len; i++) {
        bool crlf = data.data[i] == '\r' && i + 1 < data.len && data.data[i + 1] == '\n';
        struct result r = RESULT_OK;
        if (!crlf)
            r = buf_append_byte(&b, data.data[i] == '\r' ? '\n' : data.data[i]);
        MUST(result_ok(r), "%zu bytes", b.len);
    }
    return b;
}

static void check_round_trip(struct slice data)
{
    struct buf stream = buf_limited(data.len * 8 + 100);
    MUST(result_ok(sse_write_event(&stream, SLICE("fuzz"), data)), "%s", error_last()->text);
    struct buf expected = with_lf(data);
    struct sse_decoder d;
    sse_init(&d);
    struct sse_event event;
    bool got;
    struct slice input = buf_slice(&stream);
    MUST(result_ok(sse_next(&d, &input, &event, &got)) && got, "no event in %s", stream.data);
    MUST(slice_eq(event.data, buf_slice(&expected)), "written %s", stream.data);
    MUST(slice_is(event.type, "fuzz"), "written %s", stream.data);
    MUST(result_ok(sse_next(&d, &input, &event, &got)) && !got, "two events in %s", stream.data);
    sse_free(&d);
    buf_free(&stream);
    buf_free(&expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of((const char *)data, size);
    check_cuts(input);
    check_round_trip(input);
    return 0;
}
