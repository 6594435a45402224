/*
 * Keeping a store: copying it out and in, making it smaller, and what is known of it as a whole.
 */
#ifndef RECORD_STORE_ADMIN_H
#define RECORD_STORE_ADMIN_H

#include <stdio.h>

#include "record/store.h"

/* What was copied. */
struct store_copy {
    int64_t rows, runs, results;
    int64_t runs_there; /* were in the store already, and stay as they are */
};

/*
 * Write the store as JSON lines (docs/store.md), all of it or some runs (ids, unique prefixes or
 * "last") with what belongs to them. ERR_IO when it cannot be written.
 */
struct result store_export(struct store *store, const char *const *runs, size_t count, FILE *to,
                           struct store_copy *out) MUST_USE;

/*
 * Add what an export holds, all or nothing: runs that are in the store already, by their id, are
 * passed over, cases and definitions are merged. `name` is what messages call the file. A wrong
 * line is ERR_SYNTAX or ERR_VALUE with its number.
 */
struct result store_import(struct store *store, FILE *from, const char *name,
                           struct store_copy *out) MUST_USE;

/* Which runs go: those named or, when none is, those that both of the others let go. */
struct store_prune {
    const char *const *runs;
    size_t run_count;
    int64_t keep;  /* never the newest so many; 0: it does not matter */
    int64_t older; /* only those that began longer ago, in ns; 0: it does not matter */
    bool dry_run;  /* only say which */
    bool compact;  /* give the room back to the file system too */
};

struct store_pruned {
    struct slice *runs; /* ids, oldest first; arena-owned */
    size_t count;
    size_t pinned;  /* would have gone, but are baselines */
    size_t running; /* would have gone, but have not ended and began within a day */
};

/* ERR_USAGE when a run that is named is a baseline, or may still be running. */
struct result store_prune(struct store *store, struct arena *arena, const struct store_prune *which,
                          struct store_pruned *out) MUST_USE;

struct store_facts {
    const char *name; /* without a password */
    enum database_kind kind;
    int version;         /* of the schema */
    int64_t bytes;       /* on disk */
    int64_t free;        /* of them, free for later runs (SQLite) */
    int64_t runs, loads; /* loads: of the runs */
    int64_t cases, results, baselines, quarantined;
    int64_t oldest, newest; /* when runs began, ns since the epoch; 0: there is none */
};

struct result store_facts(struct store *store, struct store_facts *out) MUST_USE;

/* Bring a store to the schema of this version, as opening does too, and say what it had: 0: new. */
struct result store_upgrade(const char *url, int *from, int *to) MUST_USE;

#endif
