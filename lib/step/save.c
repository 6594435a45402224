/*
 * Places to save from. The parts stand in one table, for reading and for messages.
 */
#include "step/save.h"

#include "check/path.h"

static json_t *status_of(struct arena *arena, const struct observation *o)
{
    return jsontext_keep(arena, json_integer(o->status));
}

static json_t *text_of(struct arena *arena, const struct observation *o)
{
    return jsontext_string(arena, o->text);
}

static json_t *body_of(struct arena *arena, const struct observation *o)
{
    return jsontext_string(arena, o->body);
}

static json_t *output_of(struct arena *arena, const struct observation *o)
{
    return jsontext_string(arena, o->standard_output);
}

static json_t *stop_reason_of(struct arena *arena, const struct observation *o)
{
    return jsontext_string(arena, o->stop_reason);
}

static const struct {
    const char *name;
    unsigned needs;
    json_t *(*read)(struct arena *arena, const struct observation *o);
} parts[] = {
    {"status", OBSERVED_STATUS, status_of},
    {"text", OBSERVED_TEXT, text_of},
    {"body", OBSERVED_BODY, body_of},
    {"stdout", OBSERVED_OUTPUT, output_of},
    {"stop_reason", OBSERVED_STOP, stop_reason_of},
};

#define PART_COUNT (sizeof(parts) / sizeof(parts[0]))

static void check_place(const struct node *from, struct diagnostics *d)
{
    struct slice where = from->kind == NODE_STRING ? from->string : slice_of("", 0);
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct path *path;
    if (slice_starts(where, SLICE("$")) && !slice_starts(where, SLICE("${"))) {
        if (!from->has_template && !result_ok(path_parse(arena, where, &path)))
            diagnose_error(d, from->at);
        return;
    }
    for (size_t i = 0; i < PART_COUNT; i++)
        if (slice_is(where, parts[i].name))
            return;
    if (!slice_starts(where, SLICE("header ")))
        diagnose(d, from->at, "\"%.*s\" is not a place to save from", SLICE_ARG(where))->hint =
            "a JSONPath such as \"$.id\", \"header NAME\", status, text, body, stdout or "
            "stop_reason";
}

void save_check(const struct node *save, struct diagnostics *d)
{
    for (size_t i = 0; i < save->count; i++)
        check_place(save->entries[i].value, d);
}

static json_t *read_path(struct arena *arena, struct slice where, struct observation *o,
                         const char **why)
{
    const json_t *document = observation_json(o, why);
    struct path *path;
    struct path_nodes nodes;
    if (!document)
        return NULL;
    if (!result_ok(path_parse(arena, where, &path)) ||
        !result_ok(path_select(path, document, arena, &nodes))) {
        *why = arena_printf(arena, "%s", error_last()->text);
        return NULL;
    }
    *why = "the path selects nothing";
    return nodes.count ? (json_t *)(uintptr_t)nodes.items[0]->value : NULL;
}

json_t *save_read(struct arena *arena, struct slice where, struct observation *o, const char **why)
{
    if (slice_starts(where, SLICE("$")))
        return read_path(arena, where, o, why);
    *why = "the answer has no such part";
    if (slice_starts(where, SLICE("header "))) {
        struct slice value = observation_header(o, slice_trim(slice_from(where, 7)));
        return value.data ? jsontext_string(arena, value) : NULL;
    }
    for (size_t i = 0; i < PART_COUNT; i++)
        if (slice_is(where, parts[i].name) && (o->seen & parts[i].needs) == parts[i].needs)
            return parts[i].read(arena, o);
    return NULL;
}
