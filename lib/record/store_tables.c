/*
 * The tables of a store. A test compares this list with what the schema makes.
 */
#include "record/store_tables.h"

const struct stored_table stored_tables[] = {
    {"run", "run", STORED_OF_RUN},
    {"test_case", "test_case", STORED_OF_CASE},
    {"definition", "definition", STORED_OF_CASE},
    {"planned", "run, position", STORED_OF_RUN},
    {"result", "run, sequence", STORED_OF_RUN},
    {"attempt", "run, sequence, attempt", STORED_OF_RUN},
    {"step", "run, sequence, attempt, step", STORED_OF_RUN},
    {"verdict", "run, sequence, attempt, step, verdict", STORED_OF_RUN},
    {"usage", "run, sequence, attempt, step, position", STORED_OF_RUN},
    {"evidence", "run, sequence, attempt, step", STORED_OF_RUN},
    {"service_event", "run, position", STORED_OF_RUN},
    {"note", "run, position", STORED_OF_RUN},
    {"subject", "run, subject", STORED_OF_RUN},
    {"sample", "run, subject, at", STORED_OF_RUN},
    {"anomaly", "run, position", STORED_OF_RUN},
    {"checked", "run, name", STORED_OF_RUN},
    {"load", "run", STORED_OF_RUN},
    {"load_metric", "run, metric", STORED_OF_RUN},
    {"load_failure", "run, class", STORED_OF_RUN},
    {"load_second", "run, second", STORED_OF_RUN},
    {"baseline", "name", STORED_OF_STORE},
    {"quarantine", "test_case", STORED_OF_STORE},
    {NULL},
};

const struct stored_table *stored_table_find(struct slice name)
{
    for (const struct stored_table *t = stored_tables; t->name; t++)
        if (slice_is(name, t->name))
            return t;
    return NULL;
}

struct result stored_columns(struct database *db, struct arena *arena, const char *table,
                             struct stored_column **columns, size_t *count)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    size_t room = 64; /* no table of ours has half as many */
    bool row;

    TRY(database_prepare(
        db,
        database_kind(db) == DATABASE_SQLITE
            ? "SELECT name, type = 'TEXT', \"notnull\" FROM pragma_table_info(?1) ORDER BY cid"
            : "SELECT column_name, data_type = 'text', is_nullable = 'NO' FROM"
              " information_schema.columns WHERE table_name = ?1 AND table_schema ="
              " current_schema() ORDER BY ordinal_position",
        &q));
    query_set_text(q, 1, slice_str(table));
    *columns = ARENA_ARRAY(arena, struct stored_column, room);
    *count = 0;
    for (;;) {
        TRY(query_next(q, &row));
        if (!row)
            return RESULT_OK;
        MUST(*count < room, "table %s has more than %zu columns", table, room);
        (*columns)[(*count)++] = (struct stored_column){
            .name = arena_string(arena, query_text(q, 0)),
            .text = query_integer(q, 1) != 0,
            .not_null = query_integer(q, 2) != 0,
        };
    }
}
