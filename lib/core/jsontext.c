/*
 * JSON over jansson.
 */
#include "core/jsontext.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/text.h"

/* jansson recurses up to 2048 levels of its own; ours is lower and checked before it starts. */
static bool too_deep(struct slice text)
{
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > LIMIT_DEPTH)
                return true;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return false;
}

struct result jsontext_read(struct slice text, json_t **out)
{
    json_error_t error;
    size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL;

    ENSURE(text.len > 0, ERR_SYNTAX, "no JSON: the text is empty");
    ENSURE(!too_deep(text), ERR_TOO_LARGE, "JSON nested deeper than %d levels", LIMIT_DEPTH);
    json_t *value = json_loadb(text.data, text.len, flags, &error);
    if (!value && json_error_code(&error) == json_error_numeric_overflow)
        value = json_loadb(text.data, text.len, flags | JSON_DECODE_INT_AS_REAL, &error);
    ENSURE(value, ERR_SYNTAX, "not JSON: %s at line %d, column %d", error.text, error.line,
           error.column);
    *out = value;
    return RESULT_OK;
}

static void release(void *value)
{
    json_decref(value);
}

json_t *jsontext_keep(struct arena *arena, json_t *value)
{
    MUST(value != NULL, "no value to keep");
    arena_defer(arena, release, value);
    return value;
}

struct result jsontext_read_in(struct arena *arena, struct slice text, json_t **out)
{
    TRY(jsontext_read(text, out));
    jsontext_keep(arena, *out);
    return RESULT_OK;
}

/* The shortest digits that read back as the same number; jansson would write 0.1 with seventeen. */
static void add_real(struct text *t, double value)
{
    char digits[40];
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof(digits), "%.*g", precision, value);
        double back = strtod(digits, NULL);
        if (back >= value && back <= value)
            break;
    }
    text_add_str(t, digits);
    if (!strpbrk(digits, ".e"))
        text_add_str(t, ".0"); /* it stays a real */
}

/* Before an item of an array or object, or its end: a new line when indented. */
static void add_break(struct text *t, int depth)
{
    if (depth >= 0)
        text_printf(t, "\n%*s", 2 * depth, "");
}

/* `depth` is negative when everything goes on one line. */
static void add_value(struct text *t, const json_t *value, int depth)
{
    int inside = depth < 0 ? depth : depth + 1;
    switch (json_typeof(value)) {
    case JSON_OBJECT: {
        bool first = true;
        json_t *object = (json_t *)(uintptr_t)value; /* iterating changes nothing */
        text_add_byte(t, '{');
        for (void *it = json_object_iter(object); it; it = json_object_iter_next(object, it)) {
            text_add_str(t, first ? "" : ",");
            add_break(t, inside);
            text_add_json(t, slice_str(json_object_iter_key(it)));
            text_add_str(t, depth < 0 ? ":" : ": ");
            add_value(t, json_object_iter_value(it), inside);
            first = false;
        }
        if (!first)
            add_break(t, depth);
        text_add_byte(t, '}');
        break;
    }
    case JSON_ARRAY:
        text_add_byte(t, '[');
        for (size_t i = 0; i < json_array_size(value); i++) {
            text_add_str(t, i ? "," : "");
            add_break(t, inside);
            add_value(t, json_array_get(value, i), inside);
        }
        if (json_array_size(value))
            add_break(t, depth);
        text_add_byte(t, ']');
        break;
    case JSON_STRING:
        text_add_json(t, jsontext_slice(value));
        break;
    case JSON_INTEGER:
        text_printf(t, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        add_real(t, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        text_add_str(t, json_is_true(value) ? "true" : "false");
        break;
    case JSON_NULL:
        text_add_str(t, "null");
        break;
    }
}

struct slice jsontext_write(struct arena *arena, const json_t *value)
{
    struct text t = text_in(arena);
    add_value(&t, value, -1);
    return text_slice(&t);
}

struct slice jsontext_write_pretty(struct arena *arena, const json_t *value)
{
    struct text t = text_in(arena);
    add_value(&t, value, 0);
    return text_slice(&t);
}

/* Exactly: as doubles, 2^53 and 2^53 + 1 would be the same. */
static bool integer_equals_real(json_int_t integer, double real)
{
    const double beyond = 9223372036854775808.0; /* 2^63 */
    return real >= -beyond && real < beyond && integer == (json_int_t)real && real == trunc(real);
}

static bool numbers_equal(const json_t *a, const json_t *b)
{
    if (json_is_integer(a))
        return json_is_integer(b) ? json_integer_value(a) == json_integer_value(b)
                                  : integer_equals_real(json_integer_value(a), json_real_value(b));
    if (json_is_integer(b))
        return integer_equals_real(json_integer_value(b), json_real_value(a));
    return json_real_value(a) == json_real_value(b);
}

bool jsontext_equal(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b))
        return numbers_equal(a, b);
    if (json_typeof(a) != json_typeof(b))
        return false;
    if (json_is_string(a))
        return slice_eq(jsontext_slice(a), jsontext_slice(b));
    if (json_is_array(a)) {
        size_t n = json_array_size(a);
        if (n != json_array_size(b))
            return false;
        for (size_t i = 0; i < n; i++)
            if (!jsontext_equal(json_array_get(a, i), json_array_get(b, i)))
                return false;
        return true;
    }
    if (json_is_object(a)) {
        if (json_object_size(a) != json_object_size(b))
            return false;
        for (void *it = json_object_iter((json_t *)(uintptr_t)a); it;
             it = json_object_iter_next((json_t *)(uintptr_t)a, it)) {
            const json_t *other = json_object_get(b, json_object_iter_key(it));
            if (!other || !jsontext_equal(json_object_iter_value(it), other))
                return false;
        }
        return true;
    }
    return true; /* null, true, false: the type says it all */
}

const char *jsontext_type(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "object";
    case JSON_ARRAY:
        return "array";
    case JSON_STRING:
        return "string";
    case JSON_INTEGER:
        return "integer";
    case JSON_REAL: {
        double real = json_real_value(value);
        return real == trunc(real) ? "integer" : "number";
    }
    case JSON_TRUE:
    case JSON_FALSE:
        return "boolean";
    case JSON_NULL:
        break;
    }
    return "null";
}

json_t *jsontext_string(struct arena *arena, struct slice s)
{
    json_t *value = json_stringn(s.data ? s.data : "", s.len);
    if (value)
        return jsontext_keep(arena, value);
    /* Not UTF-8: rewrite as a JSON text, which replaces what is invalid, and read that. */
    struct text quoted = text_in(arena);
    text_add_json(&quoted, s);
    struct result r = jsontext_read_in(arena, text_slice(&quoted), &value);
    MUST(result_ok(r), "a quoted string must read back: %s", error_last()->text);
    return value;
}

void jsontext_release(json_t **value)
{
    json_decref(*value);
    *value = NULL;
}
