/*
 * Old runs out of a store: a transaction for each, so that runs going on meanwhile hardly wait.
 * What nothing refers to any more, cases and their definitions, goes at the end.
 */
#include "core/clock.h"
#include "core/text.h"
#include "record/store_admin.h"
#include "record/store_internal.h"
#include "record/store_tables.h"

/* A run without an end that began so long ago was cut off; a younger one may still be going on. */
#define MAY_RUN (24 * 3600 * NS_PER_S)

struct candidate {
    int64_t run, started;
    struct slice id;
    bool ended, pinned;
};

/* From the oldest to the newest: a run that was imported has a later number than it should. */
static struct result read_candidates(struct database *db, struct arena *arena,
                                     struct candidate **out, size_t *count)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    bool row;

    *out = NULL;
    *count = 0;
    TRY(database_prepare(db,
                         "SELECT r.run, r.started, r.id, r.exit_status,"
                         " (SELECT count(*) FROM baseline b WHERE b.run = r.run)"
                         " FROM run r ORDER BY r.started, r.run",
                         &q));
    for (;;) {
        TRY(query_next(q, &row));
        if (!row)
            return RESULT_OK;
        ARENA_GROW(arena, *out, *count);
        (*out)[(*count)++] = (struct candidate){
            .run = query_integer(q, 0),
            .started = query_integer(q, 1),
            .id = query_copy(q, 2, arena),
            .ended = !query_null(q, 3),
            .pinned = query_integer(q, 4) > 0,
        };
    }
}

static bool may_run(const struct candidate *c)
{
    return !c->ended && clock_wall() - c->started < MAY_RUN;
}

/* Mark what was asked for by name. */
static struct result choose_named(struct store *store, struct arena *arena,
                                  const struct store_prune *which, struct candidate *all,
                                  size_t count, bool *chosen)
{
    for (size_t i = 0; i < which->run_count; i++) {
        struct run_info info;
        TRY(store_find(store, arena, slice_str(which->runs[i]), &info));
        size_t at = 0;
        while (at < count && !slice_eq(all[at].id, info.id))
            at++;
        if (at == count)
            continue; /* it began just now */
        ENSURE(!all[at].pinned, ERR_USAGE,
               "run %.*s is a baseline: `assay baseline remove` lets it go", SLICE_ARG(info.id));
        ENSURE(!may_run(&all[at]), ERR_USAGE,
               "run %.*s has not ended and may still be going on; %s", SLICE_ARG(info.id),
               info.load ? "a load that was killed can go a day after it began"
                         : "`assay run --resume` ends it");
        chosen[at] = true;
    }
    return RESULT_OK;
}

static void choose_old(const struct store_prune *which, const struct candidate *all, size_t count,
                       bool *chosen, struct store_pruned *out)
{
    int64_t now = clock_wall();
    for (size_t i = 0; i < count; i++) {
        bool kept = (which->keep && (int64_t)(count - i) <= which->keep) ||
                    (which->older && now - all[i].started < which->older);
        if (kept)
            continue;
        out->pinned += all[i].pinned;
        out->running += !all[i].pinned && may_run(&all[i]);
        chosen[i] = !all[i].pinned && !may_run(&all[i]);
    }
}

static struct result drop_rows(struct store *store, const char *table, int64_t run)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    struct text sql = text_in(store_scratch(store));
    text_printf(&sql, "DELETE FROM %s WHERE run = ?1", table);
    TRY(database_prepare(store->database, text_str(&sql), &q));
    query_set_integer(q, 1, run);
    return query_run(q);
}

static struct result drop_run(struct store *store, void *context)
{
    const int64_t *run = context;
    for (const struct stored_table *t = stored_tables + 1; t->name; t++)
        if (t->of == STORED_OF_RUN)
            TRY(drop_rows(store, t->name, *run));
    return drop_rows(store, stored_tables[0].name, *run); /* the run itself */
}

/*
 * A run that goes on may use definitions that no result has yet; but its cases are planned, so what
 * is of planned cases stays.
 */
static struct result drop_unused(struct store *store, void *context)
{
    (void)context;
    TRY(database_lock(store->database));
    return database_execute(
        store->database,
        "DELETE FROM definition WHERE"
        " definition IN (SELECT definition FROM definition EXCEPT SELECT definition FROM result)"
        " AND test_case IN (SELECT test_case FROM definition EXCEPT SELECT test_case FROM planned);"
        "DELETE FROM test_case WHERE test_case IN (SELECT test_case FROM test_case"
        " EXCEPT SELECT test_case FROM planned EXCEPT SELECT test_case FROM definition"
        " EXCEPT SELECT test_case FROM result EXCEPT SELECT test_case FROM quarantine)");
}

static struct result drop(struct store *store, const struct candidate *all, size_t count,
                          const bool *chosen, bool compact)
{
    for (size_t i = 0; i < count; i++) {
        int64_t run = all[i].run;
        if (chosen[i])
            TRY(store_transaction(store, drop_run, &run));
    }
    TRY(store_transaction(store, drop_unused, NULL));
    store_remember_run(store, (struct slice){0}, 0);
    store_forget(store);
    return compact ? database_execute(store->database, "VACUUM") : RESULT_OK;
}

struct result store_prune(struct store *store, struct arena *arena, const struct store_prune *which,
                          struct store_pruned *out)
{
    struct candidate *all = NULL;
    size_t count = 0;

    *out = (struct store_pruned){0};
    TRY(read_candidates(store->database, arena, &all, &count));
    bool *chosen = ARENA_ARRAY(arena, bool, count + 8);
    if (which->run_count)
        TRY(choose_named(store, arena, which, all, count, chosen));
    else
        choose_old(which, all, count, chosen, out);
    out->runs = ARENA_ARRAY(arena, struct slice, count + 1);
    for (size_t i = 0; i < count; i++)
        if (chosen[i])
            out->runs[out->count++] = all[i].id;
    return which->dry_run ? RESULT_OK : drop(store, all, count, chosen, which->compact);
}
