/*
 * What requests ask, for one thread. Requests are numbered over all threads, in the order of the
 * schedule: thread k of T has k, k + T, k + 2T, …, so that what request n asks does not depend on
 * the number of threads.
 *
 * Workload: asked once a request, just before it is sent; nothing is allocated.
 */
#ifndef LOAD_SUPPLY_H
#define LOAD_SUPPLY_H

#include "load/stock.h"

/* One request. Its slices are valid until the next one is asked for. */
struct ask {
    struct slice wire; /* a whole HTTP/1.1 request */
    struct slice body;
    uint32_t item; /* which of the stock it is */
};

struct supply {
    const struct stock *stock;
    char *wire; /* where the serial number is written into a copy; NULL: requests have none */
};

void supply_begin(struct supply *supply, const struct stock *stock);
void supply_end(struct supply *supply);

/* What request `number` asks. */
struct ask supply_ask(struct supply *supply, uint64_t number);

#endif
