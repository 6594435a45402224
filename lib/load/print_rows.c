/*
 * A timeline for programs. One table of columns makes the CSV and the rows of the JSON, so that
 * they have the same names: a column that once was there stays, new ones come at the end.
 */
#include <math.h>

#include "core/clock.h"
#include "core/memory.h"
#include "load/print.h"

/* A row, with what its columns are made from. */
struct view {
    const struct load_report *report;
    const struct timeline_row *row;
    struct histogram metrics[SECOND_METRICS];
};

static double seconds(int64_t ns)
{
    return (double)ns / (double)NS_PER_S;
}

double print_offered(const struct load_report *r, const struct timeline_row *row)
{
    const struct load_plan *plan = r->plan;
    if (!plan->stages)
        return NAN;
    return arrival_between(plan->stages, plan->stage_count, seconds(row->from), seconds(row->to));
}

static double percentile(const struct view *v, enum second_metric metric, double percent)
{
    const struct histogram *h = &v->metrics[metric];
    return h->count > 0 ? (double)histogram_percentile(h, percent) : NAN;
}

/*    name, value (NAN: there is none), decimals */
#define PERCENTILES(X, code, name)                                                                 \
    X(name "_p50_ns", percentile(v, SECOND_##code, 50), 0)                                         \
    X(name "_p90_ns", percentile(v, SECOND_##code, 90), 0)                                         \
    X(name "_p99_ns", percentile(v, SECOND_##code, 99), 0)                                         \
    X(name "_max_ns", percentile(v, SECOND_##code, 100), 0)
#define COLUMNS(X)                                                                                 \
    X("at_s", seconds(v->row->to), 3)                                                              \
    X("span_s", seconds(v->row->to - v->row->from), 3)                                             \
    X("warmup", v->row->warming, 0)                                                                \
    X("offered", print_offered(v->report, v->row), 1)                                              \
    X("started", (double)v->row->started, 0)                                                       \
    X("answers", (double)v->row->answered, 0)                                                      \
    X("errors", (double)v->row->failed, 0)                                                         \
    X("in_flight", (double)v->row->busy, 0)                                                        \
    X("tokens", (double)v->row->tokens, 0)                                                         \
    X("bytes", (double)v->row->bytes, 0)                                                           \
    PERCENTILES(X, LATENCY, "latency")                                                             \
    PERCENTILES(X, TTFT, "ttft")                                                                   \
    PERCENTILES(X, ITL, "itl")                                                                     \
    X("lag_mean_ns", v->row->lags > 0 ? (double)v->row->lag_sum / (double)v->row->lags : NAN, 0)   \
    X("lag_max_ns", v->row->lags > 0 ? (double)v->row->lag_most : NAN, 0)                          \
    X("lateness_max_ns", (double)v->row->late_most, 0)

#define X(name, value, decimals) +1
enum { COLUMN_COUNT = 0 COLUMNS(X) };
#undef X

static const struct {
    const char *name;
    int decimals;
} columns[COLUMN_COUNT] = {
#define X(name, value, decimals) {name, decimals},
    COLUMNS(X)
#undef X
};

static void view_row(struct view *v, const struct timeline_row *row, double values[COLUMN_COUNT])
{
    v->row = row;
    for (int i = 0; i < SECOND_METRICS; i++) {
        histogram_clear(&v->metrics[i]);
        sparse_spread(&row->metrics[i], &v->metrics[i]);
    }
    const double now[COLUMN_COUNT] = {
#define X(name, value, decimals) (value),
        COLUMNS(X)
#undef X
    };
    memcpy(values, now, sizeof(now));
}

/* ------------------------------------------------------------------ CSV */

static void add_csv_header(struct text *t)
{
    for (int i = 0; i < COLUMN_COUNT; i++)
        text_printf(t, "%s%s", i ? "," : "", columns[i].name);
    for (int i = 1; i < FAILURE_COUNT; i++)
        text_printf(t, ",error_%s", failure_kinds[i].name);
    text_add_byte(t, '\n');
}

void print_csv(struct text *t, const struct load_report *r)
{
    double values[COLUMN_COUNT];
    struct view *v = mem_alloc(sizeof(*v));
    v->report = r;
    add_csv_header(t);
    for (size_t k = 0; k < r->timeline->count; k++) {
        const struct timeline_row *row = &r->timeline->rows[k];
        view_row(v, row, values);
        for (int i = 0; i < COLUMN_COUNT; i++) {
            text_add_str(t, i ? "," : "");
            if (!isnan(values[i]))
                text_printf(t, "%.*f", columns[i].decimals, values[i]);
        }
        for (int i = 1; i < FAILURE_COUNT; i++)
            text_printf(t, ",%llu", (unsigned long long)row->failures[i]);
        text_add_byte(t, '\n');
    }
    mem_free(v);
}

/* ------------------------------------------------------------------ JSON */

json_t *print_rows_json(const struct load_report *r)
{
    double values[COLUMN_COUNT];
    json_t *rows = json_array();
    struct view *v = mem_alloc(sizeof(*v));
    v->report = r;
    for (size_t k = 0; k < r->timeline->count; k++) {
        const struct timeline_row *row = &r->timeline->rows[k];
        json_t *out = json_object();
        view_row(v, row, values);
        for (int i = 0; i < COLUMN_COUNT; i++)
            if (!isnan(values[i]))
                json_object_set_new(out, columns[i].name,
                                    columns[i].decimals ? json_real(values[i])
                                                        : json_integer(llround(values[i])));
        if (row->failed)
            json_object_set_new(out, "errors_by_class", print_failures_json(row->failures));
        json_array_append_new(rows, out);
    }
    mem_free(v);
    return rows;
}
