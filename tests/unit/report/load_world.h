/*
 * Loads for tests: recorded in a store as `assay load` does it, with latencies that are made up and
 * the same every time.
 */
#ifndef TEST_REPORT_LOAD_WORLD_H
#define TEST_REPORT_LOAD_WORLD_H

#include "report/load_data.h"

struct made_load {
    const char *id, *name; /* NULL: "steady" */
    int64_t started;       /* ns since the epoch */
    double latency;        /* s, the median of answers that take no turns */
    double spread;         /* of its logarithm */
    double memory;         /* of the logarithm from one answer to the next, 0 to 1 */
    uint64_t seed;
    uint32_t rate, seconds; /* a second; 0: 100 for 30 s */
    uint32_t failed;        /* of each hundred */
    enum load_verdict verdict;
    bool cut; /* it was killed before its end */
    const char *url;
};

/* The load as it would be read from the store; for load_data_free. */
struct load_data *made_load_data(struct arena *arena, const struct made_load *how);

/* The same into a store; the fixture's assert_ok. */
struct result made_load_store(struct store *store, const struct made_load *how) MUST_USE;

#endif
