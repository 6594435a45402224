/*
 * The comparison itself: paths are followed through jansson's values step by step.
 */
#include "scan_check.h"

#include "core/jsontext.h"
#include "core/text.h"
#include "load/scan.h"

static const struct scan_path paths[] = {
    {{SLICE("choices"), SLICE("0"), SLICE("delta"), SLICE("content")}, 4},
    {{SLICE("choices"), SLICE("0"), SLICE("finish_reason")}, 3},
    {{SLICE("choices"), SLICE("0"), SLICE("text")}, 3},
    {{SLICE("usage"), SLICE("content")}, 2},
    {{SLICE("t")}, 1},
    {{SLICE("error")}, 1},
    {{SLICE("choices")}, 1},
};
#define PATHS (sizeof(paths) / sizeof(paths[0]))

static const json_t *follow(const json_t *value, const struct scan_path *path)
{
    for (uint32_t i = 0; value && i < path->depth; i++) {
        if (json_is_array(value) && slice_is(path->names[i], "0"))
            value = json_array_get(value, 0);
        else
            value = json_object_get(value, path->names[i].data);
    }
    return value;
}

static enum scan_kind kind_of(const json_t *value)
{
    static const enum scan_kind kinds[] = {
        [JSON_OBJECT] = SCAN_OBJECT,  [JSON_ARRAY] = SCAN_ARRAY, [JSON_STRING] = SCAN_STRING,
        [JSON_INTEGER] = SCAN_NUMBER, [JSON_REAL] = SCAN_NUMBER, [JSON_TRUE] = SCAN_BOOLEAN,
        [JSON_FALSE] = SCAN_BOOLEAN,  [JSON_NULL] = SCAN_NULL,
    };
    return value ? kinds[json_typeof(value)] : SCAN_ABSENT;
}

/* The text of a value, read again, is that value. */
static void check_value(struct arena *arena, struct slice text, const struct scan_value *got,
                        const json_t *wanted)
{
    MUST(got->kind == kind_of(wanted), "kind %d instead of %d in %.*s", (int)got->kind,
         (int)kind_of(wanted), SLICE_ARG(text));
    if (!wanted)
        return;
    MUST(got->elements == json_array_size(wanted), "%u elements in %.*s", got->elements,
         SLICE_ARG(text));
    const char *quote = got->kind == SCAN_STRING ? "\"" : "";
    const char *again = arena_printf(arena, "%s%.*s%s", quote, SLICE_ARG(got->text), quote);
    json_t *read = NULL;
    MUST(result_ok(jsontext_read_in(arena, slice_str(again), &read)) &&
             (json_equal(read, wanted) || !json_is_string(wanted)),
         "%s in %.*s", again, SLICE_ARG(text));
}

void scan_check(struct slice text)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct scan_value values[PATHS];
    json_t *whole = NULL;
    if (text.len == 0)
        return;
    bool taken = scan_json(text, paths, PATHS, values);
    if (memchr(text.data, 0, text.len)) /* jansson takes it for the end */
        return;
    if (!result_ok(jsontext_read_in(arena, text, &whole)))
        return; /* jansson refuses more: names twice, broken UTF-8, numbers beyond a double */
    MUST(taken, "refused: %.*s", SLICE_ARG(text));
    for (size_t i = 0; i < PATHS; i++)
        check_value(arena, text, &values[i], follow(whole, &paths[i]));
}
