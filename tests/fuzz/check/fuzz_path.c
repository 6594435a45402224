/*
 * JSONPath with any query and document (the query up to the first newline, then the document).
 * Nothing may crash, and every node's normalized path must be a singular query that selects this
 * very node and is normalized the same.
 */
#include "check/path.h"
#include "core/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_normalized(struct arena *arena, const json_t *document,
                             const struct path_node *node)
{
    struct slice normalized = path_normalized(arena, node);
    struct path *path = NULL;
    struct path_nodes nodes;
    MUST(result_ok(path_parse(arena, normalized, &path)), "%.*s: %s", SLICE_ARG(normalized),
         error_last()->text);
    MUST(path_singular(path), "%.*s is not singular", SLICE_ARG(normalized));
    MUST(result_ok(path_select(path, document, arena, &nodes)), "%s", error_last()->text);
    MUST(nodes.count == 1 && nodes.items[0]->value == node->value, "%.*s selects %zu nodes",
         SLICE_ARG(normalized), nodes.count);
    MUST(slice_eq(path_normalized(arena, nodes.items[0]), normalized), "%.*s is not normalized",
         SLICE_ARG(normalized));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct slice rest = slice_of((const char *)data, size), query;
    json_t *document = NULL;
    struct path *path = NULL;
    struct path_nodes nodes;
    if (!slice_split(&rest, '\n', &query))
        return 0;
    if (!result_ok(path_parse(arena, query, &path)) ||
        !result_ok(jsontext_read_in(arena, rest, &document)) ||
        !result_ok(path_select(path, document, arena, &nodes)))
        return 0;
    for (size_t i = 0; i < nodes.count && i < 100; i++)
        check_normalized(arena, document, nodes.items[i]);
    return 0;
}
