/*
 * Reading a suite with the files it includes. An included file lies under the one that includes it:
 * its vars, services, resources and defaults can be overridden, its cases come first.
 */
#include "suite/reader.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/text.h"
#include "suite/load.h"

/* A file that was read; `parent` is the one that includes it. */
struct file {
    const char *path; /* as it is shown */
    const char *real; /* without links: what makes it the same file */
    struct place at;  /* of its include */
    const struct file *parent;
    const struct file *next; /* of all that were read */
    unsigned depth;
};

struct reading {
    struct arena *arena;
    struct diagnostics *d;
    const struct file *files;
};

static const struct node *read_file(struct reading *r, struct file file);

/* -- Merging --------------------------------------------------------------------------------- */

static const struct node *join_lists(struct arena *arena, const struct node *first,
                                     const struct node *second)
{
    const struct node **items =
        ARENA_ARRAY(arena, const struct node *, first->count + second->count);
    struct node joined = *second;
    joined.items = items;
    for (size_t i = 0; i < first->count; i++)
        items[i] = first->items[i];
    for (size_t i = 0; i < second->count; i++)
        items[first->count + i] = second->items[i];
    joined.count = first->count + second->count;
    joined.has_template = first->has_template || second->has_template;
    return node_new(arena, joined);
}

/* The kind in which a key of the suite is merged; anything else is replaced. */
static bool merged_kind(struct slice key, enum node_kind *kind)
{
    static const char *const maps[] = {"vars", "services", "resources", "defaults"};
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
        if (slice_is(key, maps[i])) {
            *kind = NODE_MAP;
            return true;
        }
    }
    *kind = NODE_LIST;
    return slice_is(key, "cases");
}

static const struct node *merge_value(struct reading *r, struct slice key, const struct node *under,
                                      const struct node *over)
{
    enum node_kind kind;
    if (!merged_kind(key, &kind))
        return over;
    const struct node *wrong = under->kind != kind ? under : over->kind != kind ? over : NULL;
    if (wrong) {
        diagnose(r->d, wrong->at, "\"%.*s\": expected a %s, got a %s", SLICE_ARG(key),
                 node_kind_name(kind), node_kind_name(wrong->kind));
        return over;
    }
    return kind == NODE_MAP ? node_merge(r->arena, under, over) : join_lists(r->arena, under, over);
}

/* `over` on top of `under`, which may be NULL. */
static const struct node *merge_suites(struct reading *r, const struct node *under,
                                       const struct node *over)
{
    if (!under)
        return over;
    struct node merged = *node_merge(r->arena, under, over);
    struct node_entry *entries = ARENA_ARRAY(r->arena, struct node_entry, merged.count);
    for (size_t i = 0; i < merged.count; i++) {
        entries[i] = merged.entries[i];
        const char *key = arena_string(r->arena, entries[i].key);
        const struct node *a = node_get(under, key), *b = node_get(over, key);
        if (a && b)
            entries[i].value = merge_value(r, entries[i].key, a, b);
    }
    merged.entries = entries;
    return node_new(r->arena, merged);
}

static const struct node *without_include(struct arena *arena, const struct node *suite)
{
    struct node rest = *suite;
    struct node_entry *entries = ARENA_ARRAY(arena, struct node_entry, suite->count);
    rest.count = 0;
    for (size_t i = 0; i < suite->count; i++)
        if (!slice_is(suite->entries[i].key, "include"))
            entries[rest.count++] = suite->entries[i];
    rest.entries = entries;
    return node_new(arena, rest);
}

/* -- Including ------------------------------------------------------------------------------- */

/* "a.json → b.json → a.json", the oldest first. */
static void add_chain(struct text *t, const struct file *file)
{
    if (file->parent)
        add_chain(t, file->parent);
    text_printf(t, "%s → ", file->path);
}

/* Was this file read before? Each only once: otherwise its cases would be there twice. */
static bool check_new(struct reading *r, const struct file *file)
{
    for (const struct file *up = file->parent; up; up = up->parent) {
        if (strcmp(up->real, file->real) == 0) {
            struct text chain = text_in(r->arena);
            add_chain(&chain, file->parent);
            diagnose(r->d, file->at, "these files include each other in a circle: %s%s",
                     text_str(&chain), up->path);
            return false;
        }
    }
    for (const struct file *old = r->files; old; old = old->next) {
        if (strcmp(old->real, file->real) == 0) {
            diagnose(r->d, file->at, "%s is included twice", file->path)->hint =
                arena_printf(r->arena, "it is included already at %s:%u:%u", old->at.source->name,
                             old->at.line, old->at.column);
            return false;
        }
    }
    return true;
}

static const char *path_beside(struct arena *arena, const char *path, struct slice name)
{
    const char *slash = strrchr(path, '/');
    if (!slash || slice_starts(name, SLICE("/")))
        return arena_string(arena, name);
    return arena_printf(arena, "%.*s/%.*s", (int)(slash - path), path, SLICE_ARG(name));
}

static const struct node *include_one(struct reading *r, const struct file *parent,
                                      const struct node *name)
{
    if (name->kind != NODE_STRING || name->string.len == 0 || name->has_template) {
        diagnose(r->d, name->at, "\"include\": expected the path of a file or a list of paths")
            ->hint = name->has_template ? "files are included before any ${…} has a value" : NULL;
        return NULL;
    }
    const char *path = path_beside(r->arena, parent->path, name->string);
    return read_file(
        r,
        (struct file){.path = path, .at = name->at, .parent = parent, .depth = parent->depth + 1});
}

static const struct node *include_all(struct reading *r, const struct file *file,
                                      const struct node *suite)
{
    const struct node *include = node_get(suite, "include"), *under = NULL;
    bool list = include->kind == NODE_LIST;
    for (size_t i = 0; i < (list ? include->count : 1); i++) {
        const struct node *included = include_one(r, file, list ? include->items[i] : include);
        if (included)
            under = merge_suites(r, under, included);
    }
    return merge_suites(r, under, without_include(r->arena, suite));
}

static const struct node *read_file(struct reading *r, struct file file)
{
    if (file.depth > LIMIT_INCLUDE_DEPTH) {
        diagnose(r->d, file.at, "files include files more than %d deep", LIMIT_INCLUDE_DEPTH);
        return NULL;
    }
    char *real = realpath(file.path, NULL);
    file.real = arena_string(r->arena, slice_str(real ? real : file.path));
    free(real);
    if (!check_new(r, &file))
        return NULL;
    struct file *kept = ARENA_NEW(r->arena, struct file);
    *kept = file;
    kept->next = r->files;
    r->files = kept;

    const struct node *suite = load_file(r->arena, file.path, file.at, r->d);
    if (!suite)
        return NULL;
    if (file.parent && suite->kind != NODE_MAP) {
        diagnose(r->d, suite->at, "expected a map in an included file, got a %s",
                 node_kind_name(suite->kind));
        return NULL;
    }
    return node_get(suite, "include") ? include_all(r, kept, suite) : suite;
}

void reader_file(struct arena *arena, const char *path, struct diagnostics *d,
                 const struct node **out)
{
    size_t before = d->count;
    struct reading reading = {.arena = arena, .d = d};
    const struct node *suite = read_file(&reading, (struct file){.path = path});
    *out = d->count == before ? suite : NULL;
}

void reader_text(struct arena *arena, const char *name, struct slice text, struct diagnostics *d,
                 const struct node **out)
{
    size_t before = d->count;
    const struct node *suite = load_text(arena, name, text, d);
    const struct node_entry *include = node_entry(suite, "include");
    if (include)
        diagnose(d, include->key_at, "only a file can include files");
    *out = d->count == before ? suite : NULL;
}
