/*
 * Learning from the store which cases fail; see the header.
 */
#include "report/predict.h"

#include <math.h>
#include <stdlib.h>

#include "core/memory.h"
#include "report/logistic.h"
#include "report/statistics.h"

/* How much a result counts beside the one after it. */
#define DECAY 0.85

enum feature {
    FAILED_LAST,
    STREAK,
    RECENCY,
    RATE,
    CHANGES,
    RETRIED_LAST,
    DURATION,
    SUITE,
    NEWNESS,
    FEATURES
};

/* A result as it is in the store. */
struct seen {
    int64_t test_case;
    uint32_t run; /* index among those looked at */
    int64_t duration;
    bool failed, retried;
};

/* What is known of a case before its next result. */
struct memory {
    size_t results, streak;
    ptrdiff_t last_failure; /* by number of results; -1: never */
    double failures, changes, weight;
    bool failed, retried;
    int64_t duration;
};

/* A result to learn from: what was known before it, and whether it failed. */
struct example {
    double features[FEATURES];
    bool failed, failed_last;
    uint32_t run;
};

struct learning {
    struct past *past;
    uint32_t first_run; /* index in past.runs of the first looked at */
    size_t run_count;
    struct seen *seen;
    size_t seen_count, seen_room;
    uint32_t *suites; /* by number of the case: which suite */
    size_t suite_count, case_numbers;
    double *suite_failed, *suite_ran; /* by suite and run */
    struct example *examples;         /* in the order of cases, then runs */
    size_t example_count;
};

static void learning_free(struct learning *l)
{
    mem_free(l->seen);
    mem_free(l->suites);
    mem_free(l->suite_failed);
    mem_free(l->suite_ran);
    mem_free(l->examples);
}

/* ── reading ── */

static struct result read_suites(struct learning *l)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    struct slice last = {0};
    size_t room = 0;
    bool row;
    TRY(database_prepare(store_database(l->past->store),
                         "SELECT test_case, suite FROM test_case ORDER BY suite, test_case", &q));
    for (;;) {
        TRY(query_next(q, &row));
        if (!row)
            return RESULT_OK;
        size_t number = (size_t)query_integer(q, 0);
        if (l->suite_count == 0 || !slice_eq(query_text(q, 1), last)) {
            l->suite_count++;
            last = query_copy(q, 1, l->past->arena);
        }
        if (number >= room) {
            size_t more = number * 2 + 64;
            l->suites = mem_resize(l->suites, more * sizeof(*l->suites));
            memset(l->suites + room, 0, (more - room) * sizeof(*l->suites));
            room = more;
        }
        l->suites[number] = (uint32_t)l->suite_count - 1;
        l->case_numbers = number >= l->case_numbers ? number + 1 : l->case_numbers;
    }
}

static int by_case_and_run(const void *a, const void *b)
{
    const struct seen *x = a, *y = b;
    if (x->test_case != y->test_case)
        return x->test_case < y->test_case ? -1 : 1;
    return (x->run > y->run) - (x->run < y->run);
}

static struct result read_seen(struct learning *l)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    bool row;
    TRY(database_prepare(store_database(l->past->store),
                         "SELECT test_case, run, duration, status, flags FROM result"
                         " WHERE run >= ?1 AND status IN (0, 3, 4) ORDER BY test_case, run",
                         &q));
    int64_t least = INT64_MAX;
    for (size_t i = l->first_run; i < l->past->run_count; i++)
        least = l->past->runs[i].number < least ? l->past->runs[i].number : least;
    query_set_integer(q, 1, least);
    for (;;) {
        TRY(query_next(q, &row));
        if (!row)
            break;
        uint32_t run = past_run_index(l->past, query_integer(q, 1));
        if (run == UINT32_MAX || run < l->first_run)
            continue; /* it began just now, or long ago and was imported later */
        if ((uint64_t)query_integer(q, 0) >= l->case_numbers)
            continue; /* of no case there is: the store is damaged */
        bool passed = query_integer(q, 3) == CASE_PASSED;
        GROW(l->seen, l->seen_count, l->seen_room);
        l->seen[l->seen_count++] = (struct seen){
            .test_case = query_integer(q, 0),
            .run = run - l->first_run,
            .duration = query_integer(q, 2),
            .failed = !passed,
            .retried = passed && (query_integer(q, 4) & CASE_FLAKY),
        };
    }
    if (l->seen_count)
        qsort(l->seen, l->seen_count, sizeof(*l->seen), by_case_and_run);
    return RESULT_OK;
}

/* How many of each suite failed in each run; where it did not run, what was so before. */
static void count_suites(struct learning *l)
{
    size_t cells = (l->suite_count + 1) * (l->run_count + 1);
    l->suite_failed = mem_zero(cells * sizeof(double));
    l->suite_ran = mem_zero(cells * sizeof(double));
    for (size_t i = 0; i < l->seen_count; i++) {
        size_t cell = l->suites[l->seen[i].test_case] * l->run_count + l->seen[i].run;
        l->suite_failed[cell] += l->seen[i].failed;
        l->suite_ran[cell]++;
    }
    for (size_t s = 0; s < l->suite_count; s++) {
        for (size_t r = 1; r < l->run_count; r++) {
            size_t cell = s * l->run_count + r;
            if (l->suite_ran[cell] > 0)
                continue;
            l->suite_failed[cell] = l->suite_failed[cell - 1];
            l->suite_ran[cell] = l->suite_ran[cell - 1];
        }
    }
}

/* ── features ── */

static double suite_share(const struct learning *l, int64_t test_case, size_t run)
{
    if (run == 0)
        return 0;
    size_t cell = l->suites[test_case] * l->run_count + run - 1;
    return l->suite_ran[cell] > 0 ? l->suite_failed[cell] / l->suite_ran[cell] : 0;
}

static void make_features(const struct learning *l, const struct memory *m, int64_t test_case,
                          size_t run, double *out)
{
    out[FAILED_LAST] = m->failed;
    out[STREAK] = m->failed ? log((double)m->streak) : 0;
    out[RECENCY] = m->last_failure < 0 ? 0 : 1 / (double)(m->results - (size_t)m->last_failure);
    out[RATE] = m->failures / (m->weight + 1);
    out[CHANGES] = m->changes / (m->weight + 1);
    out[RETRIED_LAST] = m->retried;
    out[DURATION] = log1p((double)m->duration / NS_PER_MS);
    out[SUITE] = suite_share(l, test_case, run);
    out[NEWNESS] = 1 / (double)(m->results + 1);
}

static void remember(struct memory *m, const struct seen *s)
{
    bool change = m->results && s->failed != m->failed;
    m->failures = m->failures * DECAY + (s->failed || s->retried);
    m->changes = m->changes * DECAY + (change || s->retried);
    m->weight = m->weight * DECAY + 1;
    m->streak = change || !m->results ? 1 : m->streak + 1;
    if (s->failed || s->retried)
        m->last_failure = (ptrdiff_t)m->results;
    m->failed = s->failed;
    m->retried = s->retried;
    m->duration = s->duration;
    m->results++;
}

/* Examples of all results, and what is known of each case in the end, by its number. */
static struct memory *make_examples(struct learning *l)
{
    struct memory *memories = mem_zero((l->case_numbers + 1) * sizeof(*memories));
    for (size_t i = 0; i < l->case_numbers; i++)
        memories[i].last_failure = -1;
    l->examples = mem_zero((l->seen_count + 1) * sizeof(*l->examples));
    for (size_t i = 0; i < l->seen_count; i++) {
        const struct seen *s = &l->seen[i];
        struct memory *m = &memories[s->test_case];
        struct example *e = &l->examples[l->example_count++];
        e->failed = s->failed;
        e->failed_last = m->failed;
        e->run = s->run;
        make_features(l, m, s->test_case, s->run, e->features);
        remember(m, s);
    }
    return memories;
}

/* ── learning and trying ── */

/* Learn from the examples of runs before `until`. */
static struct logistic *learn(const struct learning *l, size_t until, struct prediction *p)
{
    double *rows = mem_alloc((l->example_count * FEATURES + 1) * sizeof(*rows));
    bool *outcomes = mem_alloc((l->example_count + 1) * sizeof(*outcomes));
    size_t count = 0;
    p->failures = 0;
    for (size_t i = 0; i < l->example_count; i++) {
        const struct example *e = &l->examples[i];
        if (e->run >= until)
            continue;
        memcpy(rows + count * FEATURES, e->features, sizeof(e->features));
        outcomes[count++] = e->failed;
        p->failures += e->failed;
    }
    p->runs = until;
    p->results = count;
    struct logistic *model = logistic_learn(rows, outcomes, count, FEATURES);
    mem_free(rows);
    mem_free(outcomes);
    return model;
}

/* How often a failure followed passing, and failing, among the examples before `until`; as if each
   had been seen once before, one time in ten and nine in ten. */
static void plain_rule(const struct learning *l, size_t until, double risks[2])
{
    double failed[2] = {0.1, 0.9}, count[2] = {1, 1};
    for (size_t i = 0; i < l->example_count; i++) {
        if (l->examples[i].run >= until)
            continue;
        failed[l->examples[i].failed_last] += l->examples[i].failed;
        count[l->examples[i].failed_last]++;
    }
    risks[0] = failed[0] / count[0];
    risks[1] = failed[1] / count[1];
}

/* One result held out, as a rule sees it. */
struct trial {
    uint32_t run;
    double risk;
    bool failed;
};

static int by_run_and_risk(const void *a, const void *b)
{
    const struct trial *x = a, *y = b;
    if (x->run != y->run)
        return x->run < y->run ? -1 : 1;
    return (x->risk < y->risk) - (x->risk > y->risk);
}

/* Mean place of failures within their runs, from 0 to 1; equal risks share their places. */
static double mean_position(struct trial *trials, size_t count)
{
    double sum = 0;
    size_t failures = 0;
    qsort(trials, count, sizeof(*trials), by_run_and_risk);
    for (size_t from = 0, end; from < count; from = end) {
        for (end = from; end < count && trials[end].run == trials[from].run;)
            end++;
        for (size_t i = from, next; i < end; i = next) {
            size_t failed = 0;
            for (next = i; next < end && trials[next].risk == trials[i].risk; next++)
                failed += trials[next].failed;
            double middle = ((double)(i - from) + (double)(next - 1 - from)) / 2;
            sum += (double)failed * (end - from > 1 ? middle / (double)(end - from - 1) : 0);
            failures += failed;
        }
    }
    return failures ? sum / (double)failures : (double)NAN;
}

static struct predict_score score(struct trial *trials, size_t count)
{
    double *passed = mem_alloc((count + 1) * sizeof(*passed)),
           *failed = mem_alloc((count + 1) * sizeof(*failed)), loss = 0;
    size_t passes = 0, failures = 0;
    for (size_t i = 0; i < count; i++) {
        double risk = fmin(fmax(trials[i].risk, 1e-6), 1 - 1e-6);
        loss -= log(trials[i].failed ? risk : 1 - risk);
        if (trials[i].failed)
            failed[failures++] = trials[i].risk;
        else
            passed[passes++] = trials[i].risk;
    }
    struct rank_test test = statistics_mann_whitney(passed, passes, failed, failures);
    struct predict_score s = {(double)NAN, test.p, (double)NAN, mean_position(trials, count)};
    if (passes && failures)
        s.auc = test.u / (double)passes / (double)failures;
    if (count)
        s.log_loss = loss / (double)count;
    mem_free(passed);
    mem_free(failed);
    return s;
}

static void calibrate(struct prediction *p, const struct trial *trials, size_t count)
{
    static const double edges[PREDICT_BINS + 1] = {0, 0.02, 0.1, 0.3, 0.7, 1};
    for (size_t b = 0; b < PREDICT_BINS; b++) {
        struct predict_bin *bin = &p->bins[b];
        *bin = (struct predict_bin){.low = edges[b], .high = edges[b + 1]};
        double sum = 0;
        for (size_t i = 0; i < count; i++) {
            bool last = b + 1 == PREDICT_BINS;
            if (trials[i].risk < bin->low || (trials[i].risk >= bin->high && !last))
                continue;
            sum += trials[i].risk;
            bin->count++;
            bin->failed += trials[i].failed;
        }
        bin->predicted = bin->count ? sum / (double)bin->count : (double)NAN;
    }
}

/* Learn from the earlier runs, try on the later ones. */
static void try_out(const struct learning *l, struct prediction *p)
{
    size_t until = l->run_count - (size_t)ceil(PREDICT_HELD_OUT * (double)l->run_count);
    double risks[2];
    struct logistic *model = learn(l, until, p);
    plain_rule(l, until, risks);
    struct trial *modelled = mem_zero((l->example_count + 1) * sizeof(*modelled)),
                 *plain = mem_zero((l->example_count + 1) * sizeof(*plain));
    for (size_t i = 0; i < l->example_count; i++) {
        const struct example *e = &l->examples[i];
        if (e->run < until)
            continue;
        modelled[p->held_results] =
            (struct trial){e->run, logistic_risk(model, e->features), e->failed};
        plain[p->held_results++] = (struct trial){e->run, risks[e->failed_last], e->failed};
        p->held_failures += e->failed;
    }
    p->held_runs = l->run_count - until;
    p->learned = until >= PREDICT_RUNS_LEAST && p->failures >= PREDICT_FAILURES_LEAST &&
                 p->held_failures > 0;
    calibrate(p, modelled, p->held_results);
    p->model = score(modelled, p->held_results);
    p->plain = score(plain, p->held_results);
    p->better = p->learned && p->model.p < PREDICT_LEVEL && p->model.position < p->plain.position &&
                p->model.log_loss < p->plain.log_loss;
    logistic_free(model);
    mem_free(modelled);
    mem_free(plain);
}

/* The risks of the run to come, learned from all there is. */
static void foresee(const struct learning *l, const struct memory *memories, struct prediction *p)
{
    struct prediction all = *p;
    double plain[2];
    struct logistic *model = learn(l, l->run_count, &all);
    plain_rule(l, l->run_count, plain);
    for (size_t i = 0; i < p->count; i++) {
        int64_t number = p->cases[i].number;
        const struct memory *m = &memories[number];
        double features[FEATURES];
        make_features(l, m, number, l->run_count, features);
        p->risks[i] = p->better ? logistic_risk(model, features) : plain[m->failed];
    }
    logistic_free(model);
}

struct result predict(struct past *past, struct prediction **out)
{
    DEFER(learning_free)
    struct learning l = {.past = past};
    struct prediction *p = ARENA_NEW(past->arena, struct prediction);
    *out = p;
    p->model = p->plain = (struct predict_score){(double)NAN, 1, (double)NAN, (double)NAN};
    TRY(past_cases(past, &p->cases, &p->count));
    p->risks = ARENA_ARRAY(past->arena, double, p->count + 1);
    if (past->run_count == 0)
        return RESULT_OK;
    l.first_run = past->run_count > PREDICT_RUNS ? (uint32_t)(past->run_count - PREDICT_RUNS) : 0;
    l.run_count = past->run_count - l.first_run;
    TRY(read_suites(&l));
    TRY(read_seen(&l));
    count_suites(&l);
    struct memory *memories = make_examples(&l);
    try_out(&l, p);
    foresee(&l, memories, p);
    mem_free(memories);
    return RESULT_OK;
}

double prediction_risk(const struct prediction *p, struct slice key)
{
    size_t low = 0, high = p->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = slice_cmp(p->cases[middle].key, key);
        if (order == 0)
            return p->risks[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return 0.5; /* nothing is known of it: soon is better than late */
}
