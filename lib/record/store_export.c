/*
 * A store as JSON lines: a head, then for each table one line with its columns and one for each
 * row, then an end that proves that nothing was cut off. Written as it is read, so that a store of
 * any size needs little memory; everything is as it was at one moment.
 */
#include "record/store_admin.h"

#include <errno.h>

#include "core/memory.h"
#include "core/text.h"
#include "record/store_internal.h"
#include "record/store_tables.h"

/* Written to the file when there is so much. */
#define WRITTEN_BYTES ((size_t)1 << 18)

struct export
{
    struct store *store;
    struct arena *arena;
    FILE *to;
    char *data; /* not yet written */
    size_t length, size;
    const char *runs; /* "1, 5" of their numbers; NULL: all */
    struct store_copy copied;
};

/* --- writing --- */

static void put(struct export *e, const char *bytes, size_t length)
{
    if (length == 0)
        return;
    if (e->length + length > e->size) {
        while (e->length + length > e->size)
            e->size = e->size ? e->size * 2 : 2 * WRITTEN_BYTES;
        e->data = mem_resize(e->data, e->size);
    }
    memcpy(e->data + e->length, bytes, length);
    e->length += length;
}

static void put_integer(struct export *e, int64_t value)
{
    char digits[24], *at = digits + sizeof(digits);
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do
        *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (value < 0)
        *--at = '-';
    put(e, at, (size_t)(digits + sizeof(digits) - at));
}

static void put_text(struct export *e, struct slice text)
{
    static const char hex[] = "0123456789abcdef";
    const char *end = text.data + text.len;
    put(e, "\"", 1);
    for (const char *at = text.data; at < end;) {
        const char *plain = at;
        while (at < end && (unsigned char)*at >= ' ' && *at != '"' && *at != '\\')
            at++;
        put(e, plain, (size_t)(at - plain));
        if (at == end)
            break;
        unsigned char byte = (unsigned char)*at++;
        char escape[6] = {'\\', (char)byte};
        size_t length = 2;
        if (byte == '\n') {
            escape[1] = 'n';
        } else if (byte == '\t') {
            escape[1] = 't';
        } else if (byte < ' ') {
            memcpy(escape, "\\u00", 4);
            escape[4] = hex[byte >> 4];
            escape[5] = hex[byte & 15];
            length = 6;
        }
        put(e, escape, length);
    }
    put(e, "\"", 1);
}

static struct result write_out(struct export *e, size_t least)
{
    if (e->length < least)
        return RESULT_OK;
    size_t length = e->length;
    e->length = 0;
    ENSURE(fwrite(e->data, 1, length, e->to) == length, ERR_IO, "the export cannot be written: %s",
           strerror(errno));
    return RESULT_OK;
}

/* --- tables --- */

/* The rows of a table that are asked for, all columns in their order. */
static const char *selection(struct export *e, const struct stored_table *table,
                             const struct stored_column *columns, size_t count)
{
    struct text sql = text_in(e->arena);
    for (size_t i = 0; i < count; i++)
        text_printf(&sql, "%s\"%s\"", i ? ", " : "SELECT ", columns[i].name);
    text_printf(&sql, " FROM %s", table->name);
    if (e->runs && (table->of == STORED_OF_RUN || strcmp(table->name, "baseline") == 0))
        text_printf(&sql, " WHERE run IN (%s)", e->runs);
    else if (e->runs && strcmp(table->name, "definition") == 0)
        text_printf(&sql, " WHERE definition IN (SELECT definition FROM result WHERE run IN (%s))",
                    e->runs);
    else if (e->runs) /* test_case; and quarantines of these cases */
        text_printf(&sql,
                    " WHERE test_case IN (SELECT test_case FROM planned WHERE run IN (%s)"
                    " UNION SELECT test_case FROM result WHERE run IN (%s))",
                    e->runs, e->runs);
    text_printf(&sql, " ORDER BY %s", table->order);
    return text_str(&sql);
}

static struct result put_rows(struct export *e, struct query *q,
                              const struct stored_column *columns, size_t count)
{
    for (;;) {
        bool row;
        TRY(query_next(q, &row));
        if (!row)
            return RESULT_OK;
        for (size_t i = 0; i < count; i++) {
            put(e, i ? "," : "[", 1);
            if (query_null(q, (int)i))
                put(e, "null", 4);
            else if (columns[i].text)
                put_text(e, utf8_repaired(e->arena, query_text(q, (int)i)));
            else
                put_integer(e, query_integer(q, (int)i));
        }
        put(e, "]\n", 2);
        e->copied.rows++;
        TRY(write_out(e, WRITTEN_BYTES));
    }
}

static struct result put_table(struct export *e, const struct stored_table *table)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    struct stored_column *columns = NULL;
    size_t count = 0;
    struct database *db = store_database(e->store);
    int64_t before = e->copied.rows;

    TRY(stored_columns(db, e->arena, table->name, &columns, &count));
    struct text head = text_in(e->arena);
    text_printf(&head, "{\"table\":\"%s\",\"columns\":[", table->name);
    for (size_t i = 0; i < count; i++)
        text_printf(&head, "%s\"%s\"", i ? "," : "", columns[i].name);
    text_add_str(&head, "]}\n");
    put(e, head.data, head.len);
    TRY(database_scan(db, selection(e, table, columns, count), &q));
    TRY(put_rows(e, q, columns, count));
    if (strcmp(table->name, "run") == 0)
        e->copied.runs = e->copied.rows - before;
    if (strcmp(table->name, "result") == 0)
        e->copied.results = e->copied.rows - before;
    return RESULT_OK;
}

static struct result put_everything(struct export *e)
{
    struct text line = text_in(e->arena);
    text_printf(&line, "{\"assay_export\":1,\"schema\":%d}\n", store_schema_version);
    put(e, line.data, line.len);
    for (const struct stored_table *t = stored_tables; t->name; t++)
        TRY(put_table(e, t));
    line = text_in(e->arena);
    text_printf(&line, "{\"end\":true,\"rows\":%lld}\n", (long long)e->copied.rows);
    put(e, line.data, line.len);
    TRY(write_out(e, 1));
    ENSURE(fflush(e->to) == 0, ERR_IO, "the export cannot be written: %s", strerror(errno));
    return RESULT_OK;
}

static struct result choose(struct export *e, const char *const *runs, size_t count)
{
    struct text numbers = text_in(e->arena);
    for (size_t i = 0; i < count; i++) {
        struct run_info info;
        int64_t number;
        TRY(store_find(e->store, e->arena, slice_str(runs[i]), &info));
        TRY(store_run_number(e->store, info.id, &number));
        text_printf(&numbers, "%s%lld", i ? ", " : "", (long long)number);
    }
    if (count)
        e->runs = text_str(&numbers);
    return RESULT_OK;
}

struct result store_export(struct store *store, const char *const *runs, size_t count, FILE *to,
                           struct store_copy *out)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct export e = {.store = store, .arena = arena, .to = to};

    TRY(choose(&e, runs, count));
    TRY(database_begin(store->database, DATABASE_READ));
    struct result r = put_everything(&e);
    database_rollback(store->database); /* nothing was written */
    mem_free(e.data);
    *out = e.copied;
    return r;
}
