/*
 * For the tests of checks: expectations written as JSON, observations with everything in them, and
 * what the verdicts say.
 */
#ifndef CHECK_TEST_H
#define CHECK_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "check/check.h"
#include "check/match.h"

/* The nodes of a JSON text. Single quotes stand for double ones, to be readable in C. */
static inline const struct node *node_of(struct arena *arena, const char *quoted)
{
    static const struct source source = {.name = "test.json"};
    json_t *value;
    struct slice text = arena_copy(arena, slice_str(quoted));
    char *bytes = (char *)(uintptr_t)text.data;
    for (size_t i = 0; i < text.len; i++)
        if (bytes[i] == '\'')
            bytes[i] = '"';
    struct result r = jsontext_read_in(arena, text, &value);
    if (!result_ok(r))
        fail_msg("%s in %s", error_last()->text, quoted);
    return node_from_json(arena, value, (struct place){&source, 1, 1});
}

static inline const json_t *json_of(struct arena *arena, const char *quoted)
{
    return quoted ? node_json(arena, node_of(arena, quoted)) : NULL;
}

/* The fault of an expectation against a shape: its text and hint, or "" when there is none. */
static inline const char *fault_of(struct arena *arena, const struct shape *shape,
                                   const char *quoted)
{
    struct diagnostics d = diagnostics_in(arena);
    shape_check(shape, node_of(arena, quoted), &d);
    if (!d.first)
        return "";
    return d.first->hint ? arena_printf(arena, "%s; %s", d.first->text, d.first->hint)
                         : d.first->text;
}

#endif
