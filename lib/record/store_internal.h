/*
 * What the files of the SQLite store share: the connection, its prepared statements, and the few
 * words for binding and reading values. Not for use outside lib/record.
 */
#ifndef RECORD_STORE_INTERNAL_H
#define RECORD_STORE_INTERNAL_H

#include "record/database_sqlite.h"
#include "record/store.h"

/* Every statement that is kept prepared; each is compiled when first used. */
#define STATEMENT_TABLE(X)                                                                         \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                    \
    X(COMMIT, "COMMIT")                                                                            \
    X(ROLLBACK, "ROLLBACK")                                                                        \
    X(RUN_NUMBER, "SELECT run FROM run WHERE id = ?1")                                             \
    X(ADD_RUN, "INSERT INTO run (id, command, options, host, version, seed, jobs, started,"        \
               " planned, machine) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"               \
               " RETURNING run")                                                                   \
    X(END_RUN, "UPDATE run SET (passed, skipped, cancelled, failed, error, slow, flaky, leaky,"    \
               " timed_out, duration, exit_status) ="                                              \
               " (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) WHERE id = ?1")                   \
    X(REOPEN_RUN, "UPDATE run SET exit_status = NULL WHERE run = ?1")                              \
    X(FIND_CASE, "SELECT test_case FROM test_case WHERE key = ?1")                                 \
    X(ADD_CASE, "INSERT INTO test_case (key, suite, id) VALUES (?1, ?2, ?3) RETURNING test_case")  \
    X(ADD_PLANNED, "INSERT INTO planned (run, position, test_case) VALUES (?1, ?2, ?3)")           \
    X(FIND_DEFINITION, "SELECT definition FROM definition WHERE test_case = ?1 AND hash = ?2")     \
    X(ADD_DEFINITION, "INSERT INTO definition (test_case, hash, describe, model, file, line,"      \
                      " \"column\", tags, needs, uses, services)"                                  \
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"                     \
                      " RETURNING definition")                                                     \
    X(LAST_SEQUENCE, "SELECT coalesce(max(sequence), 0) FROM result WHERE run = ?1")               \
    X(FIND_RESULT, "SELECT sequence FROM result WHERE test_case = ?1 AND run = ?2")                \
    X(ADD_RESULT, "INSERT INTO result (run, sequence, test_case, definition, status, flags,"       \
                  " started, queued, duration, slot, reason, rerun, held_by)"                      \
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)")              \
    X(ADD_ATTEMPT, "INSERT INTO attempt (run, sequence, attempt, number, status, started,"         \
                   " duration, trials, trials_passed, given)"                                      \
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")                            \
    X(ADD_STEP, "INSERT INTO step (run, sequence, attempt, step, name, kind, trial, position,"     \
                " status, error_code, error, file, line, \"column\", started, duration,"           \
                " first_byte, first_token, leaky, service, connect, checks)"                       \
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"  \
                " ?17, ?18, ?19, ?20, ?21, ?22)")                                                  \
    X(ADD_VERDICT, "INSERT INTO verdict (run, sequence, attempt, step, verdict, name, passed,"     \
                   " impossible, expected, actual, message, file, line, \"column\", detail)"       \
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)")   \
    X(ADD_USAGE, "INSERT INTO usage (run, sequence, attempt, step, position, model, input_tokens," \
                 " output_tokens, cost, cached, graded)"                                           \
                 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")                         \
    X(ADD_CHECKED, "INSERT INTO checked (run, name, passed, failed, impossible)"                   \
                   " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (run, name) DO UPDATE SET"            \
                   " passed = checked.passed + excluded.passed,"                                   \
                   " failed = checked.failed + excluded.failed,"                                   \
                   " impossible = checked.impossible + excluded.impossible")                       \
    X(VERDICTS_OF,                                                                                 \
      "SELECT name, passed, impossible FROM verdict WHERE run = ?1 AND sequence = ?2")             \
    X(LAST_EVENT, "SELECT coalesce(max(position), 0) FROM (SELECT position FROM service_event"     \
                  " WHERE run = ?1 UNION ALL SELECT position FROM note WHERE run = ?1) e")         \
    X(ADD_SERVICE_EVENT, "INSERT INTO service_event (run, position, at, service, instance, state," \
                         " detail, pid, signal, exit_code, log)"                                   \
                         " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")                 \
    X(ADD_NOTE, "INSERT INTO note (run, position, at, text) VALUES (?1, ?2, ?3, ?4)")              \
    X(ADD_EVIDENCE, "INSERT INTO evidence (run, sequence, attempt, step, request, response, log)"  \
                    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")                                        \
    X(DROP_RESULT, "DELETE FROM result WHERE run = ?1 AND sequence = ?2")                          \
    X(DROP_ATTEMPT, "DELETE FROM attempt WHERE run = ?1 AND sequence = ?2")                        \
    X(DROP_STEP, "DELETE FROM step WHERE run = ?1 AND sequence = ?2")                              \
    X(DROP_VERDICT, "DELETE FROM verdict WHERE run = ?1 AND sequence = ?2")                        \
    X(DROP_EVIDENCE, "DELETE FROM evidence WHERE run = ?1 AND sequence = ?2")                      \
    X(DROP_USAGE, "DELETE FROM usage WHERE run = ?1 AND sequence = ?2")                            \
    X(CANCELLED, "SELECT sequence FROM result WHERE run = ?1 AND status = ?2")                     \
    X(TOTALS, "SELECT status, flags, count(*) FROM result WHERE run = ?1 GROUP BY status, flags")  \
    X(READ_RUN, "SELECT id, command, options, host, version, seed, jobs, started, duration,"       \
                " exit_status, planned, machine FROM run WHERE run = ?1")                          \
    X(MATCH_RUN, "SELECT run, id FROM run WHERE substr(id, 1, length(?1)) = ?1"                    \
                 " ORDER BY id = ?1 DESC, run DESC LIMIT 6")                                       \
    X(LATEST_RUNS, "SELECT run, id FROM run ORDER BY run DESC LIMIT 5")                            \
    X(UNFINISHED, "SELECT t.key FROM planned p JOIN test_case t USING (test_case)"                 \
                  " WHERE p.run = ?1 AND NOT EXISTS (SELECT 1 FROM result r"                       \
                  " WHERE r.test_case = p.test_case AND r.run = p.run AND r.status <> ?2)"         \
                  " ORDER BY p.position")                                                          \
    X(FAILED, "SELECT t.key FROM result r JOIN test_case t USING (test_case)"                      \
              " WHERE r.run = ?1 AND r.status IN (?2, ?3) ORDER BY r.sequence")                    \
    X(NOT_PASSED, "SELECT t.key FROM result r JOIN test_case t USING (test_case)"                  \
                  " WHERE r.run = ?1 AND r.status <> ?2 ORDER BY r.sequence")                      \
    X(DURATIONS, "SELECT duration FROM result WHERE status = ?2"                                   \
                 " AND test_case = (SELECT test_case FROM test_case WHERE key = ?1)"               \
                 " ORDER BY run DESC LIMIT 20")                                                    \
    X(STATUS_BEFORE, "SELECT status FROM result WHERE test_case ="                                 \
                     " (SELECT test_case FROM test_case WHERE key = ?1)"                           \
                     " AND run < (SELECT run FROM run WHERE id = ?2) AND status IN (?3, ?4, ?5)"   \
                     " ORDER BY run DESC LIMIT 1")                                                 \
    X(VISIT_RESULTS,                                                                               \
      "SELECT r.sequence, t.key, t.suite, t.id, d.describe, d.model, d.file,"                      \
      " d.line, d.\"column\", d.tags, r.status, r.flags, r.started, r.queued,"                     \
      " r.duration, r.slot, r.reason, r.rerun, r.held_by, d.needs, d.uses, d.services"             \
      " FROM result r JOIN test_case t USING (test_case)"                                          \
      " JOIN definition d USING (definition)"                                                      \
      " WHERE r.run = ?1 ORDER BY r.sequence")                                                     \
    X(VISIT_ATTEMPTS, "SELECT sequence, attempt, number, status, started, duration, trials,"       \
                      " trials_passed, given FROM attempt WHERE run = ?1"                          \
                      " ORDER BY sequence, attempt")                                               \
    X(VISIT_STEPS, "SELECT sequence, attempt, step, name, kind, trial, position, status,"          \
                   " error_code, error, file, line, \"column\", started, duration, first_byte,"    \
                   " first_token, leaky, service, connect, checks FROM step WHERE run = ?1 ORDER " \
                   "BY sequence, attempt, step")                                                   \
    X(VISIT_VERDICTS,                                                                              \
      "SELECT sequence, attempt, step, name, passed, impossible, expected,"                        \
      " actual, message, file, line, \"column\", detail FROM verdict WHERE run = ?1"               \
      " ORDER BY sequence, attempt, step, verdict")                                                \
    X(VISIT_EVIDENCE, "SELECT sequence, attempt, step, request, response, log FROM evidence"       \
                      " WHERE run = ?1 ORDER BY sequence, attempt, step")                          \
    X(VISIT_USAGE, "SELECT sequence, attempt, step, model, input_tokens, output_tokens, cost,"     \
                   " cached, graded FROM usage WHERE run = ?1"                                     \
                   " ORDER BY sequence, attempt, step, position")                                  \
    X(VISIT_EVENTS,                                                                                \
      "SELECT position, at, service, instance, state, detail, pid, signal, exit_code,"             \
      " log, NULL AS text, 0 AS note FROM service_event WHERE run = ?1"                            \
      " UNION ALL SELECT position, at, NULL, 0, NULL, NULL, 0, 0, 0, NULL, text, 1"                \
      " FROM note WHERE run = ?1 ORDER BY 1")

enum statement {
#define X(name, sql) STATEMENT_##name,
    STATEMENT_TABLE(X)
#undef X
        STATEMENT_COUNT
};

/* Verdicts of one kind of check ("json" of "json $.status") that a transaction adds or drops. */
struct check_sum {
    struct check_sum *next;
    struct slice kind;
    int64_t passed, failed, impossible;
};

struct store {
    struct database *database;
    sqlite3 *db; /* of the database */
    const char *path;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    struct arena *scratch; /* texts that had to be repaired before binding; one transaction long */
    int64_t run;           /* number of the run `run_id` names, found once */
    char *run_id;
    bool in_transaction;
    struct check_sum *checked; /* of this transaction; in `scratch` */
};

/* Compiled and reset; our SQL is fixed, so a failure to compile means a damaged database. */
struct result store_statement(struct store *store, enum statement which,
                              sqlite3_stmt **out) MUST_USE;

/* Run a statement that gives no rows. It is reset afterwards. */
struct result store_execute(struct store *store, sqlite3_stmt *statement) MUST_USE;

/* One row is there (`*row` true, the caller reads and resets), or none (already reset). */
struct result store_step(struct store *store, sqlite3_stmt *statement, bool *row) MUST_USE;

/* ERR_STORE with SQLite's own words and what can be done about them. */
struct result store_error(struct store *store, const char *doing);

/* A text; NULL when empty. Invalid UTF-8 and NUL bytes become U+FFFD. */
void store_bind_text(struct store *store, sqlite3_stmt *statement, int at, struct slice text);

/* A column as text copied to the arena; empty when NULL. */
struct slice store_column_text(struct arena *arena, sqlite3_stmt *statement, int at);

/* The number of a run by its id. */
struct result store_run_number(struct store *store, struct slice run_id, int64_t *out) MUST_USE;

/* The counts of a run as its results have them. */
struct result store_totals(struct store *store, int64_t run, struct run_info *info) MUST_USE;

/*
 * Bring a database up to date: apply the steps beyond its user_version, each with its version, in
 * one transaction. A version above `count` is refused. (store_schema.c)
 */
struct result store_migrate(sqlite3 *db, const char *path, const char *const *steps,
                            int count) MUST_USE;

extern const char *const store_schema[];
extern const int store_schema_version;

#endif
