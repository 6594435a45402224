/*
 * JSON over jansson: reading with limits and a position, and writing. Values are jansson's json_t;
 * object keys keep their order, duplicate keys are refused. Integers beyond 64 bits are read as
 * reals instead of being refused, and then so is every other integer of that text.
 */
#ifndef CORE_JSONTEXT_H
#define CORE_JSONTEXT_H

#include <jansson.h>

#include "core/arena.h"

/*
 * Read one JSON value of any kind; blanks may surround it and nothing else. On failure (ERR_SYNTAX,
 * ERR_TOO_LARGE when nested deeper than LIMIT_DEPTH) the text says line and column. The caller owns
 * the reference.
 */
struct result jsontext_read(struct slice text, json_t **out) MUST_USE;

/* The same, with the reference owned by the arena: valid until the arena is freed. */
struct result jsontext_read_in(struct arena *arena, struct slice text, json_t **out) MUST_USE;

/* Compact, on one line, in arena memory; or indented by two spaces. */
struct slice jsontext_write(struct arena *arena, const json_t *value);
struct slice jsontext_write_pretty(struct arena *arena, const json_t *value);

/* Equality by JSON Schema's rule (6.3 of draft 2020-12, core 4.2.2): 1 equals 1.0, order of keys
 * does not matter. */
bool jsontext_equal(const json_t *a, const json_t *b);

/* "null", "boolean", "integer", "number", "string", "array", "object". 1.0 is an integer. */
const char *jsontext_type(const json_t *value);

/* Hand the reference to the arena; returns `value`. */
json_t *jsontext_keep(struct arena *arena, json_t *value);

/* A string, in arena ownership; invalid UTF-8 is replaced by U+FFFD. */
json_t *jsontext_string(struct arena *arena, struct slice s);

static inline struct slice jsontext_slice(const json_t *string)
{
    return slice_of(json_string_value(string), json_string_length(string));
}

/* For DEFER. */
void jsontext_release(json_t **value);

#endif
