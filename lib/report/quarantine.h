/*
 * Quarantine: known failures that must not hold up others. A case in quarantine runs as always and
 * its failure is recorded and shown, but does not fail the run. Each has an owner, a reason and an
 * end: after that its failures count again, and the entry is shown as expired until somebody
 * removes it.
 */
#ifndef REPORT_QUARANTINE_H
#define REPORT_QUARANTINE_H

#include "record/store.h"

struct quarantined {
    int64_t test_case; /* in the store */
    struct slice key, owner, reason;
    int64_t since, expires; /* ns since the epoch */
};

/* All, also expired ones, by key; texts are arena-owned. */
struct result quarantine_list(struct store *store, struct arena *arena, struct quarantined **out,
                              size_t *count) MUST_USE;

/* Add an entry, or replace that of the case. */
struct result quarantine_add(struct store *store, const struct quarantined *entry) MUST_USE;

/* ERR_NOT_FOUND when it is not in quarantine. */
struct result quarantine_remove(struct store *store, int64_t test_case, struct slice key) MUST_USE;

/* The entry of a case that holds at `now`; NULL: none. */
const struct quarantined *quarantine_holds(const struct quarantined *list, size_t count,
                                           struct slice key, int64_t now);

#endif
