/*
 * The shapes of keywords' values: a wrong schema is told at once, where it is wrong, rather than by
 * instances that mysteriously pass.
 */
#include "check/schema_shape.h"

#include "check/regex.h"
#include "check/schema_number.h"
#include "core/text.h"

static const char *const type_names[] = {"null",   "boolean", "integer", "number",
                                         "string", "array",   "object",  NULL};

static bool is_type_name(const json_t *value)
{
    for (size_t i = 0; type_names[i]; i++)
        if (json_is_string(value) && slice_is(jsontext_slice(value), type_names[i]))
            return true;
    return false;
}

static bool is_schema(const json_t *value)
{
    return json_is_object(value) || json_is_boolean(value);
}

static bool is_count(const json_t *value)
{
    return json_is_number(value) && number_is_integer(value) && json_number_value(value) >= 0;
}

static bool all(const json_t *array, bool (*is)(const json_t *element))
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (!is(json_array_get(array, i)))
            return false;
    return json_is_array(array);
}

static bool is_string(const json_t *value)
{
    return json_is_string(value);
}

static bool is_strings(const json_t *value)
{
    return all(value, is_string);
}

static bool is_schema_or_strings(const json_t *value)
{
    return is_schema(value) || is_strings(value);
}

static bool is_map(const json_t *object, bool (*is)(const json_t *member))
{
    json_t *members = (json_t *)(uintptr_t)object; /* iterating does not change it */
    for (void *it = json_object_iter(members); it; it = json_object_iter_next(members, it))
        if (!is(json_object_iter_value(it)))
            return false;
    return json_is_object(object);
}

static bool fits(enum keyword_shape shape, const json_t *value)
{
    switch (shape) {
    case SHAPE_ANY:
        return true;
    case SHAPE_BOOLEAN:
        return json_is_boolean(value);
    case SHAPE_NUMBER:
        return json_is_number(value);
    case SHAPE_POSITIVE:
        return json_is_number(value) && json_number_value(value) > 0;
    case SHAPE_COUNT:
        return is_count(value);
    case SHAPE_STRING:
    case SHAPE_PATTERN:
    case SHAPE_REFERENCE:
        return json_is_string(value);
    case SHAPE_STRINGS:
        return is_strings(value);
    case SHAPE_TYPE:
        return is_type_name(value) || (all(value, is_type_name) && json_array_size(value) > 0);
    case SHAPE_LIST:
        return json_is_array(value);
    case SHAPE_SCHEMA:
        return is_schema(value);
    case SHAPE_SCHEMAS:
        return all(value, is_schema) && json_array_size(value) > 0;
    case SHAPE_SCHEMA_OR_LIST:
        return is_schema(value) || all(value, is_schema);
    case SHAPE_SCHEMA_MAP:
    case SHAPE_PATTERN_MAP:
        return is_map(value, is_schema);
    case SHAPE_STRINGS_MAP:
        return is_map(value, is_strings);
    case SHAPE_DEPENDENCIES:
        break;
    }
    return is_map(value, is_schema_or_strings);
}

static const char *const wanted[] = {
    [SHAPE_ANY] = "any value",
    [SHAPE_BOOLEAN] = "true or false",
    [SHAPE_NUMBER] = "a number",
    [SHAPE_POSITIVE] = "a number greater than 0",
    [SHAPE_COUNT] = "a whole number of 0 or more",
    [SHAPE_STRING] = "a string",
    [SHAPE_PATTERN] = "a regular expression in a string",
    [SHAPE_STRINGS] = "an array of strings",
    [SHAPE_TYPE] = "null, boolean, integer, number, string, array or object, or an array of these",
    [SHAPE_LIST] = "an array",
    [SHAPE_REFERENCE] = "a URI reference in a string",
    [SHAPE_SCHEMA] = "a schema (an object, true or false)",
    [SHAPE_SCHEMAS] = "an array of at least one schema",
    [SHAPE_SCHEMA_OR_LIST] = "a schema or an array of schemas",
    [SHAPE_SCHEMA_MAP] = "an object of schemas",
    [SHAPE_PATTERN_MAP] = "an object of schemas",
    [SHAPE_STRINGS_MAP] = "an object of arrays of strings",
    [SHAPE_DEPENDENCIES] = "an object of schemas and arrays of strings",
};

/* An unknown type of a similar name, else "". */
static const char *hint(struct arena *arena, enum keyword_shape shape, const json_t *value)
{
    const char *near = shape == SHAPE_TYPE && json_is_string(value)
                           ? slice_nearest(jsontext_slice(value), type_names)
                           : NULL;
    return near ? arena_printf(arena, "; did you mean \"%s\"?", near) : "";
}

static struct result check_pattern(struct arena *arena, struct slice pattern,
                                   const struct keyword_kind *kind, struct slice location)
{
    if (result_ok(regex_check(pattern, REGEX_ECMA)))
        return RESULT_OK;
    const char *why = arena_string(arena, slice_str(error_last()->text));
    return error_set(ERR_VALUE, "%.*s/%s: %s", SLICE_ARG(location), kind->name, why);
}

struct result schema_shape_check(struct arena *arena, const struct keyword_kind *kind,
                                 const json_t *value, struct slice location)
{
    if (!fits(kind->shape, value)) {
        struct slice got = text_shown(arena, jsontext_write(arena, value), 80);
        return error_set(ERR_VALUE, "%.*s/%s: expected %s, got %.*s%s", SLICE_ARG(location),
                         kind->name, wanted[kind->shape], SLICE_ARG(got),
                         hint(arena, kind->shape, value));
    }
    if (kind->shape == SHAPE_PATTERN)
        return check_pattern(arena, jsontext_slice(value), kind, location);
    if (kind->shape == SHAPE_PATTERN_MAP) {
        json_t *members = (json_t *)(uintptr_t)value; /* iterating does not change it */
        for (void *it = json_object_iter(members); it; it = json_object_iter_next(members, it))
            TRY(check_pattern(arena, slice_str(json_object_iter_key(it)), kind, location));
    }
    return RESULT_OK;
}
