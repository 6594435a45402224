/*
 * How long reports of a large run take: a store with a million results is made (by SQL, quickly),
 * then read, aggregated and explained.
 *
 *     report FOLDER [RESULTS [CASES]]
 *
 * RESULTS of CASES different cases (both 1,000,000 by default), one in a thousand of them failed,
 * in FOLDER/results.db unless that is there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/parse.h"
#include "report/aggregate.h"
#include "report/explain.h"

static const char *const fill[] = {
    "INSERT INTO run (id, command, host, version, seed, jobs, started, duration, exit_status, "
    "planned, passed, skipped, cancelled, failed, error, slow, flaky, leaky, timed_out) VALUES "
    "('20261121-000000-bench', 'assay run', 'here', '1', 1, 8, 1000000000000, 600000000000, 1, "
    "%1$lld, %1$lld - %1$lld / 1000, 0, 0, %1$lld / 1000, 0, 0, 0, 0, 0)",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %2$lld) "
    "INSERT INTO test_case (test_case, key, suite, id) SELECT i, 'suite ' || (i %% 50) || '/case "
    "number ' || i, 'suite ' || (i %% 50), 'case number ' || i FROM n",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %2$lld) "
    "INSERT INTO definition (definition, test_case, hash, model, file, line, \"column\", tags, "
    "uses, "
    "services) SELECT i, i, i, 'model ' || (i %% 7), 'suites/suite' || (i %% 50) || '.json', i %% "
    "1000, 5, CASE i %% 3 WHEN 0 THEN '[\"fast\",\"stream\"]' WHEN 1 THEN '[\"fast\"]' END, CASE "
    "WHEN i %% 5 = 0 THEN '[\"gpu\"]' END, '[\"worker\"]' FROM n",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %1$lld) "
    "INSERT INTO result (run, sequence, test_case, definition, status, flags, started, queued, "
    "duration, slot, reason, rerun, held_by) SELECT 1, i, 1 + (i - 1) %% %2$lld, 1 + (i - 1) %% "
    "%2$lld, CASE WHEN i %% 1000 = 0 THEN 3 ELSE 0 END, 0, 1000000000000 + i * 500000, i %% 97 * "
    "100000, abs(i * 7919 %% 1000003) * 4000, i %% 8, NULL, CASE WHEN i %% 1000 = 0 THEN 'assay "
    "run' "
    "END, CASE WHEN i %% 97 THEN 'jobs' END FROM n",
    "INSERT INTO attempt SELECT 1, sequence, 0, 1, 3, 0, duration, 1, 0, NULL FROM result WHERE "
    "status = 3",
    "INSERT INTO step (run, sequence, attempt, step, name, kind, trial, position, status, line, "
    "\"column\", started, duration, first_byte, first_token, leaky, service) SELECT 1, sequence, "
    "0, "
    "0, 'http GET /x', 'http', 0, 0, 3, 1, 1, 0, duration, 0, 0, 0, 'worker' FROM result WHERE "
    "status "
    "= 3",
    "INSERT INTO verdict (run, sequence, attempt, step, verdict, name, passed, impossible, "
    "expected, "
    "actual, message, line, \"column\") SELECT 1, sequence, 0, 0, 0, 'status', 0, 0, '200', '503', "
    "'expected status to be 200, got ' || (500 + sequence / 1000 %% 4), 1, 1 FROM result WHERE "
    "status "
    "= 3",
    "INSERT INTO evidence (run, sequence, attempt, step, request, response, log) SELECT 1, "
    "sequence, "
    "0, 0, 'GET /x', 'HTTP ' || (500 + sequence / 1000 %% 4) || char(10) || char(10) || 'no', NULL "
    "FROM result WHERE status = 3",
};

static struct result make_store(struct store *store, int64_t results, int64_t cases)
{
    struct database *db = store_database(store);
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    TRY(database_begin(db, DATABASE_WRITE));
    for (size_t i = 0; i < sizeof(fill) / sizeof(fill[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        const char *sql = i ? arena_printf(arena, fill[i], (long long)results, (long long)cases)
                            : arena_printf(arena, fill[i], (long long)results);
#pragma GCC diagnostic pop
        TRY(database_execute(db, sql));
    }
    return database_commit(db);
}

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double told(const char *what, int64_t began, double cpu_began)
{
    double wall = (double)(clock_now() - began) / 1e6;
    printf("%-10s %8.0f ms  (%.0f ms of processor time)\n", what, wall, cpu_ms() - cpu_began);
    return wall;
}

static struct result measure(const char *path, int64_t results, int64_t cases)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct store *store = NULL;
    struct slice last = SLICE("last");
    struct run_data *data = NULL;
    int64_t began = clock_now();
    double cpu = cpu_ms();

    if (access(path, F_OK) != 0) {
        TRY(store_open(path, &store));
        struct result made = make_store(store, results, cases);
        store_close(store);
        TRY(made);
        told("make", began, cpu);
    }
    TRY(store_open(path, &store));
    began = clock_now();
    cpu = cpu_ms();
    struct result loaded = run_data_load(store, arena, &last, 1, &data);
    store_close(store);
    TRY(loaded);
    double all = told("load", began, cpu);
    began = clock_now();
    cpu = cpu_ms();
    const struct aggregate *a = aggregate_run(data);
    all += told("aggregate", began, cpu);
    began = clock_now();
    cpu = cpu_ms();
    const struct explanation *e = explain_failures(data);
    all += told("explain", began, cpu);
    printf("%-10s %8.0f ms  %zu cases, %zu failures in %zu groups, p99 %lld ns\n", "all", all,
           a->all.cases, e->failures, e->count, (long long)a->all.times.p99);
    return RESULT_OK;
}

int main(int argc, char **argv)
{
    char path[4096];
    int64_t results = 1000000, cases = 1000000;
    if (argc < 2 || (argc > 2 && !result_ok(parse_integer(slice_str(argv[2]), &results))) ||
        (argc > 3 && !result_ok(parse_integer(slice_str(argv[3]), &cases)))) {
        fprintf(stderr, "usage: report FOLDER [RESULTS [CASES]]\n");
        return 2;
    }
    cases = cases < results ? cases : results;
    snprintf(path, sizeof(path), "%s/results.db", argv[1]);
    struct result r = measure(path, results, cases);
    if (!result_ok(r))
        fprintf(stderr, "%s\n", error_last()->text);
    return result_ok(r) ? 0 : 1;
}
