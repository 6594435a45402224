/*
 * Matchers: from a matcher and a value to a verdict, and the shapes matchers have. The operators
 * themselves are in comparison.c.
 */
#include "check/match.h"

#include <math.h>

#include "check/operators.h"
#include "check/quantity.h"
#include "core/limits.h"
#include "core/text.h"

static void explain(struct verdict *v, const struct matching *m)
{
    v->impossible = m->impossible;
    v->expected = text_shown(m->arena, m->expected, LIMIT_SHOWN_BYTES);
    v->actual = text_shown(m->arena, m->actual, LIMIT_SHOWN_BYTES);
    v->message = m->message;
}

void match(struct verdicts *out, const char *check, const struct node *matcher,
           const json_t *actual, const char *where, enum match_unit unit)
{
    struct matching m = {.arena = out->arena, .unit = unit};
    if (operators_apply(&m, matcher, actual, where) == HOLDS) {
        verdict_add(out, check, matcher->at, true);
        return;
    }
    m.explain = true;
    operators_apply(&m, matcher, actual, where);
    explain(verdict_add(out, check, matcher->at, false), &m);
}

void match_or_absent(struct verdicts *out, const char *check, const struct node *matcher,
                     const json_t *actual, const char *where)
{
    if (matcher->kind != NODE_NULL || json_is_null(actual)) {
        match(out, check, matcher, actual, where, UNIT_NONE);
        return;
    }
    struct node absent = {.kind = NODE_BOOL, .at = matcher->at, .boolean = false};
    struct node_entry exists = {.key = SLICE("exists"), .value = &absent};
    struct node map = {.kind = NODE_MAP, .at = matcher->at, .count = 1, .entries = &exists};
    match(out, check, &map, actual, where, UNIT_NONE);
}

static void no_data(struct verdicts *out, const char *check, const struct node *matcher,
                    const char *where, const char *what, const char *remedy)
{
    struct slice wanted = operators_sentence(out->arena, matcher, UNIT_NONE);
    verdict_no_data(out, check, matcher->at, operators_short(out->arena, matcher, UNIT_NONE),
                    arena_printf(out->arena,
                                 "expected %s %.*s, but %s (no data: if that is right, say so with "
                                 "%s)",
                                 where, SLICE_ARG(wanted), what, remedy));
}

void match_text(struct verdicts *out, const char *check, const struct node *matcher,
                struct slice actual, const char *where)
{
    if (actual.len == 0 && !operators_admit_empty(matcher)) {
        no_data(out, check, matcher, where, "it is empty", "{\"empty\": true}");
        return;
    }
    match(out, check, matcher, jsontext_string(out->arena, actual), where, UNIT_NONE);
}

void match_number(struct verdicts *out, const char *check, const struct node *matcher,
                  double actual, const char *where, enum match_unit unit)
{
    DEFER(jsontext_release)
    json_t *value = isfinite(actual) ? json_real(actual) : NULL;
    match(out, check, matcher, value, where, unit);
}

void match_integer(struct verdicts *out, const char *check, const struct node *matcher,
                   int64_t actual, const char *where, enum match_unit unit)
{
    DEFER(jsontext_release)
    json_t *value = json_integer(actual);
    match(out, check, matcher, value, where, unit);
}

void match_count(struct verdicts *out, const char *check, const struct node *matcher, size_t actual,
                 const char *where, enum match_unit unit)
{
    if (actual == 0 && !operators_admit_zero(matcher))
        no_data(out, check, matcher, where, "there is none", "0 or {\"ge\": 0}");
    else
        match_integer(out, check, matcher, (int64_t)actual, where, unit);
}

bool match_holds(struct arena *arena, const struct node *matcher, const json_t *actual,
                 enum match_unit unit)
{
    struct matching m = {.arena = arena, .unit = unit};
    return operators_apply(&m, matcher, actual, "") == HOLDS;
}

bool match_wants_number(const struct node *matcher)
{
    struct short_form form;
    if (matcher->kind == NODE_STRING)
        return quantity_short_form(matcher->string, &form) && form.operand.kind != NODE_STRING;
    if (matcher->kind != NODE_MAP)
        return matcher->kind == NODE_INTEGER || matcher->kind == NODE_REAL;
    for (size_t i = 0; i < matcher->count; i++)
        if (match_wants_number(matcher->entries[i].value) &&
            !slice_is(matcher->entries[i].key, "length"))
            return true;
    return false;
}

/* --- Shapes --- */

static const struct field *const any_fields[] = {operator_fields, NULL};
static const struct shape operators = {
    .name = "matcher",
    .kind = SHAPE_OBJECT,
    .fields = any_fields,
    .check = operators_check,
    .help = "A map in the place of a matcher holds operators, which must all hold; an object to be "
            "compared as a whole is written {\"eq\": {…}}.",
};
static const struct shape *const matcher_either[] = {&operators, &shape_any, NULL};
const struct shape shape_matcher = {
    .kind = SHAPE_EITHER,
    .either = matcher_either,
    .help = "a literal (equals), a short form such as \"<500ms\", or a map of operators",
};

/* A short form with an operand of this unit, and no other text. */
static void check_short_form(const struct node *node, struct diagnostics *d, enum match_unit unit,
                             const char *wanted)
{
    struct short_form form;
    struct quantity q;
    if (!quantity_short_form(node->string, &form) ||
        (form.operand.kind == NODE_STRING ? !quantity_of_node(&form.operand, unit, &q)
                                          : unit == UNIT_DURATION))
        diagnose(d, node->at, "expected %s, got \"%.*s\"", wanted, SLICE_ARG(node->string));
}

static void check_number_form(const struct node *node, struct diagnostics *d)
{
    struct short_form form;
    if (!quantity_short_form(node->string, &form) || form.operand.kind == NODE_STRING)
        diagnose(d, node->at, "expected a comparison such as \">=0.8\", got \"%.*s\"",
                 SLICE_ARG(node->string));
}

static void check_duration_form(const struct node *node, struct diagnostics *d)
{
    check_short_form(node, d, UNIT_DURATION, "a comparison such as \"<500ms\"");
}

static void check_size_form(const struct node *node, struct diagnostics *d)
{
    check_short_form(node, d, UNIT_BYTES, "a comparison such as \"<64MiB\"");
}

/* The operators of a quantity whose operands have the shape `of`. */
#define QUANTITY_FIELDS(of, list)                                                                  \
    {"eq", &(of), false, "Equals.", NULL}, {"ne", &(of), false, "Does not equal.", NULL},          \
        {"lt", &(of), false, "Less than.", NULL}, {"le", &(of), false, "At most.", NULL},          \
        {"gt", &(of), false, "More than.", NULL}, {"ge", &(of), false, "At least.", NULL},         \
    {                                                                                              \
        "in", &(list), false, "Equals one of these.", NULL                                         \
    }

static const struct shape number = {.kind = SHAPE_NUMBER};
static const struct shape numbers = {.kind = SHAPE_LIST, .of = &number, .min = 1};
static const struct shape tolerance = {.kind = SHAPE_NUMBER, .min = 0, .max = INFINITY};
const struct field number_operators[] = {
    QUANTITY_FIELDS(number, numbers),
    {"near", &number, false, "Within `abs` + `rel` × |expected|; without both, `rel` is 1e-6.",
     NULL},
    {"rel", &tolerance, false, "With `near`: allowed difference per unit of the expected.", NULL},
    {"abs", &tolerance, false, "With `near`: allowed difference.", NULL},
    {"not", &shape_number_matcher, false, "Does not hold.", NULL},
    {NULL},
};
static const struct field *const number_fields[] = {number_operators, NULL};
static const struct shape number_map = {.name = "number matcher",
                                        .kind = SHAPE_OBJECT,
                                        .fields = number_fields,
                                        .check = operators_check};
const struct shape shape_number_form = {.kind = SHAPE_STRING,
                                        .min = 1,
                                        .check = check_number_form,
                                        .help = "a comparison such as \">=0.8\""};
static const struct shape *const number_either[] = {&number_map, &number, &shape_number_form, NULL};
const struct shape shape_number_matcher = {.kind = SHAPE_EITHER, .either = number_either};

static const struct shape durations = {.kind = SHAPE_LIST, .of = &shape_duration, .min = 1};
static const struct field duration_operators[] = {
    QUANTITY_FIELDS(shape_duration, durations),
    {"not", &shape_duration_matcher, false, "Does not hold.", NULL},
    {NULL},
};
static const struct field *const duration_fields[] = {duration_operators, NULL};
static const struct shape duration_map = {.name = "duration matcher",
                                          .kind = SHAPE_OBJECT,
                                          .fields = duration_fields,
                                          .check = operators_check};
static const struct shape duration_form = {.kind = SHAPE_STRING,
                                           .min = 1,
                                           .check = check_duration_form,
                                           .help = "a comparison such as \"<500ms\""};
static const struct shape *const duration_either[] = {&duration_map, &duration_form, NULL};
const struct shape shape_duration_matcher = {.kind = SHAPE_EITHER, .either = duration_either};

static const struct shape sizes = {.kind = SHAPE_LIST, .of = &shape_size, .min = 1};
static const struct field size_operators[] = {
    QUANTITY_FIELDS(shape_size, sizes),
    {"not", &shape_size_matcher, false, "Does not hold.", NULL},
    {NULL},
};
static const struct field *const size_fields[] = {size_operators, NULL};
static const struct shape size_map = {
    .name = "size matcher", .kind = SHAPE_OBJECT, .fields = size_fields, .check = operators_check};
static const struct shape bytes = {.kind = SHAPE_INTEGER, .min = 0, .max = INFINITY};
static const struct shape size_form = {.kind = SHAPE_STRING,
                                       .min = 1,
                                       .check = check_size_form,
                                       .help = "a comparison such as \"<64MiB\""};
static const struct shape *const size_either[] = {&size_map, &bytes, &size_form, NULL};
const struct shape shape_size_matcher = {.kind = SHAPE_EITHER, .either = size_either};
