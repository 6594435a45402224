/*
 * Rows of a timeline, and putting them together.
 */
#include "load/timeline.h"

#include "core/clock.h"
#include "core/memory.h"

/* What is shorter than this share of a row does not get one of its own. */
#define SLIVER 10

struct timeline *timeline_new(void)
{
    struct timeline *timeline = NEW(struct timeline);
    timeline->started_wall = clock_wall();
    timeline->span = NS_PER_S;
    return timeline;
}

static void row_free(struct timeline_row *row)
{
    for (int i = 0; i < SECOND_METRICS; i++)
        sparse_free(&row->metrics[i]);
}

void timeline_free(struct timeline *timeline)
{
    if (!timeline)
        return;
    for (size_t i = 0; i < timeline->count; i++)
        row_free(&timeline->rows[i]);
    mem_free(timeline);
}

void timeline_free_pointer(struct timeline **timeline)
{
    timeline_free(*timeline);
}

static int64_t greater(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* `from` follows `into`, and is no more afterwards. */
static void row_join(struct timeline_row *into, struct timeline_row *from)
{
    into->to = from->to;
    into->warming = into->warming && from->warming;
    into->started += from->started;
    into->answered += from->answered;
    into->failed += from->failed;
    into->tokens += from->tokens;
    into->bytes += from->bytes;
    for (int i = 0; i < FAILURE_COUNT; i++)
        into->failures[i] += from->failures[i];
    into->busy = from->busy;
    into->lags += from->lags;
    into->lag_sum += from->lag_sum;
    into->lag_most = greater(into->lag_most, from->lag_most);
    into->late_most = greater(into->late_most, from->late_most);
    for (int i = 0; i < SECOND_METRICS; i++)
        sparse_merge(&into->metrics[i], &from->metrics[i]);
    row_free(from);
}

static void put_together(struct timeline *t)
{
    for (size_t i = 0; i < t->count / 2; i++) {
        row_join(&t->rows[2 * i], &t->rows[2 * i + 1]);
        t->rows[i] = t->rows[2 * i];
    }
    t->count /= 2;
    t->span *= 2;
}
_Static_assert(TIMELINE_ROWS % 2 == 0, "rows are put together two by two");

static struct timeline_row row_of(const struct load_second *s, int64_t from, int64_t to,
                                  bool warming)
{
    struct timeline_row row = {
        .from = from,
        .to = to,
        .warming = warming,
        .started = s->started,
        .answered = s->answered,
        .failed = s->failed,
        .tokens = s->tokens,
        .bytes = s->bytes,
        .busy = s->busy,
        .lags = s->lags,
        .lag_sum = s->lag_sum,
        .lag_most = s->lag_most,
        .late_most = s->late_most,
    };
    memcpy(row.failures, s->failures, sizeof(row.failures));
    for (int i = 0; i < SECOND_METRICS; i++)
        row.metrics[i] = sparse_of(&s->measured[i]);
    return row;
}

void timeline_add(struct timeline *t, const struct load_second *second, int64_t from, int64_t to,
                  bool warming)
{
    struct timeline_row row = row_of(second, from, to, warming);
    struct timeline_row *last = t->count > 0 ? &t->rows[t->count - 1] : NULL;
    /* Seconds are as long as somebody was late to look; a row is full when one more would make it
     * longer than it is short now. */
    bool full = last && last->to - last->from + (to - from) / 2 > t->span;
    if (last && (!full || to - from < t->span / SLIVER)) {
        row_join(last, &row);
        return;
    }
    if (t->count == TIMELINE_ROWS)
        put_together(t);
    t->rows[t->count++] = row;
}

struct load_second *timeline_second(const struct timeline_row *row)
{
    struct load_second *s = mem_alloc(sizeof(*s));
    second_clear(s);
    s->started = row->started;
    s->answered = row->answered;
    s->failed = row->failed;
    s->tokens = row->tokens;
    s->bytes = row->bytes;
    s->busy = row->busy;
    s->lags = row->lags;
    s->lag_sum = row->lag_sum;
    s->lag_most = row->lag_most;
    s->late_most = row->late_most;
    memcpy(s->failures, row->failures, sizeof(s->failures));
    for (int i = 0; i < SECOND_METRICS; i++)
        sparse_spread(&row->metrics[i], &s->measured[i]);
    sparse_spread(&row->metrics[SECOND_LATENCY], &s->latency);
    sparse_spread(&row->metrics[SECOND_TTFT], &s->ttft);
    return s;
}
