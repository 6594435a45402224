/*
 * assay_report: any report of a stored run, made again.
 */
#include "api/load_reports.h"
#include "api/session.h"
#include "core/memory.h"
#include "record/replay.h"
#include "report/explained.h"
#include "report/load_data.h"
#include "report/load_merge.h"

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

/* ── loads ── */

/* What was measured in each second; of warm-up only counts are kept. */
static void add_rows(const struct load_data *data, struct text *t)
{
    print_columns(t, data->target.stream);
    for (size_t i = 0; i < data->timeline->count; i++) {
        const struct timeline_row *row = &data->timeline->rows[i];
        struct load_second *second = timeline_second(row);
        print_second(t, second, data->target.stream, row->to, row->to - row->from, row->warming);
        mem_free(second);
    }
}

static struct result show_load(struct session *session, const struct load_data *data)
{
    struct text t = text_in(session->arena);
    text_printf(&t, "load %.*s\n", SLICE_ARG(data->name));
    print_plan(&t, &data->plan);
    if (data->ended) {
        print_report(&t, &data->report, session->streams.out_color);
    } else {
        add_rows(data, &t);
        text_printf(&t, "\nINCOMPLETE: this load was killed, or is still going on\nrun %s\n",
                    data->report.run);
    }
    fputs(text_str(&t), session->streams.out);
    return RESULT_OK;
}

static struct result write_load(struct session *session, const struct load_data *data,
                                const struct assay_report_options *o)
{
    const struct assay_load_options as_load = {.reports = o->reports};
    if (o->reports.count == 0)
        return show_load(session, data);
    ENSURE(data->ended, ERR_USAGE,
           "load %s is incomplete: it has no report; without --report its seconds are shown",
           data->report.run);
    DEFER(load_reports_drop)
    struct load_reports reports = {0};
    TRY(load_reports_open(session, &as_load, false, &reports));
    return load_reports_write(&reports, &data->report);
}

/* Of several: parts of one load, from several machines, are added up. */
static struct result report_loads(struct session *session, struct store *store,
                                  const struct run_info *runs, size_t count,
                                  const struct assay_report_options *o)
{
    struct arena *arena = session->arena;
    struct load_data **parts = ARENA_ARRAY(arena, struct load_data *, count);
    DEFER(load_data_free)
    struct load_data *merged = NULL;
    struct result r = RESULT_OK;
    ENSURE(o->webhooks.targets.count == 0, ERR_USAGE,
           "run %.*s is a load: webhooks tell of runs of suites", SLICE_ARG(runs[0].id));
    for (size_t i = 0; i < count && result_ok(r); i++)
        r = load_data_read(store, arena, &runs[i], &parts[i]);
    if (result_ok(r) && count > 1)
        r = load_merge(arena, parts, count, &merged);
    if (result_ok(r))
        r = write_load(session, merged ? merged : parts[0], o);
    for (size_t i = 0; i < count; i++)
        load_data_free(&parts[i]);
    return r;
}

/* Runs of suites are added up with such, and loads with loads. */
static struct result look_up(struct store *store, struct arena *arena, const struct slice *names,
                             size_t count, struct run_info *out)
{
    for (size_t i = 0; i < count; i++) {
        TRY(store_find(store, arena, names[i], &out[i]));
        ENSURE(out[i].load == out[0].load, ERR_USAGE,
               "run %.*s is a load and run %.*s is not: they have no report together",
               SLICE_ARG(out[out[i].load ? i : 0].id), SLICE_ARG(out[out[i].load ? 0 : i].id));
    }
    return RESULT_OK;
}

/* ── all ── */

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
    struct run_info *infos = ARENA_ARRAY(session->arena, struct run_info, run_count);
    TRY(look_up(store, session->arena, runs, run_count, infos));
    if (infos[0].load)
        return report_loads(session, store, infos, run_count, o);
    if (run_count > 1) {
        ENSURE(
            session_all_whole(&o->reports) && o->webhooks.targets.count == 0, ERR_USAGE,
            "of several runs together there are only the reports summary, summary-json and html");
        return session_whole_reports(session, &o->reports, o->store, runs, run_count);
    }
    struct run_info run = infos[0];
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
