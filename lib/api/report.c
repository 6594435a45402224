/*
 * assay_report: any report of a stored run, made again.
 */
#include "api/session.h"
#include "record/replay.h"
#include "report/explained.h"

/* Reports that stay empty; the fault is already known. */
static void close_all(struct sink **sinks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        result_ignore(sinks[i]->close(sinks[i]));
}

/* "A,B": at least one, which may be empty. */
static size_t split_runs(struct arena *arena, const char *text, struct slice **out)
{
    struct slice rest = slice_str(text), part;
    struct slice *runs = ARENA_ARRAY(arena, struct slice, rest.len + 1);
    size_t count = 0;
    while (slice_split(&rest, ',', &part))
        runs[count++] = part;
    *out = runs;
    return count ? count : 1;
}

static struct result make_reports(struct session *session, const struct assay_report_options *o)
{
    static const enum console_detail details[] = {[ASSAY_NORMAL] = CONSOLE_NORMAL,
                                                  [ASSAY_QUIET] = CONSOLE_QUIET,
                                                  [ASSAY_VERBOSE] = CONSOLE_VERBOSE};
    const struct assay_streams *s = &session->streams;
    DEFER(session_store_close)
    struct store *store = NULL;
    TRY(session_store(o->store, false, &store));
    ENSURE(store, ERR_NOT_FOUND, "there is no store at %s; `assay run` makes one",
           o->store ? o->store : ASSAY_DEFAULT_STORE);
    struct slice *runs = NULL;
    size_t run_count = split_runs(session->arena, o->run ? o->run : "last", &runs);
    if (run_count > 1) {
        ENSURE(
            session_all_whole(&o->reports) && o->webhooks.targets.count == 0, ERR_USAGE,
            "of several runs together there are only the reports summary, summary-json and html");
        return session_whole_reports(session, &o->reports, o->store, runs, run_count);
    }
    struct run_info run;
    TRY(store_find(store, session->arena, runs[0], &run));
    struct sink **sinks = ARENA_ARRAY(session->arena, struct sink *,
                                      o->reports.count + o->webhooks.targets.count + 1);
    size_t count = 0;
    struct result r = session_reports(&o->reports, true, sinks, &count);
    if (o->reports.count == 0 && o->webhooks.targets.count == 0)
        sinks[count++] = sink_console(s->out, details[o->detail], s->out_color, false, s->columns);
    if (result_ok(r))
        r = session_webhooks(session, &o->webhooks, o->store, run.id, sinks, &count);
    if (result_ok(r) && count) {
        struct sink *all = sink_explained(o->store ? o->store : ASSAY_DEFAULT_STORE, sinks, count);
        r = record_replay(store, run.id, &all, 1);
    } else {
        close_all(sinks, count);
    }
    TRY(r);
    return session_whole_reports(session, &o->reports, o->store, &run.id, 1);
}

int assay_report(const struct assay_report_options *options)
{
    DEFER(session_end)
    struct session session = session_begin(&options->streams);
    struct result r = make_reports(&session, options);
    return result_ok(r) ? 0 : session_failed(&session, r);
}
