/*
 * PostgreSQL as a database of ours, over libpq, which is loaded when the first such store is
 * opened. Workload: a server that may be far away, so what costs are round trips: statements are
 * prepared once, scans are fetched in portions through cursors, and appended rows are collected and
 * sent by COPY in binary form, at the latest before the next query or commit.
 *
 * Passwords: libpq's own words are shown only when they cannot hold any part of the url.
 */
#include <dlfcn.h>
#include <endian.h>
#include <libpq-fe.h>
#include <stdlib.h>

#include "core/log.h"
#include "core/memory.h"
#include "core/parse.h"
#include "core/text.h"
#include "record/database_driver.h"

/* Rows of a scan that are fetched at once. */
#define PORTION "2000"
/* Appended rows are sent when there are so many bytes of them. */
#define APPENDED_BYTES ((size_t)1 << 20)
/* A server that does not answer is not waited for longer, unless the url or PGCONNECT_TIMEOUT says
   so. */
#define CONNECT_TIMEOUT_S "15"
/* The key of the lock that writers of new cases and of the schema take: "ASSY". */
#define LOCK "SELECT pg_advisory_xact_lock(1095979865)"
/* More than any statement of ours has. */
#define PARAMETERS 128

/* PostgreSQL's numbers of the types of our parameters (catalog/pg_type.dat). */
#define TYPE_INT8 20
#define TYPE_TEXT 25
#define TYPE_FLOAT8 701

#define FUNCTION_TABLE(X)                                                                          \
    X(PQclear)                                                                                     \
    X(PQcmdStatus)                                                                                 \
    X(PQconnectdbParams)                                                                           \
    X(PQconninfoFree)                                                                              \
    X(PQconninfoParse)                                                                             \
    X(PQerrorMessage)                                                                              \
    X(PQexec)                                                                                      \
    X(PQexecParams)                                                                                \
    X(PQexecPrepared)                                                                              \
    X(PQfinish)                                                                                    \
    X(PQfreemem)                                                                                   \
    X(PQgetisnull)                                                                                 \
    X(PQgetlength)                                                                                 \
    X(PQgetResult)                                                                                 \
    X(PQgetvalue)                                                                                  \
    X(PQntuples)                                                                                   \
    X(PQparameterStatus)                                                                           \
    X(PQprepare)                                                                                   \
    X(PQputCopyData)                                                                               \
    X(PQputCopyEnd)                                                                                \
    X(PQresultErrorField)                                                                          \
    X(PQresultStatus)                                                                              \
    X(PQsetNoticeProcessor)                                                                        \
    X(PQstatus)

static struct {
#define X(name) __typeof__(name) *name;
    FUNCTION_TABLE(X)
#undef X
} pq;

struct postgresql_database {
    struct database base;
    PGconn *connection;
    bool in_transaction;
    unsigned transaction; /* counts them: a cursor lives in one */
    unsigned names;       /* of statements and cursors given out */
};

struct postgresql_query {
    struct query base;
    char *sql;
    char name[16];
    bool scan;
    bool prepared; /* on the server */
    int parameters;
    Oid types[PARAMETERS];
    const char *values[PARAMETERS];
    int lengths[PARAMETERS];
    uint64_t numbers[PARAMETERS]; /* what `values` of integers and reals point to */
    PGresult *result;             /* rows at hand; NULL: it does not run */
    int row, rows;
    bool cursor; /* open, in `transaction` */
    unsigned transaction;
};

struct postgresql_append {
    struct append base;
    char *copy; /* the COPY statement */
    int columns, column;
    char *rows;
    size_t length, capacity;
};

static const struct database_driver driver;

static struct postgresql_database *of(struct database *db)
{
    MUST(db->driver == &driver, "%s is no PostgreSQL database", db->name);
    return (struct postgresql_database *)db;
}

/* --- failures --- */

/* The server's words in one line; lines that only go on, which begin with a tab, are left out. */
static const char *words(struct arena *arena, const char *text)
{
    struct text line = text_in(arena);
    struct slice rest = slice_trim(slice_str(text)), part;
    while (slice_split(&rest, '\n', &part))
        if (!slice_starts(part, SLICE("\t")))
            text_printf(&line, "%s%.*s", line.len ? "; " : "", SLICE_ARG(slice_trim(part)));
    return text_str(&line);
}

static const char *remedy(const char *state, bool lost)
{
    struct slice s = slice_str(state);
    if (lost || slice_starts(s, SLICE("57P")))
        return "; the connection is lost: when the server is back, a run goes on with --resume";
    if (slice_is(s, "53100"))
        return "; the disk of the server is full";
    if (slice_is(s, "42501"))
        return "; its user needs the right to create and write tables in this database";
    if (slice_is(s, "25006"))
        return "; this server only reads: name the one that writes";
    if (slice_is(s, "42P01") || slice_is(s, "42703"))
        return "; its tables are not as they should be";
    return "";
}

/* Frees the result. */
static struct result failed(struct database *db, const char *doing, PGresult *result)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    PGconn *connection = of(db)->connection;
    const char *state = result ? pq.PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *primary = result ? pq.PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    const char *text = words(arena, primary ? primary : pq.PQerrorMessage(connection));
    bool lost = pq.PQstatus(connection) != CONNECTION_OK;
    struct result r = error_set(ERR_STORE, "result store %s: %s: %s%s", db->name, doing, text,
                                remedy(state, lost));
    pq.PQclear(result);
    return r;
}

/* --- opening --- */

static struct result load(void)
{
    static const char *const names[] = {
#define X(name) #name,
        FUNCTION_TABLE(X)
#undef X
    };
    void *functions[sizeof(names) / sizeof(names[0])];
    _Static_assert(sizeof(functions) == sizeof(pq), "one pointer for each function");
    if (pq.PQconnectdbParams)
        return RESULT_OK;
    void *library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
    ENSURE(library, ERR_UNSUPPORTED,
           "a PostgreSQL store needs the library libpq.so.5: install it (Debian: apt-get install "
           "libpq5)");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        functions[i] = dlsym(library, names[i]);
        ENSURE(functions[i], ERR_UNSUPPORTED, "libpq.so.5 has no %s: it is too old", names[i]);
    }
    memcpy(&pq, functions, sizeof(functions));
    return RESULT_OK;
}

/* The url without what may be a password: of the user, and as an option after "?". */
static char *shown(struct slice url)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    size_t start = (size_t)slice_find(url, SLICE("://")) + 3, at = url.len;
    struct slice option;

    while (at > start &&
           url.data[at - 1] != '@') /* the last one: better too much than too little */
        at--;
    ptrdiff_t colon = slice_find_byte(slice_part(url, start, at - start), ':');
    if (at > start && colon >= 0) {
        text_add(&t, slice_part(url, 0, start + (size_t)colon));
        text_add_str(&t, ":[secret]@");
    } else {
        text_add(&t, slice_part(url, 0, at));
    }
    struct slice rest = slice_from(url, at);
    ptrdiff_t question = slice_find_byte(rest, '?');
    text_add(&t, question < 0 ? rest : slice_part(rest, 0, (size_t)question));
    if (question >= 0)
        rest = slice_from(rest, (size_t)question + 1);
    for (bool first = true; question >= 0 && slice_split(&rest, '&', &option); first = false) {
        ptrdiff_t equals = slice_find_byte(option, '=');
        struct slice name = equals < 0 ? option : slice_part(option, 0, (size_t)equals);
        text_add_byte(&t, first ? '?' : '&');
        if (slice_find(name, SLICE("pass")) >= 0) /* password, passfile, sslpassword */
            text_printf(&t, "%.*s=[secret]", SLICE_ARG(name));
        else
            text_add(&t, option);
    }
    return mem_string(text_str(&t));
}

/* The one @ that may be there ends the user: libpq and we agree on what the password is. */
static bool one_user(struct slice url)
{
    struct slice rest = slice_from(url, (size_t)slice_find(url, SLICE("://")) + 3);
    ptrdiff_t at = slice_find_byte(rest, '@');
    if (at < 0)
        return true;
    struct slice user = slice_part(rest, 0, (size_t)at);
    return slice_find_byte(user, '/') < 0 && slice_find_byte(user, '?') < 0 &&
           slice_find_byte(slice_from(rest, (size_t)at + 1), '@') < 0;
}

static struct result check_url(struct database *db, const char *url)
{
    char *why = NULL;
    PQconninfoOption *options = pq.PQconninfoParse(url, &why);
    bool understood = options != NULL && one_user(slice_str(url));
    pq.PQconninfoFree(options);
    if (why) /* it may quote the password */
        pq.PQfreemem(why);
    ENSURE(understood, ERR_STORE,
           "result store %s: the url is not understood: it should be "
           "postgresql://USER@HOST:PORT/DATABASE, with the password in PGPASSWORD or ~/.pgpass; "
           "percent-encode what is no letter or digit",
           db->name);
    return RESULT_OK;
}

static void ignore_notice(void *context, const char *text)
{
    (void)context;
    log_debug("store", "%s", text);
}

static struct result execute(struct database *db, const char *sql);

static struct result connect_to(struct database *db, const char *url)
{
    struct postgresql_database *p = of(db);
    /* Later ones win, so the url may have a timeout of its own. */
    const char *names[] = {"fallback_application_name", "connect_timeout", "dbname", NULL};
    const char *values[] = {"assay", CONNECT_TIMEOUT_S, url, NULL};
    if (getenv("PGCONNECT_TIMEOUT"))
        values[1] = NULL;
    p->connection = pq.PQconnectdbParams(names, values, 1);
    if (pq.PQstatus(p->connection) != CONNECTION_OK) {
        DEFER(arena_free_pointer)
        struct arena *arena = arena_new();
        return error_set(ERR_STORE,
                         "cannot open the result store %s: %s; is the server there, and does it "
                         "take this user? The password is taken from PGPASSWORD or ~/.pgpass too",
                         db->name, words(arena, pq.PQerrorMessage(p->connection)));
    }
    pq.PQsetNoticeProcessor(p->connection, ignore_notice, NULL);
    const char *encoding = pq.PQparameterStatus(p->connection, "server_encoding");
    ENSURE(encoding && strcmp(encoding, "UTF8") == 0, ERR_STORE,
           "result store %s: the database has the encoding %s: create one with UTF8, as in "
           "createdb --encoding=UTF8 --template=template0",
           db->name, encoding ? encoding : "(unknown)");
    /* What is committed is on the disk of the server, whatever its configuration prefers. */
    return execute(db, "SET client_encoding = 'UTF8'; SET synchronous_commit = on;"
                       "SET client_min_messages = warning");
}

struct result database_open_postgresql(const char *url, struct database **out)
{
    TRY(load());
    DEFER(database_close_pointer)
    struct database *db = (struct database *)NEW(struct postgresql_database);
    db->driver = &driver;
    db->name = shown(slice_str(url));
    TRY(check_url(db, url));
    TRY(connect_to(db, url));
    *out = take(&db);
    return RESULT_OK;
}

static void close_database(struct database *db)
{
    pq.PQfinish(of(db)->connection);
    mem_free(db);
}

/* --- statements --- */

/* Frees the result. */
static struct result succeeded(struct database *db, PGresult *result)
{
    ExecStatusType status = pq.PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY)
        return failed(db, "cannot read or write", result);
    pq.PQclear(result);
    return RESULT_OK;
}

static struct result send_appended(struct database *db);

/*
 * Our SQL as PostgreSQL wants it: placeholders as $1, and in a schema the types and properties of
 * its own. Texts compare byte by byte, as in SQLite. References are not enforced, as SQLite does
 * not either: it would cost a lookup for every row.
 */
static char *translated(const char *sql, bool schema)
{
    static const struct {
        const char *from, *to;
        bool schema;
    } table[] = {
        {"?", "$", false},
        {" AS INTEGER)", " AS BIGINT)", false},
        {" AS REAL)", " AS DOUBLE PRECISION)", false},
        {"instr(", "strpos(", false},
        {" INTEGER PRIMARY KEY", " BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY", true},
        {" INTEGER", " BIGINT", true},
        {" REAL", " DOUBLE PRECISION", true},
        {" TEXT", " TEXT COLLATE \"C\"", true},
        {" STRICT, WITHOUT ROWID", "", true},
        {" STRICT", "", true},
    };
    static const size_t count = sizeof(table) / sizeof(table[0]);
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    struct slice rest = slice_str(sql);

    while (rest.len) {
        size_t i = 0, drop = 1;
        while (i < count &&
               ((table[i].schema && !schema) || !slice_starts(rest, slice_str(table[i].from))))
            i++;
        if (i < count) {
            drop = strlen(table[i].from);
            text_add_str(&t, table[i].to);
        } else if (schema && slice_starts(rest, SLICE(" REFERENCES "))) {
            drop = strlen(" REFERENCES ");
            while (drop < rest.len &&
                   ((rest.data[drop] >= 'a' && rest.data[drop] <= 'z') || rest.data[drop] == '_'))
                drop++;
        } else {
            text_add_byte(&t, rest.data[0]);
        }
        rest = slice_from(rest, drop);
    }
    return mem_string(text_str(&t));
}

static struct result execute(struct database *db, const char *sql)
{
    DEFER(mem_free_pointer)
    char *text = translated(sql, true);
    TRY(send_appended(db));
    return succeeded(db, pq.PQexec(of(db)->connection, text));
}

/*
 * What writes looks things up by key, in tables that may have been empty a moment ago: planned
 * then, a lookup would read its whole table ever after. So while writing, an index is preferred.
 */
static struct result begin(struct database *db, enum database_access access)
{
    TRY(execute(db, access == DATABASE_WRITE ? "BEGIN; SET LOCAL enable_seqscan = off"
                                             : "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"));
    of(db)->in_transaction = true;
    of(db)->transaction++;
    return RESULT_OK;
}

static struct result commit(struct database *db)
{
    TRY(send_appended(db));
    PGresult *result = pq.PQexec(of(db)->connection, "COMMIT");
    /* After a failure that nobody heeded, COMMIT succeeds in rolling back. */
    bool kept = result && strcmp(pq.PQcmdStatus(result), "COMMIT") == 0;
    TRY(succeeded(db, result));
    of(db)->in_transaction = false;
    ENSURE(kept, ERR_STORE, "result store %s: a transaction failed and was rolled back", db->name);
    return RESULT_OK;
}

static void rollback(struct database *db)
{
    for (struct append *a = db->appends; a; a = a->next) {
        ((struct postgresql_append *)a)->length = 0;
        ((struct postgresql_append *)a)->column = 0;
    }
    if (of(db)->in_transaction)
        result_ignore(execute(db, "ROLLBACK")); /* a lost connection rolls back by itself */
    of(db)->in_transaction = false;
}

static struct result lock(struct database *db)
{
    return execute(db, LOCK);
}

/* --- queries --- */

static struct postgresql_query *query_of(const struct query *q)
{
    return (struct postgresql_query *)(uintptr_t)q;
}

static struct result prepare(struct database *db, const char *sql, bool scan, struct query **out)
{
    struct postgresql_query *q = NEW(struct postgresql_query);
    q->sql = translated(sql, false);
    q->scan = scan;
    snprintf(q->name, sizeof(q->name), "assay_%u", ++of(db)->names);
    *out = &q->base;
    return RESULT_OK;
}

static void reset(struct query *q)
{
    struct postgresql_query *p = query_of(q);
    struct postgresql_database *db = of(q->db);
    bool open = p->cursor && db->in_transaction && p->transaction == db->transaction;
    pq.PQclear(p->result);
    p->result = NULL;
    p->cursor = false;
    if (!open)
        return;
    char sql[32];
    snprintf(sql, sizeof(sql), "CLOSE %s", p->name);
    pq.PQclear(pq.PQexec(db->connection, sql));
}

static void free_query(struct query *q)
{
    struct postgresql_query *p = query_of(q);
    reset(q);
    if (p->prepared && pq.PQstatus(of(q->db)->connection) == CONNECTION_OK) {
        char sql[32];
        snprintf(sql, sizeof(sql), "DEALLOCATE %s", p->name);
        pq.PQclear(pq.PQexec(of(q->db)->connection, sql));
    }
    mem_free(p->sql);
    mem_free(p);
}

static void set(struct query *q, int parameter, Oid type, const char *value, int length)
{
    struct postgresql_query *p = query_of(q);
    MUST(parameter >= 1 && parameter <= PARAMETERS, "parameter %d", parameter);
    int at = parameter - 1;
    if (type)
        p->types[at] = type;
    p->values[at] = value;
    p->lengths[at] = length;
    if (parameter > p->parameters)
        p->parameters = parameter;
}

static void set_number(struct query *q, int parameter, Oid type, uint64_t bits)
{
    struct postgresql_query *p = query_of(q);
    set(q, parameter, type, (const char *)&p->numbers[parameter - 1], 8);
    p->numbers[parameter - 1] = htobe64(bits);
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static void set_integer(struct query *q, int parameter, int64_t value)
{
    set_number(q, parameter, TYPE_INT8, (uint64_t)value);
}

static void set_real(struct query *q, int parameter, double value)
{
    set_number(q, parameter, TYPE_FLOAT8, bits_of(value));
}

static void set_text(struct query *q, int parameter, struct slice value)
{
    set(q, parameter, TYPE_TEXT, value.len ? value.data : "", (int)value.len);
}

static void set_null(struct query *q, int parameter)
{
    set(q, parameter, 0, NULL, 0);
}

/* Keeps the result for reading. */
static struct result keep(struct query *q, PGresult *result)
{
    struct postgresql_query *p = query_of(q);
    ExecStatusType status = pq.PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        return failed(q->db, "cannot read or write", result);
    pq.PQclear(p->result);
    p->result = result;
    p->row = -1;
    p->rows = status == PGRES_TUPLES_OK ? pq.PQntuples(result) : 0;
    return RESULT_OK;
}

static struct result fetch(struct query *q)
{
    char sql[48];
    snprintf(sql, sizeof(sql), "FETCH " PORTION " FROM %s", query_of(q)->name);
    return keep(q, pq.PQexec(of(q->db)->connection, sql));
}

static struct result start(struct query *q)
{
    struct postgresql_query *p = query_of(q);
    struct postgresql_database *db = of(q->db);
    int formats[PARAMETERS];

    TRY(send_appended(q->db));
    for (int i = 0; i < p->parameters; i++)
        formats[i] = 1; /* binary */
    if (p->scan) {
        DEFER(arena_free_pointer)
        struct arena *arena = arena_new();
        MUST(db->in_transaction, "a scan outside of a transaction: %s", p->sql);
        const char *sql = arena_printf(arena, "DECLARE %s CURSOR FOR %s", p->name, p->sql);
        TRY(succeeded(q->db, pq.PQexecParams(db->connection, sql, p->parameters, p->types,
                                             p->values, p->lengths, formats, 0)));
        p->cursor = true;
        p->transaction = db->transaction;
        return fetch(q);
    }
    if (!p->prepared) {
        TRY(succeeded(q->db,
                      pq.PQprepare(db->connection, p->name, p->sql, p->parameters, p->types)));
        p->prepared = true;
    }
    return keep(q, pq.PQexecPrepared(db->connection, p->name, p->parameters, p->values, p->lengths,
                                     formats, 0));
}

static struct result next(struct query *q, bool *row)
{
    struct postgresql_query *p = query_of(q);
    struct result r = RESULT_OK;
    if (!p->result)
        r = start(q);
    else if (p->cursor && p->row + 1 == p->rows && p->rows > 0)
        r = fetch(q);
    *row = result_ok(r) && ++p->row < p->rows;
    if (!*row)
        reset(q);
    return r;
}

static bool is_null(const struct query *q, int column)
{
    const struct postgresql_query *p = query_of(q);
    return pq.PQgetisnull(p->result, p->row, column);
}

static struct slice text(const struct query *q, int column)
{
    const struct postgresql_query *p = query_of(q);
    return slice_of(pq.PQgetvalue(p->result, p->row, column),
                    (size_t)pq.PQgetlength(p->result, p->row, column));
}

/* Whole numbers, the whole part of others (sum and avg give those), and t for true. */
static int64_t integer(const struct query *q, int column)
{
    struct slice s = text(q, column);
    bool negative = s.len && s.data[0] == '-';
    uint64_t value = slice_is(s, "t");
    for (size_t i = negative; i < s.len && s.data[i] >= '0' && s.data[i] <= '9'; i++)
        value = value * 10 + (uint64_t)(s.data[i] - '0');
    return (int64_t)(negative ? -value : value);
}

static double real(const struct query *q, int column)
{
    double value = 0;
    if (!result_ok(parse_number(text(q, column), &value)))
        return 0;
    return value;
}

/* --- appending --- */

static struct result append(struct database *db, const char *table, const char *columns,
                            struct append **out)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    (void)db;
    struct postgresql_append *a = NEW(struct postgresql_append);
    a->copy =
        mem_string(arena_printf(arena, "COPY %s (%s) FROM STDIN (FORMAT binary)", table, columns));
    a->columns = 1;
    for (const char *c = columns; *c; c++)
        a->columns += *c == ',';
    *out = &a->base;
    return RESULT_OK;
}

static void free_append(struct append *append)
{
    struct postgresql_append *a = (struct postgresql_append *)append;
    mem_free(a->copy);
    mem_free(a->rows);
    mem_free(a);
}

static void put(struct postgresql_append *a, const void *bytes, size_t length)
{
    if (a->length + length > a->capacity) {
        while (a->length + length > a->capacity)
            a->capacity = a->capacity ? a->capacity * 2 : 4096;
        a->rows = mem_resize(a->rows, a->capacity);
    }
    if (length)
        memcpy(a->rows + a->length, bytes, length);
    a->length += length;
}

/* A field: its length and its bytes; -1 is NULL. The first one of a row has their number before. */
static void put_field(struct append *append, const void *bytes, int64_t length)
{
    struct postgresql_append *a = (struct postgresql_append *)append;
    uint32_t size = htobe32((uint32_t)length);
    if (a->column++ == 0)
        put(a, &(uint16_t){htobe16((uint16_t)a->columns)}, 2);
    put(a, &size, sizeof(size));
    if (length > 0)
        put(a, bytes, (size_t)length);
}

static void add_integer(struct append *a, int64_t value)
{
    put_field(a, &(uint64_t){htobe64((uint64_t)value)}, 8);
}

static void add_real(struct append *a, double value)
{
    put_field(a, &(uint64_t){htobe64(bits_of(value))}, 8);
}

static void add_text(struct append *a, struct slice value)
{
    put_field(a, value.data, (int64_t)value.len);
}

static void add_null(struct append *a)
{
    put_field(a, NULL, -1);
}

static struct result send(struct database *db, struct postgresql_append *a)
{
    static const char header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"; /* flags and extension: 0 */
    static const char trailer[] = {'\377', '\377'};
    PGconn *connection = of(db)->connection;
    size_t length = a->length;

    a->length = 0; /* whatever happens: it belongs to this transaction */
    PGresult *result = pq.PQexec(connection, a->copy);
    if (pq.PQresultStatus(result) != PGRES_COPY_IN)
        return failed(db, "cannot be written", result);
    pq.PQclear(result);
    bool sent = pq.PQputCopyData(connection, header, 19) == 1 &&
                pq.PQputCopyData(connection, a->rows, (int)length) == 1 &&
                pq.PQputCopyData(connection, trailer, sizeof(trailer)) == 1;
    /* A COPY that is not ended would be told of again and again. */
    bool ended = pq.PQputCopyEnd(connection, sent ? NULL : "it could not be sent") == 1;
    struct result r = RESULT_OK;
    while (ended && (result = pq.PQgetResult(connection))) {
        if (result_ok(r) && pq.PQresultStatus(result) != PGRES_COMMAND_OK)
            r = failed(db, "cannot be written", result);
        else
            pq.PQclear(result);
    }
    return result_ok(r) && !(sent && ended) ? failed(db, "cannot be written", NULL) : r;
}

static struct result send_appended(struct database *db)
{
    for (struct append *a = db->appends; a; a = a->next) {
        struct postgresql_append *p = (struct postgresql_append *)a;
        MUST(p->column == 0, "a query amid a row: %s", p->copy);
        if (p->length)
            TRY(send(db, p));
    }
    return RESULT_OK;
}

static struct result add_row(struct append *append)
{
    struct postgresql_append *a = (struct postgresql_append *)append;
    MUST(a->column == a->columns, "%d values for \"%s\"", a->column, a->copy);
    a->column = 0;
    return a->length < APPENDED_BYTES ? RESULT_OK : send(append->db, a);
}

static const struct database_driver driver = {
    .kind = DATABASE_POSTGRESQL,
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
