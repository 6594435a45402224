/*
 * The table of formats in which a load is told, and writing them.
 */
#include "api/load_reports.h"

#include "core/jsontext.h"
#include "core/memory.h"
#include "load/hdr.h"
#include "report/load_html.h"

static void add_json(struct text *t, json_t *json)
{
    text_add(t, jsontext_write_pretty(t->arena, jsontext_keep(t->arena, json)));
    text_add_byte(t, '\n');
}

static void write_json(struct text *t, const struct load_report *report)
{
    add_json(t, print_json(report));
}

static void write_curve_json(struct text *t, const struct curve *curve)
{
    add_json(t, curve_json(curve));
}

static void write_hdr(struct text *t, const struct load_report *report)
{
    hdr_log(t, report->timeline);
}

struct load_format {
    const char *name, *path; /* where it goes when nobody says */
    void (*write)(struct text *t, const struct load_report *report);
    void (*write_curve)(struct text *t, const struct curve *curve); /* NULL: not of a curve */
};
static const struct load_format formats[] = {
    {"html", "load-report.html", load_html, load_html_curve},
    {"csv", "load-report.csv", print_csv, curve_csv},
    {"hdr", "load-report.hlog", write_hdr, NULL},
    {"json", "load-report.json", write_json, write_curve_json},
    {"markdown", "load-report.md", print_markdown, curve_markdown},
};
#define FORMAT_COUNT (sizeof(formats) / sizeof(formats[0]))

static const struct load_format *format_named(const char *name)
{
    const struct load_format *format = formats;
    while (strcmp(format->name, name) != 0)
        format++;
    return format;
}

static struct result open_one(struct load_reports *reports, const struct load_format *format,
                              struct slice path)
{
    struct load_report_file *one = &reports->items[reports->count];
    one->format = format;
    TRY(report_file_open(path, false, &one->file));
    if (!one->file.path) {
        one->file.to = reports->session->streams.out;
        reports->on_stdout = true;
    }
    reports->count++;
    return RESULT_OK;
}

struct result load_reports_open(struct session *session, const struct assay_load_options *options,
                                bool curve, struct load_reports *out)
{
    const char *names[FORMAT_COUNT + 1] = {0};
    struct slice path = {0};
    size_t which = 0;
    for (size_t i = 0; i < FORMAT_COUNT; i++)
        names[i] = formats[i].name;
    *out = (struct load_reports){.session = session};
    out->items = ARENA_ARRAY(session->arena, struct load_report_file, options->reports.count + 1);
    for (size_t i = 0; i < options->reports.count; i++) {
        TRY(report_named(slice_str(options->reports.items[i]), names, &which, &path));
        ENSURE(!curve || formats[which].write_curve, ERR_USAGE,
               "--report %s is made of one load, not of --search or --sweep", names[which]);
        TRY(open_one(out, &formats[which], path.data ? path : slice_str(formats[which].path)));
    }
    if (options->json)
        TRY(open_one(out, format_named("json"), slice_str(options->json)));
    return RESULT_OK;
}

static struct result put(FILE *to, const struct text *t)
{
    bool good = fwrite(text_str(t), 1, t->len, to) == t->len && fflush(to) == 0;
    ENSURE(good, ERR_IO, "it could not be written");
    return RESULT_OK;
}

/* One of the two is NULL. */
static struct result write_all(struct load_reports *reports, const struct load_report *report,
                               const struct curve *curve)
{
    struct result first = RESULT_OK; /* one that fails does not keep the others from being */
    while (reports->count > 0) {
        DEFER(arena_free_pointer)
        struct arena *arena = arena_new();
        struct text t = text_in(arena);
        struct load_report_file *one = &reports->items[--reports->count];
        if (report)
            one->format->write(&t, report);
        else
            one->format->write_curve(&t, curve);
        struct result r = report_file_close(&one->file, put(one->file.to, &t));
        if (result_ok(first))
            first = r;
    }
    return first;
}

struct result load_reports_write(struct load_reports *reports, const struct load_report *report)
{
    return write_all(reports, report, NULL);
}

struct result load_reports_write_curve(struct load_reports *reports, const struct curve *curve)
{
    return write_all(reports, NULL, curve);
}

void load_reports_drop(struct load_reports *reports)
{
    while (reports->count > 0)
        report_file_drop(&reports->items[--reports->count].file);
}
