/*
 * JSON lines into a store, in one transaction: all or nothing. The file may come from anybody:
 * every line is checked for its form, every value for its column, every reference for what it
 * refers to; what the database itself refuses (a key that comes twice) is told with the line too.
 *
 * Workload: some million rows at some hundred thousand a second, into SQLite or PostgreSQL. Numbers
 * of runs, cases and definitions are others in this store, so those three, which are few, are asked
 * for; everything else is appended as it comes.
 */
#include "record/store_admin.h"

#include <errno.h>
#include <stdlib.h>

#include "core/jsontext.h"
#include "core/limits.h"
#include "core/memory.h"
#include "core/text.h"
#include "record/store_internal.h"
#include "record/store_line.h"
#include "record/store_tables.h"

/* Columns that a table of ours may come to have. */
#define COLUMNS 64
/* Cases, or definitions, that wait to be asked for together; and how many in one statement. */
#define WAITING 1000
#define ASKED 100
/* While much is written, SQLite keeps so much of the tables in memory (in KiB, negative as SQLite
   wants it): with its index all over the place, less would be written again and again. */
#define IMPORT_CACHE "-262144"

/* --- numbers of the file to numbers of the store --- */

struct number_map {
    struct numbered {
        int64_t from, to;
        bool used, skipped; /* a run that was there already: its rows are passed over */
    } *table;
    size_t count, capacity; /* a power of two, at most half full */
};

static struct numbered *number_place(const struct number_map *map, int64_t from)
{
    size_t mask = map->capacity - 1;
    uint64_t hash = (uint64_t)from * 0x9e3779b97f4a7c15u;
    for (size_t i = (hash >> 20) & mask;; i = (i + 1) & mask)
        if (!map->table[i].used || map->table[i].from == from)
            return &map->table[i];
}

static struct numbered *number_find(const struct number_map *map, int64_t from)
{
    struct numbered *at = map->capacity ? number_place(map, from) : NULL;
    return at && at->used ? at : NULL;
}

static void number_add(struct number_map *map, int64_t from, int64_t to, bool skipped)
{
    if (2 * map->count >= map->capacity) {
        struct number_map old = *map;
        map->capacity = old.capacity ? old.capacity * 2 : 64;
        map->table = mem_zero(map->capacity * sizeof(*map->table));
        for (size_t i = 0; i < old.capacity; i++)
            if (old.table[i].used)
                *number_place(map, old.table[i].from) = old.table[i];
        mem_free(old.table);
    }
    *number_place(map, from) =
        (struct numbered){.from = from, .to = to, .used = true, .skipped = skipped};
    map->count++;
}

/* --- the state of an import --- */

/* What a column means for us. */
enum role { ROLE_PLAIN, ROLE_RUN, ROLE_CASE, ROLE_DEFINITION, ROLE_JSON };

struct import {
    struct store *store;
    FILE *from;
    const char *name;
    char *data; /* what was read of the file and not yet used */
    size_t start, end, size;
    size_t line;
    struct line_memory memory;
    struct line_value values[COLUMNS];
    struct number_map runs, cases, definitions;
    struct store_copy copied;
    int64_t rows; /* all of the file */
    bool begun, ended;
    bool had[COLUMNS]; /* tables, by their place in stored_tables */

    /* Of the table whose rows come now. */
    const struct stored_table *table;
    struct arena *arena;
    struct stored_column columns[COLUMNS];
    enum role roles[COLUMNS];
    size_t count;
    int own, key, suite, id, hash; /* columns of interest; -1: not there */
    struct append *append;         /* NULL: rows are added by `insert` */
    struct query *insert, *find;

    /* Cases or definitions that wait to be asked for together. */
    struct arena *waiting_arena;
    struct planned_case waiting[WAITING];
    int64_t waiting_numbers[WAITING];
    struct waiting_definition {
        int64_t test_case, hash; /* what tells it from others */
        int64_t number, there;   /* in the file, in the store; 0: not there */
        struct line_value *values;
    } definitions_waiting[WAITING];
    size_t waiting_count;
};

/* --- lines --- */

/* The next line without its end; false at the end of the file. */
static struct result next_line(struct import *m, struct slice *line, bool *more)
{
    size_t searched = m->start;
    for (;;) {
        const char *end =
            m->end > searched ? memchr(m->data + searched, '\n', m->end - searched) : NULL;
        if (end) {
            *line = slice_of(m->data + m->start, (size_t)(end - (m->data + m->start)));
            m->start += line->len + 1;
            m->line++;
            *more = true;
            return RESULT_OK;
        }
        size_t length = m->end - m->start;
        searched = length;
        if (m->start)
            memmove(m->data, m->data + m->start, length);
        m->start = 0;
        m->end = length;
        if (m->end == m->size) {
            ENSURE(m->size < LIMIT_IMPORT_LINE_BYTES, ERR_TOO_LARGE,
                   "line %zu is longer than %u MiB", m->line + 1, LIMIT_IMPORT_LINE_BYTES >> 20);
            m->size = m->size ? m->size * 2 : (size_t)1 << 20;
            m->data = mem_resize(m->data, m->size);
        }
        size_t got = fread(m->data + m->end, 1, m->size - m->end, m->from);
        m->end += got;
        if (got)
            continue;
        ENSURE(!ferror(m->from), ERR_IO, "cannot be read: %s", strerror(errno));
        *more = false;
        ENSURE(length == 0, ERR_SYNTAX, "line %zu has no end: the file was cut off", m->line + 1);
        return RESULT_OK;
    }
}

/* --- cases, many at once --- */

static struct slice text_at(const struct import *m, int column)
{
    if (column < 0 || m->values[column].kind != LINE_TEXT)
        return (struct slice){0};
    return m->values[column].text;
}

static struct result flush_cases(struct import *m)
{
    TRY(store_know(m->store, m->waiting, m->waiting_count));
    for (size_t i = 0; i < m->waiting_count; i++)
        number_add(&m->cases, m->waiting_numbers[i],
                   store_known(m->store, m->waiting[i].key)->test_case, false);
    return RESULT_OK;
}

static struct result take_case(struct import *m)
{
    int64_t number = m->values[m->own].integer;
    struct slice key = utf8_repaired(m->waiting_arena, text_at(m, m->key));
    ENSURE(key.len, ERR_VALUE, "a case without a key");
    ENSURE(!number_find(&m->cases, number), ERR_VALUE, "test_case %lld comes twice",
           (long long)number);
    m->waiting_numbers[m->waiting_count] = number;
    m->waiting[m->waiting_count++] = (struct planned_case){
        .key = arena_copy(m->waiting_arena, key),
        .suite = arena_copy(m->waiting_arena, text_at(m, m->suite)),
        .id = arena_copy(m->waiting_arena, text_at(m, m->id)),
    };
    return RESULT_OK;
}

/* --- definitions, many at once --- */

static int by_case_and_hash(const void *a, const void *b)
{
    const struct waiting_definition *x = a, *y = b;
    if (x->test_case != y->test_case)
        return x->test_case < y->test_case ? -1 : 1;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

static int by_number(const void *a, const void *b)
{
    const struct waiting_definition *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

/* Which of the definitions that wait are in the store, and under which number. */
static struct result find_definitions(struct import *m)
{
    struct waiting_definition *all = m->definitions_waiting, key = {0};
    for (size_t from = 0; from < m->waiting_count; from += ASKED) {
        for (size_t i = 0; i < ASKED; i++) { /* the last time, some are asked for again */
            size_t at = from + i < m->waiting_count ? from + i : m->waiting_count - 1;
            query_set_integer(m->find, (int)i + 1, all[at].test_case);
        }
        for (;;) {
            bool row;
            TRY(query_next(m->find, &row));
            if (!row)
                break;
            key.test_case = query_integer(m->find, 0);
            key.hash = query_integer(m->find, 1);
            struct waiting_definition *found =
                bsearch(&key, all, m->waiting_count, sizeof(key), by_case_and_hash);
            if (found)
                found->there = query_integer(m->find, 2);
        }
    }
    return RESULT_OK;
}

static struct result append_row_of(struct import *m, const struct line_value *values);

static struct result flush_definitions(struct import *m)
{
    struct waiting_definition *all = m->definitions_waiting;
    qsort(all, m->waiting_count, sizeof(*all), by_case_and_hash);
    for (size_t i = 1; i < m->waiting_count; i++)
        ENSURE(by_case_and_hash(&all[i - 1], &all[i]) != 0, ERR_VALUE,
               "definitions %lld and %lld are the same", (long long)all[i - 1].number,
               (long long)all[i].number);
    TRY(find_definitions(m));
    /* In the order of the file, so that a copy of a store is exported as the store itself. */
    qsort(all, m->waiting_count, sizeof(*all), by_number);
    for (size_t i = 0; i < m->waiting_count; i++)
        if (all[i].there == 0)
            TRY(append_row_of(m, all[i].values));
    qsort(all, m->waiting_count, sizeof(*all), by_case_and_hash);
    TRY(find_definitions(m));
    for (size_t i = 0; i < m->waiting_count; i++)
        number_add(&m->definitions, all[i].number, all[i].there, false);
    return RESULT_OK;
}

static struct result take_definition(struct import *m)
{
    int64_t number = m->values[m->own].integer;
    struct waiting_definition *waiting = &m->definitions_waiting[m->waiting_count];

    ENSURE(!number_find(&m->definitions, number), ERR_VALUE, "definition %lld comes twice",
           (long long)number);
    *waiting = (struct waiting_definition){
        .number = number,
        .hash = m->values[m->hash].integer,
        .values = ARENA_ARRAY(m->waiting_arena, struct line_value, m->count),
    };
    for (size_t i = 0; i < m->count; i++) {
        waiting->values[i] = m->values[i];
        waiting->values[i].text = arena_copy(m->waiting_arena, m->values[i].text);
        if (m->roles[i] == ROLE_CASE)
            waiting->test_case = m->values[i].integer;
    }
    m->waiting_count++;
    return RESULT_OK;
}

static struct result flush(struct import *m)
{
    if (m->waiting_count == 0)
        return RESULT_OK;
    TRY(strcmp(m->table->name, "test_case") == 0 ? flush_cases(m) : flush_definitions(m));
    m->waiting_count = 0;
    arena_free(m->waiting_arena);
    m->waiting_arena = arena_new();
    return RESULT_OK;
}

/* --- rows --- */

static void set_value(struct query *q, int parameter, const struct line_value *value)
{
    if (value->kind == LINE_INTEGER)
        query_set_integer(q, parameter, value->integer);
    else if (value->kind == LINE_TEXT)
        query_set_text(q, parameter, value->text);
    else
        query_set_null(q, parameter);
}

/* Add the row, without its own number when it has one, which it gets anew. */
static struct result insert(struct import *m, int64_t *number)
{
    bool row;
    for (size_t i = 0, parameter = 0; i < m->count; i++)
        if ((int)i != m->own)
            set_value(m->insert, (int)++parameter, &m->values[i]);
    TRY(query_next(m->insert, &row));
    if (row)
        *number = query_integer(m->insert, 0);
    if (row)
        query_reset(m->insert);
    return RESULT_OK;
}

static struct result take_run(struct import *m)
{
    int64_t number = m->values[m->own].integer, there = 0;
    bool found;

    ENSURE(!number_find(&m->runs, number), ERR_VALUE, "run %lld comes twice", (long long)number);
    ENSURE(text_at(m, m->id).len, ERR_VALUE, "a run without an id");
    query_set_text(m->find, 1, text_at(m, m->id));
    TRY(query_next(m->find, &found));
    if (found) {
        there = query_integer(m->find, 0);
        query_reset(m->find);
        m->copied.runs_there++;
    } else {
        TRY(insert(m, &there));
        m->copied.runs++;
        m->copied.rows++;
    }
    number_add(&m->runs, number, there, found);
    return RESULT_OK;
}

/* Without the table's own number when it has one, which it gets anew. */
static struct result append_row_of(struct import *m, const struct line_value *values)
{
    for (size_t i = 0; i < m->count; i++) {
        if ((int)i == m->own)
            continue;
        if (values[i].kind == LINE_INTEGER)
            append_integer(m->append, values[i].integer);
        else if (values[i].kind == LINE_TEXT)
            append_text(m->append, values[i].text);
        else
            append_null(m->append);
    }
    m->copied.rows++;
    m->copied.results += strcmp(m->table->name, "result") == 0;
    return append_row(m->append);
}

static struct result check_json(const struct import *m, size_t column)
{
    json_t *json = NULL;
    struct slice text = m->values[column].text;
    static const char *const objects[] = {"options", "parameters", "outcome", "failures",
                                          "histograms"};
    bool object = false;

    if (m->values[column].kind != LINE_TEXT)
        return RESULT_OK;
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
        object = object || strcmp(m->columns[column].name, objects[i]) == 0;
    struct result read = jsontext_read(text, &json);
    if (!result_ok(read))
        return error_context(read, "column %s", m->columns[column].name);
    bool right = !object || json_is_object(json);
    json_decref(json);
    ENSURE(right, ERR_VALUE, "column %s is no JSON object", m->columns[column].name);
    return RESULT_OK;
}

/* The type of a value, and what it refers to; then it has the number of this store. */
/* Times of this century in ns are below it, and sums of a few of them do not overflow. */
#define NUMBER_MAX (INT64_C(1) << 61)

/* 64 bits that are no quantity. */
static bool is_pattern(const char *column)
{
    return strcmp(column, "seed") == 0 || strcmp(column, "hash") == 0;
}

static struct result check_value(struct import *m, size_t i, bool *skip)
{
    struct line_value *value = &m->values[i];
    const struct stored_column *column = &m->columns[i];
    const struct number_map *map = m->roles[i] == ROLE_RUN          ? &m->runs
                                   : m->roles[i] == ROLE_CASE       ? &m->cases
                                   : m->roles[i] == ROLE_DEFINITION ? &m->definitions
                                                                    : NULL;
    if (value->kind == LINE_NULL) {
        ENSURE(!column->not_null && !map && (int)i != m->own, ERR_VALUE, "column %s is null",
               column->name);
        return RESULT_OK;
    }
    ENSURE((value->kind == LINE_TEXT) == column->text, ERR_VALUE, "column %s wants %s",
           column->name, column->text ? "a string" : "a whole number");
    if (m->roles[i] == ROLE_JSON)
        return check_json(m, i);
    if (!column->text && !map && !is_pattern(column->name))
        ENSURE(value->integer >= -NUMBER_MAX && value->integer <= NUMBER_MAX, ERR_VALUE,
               "column %s: %lld is out of range", column->name, (long long)value->integer);
    if (!map)
        return RESULT_OK;
    const struct numbered *to = number_find(map, value->integer);
    ENSURE(to, ERR_VALUE, "%s %lld is not in the file before", column->name,
           (long long)value->integer);
    value->integer = to->to;
    *skip = *skip || to->skipped;
    return RESULT_OK;
}

static struct result take_row(struct import *m, struct slice line)
{
    size_t count;
    bool skip = false;

    ENSURE(m->table, ERR_SYNTAX, "a row before any {\"table\": …}");
    m->rows++;
    TRY(line_read_row(line, &m->memory, m->values, m->count, &count));
    ENSURE(count == m->count, ERR_VALUE, "%zu values for %zu columns", count, m->count);
    for (size_t i = 0; i < m->count; i++)
        TRY(check_value(m, i, &skip));
    if (strcmp(m->table->name, "run") == 0)
        return take_run(m);
    if (m->table->of == STORED_OF_CASE) {
        TRY(strcmp(m->table->name, "test_case") == 0 ? take_case(m) : take_definition(m));
        return m->waiting_count < WAITING ? RESULT_OK : flush(m);
    }
    if (m->append)
        return skip ? RESULT_OK : append_row_of(m, m->values);
    int64_t none;
    m->copied.rows++;
    return insert(m, &none);
}

/* --- tables --- */

static int column_at(const struct import *m, const char *name)
{
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->columns[i].name, name) == 0)
            return (int)i;
    return -1;
}

static struct result take_columns(struct import *m, const json_t *names)
{
    struct stored_column *there = NULL;
    size_t count = 0;
    static const char *const json[] = {"options", "machine",   "tags",       "needs",
                                       "uses",    "services",  "parameters", "reasons",
                                       "outcome", "histograms"};

    TRY(stored_columns(m->store->database, m->arena, m->table->name, &there, &count));
    m->count = json_array_size(names);
    ENSURE(m->count > 0 && m->count <= count, ERR_VALUE, "%zu columns for table %s", m->count,
           m->table->name);
    size_t taken = m->count;
    for (m->count = 0; m->count < taken; m->count++) {
        struct slice name = jsontext_slice(json_array_get(names, m->count));
        size_t at = 0;
        while (at < count && !slice_is(name, there[at].name))
            at++;
        ENSURE(at < count, ERR_VALUE, "table %s has no column \"%.*s\"", m->table->name,
               SLICE_ARG(name));
        ENSURE(column_at(m, there[at].name) < 0, ERR_VALUE, "column %s comes twice",
               there[at].name);
        m->columns[m->count] = there[at];
        bool own = slice_is(name, m->table->name) && m->table->of != STORED_OF_STORE;
        enum role role = own                            ? ROLE_PLAIN
                         : slice_is(name, "run")        ? ROLE_RUN
                         : slice_is(name, "test_case")  ? ROLE_CASE
                         : slice_is(name, "definition") ? ROLE_DEFINITION
                                                        : ROLE_PLAIN;
        for (size_t i = 0; i < sizeof(json) / sizeof(json[0]); i++)
            if (slice_is(name, json[i]))
                role = ROLE_JSON;
        m->roles[m->count] = role;
    }
    return RESULT_OK;
}

/* INSERT with a parameter for each column but the table's own number. */
static const char *insertion(struct import *m, const char *end)
{
    struct text names = text_in(m->arena), marks = text_in(m->arena);
    size_t parameter = 0;
    for (size_t i = 0; i < m->count; i++) {
        if ((int)i == m->own)
            continue;
        text_printf(&names, "%s\"%s\"", names.len ? ", " : "", m->columns[i].name);
        text_printf(&marks, "%s?%zu", marks.len ? ", " : "", ++parameter);
    }
    return arena_printf(m->arena, "INSERT INTO %s (%s) VALUES (%s) %s", m->table->name,
                        text_str(&names), text_str(&marks), end);
}

static struct result require(const struct import *m, const char *column, int at)
{
    ENSURE(at >= 0, ERR_VALUE, "table %s needs its column \"%s\"", m->table->name, column);
    return RESULT_OK;
}

static struct result prepare(struct import *m)
{
    struct database *db = m->store->database;
    const char *name = m->table->name;
    bool run = strcmp(name, "run") == 0, definition = strcmp(name, "definition") == 0;

    m->own = column_at(m, name);
    m->key = column_at(m, "key");
    m->suite = column_at(m, "suite");
    m->id = column_at(m, "id");
    m->hash = column_at(m, "hash");
    if (run || definition || strcmp(name, "test_case") == 0)
        TRY(require(m, name, m->own));
    else
        m->own = -1; /* a column of the table's name is a position: attempt, step, verdict */
    if (run) {
        TRY(require(m, "id", m->id));
        TRY(database_prepare(db, "SELECT run FROM run WHERE id = ?1", &m->find));
        return database_prepare(db, insertion(m, "RETURNING run"), &m->insert);
    }
    if (m->table->of == STORED_OF_STORE)
        return database_prepare(db, insertion(m, "ON CONFLICT DO NOTHING"), &m->insert);
    if (m->table->of == STORED_OF_CASE && !definition)
        return require(m, "key", m->key);
    if (definition) {
        struct text ask = text_in(m->arena);
        TRY(require(m, "test_case", column_at(m, "test_case")));
        TRY(require(m, "hash", m->hash));
        text_add_str(&ask, "SELECT test_case, hash, definition FROM definition"
                           " WHERE test_case IN (?1");
        for (size_t i = 1; i < ASKED; i++)
            text_printf(&ask, ", ?%zu", i + 1);
        text_add_byte(&ask, ')');
        TRY(database_prepare(db, text_str(&ask), &m->find));
    } else {
        TRY(require(m, "run", column_at(m, "run")));
    }
    struct text names = text_in(m->arena);
    for (size_t i = 0; i < m->count; i++)
        if ((int)i != m->own)
            text_printf(&names, "%s\"%s\"", names.len ? ", " : "", m->columns[i].name);
    return database_append(db, name, text_str(&names), &m->append);
}

static void leave_table(struct import *m)
{
    query_free(m->insert);
    query_free(m->find);
    m->insert = m->find = NULL;
    m->append = NULL;
    m->table = NULL;
}

static struct result take_table(struct import *m, const json_t *head)
{
    struct slice name = jsontext_slice(json_object_get(head, "table"));

    TRY(flush(m));
    leave_table(m);
    m->table = stored_table_find(name);
    ENSURE(m->table, ERR_VALUE, "a store has no table \"%.*s\"", SLICE_ARG(name));
    bool *had = &m->had[m->table - stored_tables];
    ENSURE(!*had, ERR_VALUE, "table %s comes twice", m->table->name);
    *had = true;
    TRY(take_columns(m, json_object_get(head, "columns")));
    return prepare(m);
}

/* --- the file --- */

static struct result take_head(struct import *m, const json_t *head)
{
    json_int_t form = json_integer_value(json_object_get(head, "assay_export"));
    json_int_t schema = json_integer_value(json_object_get(head, "schema"));
    ENSURE(form == 1 && schema >= 1 && schema <= store_schema_version, ERR_VALUE,
           "is of form %lld and schema %lld, made by a newer assay; this one knows up to 1 and %d",
           (long long)form, (long long)schema, store_schema_version);
    m->begun = true;
    return RESULT_OK;
}

static struct result take_end(struct import *m, const json_t *end)
{
    json_int_t rows = json_integer_value(json_object_get(end, "rows"));
    ENSURE(rows == m->rows, ERR_VALUE, "%lld rows were exported, and %lld are here",
           (long long)rows, (long long)m->rows);
    m->ended = true;
    return flush(m);
}

static struct result take_object(struct import *m, struct slice line)
{
    DEFER(jsontext_release)
    json_t *json = NULL;
    TRY(jsontext_read(line, &json));
    if (!m->begun) {
        ENSURE(json_object_get(json, "assay_export"), ERR_SYNTAX,
               "is no export of a store: its first line should be {\"assay_export\":1, …}");
        return take_head(m, json);
    }
    if (json_object_get(json, "table"))
        return take_table(m, json);
    ENSURE(json_object_get(json, "end"), ERR_SYNTAX, "expected a table or the end");
    return take_end(m, json);
}

static struct result take_line(struct import *m, struct slice line)
{
    ENSURE(!m->ended, ERR_SYNTAX, "something after the end");
    if (slice_starts(line, SLICE("{")))
        return take_object(m, line);
    ENSURE(m->begun || !slice_starts(line, SLICE("SQLite format 3")), ERR_SYNTAX,
           "is a store itself, not an export of one: name it sqlite:%s", m->name);
    ENSURE(m->begun, ERR_SYNTAX,
           "is no export of a store: its first line should be {\"assay_export\":1, …}");
    return take_row(m, line);
}

static struct result take_everything(struct store *store, void *context)
{
    struct import *m = context;
    struct slice line = {0};
    bool more = false;

    TRY(database_lock(store->database)); /* nobody else adds cases and definitions meanwhile */
    store_forget(store);
    for (;;) {
        struct result r = next_line(m, &line, &more);
        if (!result_ok(r))
            return error_context(r, "%s", m->name);
        if (!more)
            break;
        r = take_line(m, line);
        if (!result_ok(r))
            return error_context(r, "%s, line %zu", m->name, m->line);
    }
    ENSURE(m->ended, ERR_SYNTAX, "%s ends with line %zu, before its end: it was cut off", m->name,
           m->line);
    return RESULT_OK;
}

static struct result set_cache(struct store *store, const char *size)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    if (database_kind(store->database) != DATABASE_SQLITE)
        return RESULT_OK;
    return database_execute(store->database, arena_printf(arena, "PRAGMA cache_size = %s", size));
}

/* PostgreSQL knows its tables only when it has looked at them, which by itself it does a minute
   later; until then it may choose to read them whole. */
static struct result analyze(struct store *store)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text sql = text_in(arena);
    if (database_kind(store->database) != DATABASE_POSTGRESQL)
        return RESULT_OK;
    for (const struct stored_table *t = stored_tables; t->name; t++)
        text_printf(&sql, "%s%s", t == stored_tables ? "ANALYZE " : ", ", t->name);
    return database_execute(store->database, text_str(&sql));
}

struct result store_import(struct store *store, FILE *from, const char *name,
                           struct store_copy *out)
{
    struct import *m = NEW(struct import);
    *m = (struct import){.store = store,
                         .from = from,
                         .name = name,
                         .arena = arena_new(),
                         .waiting_arena = arena_new()};
    struct result r = set_cache(store, IMPORT_CACHE);
    if (result_ok(r))
        r = store_transaction(store, take_everything, m);
    *out = m->copied;
    leave_table(m);
    store_forget(store);
    arena_free(m->arena);
    arena_free(m->waiting_arena);
    line_memory_free(&m->memory);
    mem_free(m->runs.table);
    mem_free(m->cases.table);
    mem_free(m->definitions.table);
    mem_free(m->data);
    mem_free(m);
    if (result_ok(r))
        r = set_cache(store, STORE_CACHE);
    return result_ok(r) ? analyze(store) : r;
}
