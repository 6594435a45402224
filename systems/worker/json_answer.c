/*
 * Values out of schemas. Schemas of clients have tens of nodes, so nothing here is compiled.
 */
#include "json_answer.h"

#include <math.h>

#include "core/limits.h"

/* Deeper than that, optional properties are left out and lists are as short as they may be. */
#define GENEROUS_DEPTH 5

struct maker {
    struct arena *arena;
    const json_t *root;
    struct random *random;
    int depth;
    size_t values;
};

/* Keywords that decide what is valid, and those that only describe or hold other schemas. */
static const char *const deciding[] = {
    "type",      "properties", "required",         "additionalProperties",
    "items",     "minItems",   "maxItems",         "enum",
    "const",     "minimum",    "maximum",          "exclusiveMinimum",
    "minLength", "maxLength",  "exclusiveMaximum", "anyOf",
    "$ref",      NULL,
};
static const char *const describing[] = {
    "$defs",   "definitions", "title",      "description", "default",   "examples", "strict",
    "$schema", "$comment",    "deprecated", "readOnly",    "writeOnly", NULL,
};

static struct result make(struct maker *m, const json_t *schema, json_t **out);

/* Those whose value is a number in every draft we answer for. */
static const char *const numeric[] = {"minimum",          "maximum",   "exclusiveMinimum",
                                      "exclusiveMaximum", "minItems",  "maxItems",
                                      "minLength",        "maxLength", NULL};

static bool is_among(const char *word, const char *const *list)
{
    while (*list && !slice_is(slice_str(word), *list))
        list++;
    return *list != NULL;
}

/* Every keyword is known; and beside `alone`, when it is not NULL, none decides but `type`. */
static struct result check_keywords(const json_t *schema, const char *alone)
{
    void *at = json_object_iter((json_t *)(uintptr_t)schema);
    for (; at; at = json_object_iter_next((json_t *)(uintptr_t)schema, at)) {
        const char *key = json_object_iter_key(at);
        bool decides = is_among(key, deciding);
        ENSURE(decides || is_among(key, describing), ERR_UNSUPPORTED,
               "the schema keyword '%s' is not supported", key);
        ENSURE(!is_among(key, numeric) || json_is_number(json_object_iter_value(at)), ERR_VALUE,
               "the schema keyword '%s' is no number", key);
        bool fits = !alone || !decides || slice_is(slice_str(key), alone) ||
                    slice_is(slice_str(key), "type");
        ENSURE(fits, ERR_UNSUPPORTED, "the schema keyword '%s' beside '%s' is not supported", key,
               alone);
    }
    return RESULT_OK;
}

/* ---- references ---- */

/* A JSON pointer of RFC 6901 with the escapes ~0 and ~1. */
static const json_t *pointed(struct maker *m, struct slice pointer)
{
    const json_t *at = m->root;
    struct slice part;
    while (at && slice_split(&pointer, '/', &part)) {
        char *name = arena_alloc(m->arena, part.len + 1);
        size_t len = 0;
        for (size_t i = 0; i < part.len; i++) {
            bool escape = part.data[i] == '~' && i + 1 < part.len;
            name[len++] = !escape ? part.data[i] : part.data[++i] == '1' ? '/' : '~';
        }
        at = json_object_getn(at, name, len);
    }
    return at;
}

static struct result make_reference(struct maker *m, struct slice reference, json_t **out)
{
    const json_t *target = NULL;
    if (slice_is(reference, "#"))
        target = m->root;
    else if (slice_starts(reference, SLICE("#/")))
        target = pointed(m, slice_from(reference, 2));
    ENSURE(target, ERR_VALUE, "the schema has no '%.*s'", SLICE_ARG(reference));
    return make(m, target, out);
}

/* ---- numbers ---- */

static bool number_of(const json_t *schema, const char *key, double *out)
{
    const json_t *value = json_object_get(schema, key);
    if (json_is_number(value))
        *out = json_number_value(value);
    return json_is_number(value);
}

static struct result make_integer(struct maker *m, const json_t *schema, json_t **out)
{
    double low = -INFINITY, high = INFINITY, bound;
    if (number_of(schema, "minimum", &bound))
        low = ceil(bound);
    if (number_of(schema, "exclusiveMinimum", &bound))
        low = fmax(low, floor(bound) + 1);
    if (number_of(schema, "maximum", &bound))
        high = floor(bound);
    if (number_of(schema, "exclusiveMaximum", &bound))
        high = fmin(high, ceil(bound) - 1);
    if (low == -INFINITY)
        low = fmin(1, high);
    high = fmin(high, low + 99);
    ENSURE(low <= high && fabs(low) < 0x1p53 && fabs(high) < 0x1p53, ERR_VALUE,
           "the schema allows no whole number that can be written");
    *out = json_integer(random_between(m->random, (int64_t)low, (int64_t)high));
    return RESULT_OK;
}

static struct result make_number(struct maker *m, const json_t *schema, json_t **out)
{
    double low = -INFINITY, high = INFINITY, above = -INFINITY, below = INFINITY;
    (void)number_of(schema, "minimum", &low);
    (void)number_of(schema, "maximum", &high);
    (void)number_of(schema, "exclusiveMinimum", &above);
    (void)number_of(schema, "exclusiveMaximum", &below);
    double from = fmax(low, above), to = fmin(high, below);
    if (from == -INFINITY)
        from = to == INFINITY ? 0 : to - 100;
    if (to == INFINITY)
        to = from + 100;
    double value = from + (to - from) * (double)random_between(m->random, 1, 63) / 64;
    if (from == to)
        value = from;
    ENSURE(from <= to && value > above && value < below && isfinite(value), ERR_VALUE,
           "the schema allows no number that can be written");
    *out = json_real(value);
    return RESULT_OK;
}

/* ---- strings, lists, objects ---- */

/* A bound on a count: a whole number, or what it is without one. */
static size_t count_of(const json_t *schema, const char *key, size_t otherwise)
{
    double value;
    if (!number_of(schema, key, &value))
        return otherwise;
    return value <= 0 ? 0 : value > 1e9 ? (size_t)1e9 : (size_t)value;
}

static struct result make_string(struct maker *m, const json_t *schema, json_t **out)
{
    static const char *const words[] = {"north", "river", "seven", "amber",
                                        "cloud", "stone", "early", "green"};
    size_t min = count_of(schema, "minLength", 0), max = count_of(schema, "maxLength", SIZE_MAX);
    ENSURE(min <= max, ERR_VALUE, "minLength is above maxLength");
    ENSURE(min <= JSON_ANSWER_VALUES_MAX, ERR_VALUE, "minLength %zu is more than %d", min,
           JSON_ANSWER_VALUES_MAX);
    size_t length = min > 5 ? min : max < 5 ? max : 5;
    char *text = arena_alloc(m->arena, length + 1);
    const char *word = words[random_next(m->random) % 8];
    for (size_t i = 0; i < length; i++)
        text[i] = word[i % 5];
    *out = json_stringn(text, length);
    return RESULT_OK;
}

static struct result make_list(struct maker *m, const json_t *schema, json_t **out)
{
    size_t min = count_of(schema, "minItems", 0), max = count_of(schema, "maxItems", SIZE_MAX);
    ENSURE(min <= max, ERR_VALUE, "minItems is above maxItems");
    const json_t *items = json_object_get(schema, "items");
    size_t wanted = m->depth > GENEROUS_DEPTH || json_is_false(items) ? 0 : m->depth > 2 ? 1 : 2;
    size_t count = wanted < min ? min : wanted > max ? max : wanted;
    json_t *list = jsontext_keep(m->arena, json_array());
    for (size_t i = 0; i < count; i++) {
        json_t *item = NULL;
        TRY(make(m, items, &item));
        json_array_append_new(list, item);
    }
    *out = json_incref(list);
    return RESULT_OK;
}

static bool is_required(const json_t *schema, const char *name)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(schema, "required"), i, item)
    {
        if (json_is_string(item) && slice_is(jsontext_slice(item), name))
            return true;
    }
    return false;
}

static struct result make_object(struct maker *m, const json_t *schema, json_t **out)
{
    json_t *object = jsontext_keep(m->arena, json_object());
    json_t *properties = json_object_get(schema, "properties");
    const char *name;
    json_t *of, *value = NULL;
    json_object_foreach(properties, name, of)
    {
        bool optional = !is_required(schema, name);
        if (optional && (m->depth > GENEROUS_DEPTH || json_is_false(of)))
            continue;
        TRY(make(m, of, &value));
        json_object_set_new(object, name, value);
    }
    size_t i;
    json_t *required;
    const json_t *others = json_object_get(schema, "additionalProperties");
    json_array_foreach(json_object_get(schema, "required"), i, required)
    {
        if (!json_is_string(required) || json_object_get(object, json_string_value(required)))
            continue;
        TRY(make(m, others, &value));
        json_object_set_new(object, json_string_value(required), value);
    }
    *out = json_incref(object);
    return RESULT_OK;
}

/* ---- any value ---- */

static struct result make_type(struct maker *m, struct slice type, const json_t *schema,
                               json_t **out)
{
    static const struct {
        const char *name;
        struct result (*make)(struct maker *m, const json_t *schema, json_t **out);
    } makers[] = {
        {"object", make_object},   {"array", make_list},    {"string", make_string},
        {"integer", make_integer}, {"number", make_number},
    };
    for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++)
        if (slice_is(type, makers[i].name))
            return makers[i].make(m, schema, out);
    if (slice_is(type, "boolean"))
        *out = json_boolean(random_next(m->random) & 1);
    else if (slice_is(type, "null"))
        *out = json_null();
    else
        return error_set(ERR_VALUE, "the schema has the unknown type '%.*s'", SLICE_ARG(type));
    return RESULT_OK;
}

/* The type a schema without `type` is about. */
static struct slice implied_type(const json_t *schema)
{
    static const struct {
        const char *keyword, *type;
    } implied[] = {
        {"properties", "object"},       {"required", "object"},         {"items", "array"},
        {"minItems", "array"},          {"minimum", "number"},          {"maximum", "number"},
        {"exclusiveMinimum", "number"}, {"exclusiveMaximum", "number"},
    };
    for (size_t i = 0; i < sizeof(implied) / sizeof(implied[0]); i++)
        if (json_object_get(schema, implied[i].keyword))
            return slice_str(implied[i].type);
    return SLICE("string");
}

/* A union: the first member deep down, where the recursion has to end by its own alternatives. */
static struct result make_any_of(struct maker *m, const json_t *members, json_t **out)
{
    size_t count = json_array_size(members);
    ENSURE(count, ERR_VALUE, "anyOf is empty");
    size_t first = m->depth > GENEROUS_DEPTH ? count - 1 : random_next(m->random) % count;
    struct result made = {ERR_VALUE};
    for (size_t i = 0; i < count && made.code == ERR_VALUE; i++)
        made = make(m, json_array_get(members, (first + i) % count), out);
    return made;
}

static bool has_type(const json_t *value, const json_t *type)
{
    struct slice is = slice_str(jsontext_type(value));
    bool whole = slice_is(is, "integer");
    if (!type)
        return true;
    for (size_t i = 0; json_is_array(type) && i < json_array_size(type); i++)
        if (has_type(value, json_array_get(type, i)))
            return true;
    return json_is_string(type) && (slice_eq(jsontext_slice(type), is) ||
                                    (whole && slice_is(jsontext_slice(type), "number")));
}

/* One of the values listed, the first from a random place on that has the type. */
static struct result pick(struct maker *m, const json_t *values, const json_t *type, json_t **out)
{
    size_t count = json_array_size(values), first = count ? random_next(m->random) % count : 0;
    for (size_t i = 0; i < count; i++) {
        json_t *value = json_array_get(values, (first + i) % count);
        if (has_type(value, type)) {
            *out = json_incref(value);
            return RESULT_OK;
        }
    }
    return error_set(ERR_VALUE, "the schema lists no value of its type");
}

static struct result choose(struct maker *m, const json_t *schema, json_t **out)
{
    static const char *const whole[] = {"const", "enum", "$ref", "anyOf"};
    const json_t *type = json_object_get(schema, "type"), *value;
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
        if (!(value = json_object_get(schema, whole[i])))
            continue;
        TRY(check_keywords(schema, whole[i]));
        if (slice_is(slice_str(whole[i]), "const")) {
            json_t *list = jsontext_keep(m->arena, json_pack("[O]", value));
            return pick(m, list, type, out);
        }
        if (json_is_array(value) && whole[i][0] == 'e')
            return pick(m, value, type, out);
        if (json_is_array(value))
            return make_any_of(m, value, out);
        ENSURE(json_is_string(value), ERR_VALUE, "the schema keyword '%s' has the wrong type",
               whole[i]);
        return make_reference(m, jsontext_slice(value), out);
    }
    if (json_is_array(type))
        type = json_array_get(type, 0);
    ENSURE(!type || json_is_string(type), ERR_VALUE, "the schema's type is no name of a type");
    return make_type(m, type ? jsontext_slice(type) : implied_type(schema), schema, out);
}

static struct result make(struct maker *m, const json_t *schema, json_t **out)
{
    ENSURE(++m->values <= JSON_ANSWER_VALUES_MAX, ERR_TOO_LARGE,
           "the schema asks for more than %d values", JSON_ANSWER_VALUES_MAX);
    ENSURE(m->depth < LIMIT_DEPTH / 2, ERR_TOO_LARGE, "the schema recurses without end");
    ENSURE(!json_is_false(schema), ERR_VALUE, "the schema is false: it allows nothing");
    if (!schema || json_is_true(schema)) {
        *out = json_string("anything");
        return RESULT_OK;
    }
    ENSURE(json_is_object(schema), ERR_VALUE, "a schema is an object, got %s",
           jsontext_type(schema));
    TRY(check_keywords(schema, NULL));
    m->depth++;
    struct result made = choose(m, schema, out);
    m->depth--;
    return made;
}

struct result json_answer(struct arena *arena, const json_t *schema, struct random *random,
                          struct slice *out)
{
    struct maker m = {.arena = arena, .root = schema, .random = random};
    json_t *value = NULL;
    TRY(make(&m, schema, &value));
    *out = jsontext_write(arena, jsontext_keep(arena, value));
    return RESULT_OK;
}
