/*
 * Objectives in both grammars: never beyond the text, and what is taken can be judged.
 */
#include "core/arena.h"
#include "core/memory.h"
#include "load/threshold.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct slo slos[SLO_MOST_OBJECTIVES];
    size_t count = 0;
    const char *text = arena_string(arena, slice_of((const char *)data, size));
    static struct load_outcome *outcome; /* of nothing; large, so that one is enough */
    if (!outcome) {
        outcome = mem_zero(sizeof(*outcome));
        metrics_clear(&outcome->metrics);
    }
    if (result_ok(slo_read(arena, text, slos, &count)))
        for (size_t i = 0; i < count; i++)
            (void)slo_holds(&slos[i], outcome);
    if (result_ok(threshold_read_text(arena, text, slos)) ||
        result_ok(threshold_read_abort(arena, text, slos)))
        (void)slo_holds(slos, outcome);
    return 0;
}
