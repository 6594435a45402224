/*
 * assay run.
 */
#include <string.h>

#include "command.h"

static const char *const order_words[] = {"longest", "risk", NULL};
static const char *const flaky_words[] = {"pass", "fail", NULL};

static const char *const cache_words[] = {"on", "refresh", "off", NULL};

static const char *const measure_words[] = {"on", "off", NULL};

static const struct option options[] = {
    {"resume", 0, OPTION_TEXT, offsetof(struct invocation, resume), "RUN", .optional = true,
     .absent = "last",
     .help = "Do what an earlier run did not finish, as part of that run. RUN is an id, a unique "
             "prefix, or last."},
    {"rerun-failed", 0, OPTION_TEXT, offsetof(struct invocation, rerun_failed), "RUN",
     .optional = true, .absent = "last",
     .help = "Do again what did not pass in an earlier run, as a new run."},
    {"fail-fast", 'x', OPTION_FLAG, offsetof(struct invocation, fail_fast),
     .help = "Begin nothing more after the first failure."},
    {"max-failures", 0, OPTION_COUNT, offsetof(struct invocation, max_failures), "N",
     .help = "Begin nothing more after so many failures."},
    {"order", 0, OPTION_TEXT, offsetof(struct invocation, order), "WHAT", .words = order_words,
     .help =
         "What begins first, after priorities: longest (the default; the run is over soonest) or "
         "risk (what is likely to fail, by the store; `assay history --risk` shows it)."},
    {"cache", 0, OPTION_TEXT, offsetof(struct invocation, cache), "WHEN", .words = cache_words,
     .help =
         "Answers of models: on (keep them and use them again), refresh (keep new ones) or off. "
         "Default: as each suite says."},
    {"flaky", 0, OPTION_TEXT, offsetof(struct invocation, flaky), "WHAT", .words = flaky_words,
     .help = "What a pass on a retry counts as: pass (the default; it is flagged flaky) or fail."},
    {"measure", 0, OPTION_TEXT, offsetof(struct invocation, measure), "WHEN",
     .words = measure_words,
     .help = "Look at assay and every service ten times a second: on (the default) or off. Checks "
             "of memory see nothing then, and fail."},
    {NULL},
};

static const struct example examples[] = {
    {"assay run suites/worker", "run a suite"},
    {"assay run suites --tag stream --jobs 8",
     "the cases tagged stream of every suite in a folder, eight at once"},
    {"assay run x.json --case \"stops at a brace\" -v", "one case, with all there is to see"},
    {"assay run x.json --report junit=out.xml --report github", "with reports for CI"},
    {"assay run x.json --webhook 'slack=$SLACK_URL' --webhook-when changes",
     "tell a channel when something broke or was mended"},
    {"assay run --resume", "go on where the last run was cut off"},
    {NULL},
};

static int run(struct invocation *in)
{
    struct assay_run_options o = {
        .selection = in->selection,
        .streams = in->streams,
        .detail = in->quiet     ? ASSAY_QUIET
                  : in->verbose ? ASSAY_VERBOSE
                                : ASSAY_NORMAL,
        .reports = in->reports,
        .webhooks = webhooks_of(in),
        .store = in->store,
        .keep = in->retention,
        .jobs = in->jobs,
        .cache = in->cache,
        .max_failures = in->fail_fast ? 1 : in->max_failures,
        .flaky_fails = in->flaky && strcmp(in->flaky, "fail") == 0,
        .unmeasured = in->measure && strcmp(in->measure, "off") == 0,
        .by_risk = in->order && strcmp(in->order, "risk") == 0,
        .resume = in->resume,
        .rerun_failed = in->rerun_failed,
        .arguments = in->typed,
    };
    return assay_run(&o);
}

const struct command command_run = {
    .name = "run",
    .words = "SUITE…",
    .line = "Run suites: start services, run the cases, check, record, report",
    .text = "Reads the suites (files, or folders with all suites in them), starts the services "
            "they name, runs the cases in "
            "parallel, checks what comes back, keeps every result in the store as it ends, and "
            "says what broke, where and "
            "how to run just that again. Ctrl-C ends it in order; what was finished is kept.",
    .options = (const struct option *const[]){options_selection, options, options_reports,
                                              options_webhooks, options_store, options_kept,
                                              options_detail, options_common, NULL},
    .examples = examples,
    .run = run,
};
