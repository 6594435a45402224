/*
 * What was before a run: how its cases ended when they last ran. One lookup in the index of
 * history for a case.
 */
#include "record/store_internal.h"

bool store_status_before(struct store *store, struct slice run_id, struct slice key,
                         enum case_status *out)
{
    struct query *q = NULL;
    bool row = false;

    if (!result_ok(store_statement(store, STATEMENT_STATUS_BEFORE, &q)))
        return false;
    store_set_text(q, 1, key);
    store_set_text(q, 2, run_id);
    query_set_integer(q, 3, CASE_PASSED);
    query_set_integer(q, 4, CASE_FAILED);
    query_set_integer(q, 5, CASE_ERROR);
    if (!result_ok(query_next(q, &row)) || !row)
        return false;
    *out = (enum case_status)query_integer(q, 0);
    query_reset(q);
    return true;
}
