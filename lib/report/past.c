/*
 * Reading the past out of the store; see the header.
 */
#include "report/past.h"

#include <math.h>
#include <stdlib.h>

#include "core/jsontext.h"
#include "core/memory.h"
#include "core/parse.h"
#include "core/text.h"
#include "report/statistics.h"

const char *const past_metric_names[PAST_METRICS] = {"time", "first token"};

/* ── runs ── */

/* The revision in a run's description of its machine; empty when there is none. */
static struct slice revision_of(struct arena *arena, struct slice machine)
{
    json_t *json = NULL;
    if (machine.len == 0 || !result_ok(jsontext_read_in(arena, machine, &json)))
        return slice_str(NULL); /* written by us; a run without a revision is still a run */
    const json_t *revision = json_object_get(json, "revision");
    return json_is_string(revision) ? jsontext_slice(revision) : slice_str(NULL);
}

static struct result read_runs(struct past *past)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    bool row;
    TRY(database_prepare(store_database(past->store),
                         "SELECT r.run, r.id, r.host, r.machine, r.started, l.name FROM run r"
                         " LEFT JOIN load l ON l.run = r.run ORDER BY r.started, r.run",
                         &q));
    for (;;) {
        TRY(query_next(q, &row));
        if (!row)
            return RESULT_OK;
        struct past_run run = {
            .number = query_integer(q, 0),
            .id = query_copy(q, 1, past->arena),
            .host = query_copy(q, 2, past->arena),
            .revision = revision_of(past->arena, query_text(q, 3)),
            .started = query_integer(q, 4),
            .load = query_copy(q, 5, past->arena),
        };
        if (query_null(q, 5)) {
            ARENA_GROW(past->arena, past->runs, past->run_count);
            past->runs[past->run_count++] = run;
        } else {
            ARENA_GROW(past->arena, past->loads, past->load_count);
            past->loads[past->load_count++] = run;
        }
    }
}

static int by_number(const void *a, const void *b)
{
    const struct past_run *x = *(const struct past_run *const *)a,
                          *y = *(const struct past_run *const *)b;
    return (x->number > y->number) - (x->number < y->number);
}

/* False: numbers of runs do not rise with time, as some were imported. */
static bool number_runs(struct past *past)
{
    size_t count = past->run_count;
    const struct past_run **sorted = ARENA_ARRAY(past->arena, const struct past_run *, count + 1);
    bool in_order = true;
    for (size_t i = 0; i < count; i++)
        sorted[i] = &past->runs[i];
    qsort(sorted, count, sizeof(sorted[0]), by_number);
    past->by_number = ARENA_ARRAY(past->arena, uint32_t, count + 1);
    for (size_t i = 0; i < count; i++) {
        past->by_number[i] = (uint32_t)(sorted[i] - past->runs);
        in_order = in_order && past->by_number[i] == i;
    }
    return in_order;
}

struct result past_open(struct store *store, struct arena *arena, struct past *out)
{
    struct database *db = store_database(store);
    *out = (struct past){.store = store, .arena = arena};
    TRY(read_runs(out));
    /* Skipped and cancelled results say nothing about the case. Where numbers rise with time the
       index of history has the order; else all results of the case are looked at. Up to the run of
       number ?2, which began at ?3. */
    TRY(database_prepare(
        db,
        number_runs(out)
            ? "SELECT run, status, flags FROM result WHERE test_case = ?1 AND run <= ?2"
              " AND status IN (0, 3, 4) AND ?3 IS NOT NULL ORDER BY run DESC LIMIT ?4"
            : "SELECT r.run, r.status, r.flags FROM result r JOIN run u ON u.run = r.run"
              " WHERE r.test_case = ?1 AND r.status IN (0, 3, 4)"
              " AND (u.started < ?3 OR (u.started = ?3 AND u.run <= ?2))"
              " ORDER BY u.started DESC, u.run DESC LIMIT ?4",
        &out->results));
    TRY(database_prepare(db,
                         "SELECT s.run, s.attempt, s.trial, s.duration, s.first_token"
                         " FROM result r JOIN step s ON s.run = r.run AND s.sequence = r.sequence"
                         " WHERE r.test_case = ?1 AND r.run BETWEEN ?2 AND ?3 AND r.status = 0"
                         " ORDER BY s.run, s.sequence, s.attempt, s.trial, s.step",
                         &out->steps));
    TRY(database_prepare(db,
                         "SELECT r.test_case, t.key, r.status, r.flags, r.reason FROM result r"
                         " JOIN test_case t ON t.test_case = r.test_case WHERE r.run = ?1"
                         " ORDER BY t.key",
                         &out->of_run));
    TRY(database_prepare(db, "SELECT test_case, key FROM test_case WHERE key = ?1 OR id = ?1",
                         &out->find));
    return database_prepare(db, "SELECT test_case, key FROM test_case ORDER BY key", &out->cases);
}

void past_close(struct past *past)
{
    query_free(past->results);
    query_free(past->steps);
    query_free(past->of_run);
    query_free(past->find);
    query_free(past->cases);
}

uint32_t past_run_index(const struct past *past, int64_t number)
{
    size_t low = 0, high = past->run_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (past->runs[past->by_number[middle]].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == past->run_count || past->runs[past->by_number[low]].number != number)
        return UINT32_MAX;
    return past->by_number[low];
}

const struct past_run *past_run_at(const struct past *past, struct past_place place)
{
    return place.load ? &past->loads[place.index] : &past->runs[place.index];
}

static bool find_id(const struct past *past, struct slice id, struct past_place *out)
{
    for (int load = 0; load < 2; load++) {
        size_t count = load ? past->load_count : past->run_count;
        for (size_t i = count; i-- > 0;) {
            *out = (struct past_place){load, (uint32_t)i};
            if (slice_eq(past_run_at(past, *out)->id, id))
                return true;
        }
    }
    return false;
}

struct result past_find_run(struct past *past, struct slice wanted, struct past_place *out)
{
    struct run_info info;
    bool back = slice_starts(wanted, SLICE("last~"));
    uint64_t steps = 0;
    *out = (struct past_place){0};
    if (back && !result_ok(parse_unsigned(slice_from(wanted, 5), 1000000, &steps)))
        return error_set(ERR_USAGE, "run %.*s: after last~ comes how many runs before the last",
                         SLICE_ARG(wanted));
    TRY(store_find(past->store, past->arena, back ? SLICE("last") : wanted, &info));
    ENSURE(find_id(past, info.id, out), ERR_NOT_FOUND, "run %.*s was recorded just now",
           SLICE_ARG(info.id));
    size_t count = out->load ? past->load_count : past->run_count;
    ENSURE(steps <= out->index, ERR_NOT_FOUND, "run %.*s: the store has %zu %s%s",
           SLICE_ARG(wanted), count, out->load ? "load" : "run", count == 1 ? "" : "s");
    out->index -= (uint32_t)steps;
    return RESULT_OK;
}

/* ── results of a case ── */

/* The steps of one result as they come by: times of each trial of the latest attempt. */
struct trials {
    int64_t run, attempt, trial;
    struct {
        double *values;
        size_t count, capacity;
    } of[PAST_METRICS];
};

static void trials_free(struct trials *t)
{
    for (size_t m = 0; m < PAST_METRICS; m++)
        mem_free(t->of[m].values);
}

static void add_value(struct trials *t, enum past_metric m, double value)
{
    GROW(t->of[m].values, t->of[m].count, t->of[m].capacity);
    t->of[m].values[t->of[m].count++] = value;
}

static void add_step(struct trials *t, const struct query *q)
{
    int64_t attempt = query_integer(q, 1), trial = query_integer(q, 2);
    double duration = (double)query_integer(q, 3), first_token = (double)query_integer(q, 4);
    if (attempt != t->attempt || t->of[PAST_TIME].count == 0) {
        t->attempt = attempt;
        t->trial = -1;
        for (size_t m = 0; m < PAST_METRICS; m++)
            t->of[m].count = 0;
    }
    if (trial != t->trial || t->of[PAST_TIME].count == 0)
        add_value(t, PAST_TIME, 0);
    t->trial = trial;
    t->of[PAST_TIME].values[t->of[PAST_TIME].count - 1] += duration;
    if (first_token > 0)
        add_value(t, PAST_FIRST_TOKEN, first_token);
}

/* What the trials say, into the result of their run. */
static void settle(struct past *past, struct trials *t, struct past_result *results, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (past->runs[results[i].run].number != t->run)
            continue;
        for (size_t m = 0; m < PAST_METRICS; m++) {
            statistics_sort(t->of[m].values, t->of[m].count);
            double median = statistics_median(t->of[m].values, t->of[m].count);
            results[i].metrics[m] = median > 0 ? median : (double)NAN;
        }
        break;
    }
    for (size_t m = 0; m < PAST_METRICS; m++)
        t->of[m].count = 0;
}

static struct result read_metrics(struct past *past, int64_t test_case, struct past_result *results,
                                  size_t count)
{
    DEFER(trials_free)
    struct trials trials = {.run = -1, .trial = -1};
    struct query *q = past->steps;
    bool row;
    if (count == 0)
        return RESULT_OK;
    int64_t first = INT64_MAX, last = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t number = past->runs[results[i].run].number;
        first = number < first ? number : first;
        last = number > last ? number : last;
    }
    query_set_integer(q, 1, test_case);
    query_set_integer(q, 2, first);
    query_set_integer(q, 3, last);
    for (;;) {
        TRY(query_next(q, &row));
        if (!row || query_integer(q, 0) != trials.run) {
            settle(past, &trials, results, count);
            if (!row)
                return RESULT_OK;
            trials.run = query_integer(q, 0);
        }
        add_step(&trials, q);
    }
}

struct result past_results(struct past *past, int64_t test_case, uint32_t last, size_t limit,
                           struct past_result **out, size_t *count)
{
    struct past_result *results = ARENA_ARRAY(past->arena, struct past_result, limit + 1);
    struct query *q = past->results;
    size_t found = 0;
    bool row;
    query_set_integer(q, 1, test_case);
    query_set_integer(q, 2, past->runs[last].number);
    query_set_integer(q, 3, past->runs[last].started);
    query_set_integer(q, 4, (int64_t)limit);
    for (;;) {
        TRY(query_next(q, &row));
        if (!row)
            break;
        uint32_t run = past_run_index(past, query_integer(q, 0));
        if (run == UINT32_MAX)
            continue; /* it began just now */
        /* They come newest first and are kept oldest first, at the end of the room. */
        results[limit - ++found] = (struct past_result){
            .run = run,
            .status = (enum case_status)query_integer(q, 1),
            .flags = (unsigned)query_integer(q, 2),
            .metrics = {(double)NAN, (double)NAN},
        };
    }
    *out = results + limit - found;
    *count = found;
    return read_metrics(past, test_case, *out, found);
}

/* ── cases ── */

struct result past_run_results(struct past *past, uint32_t run, struct past_seen **out,
                               size_t *count)
{
    struct query *q = past->of_run;
    bool row;
    *out = NULL;
    *count = 0;
    query_set_integer(q, 1, past->runs[run].number);
    for (;;) {
        TRY(query_next(q, &row));
        if (!row)
            return RESULT_OK;
        ARENA_GROW(past->arena, *out, *count);
        (*out)[(*count)++] = (struct past_seen){
            .of = {query_integer(q, 0), query_copy(q, 1, past->arena)},
            .status = (enum case_status)query_integer(q, 2),
            .flags = (unsigned)query_integer(q, 3),
            .reason = query_copy(q, 4, past->arena),
        };
    }
}

static struct result read_cases(struct past *past, struct query *q, struct past_case **out,
                                size_t *count)
{
    bool row;
    *out = NULL;
    *count = 0;
    for (;;) {
        TRY(query_next(q, &row));
        if (!row)
            return RESULT_OK;
        ARENA_GROW(past->arena, *out, *count);
        (*out)[(*count)++] = (struct past_case){query_integer(q, 0), query_copy(q, 1, past->arena)};
    }
}

struct result past_cases(struct past *past, struct past_case **out, size_t *count)
{
    return read_cases(past, past->cases, out, count);
}

static struct result no_such_case(struct past *past, struct slice wanted)
{
    struct past_case *cases;
    size_t count;
    TRY(past_cases(past, &cases, &count));
    const char **keys = ARENA_ARRAY(past->arena, const char *, count + 1);
    for (size_t i = 0; i < count; i++)
        keys[i] = arena_string(past->arena, cases[i].key);
    const char *near = slice_nearest(wanted, keys);
    return error_set(ERR_NOT_FOUND, "the store has no case or load \"%.*s\"%s%s%s",
                     SLICE_ARG(wanted), near ? "; did you mean \"" : "; `assay history` lists them",
                     near ? near : "", near ? "\"?" : "");
}

struct result past_find_case(struct past *past, struct slice wanted, struct past_case *out)
{
    struct past_case *found;
    size_t count;
    query_set_text(past->find, 1, wanted);
    TRY(read_cases(past, past->find, &found, &count));
    if (count == 0)
        return no_such_case(past, wanted);
    *out = found[0];
    for (size_t i = 0; i < count && count > 1; i++) {
        if (!slice_eq(found[i].key, wanted))
            continue;
        *out = found[i];
        return RESULT_OK;
    }
    ENSURE(count == 1, ERR_USAGE, "several suites have a case \"%.*s\": say which, as \"%.*s\"",
           SLICE_ARG(wanted), SLICE_ARG(found[0].key));
    return RESULT_OK;
}
