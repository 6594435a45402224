/*
 * assay history.
 */
#include "command.h"

static const struct option options[] = {
    {"results", 'n', OPTION_COUNT, offsetof(struct invocation, results), "N",
     .help = "Look at the last N results of each case (default 50)."},
    {"risk", 0, OPTION_FLAG, offsetof(struct invocation, risk),
     .help = "Which cases are likely to fail next, as --order risk of assay run takes it, and how "
             "good such predictions were."},
    {"json", 0, OPTION_FLAG, offsetof(struct invocation, json), .help = "As JSON."},
    {NULL},
};

static const struct example examples[] = {
    {"assay history", "every case: broken ones first, then flaky ones"},
    {"assay history 'worker/health'", "one case, with its times and their trend"},
    {"assay history nightly", "all loads that were made with --name nightly"},
    {"assay history --risk", "what is likely to fail in the next run"},
    {NULL},
};

static int run(struct invocation *in)
{
    if (in->words.count > 1) {
        fprintf(in->streams.err, "assay history: one CASE at a time, not %zu\n", in->words.count);
        return 2;
    }
    struct assay_history_options o = {
        .streams = in->streams,
        .test_case = in->words.count ? in->words.items[0] : NULL,
        .store = in->store,
        .results = in->results,
        .risk = in->risk,
        .json = in->json,
    };
    return assay_history(&o);
}

const struct command command_history = {
    .name = "history",
    .words = "[CASE|LOAD]",
    .line = "Show what became of cases and loads: pass rate, flaky or broken, since when, trends",
    .text = "Tells flaky cases from broken ones by a stated rule, with the pass rate (and its 95 % "
            "interval), the first bad and the last good run, and trends of times that are more "
            "than chance. A pass on a retry counts as a failure and a pass. CASE is suite/id, or "
            "an id that only one suite has. LOAD is the name of loads: each of them is shown, and "
            "since when a figure of theirs is another.",
    .options = (const struct option *const[]){options, options_store, options_common, NULL},
    .examples = examples,
    .run = run,
};
