/*
 * assay_schema: the suite format for machines and for people, from the table that the reader uses.
 */
#include "api/session.h"
#include "plan/keys.h"

int assay_schema(enum assay_schema_form form, FILE *out)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct keys keys = keys_in(arena);
    struct slice text;
    if (form == ASSAY_SCHEMA_JSON)
        text = jsontext_write_pretty(arena, shape_schema(arena, keys.suite, "Assay suite"));
    else
        text = shape_reference(arena, keys.suite, "Suite reference");
    fwrite(text.data, 1, text.len, out);
    if (form == ASSAY_SCHEMA_JSON)
        fputc('\n', out);
    return fflush(out) == 0 && !ferror(out) ? 0 : 3;
}
