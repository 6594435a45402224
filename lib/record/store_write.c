/*
 * What is written of a run while it goes on: results, service changes, notes. Workload: batches of
 * a few to some thousand results, each with one attempt, a step or two and a few verdicts, written
 * by one thread at up to tens of thousands of cases per second; so rows are appended, in the order
 * of their keys, and a batch is one transaction.
 */
#include "record/store_internal.h"

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
        sum = ARENA_NEW(store_scratch(store), struct check_sum);
        sum->kind = arena_copy(store->scratch, kind);
        sum->next = store->checked;
        store->checked = sum;
    }
    *(passed ? &sum->passed : impossible ? &sum->impossible : &sum->failed) += by;
}

static struct result write_checked(struct store *store, int64_t run)
{
    for (const struct check_sum *sum = store->checked; sum; sum = sum->next) {
        struct query *q = NULL;
        if (sum->kind.len == 0)
            continue;
        TRY(store_statement(store, STATEMENT_ADD_CHECKED, &q));
        query_set_integer(q, 1, run);
        query_set_text(q, 2, sum->kind);
        query_set_integer(q, 3, sum->passed);
        query_set_integer(q, 4, sum->failed);
        query_set_integer(q, 5, sum->impossible);
        TRY(query_run(q));
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

static void append_key(struct append *a, const struct row *row, int columns)
{
    int64_t values[] = {row->run, row->sequence, row->attempt, row->step};
    for (int i = 0; i < columns; i++)
        append_integer(a, values[i]);
}

static void append_place(struct append *a, struct place place, struct slice case_file)
{
    struct slice file = slice_str(place.source ? place.source->name : NULL);
    if (slice_eq(file, case_file))
        append_null(a);
    else
        store_append_text(a, file);
    append_integer(a, place.line);
    append_integer(a, place.column);
}

static struct result add_verdict(struct store *store, const struct row *row, int64_t number,
                                 const struct verdict *v)
{
    struct append *a = NULL;
    TRY(store_table(store, TABLE_verdict, &a));
    append_key(a, row, 4);
    append_integer(a, number);
    store_append_text(a, slice_str(v->check));
    append_integer(a, v->passed);
    append_integer(a, v->impossible);
    store_append_text(a, v->expected);
    store_append_text(a, v->actual);
    store_append_text(a, slice_str(v->message));
    append_place(a, v->at, row->case_file);
    store_append_text(a, v->detail);
    count_verdict(store, slice_str(v->check), v->passed, v->impossible, 1);
    return append_row(a);
}

static struct result add_usage(struct store *store, const struct row *row, int64_t position,
                               const struct usage *usage)
{
    struct append *a = NULL;
    TRY(store_table(store, TABLE_usage, &a));
    append_key(a, row, 4);
    append_integer(a, position);
    store_append_text(a, usage->model);
    append_integer(a, usage->input_tokens);
    append_integer(a, usage->output_tokens);
    append_integer(a, usage->cost);
    append_integer(a, usage->cached);
    append_integer(a, usage->graded);
    return append_row(a);
}

static struct result add_evidence(struct store *store, const struct row *row,
                                  const struct step_result *step)
{
    struct append *a = NULL;
    if (step->request.len + step->response.len + step->log.len == 0)
        return RESULT_OK;
    TRY(store_table(store, TABLE_evidence, &a));
    append_key(a, row, 4);
    store_append_text(a, step->request);
    store_append_text(a, step->response);
    store_append_text(a, step->log);
    return append_row(a);
}

static struct result add_step(struct store *store, const struct row *row,
                              const struct step_result *step)
{
    struct append *a = NULL;
    const char *error = step->error_code == ERR_OK ? NULL : error_name(step->error_code);
    TRY(store_table(store, TABLE_step, &a));
    append_key(a, row, 4);
    store_append_text(a, step->name);
    store_append_text(a, step->kind);
    append_integer(a, step->trial);
    append_integer(a, step->index);
    append_integer(a, step->status);
    store_append_text(a, slice_str(error));
    store_append_text(a, step->error);
    append_place(a, step->at, row->case_file);
    append_integer(a, step->started);
    append_integer(a, step->duration);
    append_integer(a, step->first_byte);
    append_integer(a, step->first_token);
    append_integer(a, step->leaky);
    store_append_text(a, step->service);
    append_integer(a, step->connect);
    append_integer(a, step->checks);
    TRY(append_row(a));
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
    struct append *a = NULL;
    TRY(store_table(store, TABLE_attempt, &a));
    append_key(a, row, 3);
    append_integer(a, attempt->number);
    append_integer(a, attempt->status);
    append_integer(a, attempt->started);
    append_integer(a, attempt->duration);
    append_integer(a, attempt->trials);
    append_integer(a, attempt->trials_passed);
    store_append_text(a, attempt->given);
    TRY(append_row(a));
    row->step = 0;
    for (const struct step_result *s = attempt->steps; s; s = s->next, row->step++)
        TRY(add_step(store, row, s));
    return RESULT_OK;
}

static struct result uncount_verdicts(struct store *store, int64_t run, int64_t sequence)
{
    struct query *q = NULL;
    bool row;

    TRY(store_statement(store, STATEMENT_VERDICTS_OF, &q));
    query_set_integer(q, 1, run);
    query_set_integer(q, 2, sequence);
    for (;;) {
        TRY(query_next(q, &row));
        if (!row)
            return RESULT_OK;
        count_verdict(store, query_text(q, 0), query_integer(q, 1) != 0, query_integer(q, 2) != 0,
                      -1);
    }
}

static struct result drop_result(struct store *store, int64_t run, int64_t sequence)
{
    static const enum statement drops[] = {STATEMENT_DROP_EVIDENCE, STATEMENT_DROP_USAGE,
                                           STATEMENT_DROP_VERDICT,  STATEMENT_DROP_STEP,
                                           STATEMENT_DROP_ATTEMPT,  STATEMENT_DROP_RESULT};
    TRY(uncount_verdicts(store, run, sequence));
    for (size_t i = 0; i < sizeof(drops) / sizeof(drops[0]); i++) {
        struct query *q = NULL;
        TRY(store_statement(store, drops[i], &q));
        query_set_integer(q, 1, run);
        query_set_integer(q, 2, sequence);
        TRY(query_run(q));
    }
    return RESULT_OK;
}

static struct result add_result(struct store *store, int64_t run, const struct case_result *r)
{
    struct append *a = NULL;
    int64_t definition;
    struct known_case *known = store_known(store, r->key);

    TRY(store_definition(store, r, &definition));
    if (known->sequence) /* a case has one result per run: a new one replaces the old */
        TRY(drop_result(store, run, known->sequence));
    known->sequence = ++store->sequence;
    TRY(store_table(store, TABLE_result, &a));
    int64_t values[] = {run,      known->sequence, known->test_case, definition,  r->status,
                        r->flags, r->started_wall, r->queued,        r->duration, r->slot};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        append_integer(a, values[i]);
    store_append_text(a, r->reason);
    store_append_text(a, r->status == CASE_PASSED ? (struct slice){0} : r->rerun);
    store_append_text(a, r->held_by);
    append_integer(a, r->starting);
    TRY(append_row(a));
    struct row row = {.run = run, .sequence = known->sequence, .case_file = r->file};
    for (const struct attempt_result *t = r->attempts; t; t = t->next, row.attempt++)
        TRY(add_attempt(store, &row, t));
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
    int64_t run;
    struct planned_case *cases =
        ARENA_ARRAY(store_scratch(store), struct planned_case, b->count + 1);

    TRY(store_run_number(store, b->run_id, &run));
    TRY(store_know_results(store, run));
    for (size_t i = 0; i < b->count; i++)
        cases[i] =
            (struct planned_case){b->results[i]->key, b->results[i]->id, b->results[i]->suite};
    TRY(store_know(store, cases, b->count));
    TRY(store_define(store, b->results, b->count));
    for (size_t i = 0; i < b->count; i++)
        TRY(add_result(store, run, b->results[i]));
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
    struct append *a = NULL;
    bool note = event->kind == EVENT_NOTE;
    if (event->kind == EVENT_SAMPLES)
        return store_add_samples(store, run, &event->samples);
    if (event->kind == EVENT_ANOMALY || event->kind == EVENT_BOTTLENECK)
        return store_add_anomaly(store, run, position, &event->anomaly);
    MUST(note || event->kind == EVENT_SERVICE, "event %s is not stored",
         event_kind_name(event->kind));
    TRY(store_table(store, note ? TABLE_note : TABLE_service_event, &a));
    append_integer(a, run);
    append_integer(a, position);
    append_integer(a, event->at_wall);
    if (note) {
        store_append_text(a, event->note);
        return append_row(a);
    }
    store_append_text(a, event->service.name);
    append_integer(a, event->service.instance);
    store_append_text(a, event->service.state);
    store_append_text(a, event->service.detail);
    append_integer(a, event->service.pid);
    append_integer(a, event->service.signal);
    append_integer(a, event->service.exit_code);
    store_append_text(a, event->service.log);
    return append_row(a);
}

static struct result add_events(struct store *store, void *context)
{
    const struct events *e = context;
    int64_t run, position;
    struct query *q = NULL;

    TRY(store_run_number(store, e->run_id, &run));
    TRY(store_statement(store, STATEMENT_LAST_EVENT, &q));
    query_set_integer(q, 1, run);
    TRY(store_row(q));
    position = query_integer(q, 0);
    query_reset(q);
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

/* --- resuming --- */

static struct result drop_cancelled(struct store *store, int64_t run)
{
    for (;;) {
        struct query *q = NULL;
        bool row;
        TRY(store_statement(store, STATEMENT_CANCELLED, &q));
        query_set_integer(q, 1, run);
        query_set_integer(q, 2, CASE_CANCELLED);
        TRY(query_next(q, &row));
        if (!row)
            return RESULT_OK;
        int64_t sequence = query_integer(q, 0);
        query_reset(q);
        TRY(drop_result(store, run, sequence));
    }
}

static struct result reopen(struct store *store, void *context)
{
    const struct slice *run_id = context;
    int64_t run;
    struct query *q = NULL;

    TRY(store_run_number(store, *run_id, &run));
    store_forget(store); /* what is dropped is known no more */
    TRY(drop_cancelled(store, run));
    TRY(write_checked(store, run));
    TRY(store_statement(store, STATEMENT_REOPEN_RUN, &q));
    query_set_integer(q, 1, run);
    return query_run(q);
}

struct result store_resume(struct store *store, struct slice run_id)
{
    return store_transaction(store, reopen, &run_id);
}
