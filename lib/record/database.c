/*
 * What is the same for both databases: choosing one by its url, repairing texts, and freeing what
 * belongs to a database with it. Everything else goes straight to the driver.
 */
#include "record/database_driver.h"

#include "core/memory.h"
#include "core/text.h"

#ifndef ASSAY_POSTGRESQL
struct result database_open_postgresql(const char *url, struct database **out)
{
    (void)url;
    *out = NULL;
    return error_set(ERR_UNSUPPORTED,
                     "this assay was built without PostgreSQL: build it with libpq-dev installed, "
                     "or name a file, as in --store sqlite:.assay/results.db");
}
#endif

struct result database_open(const char *url, struct database **out)
{
    struct slice path = slice_str(url);
    if (slice_starts(path, SLICE("postgresql://")) || slice_starts(path, SLICE("postgres://")))
        return database_open_postgresql(url, out);
    if (slice_starts(path, SLICE("sqlite:")))
        path = slice_from(path, strlen("sqlite:"));
    ptrdiff_t scheme = slice_find(path, SLICE("://"));
    ENSURE(scheme < 0, ERR_STORE,
           "a result store is sqlite:PATH or postgresql://USER@HOST/DATABASE, not %.*s://…",
           SLICE_ARG(slice_part(path, 0, (size_t)scheme)));
    ENSURE(path.len > 0, ERR_STORE, "result store \"%s\" names no file", url);
    return database_open_sqlite(path, out);
}

void database_close(struct database *db)
{
    if (!db)
        return;
    while (db->queries)
        query_free(db->queries);
    while (db->appends) {
        struct append *a = db->appends;
        db->appends = a->next;
        arena_free(a->repaired);
        db->driver->free_append(a);
    }
    mem_free(db->name);
    db->driver->close(db);
}

void database_close_pointer(struct database **db)
{
    database_close(*db);
}

enum database_kind database_kind(const struct database *db)
{
    return db->driver->kind;
}

const char *database_name(const struct database *db)
{
    return db->name;
}

struct result database_begin(struct database *db, enum database_access access)
{
    return db->driver->begin(db, access);
}

struct result database_commit(struct database *db)
{
    return db->driver->commit(db);
}

void database_rollback(struct database *db)
{
    db->driver->rollback(db);
}

struct result database_lock(struct database *db)
{
    return db->driver->lock(db);
}

struct result database_execute(struct database *db, const char *sql)
{
    return db->driver->execute(db, sql);
}

/* --- queries --- */

static struct result prepare(struct database *db, const char *sql, bool scan, struct query **out)
{
    struct query *q = NULL;
    TRY(db->driver->prepare(db, sql, scan, &q));
    q->db = db;
    q->next = db->queries;
    if (q->next)
        q->next->before = q;
    db->queries = q;
    *out = q;
    return RESULT_OK;
}

struct result database_prepare(struct database *db, const char *sql, struct query **out)
{
    return prepare(db, sql, false, out);
}

struct result database_scan(struct database *db, const char *sql, struct query **out)
{
    return prepare(db, sql, true, out);
}

void query_free(struct query *q)
{
    if (!q)
        return;
    *(q->before ? &q->before->next : &q->db->queries) = q->next;
    if (q->next)
        q->next->before = q->before;
    arena_free(q->repaired);
    q->db->driver->free_query(q);
}

void query_free_pointer(struct query **q)
{
    query_free(*q);
}

static struct slice repaired(struct arena **arena, struct slice text)
{
    if (text.len == 0 || (utf8_valid(text) && slice_find_byte(text, '\0') < 0))
        return text;
    if (!*arena)
        *arena = arena_new();
    return utf8_repaired(*arena, text);
}

static void forget_repaired(struct arena **arena)
{
    if (*arena)
        arena_free(take(arena));
}

void query_set_integer(struct query *q, int parameter, int64_t value)
{
    q->db->driver->set_integer(q, parameter, value);
}

void query_set_real(struct query *q, int parameter, double value)
{
    q->db->driver->set_real(q, parameter, value);
}

void query_set_text(struct query *q, int parameter, struct slice value)
{
    q->db->driver->set_text(q, parameter, repaired(&q->repaired, value));
}

void query_set_null(struct query *q, int parameter)
{
    q->db->driver->set_null(q, parameter);
}

struct result query_next(struct query *q, bool *row)
{
    struct result next = q->db->driver->next(q, row);
    if (!result_ok(next) || !*row)
        forget_repaired(&q->repaired);
    return next;
}

struct result query_run(struct query *q)
{
    bool row;
    TRY(query_next(q, &row));
    if (row)
        query_reset(q);
    return RESULT_OK;
}

void query_reset(struct query *q)
{
    q->db->driver->reset(q);
    forget_repaired(&q->repaired);
}

bool query_null(const struct query *q, int column)
{
    return q->db->driver->null(q, column);
}

int64_t query_integer(const struct query *q, int column)
{
    return q->db->driver->integer(q, column);
}

double query_real(const struct query *q, int column)
{
    return q->db->driver->real(q, column);
}

struct slice query_text(const struct query *q, int column)
{
    return q->db->driver->text(q, column);
}

struct slice query_copy(const struct query *q, int column, struct arena *arena)
{
    struct slice text = query_text(q, column);
    return text.len ? arena_copy(arena, text) : (struct slice){0};
}

/* --- appending --- */

struct result database_append(struct database *db, const char *table, const char *columns,
                              struct append **out)
{
    struct append *a = NULL;
    TRY(db->driver->append(db, table, columns, &a));
    a->db = db;
    a->next = db->appends;
    db->appends = a;
    *out = a;
    return RESULT_OK;
}

void append_integer(struct append *a, int64_t value)
{
    a->db->driver->append_integer(a, value);
}

void append_real(struct append *a, double value)
{
    a->db->driver->append_real(a, value);
}

void append_text(struct append *a, struct slice value)
{
    a->db->driver->append_text(a, repaired(&a->repaired, value));
}

void append_null(struct append *a)
{
    a->db->driver->append_null(a);
}

struct result append_row(struct append *a)
{
    struct result done = a->db->driver->append_row(a);
    forget_repaired(&a->repaired);
    return done;
}
