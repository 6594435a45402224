/*
 * Event patterns with any sequence of one-letter names (the pattern up to the first newline). The
 * report must be true: up to the place it names everything could have come, and a longer sequence
 * with the same beginning fails at the same place.
 */
#include "check/sequence.h"

#include "core/arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct slice letter_at(const void *letters, size_t i)
{
    return slice_of((const char *)letters + i, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct slice letters = slice_of((const char *)data, size), pattern;
    struct sequence *sequence = NULL;
    if (!slice_split(&letters, '\n', &pattern) || letters.len > 200 ||
        !result_ok(sequence_parse(arena, pattern, &sequence)))
        return 0;
    struct sequence_report whole =
        sequence_match(sequence, arena, letter_at, letters.data, letters.len);
    MUST(whole.at <= letters.len, "at %zu of %zu", whole.at, letters.len);
    MUST(whole.fits || whole.expected.len, "a misfit without an expectation");
    for (size_t n = 0; n <= letters.len; n++) {
        struct sequence_report part = sequence_match(sequence, arena, letter_at, letters.data, n);
        bool good_so_far = whole.fits || n <= whole.at;
        MUST(part.at == (good_so_far ? n : whole.at), "%zu names fail at %zu, all at %zu", n,
             part.at, whole.at);
    }
    return 0;
}
