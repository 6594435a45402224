/*
 * Histograms of an export that anybody may have written: what is taken is written again the same
 * way, but for blanks and zeros in front.
 */
#include "core/result.h"
#include "load/keep.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct histogram first, second;
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    if (result_ok(keep_read_histogram(slice_of((const char *)data, size), &first))) {
        keep_histogram(&t, &first);
        struct result again = keep_read_histogram(text_slice(&t), &second);
        MUST(result_ok(again), "%s", text_str(&t));
        MUST(memcmp(first.counts, second.counts, sizeof(first.counts)) == 0, "%s", text_str(&t));
    }
    arena_free(arena);
    return 0;
}
