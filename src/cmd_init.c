/*
 * assay init.
 */
#include "command.h"

static int run(struct invocation *in)
{
    if (in->words.count > 1) {
        fprintf(in->streams.err, "assay init: one file at a time, not %zu\n", in->words.count);
        return 2;
    }
    return assay_init_suite(in->words.count ? in->words.items[0] : NULL, &in->streams);
}

const struct command command_init = {
    .name = "init",
    .words = "[FILE]",
    .line = "Write a commented starter suite",
    .text = "Writes a small suite that explains itself and can be run as it is, to assay.jsonc or "
            "FILE. Asks nothing, and "
            "never overwrites a file.",
    .options = (const struct option *const[]){options_common, NULL},
    .run = run,
};
