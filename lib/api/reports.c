/*
 * The reports of a command: those that hear every event are sinks; those of a whole run are made
 * from the store when it has ended.
 */
#include "api/session.h"
#include "record/report_file.h"
#include "report/html.h"
#include "report/summary.h"

static struct result write_summary(FILE *to, const struct run_data *run,
                                   const struct resource_history *resources)
{
    (void)resources;
    return summary_write_text(to, run);
}

static struct result write_summary_json(FILE *to, const struct run_data *run,
                                        const struct resource_history *resources)
{
    (void)resources;
    return summary_write_json(to, run);
}

/* By the names in report_formats; ends with NULL. */
static const struct whole_report {
    const char *name;
    struct result (*write)(FILE *to, const struct run_data *run,
                           const struct resource_history *resources);
} whole_reports[] = {
    {"html", html_write},
    {"summary", write_summary},
    {"summary-json", write_summary_json},
    {0},
};

static const struct whole_report *whole_report_of(const struct report_format *format)
{
    const struct whole_report *whole = whole_reports;
    while (strcmp(whole->name, format->name) != 0)
        whole++;
    return whole;
}

struct result session_reports(const struct assay_strings *reports, bool stored, struct sink **sinks,
                              size_t *count)
{
    for (size_t i = 0; i < reports->count; i++) {
        struct slice argument = slice_str(reports->items[i]), path = {0};
        const struct report_format *format = NULL;
        TRY(report_argument(argument, &format, &path));
        ENSURE(format->open || stored, ERR_USAGE,
               "--report %s is made from the store, and --store none has nothing", format->name);
        if (!format->open)
            continue;
        TRY(sink_report(argument, &sinks[*count]));
        ++*count;
    }
    return RESULT_OK;
}

static struct result write_whole(struct slice argument, const struct run_data *run,
                                 const struct resource_history *resources)
{
    const struct report_format *format = NULL;
    struct slice path = {0};
    TRY(report_argument(argument, &format, &path));
    if (format->open)
        return RESULT_OK;
    struct report_file file;
    TRY(report_file_open(path, false, &file));
    return report_file_close(&file, whole_report_of(format)->write(file.to, run, resources));
}

static size_t count_whole(const struct assay_strings *reports)
{
    const struct report_format *format = NULL;
    struct slice path = {0};
    size_t count = 0;
    for (size_t i = 0; i < reports->count; i++)
        count += result_ok(report_argument(slice_str(reports->items[i]), &format, &path)) &&
                 !format->open;
    return count;
}

bool session_all_whole(const struct assay_strings *reports)
{
    return reports->count && count_whole(reports) == reports->count;
}

struct result session_whole_reports(struct session *session, const struct assay_strings *reports,
                                    const char *url, const struct slice *runs, size_t count)
{
    DEFER(session_store_close)
    struct store *store = NULL;
    struct run_data *run = NULL;
    if (count_whole(reports) == 0)
        return RESULT_OK;
    TRY(session_store(url, false, &store));
    ENSURE(store, ERR_NOT_FOUND, "there is no store at %s", url ? url : ASSAY_DEFAULT_STORE);
    TRY(run_data_load(store, session->arena, runs, count, &run));
    struct resource_history resources;
    if (count == 1)
        TRY(resource_history_load(store, session->arena, &run->runs[0], &resources));
    for (size_t i = 0; i < reports->count; i++)
        TRY(write_whole(slice_str(reports->items[i]), run, count == 1 ? &resources : NULL));
    return RESULT_OK;
}
