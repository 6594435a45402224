/*
 * assay_compare: what changed between runs, or between loads.
 */
#include "report/compare.h"
#include "api/lookback.h"
#include "report/load_compare.h"

/* A comparison of loads that cannot be believed is the surroundings' fault, not the service's. */
#define STATUS_INCONCLUSIVE 3

static struct result compare_loads(struct session *session, struct past *past,
                                   const struct compare_side *before,
                                   const struct compare_side *after, double threshold, bool json,
                                   int *status)
{
    struct load_comparison *c = NULL;
    TRY(load_compare(past, before, after, threshold, &c));
    *status = !c->conclusive ? STATUS_INCONCLUSIVE : c->worse > 0;
    if (json)
        lookback_print_json(session, load_compare_json(session->arena, c));
    else
        lookback_print(session, load_compare_text(session->arena, c, session->streams.out_color));
    return RESULT_OK;
}

static struct result compare_runs(struct session *session, struct past *past,
                                  const struct compare_side *before,
                                  const struct compare_side *after, double threshold, bool json,
                                  int *status)
{
    struct comparison *c = NULL;
    TRY(compare_sides(past, before, after, threshold, clock_wall(), &c));
    *status = compare_worse(c);
    if (json)
        lookback_print_json(session, compare_json(session->arena, c));
    else
        lookback_print(session, compare_text(session->arena, c, session->streams.out_color));
    return RESULT_OK;
}

static struct result compare(struct session *session, const struct assay_compare_options *o,
                             int *status)
{
    DEFER(lookback_close)
    struct lookback lookback = {0};
    struct past *past = &lookback.past;
    struct compare_side before, after;
    double threshold = o->threshold > 0 ? o->threshold : CHANGE_THRESHOLD;
    TRY(lookback_open(session, o->store, &lookback));
    TRY(compare_side_find(past, o->after ? o->after : "last", &after));
    if (!o->before && after.load)
        TRY(load_compare_earlier(past, &after, &before));
    else
        TRY(compare_side_find(past, o->before ? o->before : "last~1", &before));
    return before.load || after.load
               ? compare_loads(session, past, &before, &after, threshold, o->json, status)
               : compare_runs(session, past, &before, &after, threshold, o->json, status);
}

int assay_compare(const struct assay_compare_options *options)
{
    DEFER(session_end)
    struct session session = session_begin(&options->streams);
    int status = 0;
    struct result r = compare(&session, options, &status);
    return result_ok(r) ? status : session_failed(&session, r);
}
