/*
 * assay plan.
 */
#include "command.h"

static const struct option options[] = {
    {"json", 0, OPTION_FLAG, offsetof(struct invocation, json), .help = "As JSON."},
    {NULL},
};

static const struct example examples[] = {
    {"assay plan suites", "everything that would run, with needs, resources and expected times"},
    {"assay plan x.json --filter 'tag = slow and not id ~ \"^gpu\"' --jobs 4",
     "what a filter leaves, and how long it takes with 4 jobs"},
    {NULL},
};

static int run(struct invocation *in)
{
    struct assay_plan_options o = {.selection = in->selection,
                                   .streams = in->streams,
                                   .store = in->store,
                                   .jobs = in->jobs,
                                   .json = in->json};
    return assay_plan(&o);
}

const struct command command_plan = {
    .name = "plan",
    .words = "SUITE…",
    .line = "Read and check suites; show what would run, and how long it takes",
    .text = "Reads and checks suites without starting anything: cases after expansion, needs, "
            "resources, the longest chain, "
            "and the estimated time (from earlier runs when the store has any, else as declared).",
    .options = (const struct option *const[]){options_selection, options, options_store,
                                              options_common, NULL},
    .examples = examples,
    .run = run,
};
