/*
 * assay version, and assay help.
 */
#include "command.h"

static int version(struct invocation *in)
{
    fprintf(in->streams.out, "assay %s\n", assay_version());
    return 0;
}

const struct command command_version = {
    .name = "version",
    .words = "",
    .line = "Print the version",
    .text = "Prints the version.",
    .options = (const struct option *const[]){options_common, NULL},
    .run = version,
};

static int help(struct invocation *in)
{
    const struct command *command = in->words.count ? command_find(in->words.items[0]) : NULL;
    if (in->words.count && !command)
        return command_unknown("assay help", in->words.items[0]);
    help_print(command, in->streams.out, in->streams.out_color,
               in->streams.columns ? in->streams.columns : 80);
    return 0;
}

const struct command command_help = {
    .name = "help",
    .words = "[COMMAND]",
    .line = "Explain a command",
    .text = "Explains a command, or lists all.",
    .options = (const struct option *const[]){options_common, NULL},
    .run = help,
};
