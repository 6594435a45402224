/*
 * Scopes of names. A scope holds a handful of names, so a list is searched.
 */
#include "plan/names.h"

#include <stdlib.h>

const char *const names_always[] = {"uuid", "now", "attempt", "trial", NULL};

struct names *names_new(struct arena *arena, const struct names *outer)
{
    struct names *names = ARENA_NEW(arena, struct names);
    names->arena = arena;
    names->outer = outer;
    return names;
}

void names_add(struct names *names, struct slice name, json_t *value)
{
    struct name *added = ARENA_NEW(names->arena, struct name);
    *added = (struct name){arena_copy(names->arena, name), value, names->first};
    names->first = added;
}

const struct name *names_find(const struct names *names, struct slice name)
{
    for (; names; names = names->outer)
        for (const struct name *n = names->first; n; n = n->next)
            if (slice_eq(n->name, name))
                return n;
    return NULL;
}

bool names_environment(struct slice name, struct slice *variable)
{
    if (!slice_starts(name, SLICE("env.")))
        return false;
    *variable = slice_from(name, 4);
    return true;
}

struct result names_environment_value(struct arena *arena, const struct template_name *name,
                                      json_t **value)
{
    struct slice variable = slice_from(name->name, 4);
    const char *set = getenv(arena_string(arena, variable));
    /* As in a shell, :- also replaces an empty value. */
    if (name->has_fallback && (!set || !*set)) {
        *value = jsontext_string(arena, name->fallback);
        return RESULT_OK;
    }
    if (!set)
        return error_at(
            ERR_VALUE, name->at,
            "the environment variable %.*s is not set; set it, or give a default: ${env.%.*s:-…}",
            SLICE_ARG(variable), SLICE_ARG(variable));
    *value = jsontext_string(arena, slice_str(set));
    return RESULT_OK;
}

static bool always_there(struct slice name)
{
    for (size_t i = 0; names_always[i]; i++)
        if (slice_is(name, names_always[i]))
            return true;
    return false;
}

struct checker {
    const struct names *names;
    struct diagnostics *d;
};

static void report_unknown(const struct checker *c, const struct template_name *name)
{
    const char *candidates[128];
    size_t count = 0, room = sizeof(candidates) / sizeof(candidates[0]) - 1;
    for (const struct names *scope = c->names; scope; scope = scope->outer)
        for (const struct name *n = scope->first; n && count < room; n = n->next)
            candidates[count++] = n->name.data;
    for (size_t i = 0; names_always[i] && count < room; i++)
        candidates[count++] = names_always[i];
    candidates[count] = NULL;
    diagnose_unknown(c->d, name->at, "name", name->name, candidates);
}

static void check_name(void *context, const struct template_name *name)
{
    const struct checker *c = context;
    struct slice variable;
    if (names_environment(name->name, &variable)) {
        json_t *value;
        if (!result_ok(names_environment_value(c->d->arena, name, &value)))
            diagnose_error(c->d, name->at);
        return;
    }
    if (!always_there(name->name) && !names_find(c->names, name->name))
        report_unknown(c, name);
    else if (name->has_fallback)
        diagnose(c->d, name->at, "only ${env.NAME:-default} can have a default")->hint =
            "give the variable its value in \"vars\"";
}

void names_check(const struct names *names, const struct node *node, struct diagnostics *d)
{
    struct checker c = {names, d};
    if (node && node->has_template)
        template_each(node, d, check_name, &c);
}

struct filler {
    const struct names *names;
    struct arena *arena;
};

static struct result look_up(void *context, const struct template_name *name, json_t **value)
{
    const struct filler *f = context;
    struct slice variable;
    if (names_environment(name->name, &variable))
        return names_environment_value(f->arena, name, value);
    const struct name *known = names_find(f->names, name->name);
    if (known)
        *value = known->value;
    return RESULT_OK;
}

const struct node *names_fill(const struct names *names, struct arena *arena,
                              const struct node *node, struct diagnostics *d)
{
    struct filler f = {names, arena};
    const struct template_scope scope = {look_up, &f};
    const struct node *filled = node;
    if (node && node->has_template && !result_ok(template_fill(arena, node, &scope, &filled))) {
        diagnose_error(d, node->at);
        return node;
    }
    return filled;
}
