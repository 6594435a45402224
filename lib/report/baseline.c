/*
 * Baselines in the store: a row each.
 */
#include "report/baseline.h"

struct result baseline_list(struct store *store, struct arena *arena, struct baseline **out,
                            size_t *count)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    bool row;
    *out = NULL;
    *count = 0;
    TRY(database_prepare(store_database(store),
                         "SELECT b.name, r.id, b.pinned, b.poisoned, l.name FROM baseline b"
                         " JOIN run r ON r.run = b.run LEFT JOIN load l ON l.run = b.run"
                         " ORDER BY b.name",
                         &q));
    for (;;) {
        TRY(query_next(q, &row));
        if (!row)
            return RESULT_OK;
        ARENA_GROW(arena, *out, *count);
        (*out)[(*count)++] = (struct baseline){.name = query_copy(q, 0, arena),
                                               .run = query_copy(q, 1, arena),
                                               .load = query_copy(q, 4, arena),
                                               .pinned = query_integer(q, 2),
                                               .poisoned = query_copy(q, 3, arena)};
    }
}

struct result baseline_find(struct store *store, struct arena *arena, struct slice name,
                            const struct baseline **out)
{
    struct baseline *all;
    size_t count;
    *out = NULL;
    TRY(baseline_list(store, arena, &all, &count));
    for (size_t i = 0; i < count; i++)
        if (slice_eq(all[i].name, name))
            *out = &all[i];
    return RESULT_OK;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_name(struct slice name)
{
    if (name.len == 0 || name.len > 100 || !is_letter(name.data[0]))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (!is_letter(c) && !(c >= '0' && c <= '9') && !memchr("._-/", c, 4))
            return false;
    }
    return !slice_is(name, "last");
}

/* What the name of a baseline names must be there. */
static struct result check_known(struct store *store, struct slice name)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    const struct baseline *found;
    TRY(baseline_find(store, arena, name, &found));
    ENSURE(found, ERR_NOT_FOUND, "there is no baseline \"%.*s\"; `assay baseline list` lists them",
           SLICE_ARG(name));
    return RESULT_OK;
}

struct result baseline_set(struct store *store, struct slice name, int64_t run, int64_t now)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    ENSURE(is_name(name), ERR_USAGE,
           "\"%.*s\" is no name for a baseline: letters, digits, '.', '_', '-' and '/', beginning "
           "with a letter, and not \"last\"",
           SLICE_ARG(name));
    TRY(database_prepare(store_database(store),
                         "INSERT INTO baseline (name, run, pinned, poisoned)"
                         " VALUES (?1, ?2, ?3, NULL) ON CONFLICT (name) DO UPDATE"
                         " SET run = excluded.run, pinned = excluded.pinned, poisoned = NULL",
                         &q));
    query_set_text(q, 1, name);
    query_set_integer(q, 2, run);
    query_set_integer(q, 3, now);
    return query_run(q);
}

struct result baseline_poison(struct store *store, struct slice name, struct slice reason)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    TRY(check_known(store, name));
    TRY(database_prepare(store_database(store), "UPDATE baseline SET poisoned = ?2 WHERE name = ?1",
                         &q));
    query_set_text(q, 1, name);
    query_set_text(q, 2, reason);
    return query_run(q);
}

struct result baseline_remove(struct store *store, struct slice name)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    TRY(check_known(store, name));
    TRY(database_prepare(store_database(store), "DELETE FROM baseline WHERE name = ?1", &q));
    query_set_text(q, 1, name);
    return query_run(q);
}
