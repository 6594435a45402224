/*
 * One line of an export (docs/store.md) as values: a row is a JSON array of whole numbers, strings
 * and nulls. It comes from anybody, so it is read strictly; nothing is copied but strings with
 * escapes in them. Workload: some million lines of a hundred bytes, at memory's pace.
 */
#ifndef RECORD_STORE_LINE_H
#define RECORD_STORE_LINE_H

#include "core/arena.h"

struct line_value {
    enum line_kind { LINE_NULL, LINE_INTEGER, LINE_TEXT } kind;
    int64_t integer;
    struct slice text; /* in the line, or in memory that lasts until the next row is read */
};

/* What unescaped strings are put into; zero-initialised, freed by line_memory_free. */
struct line_memory {
    char *data;
    size_t size;
};

void line_memory_free(struct line_memory *memory);

/*
 * Read a row of at most `max` values. ERR_SYNTAX says at which character of the line it is no JSON
 * array, or has a value of another kind.
 */
struct result line_read_row(struct slice line, struct line_memory *memory,
                            struct line_value *values, size_t max, size_t *count) MUST_USE;

#endif
