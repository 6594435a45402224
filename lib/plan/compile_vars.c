/*
 * Variables of a suite: literals, values from the environment, secrets, and --set on top.
 */
#include "plan/compile_parts.h"

#include <stdlib.h>

/* { "env": NAME, "default": …, "secret": true } or { "value": …, "secret": true } */
static bool is_spec(const struct node *value)
{
    static const char *const keys[] = {"env", "value", "default", "secret", NULL};
    if (value->kind != NODE_MAP || value->count == 0)
        return false;
    for (size_t i = 0; i < value->count; i++) {
        bool known = false;
        for (size_t k = 0; keys[k]; k++)
            known = known || slice_is(value->entries[i].key, keys[k]);
        if (!known)
            return false;
    }
    return node_get(value, "env") || node_get(value, "value");
}

static json_t *spec_value(struct compilation *c, const struct names *names, const struct node *spec)
{
    const struct node *env = node_get(spec, "env"), *value = node_get(spec, "value"),
                      *absent = node_get(spec, "default");
    if (value)
        return node_json(c->arena, names_fill(names, c->arena, value, c->d));
    if (env->kind != NODE_STRING) {
        diagnose(c->d, env->at, "expected the name of an environment variable, got a %s",
                 node_kind_name(env->kind));
        return NULL;
    }
    const char *set = getenv(arena_string(c->arena, env->string));
    if (set)
        return jsontext_string(c->arena, slice_str(set));
    if (absent)
        return node_json(c->arena, names_fill(names, c->arena, absent, c->d));
    diagnose(c->d, env->at, "the environment variable %.*s is not set", SLICE_ARG(env->string))
        ->hint = "set it, give it with --set, or add a \"default\"";
    return NULL;
}

static const char *set_for(struct compilation *c, struct slice name)
{
    const char *value = NULL;
    for (size_t i = 0; i < c->options->set_count; i++) {
        struct slice set = slice_str(c->options->sets[i]);
        ptrdiff_t equals = slice_find_byte(set, '=');
        if (equals > 0 && slice_eq(slice_part(set, 0, (size_t)equals), name)) {
            c->set_used[i] = true;
            value = c->options->sets[i] + equals + 1; /* the last one wins */
        }
    }
    return value;
}

/* The text of --set takes the type of the value it replaces, when that is no string. */
static json_t *typed_set(struct compilation *c, const char *text, const struct node *declared)
{
    json_t *value;
    bool is_text =
        declared->kind == NODE_STRING || declared->kind == NODE_NULL || is_spec(declared);
    if (!is_text && result_ok(jsontext_read_in(c->arena, slice_str(text), &value)))
        return value;
    return jsontext_string(c->arena, slice_str(text));
}

void compile_secret(struct compilation *c, struct slice text)
{
    ARENA_GROW(c->arena, c->secrets, c->plan->secret_count);
    c->plan->secrets = c->secrets;
    c->secrets[c->plan->secret_count++] = text;
}

void compile_vars(struct compilation *c, const struct node *vars, struct names *names)
{
    for (size_t i = 0; vars && i < vars->count; i++) {
        const struct node_entry *entry = &vars->entries[i];
        const struct node *declared = entry->value;
        const char *set = set_for(c, entry->key);
        json_t *value;
        if (set) {
            value = typed_set(c, set, declared);
        } else if (is_spec(declared)) {
            value = spec_value(c, names, declared);
        } else {
            /* A variable may use those above it. */
            names_check(names, declared, c->d);
            value = node_json(c->arena, names_fill(names, c->arena, declared, c->d));
        }
        if (!value)
            value = jsontext_string(c->arena, SLICE("")); /* reported; go on to find more faults */
        names_add(names, entry->key, value);
        if (is_spec(declared) && node_boolean(node_get(declared, "secret"), false))
            compile_secret(c, json_is_string(value) ? jsontext_slice(value)
                                                    : jsontext_write(c->arena, value));
    }
}
