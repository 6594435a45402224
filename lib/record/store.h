/*
 * The result store: what finished is here and survives whatever happens to the program. SQLite in
 * WAL mode with synchronous=FULL, so a committed result survives a crash of the machine too; one
 * commit takes all results that finished since the last one (lib/record/recorder.h), which is what
 * makes durable results cheap. The schema is versioned and migrated when opened.
 *
 * A store is used by one thread at a time.
 */
#ifndef RECORD_STORE_H
#define RECORD_STORE_H

#include "record/database.h"
#include "record/event.h"

struct store;

/*
 * Open `url` ("sqlite:PATH", or a bare path), making folders and schema when absent. ERR_STORE says
 * what is wrong and what to do: not a database, made by a newer version, locked, not writable.
 */
struct result store_open(const char *url, struct store **out) MUST_USE;
void store_close(struct store *store); /* NULL is allowed */

/* The store's tables (docs/internals/record.md) for questions that nothing here answers. */
struct database *store_database(struct store *store);

struct planned_case {
    struct slice key, id, suite;
};

/* Begin a run with all its planned cases, durably. */
struct result store_begin(struct store *store, const struct run_info *run,
                          const struct planned_case *cases, size_t count) MUST_USE;

/* Continue a run: its exit status is unknown again, its cancelled results are dropped. */
struct result store_resume(struct store *store, struct slice run_id) MUST_USE;

/*
 * Results of finished cases, durably, in one transaction. A case has one result per run: a second
 * one replaces the first.
 */
struct result store_results(struct store *store, struct slice run_id,
                            const struct case_result *const *results, size_t count) MUST_USE;

/* What happened beside the cases, durably, in its order: service changes, notes, samples and
   anomalies. */
struct result store_events(struct store *store, struct slice run_id,
                           const struct event *const *events, size_t count) MUST_USE;

/*
 * A transaction around `body`; rolled back when it fails. Whatever `body` writes, through the
 * functions here too, is durable together.
 */
struct result store_transaction(struct store *store,
                                struct result (*body)(struct store *store, void *context),
                                void *context) MUST_USE;

/* Totals, duration and exit status, durably. */
struct result store_end(struct store *store, const struct run_info *run) MUST_USE;

/*
 * Find a run by id, unique prefix or "last"; the info's texts are arena-owned. ERR_NOT_FOUND lists
 * the latest runs.
 */
struct result store_find(struct store *store, struct arena *arena, struct slice wanted,
                         struct run_info *out) MUST_USE;

/* Keys of the planned cases without a result (cancelled ones count as without). */
struct result store_unfinished(struct store *store, struct arena *arena, struct slice run_id,
                               struct slice **keys, size_t *count) MUST_USE;

/* Keys of the cases that failed or could not be carried out. */
struct result store_failed(struct store *store, struct arena *arena, struct slice run_id,
                           struct slice **keys, size_t *count) MUST_USE;

/* Keys of the cases that have a result and did not pass: also skipped and cancelled ones. */
struct result store_not_passed(struct store *store, struct arena *arena, struct slice run_id,
                               struct slice **keys, size_t *count) MUST_USE;

/* Visit every result of a run in the order they finished; each lives until the visit returns. */
struct result store_visit(struct store *store, struct slice run_id,
                          void (*visit)(void *context, const struct case_result *result),
                          void *context) MUST_USE;

/*
 * Visit the samples of a run, subject by subject in the order of time; a subject with many comes in
 * several pieces.
 */
struct result store_visit_samples(struct store *store, struct slice run_id,
                                  void (*visit)(void *context, const struct samples *samples),
                                  void *context) MUST_USE;

/* Visit EVENT_ANOMALY and EVENT_BOTTLENECK, then EVENT_RESOURCES for each name; `run` of an event
 * is NULL. */
struct result store_visit_measured(struct store *store, struct slice run_id,
                                   void (*visit)(void *context, const struct event *event),
                                   void *context) MUST_USE;

/* One result of a run by its number (`result.sequence`); its texts are arena-owned. */
struct result store_result(struct store *store, struct arena *arena, struct slice run_id,
                           int64_t sequence, struct case_result *out) MUST_USE;

/* Visit the service changes and notes of a run in their order; `run` of an event is NULL. */
struct result store_visit_events(struct store *store, struct slice run_id,
                                 void (*visit)(void *context, const struct event *event),
                                 void *context) MUST_USE;

/*
 * How a case ended when it last ran (skipped and cancelled do not count) in a run that began before
 * this one. False when it never did, or the store cannot say.
 */
bool store_status_before(struct store *store, struct slice run_id, struct slice key,
                         enum case_status *out);

/*
 * How long a case usually takes: the median of its last 20 passes in ns, or -1 when unknown;
 * without the start of services that it shares, which only the first to use them waits for.
 */
int64_t store_expected_duration(struct store *store, struct slice key);

#endif
