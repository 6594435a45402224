/*
 * Loads in the store: rows in, rows out.
 */
#include "record/store_load.h"

#include "record/store_internal.h"

/* --- writing --- */

struct beginning {
    const struct run_info *run;
    struct slice name, parameters;
};

static struct result begin(struct store *store, void *context)
{
    const struct beginning *b = context;
    struct query *q = NULL;
    int64_t run = 0;
    TRY(store_begin(store, b->run, NULL, 0));
    TRY(store_run_number(store, b->run->id, &run));
    TRY(store_statement(store, STATEMENT_ADD_LOAD, &q));
    query_set_integer(q, 1, run);
    query_set_text(q, 2, b->name);
    query_set_text(q, 3, b->parameters);
    return query_run(q);
}

struct result store_load_begin(struct store *store, const struct run_info *run, struct slice name,
                               struct slice parameters)
{
    struct beginning b = {run, name, parameters};
    return store_transaction(store, begin, &b);
}

struct adding {
    struct slice run_id;
    int64_t number;
    const struct stored_second *second;
};

static struct result add_second(struct store *store, void *context)
{
    const struct adding *adding = context;
    const struct stored_second *s = adding->second;
    struct append *a = NULL;
    int64_t run = 0;
    TRY(store_run_number(store, adding->run_id, &run));
    TRY(store_table(store, TABLE_load_second, &a));
    int64_t values[] = {run,         adding->number, s->at,       s->span,     s->started,
                        s->answered, s->failed,      s->tokens,   s->bytes,    s->in_flight,
                        s->reads,    s->lag,         s->lag_most, s->late_most};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        append_integer(a, values[i]);
    store_append_text(a, s->failures);
    store_append_text(a, s->histograms);
    return append_row(a);
}

struct result store_load_second(struct store *store, struct slice run_id, int64_t number,
                                const struct stored_second *second)
{
    struct adding adding = {run_id, number, second};
    return store_transaction(store, add_second, &adding);
}

static struct result add_metric(struct store *store, int64_t run, const struct stored_metric *m)
{
    struct append *a = NULL;
    TRY(store_table(store, TABLE_load_metric, &a));
    append_integer(a, run);
    append_text(a, m->name);
    int64_t values[] = {m->count, m->mean, m->p50, m->p90, m->p99, m->p999, m->most};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        append_integer(a, values[i]);
    append_text(a, m->histogram);
    return append_row(a);
}

static struct result add_failure(struct store *store, int64_t run, const struct stored_failure *f)
{
    struct append *a = NULL;
    TRY(store_table(store, TABLE_load_failure, &a));
    append_integer(a, run);
    append_text(a, f->class);
    append_integer(a, f->count);
    store_append_text(a, f->example);
    return append_row(a);
}

struct ending {
    const struct run_info *run;
    const struct stored_load *load;
};

static struct result end(struct store *store, void *context)
{
    const struct ending *e = context;
    const struct stored_load *load = e->load;
    struct query *q = NULL;
    int64_t run = 0;
    TRY(store_run_number(store, e->run->id, &run));
    TRY(store_statement(store, STATEMENT_END_LOAD, &q));
    query_set_integer(q, 1, run);
    query_set_text(q, 2, load->verdict);
    store_set_text(q, 3, load->reasons);
    store_set_text(q, 4, load->outcome);
    TRY(query_run(q));
    for (size_t i = 0; i < load->metric_count; i++)
        TRY(add_metric(store, run, &load->metrics[i]));
    for (size_t i = 0; i < load->failure_count; i++)
        TRY(add_failure(store, run, &load->failures[i]));
    return store_end(store, e->run);
}

struct result store_load_end(struct store *store, const struct run_info *run,
                             const struct stored_load *load)
{
    struct ending e = {run, load};
    return store_transaction(store, end, &e);
}

/* --- reading --- */

static struct result read_head(struct store *store, struct arena *arena, int64_t run,
                               struct stored_load *out, bool *found)
{
    struct query *q = NULL;
    TRY(store_statement(store, STATEMENT_READ_LOAD, &q));
    query_set_integer(q, 1, run);
    TRY(query_next(q, found));
    if (!*found)
        return RESULT_OK;
    struct slice *texts[] = {&out->name, &out->parameters, &out->verdict, &out->reasons,
                             &out->outcome};
    for (int i = 0; i < (int)(sizeof(texts) / sizeof(texts[0])); i++)
        *texts[i] = query_copy(q, i, arena);
    query_reset(q);
    return RESULT_OK;
}

static struct result read_metrics(struct store *store, struct arena *arena, int64_t run,
                                  struct stored_load *out)
{
    struct query *q = NULL;
    bool row;
    TRY(store_statement(store, STATEMENT_READ_LOAD_METRICS, &q));
    query_set_integer(q, 1, run);
    for (;;) {
        TRY(query_next(q, &row));
        if (!row)
            return RESULT_OK;
        ARENA_GROW(arena, out->metrics, out->metric_count);
        out->metrics[out->metric_count++] = (struct stored_metric){
            .name = query_copy(q, 0, arena), .histogram = query_copy(q, 1, arena)};
    }
}

static struct result read_failures(struct store *store, struct arena *arena, int64_t run,
                                   struct stored_load *out)
{
    struct query *q = NULL;
    bool row;
    TRY(store_statement(store, STATEMENT_READ_LOAD_FAILURES, &q));
    query_set_integer(q, 1, run);
    for (;;) {
        TRY(query_next(q, &row));
        if (!row)
            return RESULT_OK;
        ARENA_GROW(arena, out->failures, out->failure_count);
        out->failures[out->failure_count++] =
            (struct stored_failure){.class = query_copy(q, 0, arena),
                                    .count = query_integer(q, 1),
                                    .example = query_copy(q, 2, arena)};
    }
}

static struct result read_seconds(struct store *store, struct arena *arena, int64_t run,
                                  struct stored_load *out)
{
    struct query *q = NULL;
    bool row;
    TRY(store_statement(store, STATEMENT_READ_LOAD_SECONDS, &q));
    query_set_integer(q, 1, run);
    for (;;) {
        TRY(query_next(q, &row));
        if (!row)
            return RESULT_OK;
        ARENA_GROW(arena, out->seconds, out->second_count);
        struct stored_second *s = &out->seconds[out->second_count++];
        int64_t *values[] = {&s->at,     &s->span,   &s->started,  &s->answered,
                             &s->failed, &s->tokens, &s->bytes,    &s->in_flight,
                             &s->reads,  &s->lag,    &s->lag_most, &s->late_most};
        for (int i = 0; i < (int)(sizeof(values) / sizeof(values[0])); i++)
            *values[i] = query_integer(q, i);
        s->failures = query_copy(q, 12, arena);
        s->histograms = query_copy(q, 13, arena);
    }
}

struct result store_load_read(struct store *store, struct arena *arena, struct slice run_id,
                              struct stored_load *out)
{
    int64_t run = 0;
    bool found = false;
    *out = (struct stored_load){0};
    TRY(store_run_number(store, run_id, &run));
    TRY(read_head(store, arena, run, out, &found));
    ENSURE(found, ERR_USAGE, "run %.*s is no load", SLICE_ARG(run_id));
    TRY(read_metrics(store, arena, run, out));
    TRY(read_failures(store, arena, run, out));
    return read_seconds(store, arena, run, out);
}
