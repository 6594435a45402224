/*
 * assay compare.
 */
#include "command.h"
#include "core/parse.h"

static const struct option options[] = {
    {"threshold", 0, OPTION_TEXT, offsetof(struct invocation, threshold), "PERCENT",
     .help = "How much slower or faster matters, such as 10% (default 5%)."},
    {"json", 0, OPTION_FLAG, offsetof(struct invocation, json), .help = "As JSON."},
    {"report", 0, OPTION_TEXT, offsetof(struct invocation, comparison), "FORMAT[=PATH]",
     .help = "markdown: a page for a pull request or a CI job, into PATH or, without one, on "
             "standard output instead of the text."},
    {NULL},
};

static const struct example examples[] = {
    {"assay compare", "the last run with the one before"},
    {"assay compare main last", "the last run with the baseline main"},
    {"assay compare last~5,last~4,last~3 last~2,last~1,last --threshold 10%",
     "three runs with three, and only what is at least 10 % slower or faster"},
    {NULL},
};

/* "5%" or "5": percent, more than 0. */
static bool read_threshold(const char *text, double *out)
{
    struct slice number = slice_str(text);
    if (slice_ends(number, SLICE("%")))
        number.len--;
    if (!result_ok(parse_number(slice_trim(number), out)) || *out <= 0)
        return false;
    *out /= 100;
    return true;
}

static int run(struct invocation *in)
{
    struct assay_compare_options o = {
        .streams = in->streams,
        .before = in->words.count > 0 ? in->words.items[0] : NULL,
        .after = in->words.count > 1 ? in->words.items[1] : NULL,
        .store = in->store,
        .json = in->json,
        .report = in->comparison,
    };
    if (in->words.count > 2) {
        fprintf(in->streams.err,
                "assay compare: two sides, not %zu; several runs of a side stand with commas\n",
                in->words.count);
        return 2;
    }
    if (in->threshold && !read_threshold(in->threshold, &o.threshold)) {
        fprintf(in->streams.err, "assay compare: --threshold %s: expected percent, such as 10%%\n",
                in->threshold);
        return 2;
    }
    return assay_compare(&o);
}

const struct command command_compare = {
    .name = "compare",
    .words = "[BEFORE] [AFTER]",
    .line = "Say what broke, was fixed, is flaky, got slower or faster between runs or loads",
    .text =
        "Each side is a run (an id, a unique prefix, last, or last~2: the second before the "
        "last), a baseline, or several of these with commas. BEFORE is last~1 and AFTER is "
        "last when they are not given. A single run's times are one value a case, so the "
        "results that led up to it are taken along; times are compared by a rank test, and "
        "only what is clear beyond chance and this machine's noise is called slower or "
        "faster. Ends with 1 when something broke or got slower. "
        "Loads are compared figure by figure, by what their seconds and earlier loads of their "
        "name show; without BEFORE, with the one of its name before. Ends with 3 when a load is "
        "INVALID or incomplete: that proves nothing. docs/history.md and docs/statistics.md "
        "have the rules.",
    .options = (const struct option *const[]){options, options_store, options_common, NULL},
    .examples = examples,
    .run = run,
};
