/*
 * The HTTP parser, both directions: it must not misbehave on any bytes, and must make the same of
 * them however they are cut. The first byte says what the rest is: bit 0 a response, bit 1 the
 * answer to a HEAD request ('0' a request, '1' a response, '3' the answer to HEAD).
 */
#include "fuzz.h"
#include "transcript.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    enum http_side side = data[0] & 1 ? HTTP_RESPONSE : HTTP_REQUEST;
    bool head_requested = data[0] & 2;
    struct slice input = slice_of((const char *)data + 1, size - 1);
    struct random random = random_seeded(slice_hash(input));
    const struct cut cuts[] = {uncut, every_byte, {.random = &random}};
    struct buf out[3];
    for (size_t i = 0; i < 3; i++) {
        out[i] = buf_limited(size * 64 + 65536);
        http_transcript(&out[i], side, head_requested, input, cuts[i]);
    }
    MUST(slice_eq(buf_slice(&out[0]), buf_slice(&out[1])), "whole:%s\nevery byte:%s",
         fuzz_text(&out[0]), fuzz_text(&out[1]));
    MUST(slice_eq(buf_slice(&out[0]), buf_slice(&out[2])), "whole:%s\nrandom pieces:%s",
         fuzz_text(&out[0]), fuzz_text(&out[2]));
    for (size_t i = 0; i < 3; i++)
        buf_free(&out[i]);
    return 0;
}
