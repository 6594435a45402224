/*
 * The tables, and how a database of an older version becomes one of this version. Step i of
 * `store_schema` leads from version i to i + 1; steps are only ever added, never changed.
 *
 * Workload: results are appended at up to tens of thousands per second and read seldom, but over
 * millions of rows. So everything of a run is clustered by (run, sequence), which makes inserts
 * appends and reports one scan; what a case looks like stands once per change of the case
 * (`definition`) and not once per result; and one index serves history: it holds all that "how did
 * this case do, how long did it take" needs.
 */
#include "record/store_internal.h"

#include <unistd.h>

#include "record/database_sqlite.h"

/* "ASSY": tells our databases from others (PRAGMA application_id). */
#define APPLICATION_ID 0x41535359

/* Statuses are stored as these numbers. */
_Static_assert(CASE_PASSED == 0 && CASE_SKIPPED == 1 && CASE_CANCELLED == 2 && CASE_FAILED == 3 &&
                   CASE_ERROR == 4 && CASE_STATUS_COUNT == 5,
               "a changed order of statuses needs a migration");
_Static_assert(CASE_SLOW == 1 && CASE_FLAKY == 2 && CASE_LEAKY == 4 && CASE_TIMED_OUT == 8,
               "a changed flag needs a migration");

const char *const store_schema[] = {
    "CREATE TABLE run (\n"
    "  run INTEGER PRIMARY KEY,           -- in the order they began\n"
    "  id TEXT NOT NULL UNIQUE,\n"
    "  command TEXT NOT NULL,\n"
    "  options TEXT,                      -- JSON: what makes the same plan again\n"
    "  host TEXT, version TEXT,\n"
    "  seed INTEGER NOT NULL,             -- unsigned 64 bit, as signed\n"
    "  jobs INTEGER NOT NULL,\n"
    "  started INTEGER NOT NULL,          -- ns since the epoch\n"
    "  duration INTEGER,                  -- ns; durations are ns everywhere\n"
    "  exit_status INTEGER,               -- NULL while the run has not ended\n"
    "  planned INTEGER NOT NULL,\n"
    "  passed INTEGER, skipped INTEGER, cancelled INTEGER, failed INTEGER, error INTEGER,\n"
    "  slow INTEGER, flaky INTEGER, leaky INTEGER, timed_out INTEGER\n"
    ") STRICT;\n"
    "CREATE TABLE status (status INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;\n"
    "INSERT INTO status VALUES (0, 'passed'), (1, 'skipped'), (2, 'cancelled'), (3, 'failed'),\n"
    "  (4, 'error');\n"
    "CREATE TABLE flag (flag INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;\n"
    "INSERT INTO flag VALUES (1, 'slow'), (2, 'flaky'), (4, 'leaky'), (8, 'timed_out');\n"
    "CREATE TABLE test_case (\n"
    "  test_case INTEGER PRIMARY KEY,\n"
    "  key TEXT NOT NULL UNIQUE,          -- suite/id with matrix values\n"
    "  suite TEXT, id TEXT\n"
    ") STRICT;\n"
    "CREATE TABLE definition (            -- a case as a suite had it, a row per change\n"
    "  definition INTEGER PRIMARY KEY,\n"
    "  test_case INTEGER NOT NULL REFERENCES test_case,\n"
    "  hash INTEGER NOT NULL,             -- of all that follows\n"
    "  describe TEXT, model TEXT, file TEXT, line INTEGER NOT NULL, \"column\" INTEGER NOT NULL,\n"
    "  tags TEXT,                         -- JSON array\n"
    "  UNIQUE (test_case, hash)\n"
    ") STRICT;\n"
    "CREATE TABLE planned (\n"
    "  run INTEGER NOT NULL REFERENCES run, position INTEGER NOT NULL,\n"
    "  test_case INTEGER NOT NULL REFERENCES test_case,\n"
    "  PRIMARY KEY (run, position)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE result (\n"
    "  run INTEGER NOT NULL REFERENCES run,\n"
    "  sequence INTEGER NOT NULL,         -- in the order they finished, from 1\n"
    "  test_case INTEGER NOT NULL REFERENCES test_case,\n"
    "  definition INTEGER NOT NULL REFERENCES definition,\n"
    "  status INTEGER NOT NULL REFERENCES status,\n"
    "  flags INTEGER NOT NULL,            -- of table flag, added up\n"
    "  started INTEGER NOT NULL,          -- ns since the epoch; 0: it never began\n"
    "  queued INTEGER NOT NULL, duration INTEGER NOT NULL,\n"
    "  slot INTEGER NOT NULL,\n"
    "  reason TEXT, rerun TEXT,\n"
    "  PRIMARY KEY (run, sequence)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE INDEX result_history ON result (test_case, run, status, duration);\n"
    "CREATE TABLE attempt (\n"
    "  run INTEGER NOT NULL, sequence INTEGER NOT NULL,\n"
    "  attempt INTEGER NOT NULL,          -- position, from 0\n"
    "  number INTEGER NOT NULL, status INTEGER NOT NULL,\n"
    "  started INTEGER NOT NULL,          -- ns, monotonic: only differences mean anything\n"
    "  duration INTEGER NOT NULL, trials INTEGER NOT NULL, trials_passed INTEGER NOT NULL,\n"
    "  given TEXT,                        -- JSON\n"
    "  PRIMARY KEY (run, sequence, attempt)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE step (\n"
    "  run INTEGER NOT NULL, sequence INTEGER NOT NULL, attempt INTEGER NOT NULL,\n"
    "  step INTEGER NOT NULL,             -- position in the attempt, from 0\n"
    "  name TEXT, kind TEXT, trial INTEGER NOT NULL, position INTEGER NOT NULL,\n"
    "  status INTEGER NOT NULL, error_code TEXT, error TEXT,\n"
    "  file TEXT,                         -- NULL: the file of the case\n"
    "  line INTEGER NOT NULL, \"column\" INTEGER NOT NULL,\n"
    "  started INTEGER NOT NULL, duration INTEGER NOT NULL,\n"
    "  first_byte INTEGER NOT NULL, first_token INTEGER NOT NULL,\n"
    "  leaky INTEGER NOT NULL,            -- its program left processes behind\n"
    "  PRIMARY KEY (run, sequence, attempt, step)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE verdict (\n"
    "  run INTEGER NOT NULL, sequence INTEGER NOT NULL, attempt INTEGER NOT NULL,\n"
    "  step INTEGER NOT NULL, verdict INTEGER NOT NULL,\n"
    "  name TEXT, passed INTEGER NOT NULL, impossible INTEGER NOT NULL,\n"
    "  expected TEXT, actual TEXT, message TEXT,\n"
    "  file TEXT, line INTEGER NOT NULL, \"column\" INTEGER NOT NULL,\n"
    "  PRIMARY KEY (run, sequence, attempt, step, verdict)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE evidence (              -- of steps that did not pass; long texts, so by rowid\n"
    "  run INTEGER NOT NULL, sequence INTEGER NOT NULL, attempt INTEGER NOT NULL,\n"
    "  step INTEGER NOT NULL, request TEXT, response TEXT, log TEXT,\n"
    "  PRIMARY KEY (run, sequence, attempt, step)\n"
    ") STRICT;\n",

    "ALTER TABLE run ADD COLUMN machine TEXT;        -- JSON: cores, memory, kernel, revision\n"
    "ALTER TABLE definition ADD COLUMN needs TEXT;   -- JSON arrays: keys of cases, resources\n"
    "ALTER TABLE definition ADD COLUMN uses TEXT;\n"
    "ALTER TABLE definition ADD COLUMN services TEXT;\n"
    "ALTER TABLE result ADD COLUMN held_by TEXT;     -- what it waited for longest\n"
    "ALTER TABLE result ADD COLUMN starting INTEGER NOT NULL DEFAULT 0; -- ns of duration until\n"
    "                                     -- services that others use too were ready\n"
    "DROP INDEX result_history;\n"
    "CREATE INDEX result_history ON result (test_case, run, status, duration, starting);\n"
    "ALTER TABLE step ADD COLUMN service TEXT;       -- whom it called\n"
    "ALTER TABLE step ADD COLUMN connect INTEGER NOT NULL DEFAULT 0;\n"
    "ALTER TABLE step ADD COLUMN checks INTEGER NOT NULL DEFAULT 0; -- ns its checks took\n"
    "ALTER TABLE verdict ADD COLUMN detail TEXT;     -- JSON: votes of a graded validator\n"
    "CREATE TABLE usage (                 -- of models\n"
    "  run INTEGER NOT NULL, sequence INTEGER NOT NULL, attempt INTEGER NOT NULL,\n"
    "  step INTEGER NOT NULL, position INTEGER NOT NULL, model TEXT,\n"
    "  input_tokens INTEGER NOT NULL,     -- -1: not told\n"
    "  output_tokens INTEGER NOT NULL,\n"
    "  cost INTEGER NOT NULL,             -- 10^-9 of the currency of the prices; -1: unknown\n"
    "  cached INTEGER NOT NULL, graded INTEGER NOT NULL,\n"
    "  PRIMARY KEY (run, sequence, attempt, step, position)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE service_event (         -- a service changed its state\n"
    "  run INTEGER NOT NULL REFERENCES run,\n"
    "  position INTEGER NOT NULL,         -- of the run's events and notes together, from 1\n"
    "  at INTEGER NOT NULL,               -- ns since the epoch\n"
    "  service TEXT, instance INTEGER NOT NULL, state TEXT, detail TEXT,\n"
    "  pid INTEGER NOT NULL, signal INTEGER NOT NULL, exit_code INTEGER NOT NULL, log TEXT,\n"
    "  PRIMARY KEY (run, position)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE note (\n"
    "  run INTEGER NOT NULL REFERENCES run, position INTEGER NOT NULL,\n"
    "  at INTEGER NOT NULL, text TEXT,\n"
    "  PRIMARY KEY (run, position)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE subject (               -- who was measured: assay itself, or a service\n"
    "  run INTEGER NOT NULL REFERENCES run, subject INTEGER NOT NULL,\n"
    "  name TEXT, instance INTEGER NOT NULL, pid INTEGER NOT NULL,\n"
    "  PRIMARY KEY (run, subject)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE sample (                -- of a subject's whole process tree\n"
    "  run INTEGER NOT NULL, subject INTEGER NOT NULL,\n"
    "  at INTEGER NOT NULL,               -- ns since the epoch\n"
    "  cpu INTEGER NOT NULL,              -- ns used so far\n"
    "  rss INTEGER NOT NULL,              -- bytes\n"
    "  pss INTEGER NOT NULL,              -- bytes; 0: not taken\n"
    "  processes INTEGER NOT NULL, threads INTEGER NOT NULL, descriptors INTEGER NOT NULL,\n"
    "  voluntary INTEGER NOT NULL, involuntary INTEGER NOT NULL, -- context switches\n"
    "  read_bytes INTEGER NOT NULL, written_bytes INTEGER NOT NULL,\n"
    "  gpu_memory INTEGER NOT NULL,       -- bytes; -1: unknown\n"
    "  gpu_use INTEGER NOT NULL,          -- percent; -1: unknown\n"
    "  PRIMARY KEY (run, subject, at)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE anomaly (\n"
    "  run INTEGER NOT NULL REFERENCES run, position INTEGER NOT NULL,\n"
    "  kind TEXT, subject INTEGER, started INTEGER NOT NULL, ended INTEGER NOT NULL,\n"
    "  text TEXT, evidence TEXT,          -- JSON\n"
    "  PRIMARY KEY (run, position)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE checked (               -- verdicts by kind of check, so that no report has to\n"
    "  run INTEGER NOT NULL REFERENCES run, -- read them all\n"
    "  name TEXT NOT NULL, passed INTEGER NOT NULL, failed INTEGER NOT NULL,\n"
    "  impossible INTEGER NOT NULL,\n"
    "  PRIMARY KEY (run, name)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "INSERT INTO checked\n"
    "  SELECT run, substr(name, 1, instr(name || ' ', ' ') - 1), sum(passed),\n"
    "    sum(CASE WHEN passed + impossible = 0 THEN 1 ELSE 0 END),\n"
    "    sum(CASE WHEN passed = 0 THEN impossible ELSE 0 END) FROM verdict\n"
    "   WHERE name IS NOT NULL GROUP BY 1, 2;\n"
    "CREATE TABLE baseline (              -- a run that others are compared with\n"
    "  name TEXT PRIMARY KEY, run INTEGER NOT NULL REFERENCES run,\n"
    "  pinned INTEGER NOT NULL,           -- ns since the epoch\n"
    "  poisoned TEXT                      -- why it is no good any more; NULL: it is good\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE quarantine (\n"
    "  test_case INTEGER PRIMARY KEY REFERENCES test_case, owner TEXT, reason TEXT,\n"
    "  since INTEGER NOT NULL, expires INTEGER NOT NULL -- ns since the epoch\n"
    ") STRICT;\n",

    /* 3: loads */
    "ALTER TABLE run ADD COLUMN kind TEXT NOT NULL DEFAULT 'suite'; -- or 'load'\n"
    "CREATE TABLE load (                  -- a run that is a load\n"
    "  run INTEGER NOT NULL REFERENCES run,\n"
    "  name TEXT NOT NULL,                -- loads of one name are compared with each other\n"
    "  parameters TEXT NOT NULL,          -- JSON: what was asked of whom, without secrets\n"
    "  verdict TEXT,                      -- NULL: it never ended\n"
    "  reasons TEXT,                      -- JSON array: why it is invalid\n"
    "  outcome TEXT,                      -- JSON: counts and times of the whole load\n"
    "  PRIMARY KEY (run)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE INDEX load_name ON load (name, run);\n"
    "CREATE TABLE load_metric (           -- of answers of the measured time, in ns or as they "
    "are\n"
    "  run INTEGER NOT NULL REFERENCES run, metric TEXT NOT NULL,\n"
    "  count INTEGER NOT NULL, mean INTEGER NOT NULL, p50 INTEGER NOT NULL,\n"
    "  p90 INTEGER NOT NULL, p99 INTEGER NOT NULL, p999 INTEGER NOT NULL, most INTEGER NOT NULL,\n"
    "  histogram TEXT NOT NULL,           -- every value counted (docs/store.md)\n"
    "  PRIMARY KEY (run, metric)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE load_failure (\n"
    "  run INTEGER NOT NULL REFERENCES run, class TEXT NOT NULL,\n"
    "  count INTEGER NOT NULL, example TEXT,\n"
    "  PRIMARY KEY (run, class)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE load_second (           -- what happened in each second, warm-up and end too\n"
    "  run INTEGER NOT NULL REFERENCES run,\n"
    "  second INTEGER NOT NULL,           -- from 1\n"
    "  at INTEGER NOT NULL,               -- its end, since the load began\n"
    "  span INTEGER NOT NULL,             -- how long it took\n"
    "  started INTEGER NOT NULL, answered INTEGER NOT NULL, failed INTEGER NOT NULL,\n"
    "  tokens INTEGER NOT NULL, bytes INTEGER NOT NULL, in_flight INTEGER NOT NULL,\n"
    "  reads INTEGER NOT NULL,            -- and how late they were, together and at most\n"
    "  lag INTEGER NOT NULL, lag_most INTEGER NOT NULL,\n"
    "  late_most INTEGER NOT NULL,        -- of requests that could have gone\n"
    "  failures TEXT,                     -- JSON: by class\n"
    "  histograms TEXT,                   -- JSON: by metric, of the measured time\n"
    "  PRIMARY KEY (run, second)\n"
    ") STRICT, WITHOUT ROWID;\n",
};

const int store_schema_version = sizeof(store_schema) / sizeof(store_schema[0]);

/* --- SQLite --- */

static struct result read_integer(struct database *db, const char *sql, int64_t *out)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    TRY(database_prepare(db, sql, &q));
    TRY(store_row(q));
    *out = query_integer(q, 0);
    return RESULT_OK;
}

static struct result is_sqlite(struct database *db)
{
    sqlite3_stmt *statement = NULL;
    sqlite3 *handle = database_sqlite(db);
    int rc = sqlite3_prepare_v2(handle, "PRAGMA user_version", -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    sqlite3_finalize(statement);
    ENSURE(rc != SQLITE_NOTADB, ERR_STORE,
           "%s is not a result store: the file is no SQLite database; name another with --store",
           database_name(db));
    ENSURE(rc == SQLITE_ROW, ERR_STORE, "result store %s: %s", database_name(db),
           sqlite3_errmsg(handle));
    return RESULT_OK;
}

static struct result read_sqlite_version(struct database *db, int64_t *version)
{
    int64_t application = 0, tables = 0;

    TRY(is_sqlite(db));
    TRY(read_integer(db, "PRAGMA user_version", version));
    TRY(read_integer(db, "PRAGMA application_id", &application));
    if (application != APPLICATION_ID)
        TRY(read_integer(db, "SELECT count(*) FROM sqlite_schema", &tables));
    ENSURE(tables == 0, ERR_STORE,
           "%s is not a result store: it is an SQLite database of another program; name another "
           "with --store",
           database_name(db));
    return RESULT_OK;
}

static struct result write_sqlite_version(struct database *db, int version)
{
    char sql[96];
    snprintf(sql, sizeof(sql), "PRAGMA user_version = %d; PRAGMA application_id = %d", version,
             APPLICATION_ID);
    return database_execute(db, sql);
}

/*
 * WAL is a property of the file. Switching needs the file alone for a moment, and SQLite does not
 * wait for that by its busy timeout, so processes that create one store together are waited for
 * here.
 */
static struct result switch_to_wal(struct database *db)
{
    sqlite3 *handle = database_sqlite(db);
    for (int tries = 0;; tries++) {
        sqlite3_stmt *statement = NULL;
        int rc = sqlite3_prepare_v2(handle, "PRAGMA journal_mode = WAL", -1, &statement, NULL);
        if (rc == SQLITE_OK)
            rc = sqlite3_step(statement);
        bool done =
            rc == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(statement, 0), "wal") == 0;
        sqlite3_finalize(statement);
        if (done)
            return RESULT_OK;
        ENSURE(rc == SQLITE_BUSY && tries < 500, ERR_STORE,
               "result store %s cannot use a write-ahead log (%s): is it on a network file system? "
               "Name one on a local disk with --store",
               database_name(db), sqlite3_errmsg(handle));
        usleep(10000);
    }
}

/* The file and its entry in the folder onto the disk. */
static struct result sync_file(struct database *db)
{
    sqlite3_file *file = NULL;
    int rc = sqlite3_file_control(database_sqlite(db), "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (rc == SQLITE_OK)
        rc = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
    ENSURE(rc == SQLITE_OK, ERR_STORE, "result store %s: cannot be written to disk: %s",
           database_name(db), sqlite3_errstr(rc));
    return RESULT_OK;
}

/* --- PostgreSQL --- */

/* The version stands in a table of ours, the first that is made. */
static struct result read_postgresql_version(struct database *db, int64_t *version)
{
    int64_t ours = 0, foreign = 0;

    TRY(read_integer(db, "SELECT count(*) FROM pg_class WHERE oid = to_regclass('assay_store')",
                     &ours));
    *version = 0;
    if (ours)
        return read_integer(db, "SELECT max(version) FROM assay_store", version);
    TRY(read_integer(db, "SELECT count(*) FROM pg_class WHERE oid = to_regclass('run')", &foreign));
    ENSURE(foreign == 0, ERR_STORE,
           "%s is not a result store: it has a table \"run\" of another program; name another "
           "database with --store, or another schema with ?options=-csearch_path%%3Dassay",
           database_name(db));
    return RESULT_OK;
}

static struct result write_postgresql_version(struct database *db, int version)
{
    char sql[160];
    snprintf(sql, sizeof(sql),
             "CREATE TABLE IF NOT EXISTS assay_store (version INTEGER NOT NULL);"
             "DELETE FROM assay_store; INSERT INTO assay_store VALUES (%d)",
             version);
    return database_execute(db, sql);
}

/* --- migrating --- */

/* What is there: 0 for an empty database; a database of somebody else's is refused. */
static struct result read_version(struct database *db, int count, int64_t *version)
{
    bool sqlite = database_kind(db) == DATABASE_SQLITE;
    TRY(sqlite ? read_sqlite_version(db, version) : read_postgresql_version(db, version));
    ENSURE(*version <= count, ERR_STORE,
           "result store %s has schema version %lld, made by a newer assay; this one knows up to "
           "%d: use the newer assay, or name another store with --store",
           database_name(db), (long long)*version, count);
    return RESULT_OK;
}

static struct result apply(struct database *db, const char *const *steps, int count)
{
    int64_t version;

    /* Again, now that nobody else can write: another process may have been quicker. */
    TRY(database_lock(db));
    TRY(read_version(db, count, &version));
    if (version == count)
        return RESULT_OK;
    for (int64_t i = version; i < count; i++)
        TRY(database_execute(db, steps[i]));
    return database_kind(db) == DATABASE_SQLITE ? write_sqlite_version(db, count)
                                                : write_postgresql_version(db, count);
}

static struct result apply_together(struct database *db, const char *const *steps, int count)
{
    TRY(database_begin(db, DATABASE_WRITE));
    struct result applied = apply(db, steps, count);
    if (result_ok(applied))
        applied = database_commit(db);
    if (!result_ok(applied))
        database_rollback(db);
    return applied;
}

/* All in one transaction: another process may be making the tables right now. */
static struct result read_version_at_once(struct database *db, int count, int64_t *version)
{
    TRY(database_begin(db, DATABASE_READ));
    struct result read = read_version(db, count, version);
    database_rollback(db); /* nothing was written */
    return read;
}

struct result store_migrate(struct database *db, const char *const *steps, int count, int64_t *from)
{
    int64_t version;

    TRY(read_version_at_once(db, count, &version));
    if (from)
        *from = version;
    if (version == count)
        return RESULT_OK;
    if (version > 0 || database_kind(db) != DATABASE_SQLITE)
        return apply_together(db, steps, count);
    /* A new database holds nothing that a crash of the machine could take: one sync at the end is
       enough, and makes the first run quick to begin. */
    TRY(database_execute(db, "PRAGMA synchronous = OFF"));
    TRY(switch_to_wal(db));
    TRY(apply_together(db, steps, count));
    TRY(sync_file(db));
    return database_execute(db, "PRAGMA synchronous = FULL");
}
