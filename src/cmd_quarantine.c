/*
 * assay quarantine.
 */
#include <string.h>

#include "command.h"

static const struct option options[] = {
    {"owner", 0, OPTION_TEXT, offsetof(struct invocation, owner), "WHO", .help = "Who sees to it."},
    {"reason", 0, OPTION_TEXT, offsetof(struct invocation, reason), "TEXT",
     .help = "Why it may fail: what is known, a link."},
    {"expires", 0, OPTION_TEXT, offsetof(struct invocation, expires), "WHEN",
     .help = "How long it may fail: 14d from now, or until the end of a day, 2026-12-31 (UTC)."},
    {NULL},
};

static const struct example examples[] = {
    {"assay quarantine add worker/health --owner ann --reason 'bug 42' --expires 14d",
     "its failures do not fail runs for two weeks"},
    {"assay quarantine remove worker/health", "they do again"},
    {NULL},
};

static int run(struct invocation *in)
{
    static const struct {
        const char *word;
        enum assay_quarantine_action action;
        size_t most; /* words */
    } actions[] = {{"list", ASSAY_QUARANTINE_LIST, 1},
                   {"add", ASSAY_QUARANTINE_ADD, 2},
                   {"remove", ASSAY_QUARANTINE_REMOVE, 2}};
    const char *const *words = in->words.items;
    struct assay_quarantine_options o = {
        .streams = in->streams,
        .store = in->store,
        .test_case = in->words.count > 1 ? words[1] : NULL,
        .owner = in->owner,
        .reason = in->reason,
        .expires = in->expires,
    };
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(in->words.count ? words[0] : "list", actions[i].word) != 0 ||
            in->words.count > actions[i].most)
            continue;
        o.action = actions[i].action;
        return assay_quarantine(&o);
    }
    fprintf(in->streams.err, "assay quarantine: expected list, add CASE or remove CASE\n");
    return 2;
}

const struct command command_quarantine = {
    .name = "quarantine",
    .words = "[ACTION] [CASE]",
    .line = "Let known failures not fail runs, for a time: list, add, remove",
    .text = "A case in quarantine runs as always, and its failure is recorded and shown, but does "
            "not fail the run. `add CASE` wants an owner, a reason and an end, after which its "
            "failures count again. `list` (the default) shows what is in quarantine, expired "
            "entries too, until `remove CASE`.",
    .options = (const struct option *const[]){options, options_store, options_common, NULL},
    .examples = examples,
    .run = run,
};
