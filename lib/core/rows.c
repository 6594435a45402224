/*
 * CSV and JSON lines, row by row.
 */
#include "core/rows.h"

#include <errno.h>
#include <stdio.h>

#include "core/limits.h"
#include "core/text.h"

#define COLUMNS_MAX 256

/* ------------------------------------------------------------------ CSV */

static char peek(const struct rows *r, size_t ahead)
{
    return r->at + ahead < r->text.len ? r->text.data[r->at + ahead] : '\0';
}

static bool at_end_of_field(const struct rows *r)
{
    return r->at >= r->text.len || peek(r, 0) == ',' || peek(r, 0) == '\n' || peek(r, 0) == '\r';
}

/* What stands between quotes, of which two are one. */
static struct result quoted(struct arena *arena, struct rows *r, struct slice *out)
{
    struct text field = text_in(arena);
    size_t opened = r->next_line;
    for (r->at++;; r->at++) {
        ENSURE(r->at < r->text.len, ERR_SYNTAX, "%s:%zu: a quoted field is never closed", r->name,
               opened);
        if (peek(r, 0) == '"' && peek(r, 1) == '"')
            r->at++;
        else if (peek(r, 0) == '"')
            break;
        r->next_line += peek(r, 0) == '\n';
        text_add_byte(&field, peek(r, 0));
    }
    r->at++;
    ENSURE(at_end_of_field(r), ERR_SYNTAX, "%s:%zu: text after the closing quote of a field",
           r->name, r->next_line);
    *out = slice_of(text_str(&field), field.len);
    return RESULT_OK;
}

/* One field; `*last` when it ends its record. */
static struct result csv_field(struct arena *arena, struct rows *r, struct slice *out, bool *last)
{
    if (peek(r, 0) == '"') {
        TRY(quoted(arena, r, out));
    } else {
        size_t from = r->at;
        while (!at_end_of_field(r))
            r->at++;
        *out = slice_part(r->text, from, r->at - from);
    }
    *last = r->at >= r->text.len || peek(r, 0) != ',';
    if (r->at < r->text.len && peek(r, 0) == '\r')
        r->at++;
    if (r->at < r->text.len && (peek(r, 0) == ',' || peek(r, 0) == '\n'))
        r->next_line += r->text.data[r->at++] == '\n';
    return RESULT_OK;
}

static struct result csv_record(struct arena *arena, struct rows *r, struct slice *fields,
                                size_t room, size_t *count)
{
    bool last = false;
    r->line = r->next_line;
    *count = 0;
    while (!last) {
        ENSURE(*count < room, ERR_SYNTAX, "%s:%zu: more fields than the head line has", r->name,
               r->next_line);
        TRY(csv_field(arena, r, &fields[(*count)++], &last));
    }
    return RESULT_OK;
}

/* Columns are names: each has one, and one of its own. */
static struct result csv_head(struct arena *arena, struct rows *r)
{
    struct slice names[COLUMNS_MAX];
    TRY(csv_record(arena, r, names, COLUMNS_MAX, &r->columns));
    const char **head = ARENA_ARRAY(arena, const char *, r->columns);
    for (size_t i = 0; i < r->columns; i++) {
        names[i] = slice_trim(names[i]);
        ENSURE(names[i].len, ERR_SYNTAX, "%s:1: column %zu has no name", r->name, i + 1);
        for (size_t k = 0; k < i; k++)
            ENSURE(!slice_eq(names[i], names[k]), ERR_SYNTAX,
                   "%s:1: two columns are called \"%.*s\"", r->name, SLICE_ARG(names[i]));
        head[i] = arena_string(arena, names[i]);
    }
    r->head = head;
    return RESULT_OK;
}

static struct result csv_next(struct rows *r, json_t **row)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new(); /* of this row */
    struct slice fields[COLUMNS_MAX];
    size_t count = 0;
    do {
        if (r->at >= r->text.len)
            return RESULT_OK;
        TRY(csv_record(arena, r, fields, r->columns, &count));
    } while (count == 1 && fields[0].len == 0); /* an empty line */
    ENSURE(count == r->columns, ERR_SYNTAX, "%s:%zu: %zu %s, but the head line has %zu", r->name,
           r->line, count, count == 1 ? "field" : "fields", r->columns);
    json_t *object = json_object();
    for (size_t i = 0; i < count; i++)
        json_object_set(object, r->head[i], jsontext_string(arena, fields[i]));
    *row = object;
    return RESULT_OK;
}

/* ------------------------------------------------------------------ JSON lines */

static struct result line_next(struct rows *r, json_t **row)
{
    struct slice line = {0};
    do {
        struct slice rest = slice_from(r->text, r->at);
        if (!slice_split(&rest, '\n', &line))
            return RESULT_OK;
        r->at += line.len + 1;
        r->line = r->next_line++;
    } while (slice_trim(line).len == 0);
    json_t *value = NULL;
    struct result result = jsontext_read(line, &value);
    if (!result_ok(result))
        return error_context(result, "%s:%zu", r->name, r->line);
    if (!json_is_object(value)) {
        result = error_set(ERR_SYNTAX, "%s:%zu: expected an object, got %s", r->name, r->line,
                           jsontext_type(value));
        json_decref(value);
        return result;
    }
    *row = value;
    return RESULT_OK;
}

/* ------------------------------------------------------------------ both */

struct result rows_begin(struct arena *arena, const char *name, struct slice text, struct rows *out)
{
    struct slice path = slice_str(name);
    *out = (struct rows){.name = name, .text = text, .next_line = 1};
    out->file = buf_limited(1);
    out->csv = slice_ends(path, SLICE(".csv"));
    ENSURE(out->csv || slice_ends(path, SLICE(".jsonl")) || slice_ends(path, SLICE(".ndjson")),
           ERR_VALUE, "%s: rows come from a .csv or .jsonl file", name);
    if (slice_starts(text, SLICE("\xef\xbb\xbf")))
        out->at = 3;
    return out->csv ? csv_head(arena, out) : RESULT_OK;
}

struct result rows_next(struct rows *rows, json_t **row)
{
    *row = NULL;
    return rows->csv ? csv_next(rows, row) : line_next(rows, row);
}

static void close_file(FILE **file)
{
    if (*file)
        fclose(*file);
}

static struct result read_file(const char *path, struct buf *text)
{
    DEFER(close_file)
    FILE *file = fopen(path, "rbe");
    char piece[16384];
    ENSURE(file, ERR_IO, "cannot open %s: %s", path, strerror(errno));
    for (size_t n; (n = fread(piece, 1, sizeof(piece), file)) > 0;) {
        struct result r = buf_append(text, slice_of(piece, n));
        if (!result_ok(r))
            return error_context(r, "%s", path);
    }
    ENSURE(!ferror(file), ERR_IO, "cannot read %s: %s", path, strerror(errno));
    return RESULT_OK;
}

struct result rows_open(struct arena *arena, const char *path, size_t max, struct rows *out)
{
    struct buf text = buf_limited(max);
    *out = (struct rows){.file = buf_limited(1)};
    struct result r = read_file(path, &text);
    if (result_ok(r))
        r = rows_begin(arena, path, buf_slice(&text), out);
    out->file = text;
    return r;
}

void rows_close(struct rows *rows)
{
    buf_free(&rows->file);
}

static struct result all(struct arena *arena, struct rows *rows, json_t **out)
{
    json_t *array = jsontext_keep(arena, json_array()), *row = NULL;
    do {
        TRY(rows_next(rows, &row));
        if (row)
            json_array_append_new(array, row);
    } while (row);
    ENSURE(json_array_size(array) > 0, ERR_SYNTAX, "%s: no rows", rows->name);
    *out = array;
    return RESULT_OK;
}

struct result rows_parse(struct arena *arena, const char *name, struct slice text, json_t **out)
{
    struct rows rows;
    TRY(rows_begin(arena, name, text, &rows));
    return all(arena, &rows, out);
}

struct result rows_read(struct arena *arena, const char *path, json_t **out)
{
    DEFER(rows_close)
    struct rows rows;
    TRY(rows_open(arena, path, LIMIT_SUITE_BYTES, &rows));
    return all(arena, &rows, out);
}
