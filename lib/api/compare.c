/*
 * assay_compare: what changed between runs.
 */
#include "report/compare.h"
#include "api/lookback.h"

static struct result compare(struct session *session, const struct assay_compare_options *o,
                             bool *worse)
{
    DEFER(lookback_close)
    struct lookback lookback = {0};
    struct compare_side before, after;
    struct comparison *comparison;
    TRY(lookback_open(session, o->store, &lookback));
    TRY(compare_side_find(&lookback.past, o->before ? o->before : "last~1", &before));
    TRY(compare_side_find(&lookback.past, o->after ? o->after : "last", &after));
    TRY(compare_sides(&lookback.past, &before, &after,
                      o->threshold > 0 ? o->threshold : CHANGE_THRESHOLD, clock_wall(),
                      &comparison));
    *worse = compare_worse(comparison);
    if (o->json)
        lookback_print_json(session, compare_json(session->arena, comparison));
    else
        lookback_print(session,
                       compare_text(session->arena, comparison, session->streams.out_color));
    return RESULT_OK;
}

int assay_compare(const struct assay_compare_options *options)
{
    DEFER(session_end)
    struct session session = session_begin(&options->streams);
    bool worse = false;
    struct result r = compare(&session, options, &worse);
    return result_ok(r) ? (int)worse : session_failed(&session, r);
}
