/*
 * Aggregation. Cases are added up by definition once; a group (a tag, say) adds up the definitions
 * that are in it. Times are sorted once and then dealt out to the groups, so that each has its own
 * in order.
 */
#include "report/aggregate.h"

#include <math.h>
#include <stdlib.h>

#include "core/memory.h"
#include "report/labels.h"

static const char *const names[] = {
    [AGGREGATE_SUITE] = "suite",       [AGGREGATE_MODEL] = "model",     [AGGREGATE_TAG] = "tag",
    [AGGREGATE_RESOURCE] = "resource", [AGGREGATE_SERVICE] = "service", [AGGREGATE_HOST] = "host",
    [AGGREGATE_RUN] = "run",
};

const char *aggregate_by_name(enum aggregate_by by)
{
    return names[by];
}

/* ── sorting by time ── */

/* The time of a case, and where it belongs. */
struct timed {
    int64_t duration;
    uint32_t definition, run;
};

/* By the digits of base 2^11, the lowest first; above the highest digit nothing is sorted. */
static void sort_by_time(struct timed *items, size_t count)
{
    enum { BITS = 11, SIZE = 1 << BITS };
    DEFER(mem_free_pointer)
    struct timed *other = mem_alloc((count + 1) * sizeof(*other));
    struct timed *from = items, *to = other;
    uint64_t all = 0;

    for (size_t i = 0; i < count; i++)
        all |= (uint64_t)items[i].duration;
    for (unsigned shift = 0; shift < 64 && all >> shift; shift += BITS) {
        size_t starts[SIZE + 1] = {0};
        for (size_t i = 0; i < count; i++)
            starts[((uint64_t)from[i].duration >> shift & (SIZE - 1)) + 1]++;
        for (size_t d = 0; d < SIZE; d++)
            starts[d + 1] += starts[d];
        for (size_t i = 0; i < count; i++)
            to[starts[(uint64_t)from[i].duration >> shift & (SIZE - 1)]++] = from[i];
        struct timed *swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        memcpy(items, from, count * sizeof(*items));
}

/* ── one row ── */

static bool has_time(const struct case_outcome *c)
{
    return c->started != 0 && c->duration >= 0 && c->status != CASE_CANCELLED &&
           c->status != CASE_SKIPPED;
}

/* What is added up of the cases of one definition, or of one run; rows are made of these. */
struct tally {
    uint32_t counts[CASE_STATUS_COUNT];
    uint32_t slow, flaky, leaky, timed_out, timed;
    int64_t queued;
};

static void count_case(struct tally *t, const struct case_outcome *c)
{
    t->counts[c->status]++;
    t->slow += (c->flags & CASE_SLOW) != 0;
    t->flaky += (c->flags & CASE_FLAKY) != 0;
    t->leaky += (c->flags & CASE_LEAKY) != 0;
    t->timed_out += (c->flags & CASE_TIMED_OUT) != 0;
    t->timed += has_time(c);
    t->queued += c->queued;
}

static void add_tally(struct aggregate_row *row, const struct tally *t)
{
    for (size_t i = 0; i < CASE_STATUS_COUNT; i++) {
        row->counts[i] += t->counts[i];
        row->cases += t->counts[i];
    }
    row->slow += t->slow;
    row->flaky += t->flaky;
    row->leaky += t->leaky;
    row->timed_out += t->timed_out;
    row->times.count += t->timed;
    row->queued += t->queued;
}

static int64_t percentile(const double *sorted, size_t count, double percent)
{
    return (int64_t)statistics_percentile(sorted, count, percent);
}

static void sum_up(struct aggregate_row *row, const double *sorted)
{
    struct time_summary *t = &row->times;
    size_t judged = row->counts[CASE_PASSED] + row->counts[CASE_FAILED] + row->counts[CASE_ERROR];

    row->pass_rate = judged ? (double)row->counts[CASE_PASSED] / (double)judged : NAN;
    row->rate = statistics_wilson(row->counts[CASE_PASSED], judged, AGGREGATE_CONFIDENCE);
    if (t->count == 0)
        return;
    for (size_t i = 0; i < t->count; i++)
        t->total += (int64_t)sorted[i];
    t->mean = t->total / (int64_t)t->count;
    t->least = (int64_t)sorted[0];
    t->most = (int64_t)sorted[t->count - 1];
    t->p50 = percentile(sorted, t->count, 50);
    t->p90 = percentile(sorted, t->count, 90);
    t->p95 = percentile(sorted, t->count, 95);
    t->p99 = percentile(sorted, t->count, 99);
}

/* ── groups ── */

/* The groups of every item (a definition, or a run), as stretches of one array. */
struct grouping {
    struct labels labels;
    uint32_t *groups;
    uint32_t *starts; /* by item, and the end */
    size_t count;     /* of items */
    bool of_runs;     /* items are runs */
};

struct totals {
    const struct run_data *data;
    struct tally *by_definition, *by_run;
    struct timed *sorted;
    size_t sorted_count;
};

/* What an item is grouped by. */
static const struct slice *names_of(const struct run_data *data, size_t item, enum aggregate_by by,
                                    size_t *count)
{
    const struct case_definition *d = &data->definitions[item];
    switch (by) {
    case AGGREGATE_SUITE:
        *count = 1;
        return &d->suite;
    case AGGREGATE_MODEL:
        *count = d->model.len > 0;
        return &d->model;
    case AGGREGATE_TAG:
        *count = d->tag_count;
        return d->tags;
    case AGGREGATE_RESOURCE:
        *count = d->use_count;
        return d->uses;
    case AGGREGATE_SERVICE:
        *count = d->service_count;
        return d->services;
    case AGGREGATE_HOST:
        *count = 1;
        return &data->runs[item].host;
    case AGGREGATE_RUN:
    case AGGREGATE_BY_COUNT:
        break;
    }
    *count = 1;
    return &data->runs[item].id;
}

static void group(const struct run_data *data, enum aggregate_by by, struct grouping *g)
{
    size_t total = 0, names_count;

    g->of_runs = by == AGGREGATE_HOST || by == AGGREGATE_RUN;
    g->count = g->of_runs ? data->run_count : data->definition_count;
    for (size_t i = 0; i < g->count; i++) {
        names_of(data, i, by, &names_count);
        total += names_count;
    }
    g->labels = labels_in(data->arena);
    g->groups = mem_alloc((total + 1) * sizeof(*g->groups));
    g->starts = mem_alloc((g->count + 1) * sizeof(*g->starts));
    total = 0;
    for (size_t i = 0; i < g->count; i++) {
        const struct slice *list = names_of(data, i, by, &names_count);
        g->starts[i] = (uint32_t)total;
        for (size_t n = 0; n < names_count; n++)
            g->groups[total++] = labels_number(&g->labels, list[n]);
    }
    g->starts[g->count] = (uint32_t)total;
}

static int by_weight(const void *a, const void *b)
{
    const struct aggregate_row *x = a, *y = b;
    size_t bad_x = x->counts[CASE_FAILED] + x->counts[CASE_ERROR];
    size_t bad_y = y->counts[CASE_FAILED] + y->counts[CASE_ERROR];
    if (bad_x != bad_y)
        return bad_x > bad_y ? -1 : 1;
    if (x->cases != y->cases)
        return x->cases > y->cases ? -1 : 1;
    return slice_cmp(x->name, y->name);
}

/* Deal the sorted times out to the groups, each of which then has its own sorted. */
static void deal_times(const struct totals *t, const struct grouping *g, struct aggregate_row *rows)
{
    size_t *next = mem_alloc((g->labels.count + 1) * sizeof(*next));
    size_t total = 0;
    for (size_t i = 0; i < g->labels.count; i++) {
        next[i] = total;
        total += rows[i].times.count;
    }
    double *times = mem_alloc((total + 1) * sizeof(*times));
    for (size_t i = 0; i < t->sorted_count; i++) {
        const struct timed *timed = &t->sorted[i];
        uint32_t item = g->of_runs ? timed->run : timed->definition;
        for (uint32_t n = g->starts[item]; n < g->starts[item + 1]; n++)
            times[next[g->groups[n]]++] = (double)timed->duration;
    }
    for (size_t i = 0; i < g->labels.count; i++)
        sum_up(&rows[i], &times[next[i] - rows[i].times.count]);
    mem_free(times);
    mem_free(next);
}

static void fill_table(const struct totals *t, enum aggregate_by by, struct aggregate_table *table)
{
    struct grouping g = {0};
    group(t->data, by, &g);
    const struct tally *tallies = g.of_runs ? t->by_run : t->by_definition;
    table->count = g.labels.count;
    table->rows = ARENA_ARRAY(t->data->arena, struct aggregate_row, table->count + 1);
    for (size_t i = 0; i < g.count; i++)
        for (uint32_t n = g.starts[i]; n < g.starts[i + 1]; n++)
            add_tally(&table->rows[g.groups[n]], &tallies[i]);
    for (size_t i = 0; i < table->count; i++)
        table->rows[i].name = g.labels.names[i];
    if (table->count) {
        deal_times(t, &g, table->rows);
        qsort(table->rows, table->count, sizeof(table->rows[0]), by_weight);
    }
    mem_free(g.groups);
    mem_free(g.starts);
}

/* ── workers and waiting ── */

static void use_of_runs(const struct run_data *data, struct aggregate *a)
{
    a->run_count = data->run_count;
    a->runs = ARENA_ARRAY(data->arena, struct run_use, data->run_count + 1);
    for (size_t i = 0; i < data->run_count; i++)
        a->runs[i].run = &data->runs[i];
    for (size_t i = 0; i < data->count; i++) {
        struct run_use *use = &a->runs[data->cases[i].run];
        if (has_time(&data->cases[i]) && data->cases[i].slot >= use->workers)
            use->workers = (size_t)data->cases[i].slot + 1;
    }
    for (size_t i = 0; i < data->run_count; i++)
        a->runs[i].by_worker = ARENA_ARRAY(data->arena, struct worker_use, a->runs[i].workers + 1);
    for (size_t i = 0; i < data->count; i++) {
        const struct case_outcome *c = &data->cases[i];
        struct run_use *use = &a->runs[c->run];
        if (!has_time(c))
            continue;
        use->cases++;
        use->busy += c->duration;
        use->by_worker[c->slot].cases++;
        use->by_worker[c->slot].busy += c->duration;
    }
    for (size_t i = 0; i < data->run_count; i++) {
        struct run_use *use = &a->runs[i];
        double took = (double)use->run->duration, jobs = use->run->jobs ? use->run->jobs : 1;
        for (size_t w = 0; took > 0 && w < use->workers; w++)
            use->by_worker[w].share = (double)use->by_worker[w].busy / took;
        use->speed_up = took > 0 ? (double)use->busy / took : NAN;
        use->efficiency = use->speed_up / jobs;
    }
}

static int by_queued(const void *a, const void *b)
{
    const struct wait_time *x = a, *y = b;
    if (x->queued != y->queued)
        return x->queued > y->queued ? -1 : 1;
    return slice_cmp(x->name, y->name);
}

static void sum_waits(const struct run_data *data, struct aggregate *a)
{
    struct wait_time *all = ARENA_ARRAY(data->arena, struct wait_time, data->wait_count + 1);
    for (size_t i = 0; i < data->count; i++) {
        const struct case_outcome *c = &data->cases[i];
        if (c->queued <= 0 || c->held_by >= data->wait_count)
            continue;
        all[c->held_by].cases++;
        all[c->held_by].queued += c->queued;
    }
    for (size_t i = 0; i < data->wait_count; i++) {
        if (all[i].cases == 0)
            continue;
        all[a->wait_count] = all[i];
        all[a->wait_count++].name = data->waits[i];
    }
    a->waits = all;
    if (a->wait_count)
        qsort(all, a->wait_count, sizeof(all[0]), by_queued);
}

bool aggregate_says_more(const struct aggregate *a, enum aggregate_by by)
{
    const struct aggregate_table *table = &a->by[by];
    return table->count > 1 || (table->count == 1 && table->rows[0].cases != a->all.cases);
}

/* ── all of it ── */

static void sum_all(const struct totals *t, struct aggregate_row *all)
{
    double *times = mem_alloc((t->sorted_count + 1) * sizeof(*times));
    for (size_t i = 0; i < t->data->run_count; i++)
        add_tally(all, &t->by_run[i]);
    for (size_t i = 0; i < t->sorted_count; i++)
        times[i] = (double)t->sorted[i].duration;
    sum_up(all, times);
    mem_free(times);
}

static void tally(struct totals *t)
{
    const struct run_data *data = t->data;
    t->by_definition = mem_zero((data->definition_count + 1) * sizeof(struct tally));
    t->by_run = mem_zero((data->run_count + 1) * sizeof(struct tally));
    t->sorted = mem_alloc((data->count + 1) * sizeof(struct timed));
    for (size_t i = 0; i < data->count; i++) {
        const struct case_outcome *c = &data->cases[i];
        uint32_t definition = (uint32_t)(c->definition - data->definitions);
        count_case(&t->by_definition[definition], c);
        count_case(&t->by_run[c->run], c);
        if (has_time(c))
            t->sorted[t->sorted_count++] = (struct timed){c->duration, definition, c->run};
    }
    sort_by_time(t->sorted, t->sorted_count);
}

struct aggregate *aggregate_run(const struct run_data *data)
{
    struct aggregate *a = ARENA_NEW(data->arena, struct aggregate);
    struct totals t = {.data = data};

    tally(&t);
    sum_all(&t, &a->all);
    for (enum aggregate_by by = 0; by < AGGREGATE_BY_COUNT; by++)
        fill_table(&t, by, &a->by[by]);
    a->checks = data->checks;
    a->check_count = data->check_count;
    use_of_runs(data, a);
    sum_waits(data, a);
    mem_free(t.by_definition);
    mem_free(t.by_run);
    mem_free(t.sorted);
    return a;
}
