/*
 * Files of prompts and traces, both forms of each: what is read holds together, and nothing beyond
 * the input is touched.
 */
#include "load/inputs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const struct inputs *inputs, bool trace)
{
    int64_t last = 0;
    MUST(inputs->count > 0, "read without a row");
    for (uint32_t i = 0; i < inputs->count; i++) {
        const struct input *in = &inputs->items[i];
        MUST(in->at >= last, "%lld after %lld", (long long)in->at, (long long)last);
        MUST(trace || in->message_count || in->tokens, "row %u asks nothing", i);
        for (uint32_t k = 0; k < in->message_count; k++) {
            const struct input_message *m = &in->messages[k];
            MUST(m->json.len > 1 && m->json.data[0] == '{', "message %u of row %u", k, i);
            MUST(!m->text.data || (m->text.data >= m->json.data &&
                                   m->text.data + m->text.len < m->json.data + m->json.len),
                 "text of message %u of row %u", k, i);
        }
        last = in->at;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"x.jsonl", "x.csv"};
    struct slice text = slice_of((const char *)data, size);
    for (int i = 0; i < 4; i++) {
        DEFER(arena_free_pointer)
        struct arena *arena = arena_new();
        struct inputs inputs;
        if (result_ok(inputs_parse(arena, names[i & 1], text, i & 2, &inputs)))
            look_at(&inputs, i & 2);
    }
    return 0;
}
