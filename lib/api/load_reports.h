/*
 * The reports of a load: `--report FORMAT[=PATH]` and `--json PATH`. Files are opened before the
 * load begins, so that an hour's run is not lost to a folder that is not there.
 */
#ifndef API_LOAD_REPORTS_H
#define API_LOAD_REPORTS_H

#include "api/session.h"
#include "load/curve.h"
#include "load/print.h"
#include "record/report_file.h"

struct load_format;

struct load_reports {
    struct session *session;
    struct load_report_file {
        const struct load_format *format;
        struct report_file file;
    } *items;
    size_t count;
    bool on_stdout; /* one of them goes to standard output: nothing else should */
};

/*
 * ERR_USAGE for a format that there is not, or not of a `curve`; ERR_IO for a file that cannot be
 * written. What was opened stays, for load_reports_drop.
 */
struct result load_reports_open(struct session *session, const struct assay_load_options *options,
                                bool curve, struct load_reports *out) MUST_USE;

/* Write them all: of a load, … */
struct result load_reports_write(struct load_reports *reports,
                                 const struct load_report *report) MUST_USE;
/* … or of a sweep or search. */
struct result load_reports_write_curve(struct load_reports *reports,
                                       const struct curve *curve) MUST_USE;

/* For DEFER: those that were not written leave nothing behind. */
void load_reports_drop(struct load_reports *reports);

#endif
