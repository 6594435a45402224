/*
 * The operators of matchers, one function each. A comparison that holds, which is nearly every one,
 * makes no text and allocates nothing but what the operator itself needs; only a failure is done
 * again with `explain` set.
 */
#include "check/comparison.h"

#include <math.h>
#include <stdlib.h>

#include "check/diff.h"
#include "check/quantity.h"
#include "check/regex.h"
#include "check/schema.h"
#include "core/limits.h"
#include "core/text.h"

/* Texts longer than this are compared by a diff under the sentence. */
#define DIFF_FROM 60
/* `unordered` tries every pair. */
#define UNORDERED_MOST 1000
/* `near` without rel and abs. */
#define NEAR_RELATIVE 1e-6
/* Faults of a schema shown. */
#define SCHEMA_FAULTS 5

/* --- Outcomes with their sentences --- */

static const char *place_of(const struct comparison *c)
{
    return *c->where ? c->where : "the value";
}

static void explain(const struct comparison *c, const char *message)
{
    struct matching *m = c->m;
    m->expected = operator_described(m->arena, c->operator, c->operand, m->unit, true);
    m->actual = comparison_shown(m->arena, c->actual, m->unit);
    m->message = message;
}

/* "expected $.n to be at least 3, got 2", with `more` after it. */
static enum outcome fails_with(const struct comparison *c, const char *more)
{
    struct matching *m = c->m;
    if (!m->explain)
        return FAILS;
    struct slice wanted = operator_described(m->arena, c->operator, c->operand, m->unit, false);
    struct slice actual = comparison_shown(m->arena, c->actual, m->unit);
    explain(c, arena_printf(m->arena, "expected %s %.*s, got %.*s%s", place_of(c),
                            SLICE_ARG(wanted), SLICE_ARG(actual), more));
    return FAILS;
}

static enum outcome fails(const struct comparison *c)
{
    return fails_with(c, "");
}

static enum outcome outcome_of(const struct comparison *c, bool holds)
{
    return holds ? HOLDS : fails(c);
}

/* "expected $.n to be at least 3, got "x" (a string cannot be compared with a number)". */
static enum outcome unfit(const struct comparison *c, const char *why)
{
    if (c->m->explain)
        fails_with(c, arena_printf(c->m->arena, " (%s)", why));
    return UNFIT;
}

static enum outcome unfit_type(const struct comparison *c, const char *wanted)
{
    if (!c->m->explain)
        return UNFIT;
    const char *type = jsontext_type(c->actual);
    if (strcmp(type, "null") == 0)
        return unfit(c, arena_printf(c->m->arena, "%s is needed and this is null", wanted));
    return unfit(c, arena_printf(c->m->arena, "%s is needed and this is %s %s", wanted,
                                 text_article(type), type));
}

/* Nothing was there to be looked at, so nothing was proved. */
static enum outcome no_data(const struct comparison *c, const char *remedy)
{
    if (c->m->explain) {
        unfit(c, arena_printf(c->m->arena, "no data: if that is right, say so with %s", remedy));
        c->m->actual = SLICE("(no data)");
    }
    return UNFIT;
}

static enum outcome impossible(const struct comparison *c)
{
    c->m->impossible = true;
    if (c->m->explain)
        explain(
            c, arena_printf(c->m->arena, "cannot compare %s: %s", place_of(c), error_last()->text));
    return UNFIT;
}

/* --- Equality and order --- */

/* Is the JSON value the one the suite wrote? Numbers by value, maps whatever their order. */
static bool same(const struct node *node, const json_t *value)
{
    struct quantity a, b;
    switch (node->kind) {
    case NODE_NULL:
        return json_is_null(value);
    case NODE_BOOL:
        return json_is_boolean(value) && json_is_true(value) == node->boolean;
    case NODE_INTEGER:
    case NODE_REAL:
        return quantity_of_node(node, UNIT_NONE, &a) &&
               quantity_of_json(value, UNIT_NONE, UNIT_NONE, &b) && a.amount >= b.amount &&
               a.amount <= b.amount;
    case NODE_STRING:
        return json_is_string(value) && slice_eq(node->string, jsontext_slice(value));
    case NODE_LIST:
        if (!json_is_array(value) || json_array_size(value) != node->count)
            return false;
        for (size_t i = 0; i < node->count; i++)
            if (!same(node->items[i], json_array_get(value, i)))
                return false;
        return true;
    case NODE_MAP:
        if (!json_is_object(value) || json_object_size(value) != node->count)
            return false;
        for (size_t i = 0; i < node->count; i++) {
            struct slice key = node->entries[i].key;
            const json_t *member = json_object_getn(value, key.data, key.len);
            if (!member || !same(node->entries[i].value, member))
                return false;
        }
        return true;
    }
    return false;
}

/* The operand as a quantity in the unit it has, or the check gives it. */
static bool read_operand(const struct comparison *c, struct quantity *out)
{
    return quantity_of_node(c->operand, c->m->unit, out);
}

static const char *unit_name(enum match_unit unit)
{
    return unit == UNIT_DURATION ? "a duration" : unit == UNIT_BYTES ? "a size" : "a number";
}

/* Three digits may hide the difference: then show everything. */
static enum outcome fails_by_order(const struct comparison *c, struct quantity expected,
                                   struct quantity actual)
{
    struct arena *arena = c->m->arena;
    if (!c->m->explain)
        return FAILS;
    if (!slice_eq(quantity_shown(arena, expected), quantity_shown(arena, actual)) ||
        (expected.amount >= actual.amount && expected.amount <= actual.amount))
        return fails(c);
    struct slice e = quantity_exact(arena, expected), a = quantity_exact(arena, actual);
    return fails_with(c, arena_printf(arena, " (%.*s against %.*s)", SLICE_ARG(a), SLICE_ARG(e)));
}

/* < 0, 0, > 0 as `actual` is less, equal or more; false with `*refused` when there is no order. */
static bool order(const struct comparison *c, struct quantity *expected, struct quantity *actual,
                  int *sign, enum outcome *refused)
{
    if (read_operand(c, expected)) {
        if (!quantity_of_json(c->actual, expected->unit, c->m->unit, actual)) {
            *refused = expected->unit != UNIT_NONE && json_is_number(c->actual)
                           ? unfit(c, "a bare number has no unit: compare it with a bare number")
                           : unfit_type(c, unit_name(expected->unit));
            return false;
        }
        *sign = (actual->amount > expected->amount) - (actual->amount < expected->amount);
        return true;
    }
    if (c->operand->kind == NODE_STRING && json_is_string(c->actual)) {
        *expected = *actual = (struct quantity){0, UNIT_NONE};
        *sign = slice_cmp(jsontext_slice(c->actual), c->operand->string);
        return true;
    }
    *refused = unfit_type(c, c->operand->kind == NODE_STRING ? "a string" : "a number");
    return false;
}

static enum outcome eq_fails(const struct comparison *c)
{
    struct arena *arena = c->m->arena;
    struct slice diff = SLICE("");
    if (!c->m->explain)
        return FAILS;
    if (c->operand->kind == NODE_STRING && json_is_string(c->actual)) {
        struct slice text = jsontext_slice(c->actual);
        if (text.len > DIFF_FROM || c->operand->string.len > DIFF_FROM)
            diff = diff_text(arena, c->operand->string, text);
    } else if (json_is_array(c->actual) || json_is_object(c->actual)) {
        diff = diff_json(arena, node_json(arena, c->operand), c->actual, c->where);
    }
    return fails_with(c, diff.len ? arena_printf(arena, "\n%.*s", SLICE_ARG(diff)) : "");
}

enum outcome compare_eq(const struct comparison *c)
{
    struct quantity expected, actual;
    int sign;
    enum outcome refused;
    if (c->m->unit == UNIT_NONE || !read_operand(c, &expected))
        return same(c->operand, c->actual) ? HOLDS : eq_fails(c);
    if (!order(c, &expected, &actual, &sign, &refused))
        return refused;
    return sign == 0 ? HOLDS : fails_by_order(c, expected, actual);
}

enum outcome compare_ne(const struct comparison *c)
{
    struct quantity expected, actual;
    int sign = 1;
    enum outcome refused;
    if (c->m->unit != UNIT_NONE && read_operand(c, &expected)) {
        if (!order(c, &expected, &actual, &sign, &refused))
            return refused;
        return outcome_of(c, sign != 0);
    }
    return outcome_of(c, !same(c->operand, c->actual));
}

static enum outcome ordered(const struct comparison *c, bool less, bool equal)
{
    struct quantity expected, actual;
    int sign;
    enum outcome refused;
    if (!order(c, &expected, &actual, &sign, &refused))
        return refused;
    bool holds = sign == 0 ? equal : (sign < 0) == less;
    return holds ? HOLDS : fails_by_order(c, expected, actual);
}

enum outcome compare_lt(const struct comparison *c)
{
    return ordered(c, true, false);
}

enum outcome compare_le(const struct comparison *c)
{
    return ordered(c, true, true);
}

enum outcome compare_gt(const struct comparison *c)
{
    return ordered(c, false, false);
}

enum outcome compare_ge(const struct comparison *c)
{
    return ordered(c, false, true);
}

/* --- Nearness --- */

struct tolerance {
    double relative, absolute;
};

static struct tolerance tolerance_of(const struct node *map)
{
    const struct node *rel = node_get(map, "rel"), *abs = node_get(map, "abs");
    return (struct tolerance){node_number(rel, abs ? 0 : NEAR_RELATIVE), node_number(abs, 0)};
}

static enum outcome near(const struct comparison *c, struct tolerance t)
{
    struct quantity expected, actual;
    if (c->operand->kind == NODE_LIST) {
        if (!json_is_array(c->actual))
            return unfit_type(c, "an array");
        if (json_array_size(c->actual) != c->operand->count)
            return fails_with(c, arena_printf(c->m->arena, " (%zu elements against %zu)",
                                              json_array_size(c->actual), c->operand->count));
        for (size_t i = 0; i < c->operand->count; i++) {
            struct comparison element = *c;
            element.operand = c->operand->items[i];
            element.actual = json_array_get(c->actual, i);
            if (c->m->explain)
                element.where = arena_printf(c->m->arena, "%s[%zu]", place_of(c), i);
            enum outcome outcome = near(&element, t);
            if (outcome != HOLDS)
                return outcome;
        }
        return HOLDS;
    }
    if (!quantity_of_node(c->operand, UNIT_NONE, &expected) ||
        !quantity_of_json(c->actual, UNIT_NONE, UNIT_NONE, &actual))
        return unfit_type(c, "a number");
    long double difference = fabsl(actual.amount - expected.amount);
    long double allowed =
        (long double)t.absolute + (long double)t.relative * fabsl(expected.amount);
    if (difference <= allowed)
        return HOLDS;
    if (!c->m->explain)
        return FAILS;
    return fails_with(c, arena_printf(c->m->arena, " (off by %.3Lg, at most %.3Lg is allowed)",
                                      difference, allowed));
}

enum outcome compare_near(const struct comparison *c)
{
    return near(c, tolerance_of(c->map));
}

/* --- Texts --- */

static bool empty(const json_t *value)
{
    return (json_is_string(value) && json_string_length(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0);
}

enum outcome compare_matches(const struct comparison *c)
{
    bool found = false;
    if (!json_is_string(c->actual))
        return unfit_type(c, "a string");
    if (!result_ok(
            regex_matches(c->operand->string, REGEX_PERL, jsontext_slice(c->actual), &found)))
        return impossible(c);
    if (!found && empty(c->actual))
        return no_data(c, "{\"empty\": true}");
    return outcome_of(c, found);
}

/* Whether a text holds the operand or an array has it as an element; UNFIT when it is empty. */
static enum outcome contained(const struct comparison *c)
{
    if (empty(c->actual))
        return no_data(c, "{\"empty\": true}");
    if (json_is_string(c->actual)) {
        if (c->operand->kind != NODE_STRING)
            return unfit(c, "a string can only contain a string");
        return slice_find(jsontext_slice(c->actual), c->operand->string) >= 0 ? HOLDS : FAILS;
    }
    if (!json_is_array(c->actual))
        return unfit_type(c, "a string or an array");
    for (size_t i = 0; i < json_array_size(c->actual); i++)
        if (same(c->operand, json_array_get(c->actual, i)))
            return HOLDS;
    return FAILS;
}

enum outcome compare_contains(const struct comparison *c)
{
    enum outcome found = contained(c);
    return found == FAILS ? fails(c) : found;
}

enum outcome compare_not_contains(const struct comparison *c)
{
    enum outcome found = contained(c);
    if (found == UNFIT)
        return UNFIT;
    if (found == FAILS)
        return HOLDS;
    if (!json_is_string(c->actual) || !c->m->explain)
        return fails(c);
    ptrdiff_t at = slice_find(jsontext_slice(c->actual), c->operand->string);
    size_t before = utf8_length(slice_part(jsontext_slice(c->actual), 0, (size_t)at));
    return fails_with(c, arena_printf(c->m->arena, " (found at character %zu)", before + 1));
}

static enum outcome at_an_end(const struct comparison *c,
                              bool (*has)(struct slice s, struct slice part))
{
    if (!json_is_string(c->actual))
        return unfit_type(c, "a string");
    if (empty(c->actual))
        return no_data(c, "{\"empty\": true}");
    return outcome_of(c, has(jsontext_slice(c->actual), c->operand->string));
}

enum outcome compare_starts(const struct comparison *c)
{
    return at_an_end(c, slice_starts);
}

enum outcome compare_ends(const struct comparison *c)
{
    return at_an_end(c, slice_ends);
}

/* --- Kinds, sets and sizes --- */

enum outcome compare_in(const struct comparison *c)
{
    for (size_t i = 0; i < c->operand->count; i++) {
        struct comparison one = *c;
        one.operand = c->operand->items[i];
        struct quantity expected, actual;
        if (same(one.operand, c->actual))
            return HOLDS;
        if (c->m->unit != UNIT_NONE && read_operand(&one, &expected) &&
            quantity_of_json(c->actual, expected.unit, c->m->unit, &actual) &&
            expected.amount >= actual.amount && expected.amount <= actual.amount)
            return HOLDS;
    }
    return fails(c);
}

static bool is_type(const json_t *value, struct slice type)
{
    const char *actual = jsontext_type(value);
    return slice_is(type, actual) || (slice_is(type, "number") && json_is_number(value));
}

enum outcome compare_type(const struct comparison *c)
{
    bool found = false;
    if (c->operand->kind == NODE_STRING)
        found = is_type(c->actual, c->operand->string);
    else
        for (size_t i = 0; i < c->operand->count; i++)
            found |= is_type(c->actual, c->operand->items[i]->string);
    if (found || !c->m->explain)
        return found ? HOLDS : FAILS;
    return fails_with(
        c, arena_printf(c->m->arena, " (which is of type %s)", jsontext_type(c->actual)));
}

/* Characters, elements or members; false for what has no length. */
static bool length_of(const json_t *value, size_t *length)
{
    if (json_is_string(value))
        *length = utf8_length(jsontext_slice(value));
    else if (json_is_array(value))
        *length = json_array_size(value);
    else if (json_is_object(value))
        *length = json_object_size(value);
    else
        return false;
    return true;
}

enum outcome compare_length(const struct comparison *c)
{
    size_t length;
    if (!length_of(c->actual, &length))
        return unfit_type(c, "a string, an array or an object");
    if (length == 0 && !operators_admit_zero(c->operand))
        return no_data(c, "0 or {\"ge\": 0}");
    DEFER(jsontext_release)
    json_t *number = json_integer((json_int_t)length);
    const char *where =
        c->m->explain ? arena_printf(c->m->arena, "the length of %s", place_of(c)) : "";
    enum match_unit unit = c->m->unit;
    c->m->unit = UNIT_NONE;
    enum outcome outcome = operators_apply(c->m, c->operand, number, where);
    c->m->unit = unit;
    return outcome;
}

enum outcome compare_empty(const struct comparison *c)
{
    size_t length;
    if (!length_of(c->actual, &length))
        return unfit_type(c, "a string, an array or an object");
    return outcome_of(c, (length == 0) == c->operand->boolean);
}

enum outcome compare_exists(const struct comparison *c)
{
    return outcome_of(c, (c->actual != NULL) == c->operand->boolean);
}

/* --- Elements --- */

enum outcome compare_each(const struct comparison *c)
{
    if (!json_is_array(c->actual))
        return unfit_type(c, "an array");
    if (empty(c->actual))
        return no_data(c, "{\"empty\": true}");
    for (size_t i = 0; i < json_array_size(c->actual); i++) {
        const char *where =
            c->m->explain ? arena_printf(c->m->arena, "%s[%zu]", place_of(c), i) : "";
        enum outcome outcome =
            operators_apply(c->m, c->operand, json_array_get(c->actual, i), where);
        if (outcome != HOLDS)
            return outcome;
    }
    return HOLDS;
}

/* Whether one value fits one matcher, with no explanation; a limit that was met is kept. */
static bool fits(struct matching *m, const struct node *matcher, const json_t *value)
{
    struct matching quiet = {.arena = m->arena, .unit = m->unit};
    enum outcome outcome = operators_apply(&quiet, matcher, value, "");
    m->impossible |= quiet.impossible;
    return outcome == HOLDS;
}

enum outcome compare_any(const struct comparison *c)
{
    if (!json_is_array(c->actual))
        return unfit_type(c, "an array");
    if (empty(c->actual))
        return no_data(c, "{\"empty\": true}");
    for (size_t i = 0; i < json_array_size(c->actual); i++)
        if (fits(c->m, c->operand, json_array_get(c->actual, i)))
            return HOLDS;
    if (!c->m->explain)
        return FAILS;
    return fails_with(c,
                      arena_printf(c->m->arena, " (none of %zu does)", json_array_size(c->actual)));
}

/* Kuhn's algorithm: find a partner for `wanted`, moving earlier ones aside when need be. */
struct pairing {
    size_t count;
    const bool *fits; /* [wanted * count + element] */
    bool *tried;      /* of this search, by element */
    size_t *partner;  /* of an element: 1 + the wanted one, or 0 */
};

static bool find_partner(const struct pairing *p, size_t wanted)
{
    for (size_t i = 0; i < p->count; i++) {
        if (!p->fits[wanted * p->count + i] || p->tried[i])
            continue;
        p->tried[i] = true;
        if (p->partner[i] == 0 || find_partner(p, p->partner[i] - 1)) {
            p->partner[i] = wanted + 1;
            return true;
        }
    }
    return false;
}

static enum outcome unordered_fails(const struct comparison *c, const struct pairing *p,
                                    size_t lonely)
{
    if (!c->m->explain)
        return FAILS;
    struct arena *arena = c->m->arena;
    struct slice wanted = operators_short(arena, c->operand->items[lonely], c->m->unit);
    struct text more = text_in(arena);
    text_printf(&more, " (nothing left for element %zu, %.*s; left over: ", lonely + 1,
                SLICE_ARG(wanted));
    for (size_t i = 0; i < p->count; i++) {
        if (p->partner[i])
            continue;
        text_add(&more, comparison_shown(arena, json_array_get(c->actual, i), UNIT_NONE));
        break;
    }
    text_add_byte(&more, ')');
    return fails_with(c, text_str(&more));
}

enum outcome compare_unordered(const struct comparison *c)
{
    size_t n = c->operand->count;
    if (!json_is_array(c->actual))
        return unfit_type(c, "an array");
    if (json_array_size(c->actual) != n)
        return fails_with(c, arena_printf(c->m->arena, " (%zu elements against %zu)",
                                          json_array_size(c->actual), n));
    if (n > UNORDERED_MOST) {
        result_ignore(error_set(ERR_TOO_LARGE, "unordered compares at most %d elements, got %zu",
                                UNORDERED_MOST, n));
        return impossible(c);
    }
    bool *matrix = ARENA_ARRAY(c->m->arena, bool, n *n + 1);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            matrix[i * n + j] = fits(c->m, c->operand->items[i], json_array_get(c->actual, j));
    struct pairing p = {n, matrix, ARENA_ARRAY(c->m->arena, bool, n + 1),
                        ARENA_ARRAY(c->m->arena, size_t, n + 1)};
    for (size_t i = 0; i < n; i++) {
        memset(p.tried, 0, n);
        if (!find_partner(&p, i))
            return unordered_fails(c, &p, i);
    }
    return HOLDS;
}

/* --- Whole matchers --- */

enum outcome compare_schema(const struct comparison *c)
{
    struct schema *schema;
    struct schema_report report;
    struct arena *arena = c->m->arena;
    if (!result_ok(schema_compile(arena, node_json(arena, c->operand), NULL, &schema)) ||
        !result_ok(schema_validate(schema, c->actual, SCHEMA_FAULTS, arena, &report)))
        return impossible(c);
    if (report.valid || !c->m->explain)
        return report.valid ? HOLDS : FAILS;
    struct text t = text_in(arena);
    text_printf(&t, "expected %s to fit the schema, %zu fault%s:", place_of(c),
                report.count + report.more, report.count + report.more == 1 ? "" : "s");
    for (size_t i = 0; i < report.count; i++) {
        const struct schema_fault *f = &report.faults[i];
        text_printf(&t, "\n%.*s: %.*s (%.*s)", SLICE_ARG(f->path), SLICE_ARG(f->text),
                    SLICE_ARG(f->schema));
    }
    if (report.more)
        text_printf(&t, "\n… (%zu more)", report.more);
    explain(c, arena_string(arena, text_shown(arena, text_slice(&t), LIMIT_SHOWN_BYTES)));
    return FAILS;
}

enum outcome compare_not(const struct comparison *c)
{
    struct matching inner = *c->m;
    inner.explain = false;
    switch (operators_apply(&inner, c->operand, c->actual, c->where)) {
    case FAILS:
        return HOLDS;
    case HOLDS:
        return fails(c);
    case UNFIT:
        break;
    }
    /* Explained by the inner matcher: that is where it could not be compared. */
    operators_apply(c->m, c->operand, c->actual, c->where);
    return UNFIT;
}
