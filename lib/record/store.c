/*
 * The store: opening, transactions, and the beginning and end of runs. What is written of results
 * is in store_write.c, what is read in store_read.c. Statements stay prepared.
 */
#include "record/store_internal.h"

#include "core/jsontext.h"
#include "core/memory.h"

/* Pages of SQLite's log before it is copied into the database: 32 MiB, some 60,000 cases. The
   default of 4 MiB would interrupt a quick run several times a second. */
#define CHECKPOINT_PAGES 8192

struct result store_statement(struct store *store, enum statement which, struct query **out)
{
    static const struct {
        struct result (*prepare)(struct database *db, const char *sql, struct query **out);
        const char *sql;
    } statements[] = {
#define X(name, how, sql) [STATEMENT_##name] = {database_##how, sql},
        STATEMENT_TABLE(X)
#undef X
    };
    struct query **slot = &store->statements[which];
    if (!*slot)
        TRY(statements[which].prepare(store->database, statements[which].sql, slot));
    *out = *slot;
    return RESULT_OK;
}

struct result store_table(struct store *store, enum table which, struct append **out)
{
    static const struct {
        const char *name, *columns;
    } tables[] = {
#define X(name, columns) [TABLE_##name] = {#name, columns},
        TABLE_TABLE(X)
#undef X
    };
    struct append **slot = &store->tables[which];
    if (!*slot)
        TRY(database_append(store->database, tables[which].name, tables[which].columns, slot));
    *out = *slot;
    return RESULT_OK;
}

void store_set_text(struct query *q, int parameter, struct slice text)
{
    if (text.len)
        query_set_text(q, parameter, text);
    else
        query_set_null(q, parameter);
}

void store_append_text(struct append *a, struct slice text)
{
    if (text.len)
        append_text(a, text);
    else
        append_null(a);
}

struct result store_row(struct query *q)
{
    bool row;
    TRY(query_next(q, &row));
    MUST(row, "a query that always has a row has none");
    return RESULT_OK;
}

struct arena *store_scratch(struct store *store)
{
    if (!store->scratch)
        store->scratch = arena_new();
    return store->scratch;
}

void store_remember_run(struct store *store, struct slice run_id, int64_t number)
{
    mem_free(store->run_id);
    store->run_id = run_id.len ? mem_alloc(run_id.len + 1) : NULL;
    if (run_id.len) {
        memcpy(store->run_id, run_id.data, run_id.len);
        store->run_id[run_id.len] = '\0';
    }
    store->run = number;
}

struct result store_transaction(struct store *store,
                                struct result (*body)(struct store *store, void *context),
                                void *context)
{
    if (store->in_transaction)
        return body(store, context);
    TRY(database_begin(store->database, DATABASE_WRITE));
    store->in_transaction = true;
    struct result done = body(store, context);
    if (result_ok(done))
        done = database_commit(store->database);
    if (!result_ok(done)) {
        database_rollback(store->database);
        store_remember_run(store, (struct slice){0}, 0); /* it may have been rolled back */
        store_forget(store);
    }
    store->in_transaction = false;
    arena_free(store->scratch);
    store->scratch = NULL;
    store->checked = NULL;
    return done;
}

/* --- opening --- */

static void close_pointer(struct store **store)
{
    store_close(*store);
}

/* A committed result survives a crash of the machine; PostgreSQL is told so by its driver. */
static struct result set_up(struct database *db)
{
    char settings[96];
    if (database_kind(db) != DATABASE_SQLITE)
        return RESULT_OK;
    snprintf(settings, sizeof(settings),
             "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = %d;"
             " PRAGMA cache_size = " STORE_CACHE,
             CHECKPOINT_PAGES);
    return database_execute(db, settings);
}

struct result store_open(const char *url, struct store **out)
{
    DEFER(close_pointer)
    struct store *store = NEW(struct store);
    TRY(database_open(url, &store->database));
    TRY(store_migrate(store->database, store_schema, store_schema_version, NULL));
    TRY(set_up(store->database));
    *out = take(&store);
    return RESULT_OK;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    database_close(store->database);
    store_forget(store);
    arena_free(store->scratch);
    mem_free(store->run_id);
    mem_free(store);
}

struct database *store_database(struct store *store)
{
    return store->database;
}

/* --- runs and plans --- */

struct result store_run_number(struct store *store, struct slice run_id, int64_t *out)
{
    if (store->run_id && slice_is(run_id, store->run_id)) {
        *out = store->run;
        return RESULT_OK;
    }
    struct query *q = NULL;
    bool row;
    TRY(store_statement(store, STATEMENT_RUN_NUMBER, &q));
    query_set_text(q, 1, run_id);
    TRY(query_next(q, &row));
    ENSURE(row, ERR_NOT_FOUND, "result store %s has no run %.*s", database_name(store->database),
           SLICE_ARG(run_id));
    *out = query_integer(q, 0);
    query_reset(q);
    store_remember_run(store, run_id, *out);
    return RESULT_OK;
}

struct begin {
    const struct run_info *run;
    const struct planned_case *cases;
    size_t count;
};

static struct result add_run(struct store *store, const struct run_info *run, int64_t *number)
{
    struct query *q = NULL;
    struct slice options = {0};
    if (run->options)
        options = jsontext_write(store_scratch(store), run->options);

    TRY(store_statement(store, STATEMENT_ADD_RUN, &q));
    store_set_text(q, 1, run->id);
    query_set_text(q, 2, run->command);
    store_set_text(q, 3, options);
    store_set_text(q, 4, run->host);
    store_set_text(q, 5, run->version);
    query_set_integer(q, 6, (int64_t)run->seed);
    query_set_integer(q, 7, run->jobs);
    query_set_integer(q, 8, run->started_wall);
    query_set_integer(q, 9, (int64_t)run->planned);
    store_set_text(q, 10, run->machine);
    query_set_text(q, 11, run->load ? SLICE("load") : SLICE("suite"));
    TRY(store_row(q));
    *number = query_integer(q, 0);
    query_reset(q);
    return RESULT_OK;
}

static struct result begin(struct store *store, void *context)
{
    const struct begin *b = context;
    int64_t run;
    struct append *a = NULL;

    TRY(add_run(store, b->run, &run));
    store_remember_run(store, b->run->id, run);
    store_forget(store);
    TRY(database_lock(store->database)); /* else a prune could take its cases meanwhile */
    TRY(store_know(store, b->cases, b->count));
    store->known_run = run; /* a new run has no results */
    TRY(store_table(store, TABLE_planned, &a));
    for (size_t i = 0; i < b->count; i++) {
        append_integer(a, run);
        append_integer(a, (int64_t)i);
        append_integer(a, store_known(store, b->cases[i].key)->test_case);
        TRY(append_row(a));
    }
    return RESULT_OK;
}

struct result store_begin(struct store *store, const struct run_info *run,
                          const struct planned_case *cases, size_t count)
{
    struct begin b = {run, cases, count};
    return store_transaction(store, begin, &b);
}

static struct result end(struct store *store, void *context)
{
    const struct run_info *run = context;
    struct query *q = NULL;
    TRY(store_statement(store, STATEMENT_END_RUN, &q));
    store_set_text(q, 1, run->id);
    size_t values[] = {run->counts[CASE_PASSED],
                       run->counts[CASE_SKIPPED],
                       run->counts[CASE_CANCELLED],
                       run->counts[CASE_FAILED],
                       run->counts[CASE_ERROR],
                       run->slow,
                       run->flaky,
                       run->leaky,
                       run->timed_out};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        query_set_integer(q, (int)i + 2, (int64_t)values[i]);
    query_set_integer(q, 11, run->duration);
    query_set_integer(q, 12, run->exit_status);
    return query_run(q);
}

struct result store_end(struct store *store, const struct run_info *run)
{
    struct run_info copy = *run;
    return store_transaction(store, end, &copy);
}
