/*
 * assay_schema: the formats of suites and scenarios for machines and for people, from the tables
 * that the reader uses.
 */
#include "api/session.h"
#include "plan/keys.h"

int assay_schema(enum assay_schema_form form, FILE *out)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct keys keys = keys_in(arena);
    bool scenario = form == ASSAY_SCHEMA_SCENARIO || form == ASSAY_SCHEMA_SCENARIO_REFERENCE,
         json = form == ASSAY_SCHEMA_JSON || form == ASSAY_SCHEMA_SCENARIO;
    const struct shape *shape = scenario ? keys.scenario : keys.suite;
    struct slice text;
    if (json)
        text = jsontext_write_pretty(
            arena, shape_schema(arena, shape, scenario ? "Assay scenario" : "Assay suite"));
    else
        text = shape_reference(arena, shape, scenario ? "Scenario reference" : "Suite reference");
    fwrite(text.data, 1, text.len, out);
    if (json)
        fputc('\n', out);
    return fflush(out) == 0 && !ferror(out) ? 0 : 3;
}
