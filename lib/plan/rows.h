/*
 * Rows of data for `each`: CSV with a head line (RFC 4180) or JSON lines, as objects.
 */
#ifndef PLAN_ROWS_H
#define PLAN_ROWS_H

#include "core/jsontext.h"

/*
 * Read a file into an array of objects owned by the arena; CSV values are strings. The form follows
 * the file's name (.csv, .jsonl, .ndjson). ERR_IO, or ERR_SYNTAX with file and line.
 */
struct result rows_read(struct arena *arena, const char *path, json_t **out) MUST_USE;

/* The same for a text; `name` is the path in messages. */
struct result rows_parse(struct arena *arena, const char *name, struct slice text,
                         json_t **out) MUST_USE;

#endif
