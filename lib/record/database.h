/*
 * One way to speak SQL to either database, SQLite or PostgreSQL. A statement is written once, in
 * the SQL that both understand, with the placeholders ?1, ?2, …; columns are 64 bit integers,
 * reals, texts and NULL, nothing else. What that asks of the SQL: no scalar max(a, b) (write CASE),
 * every selected column aggregated or in GROUP BY, texts compared with = and not with LIKE.
 *
 *     DEFER(query_free_pointer) struct query *q = NULL;
 *     bool row;
 *     TRY(database_prepare(db, "SELECT status, count(*) FROM result WHERE run = ?1 GROUP BY 1",
 * &q)); query_set_integer(q, 1, run); for (;;) { TRY(query_next(q, &row)); if (!row) break;
 *         counts[query_integer(q, 0)] = query_integer(q, 1);
 *     }
 *
 * Workload: a few statements written over and over at tens of thousands of rows per second, and
 * scans of up to some million rows. A database is used by one thread at a time. Failures are
 * ERR_STORE, name the database (never its password) and say what can be done.
 */
#ifndef RECORD_DATABASE_H
#define RECORD_DATABASE_H

#include "core/arena.h"

struct database;
struct query;

enum database_kind { DATABASE_SQLITE, DATABASE_POSTGRESQL };

/*
 * Open "sqlite:PATH" or a bare path (the file and its folders are made when absent), or
 * "postgresql://USER:PASSWORD@HOST:PORT/NAME" (also postgres://) with libpq's options after a "?".
 */
struct result database_open(const char *url, struct database **out) MUST_USE;
void database_close(struct database *db); /* NULL is allowed; frees its queries too */
void database_close_pointer(struct database **db);

enum database_kind database_kind(const struct database *db);

/* As messages call it: the path, or the url without its password. */
const char *database_name(const struct database *db);

/* --- transactions --- */

enum database_access {
    DATABASE_READ,  /* everything is seen as it was at one moment */
    DATABASE_WRITE, /* what is committed is durable, whatever happens to the machine */
};

struct result database_begin(struct database *db, enum database_access access) MUST_USE;
struct result database_commit(struct database *db) MUST_USE;
void database_rollback(struct database *db); /* also when none is open */

/*
 * Within a transaction: wait for every other that has called this, and keep others waiting until
 * this one ends. With SQLite only one transaction writes anyway.
 */
struct result database_lock(struct database *db) MUST_USE;

/* --- statements --- */

/* One or several statements without parameters and rows. */
struct result database_execute(struct database *db, const char *sql) MUST_USE;

/* Prepare one statement; `sql` must live as long as the query. */
struct result database_prepare(struct database *db, const char *sql, struct query **out) MUST_USE;

/*
 * The same for a SELECT of many rows, which are then fetched in portions; only within a
 * transaction. Several may be read at once.
 */
struct result database_scan(struct database *db, const char *sql, struct query **out) MUST_USE;

void query_free(struct query *q); /* NULL is allowed */
void query_free_pointer(struct query **q);

/*
 * Parameters, counted from 1, set before each time the query is run. Texts are not copied: they
 * have to be there until the first query_next or query_run. In texts, bytes that are not UTF-8 and
 * NULs become U+FFFD.
 */
void query_set_integer(struct query *q, int parameter, int64_t value);
void query_set_real(struct query *q, int parameter, double value);
void query_set_text(struct query *q, int parameter, struct slice value);
void query_set_null(struct query *q, int parameter);

/* The next row; when there is none any more the query can be run again. */
struct result query_next(struct query *q, bool *row) MUST_USE;

/* Run a statement whose rows, if any, do not matter. */
struct result query_run(struct query *q) MUST_USE;

/* Read no more rows. */
void query_reset(struct query *q);

/* Columns of the row, counted from 0. NULL is 0, 0.0 or the empty text. A text is there until the
   next row. */
bool query_null(const struct query *q, int column);
int64_t query_integer(const struct query *q, int column);
double query_real(const struct query *q, int column);
struct slice query_text(const struct query *q, int column);

/* A text as a copy in the arena. */
struct slice query_copy(const struct query *q, int column, struct arena *arena);

/* --- many rows into one table --- */

struct append;

/*
 * Append rows to the columns ("run, sequence, …") of a table, within transactions. The rows are
 * there for the next query of the same database, at the latest when the transaction is committed.
 * Belongs to the database.
 */
struct result database_append(struct database *db, const char *table, const char *columns,
                              struct append **out) MUST_USE;

/* The values of a row in the order of the columns, then its end. Texts as in query_set_text, but
   only needed until append_row. */
void append_integer(struct append *a, int64_t value);
void append_real(struct append *a, double value);
void append_text(struct append *a, struct slice value);
void append_null(struct append *a);
struct result append_row(struct append *a) MUST_USE;

#endif
