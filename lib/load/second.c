/*
 * What threads hand over of a second.
 */
#include "load/engine.h"

const enum metric second_metrics[SECOND_METRICS] = {
#define X(code) METRIC_##code,
    SECOND_TABLE(X)
#undef X
};

void second_clear(struct load_second *s)
{
    *s = (struct load_second){0};
    histogram_clear(&s->latency);
    histogram_clear(&s->ttft);
    for (int i = 0; i < SECOND_METRICS; i++)
        histogram_clear(&s->measured[i]);
}

void second_merge(struct load_second *into, const struct load_second *from)
{
    histogram_merge(&into->latency, &from->latency);
    histogram_merge(&into->ttft, &from->ttft);
    for (int i = 0; i < SECOND_METRICS; i++)
        histogram_merge(&into->measured[i], &from->measured[i]);
    into->started += from->started;
    into->answered += from->answered;
    into->failed += from->failed;
    into->tokens += from->tokens;
    into->bytes += from->bytes;
    for (int i = 0; i < FAILURE_COUNT; i++)
        into->failures[i] += from->failures[i];
    into->lags += from->lags;
    into->lag_sum += from->lag_sum;
    if (from->lag_most > into->lag_most)
        into->lag_most = from->lag_most;
    if (from->late_most > into->late_most)
        into->late_most = from->late_most;
}
