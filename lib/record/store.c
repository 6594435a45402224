/*
 * The SQLite store: opening, and everything that writes. Workload: batches of a few to some
 * thousand results, each with one attempt, a step or two and a few verdicts, written by one thread
 * at up to tens of thousands of cases per second; so statements stay prepared, rows are small and
 * in the order of their keys, and a batch is one transaction.
 */
#include "record/store_internal.h"

#include "core/jsontext.h"
#include "core/memory.h"
#include "core/text.h"

/* Pages of the log before it is copied into the database: 32 MiB, some 60,000 cases. The default of
   4 MiB would interrupt a quick run several times a second. */
#define CHECKPOINT_PAGES 8192

static const char *const statement_sql[] = {
#define X(name, sql) [STATEMENT_##name] = (sql),
    STATEMENT_TABLE(X)
#undef X
};

struct result store_error(struct store *store, const char *doing)
{
    int rc = sqlite3_errcode(store->db);
    const char *remedy =
        rc == SQLITE_BUSY       ? "; another program holds it locked: end that one and try again"
        : rc == SQLITE_FULL     ? "; the disk is full: make room, or use --store on another disk"
        : rc == SQLITE_READONLY ? "; it cannot be written: look at its permissions, or name another"
                                  " with --store"
        : rc == SQLITE_CORRUPT  ? "; it is damaged: move it away, or recover it with `sqlite3 FILE "
                                  ".recover`"
                                : "";
    return error_set(ERR_STORE, "result store %s: %s: %s%s", store->path, doing,
                     sqlite3_errmsg(store->db), remedy);
}

struct result store_statement(struct store *store, enum statement which, sqlite3_stmt **out)
{
    sqlite3_stmt **slot = &store->statements[which];
    if (!*slot && sqlite3_prepare_v3(store->db, statement_sql[which], -1, SQLITE_PREPARE_PERSISTENT,
                                     slot, NULL) != SQLITE_OK)
        return store_error(store, "its tables are not as they should be");
    sqlite3_reset(*slot);
    *out = *slot;
    return RESULT_OK;
}

struct result store_step(struct store *store, sqlite3_stmt *statement, bool *row)
{
    int rc = sqlite3_step(statement);
    *row = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW)
        return RESULT_OK;
    struct result r = rc == SQLITE_DONE ? RESULT_OK : store_error(store, "cannot read or write");
    sqlite3_reset(statement);
    return r;
}

struct result store_execute(struct store *store, sqlite3_stmt *statement)
{
    bool row;
    TRY(store_step(store, statement, &row));
    if (row)
        sqlite3_reset(statement);
    return RESULT_OK;
}

static struct result execute(struct store *store, enum statement which)
{
    sqlite3_stmt *statement = NULL;
    TRY(store_statement(store, which, &statement));
    return store_execute(store, statement);
}

static void remember_run(struct store *store, struct slice run_id, int64_t number)
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
    TRY(execute(store, STATEMENT_BEGIN));
    store->in_transaction = true;
    struct result done = body(store, context);
    if (result_ok(done))
        done = execute(store, STATEMENT_COMMIT);
    if (!result_ok(done)) {
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
        remember_run(store, (struct slice){0}, 0); /* it may have been rolled back */
    }
    store->in_transaction = false;
    arena_free(store->scratch);
    store->scratch = NULL;
    store->checked = NULL;
    return done;
}

static struct arena *scratch(struct store *store)
{
    if (!store->scratch)
        store->scratch = arena_new();
    return store->scratch;
}

/* Text columns are UTF-8 without NUL; what is not is repaired in the transaction's arena. */
void store_bind_text(struct store *store, sqlite3_stmt *statement, int at, struct slice text)
{
    if (text.len == 0) {
        sqlite3_bind_null(statement, at);
        return;
    }
    text = utf8_repaired(scratch(store), text);
    sqlite3_bind_text64(statement, at, text.data, text.len, SQLITE_STATIC, SQLITE_UTF8);
}

struct slice store_column_text(struct arena *arena, sqlite3_stmt *statement, int at)
{
    const char *text = (const char *)sqlite3_column_text(statement, at);
    if (!text)
        return (struct slice){0};
    return arena_copy(arena, slice_of(text, (size_t)sqlite3_column_bytes(statement, at)));
}

/* --- opening --- */

static void close_pointer(struct store **store)
{
    store_close(*store);
}

struct result store_open(const char *url, struct store **out)
{
    DEFER(close_pointer)
    struct store *store = NEW(struct store);
    TRY(database_open(url, &store->database));
    store->db = database_sqlite(store->database);
    store->path = database_name(store->database);
    TRY(store_migrate(store->db, store->path, store_schema, store_schema_version));
    char settings[96];
    snprintf(settings, sizeof(settings),
             "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = %d; PRAGMA cache_size = -1024",
             CHECKPOINT_PAGES);
    if (sqlite3_exec(store->db, settings, NULL, NULL, NULL) != SQLITE_OK)
        return store_error(store, "cannot be set up");
    *out = take(&store);
    return RESULT_OK;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(store->statements[i]);
    database_close(store->database);
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
    sqlite3_stmt *q = NULL;
    bool row;
    TRY(store_statement(store, STATEMENT_RUN_NUMBER, &q));
    store_bind_text(store, q, 1, run_id);
    TRY(store_step(store, q, &row));
    ENSURE(row, ERR_NOT_FOUND, "result store %s has no run %.*s", store->path, SLICE_ARG(run_id));
    *out = sqlite3_column_int64(q, 0);
    sqlite3_reset(q);
    remember_run(store, run_id, *out);
    return RESULT_OK;
}

/* The one value of `INSERT … RETURNING`. */
static struct result returned(struct store *store, sqlite3_stmt *q, int64_t *out)
{
    bool row;
    TRY(store_step(store, q, &row));
    MUST(row, "an INSERT … RETURNING gave no row");
    *out = sqlite3_column_int64(q, 0);
    return store_execute(store, q);
}

static struct result case_number(struct store *store, struct slice key, struct slice suite,
                                 struct slice id, int64_t *out)
{
    sqlite3_stmt *q = NULL;
    bool row;
    TRY(store_statement(store, STATEMENT_FIND_CASE, &q));
    store_bind_text(store, q, 1, key);
    TRY(store_step(store, q, &row));
    if (row) {
        *out = sqlite3_column_int64(q, 0);
        sqlite3_reset(q);
        return RESULT_OK;
    }
    TRY(store_statement(store, STATEMENT_ADD_CASE, &q));
    store_bind_text(store, q, 1, key);
    store_bind_text(store, q, 2, suite);
    store_bind_text(store, q, 3, id);
    return returned(store, q, out);
}

struct begin {
    const struct run_info *run;
    const struct planned_case *cases;
    size_t count;
};

static struct result add_run(struct store *store, const struct run_info *run, int64_t *number)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    sqlite3_stmt *q = NULL;
    struct slice options = run->options ? jsontext_write(arena, run->options) : (struct slice){0};

    TRY(store_statement(store, STATEMENT_ADD_RUN, &q));
    store_bind_text(store, q, 1, run->id);
    sqlite3_bind_text64(q, 2, run->command.len ? run->command.data : "", run->command.len,
                        SQLITE_STATIC, SQLITE_UTF8);
    store_bind_text(store, q, 3, options);
    store_bind_text(store, q, 4, run->host);
    store_bind_text(store, q, 5, run->version);
    sqlite3_bind_int64(q, 6, (int64_t)run->seed);
    sqlite3_bind_int64(q, 7, run->jobs);
    sqlite3_bind_int64(q, 8, run->started_wall);
    sqlite3_bind_int64(q, 9, (int64_t)run->planned);
    store_bind_text(store, q, 10, run->machine);
    return returned(store, q, number);
}

static struct result begin(struct store *store, void *context)
{
    const struct begin *b = context;
    int64_t run;
    sqlite3_stmt *q = NULL;

    TRY(add_run(store, b->run, &run));
    remember_run(store, b->run->id, run);
    for (size_t i = 0; i < b->count; i++) {
        const struct planned_case *planned = &b->cases[i];
        int64_t number;
        TRY(case_number(store, planned->key, planned->suite, planned->id, &number));
        TRY(store_statement(store, STATEMENT_ADD_PLANNED, &q));
        sqlite3_bind_int64(q, 1, run);
        sqlite3_bind_int64(q, 2, (int64_t)i);
        sqlite3_bind_int64(q, 3, number);
        TRY(store_execute(store, q));
    }
    return RESULT_OK;
}

struct result store_begin(struct store *store, const struct run_info *run,
                          const struct planned_case *cases, size_t count)
{
    struct begin b = {run, cases, count};
    return store_transaction(store, begin, &b);
}

static void bind_place(struct store *store, sqlite3_stmt *q, int at, struct place place,
                       struct slice case_file)
{
    struct slice file = slice_str(place.source ? place.source->name : NULL);
    if (slice_eq(file, case_file))
        sqlite3_bind_null(q, at);
    else
        store_bind_text(store, q, at, file);
    sqlite3_bind_int64(q, at + 1, place.line);
    sqlite3_bind_int64(q, at + 2, place.column);
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * 0x9e3779b97f4a7c15u;
}

static uint64_t mix_list(uint64_t hash, const struct slice *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hash = mix(hash, slice_hash(list[i]));
    return mix(hash, count);
}

static uint64_t definition_hash(const struct case_result *r)
{
    uint64_t hash = 1;
    struct slice texts[] = {r->describe, r->model, r->file};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        hash = mix(hash, slice_hash(texts[i]));
    hash = mix_list(hash, r->tags, r->tag_count);
    hash = mix_list(hash, r->needs, r->need_count);
    hash = mix_list(hash, r->uses, r->use_count);
    hash = mix_list(hash, r->services, r->service_count);
    return mix(mix(hash, r->at.line), r->at.column);
}

static struct slice list_json(struct store *store, const struct slice *list, size_t count)
{
    if (count == 0)
        return (struct slice){0};
    struct text t = text_in(scratch(store));
    for (size_t i = 0; i < count; i++) {
        text_add_byte(&t, i ? ',' : '[');
        text_add_json(&t, list[i]);
    }
    text_add_byte(&t, ']');
    return text_slice(&t);
}

static struct result definition_number(struct store *store, int64_t test_case,
                                       const struct case_result *r, int64_t *out)
{
    sqlite3_stmt *q = NULL;
    bool row;
    int64_t hash = (int64_t)definition_hash(r);

    TRY(store_statement(store, STATEMENT_FIND_DEFINITION, &q));
    sqlite3_bind_int64(q, 1, test_case);
    sqlite3_bind_int64(q, 2, hash);
    TRY(store_step(store, q, &row));
    if (row) {
        *out = sqlite3_column_int64(q, 0);
        sqlite3_reset(q);
        return RESULT_OK;
    }
    TRY(store_statement(store, STATEMENT_ADD_DEFINITION, &q));
    sqlite3_bind_int64(q, 1, test_case);
    sqlite3_bind_int64(q, 2, hash);
    store_bind_text(store, q, 3, r->describe);
    store_bind_text(store, q, 4, r->model);
    store_bind_text(store, q, 5, r->file);
    sqlite3_bind_int64(q, 6, r->at.line);
    sqlite3_bind_int64(q, 7, r->at.column);
    store_bind_text(store, q, 8, list_json(store, r->tags, r->tag_count));
    store_bind_text(store, q, 9, list_json(store, r->needs, r->need_count));
    store_bind_text(store, q, 10, list_json(store, r->uses, r->use_count));
    store_bind_text(store, q, 11, list_json(store, r->services, r->service_count));
    return returned(store, q, out);
}

/* --- verdicts by kind of check --- */

/* `by` is 1 for a verdict that is written and -1 for one that is dropped. There are as many kinds
   as the table of checks has, a few dozen. */
static void count_verdict(struct store *store, struct slice name, bool passed, bool impossible,
                          int by)
{
    struct check_sum *sum = store->checked;
    ptrdiff_t blank = slice_find_byte(name, ' ');
    struct slice kind = blank < 0 ? name : slice_part(name, 0, (size_t)blank);

    while (sum && !slice_eq(sum->kind, kind))
        sum = sum->next;
    if (!sum) {
        sum = ARENA_NEW(scratch(store), struct check_sum);
        sum->kind = arena_copy(store->scratch, kind);
        sum->next = store->checked;
        store->checked = sum;
    }
    *(passed ? &sum->passed : impossible ? &sum->impossible : &sum->failed) += by;
}

static struct result write_checked(struct store *store, int64_t run)
{
    for (const struct check_sum *sum = store->checked; sum; sum = sum->next) {
        sqlite3_stmt *q = NULL;
        if (sum->kind.len == 0)
            continue;
        TRY(store_statement(store, STATEMENT_ADD_CHECKED, &q));
        sqlite3_bind_int64(q, 1, run);
        store_bind_text(store, q, 2, sum->kind);
        sqlite3_bind_int64(q, 3, sum->passed);
        sqlite3_bind_int64(q, 4, sum->failed);
        sqlite3_bind_int64(q, 5, sum->impossible);
        TRY(store_execute(store, q));
    }
    store->checked = NULL;
    return RESULT_OK;
}

/* --- results --- */

/* The rows below a result share the first columns of their keys. */
struct row {
    int64_t run, sequence, attempt, step;
    struct slice case_file;
};

static int bind_row(sqlite3_stmt *q, const struct row *row, int columns)
{
    int64_t values[] = {row->run, row->sequence, row->attempt, row->step};
    for (int i = 0; i < columns; i++)
        sqlite3_bind_int64(q, i + 1, values[i]);
    return columns;
}

static struct result add_verdict(struct store *store, const struct row *row, int64_t number,
                                 const struct verdict *v)
{
    sqlite3_stmt *q = NULL;
    TRY(store_statement(store, STATEMENT_ADD_VERDICT, &q));
    bind_row(q, row, 4);
    sqlite3_bind_int64(q, 5, number);
    store_bind_text(store, q, 6, slice_str(v->check));
    sqlite3_bind_int64(q, 7, v->passed);
    sqlite3_bind_int64(q, 8, v->impossible);
    store_bind_text(store, q, 9, v->expected);
    store_bind_text(store, q, 10, v->actual);
    store_bind_text(store, q, 11, slice_str(v->message));
    bind_place(store, q, 12, v->at, row->case_file);
    store_bind_text(store, q, 15, v->detail);
    TRY(store_execute(store, q));
    count_verdict(store, slice_str(v->check), v->passed, v->impossible, 1);
    return RESULT_OK;
}

static struct result add_usage(struct store *store, const struct row *row, int64_t position,
                               const struct usage *usage)
{
    sqlite3_stmt *q = NULL;
    TRY(store_statement(store, STATEMENT_ADD_USAGE, &q));
    bind_row(q, row, 4);
    sqlite3_bind_int64(q, 5, position);
    store_bind_text(store, q, 6, usage->model);
    sqlite3_bind_int64(q, 7, usage->input_tokens);
    sqlite3_bind_int64(q, 8, usage->output_tokens);
    sqlite3_bind_int64(q, 9, usage->cost);
    sqlite3_bind_int64(q, 10, usage->cached);
    sqlite3_bind_int64(q, 11, usage->graded);
    return store_execute(store, q);
}

static struct result add_evidence(struct store *store, const struct row *row,
                                  const struct step_result *step)
{
    sqlite3_stmt *q = NULL;
    if (step->request.len + step->response.len + step->log.len == 0)
        return RESULT_OK;
    TRY(store_statement(store, STATEMENT_ADD_EVIDENCE, &q));
    bind_row(q, row, 4);
    store_bind_text(store, q, 5, step->request);
    store_bind_text(store, q, 6, step->response);
    store_bind_text(store, q, 7, step->log);
    return store_execute(store, q);
}

static struct result add_step(struct store *store, const struct row *row,
                              const struct step_result *step)
{
    sqlite3_stmt *q = NULL;
    TRY(store_statement(store, STATEMENT_ADD_STEP, &q));
    bind_row(q, row, 4);
    store_bind_text(store, q, 5, step->name);
    store_bind_text(store, q, 6, step->kind);
    sqlite3_bind_int64(q, 7, step->trial);
    sqlite3_bind_int64(q, 8, step->index);
    sqlite3_bind_int64(q, 9, step->status);
    store_bind_text(store, q, 10,
                    slice_str(step->error_code == ERR_OK ? NULL : error_name(step->error_code)));
    store_bind_text(store, q, 11, step->error);
    bind_place(store, q, 12, step->at, row->case_file);
    sqlite3_bind_int64(q, 15, step->started);
    sqlite3_bind_int64(q, 16, step->duration);
    sqlite3_bind_int64(q, 17, step->first_byte);
    sqlite3_bind_int64(q, 18, step->first_token);
    sqlite3_bind_int64(q, 19, step->leaky);
    store_bind_text(store, q, 20, step->service);
    sqlite3_bind_int64(q, 21, step->connect);
    sqlite3_bind_int64(q, 22, step->checks);
    TRY(store_execute(store, q));
    int64_t number = 0;
    for (const struct verdict *v = step->verdicts; v; v = v->next)
        TRY(add_verdict(store, row, number++, v));
    for (size_t i = 0; i < step->usage_count; i++)
        TRY(add_usage(store, row, (int64_t)i, &step->usages[i]));
    return add_evidence(store, row, step);
}

static struct result add_attempt(struct store *store, struct row *row,
                                 const struct attempt_result *attempt)
{
    sqlite3_stmt *q = NULL;
    TRY(store_statement(store, STATEMENT_ADD_ATTEMPT, &q));
    bind_row(q, row, 3);
    sqlite3_bind_int64(q, 4, attempt->number);
    sqlite3_bind_int64(q, 5, attempt->status);
    sqlite3_bind_int64(q, 6, attempt->started);
    sqlite3_bind_int64(q, 7, attempt->duration);
    sqlite3_bind_int64(q, 8, attempt->trials);
    sqlite3_bind_int64(q, 9, attempt->trials_passed);
    store_bind_text(store, q, 10, attempt->given);
    TRY(store_execute(store, q));
    row->step = 0;
    for (const struct step_result *s = attempt->steps; s; s = s->next, row->step++)
        TRY(add_step(store, row, s));
    return RESULT_OK;
}

static struct result uncount_verdicts(struct store *store, int64_t run, int64_t sequence)
{
    sqlite3_stmt *q = NULL;
    bool row;

    TRY(store_statement(store, STATEMENT_VERDICTS_OF, &q));
    sqlite3_bind_int64(q, 1, run);
    sqlite3_bind_int64(q, 2, sequence);
    for (;;) {
        TRY(store_step(store, q, &row));
        if (!row)
            return RESULT_OK;
        struct slice name =
            slice_of((const char *)sqlite3_column_text(q, 0), (size_t)sqlite3_column_bytes(q, 0));
        count_verdict(store, name, sqlite3_column_int(q, 1), sqlite3_column_int(q, 2), -1);
    }
}

static struct result drop_result(struct store *store, int64_t run, int64_t sequence)
{
    static const enum statement drops[] = {STATEMENT_DROP_EVIDENCE, STATEMENT_DROP_USAGE,
                                           STATEMENT_DROP_VERDICT,  STATEMENT_DROP_STEP,
                                           STATEMENT_DROP_ATTEMPT,  STATEMENT_DROP_RESULT};
    TRY(uncount_verdicts(store, run, sequence));
    for (size_t i = 0; i < sizeof(drops) / sizeof(drops[0]); i++) {
        sqlite3_stmt *q = NULL;
        TRY(store_statement(store, drops[i], &q));
        sqlite3_bind_int64(q, 1, run);
        sqlite3_bind_int64(q, 2, sequence);
        TRY(store_execute(store, q));
    }
    return RESULT_OK;
}

/* A case has one result per run: a new one replaces the old. */
static struct result drop_former(struct store *store, int64_t test_case, int64_t run)
{
    sqlite3_stmt *q = NULL;
    bool row;
    TRY(store_statement(store, STATEMENT_FIND_RESULT, &q));
    sqlite3_bind_int64(q, 1, test_case);
    sqlite3_bind_int64(q, 2, run);
    TRY(store_step(store, q, &row));
    if (!row)
        return RESULT_OK;
    int64_t sequence = sqlite3_column_int64(q, 0);
    sqlite3_reset(q);
    return drop_result(store, run, sequence);
}

static struct result add_result(struct store *store, int64_t run, int64_t sequence,
                                const struct case_result *r)
{
    sqlite3_stmt *q = NULL;
    int64_t test_case, definition;

    TRY(case_number(store, r->key, r->suite, r->id, &test_case));
    TRY(definition_number(store, test_case, r, &definition));
    TRY(drop_former(store, test_case, run));
    TRY(store_statement(store, STATEMENT_ADD_RESULT, &q));
    int64_t values[] = {run,      sequence,        test_case, definition,  r->status,
                        r->flags, r->started_wall, r->queued, r->duration, r->slot};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        sqlite3_bind_int64(q, (int)i + 1, values[i]);
    store_bind_text(store, q, 11, r->reason);
    store_bind_text(store, q, 12, r->status == CASE_PASSED ? (struct slice){0} : r->rerun);
    store_bind_text(store, q, 13, r->held_by);
    TRY(store_execute(store, q));
    struct row row = {.run = run, .sequence = sequence, .case_file = r->file};
    for (const struct attempt_result *a = r->attempts; a; a = a->next, row.attempt++)
        TRY(add_attempt(store, &row, a));
    return RESULT_OK;
}

struct batch {
    struct slice run_id;
    const struct case_result *const *results;
    size_t count;
};

static struct result add_batch(struct store *store, void *context)
{
    const struct batch *b = context;
    int64_t run, sequence;
    sqlite3_stmt *q = NULL;
    bool row;

    TRY(store_run_number(store, b->run_id, &run));
    TRY(store_statement(store, STATEMENT_LAST_SEQUENCE, &q));
    sqlite3_bind_int64(q, 1, run);
    TRY(store_step(store, q, &row));
    sequence = sqlite3_column_int64(q, 0);
    sqlite3_reset(q);
    for (size_t i = 0; i < b->count; i++)
        TRY(add_result(store, run, ++sequence, b->results[i]));
    return write_checked(store, run);
}

struct result store_results(struct store *store, struct slice run_id,
                            const struct case_result *const *results, size_t count)
{
    struct batch b = {run_id, results, count};
    return store_transaction(store, add_batch, &b);
}

/* --- what happened beside the cases --- */

struct events {
    struct slice run_id;
    const struct event *const *events;
    size_t count;
};

static struct result add_event(struct store *store, int64_t run, int64_t position,
                               const struct event *event)
{
    sqlite3_stmt *q = NULL;
    bool note = event->kind == EVENT_NOTE;
    MUST(note || event->kind == EVENT_SERVICE, "event %s is not stored",
         event_kind_name(event->kind));
    TRY(store_statement(store, note ? STATEMENT_ADD_NOTE : STATEMENT_ADD_SERVICE_EVENT, &q));
    sqlite3_bind_int64(q, 1, run);
    sqlite3_bind_int64(q, 2, position);
    sqlite3_bind_int64(q, 3, event->at_wall);
    if (note) {
        store_bind_text(store, q, 4, event->note);
        return store_execute(store, q);
    }
    store_bind_text(store, q, 4, event->service.name);
    sqlite3_bind_int64(q, 5, event->service.instance);
    store_bind_text(store, q, 6, event->service.state);
    store_bind_text(store, q, 7, event->service.detail);
    sqlite3_bind_int64(q, 8, event->service.pid);
    sqlite3_bind_int64(q, 9, event->service.signal);
    sqlite3_bind_int64(q, 10, event->service.exit_code);
    store_bind_text(store, q, 11, event->service.log);
    return store_execute(store, q);
}

static struct result add_events(struct store *store, void *context)
{
    const struct events *e = context;
    int64_t run, position;
    sqlite3_stmt *q = NULL;
    bool row;

    TRY(store_run_number(store, e->run_id, &run));
    TRY(store_statement(store, STATEMENT_LAST_EVENT, &q));
    sqlite3_bind_int64(q, 1, run);
    TRY(store_step(store, q, &row));
    position = sqlite3_column_int64(q, 0);
    sqlite3_reset(q);
    for (size_t i = 0; i < e->count; i++)
        TRY(add_event(store, run, ++position, e->events[i]));
    return RESULT_OK;
}

struct result store_events(struct store *store, struct slice run_id,
                           const struct event *const *events, size_t count)
{
    struct events e = {run_id, events, count};
    return store_transaction(store, add_events, &e);
}

/* --- resuming and ending --- */

static struct result drop_cancelled(struct store *store, int64_t run)
{
    for (;;) {
        sqlite3_stmt *q = NULL;
        bool row;
        TRY(store_statement(store, STATEMENT_CANCELLED, &q));
        sqlite3_bind_int64(q, 1, run);
        sqlite3_bind_int64(q, 2, CASE_CANCELLED);
        TRY(store_step(store, q, &row));
        if (!row)
            return RESULT_OK;
        int64_t sequence = sqlite3_column_int64(q, 0);
        sqlite3_reset(q);
        TRY(drop_result(store, run, sequence));
    }
}

static struct result reopen(struct store *store, void *context)
{
    const struct slice *run_id = context;
    int64_t run;
    sqlite3_stmt *q = NULL;

    TRY(store_run_number(store, *run_id, &run));
    TRY(drop_cancelled(store, run));
    TRY(write_checked(store, run));
    TRY(store_statement(store, STATEMENT_REOPEN_RUN, &q));
    sqlite3_bind_int64(q, 1, run);
    return store_execute(store, q);
}

struct result store_resume(struct store *store, struct slice run_id)
{
    return store_transaction(store, reopen, &run_id);
}

static struct result end(struct store *store, void *context)
{
    const struct run_info *run = context;
    sqlite3_stmt *q = NULL;
    TRY(store_statement(store, STATEMENT_END_RUN, &q));
    store_bind_text(store, q, 1, run->id);
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
        sqlite3_bind_int64(q, (int)i + 2, (int64_t)values[i]);
    sqlite3_bind_int64(q, 11, run->duration);
    sqlite3_bind_int64(q, 12, run->exit_status);
    return store_execute(store, q);
}

struct result store_end(struct store *store, const struct run_info *run)
{
    struct run_info copy = *run;
    return store_transaction(store, end, &copy);
}
