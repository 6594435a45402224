/*
 * Whether the value of a keyword is what the keyword asks for.
 */
#ifndef CHECK_SCHEMA_SHAPE_H
#define CHECK_SCHEMA_SHAPE_H

#include "check/schema_keyword.h"

/* ERR_VALUE with what was expected and what came; `location` is that of the subschema. Subschemas
 * within the value are looked at when they are compiled. */
struct result schema_shape_check(struct arena *arena, const struct keyword_kind *kind,
                                 const json_t *value, struct slice location) MUST_USE;

#endif
