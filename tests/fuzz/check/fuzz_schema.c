/*
 * JSON Schema with any schema and instance (one JSON text: an array of the two). Nothing may crash;
 * asking for faults must not change the verdict, and an invalid instance must have one.
 */
#include "check/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct schema_options options = {.assert_formats = true};
    struct schema_report report, verdict;
    struct schema *schema = NULL;
    json_t *both = NULL;
    if (!result_ok(jsontext_read_in(arena, slice_of((const char *)data, size), &both)) ||
        json_array_size(both) != 2)
        return 0;
    const json_t *instance = json_array_get(both, 1);
    if (!result_ok(schema_compile(arena, json_array_get(both, 0), &options, &schema)) ||
        !result_ok(schema_validate(schema, instance, 0, arena, &verdict)) ||
        !result_ok(schema_validate(schema, instance, 3, arena, &report)))
        return 0;
    MUST(report.valid == verdict.valid, "the verdict was %d and is %d", verdict.valid,
         report.valid);
    MUST(report.valid == (report.count == 0), "valid is %d with %zu faults", report.valid,
         report.count);
    return 0;
}
