/*
 * Checks of tables: rows of a query, spans of a trace, series of metrics. Each is an array of
 * objects; a pattern for one names the fields that matter, by name or, beginning with "$", by path.
 */
#include <math.h>

#include "check/diff.h"
#include "check/families.h"
#include "check/path.h"
#include "core/limits.h"
#include "core/text.h"

static void check_pattern_keys(const struct node *map, struct diagnostics *d)
{
    for (size_t i = 0; i < map->count; i++) {
        struct path *path;
        struct slice key = map->entries[i].key;
        if (slice_starts(key, SLICE("$")) && !slice_starts(key, SLICE("${")) &&
            !result_ok(path_parse(d->arena, key, &path)))
            diagnose_error(d, map->entries[i].key_at);
    }
}

static const struct shape pattern = {.name = "row pattern",
                                     .kind = SHAPE_MAP,
                                     .of = &shape_matcher,
                                     .min = 1,
                                     .check = check_pattern_keys,
                                     .help = "field, or JSONPath, → matcher"};
static const struct field table_table[] = {
    {"count", &shape_number_matcher, false, "How many there are.", "{\"ge\": 1}"},
    {"any", &pattern, false, "At least one has these fields.", "{\"status\": \"done\"}"},
    {"each", &pattern, false, "Every one has these fields, and there is at least one.",
     "{\"status\": {\"in\": [\"done\", \"failed\"]}}"},
    {"json", &shape_json_paths, false, "JSONPath into the array of all.",
     "{\"$[0].id\": {\"gt\": 0}}"},
    {NULL},
};
static const struct field *const table_fields[] = {table_table, NULL};
static const struct shape table_map = {
    .name = "table check", .kind = SHAPE_OBJECT, .fields = table_fields, .check = map_not_empty};
static const struct shape table_rows = {
    .kind = SHAPE_LIST, .of = &shape_any, .help = "all of them, in order"};
static const struct shape *const table_either[] = {&table_map, &table_rows, NULL};
const struct shape check_shape_rows = {.kind = SHAPE_EITHER, .either = table_either};
const struct shape check_shape_spans = {.kind = SHAPE_EITHER, .either = table_either};
const struct shape check_shape_series = {.kind = SHAPE_EITHER, .either = table_either};

/* The value a key of a pattern stands for in one row; NULL when the row has none. */
static const json_t *field_of(struct arena *arena, const json_t *row, struct slice key)
{
    struct path *path;
    struct path_nodes nodes = {0};
    if (!slice_starts(key, SLICE("$")))
        return json_object_getn(row, key.data, key.len);
    if (!result_ok(path_parse(arena, key, &path)) ||
        !result_ok(path_select(path, row, arena, &nodes)) || nodes.count == 0)
        return NULL;
    return nodes.items[0]->value;
}

/* The first field of the pattern that the row does not have; NULL when it fits. */
static const struct node_entry *misfit(struct arena *arena, const struct node *fields,
                                       const json_t *row)
{
    for (size_t i = 0; i < fields->count; i++) {
        const struct node_entry *entry = &fields->entries[i];
        if (!match_holds(arena, entry->value, field_of(arena, row, entry->key), UNIT_NONE))
            return entry;
    }
    return NULL;
}

static void check_any(struct verdicts *out, const char *check, const char *name,
                      const struct node *fields, const json_t *rows)
{
    struct arena *arena = out->arena;
    size_t count = json_array_size(rows), nearest = 0, most = 0;
    struct slice wanted = jsontext_write(arena, node_json(arena, fields));
    for (size_t i = 0; i < count; i++) {
        const struct node_entry *wrong = misfit(arena, fields, json_array_get(rows, i));
        if (!wrong) {
            verdict_add(out, check, fields->at, true);
            return;
        }
        /* How far it got: the row that fits the most fields is the one to show. */
        size_t fitting = (size_t)(wrong - fields->entries);
        if (fitting > most) {
            most = fitting;
            nearest = i;
        }
    }
    if (count == 0) {
        verdict_no_data(out, check, fields->at, wanted,
                        arena_printf(arena,
                                     "expected one of the %s to have %.*s, got none of them "
                                     "at all (no data)",
                                     name, SLICE_ARG(wanted)));
        return;
    }
    struct slice shown =
        text_shown(arena, jsontext_write(arena, json_array_get(rows, nearest)), 300);
    verdict_failed(
        out, check, fields->at, wanted, shown,
        "expected one of %zu %s to have %.*s, none does; the nearest is number %zu: %.*s", count,
        name, SLICE_ARG(wanted), nearest + 1, SLICE_ARG(shown));
}

static void check_each(struct verdicts *out, const char *check, const char *name,
                       const struct node *fields, const json_t *rows)
{
    struct arena *arena = out->arena;
    size_t count = json_array_size(rows);
    if (count == 0) {
        verdict_no_data(out, check, fields->at, SLICE(""),
                        arena_printf(arena,
                                     "expected each of the %s to fit, got none of them at "
                                     "all (no data)",
                                     name));
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(rows, i);
        const struct node_entry *wrong = misfit(arena, fields, row);
        if (!wrong)
            continue;
        match(out, check, wrong->value, field_of(arena, row, wrong->key),
              arena_printf(arena, "%s[%zu].%.*s", name, i, SLICE_ARG(wrong->key)), UNIT_NONE);
        return;
    }
    verdict_add(out, check, fields->at, true);
}

/* A list: these and no others. */
static void check_all(struct verdicts *out, const char *name, const struct node *expected,
                      const json_t *rows)
{
    struct node_entry entry = {SLICE("eq"), expected->at, expected};
    struct node matcher = {.kind = NODE_MAP, .at = expected->at, .count = 1, .entries = &entry};
    if (json_array_size(rows) == 0 && expected->count)
        verdict_no_data(
            out, name, expected->at, SLICE(""),
            arena_printf(out->arena, "expected %zu %s, got none (no data)", expected->count, name));
    else
        match(out, name, &matcher, rows, name, UNIT_NONE);
}

static void check_rows(struct verdicts *out, const char *name, const struct node *expected,
                       const json_t *rows)
{
    MUST(json_is_array(rows), "%s were seen and are no array", name);
    if (expected->kind == NODE_LIST) {
        check_all(out, name, expected, rows);
        return;
    }
    for (size_t i = 0; i < expected->count; i++) {
        struct slice key = expected->entries[i].key;
        const struct node *value = expected->entries[i].value;
        const char *check = arena_printf(out->arena, "%s %.*s", name, SLICE_ARG(key));
        if (slice_is(key, "count"))
            match_count(out, check, value, json_array_size(rows),
                        arena_printf(out->arena, "the number of %s", name), UNIT_NONE);
        else if (slice_is(key, "any"))
            check_any(out, check, name, value, rows);
        else if (slice_is(key, "each"))
            check_each(out, check, name, value, rows);
        else
            json_paths_check(out, check, value, rows);
    }
}

void check_run_rows(struct observation *o, const struct node *expected, struct verdicts *out)
{
    check_rows(out, "rows", expected, o->rows);
}

void check_run_spans(struct observation *o, const struct node *expected, struct verdicts *out)
{
    check_rows(out, "spans", expected, o->spans);
}

void check_run_series(struct observation *o, const struct node *expected, struct verdicts *out)
{
    check_rows(out, "series", expected, o->series);
}
