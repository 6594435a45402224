/*
 * Histograms at rest.
 */
#include "load/sparse.h"

#include "core/memory.h"

struct sparse sparse_of(const struct histogram *h)
{
    struct sparse s = {.count = h->count, .least = h->least, .most = h->most, .sum = h->sum};
    if (h->count == 0)
        return s;
    size_t first = histogram_index(h->least), last = histogram_index(h->most), used = 0;
    for (size_t i = first; i <= last; i++)
        used += h->counts[i] > 0;
    s.steps = mem_alloc(used * sizeof(*s.steps));
    for (size_t i = first; i <= last; i++) {
        if (h->counts[i] == 0)
            continue;
        struct sparse_step *step = &s.steps[s.step_count++];
        step->index = i & UINT16_MAX;
        step->count = h->counts[i] & (UINT64_MAX >> 16);
    }
    return s;
}

void sparse_free(struct sparse *s)
{
    mem_free(s->steps);
    *s = (struct sparse){.least = INT64_MAX};
}

void sparse_spread(const struct sparse *s, struct histogram *into)
{
    for (uint32_t i = 0; i < s->step_count; i++)
        into->counts[s->steps[i].index] += s->steps[i].count;
    into->count += s->count;
    into->sum += s->sum;
    if (s->count > 0 && s->least < into->least)
        into->least = s->least;
    if (s->count > 0 && s->most > into->most)
        into->most = s->most;
}

void sparse_merge(struct sparse *into, const struct sparse *from)
{
    struct histogram *sum = mem_alloc(sizeof(*sum));
    histogram_clear(sum);
    sparse_spread(into, sum);
    sparse_spread(from, sum);
    sparse_free(into);
    *into = sparse_of(sum);
    mem_free(sum);
}
