/*
 * JSON that is valid for a schema by construction: the arguments of tool calls and the answers to
 * response_format. It knows the common part of JSON Schema that clients' schemas are made of; any
 * other keyword is refused by name, because an answer that only looks valid would be a lie:
 *
 *   type (one or a list), properties, required, additionalProperties, items, minItems, maxItems,
 *   enum, const, minimum, maximum, exclusiveMinimum, exclusiveMaximum, minLength, maxLength,
 *   anyOf, $ref to "#" and below it, $defs, definitions, and what only describes: title,
 *   description, default, examples, strict, $schema, $comment, deprecated, readOnly, writeOnly
 *
 * Optional properties are given too, save where giving them would recurse.
 */
#ifndef WORKER_JSON_ANSWER_H
#define WORKER_JSON_ANSWER_H

#include "core/jsontext.h"
#include "core/random.h"

/* Values of one answer: recursive schemas and large minItems end there. */
#define JSON_ANSWER_VALUES_MAX 2000

/*
 * A value for the schema, decided by `random`, as compact text in the arena. ERR_UNSUPPORTED names
 * a keyword that is not known; ERR_VALUE says what cannot be satisfied.
 */
struct result json_answer(struct arena *arena, const json_t *schema, struct random *random,
                          struct slice *out) MUST_USE;

#endif
