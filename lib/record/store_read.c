/*
 * The store: everything that reads. A run is read in one pass: one cursor per table, all in
 * the order of their keys and moved on together, so that a million results cost a million rows and
 * not a million queries.
 */
#include "record/store_internal.h"

#include <stdlib.h>

#include "core/text.h"

/* --- finding runs --- */

struct result store_totals(struct store *store, int64_t run, struct run_info *info)
{
    struct query *q = NULL;
    bool row;

    memset(info->counts, 0, sizeof(info->counts));
    info->slow = info->flaky = info->leaky = info->timed_out = 0;
    TRY(store_statement(store, STATEMENT_TOTALS, &q));
    query_set_integer(q, 1, run);
    for (;;) {
        TRY(query_next(q, &row));
        if (!row)
            return RESULT_OK;
        int64_t status = query_integer(q, 0), flags = query_integer(q, 1);
        size_t count = (size_t)query_integer(q, 2);
        if (status >= 0 && status < CASE_STATUS_COUNT)
            info->counts[status] += count;
        info->slow += flags & CASE_SLOW ? count : 0;
        info->flaky += flags & CASE_FLAKY ? count : 0;
        info->leaky += flags & CASE_LEAKY ? count : 0;
        info->timed_out += flags & CASE_TIMED_OUT ? count : 0;
    }
}

/* As they were counted when the run ended. */
static void read_counts(const struct query *q, int at, struct run_info *info)
{
    static const enum case_status order[] = {CASE_PASSED, CASE_SKIPPED, CASE_CANCELLED, CASE_FAILED,
                                             CASE_ERROR};
    size_t *flags[] = {&info->slow, &info->flaky, &info->leaky, &info->timed_out};
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
        info->counts[order[i]] = (size_t)query_integer(q, at++);
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        *flags[i] = (size_t)query_integer(q, at++);
}

static struct result read_run(struct store *store, struct arena *arena, int64_t run,
                              struct run_info *out)
{
    struct query *q = NULL;
    bool row;

    TRY(store_statement(store, STATEMENT_READ_RUN, &q));
    query_set_integer(q, 1, run);
    TRY(query_next(q, &row));
    MUST(row, "run number %lld vanished", (long long)run);
    *out = (struct run_info){
        .id = query_copy(q, 0, arena),
        .command = query_copy(q, 1, arena),
        .host = query_copy(q, 3, arena),
        .version = query_copy(q, 4, arena),
        .seed = (uint64_t)query_integer(q, 5),
        .jobs = (uint32_t)query_integer(q, 6),
        .started_wall = query_integer(q, 7),
        .duration = query_integer(q, 8),
        .exit_status = -1,
        .planned = (size_t)query_integer(q, 10),
        .machine = query_copy(q, 11, arena),
    };
    if (!query_null(q, 9))
        out->exit_status = (int)query_integer(q, 9);
    out->load = slice_is(query_text(q, 21), "load");
    struct slice options = query_copy(q, 2, arena);
    bool counted = !query_null(q, 9) && !query_null(q, 12);
    read_counts(q, 12, out);
    query_reset(q);
    if (options.len && !result_ok(jsontext_read_in(arena, options, &out->options)))
        return error_context((struct result){error_last()->code},
                             "result store %s, options of run %.*s", database_name(store->database),
                             SLICE_ARG(out->id));
    return counted ? RESULT_OK : store_totals(store, run, out);
}

/* "20261121-101530-4f2a, 20261120-…" from rows (run, id). */
static struct result list_runs(struct query *q, struct text *list)
{
    bool row;
    for (;;) {
        TRY(query_next(q, &row));
        if (!row)
            return RESULT_OK;
        if (list->len)
            text_add_str(list, ", ");
        text_add(list, query_text(q, 1));
    }
}

static struct result no_such_run(struct store *store, struct arena *arena, struct slice wanted)
{
    struct text list = text_in(arena);
    struct query *q = NULL;

    TRY(store_statement(store, STATEMENT_LATEST_RUNS, &q));
    TRY(list_runs(q, &list));
    ENSURE(list.len, ERR_NOT_FOUND, "result store %s holds no run yet",
           database_name(store->database));
    return error_set(ERR_NOT_FOUND, "result store %s has no run \"%.*s\"; the latest are %s",
                     database_name(store->database), SLICE_ARG(wanted), text_str(&list));
}

static struct result several_runs(struct store *store, struct arena *arena, struct slice wanted)
{
    struct text list = text_in(arena);
    struct query *q = NULL;

    TRY(store_statement(store, STATEMENT_MATCH_RUN, &q));
    store_set_text(q, 1, wanted);
    TRY(list_runs(q, &list));
    return error_set(ERR_NOT_FOUND, "several runs begin with \"%.*s\": %s; give more of the id",
                     SLICE_ARG(wanted), text_str(&list));
}

struct result store_find(struct store *store, struct arena *arena, struct slice wanted,
                         struct run_info *out)
{
    struct query *q = NULL;
    bool row, last = slice_is(wanted, "last");

    TRY(store_statement(store, last ? STATEMENT_LATEST_RUNS : STATEMENT_MATCH_RUN, &q));
    if (!last)
        store_set_text(q, 1, wanted);
    if (!last && wanted.len == 0)
        return no_such_run(store, arena, wanted);
    TRY(query_next(q, &row));
    if (!row)
        return no_such_run(store, arena, wanted);
    int64_t run = query_integer(q, 0);
    bool exact = slice_eq(query_text(q, 1), wanted);
    if (!last && !exact) {
        TRY(query_next(q, &row));
        if (row) {
            query_reset(q);
            return several_runs(store, arena, wanted);
        }
    }
    query_reset(q);
    return read_run(store, arena, run, out);
}

/* --- keys --- */

static struct result read_keys(struct arena *arena, struct query *q, struct slice **keys,
                               size_t *count)
{
    bool row;

    *keys = NULL;
    *count = 0;
    for (;;) {
        TRY(query_next(q, &row));
        if (!row)
            return RESULT_OK;
        ARENA_GROW(arena, *keys, *count);
        (*keys)[(*count)++] = query_copy(q, 0, arena);
    }
}

/* The keys that a statement selects from a run by one status or two. */
static struct result keys_by_status(struct store *store, struct arena *arena, struct slice run_id,
                                    enum statement which, const enum case_status *statuses,
                                    int status_count, struct slice **keys, size_t *count)
{
    int64_t run;
    struct query *q = NULL;
    TRY(store_run_number(store, run_id, &run));
    TRY(store_statement(store, which, &q));
    query_set_integer(q, 1, run);
    for (int i = 0; i < status_count; i++)
        query_set_integer(q, 2 + i, statuses[i]);
    return read_keys(arena, q, keys, count);
}

struct result store_unfinished(struct store *store, struct arena *arena, struct slice run_id,
                               struct slice **keys, size_t *count)
{
    static const enum case_status statuses[] = {CASE_CANCELLED};
    return keys_by_status(store, arena, run_id, STATEMENT_UNFINISHED, statuses, 1, keys, count);
}

struct result store_failed(struct store *store, struct arena *arena, struct slice run_id,
                           struct slice **keys, size_t *count)
{
    static const enum case_status statuses[] = {CASE_FAILED, CASE_ERROR};
    return keys_by_status(store, arena, run_id, STATEMENT_FAILED, statuses, 2, keys, count);
}

struct result store_not_passed(struct store *store, struct arena *arena, struct slice run_id,
                               struct slice **keys, size_t *count)
{
    static const enum case_status statuses[] = {CASE_PASSED};
    return keys_by_status(store, arena, run_id, STATEMENT_NOT_PASSED, statuses, 1, keys, count);
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int64_t store_expected_duration(struct store *store, struct slice key)
{
    int64_t durations[20];
    size_t count = 0;
    struct query *q = NULL;
    bool row = true;

    /* An estimate: a store that cannot be read here will be reported by whoever must have it. */
    if (!result_ok(store_statement(store, STATEMENT_DURATIONS, &q)))
        return -1;
    store_set_text(q, 1, key);
    query_set_integer(q, 2, CASE_PASSED);
    while (count < 20 && result_ok(query_next(q, &row)) && row)
        durations[count++] = query_integer(q, 0);
    query_reset(q);
    if (count == 0)
        return -1;
    qsort(durations, count, sizeof(durations[0]), by_value);
    return durations[count / 2];
}

/* --- results --- */

/* A table read in the order of its keys (sequence, attempt, step). */
struct cursor {
    struct query *q;
    bool row; /* stands on a row */
};

static struct result cursor_open(struct store *store, enum statement which, int64_t run,
                                 int64_t first, int64_t last, struct cursor *c)
{
    TRY(store_statement(store, which, &c->q));
    query_set_integer(c->q, 1, run);
    query_set_integer(c->q, 2, first);
    query_set_integer(c->q, 3, last);
    return query_next(c->q, &c->row);
}

/* Does the row belong to the thing with these first key columns? */
static bool cursor_at(const struct cursor *c, const int64_t *key, int columns)
{
    for (int i = 0; i < columns; i++)
        if (!c->row || query_integer(c->q, i) != key[i])
            return false;
    return true;
}

struct visit {
    struct store *store;
    struct cursor results, attempts, steps, verdicts, evidence, usages;
    struct arena *arena; /* of the result being read */
    struct source *source;
    int64_t key[3]; /* sequence, attempt, step being read */
};

static struct place read_place(struct visit *v, struct query *q, int at)
{
    struct place place = {.line = (uint32_t)query_integer(q, at + 1),
                          .column = (uint32_t)query_integer(q, at + 2)};
    struct slice file = query_copy(q, at, v->arena);
    if (file.len) {
        struct source *source = ARENA_NEW(v->arena, struct source);
        source->name = file.data;
        place.source = source;
    } else if (place.line) {
        place.source = v->source;
    }
    return place;
}

static enum case_status read_status(struct query *q, int at)
{
    int64_t status = query_integer(q, at);
    return status >= 0 && status < CASE_STATUS_COUNT ? (enum case_status)status : CASE_ERROR;
}

static enum error_code read_error_code(struct visit *v, struct query *q, int at)
{
    static const enum error_code codes[] = {
#define X(code, name, text, exit_status, retryable) ERR_##code,
        ERROR_TABLE(X)
#undef X
    };
    struct slice name = query_copy(q, at, v->arena);
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (slice_is(name, error_name(codes[i])))
            return codes[i];
    return ERR_OK;
}

static struct result read_verdicts(struct visit *v, const struct verdict **list)
{
    struct cursor *c = &v->verdicts;
    struct verdict *last = NULL;
    while (cursor_at(c, v->key, 3)) {
        struct verdict *verdict = ARENA_NEW(v->arena, struct verdict);
        struct slice message = query_copy(c->q, 8, v->arena);
        verdict->check = arena_string(v->arena, query_copy(c->q, 3, v->arena));
        verdict->passed = query_integer(c->q, 4) != 0;
        verdict->impossible = query_integer(c->q, 5) != 0;
        verdict->expected = query_copy(c->q, 6, v->arena);
        verdict->actual = query_copy(c->q, 7, v->arena);
        verdict->message = message.len ? message.data : NULL;
        verdict->at = read_place(v, c->q, 9);
        verdict->detail = query_copy(c->q, 12, v->arena);
        if (last)
            last->next = verdict;
        else
            *list = verdict;
        last = verdict;
        TRY(query_next(c->q, &c->row));
    }
    return RESULT_OK;
}

static struct result read_usages(struct visit *v, struct step_result *step)
{
    struct cursor *c = &v->usages;
    struct usage *usages = NULL;
    size_t count = 0;
    while (cursor_at(c, v->key, 3)) {
        ARENA_GROW(v->arena, usages, count);
        usages[count++] = (struct usage){
            .model = query_copy(c->q, 3, v->arena),
            .input_tokens = query_integer(c->q, 4),
            .output_tokens = query_integer(c->q, 5),
            .cost = query_integer(c->q, 6),
            .cached = query_integer(c->q, 7) != 0,
            .graded = query_integer(c->q, 8) != 0,
        };
        TRY(query_next(c->q, &c->row));
    }
    step->usages = usages;
    step->usage_count = count;
    return RESULT_OK;
}

static struct result read_steps(struct visit *v, const struct step_result **list)
{
    struct cursor *c = &v->steps;
    struct step_result *last = NULL;
    while (cursor_at(c, v->key, 2)) {
        struct step_result *step = ARENA_NEW(v->arena, struct step_result);
        v->key[2] = query_integer(c->q, 2);
        step->name = query_copy(c->q, 3, v->arena);
        step->kind = query_copy(c->q, 4, v->arena);
        step->trial = (uint32_t)query_integer(c->q, 5);
        step->index = (uint32_t)query_integer(c->q, 6);
        step->status = read_status(c->q, 7);
        step->error_code = read_error_code(v, c->q, 8);
        step->error = query_copy(c->q, 9, v->arena);
        step->at = read_place(v, c->q, 10);
        step->started = query_integer(c->q, 13);
        step->duration = query_integer(c->q, 14);
        step->first_byte = query_integer(c->q, 15);
        step->first_token = query_integer(c->q, 16);
        step->leaky = query_integer(c->q, 17) != 0;
        step->service = query_copy(c->q, 18, v->arena);
        step->connect = query_integer(c->q, 19);
        step->checks = query_integer(c->q, 20);
        TRY(read_verdicts(v, &step->verdicts));
        TRY(read_usages(v, step));
        if (cursor_at(&v->evidence, v->key, 3)) {
            step->request = query_copy(v->evidence.q, 3, v->arena);
            step->response = query_copy(v->evidence.q, 4, v->arena);
            step->log = query_copy(v->evidence.q, 5, v->arena);
            TRY(query_next(v->evidence.q, &v->evidence.row));
        }
        if (last)
            last->next = step;
        else
            *list = step;
        last = step;
        TRY(query_next(c->q, &c->row));
    }
    return RESULT_OK;
}

static struct result read_attempts(struct visit *v, const struct attempt_result **list)
{
    struct cursor *c = &v->attempts;
    struct attempt_result *last = NULL;
    while (cursor_at(c, v->key, 1)) {
        struct attempt_result *attempt = ARENA_NEW(v->arena, struct attempt_result);
        v->key[1] = query_integer(c->q, 1);
        attempt->number = (uint32_t)query_integer(c->q, 2);
        attempt->status = read_status(c->q, 3);
        attempt->started = query_integer(c->q, 4);
        attempt->duration = query_integer(c->q, 5);
        attempt->trials = (uint32_t)query_integer(c->q, 6);
        attempt->trials_passed = (uint32_t)query_integer(c->q, 7);
        attempt->given = query_copy(c->q, 8, v->arena);
        TRY(read_steps(v, &attempt->steps));
        if (last)
            last->next = attempt;
        else
            *list = attempt;
        last = attempt;
        TRY(query_next(c->q, &c->row));
    }
    return RESULT_OK;
}

static void read_list(struct visit *v, struct query *q, int at, const struct slice **list,
                      size_t *list_count)
{
    struct slice text = query_copy(q, at, v->arena);
    json_t *json;
    if (text.len == 0 || !result_ok(jsontext_read_in(v->arena, text, &json)))
        return; /* only ever written by us; without its tags a result is still a result */
    size_t count = json_array_size(json);
    struct slice *texts = ARENA_ARRAY(v->arena, struct slice, count);
    for (size_t i = 0; i < count; i++)
        texts[i] = jsontext_slice(json_array_get(json, i));
    *list = texts;
    *list_count = count;
}

static struct result read_result(struct visit *v, struct case_result *r)
{
    struct query *q = v->results.q;

    *r = (struct case_result){
        .arena = v->arena,
        .key = query_copy(q, 1, v->arena),
        .suite = query_copy(q, 2, v->arena),
        .id = query_copy(q, 3, v->arena),
        .describe = query_copy(q, 4, v->arena),
        .model = query_copy(q, 5, v->arena),
        .file = query_copy(q, 6, v->arena),
        .status = read_status(q, 10),
        .flags = (unsigned)query_integer(q, 11),
        .started_wall = query_integer(q, 12),
        .queued = query_integer(q, 13),
        .duration = query_integer(q, 14),
        .slot = (uint32_t)query_integer(q, 15),
        .reason = query_copy(q, 16, v->arena),
        .rerun = query_copy(q, 17, v->arena),
        .held_by = query_copy(q, 18, v->arena),
        .starting = query_integer(q, 22),
    };
    v->source = ARENA_NEW(v->arena, struct source);
    v->source->name = arena_string(v->arena, r->file);
    r->at = read_place(v, q, 6);
    read_list(v, q, 9, &r->tags, &r->tag_count);
    read_list(v, q, 19, &r->needs, &r->need_count);
    read_list(v, q, 20, &r->uses, &r->use_count);
    read_list(v, q, 21, &r->services, &r->service_count);
    v->key[0] = query_integer(q, 0);
    TRY(read_attempts(v, &r->attempts));
    return query_next(v->results.q, &v->results.row);
}

static struct result visit_all(struct visit *v,
                               void (*visit)(void *context, const struct case_result *result),
                               void *context)
{
    while (v->results.row) {
        DEFER(arena_free_pointer)
        struct arena *arena = arena_new();
        struct case_result result;
        v->arena = arena;
        TRY(read_result(v, &result));
        visit(context, &result);
    }
    return RESULT_OK;
}

/* Everything of the results from sequence `first` to `last`. */
static struct result open_cursors(struct visit *v, int64_t run, int64_t first, int64_t last)
{
    TRY(cursor_open(v->store, STATEMENT_VISIT_RESULTS, run, first, last, &v->results));
    TRY(cursor_open(v->store, STATEMENT_VISIT_ATTEMPTS, run, first, last, &v->attempts));
    TRY(cursor_open(v->store, STATEMENT_VISIT_STEPS, run, first, last, &v->steps));
    TRY(cursor_open(v->store, STATEMENT_VISIT_VERDICTS, run, first, last, &v->verdicts));
    TRY(cursor_open(v->store, STATEMENT_VISIT_EVIDENCE, run, first, last, &v->evidence));
    return cursor_open(v->store, STATEMENT_VISIT_USAGE, run, first, last, &v->usages);
}

static void close_cursors(struct visit *v)
{
    const struct cursor *cursors[] = {&v->results,  &v->attempts, &v->steps,
                                      &v->verdicts, &v->evidence, &v->usages};
    for (size_t i = 0; i < sizeof(cursors) / sizeof(cursors[0]); i++)
        if (cursors[i]->q)
            query_reset(cursors[i]->q);
    database_rollback(v->store->database); /* nothing was written */
}

struct result store_visit(struct store *store, struct slice run_id,
                          void (*visit)(void *context, const struct case_result *result),
                          void *context)
{
    struct visit v = {.store = store};
    int64_t run;

    TRY(store_run_number(store, run_id, &run));
    TRY(database_begin(store->database, DATABASE_READ));
    struct result r = open_cursors(&v, run, 0, INT64_MAX);
    if (result_ok(r))
        r = visit_all(&v, visit, context);
    close_cursors(&v);
    return r;
}

struct result store_result(struct store *store, struct arena *arena, struct slice run_id,
                           int64_t sequence, struct case_result *out)
{
    struct visit v = {.store = store, .arena = arena};
    int64_t run;

    TRY(store_run_number(store, run_id, &run));
    TRY(database_begin(store->database, DATABASE_READ));
    struct result r = open_cursors(&v, run, sequence, sequence);
    if (result_ok(r) && !v.results.row)
        r = error_set(ERR_NOT_FOUND, "run %.*s has no result %lld", SLICE_ARG(run_id),
                      (long long)sequence);
    if (result_ok(r))
        r = read_result(&v, out);
    close_cursors(&v);
    return r;
}

/* --- what happened beside the cases --- */

static void read_event(struct arena *arena, struct query *q, struct event *event)
{
    bool note = query_integer(q, 11) != 0;
    *event = (struct event){
        .kind = note ? EVENT_NOTE : EVENT_SERVICE,
        .at_wall = query_integer(q, 1),
    };
    if (note) {
        event->note = query_copy(q, 10, arena);
        return;
    }
    event->service.name = query_copy(q, 2, arena);
    event->service.instance = (uint32_t)query_integer(q, 3);
    event->service.state = query_copy(q, 4, arena);
    event->service.detail = query_copy(q, 5, arena);
    event->service.pid = query_integer(q, 6);
    event->service.signal = (int)query_integer(q, 7);
    event->service.exit_code = (int)query_integer(q, 8);
    event->service.log = query_copy(q, 9, arena);
}

static struct result visit_events(struct query *q,
                                  void (*visit)(void *context, const struct event *event),
                                  void *context)
{
    for (;;) {
        DEFER(arena_free_pointer)
        struct arena *arena = arena_new();
        struct event event;
        bool row;
        TRY(query_next(q, &row));
        if (!row)
            return RESULT_OK;
        read_event(arena, q, &event);
        visit(context, &event);
    }
}

struct result store_visit_events(struct store *store, struct slice run_id,
                                 void (*visit)(void *context, const struct event *event),
                                 void *context)
{
    int64_t run;
    struct query *q = NULL;

    TRY(store_run_number(store, run_id, &run));
    TRY(store_statement(store, STATEMENT_VISIT_EVENTS, &q));
    query_set_integer(q, 1, run);
    TRY(database_begin(store->database, DATABASE_READ));
    struct result r = visit_events(q, visit, context);
    query_reset(q);
    database_rollback(store->database); /* nothing was written */
    return r;
}
