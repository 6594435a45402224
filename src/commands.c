/*
 * The table of commands, and what is true of all of them: `assay` reads it to find what to run,
 * `assay-documents` to describe it.
 */
#include <string.h>

#include "command.h"
#include "core/slice.h"

const struct command *const commands[] = {
    &command_run,      &command_plan,
    &command_load,     &command_report,
    &command_compare,  &command_history,
    &command_baseline, &command_quarantine,
    &command_store,    &command_init,
    &command_schema,   &command_version,
    &command_help,     NULL,
};

const struct fact exit_statuses[] = {
    {"0", "all passed"},
    {"1", "a case failed"},
    {"2", "the command or a suite is wrong"},
    {"3", "a service or the surroundings failed"},
    {"130", "interrupted; everything finished is recorded, services are stopped"},
    {NULL},
};

const struct fact environment[] = {
    {"ASSAY_LOG", "How much assay says of its own work on standard error: error, warning (the "
                  "default), info or debug."},
    {"ASSAY_LOG_FORMAT", "Its form: text (the default) or json, one object a line."},
    {"OPENAI_BASE_URL", "Where chat, complete and embed steps go that name neither a service nor "
                        "api_base."},
    {"ASSAY_WEBHOOK_SECRET",
     "What webhooks are signed with, as standardwebhooks.com says: any text, "
     "or base64 behind whsec_."},
    {"NO_COLOR", "When set and not empty, colours are off unless --color asks for them."},
    {NULL},
};

const struct command *command_find(const char *name)
{
    for (size_t i = 0; commands[i]; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

int command_unknown(const char *by, const char *name)
{
    const char *names[32];
    size_t count = 0;
    for (; commands[count] && count < 31; count++)
        names[count] = commands[count]->name;
    names[count] = NULL;
    const char *near = slice_nearest(slice_str(name), names);
    fprintf(stderr, "%s: there is no command \"%s\"", by, name);
    if (near)
        fprintf(stderr, "; did you mean \"%s\"?", near);
    fprintf(stderr, "\n`assay --help` lists the commands.\n");
    return 2;
}
