/*
 * Applying a compiled schema to an instance: the walk over nodes and keywords, and the faults it
 * finds. What each keyword demands is in check/schema_assert.c and check/schema_apply.c. Most
 * instances are valid, so that case does no more than look.
 */
#include "check/schema_evaluate.h"
#include "check/schema_number.h"
#include "core/limits.h"
#include "core/memory.h"
#include "core/text.h"

/* Evaluations inside one another; each takes about 1 KiB of stack (4 with sanitizers). */
#define DEPTH_MOST (8 * LIMIT_DEPTH)
/* Faults kept to choose the most telling from. */
#define FAULTS_KEPT 1000
/* Of a value in a message. */
#define SHOWN_BYTES 100

const struct keyword_kind keyword_kinds[KEYWORD_COUNT] = {
#define X(id, name, drafts, vocabulary, shape, check)                                              \
    {KEYWORD_##id, drafts, vocabulary, shape, name, schema_check_##check},
    KEYWORD_TABLE(X)
#undef X
};

struct result schema_check_nothing(struct evaluation *e, const struct schema_keyword *k)
{
    (void)e;
    (void)k;
    return RESULT_OK;
}

const struct schema_keyword *schema_sibling(const struct schema_node *node, enum keyword_id id)
{
    const struct schema_keyword *k = node->keywords;
    while (k && k->kind->id != id)
        k = k->next;
    return k;
}

const struct schema_node *schema_named(const struct schema_keyword *map, const char *name)
{
    size_t low = 0, high = map ? map->node_count : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, map->names[middle]);
        if (order == 0)
            return map->nodes[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* ---- marks ---- */

struct marks *schema_marks_for(struct arena *arena, const json_t *instance)
{
    if (!json_is_array(instance) && !json_is_object(instance))
        return NULL;
    struct marks *marks = ARENA_NEW(arena, struct marks);
    marks->count = json_is_array(instance) ? json_array_size(instance) : json_object_size(instance);
    marks->seen = ARENA_ARRAY(arena, bool, marks->count);
    return marks;
}

void schema_marks_add(struct marks *to, const struct marks *from)
{
    for (size_t i = 0; to && from && i < to->count; i++)
        to->seen[i] = to->seen[i] || from->seen[i];
}

/* ---- faults ---- */

/* How much a fault of this keyword tells: what merely follows from other faults comes later. */
static unsigned rank_of(const struct schema_keyword *k)
{
    switch (k ? k->kind->id : KEYWORD_COUNT) {
    case KEYWORD_UNEVALUATED_ITEMS:
    case KEYWORD_UNEVALUATED_PROPERTIES:
        return 1;
    case KEYWORD_ANY_OF:
    case KEYWORD_ONE_OF:
    case KEYWORD_NOT:
        return 2;
    default:
        return 0;
    }
}

static bool is_misfit(const struct schema_keyword *k)
{
    return !k || k->kind->id == KEYWORD_TYPE || k->kind->id == KEYWORD_CONST ||
           k->kind->id == KEYWORD_ENUM;
}

static void keep_fault(struct arena *arena, struct faults *faults, struct schema_fault fault,
                       unsigned rank)
{
    if (faults->count == FAULTS_KEPT)
        return;
    if (faults->count == faults->capacity) {
        size_t capacity = faults->capacity ? faults->capacity * 2 : 8;
        struct schema_fault *items = ARENA_ARRAY(arena, struct schema_fault, capacity);
        unsigned *ranks = ARENA_ARRAY(arena, unsigned, capacity);
        if (faults->count) {
            memcpy(items, faults->items, faults->count * sizeof *items);
            memcpy(ranks, faults->ranks, faults->count * sizeof *ranks);
        }
        faults->items = items;
        faults->ranks = ranks;
        faults->capacity = capacity;
    }
    faults->ranks[faults->count] = rank;
    faults->items[faults->count++] = fault;
}

void schema_faults_append(struct arena *arena, struct faults *to, const struct faults *from)
{
    for (size_t i = 0; i < from->count; i++)
        keep_fault(arena, to, from->items[i], from->ranks[i]);
    to->total += from->total;
    to->misfits += from->misfits;
}

void schema_fault_at(struct evaluation *e, const struct schema_keyword *k,
                     const struct path_node *at, const char *format, ...)
{
    struct faults *faults = e->v->faults;
    struct arena *arena = e->v->arena;
    e->valid = false;
    if (!faults)
        return;
    faults->total++;
    faults->misfits += is_misfit(k);
    if (faults->count == FAULTS_KEPT)
        return;
    va_list args;
    va_start(args, format);
    const char *text = arena_vprintf(arena, format, args);
    va_end(args);
    struct text location = text_in(arena);
    text_add(&location, e->node->location);
    if (k) {
        text_add_byte(&location, '/');
        text_add_str(&location, k->kind->name);
    }
    struct schema_fault fault = {
        .pointer = path_pointer(arena, at),
        .path = path_normalized(arena, at),
        .schema = text_slice(&location),
        .text = slice_str(text),
    };
    keep_fault(arena, faults, fault, e->v->rank + rank_of(k));
}

const char *schema_shown(const struct evaluation *e, const json_t *value)
{
    struct arena *arena = e->v->arena;
    char number[NUMBER_TEXT];
    if (!e->v->faults)
        return "";
    if (json_is_real(value))
        return arena_printf(arena, "%s", number_shortest(number, json_real_value(value)));
    return arena_string(arena, text_shown(arena, jsontext_write(arena, value), SHOWN_BYTES));
}

/* ---- the walk ---- */

/* A node that is being applied to this very value already would be so for ever. */
static struct result refuse_loop(const struct evaluation *outer, const struct schema_node *node,
                                 const struct path_node *at)
{
    for (; outer && outer->at == at; outer = outer->outer)
        ENSURE(outer->node != node, ERR_VALUE,
               "the schema at %.*s refers to itself without going down in the instance",
               SLICE_ARG(node->location));
    return RESULT_OK;
}

static struct result check_keywords(struct evaluation *e)
{
    for (const struct schema_keyword *k = e->node->keywords; k; k = k->next) {
        TRY(k->kind->check(e, k));
        if (!e->valid && !e->v->faults)
            break;
    }
    return RESULT_OK;
}

static struct result apply(struct validation *v, const struct evaluation *outer,
                           const struct schema_node *node, const struct path_node *at,
                           struct marks *marks, bool *valid)
{
    const struct schema_scope *scope = outer ? outer->scope : NULL;
    struct schema_scope entered = {node->resource, scope};
    struct evaluation e = {
        .v = v,
        .node = node,
        .at = at,
        .scope = scope && scope->resource == node->resource ? scope : &entered,
        .outer = outer,
        .valid = true,
    };
    ENSURE(v->depth < DEPTH_MOST, ERR_TOO_LARGE, "schema and instance nest too deep at %.*s",
           SLICE_ARG(node->location));
    ENSURE(++v->steps <= LIMIT_SCHEMA_STEPS, ERR_TOO_LARGE,
           "validating took more than %u steps, the last at %.*s", LIMIT_SCHEMA_STEPS,
           SLICE_ARG(node->location));
    TRY(refuse_loop(outer, node, at));
    if (json_is_false(node->json))
        schema_fault(&e, NULL, "expected no value here, got %s", schema_shown(&e, at->value));
    if (marks || node->wants_marks)
        e.marks = schema_marks_for(v->arena, at->value);
    v->depth++;
    TRY(check_keywords(&e));
    v->depth--;
    /* What an invalid schema looked at is of interest only to messages, which should not then
     * complain about the rest of it too. */
    if (e.valid || v->faults)
        schema_marks_add(marks, e.marks);
    *valid = e.valid;
    return RESULT_OK;
}

struct result schema_evaluate(struct evaluation *e, const struct schema_node *node,
                              const struct path_node *at, struct marks *marks, bool *valid)
{
    return apply(e->v, e, node, at, marks, valid);
}

struct result schema_evaluate_quietly(struct evaluation *e, const struct schema_node *node,
                                      const struct path_node *at, struct marks *marks, bool *valid)
{
    struct faults *faults = e->v->faults;
    e->v->faults = NULL;
    struct result r = apply(e->v, e, node, at, marks, valid);
    e->v->faults = faults;
    return r;
}

/* The `most` of lowest rank, in the order they were found. */
static void report_faults(struct arena *arena, const struct faults *faults, size_t most,
                          struct schema_report *out)
{
    unsigned highest = 0;
    for (size_t i = 0; i < faults->count; i++)
        highest = faults->ranks[i] > highest ? faults->ranks[i] : highest;
    out->faults =
        ARENA_ARRAY(arena, struct schema_fault, most < faults->count ? most : faults->count);
    for (unsigned rank = 0; rank <= highest; rank++)
        for (size_t i = 0; i < faults->count && out->count < most; i++)
            if (faults->ranks[i] == rank)
                out->faults[out->count++] = faults->items[i];
    out->more = faults->total - out->count;
}

struct result schema_validate(const struct schema *schema, const json_t *instance, size_t most,
                              struct arena *arena, struct schema_report *out)
{
    const struct path_node root = {.value = instance};
    struct faults faults = {0};
    struct validation v = {.arena = arena};
    *out = (struct schema_report){0};
    TRY(apply(&v, NULL, schema->root, &root, NULL, &out->valid));
    if (out->valid || most == 0)
        return RESULT_OK;
    bool again = true;
    v = (struct validation){.arena = arena, .faults = &faults};
    TRY(apply(&v, NULL, schema->root, &root, NULL, &again));
    MUST(!again && faults.total > 0, "an invalid instance must have a fault, got %zu",
         faults.total);
    report_faults(arena, &faults, most, out);
    return RESULT_OK;
}
