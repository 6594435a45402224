/*
 * Manual pages, as source for scdoc: NAME, SYNOPSIS, DESCRIPTION and so on, from a command's row.
 */
#include <string.h>

#include "documents.h"
#include "record/sink.h"

/* Text with scdoc's signs escaped; a newline begins a paragraph. */
static void add_escaped(const char *text, FILE *to)
{
    for (; *text; text++) {
        if (*text == '\n')
            fputc('\n', to);
        else if (strchr("\\*_`#~", *text))
            fputc('\\', to);
        fputc(*text, to);
    }
}

/* "[RUN]" → "[_RUN_]" */
static void add_placeholder(const char *words, FILE *to)
{
    static const char brackets[] = "[]=… ";
    while (*words) {
        size_t length = strcspn(words, brackets);
        if (length)
            fprintf(to, "_%.*s_", (int)length, words);
        words += length;
        length = strspn(words, brackets);
        fprintf(to, "%.*s", (int)length, words);
        words += length;
    }
}

static void add_options(const struct command *command, FILE *to)
{
    fprintf(to, "\n# OPTIONS\n");
    for (const struct option *const *table = command->options; *table; table++)
        for (const struct option *o = *table; o->name; o++) {
            if (o->heading)
                fprintf(to, "\n## %s\n", o->heading);
            fprintf(to, "\n");
            if (o->letter)
                fprintf(to, "*-%c*, ", o->letter);
            fprintf(to, "*--%s*", o->name);
            if (o->argument) {
                fputs(o->optional ? " [" : " ", to);
                add_placeholder(o->argument, to);
                fputs(o->optional ? "]" : "", to);
            }
            fprintf(to, "\n\t");
            add_escaped(o->help, to);
            fprintf(to, "\n");
        }
}

static void add_reports(FILE *to)
{
    fprintf(to, "\n# REPORT FORMATS\n");
    for (const struct report_format *f = report_formats; f->name; f++) {
        fprintf(to, "\n*%s*\n\t", f->name);
        add_escaped(f->help, to);
        fprintf(to, "; without PATH to %s\n",
                f->default_path ? f->default_path : "standard output");
    }
}

static void add_facts(const char *heading, const struct fact *facts, FILE *to)
{
    fprintf(to, "\n# %s\n", heading);
    for (const struct fact *f = facts; f->name; f++) {
        fprintf(to, "\n*");
        add_escaped(f->name, to);
        fprintf(to, "*\n\t");
        add_escaped(f->meaning, to);
        fprintf(to, "\n");
    }
}

static void add_see_also(const struct command *command, FILE *to)
{
    const char *between = "";
    fprintf(to, "\n# SEE ALSO\n\n");
    if (command)
        fprintf(to, "*assay*(1)");
    for (size_t i = 0; !command && commands[i]; i++, between = ", ")
        fprintf(to, "%s*assay-%s*(1)", between, commands[i]->name);
    fprintf(to, ", *assay-suite*(5)\n");
}

static void add_whole(FILE *to)
{
    fprintf(to, "# NAME\n\nassay - test AI inference services\n\n"
                "# SYNOPSIS\n\n*assay* _COMMAND_ [_OPTION_…]\n\n"
                "# DESCRIPTION\n\n"
                "A suite, in JSON or YAML, says what a service must do. *assay run* starts the "
                "service, drives it over the protocol it speaks, checks every event, token and "
                "tensor that comes back, measures while it does, keeps every result, and tells "
                "what broke, where and why.\n\n"
                "# COMMANDS\n");
    for (size_t i = 0; commands[i]; i++) {
        fprintf(to, "\n*assay %s*\n\t", commands[i]->name);
        add_escaped(commands[i]->line, to);
        fprintf(to, ".\n");
    }
}

static void add_command(const struct command *command, FILE *to)
{
    fprintf(to, "# NAME\n\nassay-%s - ", command->name);
    add_escaped(command->line, to);
    fprintf(to, "\n\n# SYNOPSIS\n\n*assay %s* [_OPTION_…] ", command->name);
    add_placeholder(command->words, to);
    fprintf(to, "\n\n# DESCRIPTION\n\n");
    add_escaped(command->text, to);
    fprintf(to, "\n");
    add_options(command, to);
    for (const struct option *const *table = command->options; *table; table++)
        if (*table == options_reports)
            add_reports(to);
    if (!command->examples)
        return;
    fprintf(to, "\n# EXAMPLES\n");
    for (const struct example *e = command->examples; e->command; e++) {
        fprintf(to, "\n*");
        add_escaped(e->command, to);
        fprintf(to, "*\n\t");
        add_escaped(e->what, to);
        fprintf(to, "\n");
    }
}

void document_man(const struct command *command, FILE *to)
{
    fprintf(to, "assay%s%s(1) \"assay %s\" \"Assay\"\n\n", command ? "-" : "",
            command ? command->name : "", assay_version());
    if (command)
        add_command(command, to);
    else
        add_whole(to);
    add_facts("EXIT STATUS", exit_statuses, to);
    add_facts("ENVIRONMENT", environment, to);
    add_see_also(command, to);
}
