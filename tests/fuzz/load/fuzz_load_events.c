/*
 * Event logs: whatever stands in one, it is refused with a reason or its figures are made.
 */
#include "core/memory.h"
#include "load/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    DEFER(replay_free_pointer)
    struct replay *replay = replay_new(arena);
    struct slice rest = slice_of((const char *)data, size), line = {0};
    enum as_tool tool = size > 0 ? (enum as_tool)(data[0] % AS_TOOL_COUNT) : AS_VLLM;
    replay->as = as_new(tool);
    while (slice_split(&rest, '\n', &line) && result_ok(replay_line(replay, line)))
        continue;
    if (result_ok(replay_finish(replay)))
        json_decref(as_json(replay->as, replay->outcome.measured));
    as_free(replay->as);
    return 0;
}
