/*
 * Making a plan: find the files, read and compile each, link the cases, choose, order.
 */
#include "plan/plan.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/limits.h"
#include "core/log.h"
#include "plan/compile.h"
#include "plan/filter.h"
#include "plan/graph.h"
#include "plan/scenario.h"
#include "suite/reader.h"

struct file_list {
    struct arena *arena;
    const char **paths;
    size_t count, room;
};

static void add_file(struct file_list *files, const char *path)
{
    if (files->count == files->room) {
        files->room = files->room ? files->room * 2 : 16;
        const char **more = ARENA_ARRAY(files->arena, const char *, files->room);
        if (files->count)
            memcpy(more, files->paths, files->count * sizeof(*more));
        files->paths = more;
    }
    files->paths[files->count++] = path;
}

static bool suite_name(const char *name)
{
    static const char *const endings[] = {".json", ".jsonc", ".yaml", ".yml", NULL};
    for (size_t i = 0; endings[i]; i++)
        if (slice_ends(slice_str(name), slice_str(endings[i])))
            return true;
    return false;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void close_folder(DIR **folder)
{
    if (*folder)
        closedir(*folder);
}

/* Suites of a folder and of the folders in it, in the order of their names; hidden ones not. */
static struct result list_folder(struct file_list *files, const char *path, unsigned depth)
{
    DEFER(close_folder)
    DIR *folder = opendir(path);
    ENSURE(folder, ERR_IO, "cannot open the folder %s: %s", path, strerror(errno));
    ENSURE(depth < LIMIT_INCLUDE_DEPTH, ERR_USAGE, "%s: folders are nested too deeply", path);
    struct file_list inside = {.arena = files->arena};
    for (struct dirent *entry; (entry = readdir(folder));)
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, "node_modules") != 0)
            add_file(&inside, arena_printf(files->arena, "%s/%s", path, entry->d_name));
    if (inside.count)
        qsort(inside.paths, inside.count, sizeof(*inside.paths), by_text);
    for (size_t i = 0; i < inside.count; i++) {
        struct stat status;
        if (stat(inside.paths[i], &status) != 0)
            continue; /* gone meanwhile, or a dangling link */
        if (S_ISDIR(status.st_mode))
            TRY(list_folder(files, inside.paths[i], depth + 1));
        else if (S_ISREG(status.st_mode) && suite_name(inside.paths[i]))
            add_file(files, inside.paths[i]);
    }
    return RESULT_OK;
}

/* A list of maps under a name that is nearly "cases": left out in silence, its cases would look as
 * if they had passed. */
static bool misspelt_cases(const struct node *root)
{
    static const char *const candidates[] = {"cases", NULL};
    for (size_t i = 0; root->kind == NODE_MAP && i < root->count; i++) {
        const struct node *value = root->entries[i].value;
        bool maps = value->kind == NODE_LIST && value->count && value->items[0]->kind == NODE_MAP;
        if (maps && slice_nearest(root->entries[i].key, candidates))
            return true;
    }
    return false;
}

static struct result compile_path(struct compilation *c, const char *path)
{
    struct stat status;
    const struct node *root;
    ENSURE(stat(path, &status) == 0, ERR_USAGE, "%s: %s", path, strerror(errno));
    if (!S_ISDIR(status.st_mode)) {
        reader_file(c->arena, path, c->d, &root);
        if (root && scenario_is(root))
            root = scenario_suite(c->arena, c->keys.scenario, root, c->d);
        if (root)
            compile_suite(c, path, root);
        return RESULT_OK;
    }
    struct slice trimmed = slice_str(path);
    while (trimmed.len > 1 && slice_ends(trimmed, SLICE("/")))
        trimmed.len--;
    struct file_list files = {.arena = c->arena};
    TRY(list_folder(&files, arena_string(c->arena, trimmed), 0));
    size_t suites = 0;
    for (size_t i = 0; i < files.count; i++) {
        reader_file(c->arena, files.paths[i], c->d, &root);
        /* Other JSON and YAML lives in folders too: schemas, data, files to be included. */
        if (root && !node_get(root, "cases") && !misspelt_cases(root)) {
            log_info("plan", "%s has no \"cases\": not a suite", files.paths[i]);
            continue;
        }
        suites++;
        if (root)
            compile_suite(c, files.paths[i], root);
    }
    ENSURE(suites > 0, ERR_USAGE,
           "%s holds no suite (a .json, .jsonc, .yaml or .yml file with \"cases\")", path);
    return RESULT_OK;
}

static struct result check_sets(const struct compilation *c)
{
    for (size_t i = 0; i < c->options->set_count; i++) {
        const char *set = c->options->sets[i];
        ENSURE(strchr(set, '=') && set[0] != '=', ERR_USAGE, "--set %s: expected NAME=VALUE", set);
        if (c->set_used[i])
            continue;
        const char **names = ARENA_ARRAY(c->arena, const char *, 1);
        size_t count = 0, room = 1;
        for (size_t s = 0; s < c->plan->suite_count; s++) {
            const struct node *vars = node_get(c->plan->suites[s]->root, "vars");
            const char **more =
                ARENA_ARRAY(c->arena, const char *, room + (vars ? vars->count : 0));
            if (count)
                memcpy(more, names, count * sizeof(*more));
            for (size_t v = 0; vars && v < vars->count; v++)
                more[count++] = arena_string(c->arena, vars->entries[v].key);
            names = more;
            room = count + 1;
        }
        size_t length = (size_t)(strchr(set, '=') - set);
        const char *near = slice_nearest(slice_of(set, length), names);
        return error_set(ERR_USAGE, "--set %s: no suite has a variable \"%.*s\"%s%s%s", set,
                         (int)length, set, near ? "; did you mean \"" : "", near ? near : "",
                         near ? "\"?" : "");
    }
    return RESULT_OK;
}

/* ── choosing ── */

struct chooser {
    const struct plan_options *options;
    struct plan_earlier earlier; /* options->earlier with its keys sorted */
    struct filter *filter;       /* NULL: everything */
    bool *case_used;             /* one per options->cases */
};

static bool named(struct chooser *chooser, const struct plan_case *pc)
{
    bool found = chooser->options->case_count == 0;
    for (size_t i = 0; i < chooser->options->case_count; i++) {
        struct slice name = slice_str(chooser->options->cases[i]);
        if (slice_eq(name, pc->id) || slice_eq(name, pc->key) || slice_eq(name, pc->base_id)) {
            chooser->case_used[i] = true;
            found = true;
        }
    }
    return found;
}

static bool tagged(const struct plan_options *options, const struct plan_case *pc)
{
    for (size_t t = 0; t < options->tag_count; t++)
        for (size_t i = 0; i < pc->tag_count; i++)
            if (slice_is(pc->tags[i], options->tags[t]))
                return true;
    return options->tag_count == 0;
}

static int by_slice(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static bool among(const struct plan_case *pc, const struct slice *sorted, size_t count)
{
    return count && bsearch(&pc->key, sorted, count, sizeof(*sorted), by_slice);
}

static const struct slice *sorted_keys(struct arena *arena, const struct slice *keys, size_t count)
{
    struct slice *sorted = ARENA_ARRAY(arena, struct slice, count + 1);
    if (count)
        memcpy(sorted, keys, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), by_slice);
    return sorted;
}

static bool chosen(struct chooser *chooser, const struct plan_case *pc)
{
    const struct plan_options *o = chooser->options;
    const struct plan_earlier *earlier = &chooser->earlier;
    bool in_keys = !o->earlier || among(pc, earlier->keys, earlier->key_count);
    /* By the key's own hash: a case stays in its shard whatever is added beside it. */
    bool in_shard = o->shards == 0 || slice_hash(pc->key) % o->shards == o->shard - 1;
    return named(chooser, pc) && tagged(o, pc) && in_keys && in_shard &&
           (!chooser->filter || filter_matches(chooser->filter, pc));
}

static void choose_needs(struct plan_case *pc)
{
    for (size_t i = 0; i < pc->need_count; i++) {
        if (pc->needs[i]->selected)
            continue;
        pc->needs[i]->selected = pc->needs[i]->needed_only = true;
        choose_needs(pc->needs[i]);
    }
}

/* Those that did not pass because a chosen one did not. */
static void choose_dependents(const struct compilation *c, const struct plan_earlier *earlier)
{
    bool more = true;
    while (more) {
        more = false;
        for (size_t i = 0; i < c->count; i++) {
            struct plan_case *pc = c->all[i];
            if (pc->selected || !among(pc, earlier->not_passed, earlier->not_passed_count))
                continue;
            for (size_t n = 0; n < pc->need_count; n++)
                pc->selected = pc->selected || pc->needs[n]->selected;
            more = more || pc->selected;
        }
    }
}

/* Going on from an earlier run, needs that are not chosen have their result already. */
static void settle_needs(struct compilation *c, struct plan_case *pc,
                         const struct plan_earlier *earlier)
{
    size_t kept = 0;
    for (size_t i = 0; i < pc->need_count; i++) {
        const struct plan_case *need = pc->needs[i];
        if (need->selected)
            pc->needs[kept++] = pc->needs[i];
        else if (!pc->skip && among(need, earlier->not_passed, earlier->not_passed_count))
            pc->skip = arena_printf(c->arena, "it needs \"%.*s\", which did not pass earlier",
                                    SLICE_ARG(need->id));
    }
    pc->need_count = kept;
}

static struct result report_unused_names(const struct compilation *c, const struct chooser *chooser)
{
    for (size_t i = 0; i < c->options->case_count; i++) {
        if (chooser->case_used[i])
            continue;
        const char **ids = ARENA_ARRAY(c->arena, const char *, c->count + 1);
        for (size_t k = 0; k < c->count; k++)
            ids[k] = c->all[k]->id.data;
        const char *near = slice_nearest(slice_str(c->options->cases[i]), ids);
        return error_set(ERR_USAGE, "--case: there is no case \"%s\"%s%s%s", c->options->cases[i],
                         near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
    return RESULT_OK;
}

static struct result choose(struct compilation *c)
{
    const struct plan_options *o = c->options;
    struct chooser chooser = {.options = o,
                              .case_used = ARENA_ARRAY(c->arena, bool, o->case_count + 1)};
    if (o->earlier) {
        chooser.earlier = *o->earlier;
        chooser.earlier.keys = sorted_keys(c->arena, o->earlier->keys, o->earlier->key_count);
        chooser.earlier.not_passed =
            sorted_keys(c->arena, o->earlier->not_passed, o->earlier->not_passed_count);
    }
    if (o->filter)
        TRY(filter_parse(c->arena, slice_str(o->filter), &chooser.filter));
    for (size_t i = 0; i < c->count; i++)
        c->all[i]->selected = chosen(&chooser, c->all[i]);
    TRY(report_unused_names(c, &chooser));
    /* Not when going on from an earlier run: the needs of what is left have run. */
    for (size_t i = 0; i < c->count && !o->earlier; i++)
        if (c->all[i]->selected)
            choose_needs(c->all[i]);
    if (o->earlier && o->earlier->dependents)
        choose_dependents(c, &chooser.earlier);

    c->plan->cases = ARENA_ARRAY(c->arena, struct plan_case *, c->count + 1);
    for (size_t i = 0; i < c->count; i++) {
        if (!c->all[i]->selected)
            continue;
        settle_needs(c, c->all[i], &chooser.earlier);
        c->plan->cases[c->plan->case_count++] = c->all[i];
    }
    c->plan->filtered = c->count - c->plan->case_count;
    bool may_be_empty = o->earlier || o->shards > 0;
    ENSURE(c->plan->case_count > 0 || may_be_empty, ERR_USAGE,
           "no case matches the filters; `assay plan` without them lists all %zu", c->count);
    return RESULT_OK;
}

struct result plan_make(struct arena *arena, const struct plan_options *options,
                        struct diagnostics *d, struct plan **out)
{
    struct plan *plan = ARENA_NEW(arena, struct plan);
    struct compilation c = {
        .arena = arena, .options = options, .d = d, .keys = keys_in(arena), .plan = plan};
    plan->arena = arena;
    c.set_used = ARENA_ARRAY(arena, bool, options->set_count + 1);
    for (size_t i = 0; i < options->path_count; i++)
        TRY(compile_path(&c, options->paths[i]));
    if (d->count == 0)
        graph_link(arena, c.all, c.count, d);
    TRY(diagnostics_result(d));
    TRY(check_sets(&c));
    TRY(choose(&c));
    graph_tails(plan);
    *out = plan;
    return RESULT_OK;
}
