/*
 * The keywords that apply subschemas: to the same value, to members and to elements.
 */
#include "check/regex.h"
#include "check/schema_evaluate.h"
#include "check/schema_number.h"
#include "core/memory.h"
#include "core/text.h"

/* ---- references ---- */

/* The outermost resource entered that has the dynamic anchor decides (core, 8.2.3.2). */
static const struct schema_node *dynamic_target(const struct evaluation *e,
                                                const struct schema_keyword *k)
{
    const struct schema_node *target = k->target;
    for (const struct schema_scope *s = e->scope; s; s = s->outer)
        for (const struct schema_anchor *a = s->resource->anchors; a; a = a->next)
            if (a->dynamic && slice_eq(a->name, k->dynamic))
                target = a->node;
    return target;
}

struct result schema_check_reference(struct evaluation *e, const struct schema_keyword *k)
{
    bool valid = true;
    const struct schema_node *target = k->dynamic.data ? dynamic_target(e, k) : k->target;
    TRY(schema_evaluate(e, target, e->at, e->marks, &valid));
    e->valid = e->valid && valid;
    return RESULT_OK;
}

/* ---- the same value ---- */

struct result schema_check_all_of(struct evaluation *e, const struct schema_keyword *k)
{
    for (size_t i = 0; i < k->node_count && (e->valid || e->v->faults); i++) {
        bool valid = true;
        TRY(schema_evaluate(e, k->nodes[i], e->at, e->marks, &valid));
        e->valid = e->valid && valid;
    }
    return RESULT_OK;
}

/* What is wrong with each alternative, while looking for the one that was probably meant. */
struct alternatives {
    struct faults nearest;
    size_t nearest_index;
    bool all_misfits;     /* each has the single fault of being of another type or value */
    struct text expected; /* then: those faults, one after the other */
};

static void look_at_alternative(struct alternatives *a, size_t index, const struct faults *faults)
{
    const struct faults *nearest = &a->nearest;
    bool nearer = faults->misfits != nearest->misfits ? faults->misfits < nearest->misfits
                                                      : faults->total < nearest->total;
    a->all_misfits = a->all_misfits && faults->misfits == 1 && faults->total == 1;
    if (a->all_misfits)
        text_printf(&a->expected, "%s%.*s", index ? "; " : "", SLICE_ARG(faults->items[0].text));
    if (index == 0 || nearer) {
        a->nearest = *faults;
        a->nearest_index = index;
    }
}

/* None of the alternatives is valid: say why. */
static struct result explain_alternatives(struct evaluation *e, const struct schema_keyword *k)
{
    struct faults *all = e->v->faults;
    struct alternatives a = {.all_misfits = true, .expected = text_in(e->v->arena)};
    e->v->rank++;
    for (size_t i = 0; i < k->node_count; i++) {
        struct faults these = {0};
        bool valid = true;
        e->v->faults = &these;
        struct result r = schema_evaluate(e, k->nodes[i], e->at, NULL, &valid);
        e->v->faults = all;
        TRY(r);
        look_at_alternative(&a, i, &these);
    }
    e->v->rank--;
    if (a.all_misfits) {
        schema_fault(e, k, "none of the alternatives fits: %s", text_str(&a.expected));
        return RESULT_OK;
    }
    schema_fault(e, k, "none of the %zu alternatives fits; the nearest is /%zu", k->node_count,
                 a.nearest_index);
    schema_faults_append(e->v->arena, all, &a.nearest);
    return RESULT_OK;
}

/* anyOf and oneOf. */
struct result schema_check_any_of(struct evaluation *e, const struct schema_keyword *k)
{
    bool one = k->kind->id == KEYWORD_ONE_OF;
    size_t count = 0, first = 0;
    for (size_t i = 0; i < k->node_count; i++) {
        bool valid = false;
        TRY(schema_evaluate_quietly(e, k->nodes[i], e->at, e->marks, &valid));
        if (valid && one && count == 1) {
            schema_fault(e, k, "exactly one alternative must fit, but both /%zu and /%zu do", first,
                         i);
            return RESULT_OK;
        }
        first = valid && count == 0 ? i : first;
        count += valid;
        if (count && !one && !e->marks)
            return RESULT_OK;
    }
    if (count)
        return RESULT_OK;
    if (e->v->faults)
        return explain_alternatives(e, k);
    e->valid = false;
    return RESULT_OK;
}

struct result schema_check_not(struct evaluation *e, const struct schema_keyword *k)
{
    bool valid = false;
    TRY(schema_evaluate_quietly(e, k->nodes[0], e->at, NULL, &valid));
    if (valid)
        schema_fault(e, k, "expected a value that does not fit the schema in \"not\", got %s",
                     schema_shown(e, e->at->value));
    return RESULT_OK;
}

struct result schema_check_if(struct evaluation *e, const struct schema_keyword *k)
{
    bool holds = false, valid = true;
    TRY(schema_evaluate_quietly(e, k->nodes[0], e->at, e->marks, &holds));
    const struct schema_keyword *branch =
        schema_sibling(e->node, holds ? KEYWORD_THEN : KEYWORD_ELSE);
    if (!branch)
        return RESULT_OK;
    TRY(schema_evaluate(e, branch->nodes[0], e->at, e->marks, &valid));
    e->valid = e->valid && valid;
    return RESULT_OK;
}

/* dependentSchemas, dependentRequired, and dependencies, which was both. */
struct result schema_check_dependencies(struct evaluation *e, const struct schema_keyword *k)
{
    json_t *members = (json_t *)(uintptr_t)k->value; /* iterating does not change it */
    if (!json_is_object(e->at->value))
        return RESULT_OK;
    for (void *it = json_object_iter(members); it; it = json_object_iter_next(members, it)) {
        const char *name = json_object_iter_key(it);
        const json_t *needs = json_object_iter_value(it);
        bool valid = true;
        if (!json_object_get(e->at->value, name))
            continue;
        if (!json_is_array(needs))
            TRY(schema_evaluate(e, schema_named(k, name), e->at, e->marks, &valid));
        e->valid = e->valid && valid;
        for (size_t i = 0; i < json_array_size(needs); i++) {
            const char *needed = json_string_value(json_array_get(needs, i));
            if (!json_object_get(e->at->value, needed))
                schema_fault(e, k, "the property \"%s\" is missing, which \"%s\" needs", needed,
                             name);
        }
    }
    return RESULT_OK;
}

/* ---- members ---- */

/* Walks the members of the instance, with their numbers. */
struct members {
    json_t *object;
    void *iterator;
    size_t index;
    struct path_node node;
};

static struct members members_of(const struct evaluation *e)
{
    struct members m = {.node.parent = e->at, .index = SIZE_MAX};
    if (json_is_object(e->at->value))
        m.object = (json_t *)(uintptr_t)e->at->value; /* iterating does not change it */
    return m;
}

/* The next member; none once the instance is known to be invalid and nobody wants to know why. */
static bool next_member(const struct evaluation *e, struct members *m)
{
    if (!m->object || (!e->valid && !e->v->faults))
        return false;
    m->iterator =
        m->iterator ? json_object_iter_next(m->object, m->iterator) : json_object_iter(m->object);
    if (!m->iterator)
        return false;
    m->index++;
    m->node.name = slice_str(json_object_iter_key(m->iterator));
    m->node.value = json_object_iter_value(m->iterator);
    return true;
}

static struct result apply_to_member(struct evaluation *e, const struct schema_node *node,
                                     const struct members *m)
{
    bool valid = true;
    TRY(schema_evaluate(e, node, &m->node, NULL, &valid));
    e->valid = e->valid && valid;
    if (e->marks)
        e->marks->seen[m->index] = true;
    return RESULT_OK;
}

struct result schema_check_properties(struct evaluation *e, const struct schema_keyword *k)
{
    struct members m = members_of(e);
    while (next_member(e, &m)) {
        const struct schema_node *node = schema_named(k, m.node.name.data);
        if (node)
            TRY(apply_to_member(e, node, &m));
    }
    return RESULT_OK;
}

struct result schema_check_pattern_properties(struct evaluation *e, const struct schema_keyword *k)
{
    struct members m = members_of(e);
    while (next_member(e, &m))
        for (size_t i = 0; i < k->node_count; i++) {
            bool found = false;
            TRY(regex_matches(slice_str(k->names[i]), REGEX_ECMA, m.node.name, &found));
            if (found)
                TRY(apply_to_member(e, k->nodes[i], &m));
        }
    return RESULT_OK;
}

/* A member that must not be there; a name much like it that may is suggested. */
static void unexpected_member(struct evaluation *e, const struct schema_keyword *k,
                              const struct members *m)
{
    const struct schema_keyword *properties = schema_sibling(e->node, KEYWORD_PROPERTIES);
    size_t n = properties ? properties->node_count : 0;
    const char *near = NULL;
    if (e->v->faults && n) {
        const char **names = ARENA_ARRAY(e->v->arena, const char *, n + 1);
        memcpy(names, properties->names, n * sizeof *names);
        near = slice_nearest(m->node.name, names);
    }
    if (near && !json_object_get(m->object, near))
        schema_fault_at(e, k, &m->node, "unexpected property \"%s\"; did you mean \"%s\"?",
                        m->node.name.data, near);
    else
        schema_fault_at(e, k, &m->node, "unexpected property \"%s\"", m->node.name.data);
}

static struct result apply_to_rest(struct evaluation *e, const struct schema_keyword *k,
                                   const struct members *m)
{
    if (!json_is_false(k->nodes[0]->json))
        return apply_to_member(e, k->nodes[0], m);
    unexpected_member(e, k, m);
    if (e->marks)
        e->marks->seen[m->index] = true;
    return RESULT_OK;
}

struct result schema_check_additional_properties(struct evaluation *e,
                                                 const struct schema_keyword *k)
{
    const struct schema_keyword *properties = schema_sibling(e->node, KEYWORD_PROPERTIES);
    const struct schema_keyword *patterns = schema_sibling(e->node, KEYWORD_PATTERN_PROPERTIES);
    struct members m = members_of(e);
    while (next_member(e, &m)) {
        bool known = schema_named(properties, m.node.name.data) != NULL;
        for (size_t i = 0; patterns && !known && i < patterns->node_count; i++)
            TRY(regex_matches(slice_str(patterns->names[i]), REGEX_ECMA, m.node.name, &known));
        if (!known)
            TRY(apply_to_rest(e, k, &m));
    }
    return RESULT_OK;
}

struct result schema_check_property_names(struct evaluation *e, const struct schema_keyword *k)
{
    struct members m = members_of(e);
    while (next_member(e, &m)) {
        bool valid = true;
        struct path_node name = m.node;
        name.value = jsontext_string(e->v->arena, m.node.name);
        TRY(schema_evaluate(e, k->nodes[0], &name, NULL, &valid));
        e->valid = e->valid && valid;
    }
    return RESULT_OK;
}

/* ---- elements ---- */

static struct path_node element(const struct evaluation *e, size_t index)
{
    return (struct path_node){
        .value = json_array_get(e->at->value, index), .parent = e->at, .index = index};
}

static struct result apply_to_element(struct evaluation *e, const struct schema_node *node,
                                      size_t index)
{
    struct path_node at = element(e, index);
    bool valid = true;
    TRY(schema_evaluate(e, node, &at, NULL, &valid));
    e->valid = e->valid && valid;
    if (e->marks)
        e->marks->seen[index] = true;
    return RESULT_OK;
}

/* How many elements a sibling that lists schemas one by one deals with. */
static size_t listed(const struct evaluation *e, enum keyword_id id)
{
    const struct schema_keyword *k = schema_sibling(e->node, id);
    return k && json_is_array(k->value) ? k->node_count : 0;
}

/* prefixItems, items and additionalItems in all their forms: either one schema for each of the
 * first elements, or one for all the rest. */
struct result schema_check_items(struct evaluation *e, const struct schema_keyword *k)
{
    size_t n = json_array_size(e->at->value), i = 0; /* 0 when it is no array */
    bool list = json_is_array(k->value);
    const struct schema_keyword *before = schema_sibling(e->node, KEYWORD_ITEMS_OR_LIST);
    if (k->kind->id == KEYWORD_ITEMS)
        i = listed(e, KEYWORD_PREFIX_ITEMS);
    if (k->kind->id == KEYWORD_ADDITIONAL_ITEMS)
        i = before && json_is_array(before->value) ? before->node_count : n;
    for (; i < n && (!list || i < k->node_count) && (e->valid || e->v->faults); i++)
        TRY(apply_to_element(e, k->nodes[list ? i : 0], i));
    return RESULT_OK;
}

struct result schema_check_contains(struct evaluation *e, const struct schema_keyword *k)
{
    const struct schema_keyword *min = schema_sibling(e->node, KEYWORD_MIN_CONTAINS);
    const struct schema_keyword *max = schema_sibling(e->node, KEYWORD_MAX_CONTAINS);
    size_t least = min ? number_count(min->value) : 1;
    size_t most = max ? number_count(max->value) : SIZE_MAX;
    size_t count = 0;
    if (!json_is_array(e->at->value))
        return RESULT_OK;
    for (size_t i = 0; i < json_array_size(e->at->value); i++) {
        struct path_node at = element(e, i);
        bool valid = false;
        TRY(schema_evaluate_quietly(e, k->nodes[0], &at, NULL, &valid));
        count += valid;
        /* Only since 2020-12 does unevaluatedItems know of contains. */
        if (valid && e->marks && e->node->resource->draft == D20)
            e->marks->seen[i] = true;
    }
    if (count < least)
        schema_fault(e, k, "expected at least %zu matching item%s, got %zu", least,
                     least == 1 ? "" : "s", count);
    if (count > most)
        schema_fault(e, k, "expected at most %zu matching item%s, got %zu", most,
                     most == 1 ? "" : "s", count);
    return RESULT_OK;
}

/* ---- what nothing else looked at ---- */

struct result schema_check_unevaluated(struct evaluation *e, const struct schema_keyword *k)
{
    if (k->kind->id == KEYWORD_UNEVALUATED_PROPERTIES) {
        struct members m = members_of(e);
        while (next_member(e, &m))
            if (!e->marks->seen[m.index])
                TRY(apply_to_rest(e, k, &m));
        return RESULT_OK;
    }
    for (size_t i = 0; i < json_array_size(e->at->value) && (e->valid || e->v->faults); i++)
        if (!e->marks->seen[i])
            TRY(apply_to_element(e, k->nodes[0], i));
    return RESULT_OK;
}
