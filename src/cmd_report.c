/*
 * assay report.
 */
#include "command.h"

static const struct example examples[] = {
    {"assay report", "the last run again, for people"},
    {"assay report 20261121 --report markdown=summary.md",
     "a run by the beginning of its id, as Markdown"},
    {NULL},
};

static int run(struct invocation *in)
{
    if (in->words.count > 1) {
        fprintf(in->streams.err, "assay report: one RUN at a time, not %zu\n", in->words.count);
        return 2;
    }
    struct assay_report_options o = {
        .streams = in->streams,
        .detail = in->quiet     ? ASSAY_QUIET
                  : in->verbose ? ASSAY_VERBOSE
                                : ASSAY_NORMAL,
        .run = in->words.count ? in->words.items[0] : NULL,
        .store = in->store,
        .reports = in->reports,
        .webhooks = webhooks_of(in),
    };
    return assay_report(&o);
}

const struct command command_report = {
    .name = "report",
    .words = "[RUN]",
    .line = "Make any report of an earlier run",
    .text = "Reports are made from the store, so each can be made again, later, in any form. RUN "
            "is an id, a unique prefix, "
            "or last (the default).",
    .options = (const struct option *const[]){options_reports, options_webhooks, options_store,
                                              options_detail, options_common, NULL},
    .examples = examples,
    .run = run,
};
