/*
 * What was before a run: how its cases ended when they last ran. One lookup in the index of
 * history for a case.
 */
#include "record/store_internal.h"

bool store_status_before(struct store *store, struct slice run_id, struct slice key,
                         enum case_status *out)
{
    sqlite3_stmt *q = NULL;
    bool row = false;

    if (!result_ok(store_statement(store, STATEMENT_STATUS_BEFORE, &q)))
        return false;
    store_bind_text(store, q, 1, key);
    store_bind_text(store, q, 2, run_id);
    sqlite3_bind_int64(q, 3, CASE_PASSED);
    sqlite3_bind_int64(q, 4, CASE_FAILED);
    sqlite3_bind_int64(q, 5, CASE_ERROR);
    if (!result_ok(store_step(store, q, &row)) || !row)
        return false;
    *out = (enum case_status)sqlite3_column_int64(q, 0);
    sqlite3_reset(q);
    return true;
}
