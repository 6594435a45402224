/*
 * A sink takes the event stream and makes something of it: a report, the console, a database. Sinks
 * know nothing of one another. Report formats stand in one table.
 */
#ifndef RECORD_SINK_H
#define RECORD_SINK_H

#include <stdio.h>

#include "record/event.h"

struct sink {
    void (*event)(struct sink *sink, const struct event *event);
    /* About every 100 ms while a run goes on, for a progress line; may be NULL. */
    void (*tick)(struct sink *sink, int64_t now);
    bool totals; /* EVENT_TOTALS, which takes reading all results again, is made for this one */
    /* Write what is left and free the sink; an error of writing is reported here. */
    struct result (*close)(struct sink *sink);
};

struct report_format {
    const char *name; /* as in --report NAME */
    const char *help;
    const char *default_path; /* NULL: standard output */
    bool streamed;            /* written line by line as things happen */
    /* NULL: it is of the run as a whole, and made from the store when that has ended. */
    struct sink *(*open)(FILE *to, bool color);
};

/* All formats; ends with name NULL. */
extern const struct report_format report_formats[];

/*
 * What `--report FORMAT[=PATH]` asks for; the format's own place when there is no path. ERR_USAGE
 * for a format that is none (the text lists them), or an empty path.
 */
struct result report_argument(struct slice argument, const struct report_format **format,
                              struct slice *path) MUST_USE;

/*
 * A sink for `--report FORMAT[=PATH]`. The file is written beside its place and renamed when
 * complete (jsonl and tap are written through instead, line by line). `-` is standard output.
 */
struct result sink_report(struct slice argument, struct sink **out) MUST_USE;

/* Would that report go to standard output? Then nothing else should. */
bool sink_report_on_stdout(struct slice argument);

enum console_detail { CONSOLE_QUIET, CONSOLE_NORMAL, CONSOLE_VERBOSE };

/*
 * The live console: on a terminal a progress line with counts, running cases and time left, and a
 * line for every case that did not pass; elsewhere plain lines. At the end every failure with its
 * evidence, and the summary.
 */
struct sink *sink_console(FILE *to, enum console_detail detail, bool color, bool live, int columns);

#endif
