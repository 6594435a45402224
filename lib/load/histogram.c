/*
 * Reading a histogram; adding to it is in the header.
 */
#include "load/histogram.h"

#include <math.h>
#include <string.h>

void histogram_clear(struct histogram *h)
{
    memset(h, 0, sizeof(*h));
    h->least = INT64_MAX;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    if (from->count == 0)
        return;
    for (size_t i = histogram_index(from->least); i <= histogram_index(from->most); i++)
        into->counts[i] += from->counts[i];
    into->count += from->count;
    into->sum += from->sum;
    if (from->least < into->least)
        into->least = from->least;
    if (from->most > into->most)
        into->most = from->most;
}

void histogram_step(size_t index, int64_t *low, int64_t *high)
{
    if (index < HISTOGRAM_EXACT) {
        *low = *high = (int64_t)index;
        return;
    }
    size_t octave = (index - HISTOGRAM_EXACT) / HISTOGRAM_STEPS;
    size_t step = (index - HISTOGRAM_EXACT) % HISTOGRAM_STEPS;
    unsigned shift = (unsigned)octave + 1;
    *low = (int64_t)((uint64_t)(HISTOGRAM_STEPS + step) << shift);
    *high = *low + (int64_t)(((uint64_t)1 << shift) - 1);
}

/* What stands for all values of a step. */
static int64_t middle(const struct histogram *h, size_t index)
{
    int64_t low, high;
    histogram_step(index, &low, &high);
    int64_t value = low + (high - low) / 2;
    return value < h->least ? h->least : value > h->most ? h->most : value;
}

void histogram_advance(struct histogram *before, const struct histogram *now,
                       struct histogram *into)
{
    int64_t low = 0, high = 0;
    size_t first = HISTOGRAM_SIZE, last = 0;
    if (now->count == before->count)
        return;
    for (size_t i = histogram_index(now->least); i <= histogram_index(now->most); i++) {
        if (now->counts[i] == before->counts[i])
            continue;
        into->counts[i] += now->counts[i] - before->counts[i];
        before->counts[i] = now->counts[i];
        first = first < i ? first : i;
        last = i;
    }
    into->count += now->count - before->count;
    into->sum += now->sum - before->sum;
    histogram_step(first, &low, &high);
    int64_t least = now->least < before->least ? now->least : middle(now, first);
    int64_t most = now->most > before->most ? now->most : middle(now, last);
    into->least = least < into->least ? least : into->least;
    into->most = most > into->most ? most : into->most;
    before->count = now->count;
    before->sum = now->sum;
    before->least = now->least;
    before->most = now->most;
}

int64_t histogram_percentile(const struct histogram *h, double percent)
{
    if (h->count == 0)
        return 0;
    double rank = ceil(percent / 100 * (double)h->count - 1e-9);
    uint64_t wanted = rank<1 ? 1 : rank>(double) h->count ? h->count : (uint64_t)rank;
    if (wanted == h->count)
        return h->most;
    uint64_t seen = 0;
    for (size_t i = 0; i < HISTOGRAM_SIZE; i++) {
        seen += h->counts[i];
        if (seen >= wanted)
            return middle(h, i);
    }
    return h->most;
}

double histogram_mean(const struct histogram *h)
{
    return h->count ? h->sum / (double)h->count : 0;
}

double histogram_deviation(const struct histogram *h)
{
    if (h->count < 2)
        return 0;
    double mean = histogram_mean(h), squares = 0;
    for (size_t i = 0; i < HISTOGRAM_SIZE; i++) {
        if (h->counts[i] == 0)
            continue;
        double off = (double)middle(h, i) - mean;
        squares += off * off * (double)h->counts[i];
    }
    return sqrt(squares / (double)(h->count - 1));
}

uint64_t histogram_at_most(const struct histogram *h, int64_t value)
{
    uint64_t count = 0;
    if (value < 0)
        return 0;
    for (size_t i = 0; i <= histogram_index(value); i++)
        count += h->counts[i];
    return count;
}
