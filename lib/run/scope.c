/*
 * Names at run time, and keeping what steps save.
 */
#include "run/scope.h"

#include "core/random.h"
#include "step/save.h"

struct scope scope_new(struct arena *arena, const struct plan_case *pc, const struct lease *lease,
                       uint32_t attempt, uint32_t trial, const json_t *values)
{
    json_t *copy = values ? json_copy((json_t *)(uintptr_t)values) : json_object();
    return (struct scope){arena, jsontext_keep(arena, copy), lease, pc, attempt, trial};
}

/* "worker.port": a part of a service. */
static json_t *service_part(const struct scope *scope, struct slice name)
{
    for (size_t i = 0; i < scope->pc->service_count; i++) {
        const struct plan_service *planned = scope->pc->services[i];
        struct slice rest = slice_from(name, planned->name.len);
        if (!slice_starts(name, planned->name) || rest.len < 2 || rest.data[0] != '.')
            continue;
        struct service *service = lease_service(scope->lease, planned);
        const char *url = service_url(service);
        if (slice_is(rest, ".url") && url)
            return json_string(url);
        if (slice_is(rest, ".port"))
            return json_integer(service_port(service));
        if (slice_is(rest, ".pid"))
            return json_integer(service_pid(service));
    }
    return NULL;
}

static struct result look_up(void *context, const struct template_name *name, json_t **value)
{
    struct scope *scope = context;
    char text[CLOCK_TEXT > UUID_TEXT ? CLOCK_TEXT : UUID_TEXT];
    json_t *known = json_object_get(scope->values, arena_string(scope->arena, name->name));
    if (known) {
        *value = known;
        return RESULT_OK;
    }
    json_t *made = NULL;
    if (slice_is(name->name, "uuid"))
        made = json_string(random_uuid(text));
    else if (slice_is(name->name, "now"))
        made = json_string(clock_text(text, clock_wall()));
    else if (slice_is(name->name, "attempt"))
        made = json_integer(scope->attempt);
    else if (slice_is(name->name, "trial"))
        made = json_integer(scope->trial + 1);
    else
        made = service_part(scope, name->name);
    if (!made && scope->partial)
        return RESULT_OK;
    if (!made)
        return error_at(ERR_VALUE, name->at, "\"%.*s\" has no value yet", SLICE_ARG(name->name));
    *value = jsontext_keep(scope->arena, made);
    return RESULT_OK;
}

struct result scope_fill(struct scope *scope, const struct node *node, const struct node **out)
{
    *out = node;
    if (!node || !node->has_template)
        return RESULT_OK;
    const struct template_scope names = {look_up, scope};
    return template_fill(scope->arena, node, &names, out);
}

void scope_set(struct scope *scope, struct slice name, json_t *value)
{
    json_object_set(scope->values, arena_string(scope->arena, name), value);
}

void scope_save(struct scope *scope, const struct node *save, struct observation *o,
                struct verdicts *verdicts)
{
    for (size_t i = 0; save && i < save->count; i++) {
        const struct node_entry *entry = &save->entries[i];
        struct slice where = node_text(scope->arena, entry->value);
        const char *why;
        json_t *value = save_read(scope->arena, where, o, &why);
        if (value) {
            scope_set(scope, entry->key, value);
            continue;
        }
        const char *check = arena_printf(verdicts->arena, "save %.*s", SLICE_ARG(entry->key));
        struct verdict *verdict = verdict_add(verdicts, check, entry->value->at, false);
        verdict->expected = where;
        verdict->actual = SLICE("(no data)");
        verdict->message =
            arena_printf(verdicts->arena, "nothing to save at %.*s: %s", SLICE_ARG(where), why);
    }
}
