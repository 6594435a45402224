/*
 * What several families of checks share.
 */
#include "check/families.h"

const struct node *map_without(struct arena *arena, const struct node *map, const char *key)
{
    if (map->kind != NODE_MAP || map->count < 2)
        return NULL;
    struct node_entry *entries = ARENA_ARRAY(arena, struct node_entry, map->count);
    struct node rest = *map;
    rest.count = 0;
    for (size_t i = 0; i < map->count; i++)
        if (!slice_is(map->entries[i].key, key))
            entries[rest.count++] = map->entries[i];
    rest.entries = entries;
    return node_new(arena, rest);
}

static void check_true(const struct node *node, struct diagnostics *d)
{
    if (!node->boolean)
        diagnose(d, node->at, "false would check nothing")->hint = "write true or leave it out";
}

const struct shape shape_only_true = {.kind = SHAPE_BOOL, .check = check_true};

void map_not_empty(const struct node *map, struct diagnostics *d)
{
    if (map->count == 0)
        diagnose(d, map->at, "a map without a key checks nothing");
}
