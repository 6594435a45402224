/*
 * Scenarios as JSON with comments (first byte even) and as YAML (odd): read, made into a suite, and
 * the options of each load worked out and checked, as far as no file is read and nothing is asked.
 */
#include "core/memory.h"
#include "load/setup.h"
#include "plan/keys.h"
#include "plan/scenario.h"
#include "step/load_keys.h"
#include "suite/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As in tests/fuzz/suite/round_trip.c. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml.so";
}

static const struct keys *keys(void)
{
    static struct arena *arena; /* as long as the program */
    static struct keys made;
    if (!arena) {
        arena = arena_new();
        made = keys_in(arena);
    }
    return &made;
}

/* What the shapes allow is read without a fault of ours. */
static void look_at(struct arena *arena, const struct node *load)
{
    struct assay_load_options options, over = {.concurrency = 2};
    struct diagnostics d = diagnostics_in(arena);
    shape_check(&load_shape, load, &d);
    if (d.count || load->has_template)
        return;
    MUST(result_ok(load_keys_read(arena, load, SLICE("folder"), &options)), "%s",
         error_last()->text);
    MUST(result_ok(setup_check(&options)), "%s, though its shape was right", error_last()->text);
    MUST(load_keys_duration(load) >= 0, "a load takes no time");
    load_keys_lay(&over, &options);
    MUST(!options.rate && options.concurrency == 2, "what was given did not win");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct diagnostics d = diagnostics_in(arena);
    const struct node *root = NULL;
    if (size == 0)
        return 0;
    reader_text(arena, data[0] % 2 ? "x.yaml" : "x.json",
                slice_of((const char *)data + 1, size - 1), &d, &root);
    if (!root || !scenario_is(root))
        return 0;
    const struct node *suite = scenario_suite(arena, keys()->scenario, root, &d);
    const struct node *cases = suite ? node_get(suite, "cases") : NULL;
    for (size_t i = 0; cases && i < cases->count; i++)
        look_at(arena, node_get(cases->items[i], "load"));
    return 0;
}
