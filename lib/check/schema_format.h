/*
 * The formats of JSON Schema (validation, 7.3).
 */
#ifndef CHECK_SCHEMA_FORMAT_H
#define CHECK_SCHEMA_FORMAT_H

#include "core/result.h"

/* Is `text` of the format? One that is not known here fits every text. Fails with ERR_TOO_LARGE
 * like regex_search. */
struct result format_matches(struct slice format, struct slice text, bool *out) MUST_USE;

#endif
