/*
 * What a service answered, read back from evidence: the answer, its stream, its stack, and the
 * message made of it. Whatever came, what is read lies within it, and a normalised message has no
 * control characters.
 */
#include "core/limits.h"
#include "report/answer.h"
#include "report/normalise.h"

static void within(struct slice part, struct slice whole)
{
    MUST(part.len <= whole.len + 100, "%zu bytes of %zu", part.len, whole.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct slice text = slice_of((const char *)data, size);
    struct answer answer;

    answer_read(arena, text, &answer);
    within(answer.body, text);
    within(answer.error_code, text);
    within(answer.error_message, text);
    within(answer.not_json, text);
    within(answer.not_utf8, text);
    MUST(answer.tokens <= answer.events, "%zu tokens of %zu events", answer.tokens, answer.events);
    struct slice once = normalise_message(arena, text);
    for (size_t i = 0; i < once.len; i++)
        MUST((unsigned char)once.data[i] >= ' ', "byte %d", once.data[i]);
    normalise_stack(arena, text);
    return 0;
}
