/*
 * CSV and JSON lines. Files of rows are small (they become cases), so a plain reader will do.
 */
#include "plan/rows.h"

#include <errno.h>
#include <stdio.h>

#include "core/buf.h"
#include "core/limits.h"
#include "core/text.h"

struct csv {
    struct slice text;
    size_t at;
    size_t line;
};

/* One field; `*last` when it ends its record. */
static struct result csv_field(struct arena *arena, const char *name, struct csv *csv,
                               struct slice *out, bool *last)
{
    struct text field = text_in(arena);
    const char *data = csv->text.len ? csv->text.data : "";
    size_t len = csv->text.len;
    if (csv->at < len && data[csv->at] == '"') {
        size_t opened = csv->line;
        for (csv->at++;; csv->at++) {
            ENSURE(csv->at < len, ERR_SYNTAX, "%s:%zu: a quoted field is never closed", name,
                   opened);
            if (data[csv->at] == '"' && csv->at + 1 < len && data[csv->at + 1] == '"')
                csv->at++;
            else if (data[csv->at] == '"')
                break;
            csv->line += data[csv->at] == '\n';
            text_add_byte(&field, data[csv->at]);
        }
        csv->at++;
        bool ends = csv->at == len || data[csv->at] == ',' || data[csv->at] == '\n' ||
                    data[csv->at] == '\r';
        ENSURE(ends, ERR_SYNTAX, "%s:%zu: text after the closing quote of a field", name,
               csv->line);
    } else {
        while (csv->at < len && data[csv->at] != ',' && data[csv->at] != '\n' &&
               data[csv->at] != '\r')
            text_add_byte(&field, data[csv->at++]);
    }
    *last = csv->at == len || data[csv->at] != ',';
    if (csv->at < len && data[csv->at] == '\r')
        csv->at++;
    if (csv->at < len && (data[csv->at] == ',' || data[csv->at] == '\n'))
        csv->line += data[csv->at++] == '\n';
    *out = slice_of(text_str(&field), field.len);
    return RESULT_OK;
}

static struct result csv_record(struct arena *arena, const char *name, struct csv *csv,
                                struct slice *fields, size_t room, size_t *count)
{
    bool last = false;
    *count = 0;
    while (!last) {
        ENSURE(*count < room, ERR_SYNTAX, "%s:%zu: more fields than the head line has", name,
               csv->line);
        TRY(csv_field(arena, name, csv, &fields[(*count)++], &last));
    }
    return RESULT_OK;
}

#define COLUMNS_MAX 256

/* Columns are names: each has one, and one of its own. */
static struct result check_head(const char *name, struct slice *head, size_t columns)
{
    for (size_t i = 0; i < columns; i++) {
        head[i] = slice_trim(head[i]);
        ENSURE(head[i].len, ERR_SYNTAX, "%s:1: column %zu has no name", name, i + 1);
        for (size_t k = 0; k < i; k++)
            ENSURE(!slice_eq(head[i], head[k]), ERR_SYNTAX, "%s:1: two columns are called \"%.*s\"",
                   name, SLICE_ARG(head[i]));
    }
    return RESULT_OK;
}

static struct result parse_csv(struct arena *arena, const char *name, struct slice text,
                               json_t *rows)
{
    struct csv csv = {.text = text, .line = 1};
    struct slice head[COLUMNS_MAX], fields[COLUMNS_MAX];
    size_t columns, count;

    if (slice_starts(text, SLICE("\xef\xbb\xbf")))
        csv.at = 3;
    TRY(csv_record(arena, name, &csv, head, COLUMNS_MAX, &columns));
    TRY(check_head(name, head, columns));
    while (csv.at < text.len) {
        size_t line = csv.line;
        TRY(csv_record(arena, name, &csv, fields, columns, &count));
        if (count == 1 && fields[0].len == 0)
            continue; /* an empty line */
        ENSURE(count == columns, ERR_SYNTAX, "%s:%zu: %zu %s, but the head line has %zu", name,
               line, count, count == 1 ? "field" : "fields", columns);
        json_t *row = json_object();
        for (size_t i = 0; i < columns; i++)
            json_object_set(row, arena_string(arena, head[i]), jsontext_string(arena, fields[i]));
        json_array_append_new(rows, row);
    }
    return RESULT_OK;
}

static struct result parse_lines(struct arena *arena, const char *name, struct slice text,
                                 json_t *rows)
{
    struct slice line;
    for (size_t number = 1; slice_split(&text, '\n', &line); number++) {
        json_t *row;
        if (slice_trim(line).len == 0)
            continue;
        struct result r = jsontext_read_in(arena, line, &row);
        if (!result_ok(r))
            return error_context(r, "%s:%zu", name, number);
        ENSURE(json_is_object(row), ERR_SYNTAX, "%s:%zu: expected an object, got %s", name, number,
               jsontext_type(row));
        json_array_append(rows, row);
    }
    return RESULT_OK;
}

struct result rows_parse(struct arena *arena, const char *name, struct slice text, json_t **out)
{
    struct slice path = slice_str(name);
    json_t *rows = jsontext_keep(arena, json_array());
    if (slice_ends(path, SLICE(".jsonl")) || slice_ends(path, SLICE(".ndjson")))
        TRY(parse_lines(arena, name, text, rows));
    else if (slice_ends(path, SLICE(".csv")))
        TRY(parse_csv(arena, name, text, rows));
    else
        return error_set(ERR_SUITE, "%s: rows come from a .csv or .jsonl file", name);
    ENSURE(json_array_size(rows) > 0, ERR_SYNTAX, "%s: no rows", name);
    *out = rows;
    return RESULT_OK;
}

static void close_file(FILE **file)
{
    if (*file)
        fclose(*file);
}

struct result rows_read(struct arena *arena, const char *path, json_t **out)
{
    DEFER(close_file)
    FILE *file = fopen(path, "rb");
    ENSURE(file, ERR_IO, "cannot open %s: %s", path, strerror(errno));
    DEFER(buf_free)
    struct buf text = buf_limited(LIMIT_SUITE_BYTES);
    char piece[16384];
    size_t n;
    while ((n = fread(piece, 1, sizeof(piece), file)) > 0) {
        struct result r = buf_append(&text, slice_of(piece, n));
        if (!result_ok(r))
            return error_context(r, "%s", path);
    }
    ENSURE(!ferror(file), ERR_IO, "cannot read %s: %s", path, strerror(errno));
    return rows_parse(arena, path, buf_slice(&text), out);
}
