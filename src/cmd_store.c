/*
 * assay store.
 */
#include <string.h>

#include "command.h"

static const struct option options[] = {
    {"keep", 0, OPTION_COUNT, offsetof(struct invocation, keep), "N",
     .help = "prune: never the newest N runs."},
    {"older", 0, OPTION_DURATION, offsetof(struct invocation, older_ns), "AGE",
     .help = "prune: only runs that began longer ago, as in 90d."},
    {"dry-run", 0, OPTION_FLAG, offsetof(struct invocation, dry_run),
     .help = "prune: only say which runs would go."},
    {"compact", 0, OPTION_FLAG, offsetof(struct invocation, compact),
     .help = "prune: make the database smaller too (VACUUM); else the room is used by later runs."},
    {"json", 0, OPTION_FLAG, offsetof(struct invocation, json), .help = "info: as JSON."},
    {NULL},
};

static const struct example examples[] = {
    {"assay store info", "what is in it, and how large it is"},
    {"assay store export > results.jsonl", "everything, as JSON lines"},
    {"assay store export last > run.jsonl", "one run and what belongs to it"},
    {"assay store import a.jsonl b.jsonl", "what several machines exported, into one store"},
    {"assay store import sqlite:.assay/results.db --store postgresql://assay@db/team",
     "from a file to a server"},
    {"assay store prune --keep 100 --older 90d",
     "runs older than 90 days, but never the newest 100 nor baselines"},
    {NULL},
};

static int run(struct invocation *in)
{
    static const struct {
        const char *word;
        enum assay_store_action action;
        bool more; /* words may follow */
    } actions[] = {{"info", ASSAY_STORE_INFO, false},
                   {"export", ASSAY_STORE_EXPORT, true},
                   {"import", ASSAY_STORE_IMPORT, true},
                   {"prune", ASSAY_STORE_PRUNE, true},
                   {"migrate", ASSAY_STORE_MIGRATE, false}};
    const char *word = in->words.count ? in->words.items[0] : "info";
    struct assay_store_options o = {
        .streams = in->streams,
        .store = in->store,
        .keep = in->keep,
        .older_ns = in->older_ns,
        .dry_run = in->dry_run,
        .compact = in->compact,
        .json = in->json,
    };
    if (in->words.count > 1)
        o.words = (struct assay_strings){in->words.items + 1, in->words.count - 1};
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(word, actions[i].word) != 0 || (o.words.count && !actions[i].more))
            continue;
        o.action = actions[i].action;
        return assay_store(&o);
    }
    fprintf(in->streams.err, "assay store: expected info, export [RUN…], import FILE…, "
                             "prune [RUN…] or migrate\n");
    return 2;
}

const struct command command_store = {
    .name = "store",
    .words = "[ACTION] [RUN|FILE…]",
    .line = "Keep the result store: info, export, import, prune, migrate",
    .text = "`info` (the default) tells what the store holds. `export [RUN…]` writes it, or some "
            "runs with what belongs to them, to standard output as JSON lines; `import FILE…` adds "
            "what was exported, from files, from standard input (-) or straight from another "
            "store's URL; runs that are there already are passed over, and a file is taken whole "
            "or not at all. `prune` deletes runs: those named or, by --keep and --older, old ones; "
            "never a baseline, and none that may still be going on. `migrate` brings the schema up "
            "to date, which opening the store does too, and says what it did.",
    .options = (const struct option *const[]){options, options_store, options_common, NULL},
    .examples = examples,
    .run = run,
};
