/*
 * Checks of a JSON document: values by JSONPath, and its schema.
 */
#include <math.h>

#include "check/families.h"
#include "check/operators.h"
#include "check/path.h"
#include "check/schema.h"
#include "core/limits.h"
#include "core/text.h"

static void check_paths(const struct node *map, struct diagnostics *d)
{
    for (size_t i = 0; i < map->count; i++) {
        struct path *path;
        struct slice key = map->entries[i].key;
        if (slice_find(key, SLICE("${")) >= 0)
            continue; /* a template: read again when it is filled */
        if (result_ok(path_parse(d->arena, key, &path)))
            continue;
        struct diagnostic *fault = diagnose(d, map->entries[i].key_at, "%s", error_last()->text);
        if (key.len && key.data[0] != '$')
            fault->hint =
                arena_printf(d->arena, "a path begins at the root: \"$.%.*s\"", SLICE_ARG(key));
    }
}

const struct shape shape_json_paths = {.name = "JSONPath map",
                                       .kind = SHAPE_MAP,
                                       .of = &shape_matcher,
                                       .min = 1,
                                       .check = check_paths,
                                       .help = "JSONPath → matcher of the value it selects"};

/* What a query that can select several values selected, as an array. */
static json_t *selected_array(struct arena *arena, const struct path_nodes *nodes)
{
    json_t *array = jsontext_keep(arena, json_array());
    for (size_t i = 0; i < nodes->count; i++)
        json_array_append(array, (json_t *)(uintptr_t)nodes->items[i]->value);
    return array;
}

static void check_path(struct verdicts *out, const char *check, struct slice text,
                       const struct node *matcher, const json_t *root)
{
    struct path *path;
    struct path_nodes nodes = {0};
    struct arena *arena = out->arena;
    const char *name = arena_printf(arena, "%s %.*s", check, SLICE_ARG(text));
    const char *where = arena_string(arena, text);

    if (!result_ok(path_parse(arena, text, &path)) ||
        !result_ok(path_select(path, root, arena, &nodes))) {
        verdict_impossible(out, name, matcher->at, arena_printf(arena, "%s", error_last()->text));
        return;
    }
    const json_t *value = nodes.count ? nodes.items[0]->value : NULL;
    bool absence = !node_get(matcher, "exists") && !operators_admit_empty(matcher);
    if (!path_singular(path) && (nodes.count || !absence))
        value =
            node_get(matcher, "exists") && nodes.count == 0 ? NULL : selected_array(arena, &nodes);
    match(out, name, matcher, value, where, UNIT_NONE);
}

void json_paths_check(struct verdicts *out, const char *check, const struct node *paths,
                      const json_t *root)
{
    for (size_t i = 0; i < paths->count; i++)
        check_path(out, check, paths->entries[i].key, paths->entries[i].value, root);
}

void json_fault(struct verdicts *out, const char *check, struct place at, const char *what,
                struct slice text, const char *fault)
{
    if (slice_trim(text).len == 0) {
        verdict_no_data(
            out, check, at, SLICE("JSON"),
            arena_printf(out->arena, "expected %s to be JSON, but it is empty (no data)", what));
        return;
    }
    verdict_failed(out, check, at, SLICE("JSON"), text_shown(out->arena, text, LIMIT_SHOWN_BYTES),
                   "expected %s to be JSON: %s", what, fault);
}

/* The document of the observation; NULL when there is none, with a verdict that says so. */
static const json_t *document(struct observation *o, struct verdicts *out, const char *check,
                              struct place at)
{
    const char *fault;
    const json_t *root = observation_json(o, &fault);
    bool body = o->seen & OBSERVED_BODY;
    if (!root)
        json_fault(out, check, at, body ? "the body" : "the output",
                   body ? o->body : o->standard_output, fault);
    return root;
}

const struct shape check_shape_json = {
    .kind = SHAPE_EITHER, .either = (const struct shape *const[]){&shape_json_paths, NULL}};

void check_run_json(struct observation *o, const struct node *expected, struct verdicts *out)
{
    const json_t *root = document(o, out, "json", expected->at);
    if (root)
        json_paths_check(out, "json", expected, root);
}

/* --- schema --- */

static void check_schema(const struct node *node, struct diagnostics *d)
{
    struct schema *schema;
    if (node->kind == NODE_MAP && node->count == 0)
        diagnose(d, node->at, "the schema {} accepts everything, so that it checks nothing");
    else if (!result_ok(schema_compile(d->arena, node_json(d->arena, node), NULL, &schema)))
        diagnose_error(d, node->at);
}

const struct shape check_shape_schema = {
    .name = "JSON Schema",
    .kind = SHAPE_MAP,
    .of = &shape_any,
    .check = check_schema,
};

void check_run_schema(struct observation *o, const struct node *expected, struct verdicts *out)
{
    const json_t *root = document(o, out, "schema", expected->at);
    if (!root)
        return;
    struct node_entry entry = {SLICE("schema"), expected->at, expected};
    struct node matcher = {.kind = NODE_MAP, .at = expected->at, .count = 1, .entries = &entry};
    match(out, "schema", &matcher, root, o->seen & OBSERVED_BODY ? "the body" : "the output",
          UNIT_NONE);
}
