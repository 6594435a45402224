/*
 * The invariants of reading that the fuzz targets share.
 */
#include "round_trip.h"

#include <stdio.h>

#include "suite/reader.h"
#include "suite/template.h"

/*
 * libfyaml 0.7.12 loses a 4 KiB buffer when it gives up inside a long quoted string. A suite that
 * cannot be read ends the command, so that is all it ever costs.
 */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml.so";
}

static void check_place(struct place at)
{
    MUST(at.source, "a node nowhere");
    if (at.line == 0)
        return; /* the file as a whole */
    uint32_t lines = 1;
    for (size_t i = 0; i < at.source->text.len; i++)
        lines += at.source->text.data[i] == '\n';
    MUST(at.line <= lines, "line %u of %u", at.line, lines);
    struct slice line = source_line(at.source, at.line);
    MUST(at.column >= 1 && at.column <= line.len + 2, "column %u of %zu", at.column, line.len);
}

static void check_places(const struct node *node)
{
    check_place(node->at);
    if (node->kind == NODE_LIST)
        for (size_t i = 0; i < node->count; i++)
            check_places(node->items[i]);
    if (node->kind == NODE_MAP)
        for (size_t i = 0; i < node->count; i++) {
            check_place(node->entries[i].key_at);
            check_places(node->entries[i].value);
        }
}

/* Aliases share nodes: a small text may stand for a large tree. */
static size_t weigh(const struct node *node, size_t most)
{
    size_t weight = 1;
    for (size_t i = 0; node->kind >= NODE_LIST && i < node->count && weight < most; i++)
        weight +=
            weigh(node->kind == NODE_LIST ? node->items[i] : node->entries[i].value, most - weight);
    return weight;
}

static struct result keep_all(void *context, const struct template_name *name, json_t **value)
{
    (void)context;
    MUST(name->name.len > 0, "a template without a name");
    *value = NULL;
    return RESULT_OK;
}

static void ignore(void *context, const struct template_name *name)
{
    (void)context;
    check_place(name->at);
}

/* Filling nothing changes nothing. */
static void check_templates(struct arena *arena, const struct node *node)
{
    struct diagnostics d = diagnostics_in(arena);
    struct template_scope scope = {.lookup = keep_all};
    const struct node *filled, *again;
    template_each(node, &d, ignore, NULL);
    struct result r = template_fill(arena, node, &scope, &filled);
    MUST(result_ok(r) || d.count > 0 || r.code == ERR_SUITE, "fill: %s", error_last()->text);
    if (!result_ok(r))
        return;
    r = template_fill(arena, filled, &scope, &again);
    MUST(result_ok(r), "filling again: %s", error_last()->text);
    MUST(jsontext_equal(node_json(arena, filled), node_json(arena, again)), "a fill is not stable");
}

void round_trip(const char *name, struct slice text)
{
    struct arena *arena = arena_new();
    struct diagnostics d = diagnostics_in(arena);
    const struct node *node, *again;
    reader_text(arena, name, text, &d, &node);
    MUST(!node == (d.count > 0), "%zu faults", d.count);
    for (const struct diagnostic *fault = d.first; fault; fault = fault->next)
        check_place(fault->at);

    char *printed = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&printed, &size);
    diagnostics_print(&d, to, true);
    fclose(to);
    free(printed);

    if (node && weigh(node, 100000) < 100000) {
        check_places(node);
        check_templates(arena, node);
    }
    /* A suite is a map; anything else may be taken for a preamble of the older form. */
    if (node && node->kind == NODE_MAP && weigh(node, 100000) < 100000) {
        json_t *json = node_json(arena, node);
        struct slice written = jsontext_write(arena, json);
        reader_text(arena, "again.json", written, &d, &again);
        if (!again)
            diagnostics_print(&d, stderr, false);
        MUST(again, "what was written cannot be read: %.*s", SLICE_ARG(written));
        MUST(jsontext_equal(json, node_json(arena, again)), "it came back different: %.*s",
             SLICE_ARG(written));
    }
    arena_free(arena);
}
