/*
 * What the files of the store share: the connection, its prepared statements, and the few
 * words for binding and reading values. Not for use outside lib/record.
 */
#ifndef RECORD_STORE_INTERNAL_H
#define RECORD_STORE_INTERNAL_H

#include "record/database.h"
#include "record/store.h"

/* Every statement that is kept prepared; each is compiled when first used. Those that scan give a
   row for each result or more. */
#define STATEMENT_TABLE(X)                                                                         \
    X(RUN_NUMBER, prepare, "SELECT run FROM run WHERE id = ?1")                                    \
    X(ADD_RUN, prepare,                                                                            \
      "INSERT INTO run (id, command, options, host, version, seed, jobs, "                         \
      "started, planned, machine, kind) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "              \
      "?10, ?11) RETURNING run")                                                                   \
    X(END_RUN, prepare,                                                                            \
      "UPDATE run SET (passed, skipped, cancelled, failed, error, slow, flaky, "                   \
      "leaky, timed_out, duration, exit_status) = (?2, ?3, ?4, ?5, ?6, ?7, ?8, "                   \
      "?9, ?10, ?11, ?12) WHERE id = ?1")                                                          \
    X(REOPEN_RUN, prepare, "UPDATE run SET exit_status = NULL WHERE run = ?1")                     \
    X(FIND_DEFINITION, prepare,                                                                    \
      "SELECT definition FROM definition WHERE test_case = ?1 AND hash = ?2")                      \
    X(ADD_CHECKED, prepare,                                                                        \
      "INSERT INTO checked (run, name, passed, failed, impossible) VALUES (?1, "                   \
      "?2, ?3, ?4, ?5) ON CONFLICT (run, name) DO UPDATE SET passed = "                            \
      "checked.passed + excluded.passed, failed = checked.failed + "                               \
      "excluded.failed, impossible = checked.impossible + excluded.impossible")                    \
    X(VERDICTS_OF, prepare,                                                                        \
      "SELECT name, passed, impossible FROM verdict WHERE run = ?1 AND sequence "                  \
      "= ?2")                                                                                      \
    X(LAST_EVENT, prepare,                                                                         \
      "SELECT coalesce(max(position), 0) FROM (SELECT position FROM "                              \
      "service_event WHERE run = ?1 UNION ALL SELECT position FROM note WHERE "                    \
      "run = ?1 UNION ALL SELECT position FROM anomaly WHERE run = ?1) e")                         \
    X(LAST_SUBJECT, prepare, "SELECT coalesce(max(subject), 0) FROM subject WHERE run = ?1")       \
    X(ADD_SUBJECT, prepare,                                                                        \
      "INSERT INTO subject (run, subject, name, instance, pid) VALUES (?1, ?2, "                   \
      "?3, ?4, ?5) ON CONFLICT (run, subject) DO NOTHING")                                         \
    X(VISIT_SAMPLES, scan,                                                                         \
      "SELECT s.subject, u.name, u.instance, u.pid, s.at, s.cpu, s.rss, s.pss, "                   \
      "s.processes, s.threads, s.descriptors, s.voluntary, s.involuntary, "                        \
      "s.read_bytes, s.written_bytes, s.gpu_memory, s.gpu_use FROM sample s JOIN "                 \
      "subject u ON u.run = s.run AND u.subject = s.subject WHERE s.run = ?1 "                     \
      "ORDER BY s.subject, s.at")                                                                  \
    X(VISIT_ANOMALIES, prepare,                                                                    \
      "SELECT a.kind, a.subject, a.started, a.ended, a.text, a.evidence, u.name, "                 \
      "u.instance FROM anomaly a LEFT JOIN subject u ON u.run = a.run AND "                        \
      "u.subject = a.subject WHERE a.run = ?1 ORDER BY a.position")                                \
    X(DROP_RESULT, prepare, "DELETE FROM result WHERE run = ?1 AND sequence = ?2")                 \
    X(DROP_ATTEMPT, prepare, "DELETE FROM attempt WHERE run = ?1 AND sequence = ?2")               \
    X(DROP_STEP, prepare, "DELETE FROM step WHERE run = ?1 AND sequence = ?2")                     \
    X(DROP_VERDICT, prepare, "DELETE FROM verdict WHERE run = ?1 AND sequence = ?2")               \
    X(DROP_EVIDENCE, prepare, "DELETE FROM evidence WHERE run = ?1 AND sequence = ?2")             \
    X(DROP_USAGE, prepare, "DELETE FROM usage WHERE run = ?1 AND sequence = ?2")                   \
    X(CANCELLED, prepare, "SELECT sequence FROM result WHERE run = ?1 AND status = ?2")            \
    X(TOTALS, prepare,                                                                             \
      "SELECT status, flags, count(*) FROM result WHERE run = ?1 GROUP BY "                        \
      "status, flags")                                                                             \
    X(READ_RUN, prepare,                                                                           \
      "SELECT id, command, options, host, version, seed, jobs, started, "                          \
      "duration, exit_status, planned, machine, passed, skipped, cancelled, "                      \
      "failed, error, slow, flaky, leaky, timed_out, kind FROM run WHERE run = ?1")                \
    X(MATCH_RUN, prepare,                                                                          \
      "SELECT run, id FROM run WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id "                  \
      "= ?1 DESC, started DESC, run DESC LIMIT 6")                                                 \
    X(LATEST_RUNS, prepare, "SELECT run, id FROM run ORDER BY started DESC, run DESC LIMIT 5")     \
    X(UNFINISHED, prepare,                                                                         \
      "SELECT t.key FROM planned p JOIN test_case t USING (test_case) WHERE "                      \
      "p.run = ?1 AND NOT EXISTS (SELECT 1 FROM result r WHERE r.test_case = "                     \
      "p.test_case AND r.run = p.run AND r.status <> ?2) ORDER BY p.position")                     \
    X(FAILED, prepare,                                                                             \
      "SELECT t.key FROM result r JOIN test_case t USING (test_case) WHERE "                       \
      "r.run = ?1 AND r.status IN (?2, ?3) ORDER BY r.sequence")                                   \
    X(NOT_PASSED, prepare,                                                                         \
      "SELECT t.key FROM result r JOIN test_case t USING (test_case) WHERE "                       \
      "r.run = ?1 AND r.status <> ?2 ORDER BY r.sequence")                                         \
    X(DURATIONS, prepare,                                                                          \
      "SELECT duration - starting FROM result WHERE status = ?2 AND test_case = (SELECT "          \
      "test_case FROM test_case WHERE key = ?1) ORDER BY run DESC LIMIT 20")                       \
    X(STATUS_BEFORE, prepare,                                                                      \
      "SELECT r.status FROM result r JOIN run u ON u.run = r.run JOIN run n ON n.id = ?2 "         \
      "WHERE r.test_case = (SELECT test_case FROM test_case WHERE key = ?1) AND "                  \
      "(u.started < n.started OR (u.started = n.started AND u.run < n.run)) AND "                  \
      "r.status IN (?3, ?4, ?5) ORDER BY u.started DESC, u.run DESC LIMIT 1")                      \
    X(ADD_LOAD, prepare, "INSERT INTO load (run, name, parameters) VALUES (?1, ?2, ?3)")           \
    X(END_LOAD, prepare,                                                                           \
      "UPDATE load SET verdict = ?2, reasons = ?3, outcome = ?4 WHERE run = ?1")                   \
    X(READ_LOAD, prepare,                                                                          \
      "SELECT name, parameters, verdict, reasons, outcome FROM load WHERE run = ?1")               \
    X(READ_LOAD_METRICS, prepare,                                                                  \
      "SELECT metric, histogram FROM load_metric WHERE run = ?1 ORDER BY metric")                  \
    X(READ_LOAD_FAILURES, prepare,                                                                 \
      "SELECT class, count, example FROM load_failure WHERE run = ?1 ORDER BY class")              \
    X(READ_LOAD_SECONDS, prepare,                                                                  \
      "SELECT at, span, started, answered, failed, tokens, bytes, in_flight, reads, "              \
      "lag, lag_most, late_most, failures, histograms FROM load_second WHERE run = ?1 "            \
      "ORDER BY second")                                                                           \
    X(VISIT_RESULTS, scan,                                                                         \
      "SELECT r.sequence, t.key, t.suite, t.id, d.describe, d.model, d.file, "                     \
      "d.line, d.\"column\", d.tags, r.status, r.flags, r.started, r.queued, "                     \
      "r.duration, r.slot, r.reason, r.rerun, r.held_by, d.needs, d.uses, "                        \
      "d.services, r.starting FROM result r JOIN test_case t USING (test_case) JOIN "              \
      "definition d USING (definition) WHERE r.run = ?1 AND r.sequence BETWEEN "                   \
      "?2 AND ?3 ORDER BY r.sequence")                                                             \
    X(VISIT_ATTEMPTS, scan,                                                                        \
      "SELECT sequence, attempt, number, status, started, duration, trials, "                      \
      "trials_passed, given FROM attempt WHERE run = ?1 AND sequence BETWEEN "                     \
      "?2 AND ?3 ORDER BY sequence, attempt")                                                      \
    X(VISIT_STEPS, scan,                                                                           \
      "SELECT sequence, attempt, step, name, kind, trial, position, status, "                      \
      "error_code, error, file, line, \"column\", started, duration, first_byte, "                 \
      "first_token, leaky, service, connect, checks FROM step WHERE run = ?1 "                     \
      "AND sequence BETWEEN ?2 AND ?3 ORDER BY sequence, attempt, step")                           \
    X(VISIT_VERDICTS, scan,                                                                        \
      "SELECT sequence, attempt, step, name, passed, impossible, expected, "                       \
      "actual, message, file, line, \"column\", detail FROM verdict WHERE run = "                  \
      "?1 AND sequence BETWEEN ?2 AND ?3 ORDER BY sequence, attempt, step, "                       \
      "verdict")                                                                                   \
    X(VISIT_EVIDENCE, scan,                                                                        \
      "SELECT sequence, attempt, step, request, response, log FROM evidence "                      \
      "WHERE run = ?1 AND sequence BETWEEN ?2 AND ?3 ORDER BY sequence, "                          \
      "attempt, step")                                                                             \
    X(VISIT_USAGE, scan,                                                                           \
      "SELECT sequence, attempt, step, model, input_tokens, output_tokens, "                       \
      "cost, cached, graded FROM usage WHERE run = ?1 AND sequence BETWEEN ?2 "                    \
      "AND ?3 ORDER BY sequence, attempt, step, position")                                         \
    X(VISIT_EVENTS, scan,                                                                          \
      "SELECT position, at, service, instance, state, detail, pid, signal, "                       \
      "exit_code, log, NULL AS text, 0 AS note FROM service_event WHERE run = "                    \
      "?1 UNION ALL SELECT position, at, NULL, 0, NULL, NULL, 0, 0, 0, NULL, "                     \
      "text, 1 FROM note WHERE run = ?1 ORDER BY 1")

enum statement {
#define X(name, how, sql) STATEMENT_##name,
    STATEMENT_TABLE(X)
#undef X
        STATEMENT_COUNT
};

/* Every table that is appended to, with the columns in the order their values are given. */
#define TABLE_TABLE(X)                                                                             \
    X(test_case, "key, suite, id")                                                                 \
    X(definition, "test_case, hash, describe, model, file, line, \"column\", tags, needs, uses,"   \
                  " services")                                                                     \
    X(planned, "run, position, test_case")                                                         \
    X(result, "run, sequence, test_case, definition, status, flags, started, queued, duration,"    \
              " slot, reason, rerun, held_by, starting")                                           \
    X(attempt, "run, sequence, attempt, number, status, started, duration, trials,"                \
               " trials_passed, given")                                                            \
    X(step, "run, sequence, attempt, step, name, kind, trial, position, status, error_code,"       \
            " error, file, line, \"column\", started, duration, first_byte, first_token, leaky,"   \
            " service, connect, checks")                                                           \
    X(verdict, "run, sequence, attempt, step, verdict, name, passed, impossible, expected,"        \
               " actual, message, file, line, \"column\", detail")                                 \
    X(usage, "run, sequence, attempt, step, position, model, input_tokens, output_tokens, cost,"   \
             " cached, graded")                                                                    \
    X(evidence, "run, sequence, attempt, step, request, response, log")                            \
    X(service_event, "run, position, at, service, instance, state, detail, pid, signal,"           \
                     " exit_code, log")                                                            \
    X(note, "run, position, at, text")                                                             \
    X(sample, "run, subject, at, cpu, rss, pss, processes, threads, descriptors, voluntary,"       \
              " involuntary, read_bytes, written_bytes, gpu_memory, gpu_use")                      \
    X(anomaly, "run, position, kind, subject, started, ended, text, evidence")                     \
    X(load_metric, "run, metric, count, mean, p50, p90, p99, p999, most, histogram")               \
    X(load_failure, "run, class, count, example")                                                  \
    X(load_second, "run, second, at, span, started, answered, failed, tokens, bytes, in_flight,"   \
                   " reads, lag, lag_most, late_most, failures, histograms")

enum table {
#define X(name, columns) TABLE_##name,
    TABLE_TABLE(X)
#undef X
        TABLE_COUNT
};

/* Verdicts of one kind of check ("json" of "json $.status") that a transaction adds or drops. */
struct check_sum {
    struct check_sum *next;
    struct slice kind;
    int64_t passed, failed, impossible;
};

/* What is known of the cases of the run that is written (store_cases.c). */
struct known_case {
    struct slice key;
    int64_t test_case;                   /* 0: not yet known */
    int64_t definition, definition_hash; /* the latest; definition 0: none */
    int64_t sequence;                    /* of its result in this run; 0: none */
    bool wanted;                         /* it is on a list already */
};

struct known_cases {
    struct arena *arena; /* the keys */
    struct known_case *table;
    size_t count, capacity; /* a power of two, at most half full */
};

struct store {
    struct database *database;
    struct query *statements[STATEMENT_COUNT];
    struct append *tables[TABLE_COUNT];
    struct arena *scratch; /* one transaction long */
    int64_t run;           /* number of the run `run_id` names, found once */
    char *run_id;
    int64_t known_run, sequence; /* of which `known` tells the results, and the last of them */
    struct known_cases known;
    int64_t subject_run, subjects_before; /* of which run it is known how many it had */
    bool in_transaction;
    struct check_sum *checked; /* of this transaction; in `scratch` */
};

/* Prepared when first used. */
struct result store_statement(struct store *store, enum statement which,
                              struct query **out) MUST_USE;
struct result store_table(struct store *store, enum table which, struct append **out) MUST_USE;

/* Of SQLite's tables in memory, in KiB and negative as SQLite wants it. */
#define STORE_CACHE "-1024"

/* The store's convention: an empty text is NULL. */
void store_set_text(struct query *q, int parameter, struct slice text);
void store_append_text(struct append *a, struct slice text);

/* The one row of a query that has one. */
struct result store_row(struct query *q) MUST_USE;

/* Memory until the transaction ends. */
struct arena *store_scratch(struct store *store);

/* The number of a run by its id. */
struct result store_run_number(struct store *store, struct slice run_id, int64_t *out) MUST_USE;
void store_remember_run(struct store *store, struct slice run_id, int64_t number);

/* The counts of a run as its results have them. */
struct result store_totals(struct store *store, int64_t run, struct run_info *info) MUST_USE;

/* --- store_cases.c --- */

/* Make the cases known, and add those to the database that it does not have. */
struct result store_know(struct store *store, const struct planned_case *cases,
                         size_t count) MUST_USE;

/* A case that store_know was asked for; valid until the next call of it. */
struct known_case *store_known(struct store *store, struct slice key);

/* Add the definitions of results that the database does not have, of known cases. */
struct result store_define(struct store *store, const struct case_result *const *results,
                           size_t count) MUST_USE;

/* The number of the result's definition; its case was in a store_define before. */
struct result store_definition(struct store *store, const struct case_result *r,
                               int64_t *out) MUST_USE;

/* Know the results that `run` has already. */
struct result store_know_results(struct store *store, int64_t run) MUST_USE;

void store_forget(struct store *store);

/* --- store_measure.c --- */

struct result store_add_samples(struct store *store, int64_t run,
                                const struct samples *samples) MUST_USE;
struct result store_add_anomaly(struct store *store, int64_t run, int64_t position,
                                const struct anomaly *anomaly) MUST_USE;

/* --- store_schema.c --- */

/*
 * Bring a database up to date: apply the steps beyond its version in one transaction. A version
 * above `count` is refused. `*from`, unless NULL, is the version it had.
 */
struct result store_migrate(struct database *db, const char *const *steps, int count,
                            int64_t *from) MUST_USE;

extern const char *const store_schema[];
extern const int store_schema_version;

#endif
