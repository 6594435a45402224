/*
 * Quarantine in the store: a row a case.
 */
#include "report/quarantine.h"

struct result quarantine_list(struct store *store, struct arena *arena, struct quarantined **out,
                              size_t *count)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    bool row;
    *out = NULL;
    *count = 0;
    TRY(database_prepare(store_database(store),
                         "SELECT q.test_case, t.key, q.owner, q.reason, q.since, q.expires"
                         " FROM quarantine q JOIN test_case t ON t.test_case = q.test_case"
                         " ORDER BY t.key",
                         &q));
    for (;;) {
        TRY(query_next(q, &row));
        if (!row)
            return RESULT_OK;
        ARENA_GROW(arena, *out, *count);
        (*out)[(*count)++] = (struct quarantined){
            .test_case = query_integer(q, 0),
            .key = query_copy(q, 1, arena),
            .owner = query_copy(q, 2, arena),
            .reason = query_copy(q, 3, arena),
            .since = query_integer(q, 4),
            .expires = query_integer(q, 5),
        };
    }
}

struct result quarantine_add(struct store *store, const struct quarantined *entry)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    TRY(database_prepare(store_database(store),
                         "INSERT INTO quarantine (test_case, owner, reason, since, expires)"
                         " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (test_case) DO UPDATE"
                         " SET owner = excluded.owner, reason = excluded.reason,"
                         " since = excluded.since, expires = excluded.expires",
                         &q));
    query_set_integer(q, 1, entry->test_case);
    query_set_text(q, 2, entry->owner);
    query_set_text(q, 3, entry->reason);
    query_set_integer(q, 4, entry->since);
    query_set_integer(q, 5, entry->expires);
    return query_run(q);
}

struct result quarantine_remove(struct store *store, int64_t test_case, struct slice key)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    bool row;
    TRY(database_prepare(store_database(store),
                         "DELETE FROM quarantine WHERE test_case = ?1 RETURNING test_case", &q));
    query_set_integer(q, 1, test_case);
    TRY(query_next(q, &row));
    ENSURE(row, ERR_NOT_FOUND, "%.*s is not in quarantine; `assay quarantine list` lists what is",
           SLICE_ARG(key));
    query_reset(q);
    return RESULT_OK;
}

const struct quarantined *quarantine_holds(const struct quarantined *list, size_t count,
                                           struct slice key, int64_t now)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq(list[i].key, key))
            return list[i].expires > now ? &list[i] : NULL;
    return NULL;
}
