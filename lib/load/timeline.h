/*
 * What happened when: a row for each second of a run, with whole distributions. Of a long run two
 * and two rows are put together, so that there are never more than TIMELINE_ROWS; every request
 * stays counted.
 *
 * Memory: 8 bytes for each step of a histogram in which something fell, some hundred a row and
 * metric: 1 to 10 MB for any run, however long.
 */
#ifndef LOAD_TIMELINE_H
#define LOAD_TIMELINE_H

#include "load/engine.h"
#include "load/sparse.h"

#define TIMELINE_ROWS 600

struct timeline_row {
    int64_t from, to; /* ns after the beginning */
    bool warming;     /* all of it is warm-up */
    uint64_t started, answered, failed, tokens, bytes;
    uint64_t failures[FAILURE_COUNT];
    uint32_t busy; /* requests under way at its end */
    uint64_t lags;
    int64_t lag_sum, lag_most, late_most;  /* ns */
    struct sparse metrics[SECOND_METRICS]; /* of what is measured */
};

struct timeline {
    int64_t started_wall; /* ns since the epoch */
    int64_t span;         /* ns that a row is meant to take */
    size_t count;
    struct timeline_row rows[TIMELINE_ROWS];
};

struct timeline *timeline_new(void);
void timeline_free(struct timeline *timeline);
void timeline_free_pointer(struct timeline **timeline); /* for DEFER */

/* What happened between two times; each begins where the one before ended. */
void timeline_add(struct timeline *timeline, const struct load_second *second, int64_t from,
                  int64_t to, bool warming);

/* A row as it was when it was added; of warm-up only counts are kept. The caller mem_frees it. */
struct load_second *timeline_second(const struct timeline_row *row);

#endif
