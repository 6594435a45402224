/*
 * assay baseline.
 */
#include <string.h>

#include "command.h"

static const struct option options[] = {
    {"reason", 0, OPTION_TEXT, offsetof(struct invocation, reason), "TEXT",
     .help = "Why a baseline is no good any more."},
    {NULL},
};

static const struct example examples[] = {
    {"assay baseline set main", "the last run is main from now on"},
    {"assay baseline set v1.2 20261121-1015", "a run by the beginning of its id"},
    {"assay baseline poison main --reason 'ran beside a backup'",
     "comparisons with it say so from now on"},
    {"assay baseline list", "all of them"},
    {NULL},
};

static int run(struct invocation *in)
{
    static const struct {
        const char *word;
        enum assay_baseline_action action;
        size_t most; /* words */
    } actions[] = {{"list", ASSAY_BASELINE_LIST, 1},
                   {"set", ASSAY_BASELINE_SET, 3},
                   {"poison", ASSAY_BASELINE_POISON, 2},
                   {"remove", ASSAY_BASELINE_REMOVE, 2}};
    const char *const *words = in->words.items;
    struct assay_baseline_options o = {
        .streams = in->streams,
        .store = in->store,
        .name = in->words.count > 1 ? words[1] : NULL,
        .run = in->words.count > 2 ? words[2] : NULL,
        .reason = in->reason,
    };
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(in->words.count ? words[0] : "list", actions[i].word) != 0 ||
            in->words.count > actions[i].most)
            continue;
        o.action = actions[i].action;
        return assay_baseline(&o);
    }
    fprintf(in->streams.err, "assay baseline: expected list, set NAME [RUN], poison NAME or "
                             "remove NAME\n");
    return 2;
}

const struct command command_baseline = {
    .name = "baseline",
    .words = "[ACTION] [NAME] [RUN]",
    .line = "Give runs names to compare with: list, set, poison, remove",
    .text = "`set NAME [RUN]` pins a run (the last one) under a name, which `assay compare` takes "
            "as a side. `poison NAME --reason TEXT` keeps it but has every comparison say that it "
            "is no good; setting it again heals it. `remove NAME` forgets the name, never the run. "
            "`list` (the default) shows them.",
    .options = (const struct option *const[]){options, options_store, options_common, NULL},
    .examples = examples,
    .run = run,
};
