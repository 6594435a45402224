/*
 * What was measured during a run: subjects, their samples, and the anomalies found in them. Samples
 * come every few seconds, some fifty of a subject, with the results of that time; a run has a few
 * thousand of each subject at most (measure/measure.h).
 */
#include "record/store_internal.h"

#include "core/memory.h"

/* A resumed run has subjects already: those of this session are numbered behind them. */
static struct result subject_number(struct store *store, int64_t run, uint32_t number, int64_t *out)
{
    if (store->subject_run != run) {
        struct query *q = NULL;
        TRY(store_statement(store, STATEMENT_LAST_SUBJECT, &q));
        query_set_integer(q, 1, run);
        TRY(store_row(q));
        store->subjects_before = query_integer(q, 0);
        store->subject_run = run;
        query_reset(q);
    }
    *out = number ? store->subjects_before + number : 0;
    return RESULT_OK;
}

struct result store_add_samples(struct store *store, int64_t run, const struct samples *samples)
{
    int64_t subject;
    struct query *q = NULL;
    struct append *a = NULL;
    TRY(subject_number(store, run, samples->subject, &subject));
    TRY(store_statement(store, STATEMENT_ADD_SUBJECT, &q));
    query_set_integer(q, 1, run);
    query_set_integer(q, 2, subject);
    store_set_text(q, 3, samples->name);
    query_set_integer(q, 4, samples->instance);
    query_set_integer(q, 5, samples->pid);
    TRY(query_run(q));
    TRY(store_table(store, TABLE_sample, &a));
    for (size_t i = 0; i < samples->count; i++) {
        const struct sample *s = &samples->items[i];
        const int64_t values[] = {run,
                                  subject,
                                  s->at,
                                  s->cpu,
                                  s->rss,
                                  s->pss,
                                  s->processes,
                                  s->threads,
                                  s->descriptors,
                                  s->voluntary,
                                  s->involuntary,
                                  s->read_bytes,
                                  s->written_bytes,
                                  s->gpu_memory,
                                  s->gpu_use};
        for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++)
            append_integer(a, values[k]);
        TRY(append_row(a));
    }
    return RESULT_OK;
}

struct result store_add_anomaly(struct store *store, int64_t run, int64_t position,
                                const struct anomaly *anomaly)
{
    int64_t subject;
    struct append *a = NULL;
    TRY(subject_number(store, run, anomaly->number, &subject));
    TRY(store_table(store, TABLE_anomaly, &a));
    append_integer(a, run);
    append_integer(a, position);
    store_append_text(a, anomaly->kind);
    append_integer(a, subject);
    append_integer(a, anomaly->started);
    append_integer(a, anomaly->ended);
    store_append_text(a, anomaly->text);
    store_append_text(a, anomaly->evidence);
    return append_row(a);
}

/* ── reading ── */

/* Samples are told in pieces of so many. */
#define PIECE 1024

struct piece {
    struct samples samples;
    struct sample items[PIECE];
    struct arena *arena; /* the name */
};

static void tell(struct piece *p, void (*visit)(void *, const struct samples *), void *context)
{
    if (p->samples.count)
        visit(context, &p->samples);
    p->samples.count = 0;
}

static void begin_subject(struct piece *p, const struct query *q, uint32_t subject)
{
    arena_free(p->arena);
    p->arena = arena_new();
    p->samples = (struct samples){.name = query_copy(q, 1, p->arena),
                                  .subject = subject,
                                  .instance = (uint32_t)query_integer(q, 2),
                                  .pid = query_integer(q, 3),
                                  .items = p->items};
}

static struct sample read_sample(const struct query *q)
{
    return (struct sample){
        .at = query_integer(q, 4),
        .cpu = query_integer(q, 5),
        .rss = query_integer(q, 6),
        .pss = query_integer(q, 7),
        .processes = query_integer(q, 8),
        .threads = query_integer(q, 9),
        .descriptors = query_integer(q, 10),
        .voluntary = query_integer(q, 11),
        .involuntary = query_integer(q, 12),
        .read_bytes = query_integer(q, 13),
        .written_bytes = query_integer(q, 14),
        .gpu_memory = query_integer(q, 15),
        .gpu_use = query_integer(q, 16),
    };
}

static struct result visit_pieces(struct query *q, struct piece *p,
                                  void (*visit)(void *, const struct samples *), void *context)
{
    for (;;) {
        bool row;
        TRY(query_next(q, &row));
        if (!row)
            break;
        uint32_t subject = (uint32_t)query_integer(q, 0);
        if (p->samples.subject != subject || p->samples.count == PIECE)
            tell(p, visit, context);
        if (p->samples.subject != subject)
            begin_subject(p, q, subject);
        p->items[p->samples.count++] = read_sample(q);
    }
    tell(p, visit, context);
    return RESULT_OK;
}

struct result store_visit_samples(struct store *store, struct slice run_id,
                                  void (*visit)(void *context, const struct samples *samples),
                                  void *context)
{
    int64_t run;
    struct query *q = NULL;
    TRY(store_run_number(store, run_id, &run));
    TRY(database_begin(store->database, DATABASE_READ));
    struct result r = store_statement(store, STATEMENT_VISIT_SAMPLES, &q);
    if (result_ok(r)) {
        struct piece *piece = NEW(struct piece);
        query_set_integer(q, 1, run);
        r = visit_pieces(q, piece, visit, context);
        query_reset(q);
        arena_free(piece->arena);
        mem_free(piece);
    }
    database_rollback(store->database); /* nothing was written */
    return r;
}

/* Sums by name, in the order of their first subjects. */
struct sums {
    struct arena *arena;
    struct resources *all;
    size_t count, capacity;
    struct resources_sum sum; /* of the present subject */
    struct slice name;
    uint32_t subject; /* 0: none */
};

static void end_subject(struct sums *s)
{
    size_t i = 0;
    if (s->subject == 0)
        return;
    while (i < s->count && !slice_eq(s->all[i].name, s->name))
        i++;
    if (i == s->count) {
        GROW(s->all, s->count, s->capacity);
        s->all[s->count++] = (struct resources){.name = s->name};
    }
    resources_merge(&s->all[i], &s->sum.all);
}

static void add_piece(void *context, const struct samples *samples)
{
    struct sums *s = context;
    if (samples->subject != s->subject) {
        end_subject(s);
        s->subject = samples->subject;
        s->name = arena_copy(s->arena, samples->name);
        s->sum = resources_sum();
    }
    for (size_t i = 0; i < samples->count; i++)
        resources_add(&s->sum, &samples->items[i]);
}

static struct result visit_anomalies(struct query *q, struct arena *arena,
                                     void (*visit)(void *, const struct event *), void *context)
{
    for (;;) {
        bool row;
        TRY(query_next(q, &row));
        if (!row)
            return RESULT_OK;
        bool whole = slice_is(query_text(q, 0), ANOMALY_BOTTLENECK);
        const struct event event = {
            .kind = whole ? EVENT_BOTTLENECK : EVENT_ANOMALY,
            .at_wall = query_integer(q, 3),
            .anomaly = {.kind = query_copy(q, 0, arena),
                        .number = (uint32_t)query_integer(q, 1),
                        .started = query_integer(q, 2),
                        .ended = query_integer(q, 3),
                        .text = query_copy(q, 4, arena),
                        .evidence = query_copy(q, 5, arena),
                        .subject = query_copy(q, 6, arena),
                        .instance = (uint32_t)query_integer(q, 7)},
        };
        visit(context, &event);
    }
}

struct result store_visit_measured(struct store *store, struct slice run_id,
                                   void (*visit)(void *context, const struct event *event),
                                   void *context)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    int64_t run;
    struct query *q = NULL;
    struct sums sums = {.arena = arena};
    TRY(store_run_number(store, run_id, &run));
    TRY(store_statement(store, STATEMENT_VISIT_ANOMALIES, &q));
    query_set_integer(q, 1, run);
    TRY(visit_anomalies(q, arena, visit, context));
    struct result r = store_visit_samples(store, run_id, add_piece, &sums);
    end_subject(&sums);
    for (size_t i = 0; i < sums.count && result_ok(r); i++)
        visit(context, &(struct event){.kind = EVENT_RESOURCES, .resources = sums.all[i]});
    mem_free(sums.all);
    return r;
}
