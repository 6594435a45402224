/*
 * What is known of a store as a whole, and bringing one up to date.
 */
#include <stdio.h>
#include <sys/stat.h>

#include "core/text.h"
#include "record/store_admin.h"
#include "record/store_internal.h"

static struct result ask(struct database *db, const char *sql, int64_t *out)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    TRY(database_prepare(db, sql, &q));
    TRY(store_row(q));
    *out = query_integer(q, 0);
    return RESULT_OK;
}

static struct result ask_size(struct database *db, struct store_facts *out)
{
    if (out->kind == DATABASE_POSTGRESQL)
        return ask(db,
                   "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c"
                   " WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'",
                   &out->bytes);
    int64_t page = 0, pages = 0, free_pages = 0;
    TRY(ask(db, "SELECT page_size FROM pragma_page_size", &page));
    TRY(ask(db, "SELECT page_count FROM pragma_page_count", &pages));
    TRY(ask(db, "SELECT freelist_count FROM pragma_freelist_count", &free_pages));
    out->bytes = page * pages;
    out->free = page * free_pages;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct stat log;
    if (stat(arena_printf(arena, "%s-wal", out->name), &log) == 0)
        out->bytes += log.st_size;
    return RESULT_OK;
}

struct result store_facts(struct store *store, struct store_facts *out)
{
    struct database *db = store_database(store);
    *out = (struct store_facts){
        .name = database_name(db), .kind = database_kind(db), .version = store_schema_version};
    const struct {
        const char *sql;
        int64_t *out;
    } questions[] = {
        {"SELECT count(*) FROM run", &out->runs},
        {"SELECT count(*) FROM load", &out->loads},
        {"SELECT count(*) FROM test_case", &out->cases},
        {"SELECT count(*) FROM result", &out->results},
        {"SELECT count(*) FROM baseline", &out->baselines},
        {"SELECT count(*) FROM quarantine", &out->quarantined},
        {"SELECT coalesce(min(started), 0) FROM run", &out->oldest},
        {"SELECT coalesce(max(started), 0) FROM run", &out->newest},
    };
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
        TRY(ask(db, questions[i].sql, questions[i].out));
    return ask_size(db, out);
}

struct result store_upgrade(const char *url, int *from, int *to)
{
    DEFER(database_close_pointer)
    struct database *db = NULL;
    int64_t version = 0;
    TRY(database_open(url, &db));
    TRY(store_migrate(db, store_schema, store_schema_version, &version));
    *from = (int)version;
    *to = store_schema_version;
    return RESULT_OK;
}
