/*
 * The table of operators and what is made from it: the shape of a matcher, finding and applying an
 * operator, putting a matcher into words.
 */
#include "check/operators.h"

#include <math.h>

#include "check/comparison.h"
#include "check/quantity.h"
#include "check/regex.h"
#include "check/schema.h"
#include "core/text.h"

/* Of one value, how much stands inside a sentence. */
#define SHOWN_INLINE 300

/* --- The table --- */

static void check_pattern(const struct node *node, struct diagnostics *d)
{
    if (!result_ok(regex_check(node->string, REGEX_PERL)))
        diagnose_error(d, node->at);
}

static void check_schema(const struct node *node, struct diagnostics *d)
{
    struct schema *schema;
    if (!result_ok(schema_compile(d->arena, node_json(d->arena, node), NULL, &schema)))
        diagnose_error(d, node->at);
}

static const struct shape pattern = {
    .kind = SHAPE_STRING, .check = check_pattern, .help = "a regular expression (PCRE2)"};
static const struct shape json_schema = {
    .kind = SHAPE_ANY, .check = check_schema, .help = "a JSON Schema (draft 2020-12)"};
static const struct shape tolerance = {.kind = SHAPE_NUMBER, .min = 0, .max = HUGE_VAL};
static const struct shape some_number = {.kind = SHAPE_NUMBER};
static const struct shape *const nested_either[] = {
    &some_number,
    &(const struct shape){
        .kind = SHAPE_LIST, .of = &shape_nested_numbers, .min = 1, .max = HUGE_VAL},
    NULL};
/* It holds itself, so it has a name: what is made from shapes stops at names. */
const struct shape shape_nested_numbers = {.name = "nested number",
                                           .kind = SHAPE_EITHER,
                                           .either = nested_either,
                                           .help =
                                               "A number, or a list of them, nested to any depth."};
static const struct shape literals = {
    .kind = SHAPE_LIST, .of = &shape_any, .min = 1, .max = HUGE_VAL};
static const struct shape matchers = {.kind = SHAPE_LIST, .of = &shape_matcher};
static const char *const type_names[] = {"null",   "boolean", "integer", "number",
                                         "string", "array",   "object",  NULL};
static const struct shape type_name = {.kind = SHAPE_WORD, .words = type_names};
static const struct shape type_list = {
    .kind = SHAPE_LIST, .of = &type_name, .min = 1, .max = HUGE_VAL};
static const struct shape *const type_either[] = {&type_name, &type_list, NULL};
static const struct shape types = {.kind = SHAPE_EITHER, .either = type_either};
static const struct shape *const order_either[] = {&some_number, &shape_string, NULL};
static const struct shape ordered_operand = {
    .kind = SHAPE_EITHER, .either = order_either, .help = "a number, a duration, a size or a text"};

static const struct operator operators[] = {
#define X(name, shape, form, phrase, symbol, help, example)                                        \
    {#name, compare_##name, form, phrase, symbol},
    OPERATORS(X)
#undef X
};

const struct field operator_fields[] = {
#define X(name, shape, form, phrase, symbol, help, example) {#name, &(shape), false, help, example},
    OPERATORS(X)
#undef X
        {"rel", &tolerance, false, "With `near`: allowed difference per unit of the expected.",
         "1e-3"},
    {"abs", &tolerance, false, "With `near`: allowed difference.", "1e-6"},
    {NULL},
};

#define OPERATOR_COUNT (sizeof(operators) / sizeof(operators[0]))

static const struct operator* operator_find(struct slice name)
{
    for (size_t i = 0; i < OPERATOR_COUNT; i++)
        if (slice_is(name, operators[i].name))
            return &operators[i];
    return NULL;
}

static bool is_option(struct slice key)
{
    return slice_is(key, "rel") || slice_is(key, "abs");
}

/* --- Applying --- */

static enum outcome apply(const struct comparison *c)
{
    bool sees_absence =
        c->operator->compare == compare_exists || c->operator->compare == compare_not;
    struct matching *m = c->m;
    if (c->actual || sees_absence)
        return c->operator->compare(c);
    if (m->explain) {
        struct slice wanted = operator_described(m->arena, c->operator, c->operand, m->unit, false);
        m->expected = operator_described(m->arena, c->operator, c->operand, m->unit, true);
        m->actual = SLICE("(no data)");
        m->message = arena_printf(m->arena, "expected %s %.*s, got nothing (no data)",
                                  *c->where ? c->where : "the value", SLICE_ARG(wanted));
    }
    return UNFIT;
}

enum outcome operators_apply(struct matching *m, const struct node *matcher, const json_t *actual,
                             const char *where)
{
    struct comparison c = {.m = m, .operand = matcher, .actual = actual, .where = where};
    struct short_form form;
    if (matcher->kind != NODE_MAP) {
        bool is_short = matcher->kind == NODE_STRING && quantity_short_form(matcher->string, &form);
        c.operator= operator_find(is_short ? slice_str(form.operator) : SLICE("eq"));
        c.operand = is_short ? &form.operand : matcher;
        return apply(&c);
    }
    c.map = matcher;
    enum outcome outcome = UNFIT;
    for (size_t i = 0; i < matcher->count; i++) {
        struct slice name = matcher->entries[i].key;
        if (is_option(name))
            continue;
        c.operator= operator_find(name);
        c.operand = matcher->entries[i].value;
        MUST(c.operator, "operator \"%.*s\" at line %u", SLICE_ARG(name), matcher->at.line);
        outcome = apply(&c);
        if (outcome != HOLDS)
            return outcome;
    }
    return outcome;
}

/* --- Describing --- */

static struct slice shown_string(struct arena *arena, struct slice s)
{
    struct text quoted = text_in(arena);
    text_add_json(&quoted, slice_part(s, 0, SHOWN_INLINE));
    if (s.len > SHOWN_INLINE)
        text_printf(&quoted, "… (%zu more bytes)", s.len - SHOWN_INLINE);
    return text_slice(&quoted);
}

struct slice comparison_shown(struct arena *arena, const json_t *value, enum match_unit unit)
{
    struct quantity q;
    if (!value)
        return SLICE("(no data)");
    if (json_is_string(value))
        return shown_string(arena, jsontext_slice(value));
    if (quantity_of_json(value, unit, unit, &q))
        return quantity_shown(arena, q);
    return text_shown(arena, jsontext_write(arena, value), SHOWN_INLINE);
}

static struct slice shown_node(struct arena *arena, const struct node *node, enum match_unit unit)
{
    struct quantity q;
    if (unit != UNIT_NONE && quantity_of_node(node, unit, &q))
        return quantity_shown(arena, q);
    return comparison_shown(arena, node_json(arena, node), UNIT_NONE);
}

static void describe(struct text *t, const struct node *matcher, enum match_unit unit, bool brief)
{
    struct short_form form;
    if (matcher->kind == NODE_MAP) {
        bool first = true;
        for (size_t i = 0; i < matcher->count; i++) {
            const struct operator* o = operator_find(matcher->entries[i].key);
            if (!o)
                continue;
            if (!first)
                text_add_str(t, brief ? ", " : " and ");
            text_add(t, operator_described(t->arena, o, matcher->entries[i].value, unit, brief));
            first = false;
        }
        return;
    }
    bool is_short = matcher->kind == NODE_STRING && quantity_short_form(matcher->string, &form);
    const struct operator* o = operator_find(is_short ? slice_str(form.operator) : SLICE("eq"));
    text_add(t, operator_described(t->arena, o, is_short ? &form.operand : matcher, unit, brief));
}

struct slice operator_described(struct arena *arena, const struct operator* o,
                                const struct node *operand, enum match_unit unit, bool brief)
{
    struct text t = text_in(arena);

    if (o->form == FORM_FLAG && !operand->boolean)
        text_add_str(&t, "not ");
    /* An equality needs no sign in a short text: "201". */
    if (!(brief && o->compare == compare_eq))
        text_add_str(&t, brief ? o->symbol : o->phrase);
    if (o->form == FORM_MATCHER) {
        /* Only a negation takes a verb: "not to contain", but "to have an element (≥ 3)". */
        bool verb = !brief && o->compare == compare_not;
        bool apart = !brief && (o->compare == compare_each || o->compare == compare_any);
        text_add_str(&t, apart ? " (" : " ");
        describe(&t, operand, o->compare == compare_length ? UNIT_NONE : unit, !verb);
        text_add_str(&t, apart ? ")" : "");
    } else if (o->form == FORM_VALUE) {
        if (t.len)
            text_add_byte(&t, ' ');
        text_add(&t, shown_node(arena, operand, unit));
    }
    return text_slice(&t);
}

struct slice operators_short(struct arena *arena, const struct node *matcher, enum match_unit unit)
{
    struct text t = text_in(arena);
    describe(&t, matcher, unit, true);
    return text_slice(&t);
}

struct slice operators_sentence(struct arena *arena, const struct node *matcher,
                                enum match_unit unit)
{
    struct text t = text_in(arena);
    describe(&t, matcher, unit, false);
    return text_slice(&t);
}

/* --- Reading --- */

static bool is_zero(const struct node *node)
{
    struct short_form form;
    if (node->kind == NODE_STRING && quantity_short_form(node->string, &form))
        node = &form.operand;
    return node->kind == NODE_INTEGER && node->integer == 0;
}

bool operators_admit_zero(const struct node *matcher)
{
    if (matcher->kind == NODE_LIST) {
        for (size_t i = 0; i < matcher->count; i++)
            if (is_zero(matcher->items[i]))
                return true;
        return false;
    }
    if (matcher->kind != NODE_MAP)
        return is_zero(matcher);
    for (size_t i = 0; i < matcher->count; i++)
        if (!is_option(matcher->entries[i].key) && operators_admit_zero(matcher->entries[i].value))
            return true;
    return false;
}

bool operators_admit_empty(const struct node *matcher)
{
    if (matcher->kind != NODE_MAP)
        return (matcher->kind == NODE_STRING && matcher->string.len == 0) ||
               (matcher->kind == NODE_LIST && matcher->count == 0);
    for (size_t i = 0; i < matcher->count; i++) {
        static const char *const speaking[] = {"empty", "matches", "unordered", "exists", "in"};
        struct slice name = matcher->entries[i].key;
        const struct node *operand = matcher->entries[i].value;
        for (size_t j = 0; j < sizeof(speaking) / sizeof(speaking[0]); j++)
            if (slice_is(name, speaking[j]))
                return true;
        if ((slice_is(name, "eq") || slice_is(name, "ne")) && operators_admit_empty(operand) &&
            operand->kind != NODE_MAP)
            return true;
        if (slice_is(name, "length") && operators_admit_zero(operand))
            return true;
        if (slice_is(name, "not") && operators_admit_empty(operand))
            return true;
    }
    return false;
}

/* Operands that everything fits. */
static void check_says_something(const struct node *map, struct diagnostics *d)
{
    static const char *const of_text[] = {"contains", "matches", NULL};
    for (size_t i = 0; of_text[i]; i++) {
        const struct node *operand = node_get(map, of_text[i]);
        if (operand && operand->kind == NODE_STRING && operand->string.len == 0)
            diagnose(d, operand->at, "every text %s \"\": it checks nothing", of_text[i])->hint =
                "for an empty text write {\"empty\": true}";
    }
    const struct node *schema = node_get(map, "schema");
    if (schema && schema->kind == NODE_MAP && schema->count == 0)
        diagnose(d, schema->at, "the schema {} accepts everything, so that it checks nothing");
}

void operators_check(const struct node *map, struct diagnostics *d)
{
    const struct node *exists = node_get(map, "exists");
    if (map->count == 0) {
        diagnose(d, map->at, "a matcher without an operator checks nothing")->hint =
            "write what is expected, such as {\"ge\": 1}, or {\"eq\": {}} for an empty object";
        return;
    }
    if (!node_get(map, "near"))
        for (size_t i = 0; i < map->count; i++)
            if (is_option(map->entries[i].key))
                diagnose(d, map->entries[i].key_at,
                         "\"%.*s\" belongs to \"near\", which is missing",
                         SLICE_ARG(map->entries[i].key));
    check_says_something(map, d);
    if (exists && exists->kind == NODE_BOOL && !exists->boolean && map->count > 1)
        diagnose(d, map->at, "what does not exist can have no other property")->hint =
            "leave \"exists\": false alone, or leave it out";
}
