/*
 * Rows of data that people keep in files: CSV with a head line (RFC 4180) or JSON lines, each row
 * an object. Cases are made of them (`each`), and what load asks for.
 *
 * Workload: from a handful of rows to a trace of a million; the text is read whole, rows are built
 * one at a time.
 */
#ifndef CORE_ROWS_H
#define CORE_ROWS_H

#include "core/buf.h"
#include "core/jsontext.h"

struct rows {
    const char *name; /* the path in messages */
    size_t line;      /* where the row given last begins, from 1 */

    struct slice text;
    size_t at, next_line;
    bool csv;
    const char *const *head; /* CSV: the columns' names */
    size_t columns;
    struct buf file; /* what rows_open read */
};

/*
 * Begin with a text, which must outlive the rows; the form follows the name (.csv, .jsonl,
 * .ndjson). ERR_VALUE for another name, ERR_SYNTAX for a head line that is none.
 */
struct result rows_begin(struct arena *arena, const char *name, struct slice text,
                         struct rows *out) MUST_USE;

/* The same with a file of at most `max` bytes. ERR_IO, ERR_TOO_LARGE. */
struct result rows_open(struct arena *arena, const char *path, size_t max,
                        struct rows *out) MUST_USE;

/* The next row, an object whose reference is the caller's, or NULL behind the last. CSV values are
 * strings. ERR_SYNTAX with file and line. */
struct result rows_next(struct rows *rows, json_t **row) MUST_USE;

/* Frees what rows_open read; for DEFER. */
void rows_close(struct rows *rows);

/*
 * All rows of a file of at most LIMIT_SUITE_BYTES, or of a text, as an array owned by the arena.
 * Errors as above, and ERR_SYNTAX when there are none.
 */
struct result rows_read(struct arena *arena, const char *path, json_t **out) MUST_USE;
struct result rows_parse(struct arena *arena, const char *name, struct slice text,
                         json_t **out) MUST_USE;

#endif
