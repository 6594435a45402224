/*
 * assay report.
 */
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"

/* Where --open puts the page. */
#define OPENED_PAGE ".assay/report.html"

static const struct option options[] = {
    {"open", 0, OPTION_FLAG, offsetof(struct invocation, open),
     .help = "Show the HTML report in a browser (xdg-open; it stays in " OPENED_PAGE ")."},
    {NULL},
};

static const struct example examples[] = {
    {"assay report", "the last run again, for people"},
    {"assay report 20261121 --report markdown=summary.md",
     "a run by the beginning of its id, as Markdown"},
    {"assay report 20261121-1,20261121-2 --report summary", "two runs together"},
    {"assay report --open", "the last run in a browser"},
    {NULL},
};

/* Hand the page to the desktop; the exit status. */
static int open_page(FILE *err)
{
    char program[] = "xdg-open", page[] = OPENED_PAGE;
    char *const argv[] = {program, page, NULL};
    pid_t pid;
    int status = 1;
    bool opened = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) == 0 &&
                  waitpid(pid, &status, 0) == pid && status == 0;
    if (opened)
        return 0;
    fprintf(err, "assay report: no browser could be started (xdg-open); the report is " OPENED_PAGE
                 "\n");
    return 3;
}

static int run(struct invocation *in)
{
    if (in->words.count > 1) {
        fprintf(in->streams.err, "assay report: one RUN, or several as RUN,RUN; not %zu\n",
                in->words.count);
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
    if (!in->open)
        return assay_report(&o);
    const char *page = "html=" OPENED_PAGE;
    o.reports = (struct assay_strings){&page, 1};
    int status = assay_report(&o);
    return status ? status : open_page(in->streams.err);
}

const struct command command_report = {
    .name = "report",
    .words = "[RUN]",
    .line = "Make any report of an earlier run",
    .text =
        "Reports are made from the store, so each can be made again, later, in any form. RUN "
        "is an id, a unique prefix, or last (the default); summary, summary-json and html "
        "can be of several together: RUN,RUN. So can parts of one load that several machines made "
        "at the same time.",
    .options = (const struct option *const[]){options, options_reports, options_webhooks,
                                              options_store, options_detail, options_common, NULL},
    .examples = examples,
    .run = run,
};
