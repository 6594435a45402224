/*
 * Compiling a suite: shape, variables, services, resources, then every case.
 */
#include "plan/compile_parts.h"

const struct plan_service *compile_service_find(const struct compilation *c,
                                                const struct plan_suite *suite, struct slice name)
{
    for (size_t i = 0; i < c->plan->service_count; i++)
        if (c->plan->services[i]->suite == suite && slice_eq(c->plan->services[i]->name, name))
            return c->plan->services[i];
    return NULL;
}

const struct plan_resource *compile_resource_find(const struct compilation *c, struct slice name)
{
    for (size_t i = 0; i < c->plan->resource_count; i++)
        if (slice_eq(c->plan->resources[i]->name, name))
            return c->plan->resources[i];
    return NULL;
}

static void add_resources(struct compilation *c, const struct node *resources)
{
    for (size_t i = 0; resources && i < resources->count; i++) {
        const struct node_entry *entry = &resources->entries[i];
        int64_t capacity = node_integer(entry->value, 1);
        const struct plan_resource *known = compile_resource_find(c, entry->key);
        if (known && known->capacity != capacity) {
            diagnose(c->d, entry->value->at, "there are %lld of \"%.*s\" here and %lld in %s:%u",
                     (long long)capacity, SLICE_ARG(entry->key), (long long)known->capacity,
                     known->at.source ? known->at.source->name : "?", known->at.line)
                ->hint =
                "a resource is shared by all suites of a run: give it the same number in each";
        }
        if (known)
            continue;
        struct plan_resource *resource = ARENA_NEW(c->arena, struct plan_resource);
        *resource =
            (struct plan_resource){entry->key, capacity, entry->key_at, c->plan->resource_count};
        ARENA_GROW(c->arena, c->plan->resources, c->plan->resource_count);
        c->plan->resources[c->plan->resource_count++] = resource;
    }
}

/* The service as it is when `running` says where it runs already: a url and nothing to be started.
 */
static const struct node *running_elsewhere(struct arena *arena, const struct node *service)
{
    const struct node *running = node_get(service, "running");
    if (node_string(running, SLICE("")).len == 0)
        return service;
    struct node_entry *entry = ARENA_NEW(arena, struct node_entry);
    *entry = (struct node_entry){SLICE("url"), running->at, running};
    struct node elsewhere = *service;
    elsewhere.entries = entry;
    elsewhere.count = 1;
    return node_new(arena, elsewhere);
}

static void add_services(struct compilation *c, const struct plan_suite *suite,
                         const struct node *services, struct names *names)
{
    struct names *inside = names_new(c->arena, names);
    names_add(inside, SLICE("port"), NULL);
    for (size_t i = 0; services && i < services->count; i++) {
        const struct node_entry *entry = &services->entries[i];
        struct plan_service *service = ARENA_NEW(c->arena, struct plan_service);
        size_t faults = c->d->count;
        names_check(inside, entry->value, c->d);
        if (c->d->count == faults)
            service->node = names_fill(inside, c->arena, entry->value, c->d);
        if (c->d->count > faults)
            service->node = entry->value;
        service->node = running_elsewhere(c->arena, service->node);
        service->name = entry->key;
        service->suite = suite;
        service->per_case =
            slice_is(node_string(node_get(service->node, "scope"), SLICE("suite")), "case");
        service->ours = node_get(service->node, "command") != NULL;
        service->index = c->plan->service_count;
        ARENA_GROW(c->arena, c->plan->services, c->plan->service_count);
        c->plan->services[c->plan->service_count++] = service;
        static const char *const parts[] = {"url", "port", "pid"};
        for (size_t p = 0; p < sizeof(parts) / sizeof(parts[0]); p++)
            names_add(names,
                      slice_str(arena_printf(c->arena, "%.*s.%s", SLICE_ARG(entry->key), parts[p])),
                      NULL);
    }
}

static const char *folder_of(struct arena *arena, const char *file)
{
    const char *slash = strrchr(file, '/');
    if (!slash)
        return ".";
    return slash == file ? "/" : arena_string(arena, slice_of(file, (size_t)(slash - file)));
}

static struct slice stem_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    struct slice name = slice_str(slash ? slash + 1 : file);
    for (size_t i = name.len; i > 1; i--)
        if (name.data[i - 1] == '.')
            return slice_part(name, 0, i - 1);
    return name;
}

/* A case with what holds for every case, where it does not say otherwise; its tags are added to
 * those of every case. */
static const struct node *with_defaults(struct arena *arena, const struct node *defaults,
                                        const struct node *node)
{
    const struct node *shared = node_get(defaults, "tags"), *own = node_get(node, "tags");
    const struct node *merged = node_merge(arena, defaults, node);
    if (!shared || !own)
        return merged;
    const struct node **items = ARENA_ARRAY(arena, const struct node *, shared->count + own->count);
    struct node tags = *own;
    tags.items = items;
    tags.count = shared->count + own->count;
    tags.has_template = shared->has_template || own->has_template;
    for (size_t i = 0; i < tags.count; i++)
        items[i] = i < shared->count ? shared->items[i] : own->items[i - shared->count];
    struct node_entry *entry = ARENA_NEW(arena, struct node_entry);
    *entry = (struct node_entry){SLICE("tags"), own->at, node_new(arena, tags)};
    struct node over = *node;
    over.entries = entry;
    over.count = 1;
    return node_merge(arena, merged, node_new(arena, over));
}

void compile_suite(struct compilation *c, const char *file, const struct node *root)
{
    size_t faults = c->d->count;
    shape_check(c->keys.suite, root, c->d);
    if (c->d->count > faults)
        return;

    struct plan_suite *suite = ARENA_NEW(c->arena, struct plan_suite);
    struct names *names = names_new(c->arena, NULL);
    suite->file = file;
    suite->folder = folder_of(c->arena, file);
    suite->name = arena_copy(c->arena, node_string(node_get(root, "name"), stem_of(file)));
    suite->root = root;
    suite->names = names;
    for (size_t i = 0; i < c->plan->suite_count; i++) {
        if (!slice_eq(c->plan->suites[i]->name, suite->name))
            continue;
        diagnose(c->d, node_get(root, "name") ? node_get(root, "name")->at : root->at,
                 "the suite \"%.*s\" has the name of the one in %s", SLICE_ARG(suite->name),
                 c->plan->suites[i]->file)
            ->hint = "results are kept by suite and id: give each suite a name of its own";
        return;
    }
    suite->index = c->plan->suite_count;
    ARENA_GROW(c->arena, c->plan->suites, c->plan->suite_count);
    c->plan->suites[c->plan->suite_count++] = suite;
    compile_vars(c, node_get(root, "vars"), names);
    add_services(c, suite, node_get(root, "services"), names);
    add_resources(c, node_get(root, "resources"));
    suite->models = compile_models(c, suite);

    const struct node *cases = node_get(root, "cases"), *defaults = node_get(root, "defaults");
    for (size_t i = 0; i < cases->count; i++)
        compile_case(c, suite, with_defaults(c->arena, defaults, cases->items[i]));
}
