/*
 * The keywords that look at one value and apply no subschemas: validation and format.
 */
#include <math.h>

#include "check/regex.h"
#include "check/schema_evaluate.h"
#include "check/schema_format.h"
#include "check/schema_number.h"
#include "core/text.h"

/* ---- type, const, enum ---- */

/* 1.0 is an integer since draft 06; one beyond 64 bits, which is read as a real, always was. */
static bool is_integer(const json_t *value, unsigned draft)
{
    return number_is_integer(value) &&
           (draft != D04 || json_is_integer(value) || fabs(json_real_value(value)) >= 0x1p63);
}

static bool is_of_type(const json_t *value, struct slice type, unsigned draft)
{
    if (slice_is(type, "number"))
        return json_is_number(value);
    if (slice_is(type, "integer"))
        return is_integer(value, draft);
    return !json_is_number(value) && slice_is(type, jsontext_type(value));
}

struct result schema_check_type(struct evaluation *e, const struct schema_keyword *k)
{
    unsigned draft = e->node->resource->draft;
    const json_t *value = e->at->value;
    struct text expected = text_in(e->v->arena);
    if (json_is_string(k->value)) {
        if (!is_of_type(value, jsontext_slice(k->value), draft))
            schema_fault(e, k, "expected %s, got %s", json_string_value(k->value),
                         schema_shown(e, value));
        return RESULT_OK;
    }
    for (size_t i = 0; i < json_array_size(k->value); i++)
        if (is_of_type(value, jsontext_slice(json_array_get(k->value, i)), draft))
            return RESULT_OK;
    for (size_t i = 0; i < json_array_size(k->value); i++)
        text_printf(&expected, "%s%s", i ? " or " : "",
                    json_string_value(json_array_get(k->value, i)));
    schema_fault(e, k, "expected %s, got %s", text_str(&expected), schema_shown(e, value));
    return RESULT_OK;
}

struct result schema_check_const(struct evaluation *e, const struct schema_keyword *k)
{
    if (!jsontext_equal(e->at->value, k->value))
        schema_fault(e, k, "expected %s, got %s", schema_shown(e, k->value),
                     schema_shown(e, e->at->value));
    return RESULT_OK;
}

struct result schema_check_enum(struct evaluation *e, const struct schema_keyword *k)
{
    for (size_t i = 0; i < json_array_size(k->value); i++)
        if (jsontext_equal(e->at->value, json_array_get(k->value, i)))
            return RESULT_OK;
    schema_fault(e, k, "expected one of %s, got %s", schema_shown(e, k->value),
                 schema_shown(e, e->at->value));
    return RESULT_OK;
}

/* ---- numbers ---- */

struct result schema_check_bound(struct evaluation *e, const struct schema_keyword *k)
{
    if (!json_is_number(e->at->value))
        return RESULT_OK;
    enum keyword_id id = k->kind->id;
    bool lower = id == KEYWORD_MINIMUM || id == KEYWORD_EXCLUSIVE_MINIMUM;
    /* In draft 04 the exclusive ones are flags beside the bound. */
    const struct schema_keyword *flag = schema_sibling(
        e->node, lower ? KEYWORD_EXCLUSIVE_MINIMUM_04 : KEYWORD_EXCLUSIVE_MAXIMUM_04);
    bool exclusive = id == KEYWORD_EXCLUSIVE_MINIMUM || id == KEYWORD_EXCLUSIVE_MAXIMUM ||
                     (flag && json_is_true(flag->value));
    int order = number_compare(e->at->value, k->value) * (lower ? 1 : -1);
    if (order > 0 || (order == 0 && !exclusive))
        return RESULT_OK;
    const char *relation =
        exclusive ? (lower ? "more than" : "less than") : (lower ? "at least" : "at most");
    schema_fault(e, k, "expected %s %s, got %s", relation, schema_shown(e, k->value),
                 schema_shown(e, e->at->value));
    return RESULT_OK;
}

struct result schema_check_multiple(struct evaluation *e, const struct schema_keyword *k)
{
    if (json_is_number(e->at->value) && !number_is_multiple(e->at->value, k->value))
        schema_fault(e, k, "expected a multiple of %s, got %s", schema_shown(e, k->value),
                     schema_shown(e, e->at->value));
    return RESULT_OK;
}

/* ---- sizes ---- */

/* Which keyword counts what of which type. */
static const struct counted {
    json_type type;
    bool least;
    const char *unit;
} counted[KEYWORD_COUNT] = {
    [KEYWORD_MIN_LENGTH] = {JSON_STRING, true, "characters"},
    [KEYWORD_MAX_LENGTH] = {JSON_STRING, false, "characters"},
    [KEYWORD_MIN_ITEMS] = {JSON_ARRAY, true, "items"},
    [KEYWORD_MAX_ITEMS] = {JSON_ARRAY, false, "items"},
    [KEYWORD_MIN_PROPERTIES] = {JSON_OBJECT, true, "properties"},
    [KEYWORD_MAX_PROPERTIES] = {JSON_OBJECT, false, "properties"},
};

struct result schema_check_size(struct evaluation *e, const struct schema_keyword *k)
{
    const struct counted *c = &counted[k->kind->id];
    const json_t *value = e->at->value;
    if (json_typeof(value) != c->type)
        return RESULT_OK;
    size_t size = c->type == JSON_STRING  ? utf8_length(jsontext_slice(value))
                  : c->type == JSON_ARRAY ? json_array_size(value)
                                          : json_object_size(value);
    size_t limit = number_count(k->value);
    if (c->least ? size < limit : size > limit)
        schema_fault(e, k, "expected at %s %zu %s, got %zu", c->least ? "least" : "most", limit,
                     c->unit, size);
    return RESULT_OK;
}

/* ---- strings ---- */

struct result schema_check_pattern(struct evaluation *e, const struct schema_keyword *k)
{
    bool found = true;
    if (!json_is_string(e->at->value))
        return RESULT_OK;
    TRY(regex_matches(jsontext_slice(k->value), REGEX_ECMA, jsontext_slice(e->at->value), &found));
    if (!found)
        schema_fault(e, k, "expected a match of %s, got %s", json_string_value(k->value),
                     schema_shown(e, e->at->value));
    return RESULT_OK;
}

struct result schema_check_format(struct evaluation *e, const struct schema_keyword *k)
{
    bool valid = true;
    if (!e->node->resource->assert_formats || !json_is_string(e->at->value))
        return RESULT_OK;
    TRY(format_matches(jsontext_slice(k->value), jsontext_slice(e->at->value), &valid));
    if (!valid)
        schema_fault(e, k, "expected a string in the format %s, got %s",
                     json_string_value(k->value), schema_shown(e, e->at->value));
    return RESULT_OK;
}

/* ---- arrays and objects ---- */

/* Equal values have equal hashes, whatever the order of keys and the form of numbers. */
static uint64_t hash_value(const json_t *value)
{
    uint64_t hash = (uint64_t)json_typeof(value);
    if (json_is_number(value)) {
        double number = json_number_value(value);
        return slice_hash(slice_of((const char *)&(double){number + 0.0}, sizeof number));
    }
    if (json_is_string(value))
        return slice_hash(jsontext_slice(value));
    for (size_t i = 0; i < json_array_size(value); i++)
        hash = hash * 31 + hash_value(json_array_get(value, i));
    if (json_is_object(value)) {
        json_t *members = (json_t *)(uintptr_t)value; /* iterating does not change it */
        for (void *it = json_object_iter(members); it; it = json_object_iter_next(members, it))
            hash += slice_hash(slice_str(json_object_iter_key(it))) *
                    (hash_value(json_object_iter_value(it)) | 1);
    }
    return hash;
}

struct hashed {
    uint64_t hash;
    size_t index;
};

static int by_hash(const void *a, const void *b)
{
    const struct hashed *x = a, *y = b;
    int order = (x->hash > y->hash) - (x->hash < y->hash);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

struct result schema_check_unique(struct evaluation *e, const struct schema_keyword *k)
{
    const json_t *array = e->at->value;
    size_t n = json_array_size(array);
    if (!json_is_true(k->value) || n < 2)
        return RESULT_OK;
    struct hashed *sorted = ARENA_ARRAY(e->v->arena, struct hashed, n);
    for (size_t i = 0; i < n; i++)
        sorted[i] = (struct hashed){hash_value(json_array_get(array, i)), i};
    qsort(sorted, n, sizeof *sorted, by_hash);
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n && sorted[j].hash == sorted[i].hash; j++) {
            size_t first = sorted[i].index, second = sorted[j].index;
            if (!jsontext_equal(json_array_get(array, first), json_array_get(array, second)))
                continue;
            schema_fault(e, k, "expected different items, got %s at both %zu and %zu",
                         schema_shown(e, json_array_get(array, first)), first, second);
            return RESULT_OK;
        }
    return RESULT_OK;
}

struct result schema_check_required(struct evaluation *e, const struct schema_keyword *k)
{
    if (!json_is_object(e->at->value))
        return RESULT_OK;
    for (size_t i = 0; i < json_array_size(k->value); i++) {
        const char *name = json_string_value(json_array_get(k->value, i));
        if (!json_object_get(e->at->value, name))
            schema_fault(e, k, "the property \"%s\" is missing", name);
    }
    return RESULT_OK;
}
