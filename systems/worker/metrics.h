/*
 * What the worker counts, and how /metrics shows it (Prometheus text format 0.0.4). Counters of one
 * loop, which others only read: every loop has its own, added up when shown.
 */
#ifndef WORKER_METRICS_H
#define WORKER_METRICS_H

#include <stdatomic.h>

#include "core/text.h"

/* How an /execute request ended; one that was refused counts as an error. */
enum outcome { OUTCOME_SUCCESS, OUTCOME_ERROR, OUTCOME_CANCELLED, OUTCOME_TIMEOUT, OUTCOME_COUNT };

#define METRICS_BUCKETS 15

struct metrics {
    _Atomic uint64_t requests[OUTCOME_COUNT];
    _Atomic uint64_t tokens_in, tokens_out;
    _Atomic uint64_t durations[METRICS_BUCKETS + 1]; /* the last: beyond every bound */
    _Atomic uint64_t duration_sum_ns;
};

/* A generation ended. */
void metrics_duration(struct metrics *m, int64_t nanoseconds);

/* Add what another loop counted. */
void metrics_add(struct metrics *sum, const struct metrics *m);

void metrics_show(const struct metrics *m, uint64_t vram_bytes, double uptime_seconds,
                  struct text *out);

#endif
