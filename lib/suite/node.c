/*
 * Nodes: reading values out of the tree and turning it to JSON and back. A suite of 2,000 cases has
 * about 50,000 nodes; maps have a handful of keys, so a linear search is the fast one.
 */
#include "suite/node.h"

#include "core/parse.h"

const struct node_entry *node_entry(const struct node *map, const char *key)
{
    if (!map || map->kind != NODE_MAP)
        return NULL;
    for (size_t i = 0; i < map->count; i++)
        if (slice_is(map->entries[i].key, key))
            return &map->entries[i];
    return NULL;
}

const struct node *node_get(const struct node *map, const char *key)
{
    const struct node_entry *entry = node_entry(map, key);
    return entry ? entry->value : NULL;
}

struct slice node_string(const struct node *node, struct slice absent)
{
    if (!node)
        return absent;
    MUST(node->kind == NODE_STRING, "line %u is a %s", node->at.line, node_kind_name(node->kind));
    return node->string;
}

int64_t node_integer(const struct node *node, int64_t absent)
{
    if (!node)
        return absent;
    MUST(node->kind == NODE_INTEGER, "line %u is a %s", node->at.line, node_kind_name(node->kind));
    return node->integer;
}

double node_number(const struct node *node, double absent)
{
    if (!node)
        return absent;
    if (node->kind == NODE_INTEGER)
        return (double)node->integer;
    MUST(node->kind == NODE_REAL, "line %u is a %s", node->at.line, node_kind_name(node->kind));
    return node->real;
}

bool node_boolean(const struct node *node, bool absent)
{
    if (!node)
        return absent;
    MUST(node->kind == NODE_BOOL, "line %u is a %s", node->at.line, node_kind_name(node->kind));
    return node->boolean;
}

int64_t node_duration(const struct node *node, int64_t absent)
{
    if (!node)
        return absent;
    int64_t nanoseconds;
    struct result r = parse_duration(node_string(node, SLICE("")), &nanoseconds);
    MUST(result_ok(r), "line %u: %s", node->at.line, error_last()->text);
    return nanoseconds;
}

const char *node_kind_name(enum node_kind kind)
{
    static const char *const names[] = {
        [NODE_NULL] = "null", [NODE_BOOL] = "boolean",  [NODE_INTEGER] = "integer",
        [NODE_REAL] = "real", [NODE_STRING] = "string", [NODE_LIST] = "list",
        [NODE_MAP] = "map",
    };
    return names[kind];
}

static json_t *map_json(const struct node *map);

static json_t *to_json(const struct node *node)
{
    switch (node->kind) {
    case NODE_BOOL:
        return json_boolean(node->boolean);
    case NODE_INTEGER:
        return json_integer(node->integer);
    case NODE_REAL:
        return json_real(node->real);
    case NODE_STRING:
        return json_stringn(node->string.len ? node->string.data : "", node->string.len);
    case NODE_LIST: {
        json_t *array = json_array();
        for (size_t i = 0; i < node->count; i++)
            json_array_append_new(array, to_json(node->items[i]));
        return array;
    }
    case NODE_MAP:
        return map_json(node);
    case NODE_NULL:
        break;
    }
    return json_null();
}

static json_t *map_json(const struct node *map)
{
    json_t *object = json_object();
    for (size_t i = 0; i < map->count; i++) {
        const struct node_entry *e = &map->entries[i];
        json_object_setn_new(object, e->key.len ? e->key.data : "", e->key.len, to_json(e->value));
    }
    return object;
}

json_t *node_json(struct arena *arena, const struct node *node)
{
    return jsontext_keep(arena, to_json(node));
}

static const struct node *list_from_json(struct arena *arena, const json_t *array, struct node node)
{
    node.kind = NODE_LIST;
    node.count = json_array_size(array);
    const struct node **items = ARENA_ARRAY(arena, const struct node *, node.count);
    for (size_t i = 0; i < node.count; i++)
        items[i] = node_from_json(arena, json_array_get(array, i), node.at);
    node.items = items;
    return node_new(arena, node);
}

static const struct node *map_from_json(struct arena *arena, const json_t *object, struct node node)
{
    /* jansson's iterator wants a mutable object although it only reads it. */
    json_t *o = (json_t *)(uintptr_t)object;
    node.kind = NODE_MAP;
    node.count = json_object_size(object);
    struct node_entry *entries = ARENA_ARRAY(arena, struct node_entry, node.count), *e = entries;
    for (void *it = json_object_iter(o); it; it = json_object_iter_next(o, it), e++) {
        struct slice key = slice_of(json_object_iter_key(it), json_object_iter_key_len(it));
        e->key = arena_copy(arena, key);
        e->key_at = node.at;
        e->value = node_from_json(arena, json_object_iter_value(it), node.at);
    }
    node.entries = entries;
    return node_new(arena, node);
}

const struct node *node_from_json(struct arena *arena, const json_t *value, struct place at)
{
    struct node node = {.kind = NODE_NULL, .at = at};
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return map_from_json(arena, value, node);
    case JSON_ARRAY:
        return list_from_json(arena, value, node);
    case JSON_STRING:
        node.kind = NODE_STRING;
        node.string = arena_copy(arena, jsontext_slice(value));
        break;
    case JSON_INTEGER:
        node.kind = NODE_INTEGER;
        node.integer = json_integer_value(value);
        break;
    case JSON_REAL:
        node.kind = NODE_REAL;
        node.real = json_real_value(value);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        node.kind = NODE_BOOL;
        node.boolean = json_is_true(value);
        break;
    case JSON_NULL:
        break;
    }
    return node_new(arena, node);
}

const struct node *node_new(struct arena *arena, struct node node)
{
    struct node *made = ARENA_NEW(arena, struct node);
    *made = node;
    return made;
}

static struct node_entry *find(struct node_entry *entries, size_t count, struct slice key)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq(entries[i].key, key))
            return &entries[i];
    return NULL;
}

const struct node *node_merge(struct arena *arena, const struct node *under,
                              const struct node *over)
{
    if (!under || !over)
        return over ? over : under;
    MUST(under->kind == NODE_MAP && over->kind == NODE_MAP, "merging a %s and a %s",
         node_kind_name(under->kind), node_kind_name(over->kind));
    struct node_entry *entries = ARENA_ARRAY(arena, struct node_entry, under->count + over->count);
    if (under->count)
        memcpy(entries, under->entries, under->count * sizeof(*entries));
    struct node merged = *over;
    merged.count = under->count;
    for (size_t i = 0; i < over->count; i++) {
        struct node_entry *same = find(entries, under->count, over->entries[i].key);
        *(same ? same : &entries[merged.count++]) = over->entries[i];
    }
    merged.entries = entries;
    merged.has_template = under->has_template || over->has_template;
    return node_new(arena, merged);
}

struct slice node_text(struct arena *arena, const struct node *node)
{
    return node->kind == NODE_STRING ? node->string : jsontext_write(arena, node_json(arena, node));
}
