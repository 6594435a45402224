/*
 * assay_compare: what changed between runs, or between loads.
 */
#include "report/compare.h"
#include "api/lookback.h"
#include "record/report_file.h"
#include "report/load_compare.h"

/* A comparison of loads that cannot be believed is the surroundings' fault, not the service's. */
#define STATUS_INCONCLUSIVE 3

/* The comparison in its forms; each is made only when it is wanted. */
struct forms {
    const char *(*text)(struct arena *arena, const void *comparison, bool color);
    const char *(*markdown)(struct arena *arena, const void *comparison);
    json_t *(*json)(struct arena *arena, const void *comparison);
};

static struct result write_markdown(const char *text, struct slice path)
{
    struct report_file file;
    TRY(report_file_open(path, false, &file));
    bool good = fputs(text, file.to) >= 0;
    return report_file_close(&file,
                             good ? RESULT_OK : error_set(ERR_IO, "it could not be written"));
}

static struct result show(struct session *session, const struct assay_compare_options *o,
                          const struct forms *forms, const void *comparison)
{
    static const char *const names[] = {"markdown", NULL};
    struct slice path = {0};
    size_t which = 0;
    if (o->report) {
        TRY(report_named(slice_str(o->report), names, &which, &path));
        const char *markdown = forms->markdown(session->arena, comparison);
        if (!path.data || slice_is(path, "-")) {
            lookback_print(session, markdown);
            return RESULT_OK;
        }
        TRY(write_markdown(markdown, path));
    }
    if (o->json)
        lookback_print_json(session, forms->json(session->arena, comparison));
    else
        lookback_print(session,
                       forms->text(session->arena, comparison, session->streams.out_color));
    return RESULT_OK;
}

static const char *loads_text(struct arena *arena, const void *comparison, bool color)
{
    return load_compare_text(arena, comparison, color);
}

static const char *loads_markdown(struct arena *arena, const void *comparison)
{
    return load_compare_markdown(arena, comparison);
}

static json_t *loads_json(struct arena *arena, const void *comparison)
{
    return load_compare_json(arena, comparison);
}

static struct result compare_loads(struct session *session, const struct assay_compare_options *o,
                                   struct past *past, const struct compare_side *before,
                                   const struct compare_side *after, double threshold, int *status)
{
    static const struct forms forms = {loads_text, loads_markdown, loads_json};
    struct load_comparison *c = NULL;
    TRY(load_compare(past, before, after, threshold, &c));
    *status = !c->conclusive ? STATUS_INCONCLUSIVE : c->worse > 0;
    return show(session, o, &forms, c);
}

static const char *runs_text(struct arena *arena, const void *comparison, bool color)
{
    return compare_text(arena, comparison, color);
}

static const char *runs_markdown(struct arena *arena, const void *comparison)
{
    return compare_markdown(arena, comparison);
}

static json_t *runs_json(struct arena *arena, const void *comparison)
{
    return compare_json(arena, comparison);
}

static struct result compare_runs(struct session *session, const struct assay_compare_options *o,
                                  struct past *past, const struct compare_side *before,
                                  const struct compare_side *after, double threshold, int *status)
{
    static const struct forms forms = {runs_text, runs_markdown, runs_json};
    struct comparison *c = NULL;
    TRY(compare_sides(past, before, after, threshold, clock_wall(), &c));
    *status = compare_worse(c);
    return show(session, o, &forms, c);
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
               ? compare_loads(session, o, past, &before, &after, threshold, status)
               : compare_runs(session, o, past, &before, &after, threshold, status);
}

int assay_compare(const struct assay_compare_options *options)
{
    DEFER(session_end)
    struct session session = session_begin(&options->streams);
    int status = 0;
    struct result r = compare(&session, options, &status);
    return result_ok(r) ? status : session_failed(&session, r);
}
