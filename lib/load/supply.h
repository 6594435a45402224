/*
 * What requests ask. Requests are numbered over all threads, in the order of the schedule: thread k
 * of T has k, k + T, k + 2T, …, so that what request n asks does not depend on the number of
 * threads. Each thread has a supply of its own.
 *
 * Workload: asked once a request, just before it is sent; nothing is allocated.
 */
#ifndef LOAD_SUPPLY_H
#define LOAD_SUPPLY_H

#include "load/target.h"

/* One request. Its slices are the supply's, and valid until the next one is asked for. */
struct ask {
    struct slice wire; /* a whole HTTP/1.1 request; empty: the target's head goes before `body` */
    struct slice body;
    uint32_t item; /* which of the things to ask it is */
};

struct supply {
    const struct target *target;
    char *wire; /* its own copy: the serial number is written into it */
};

void supply_begin(struct supply *supply, const struct target *target);
void supply_end(struct supply *supply);

/* What the request of arrival `number` asks. */
struct ask supply_ask(struct supply *supply, uint64_t number);

#endif
