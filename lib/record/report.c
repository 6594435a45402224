/*
 * Reports: the table of formats, and a report's file.
 */
#include <errno.h>

#include "core/memory.h"
#include "record/formats.h"
#include "record/report_file.h"

const struct report_format report_formats[] = {
    {"junit", "JUnit XML, with flaky and rerun elements", "junit.xml", false, junit_open},
    {"json", "CTRF, the Common Test Report Format (ctrf.io)", "ctrf.json", false, ctrf_open},
    {"jsonl", "every event as a line of JSON, as it happens", NULL, true, jsonl_open},
    {"tap", "TAP version 14, a line as each case ends", NULL, true, tap_open},
    {"markdown", "a summary for people, fit for a CI job summary ($GITHUB_STEP_SUMMARY)",
     "report.md", false, markdown_open},
    {"summary", "failures by their causes, times and rates by suite, model, tag, …, as text", NULL,
     false, NULL},
    {"summary-json", "the same as JSON", "summary.json", false, NULL},
    {"html", "one file with everything for people: causes, timeline, charts", "report.html", false,
     NULL},
    {"github", "annotations of a GitHub workflow, at the lines of the suite", NULL, true,
     github_open},
    {0},
};

/* --- for the formats --- */

void report_write(FILE *to, const struct text *t)
{
    fwrite(text_str(t), 1, t->len, to); /* a failure is remembered by the file: report_written */
    fflush(to);
}

struct result report_written(FILE *to)
{
    bool flushed = fflush(to) == 0;
    ENSURE(flushed && !ferror(to), ERR_IO, "cannot write the report: %s",
           flushed ? "an earlier write failed" : strerror(errno));
    return RESULT_OK;
}

static struct result plain_report_close(struct sink *sink)
{
    struct plain_report *report = (struct plain_report *)sink;
    struct result written = report_written(report->to);
    mem_free(report);
    return written;
}

struct sink *plain_report_open(FILE *to, void (*event)(struct sink *sink, const struct event *e))
{
    struct plain_report *report = NEW(struct plain_report);
    report->base = (struct sink){.event = event, .close = plain_report_close};
    report->to = to;
    return &report->base;
}

/* --- a report and its file --- */

struct file_report {
    struct sink base;
    struct sink *inner;
    struct report_file file;
};

static void file_event(struct sink *sink, const struct event *event)
{
    struct file_report *report = (struct file_report *)sink;
    report->inner->event(report->inner, event);
}

static struct result file_close(struct sink *sink)
{
    struct file_report *report = (struct file_report *)sink;
    struct result written = report->inner->close(report->inner);
    struct result finished = report_file_close(&report->file, written);
    mem_free(report);
    return finished;
}

struct result report_argument(struct slice argument, const struct report_format **format,
                              struct slice *path)
{
    const char *names[sizeof(report_formats) / sizeof(report_formats[0])] = {0};
    size_t which = 0;
    for (size_t i = 0; report_formats[i].name; i++)
        names[i] = report_formats[i].name;
    *format = NULL;
    TRY(report_named(argument, names, &which, path));
    *format = &report_formats[which];
    if (!path->data)
        *path = (*format)->default_path ? slice_str((*format)->default_path) : SLICE("-");
    return RESULT_OK;
}

struct result sink_report(struct slice argument, struct sink **out)
{
    const struct report_format *format = NULL;
    struct slice path = {0};
    TRY(report_argument(argument, &format, &path));
    struct file_report *report = NEW(struct file_report);
    struct result opened = report_file_open(path, format->streamed, &report->file);
    if (!result_ok(opened)) {
        mem_free(report);
        return opened;
    }
    report->inner = format->open(report->file.to, false);
    report->base =
        (struct sink){.event = file_event, .close = file_close, .totals = report->inner->totals};
    *out = &report->base;
    return RESULT_OK;
}

bool sink_report_on_stdout(struct slice argument)
{
    const struct report_format *format = NULL;
    struct slice path = {0};
    return result_ok(report_argument(argument, &format, &path)) && slice_is(path, "-");
}
