/*
 * Rewriting a scenario. Its keys fall in three: those of a load and those of a case, which every
 * one of `loads` inherits, and those of a suite, which stay at the top.
 */
#include "plan/scenario.h"

#include "step/load_keys.h"

/* Of a load as of a case. */
static const char *const case_keys[] = {"service", "expect", NULL};

static bool is_load_key(struct slice key)
{
    for (const struct field *f = load_fields; f->name; f++)
        if (slice_is(key, f->name))
            return true;
    return false;
}

static bool is_suite_key(struct slice key)
{
    for (size_t i = 0; case_keys[i]; i++)
        if (slice_is(key, case_keys[i]))
            return false;
    return !is_load_key(key) && !slice_is(key, "loads");
}

bool scenario_is(const struct node *root)
{
    return root->kind == NODE_MAP && !node_get(root, "cases") &&
           (node_get(root, "url") || node_get(root, "loads") || node_get(root, "suite"));
}

static const struct node *map_of(struct arena *arena, const struct node_entry *entries,
                                 size_t count, struct place at)
{
    struct node map = {.kind = NODE_MAP, .at = at, .count = count};
    map.entries = entries;
    for (size_t i = 0; i < count; i++)
        map.has_template = map.has_template || entries[i].value->has_template;
    return node_new(arena, map);
}

static const struct node *text_at(struct arena *arena, const char *text, struct place at)
{
    struct node node = {.kind = NODE_STRING, .at = at};
    node.string = slice_str(text);
    return node_new(arena, node);
}

/* The entries of `map` whose keys are wanted; there is room for one more. */
static const struct node *part(struct arena *arena, const struct node *map,
                               bool (*wanted)(struct slice key))
{
    struct node_entry *entries = ARENA_ARRAY(arena, struct node_entry, map->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < map->count; i++)
        if (wanted(map->entries[i].key))
            entries[count++] = map->entries[i];
    return map_of(arena, entries, count, map->at);
}

/* A load as a case. `load` may be the root itself. */
static const struct node *case_of(struct arena *arena, const struct node *root,
                                  const struct node *load, size_t number)
{
    const struct node *shared = part(arena, root, is_load_key);
    const struct node *own = load == root ? shared : part(arena, load, is_load_key);
    const struct node *id = load == root ? NULL : node_get(load, "name");
    struct node_entry *entries = ARENA_ARRAY(arena, struct node_entry, 4);
    size_t count = 0;
    if (!id)
        id = text_at(arena, load == root ? "load" : arena_printf(arena, "load %zu", number),
                     load->at);
    entries[count++] = (struct node_entry){SLICE("id"), id->at, id};
    entries[count++] =
        (struct node_entry){SLICE("load"), load->at, load_keys_merge(arena, shared, own)};
    for (size_t i = 0; case_keys[i]; i++) {
        const struct node_entry *entry = node_entry(load, case_keys[i]);
        if (!entry)
            entry = node_entry(root, case_keys[i]);
        if (entry)
            entries[count++] = *entry;
    }
    return map_of(arena, entries, count, load->at);
}

static const struct node *cases_of(struct arena *arena, const struct node *root)
{
    const struct node *loads = node_get(root, "loads");
    struct node list = {.kind = NODE_LIST, .at = root->at, .count = loads ? loads->count : 1};
    const struct node **items = ARENA_ARRAY(arena, const struct node *, list.count);
    for (size_t i = 0; i < list.count; i++) {
        items[i] = case_of(arena, root, loads ? loads->items[i] : root, i + 1);
        list.has_template = list.has_template || items[i]->has_template;
    }
    list.items = items;
    return node_new(arena, list);
}

const struct node *scenario_suite(struct arena *arena, const struct shape *shape,
                                  const struct node *root, struct diagnostics *d)
{
    size_t faults = d->count;
    shape_check(shape, root, d);
    if (d->count > faults)
        return NULL;
    const struct node *top = part(arena, root, is_suite_key), *cases = cases_of(arena, root);
    struct node_entry *entry = ARENA_NEW(arena, struct node_entry);
    *entry = (struct node_entry){SLICE("cases"), root->at, cases};
    return node_merge(arena, top, map_of(arena, entry, 1, root->at));
}
