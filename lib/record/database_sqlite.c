/*
 * SQLite as a database of ours: in WAL mode with synchronous=FULL, so that what is committed
 * survives a crash of the machine too. Statements stay prepared; appending is an INSERT that does.
 */
#include "record/database_sqlite.h"

#include <errno.h>
#include <sys/stat.h>

#include "core/memory.h"
#include "core/text.h"
#include "record/database_driver.h"

/* Another process commits in milliseconds; whoever holds the lock this long is stuck. */
#define BUSY_MS 15000

struct sqlite_database {
    struct database base;
    sqlite3 *handle;
};

struct sqlite_query {
    struct query base;
    sqlite3_stmt *statement;
};

struct sqlite_append {
    struct append base;
    sqlite3_stmt *statement;
    int column; /* filled so far */
};

static const struct database_driver driver;

sqlite3 *database_sqlite(struct database *db)
{
    MUST(db->driver == &driver, "%s is no SQLite database", db->name);
    return ((struct sqlite_database *)db)->handle;
}

static struct result failed(struct database *db, const char *doing)
{
    sqlite3 *handle = database_sqlite(db);
    int rc = sqlite3_errcode(handle) & 0xff; /* the primary code of extended ones */
    const char *remedy =
        rc == SQLITE_BUSY       ? "; another program holds it locked: end that one and try again"
        : rc == SQLITE_FULL     ? "; the disk is full: make room, or use --store on another disk"
        : rc == SQLITE_READONLY ? "; it cannot be written: look at its permissions, or name another"
                                  " with --store"
        : rc == SQLITE_CORRUPT  ? "; it is damaged: move it away, or recover it with `sqlite3 FILE "
                                  ".recover`"
                                : "";
    return error_set(ERR_STORE, "result store %s: %s: %s%s", db->name, doing,
                     sqlite3_errmsg(handle), remedy);
}

/* --- opening --- */

static struct result make_folders(const char *path)
{
    DEFER(mem_free_pointer)
    char *folder = mem_string(path);
    for (char *at = folder + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        ENSURE(mkdir(folder, 0777) == 0 || errno == EEXIST, ERR_STORE,
               "result store %s: cannot make the folder %s: %s", path, folder, strerror(errno));
        *at = '/';
    }
    return RESULT_OK;
}

struct result database_open_sqlite(struct slice path, struct database **out)
{
    TRY(make_folders(path.data));
    DEFER(database_close_pointer)
    struct database *db = (struct database *)NEW(struct sqlite_database);
    sqlite3 **handle = &((struct sqlite_database *)db)->handle;
    db->driver = &driver;
    db->name = mem_string(path.data);
    int rc = sqlite3_open_v2(db->name, handle,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                                 SQLITE_OPEN_EXRESCODE,
                             NULL);
    ENSURE(rc == SQLITE_OK, ERR_STORE,
           "cannot open the result store %s: %s; make the place writable or name another with "
           "--store",
           db->name, *handle ? sqlite3_errmsg(*handle) : sqlite3_errstr(rc));
    sqlite3_busy_timeout(*handle, BUSY_MS);
    *out = take(&db);
    return RESULT_OK;
}

static void close_database(struct database *db)
{
    sqlite3_close(database_sqlite(db));
    mem_free(db);
}

/* --- transactions --- */

static struct result execute(struct database *db, const char *sql)
{
    if (sqlite3_exec(database_sqlite(db), sql, NULL, NULL, NULL) != SQLITE_OK)
        return failed(db, "cannot read or write");
    return RESULT_OK;
}

static struct result begin(struct database *db, enum database_access access)
{
    return execute(db, access == DATABASE_WRITE ? "BEGIN IMMEDIATE" : "BEGIN");
}

static struct result commit(struct database *db)
{
    return execute(db, "COMMIT");
}

static void rollback(struct database *db)
{
    sqlite3_exec(database_sqlite(db), "ROLLBACK", NULL, NULL, NULL);
}

static struct result lock(struct database *db)
{
    (void)db; /* BEGIN IMMEDIATE did it */
    return RESULT_OK;
}

/* --- queries --- */

static sqlite3_stmt *statement(const struct query *q)
{
    return ((const struct sqlite_query *)q)->statement;
}

/* Our SQL is fixed, so a failure to compile it means a damaged or a foreign database. */
static struct result compile(struct database *db, const char *sql, sqlite3_stmt **out)
{
    int rc = sqlite3_prepare_v3(database_sqlite(db), sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    return rc == SQLITE_OK ? RESULT_OK : failed(db, "its tables are not as they should be");
}

static struct result prepare(struct database *db, const char *sql, bool scan, struct query **out)
{
    sqlite3_stmt *compiled = NULL;
    (void)scan; /* rows come one by one anyway */
    TRY(compile(db, sql, &compiled));
    struct sqlite_query *q = NEW(struct sqlite_query);
    q->statement = compiled;
    *out = &q->base;
    return RESULT_OK;
}

static void free_query(struct query *q)
{
    sqlite3_finalize(statement(q));
    mem_free(q);
}

static void bind_text(sqlite3_stmt *s, int at, struct slice value)
{
    sqlite3_bind_text64(s, at, value.len ? value.data : "", value.len, SQLITE_STATIC, SQLITE_UTF8);
}

static void set_integer(struct query *q, int parameter, int64_t value)
{
    sqlite3_bind_int64(statement(q), parameter, value);
}

static void set_real(struct query *q, int parameter, double value)
{
    sqlite3_bind_double(statement(q), parameter, value);
}

static void set_text(struct query *q, int parameter, struct slice value)
{
    bind_text(statement(q), parameter, value);
}

static void set_null(struct query *q, int parameter)
{
    sqlite3_bind_null(statement(q), parameter);
}

static void reset(struct query *q)
{
    sqlite3_reset(statement(q));
}

static struct result next(struct query *q, bool *row)
{
    int rc = sqlite3_step(statement(q));
    *row = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW)
        return RESULT_OK;
    struct result r = rc == SQLITE_DONE ? RESULT_OK : failed(q->db, "cannot read or write");
    sqlite3_reset(statement(q));
    return r;
}

static bool is_null(const struct query *q, int column)
{
    return sqlite3_column_type(statement(q), column) == SQLITE_NULL;
}

static int64_t integer(const struct query *q, int column)
{
    return sqlite3_column_int64(statement(q), column);
}

static double real(const struct query *q, int column)
{
    return sqlite3_column_double(statement(q), column);
}

static struct slice text(const struct query *q, int column)
{
    const char *data = (const char *)sqlite3_column_text(statement(q), column);
    return slice_of(data, data ? (size_t)sqlite3_column_bytes(statement(q), column) : 0);
}

/* --- appending --- */

static struct result append(struct database *db, const char *table, const char *columns,
                            struct append **out)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text sql = text_in(arena);
    sqlite3_stmt *compiled = NULL;

    text_printf(&sql, "INSERT INTO %s (%s) VALUES (?", table, columns);
    for (const char *c = columns; *c; c++)
        if (*c == ',')
            text_add_str(&sql, ", ?");
    text_add_byte(&sql, ')');
    TRY(compile(db, text_str(&sql), &compiled));
    struct sqlite_append *a = NEW(struct sqlite_append);
    a->statement = compiled;
    *out = &a->base;
    return RESULT_OK;
}

static void free_append(struct append *a)
{
    sqlite3_finalize(((struct sqlite_append *)a)->statement);
    mem_free(a);
}

static void add_integer(struct append *a, int64_t value)
{
    struct sqlite_append *s = (struct sqlite_append *)a;
    sqlite3_bind_int64(s->statement, ++s->column, value);
}

static void add_real(struct append *a, double value)
{
    struct sqlite_append *s = (struct sqlite_append *)a;
    sqlite3_bind_double(s->statement, ++s->column, value);
}

static void add_text(struct append *a, struct slice value)
{
    struct sqlite_append *s = (struct sqlite_append *)a;
    bind_text(s->statement, ++s->column, value);
}

static void add_null(struct append *a)
{
    struct sqlite_append *s = (struct sqlite_append *)a;
    sqlite3_bind_null(s->statement, ++s->column);
}

static struct result add_row(struct append *a)
{
    struct sqlite_append *s = (struct sqlite_append *)a;
    MUST(s->column == sqlite3_bind_parameter_count(s->statement), "%d values for \"%s\"", s->column,
         sqlite3_sql(s->statement));
    s->column = 0;
    int rc = sqlite3_step(s->statement);
    struct result r = rc == SQLITE_DONE ? RESULT_OK : failed(a->db, "cannot be written");
    sqlite3_reset(s->statement);
    return r;
}

static const struct database_driver driver = {
    .kind = DATABASE_SQLITE,
    .close = close_database,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .lock = lock,
    .execute = execute,
    .prepare = prepare,
    .free_query = free_query,
    .set_integer = set_integer,
    .set_real = set_real,
    .set_text = set_text,
    .set_null = set_null,
    .next = next,
    .reset = reset,
    .null = is_null,
    .integer = integer,
    .real = real,
    .text = text,
    .append = append,
    .free_append = free_append,
    .append_integer = add_integer,
    .append_real = add_real,
    .append_text = add_text,
    .append_null = add_null,
    .append_row = add_row,
};
