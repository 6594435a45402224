/*
 * Reading runs for the reports. One scan of `result` with nothing but numbers in it, one scan of
 * the definitions that these results have, and then everything of the few cases that did not simply
 * pass. On a store of a million results that is what one core can do in a second.
 */
#include "report/run_data.h"

#include <stdlib.h>

#include "core/jsontext.h"
#include "core/limits.h"
#include "core/memory.h"
#include "report/labels.h"

/* A store that has seen more changes of cases than this is asked for one run at a time. */
#define DEFINITIONS_SPAN (1u << 26)

/* Far more than --jobs can be: what a damaged store says must not size an array. */
#define SLOTS_MAX 65536

/* What a result is between the scans. */
struct pending {
    int64_t definition, sequence;
};

struct loading {
    struct store *store;
    struct database *db;
    struct arena *arena;
    struct run_data *data;
    int64_t *numbers; /* of the runs, in the store */
    size_t capacity;
    struct pending *pending; /* by case */
    struct labels waits;
    struct labels lists;        /* JSON texts of tags, needs, … that were read */
    const struct slice **names; /* what they hold, by label */
    uint32_t *name_counts;
    size_t name_capacity;
    struct labels models;
};

/* ── runs ── */

static struct result find_runs(struct loading *l, const struct slice *wanted, size_t count)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    bool row;

    l->data->runs = ARENA_ARRAY(l->arena, struct run_info, count + 1);
    l->numbers = ARENA_ARRAY(l->arena, int64_t, count + 1);
    TRY(database_prepare(l->db, "SELECT run FROM run WHERE id = ?1", &q));
    for (size_t i = 0; i < count; i++) {
        TRY(store_find(l->store, l->arena, wanted[i], &l->data->runs[i]));
        query_set_text(q, 1, l->data->runs[i].id);
        TRY(query_next(q, &row));
        MUST(row, "run %.*s vanished", SLICE_ARG(l->data->runs[i].id));
        l->numbers[i] = query_integer(q, 0);
        query_reset(q);
    }
    l->data->run_count = count;
    return RESULT_OK;
}

/* ── results ── */

static void make_room(struct loading *l)
{
    if (l->data->count < l->capacity)
        return;
    l->capacity = l->capacity ? 2 * l->capacity : 1024;
    l->data->cases = mem_resize(l->data->cases, l->capacity * sizeof(l->data->cases[0]));
    l->pending = mem_resize(l->pending, l->capacity * sizeof(l->pending[0]));
}

static uint16_t wait_number(struct loading *l, struct slice held_by)
{
    if (held_by.len == 0)
        return 0;
    uint32_t number = labels_find(&l->waits, held_by);
    if (number == LABEL_NONE && l->waits.count < UINT16_MAX)
        number = labels_number(&l->waits, arena_copy(l->arena, held_by));
    return number == LABEL_NONE ? 0 : (uint16_t)number;
}

static struct result read_results(struct loading *l, uint32_t run)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    bool row;

    TRY(database_scan(l->db,
                      "SELECT definition, sequence, status, flags, started, queued, duration, slot,"
                      " held_by FROM result WHERE run = ?1 ORDER BY sequence",
                      &q));
    query_set_integer(q, 1, l->numbers[run]);
    for (;;) {
        TRY(query_next(q, &row));
        if (!row)
            return RESULT_OK;
        make_room(l);
        l->pending[l->data->count] = (struct pending){query_integer(q, 0), query_integer(q, 1)};
        l->data->cases[l->data->count++] = (struct case_outcome){
            .run = run,
            .status = (uint8_t)query_integer(q, 2),
            .flags = (uint8_t)query_integer(q, 3),
            .started = query_integer(q, 4),
            .queued = query_integer(q, 5),
            .duration = query_integer(q, 6),
            .slot = (uint32_t)query_integer(q, 7) % SLOTS_MAX,
            .held_by = wait_number(l, query_text(q, 8)),
        };
        if (l->data->cases[l->data->count - 1].status >= CASE_STATUS_COUNT)
            l->data->cases[l->data->count - 1].status = CASE_ERROR;
    }
}

/* ── definitions ── */

/* The texts of a JSON array; each array is read once, however many cases have it. */
static struct result read_list(struct loading *l, struct slice text, const struct slice **names,
                               uint32_t *count)
{
    json_t *json = NULL;
    uint32_t label = LABEL_NONE;
    if (text.len == 0)
        return RESULT_OK;
    label = labels_find(&l->lists, text);
    if (label == LABEL_NONE) {
        struct slice kept = arena_copy(l->arena, text);
        label = labels_number(&l->lists, kept);
        if (label >= l->name_capacity) {
            l->name_capacity = l->name_capacity ? 2 * l->name_capacity : 64;
            l->names = mem_resize(l->names, l->name_capacity * sizeof(l->names[0]));
            l->name_counts =
                mem_resize(l->name_counts, l->name_capacity * sizeof(l->name_counts[0]));
        }
        TRY(jsontext_read_in(l->arena, kept, &json));
        size_t size = json_array_size(json);
        struct slice *list = ARENA_ARRAY(l->arena, struct slice, size + 1);
        for (size_t i = 0; i < size; i++)
            list[i] = jsontext_slice(json_array_get(json, i));
        l->names[label] = list;
        l->name_counts[label] = (uint32_t)size;
    }
    *names = l->names[label];
    *count = l->name_counts[label];
    return RESULT_OK;
}

static struct slice shared(struct loading *l, struct labels *labels, struct slice text)
{
    uint32_t label = labels_find(labels, text);
    if (label == LABEL_NONE)
        label = labels_number(labels, arena_copy(l->arena, text));
    return labels->names[label];
}

/* Mostly the beginning of the key: "suite/id". */
static struct slice suite_of(struct loading *l, struct slice key, struct slice suite)
{
    return slice_starts(key, suite) ? slice_part(key, 0, suite.len) : arena_copy(l->arena, suite);
}

static struct result read_definition(struct loading *l, const struct query *q,
                                     struct case_definition *d)
{
    d->key = query_copy(q, 1, l->arena);
    d->suite = suite_of(l, d->key, query_text(q, 2));
    d->model = shared(l, &l->models, query_text(q, 3));
    TRY(read_list(l, query_text(q, 4), &d->tags, &d->tag_count));
    TRY(read_list(l, query_text(q, 5), &d->needs, &d->need_count));
    TRY(read_list(l, query_text(q, 6), &d->uses, &d->use_count));
    return read_list(l, query_text(q, 7), &d->services, &d->service_count);
}

static struct result scan_definitions(struct loading *l, int64_t first, int64_t last,
                                      const uint32_t *index)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    struct run_data *data = l->data;
    bool row;

    TRY(database_scan(l->db,
                      "SELECT d.definition, t.key, t.suite, d.model, d.tags, d.needs, d.uses,"
                      " d.services FROM definition d"
                      " JOIN test_case t ON t.test_case = d.test_case"
                      " WHERE d.definition BETWEEN ?1 AND ?2",
                      &q));
    query_set_integer(q, 1, first);
    query_set_integer(q, 2, last);
    for (;;) {
        TRY(query_next(q, &row));
        if (!row)
            return RESULT_OK;
        uint32_t at = index[query_integer(q, 0) - first];
        if (at)
            TRY(read_definition(l, q, &data->definitions[at - 1]));
    }
}

/* The definitions that results have are numbered 1, 2, …; the others stay 0. */
static struct result read_definitions(struct loading *l)
{
    DEFER(mem_free_pointer)
    uint32_t *index = NULL;
    struct run_data *data = l->data;
    int64_t first = INT64_MAX, last = 0;

    for (size_t i = 0; i < data->count; i++) {
        first = l->pending[i].definition < first ? l->pending[i].definition : first;
        last = l->pending[i].definition > last ? l->pending[i].definition : last;
    }
    if (data->count == 0)
        return RESULT_OK;
    ENSURE(first >= 0 && last - first < DEFINITIONS_SPAN, ERR_TOO_LARGE,
           "these runs are too far apart in the store to be read together; read them one by one");
    index = mem_zero((size_t)(last - first + 1) * sizeof(*index));
    for (size_t i = 0; i < data->count; i++)
        if (!index[l->pending[i].definition - first])
            index[l->pending[i].definition - first] = (uint32_t)++data->definition_count;
    data->definitions = ARENA_ARRAY(l->arena, struct case_definition, data->definition_count);
    TRY(scan_definitions(l, first, last, index));
    for (size_t i = 0; i < data->count; i++) {
        struct case_definition *d = &data->definitions[index[l->pending[i].definition - first] - 1];
        d->passed += data->cases[i].status == CASE_PASSED;
        data->cases[i].definition = d;
    }
    return RESULT_OK;
}

/* ── services, anomalies, checks ── */

static struct result read_changes(struct loading *l, uint32_t run)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    struct run_data *data = l->data;
    bool row;

    TRY(database_scan(l->db,
                      "SELECT at, service, state, detail, instance, pid, signal, exit_code, log"
                      " FROM service_event WHERE run = ?1 ORDER BY position",
                      &q));
    query_set_integer(q, 1, l->numbers[run]);
    for (;;) {
        TRY(query_next(q, &row));
        if (!row)
            return RESULT_OK;
        ARENA_GROW(l->arena, data->changes, data->change_count);
        data->changes[data->change_count++] = (struct service_change){
            .at = query_integer(q, 0),
            .service = query_copy(q, 1, l->arena),
            .state = query_copy(q, 2, l->arena),
            .detail = query_copy(q, 3, l->arena),
            .instance = (uint32_t)query_integer(q, 4),
            .pid = query_integer(q, 5),
            .signal = (int)query_integer(q, 6),
            .exit_code = (int)query_integer(q, 7),
            .log = query_copy(q, 8, l->arena),
            .run = run,
        };
    }
}

static struct result read_anomalies(struct loading *l, uint32_t run)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    struct run_data *data = l->data;
    bool row;

    TRY(database_prepare(l->db,
                         "SELECT a.kind, s.name, a.text, a.started, a.ended FROM anomaly a"
                         " LEFT JOIN subject s ON s.run = a.run AND s.subject = a.subject"
                         " WHERE a.run = ?1 AND a.subject > 0 ORDER BY a.position",
                         &q));
    query_set_integer(q, 1, l->numbers[run]);
    for (;;) {
        TRY(query_next(q, &row));
        if (!row)
            return RESULT_OK;
        ARENA_GROW(l->arena, data->anomalies, data->anomaly_count);
        data->anomalies[data->anomaly_count++] = (struct run_anomaly){
            .kind = query_copy(q, 0, l->arena),
            .subject = query_copy(q, 1, l->arena),
            .text = query_copy(q, 2, l->arena),
            .started = query_integer(q, 3),
            .ended = query_integer(q, 4),
            .run = run,
        };
    }
}

static struct result read_checks(struct loading *l, uint32_t run, struct labels *kinds)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    struct run_data *data = l->data;
    bool row;

    TRY(database_prepare(
        l->db, "SELECT name, passed, failed, impossible FROM checked WHERE run = ?1", &q));
    query_set_integer(q, 1, l->numbers[run]);
    for (;;) {
        TRY(query_next(q, &row));
        if (!row)
            return RESULT_OK;
        uint32_t at = labels_number(kinds, query_copy(q, 0, l->arena));
        if (at == data->check_count) {
            const struct check_count *old = data->checks;
            data->checks = ARENA_ARRAY(l->arena, struct check_count, data->check_count + 1);
            if (data->check_count)
                memcpy(data->checks, old, data->check_count * sizeof(*old));
            data->check_count++;
            data->checks[at].name = kinds->names[at];
        }
        data->checks[at].passed += query_integer(q, 1);
        data->checks[at].failed += query_integer(q, 2);
        data->checks[at].impossible += query_integer(q, 3);
    }
}

static int by_failures(const void *a, const void *b)
{
    const struct check_count *x = a, *y = b;
    int64_t bad_x = x->failed + x->impossible, bad_y = y->failed + y->impossible;
    if (bad_x != bad_y)
        return bad_x > bad_y ? -1 : 1;
    return slice_cmp(x->name, y->name);
}

static int by_time(const void *a, const void *b)
{
    const struct service_change *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

static int by_beginning(const void *a, const void *b)
{
    const struct run_anomaly *x = a, *y = b;
    return (x->started > y->started) - (x->started < y->started);
}

/* ── what did not simply pass ── */

static bool wants_detail(const struct case_outcome *c)
{
    return outcome_is_bad(c) || c->flags & (CASE_FLAKY | CASE_LEAKY);
}

static int by_duration(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The queries of a case's past; prepared once. */
struct past_queries {
    struct query *results, *runs;
};

static struct result read_run_of_past(struct loading *l, struct query *q, int64_t number,
                                      struct slice *id, struct case_past *past)
{
    bool row;
    query_set_integer(q, 1, number);
    TRY(query_next(q, &row));
    if (!row)
        return RESULT_OK;
    *id = query_copy(q, 0, l->arena);
    if (past) {
        past->last_machine = query_copy(q, 1, l->arena);
        past->last_version = query_copy(q, 2, l->arena);
    }
    query_reset(q);
    return RESULT_OK;
}

static struct result read_past(struct loading *l, const struct past_queries *queries,
                               const struct case_outcome *c, struct case_past *past)
{
    int64_t durations[LIMIT_REPORT_PAST_RUNS], last_good = 0, first_bad = 0;
    struct query *q = queries->results;
    bool row;

    past->first_bad = l->data->runs[c->run].id;
    query_set_text(q, 1, c->definition->key);
    query_set_integer(q, 2, l->numbers[c->run]);
    for (;;) { /* the latest first */
        TRY(query_next(q, &row));
        if (!row)
            break;
        int64_t run = query_integer(q, 0);
        bool good = query_integer(q, 1) == CASE_PASSED;
        if (good && past->passed < LIMIT_REPORT_PAST_RUNS)
            durations[past->passed++] = query_integer(q, 2);
        else if (!good)
            past->failed++;
        if (good && !last_good)
            last_good = run;
        if (!good && !last_good) {
            first_bad = run;
            past->failing++;
        }
    }
    if (past->passed) {
        qsort(durations, past->passed, sizeof(durations[0]), by_duration);
        past->usual = durations[past->passed / 2];
        past->longest = durations[past->passed - 1];
    }
    if (first_bad)
        TRY(read_run_of_past(l, queries->runs, first_bad, &past->first_bad, NULL));
    if (last_good)
        TRY(read_run_of_past(l, queries->runs, last_good, &past->last_good, past));
    return RESULT_OK;
}

/* Do numbers of runs rise with time? Not when some were imported that began earlier. */
static struct result runs_in_order(struct loading *l, bool *out)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    TRY(database_prepare(l->db,
                         "SELECT count(*) FROM (SELECT started, lag(started) OVER (ORDER BY run)"
                         " AS earlier FROM run) r WHERE started < earlier",
                         &q));
    bool row;
    TRY(query_next(q, &row));
    *out = row && query_integer(q, 0) == 0;
    return RESULT_OK;
}

static struct result read_details(struct loading *l)
{
    bool in_order = false;
    DEFER(query_free_pointer)
    struct query *results = NULL;
    DEFER(query_free_pointer)
    struct query *runs = NULL;
    size_t kept = 0;

    TRY(runs_in_order(l, &in_order));
    /* The index of history has them in the order of numbers; else all of a case are looked at. */
    TRY(database_prepare(
        l->db,
        in_order ? "SELECT run, status, duration FROM result WHERE test_case ="
                   " (SELECT test_case FROM test_case WHERE key = ?1) AND run < ?2"
                   " AND status IN (0, 3, 4) ORDER BY run DESC LIMIT 50"
                 : "SELECT r.run, r.status, r.duration FROM result r JOIN run u ON u.run = r.run"
                   " JOIN run n ON n.run = ?2 WHERE r.test_case ="
                   " (SELECT test_case FROM test_case WHERE key = ?1) AND r.status IN (0, 3, 4)"
                   " AND (u.started < n.started OR (u.started = n.started AND u.run < n.run))"
                   " ORDER BY u.started DESC, u.run DESC LIMIT 50",
        &results));
    TRY(database_prepare(l->db, "SELECT id, machine, version FROM run WHERE run = ?1", &runs));
    const struct past_queries queries = {results, runs};
    for (size_t i = 0; i < l->data->count && kept < LIMIT_REPORT_DETAILS; i++) {
        struct case_outcome *c = &l->data->cases[i];
        if (!wants_detail(c))
            continue;
        struct case_result *detail = ARENA_NEW(l->arena, struct case_result);
        TRY(store_result(l->store, l->arena, l->data->runs[c->run].id, l->pending[i].sequence,
                         detail));
        c->detail = detail;
        kept++;
        if (!outcome_is_bad(c))
            continue;
        struct case_past *past = ARENA_NEW(l->arena, struct case_past);
        TRY(read_past(l, &queries, c, past));
        c->past = past;
    }
    return RESULT_OK;
}

/* ── all of it ── */

_Static_assert(LIMIT_REPORT_PAST_RUNS == 50, "the query of a case's past says so too");
_Static_assert(CASE_PASSED == 0 && CASE_FAILED == 3 && CASE_ERROR == 4,
               "the query of a case's past says so too");

static struct result read_tables(struct loading *l)
{
    struct labels kinds = labels_in(l->arena);
    for (uint32_t run = 0; run < l->data->run_count; run++) {
        TRY(read_results(l, run));
        TRY(read_changes(l, run));
        TRY(read_anomalies(l, run));
        TRY(read_checks(l, run, &kinds));
    }
    return read_definitions(l);
}

static struct result load(struct loading *l, const struct slice *runs, size_t count)
{
    TRY(find_runs(l, runs, count));
    labels_number(&l->waits, (struct slice){0});
    TRY(database_begin(l->db, DATABASE_READ));
    struct result read = read_tables(l);
    database_rollback(l->db); /* nothing was written */
    TRY(read);
    struct run_data *data = l->data;
    data->waits = l->waits.names;
    data->wait_count = l->waits.count;
    if (data->check_count)
        qsort(data->checks, data->check_count, sizeof(data->checks[0]), by_failures);
    if (data->change_count)
        qsort(data->changes, data->change_count, sizeof(data->changes[0]), by_time);
    if (data->anomaly_count)
        qsort(data->anomalies, data->anomaly_count, sizeof(data->anomalies[0]), by_beginning);
    return read_details(l);
}

struct result run_data_load(struct store *store, struct arena *arena, const struct slice *runs,
                            size_t count, struct run_data **out)
{
    struct loading l = {
        .store = store,
        .db = store_database(store),
        .arena = arena,
        .data = ARENA_NEW(arena, struct run_data),
        .waits = labels_in(arena),
        .lists = labels_in(arena),
        .models = labels_in(arena),
    };
    l.data->arena = arena;
    struct result loaded = load(&l, runs, count);
    mem_free(l.pending);
    mem_free(l.names);
    mem_free(l.name_counts);
    if (l.data->cases)
        arena_defer(arena, mem_free, l.data->cases);
    *out = l.data;
    return loaded;
}
