/*
 * Models of a suite: its keys providers, judge, budget and cache, and those of the file
 * assay.providers.json in the same folder, for suites of the older form, which have no keys, and
 * for several suites that ask the same.
 */
#include "plan/compile_parts.h"

#include <stdlib.h>
#include <unistd.h>

#include "step/models.h"
#include "suite/load.h"

#define PROVIDERS_FILE "assay.providers.json"

static const struct field file_table[] = {
    {"providers", &models_shape_providers, .help = "Who provides models."},
    {"judge", &models_shape_judge, .help = "Who judges."},
    {"budget", &models_shape_budget, .help = "What models may cost in one run of a suite."},
    {"cache", &models_shape_cache, .help = "Keep answers and use them again."},
    {NULL},
};
static const struct shape shape_file = {.name = "file of providers",
                                        .kind = SHAPE_OBJECT,
                                        .fields = (const struct field *const[]){file_table, NULL}};

static const struct node *read_file(struct compilation *c, const struct plan_suite *suite)
{
    const char *path = arena_printf(c->arena, "%s/%s", suite->folder, PROVIDERS_FILE);
    if (access(path, F_OK) != 0)
        return NULL;
    const struct node *root = load_file(c->arena, path, suite->root->at, c->d);
    size_t faults = c->d->count;
    if (root)
        shape_check(&shape_file, root, c->d);
    return c->d->count > faults ? NULL : root;
}

static void add_secrets(struct compilation *c, const struct node *providers)
{
    for (size_t i = 0; providers && i < providers->count; i++) {
        const struct node *name = node_get(node_get(providers->entries[i].value, "key"), "env");
        const char *value = name ? getenv(arena_string(c->arena, name->string)) : NULL;
        if (value && *value)
            compile_secret(c, arena_copy(c->arena, slice_str(value)));
    }
}

void compile_step_key(struct compilation *c, const struct node *config)
{
    const struct node *key = node_get(config, "api_key");
    static const struct slice variable = {"os.environ/", 11};
    if (!key || key->kind != NODE_STRING || key->has_template)
        return;
    const char *value = slice_starts(key->string, variable)
                            ? getenv(arena_string(c->arena, slice_from(key->string, variable.len)))
                            : NULL;
    compile_secret(c, value ? arena_copy(c->arena, slice_str(value)) : key->string);
}

const struct node *compile_models(struct compilation *c, const struct plan_suite *suite)
{
    const struct node *file = read_file(c, suite);
    struct node_entry *entries = ARENA_ARRAY(c->arena, struct node_entry, 4);
    struct node all = {.kind = NODE_MAP, .at = suite->root->at, .entries = entries};
    for (size_t i = 0; file_table[i].name; i++) {
        const struct node_entry *own = node_entry(suite->root, file_table[i].name),
                                *shared = node_entry(file, file_table[i].name);
        if (!own && !shared)
            continue;
        entries[all.count] = own ? *own : *shared;
        if (own && shared && own->value->kind == NODE_MAP && shared->value->kind == NODE_MAP)
            entries[all.count].value = node_merge(c->arena, shared->value, own->value);
        all.has_template = all.has_template || entries[all.count].value->has_template;
        all.count++;
    }
    if (all.count == 0)
        return NULL;
    size_t faults = c->d->count;
    const struct node *filled = node_new(c->arena, all);
    names_check(suite->names, filled, c->d);
    if (c->d->count == faults)
        filled = names_fill(suite->names, c->arena, filled, c->d);
    if (c->d->count == faults && filled->has_template == false)
        shape_check(&shape_file, filled, c->d);
    if (c->d->count > faults)
        return NULL;
    add_secrets(c, node_get(filled, "providers"));
    return filled;
}
