/*
 * The reference of the command line as a page of Markdown.
 */
#include <string.h>

#include "documents.h"
#include "record/sink.h"

static void add_cell(const char *text, FILE *to)
{
    for (; *text; text++) {
        if (*text == '|')
            fputc('\\', to);
        fputc(*text == '\n' ? ' ' : *text, to);
    }
}

static void add_options(const struct command *command, FILE *to)
{
    const char *between = "";
    if (!command->options[0]->heading)
        fprintf(to, "| option | |\n|---|---|\n");
    for (const struct option *const *table = command->options; *table; table++)
        for (const struct option *o = *table; o->name; o++) {
            if (o->heading)
                fprintf(to, "%s| %s | |\n|---|---|\n", between, o->heading);
            between = "\n";
            fprintf(to, "| ");
            if (o->letter)
                fprintf(to, "`-%c`, ", o->letter);
            fprintf(to, "`--%s", o->name);
            if (o->argument)
                fprintf(to, o->optional ? " [%s]" : " %s", o->argument);
            fprintf(to, "` | ");
            add_cell(o->help, to);
            fprintf(to, " |\n");
        }
}

static void add_command(const struct command *command, FILE *to)
{
    fprintf(to, "\n## assay %s\n\n%s.\n\n```sh\nassay %s [OPTION…]%s%s\n```\n\n", command->name,
            command->line, command->name, *command->words ? " " : "", command->words);
    for (const char *c = command->text; *c; c++) {
        if (*c == '\n')
            fputc('\n', to);
        fputc(*c, to);
    }
    fprintf(to, "\n\n");
    add_options(command, to);
    if (!command->examples)
        return;
    fprintf(to, "\n```sh\n");
    for (const struct example *e = command->examples; e->command; e++)
        fprintf(to, "%s# %s\n%s\n", e == command->examples ? "" : "\n", e->what, e->command);
    fprintf(to, "```\n");
}

static void add_facts(const char *heading, const char *of, const struct fact *facts, FILE *to)
{
    fprintf(to, "\n## %s\n\n| %s | |\n|---|---|\n", heading, of);
    for (const struct fact *f = facts; f->name; f++) {
        fprintf(to, "| `%s` | ", f->name);
        add_cell(f->meaning, to);
        fprintf(to, " |\n");
    }
}

void document_page(FILE *to)
{
    fprintf(to, "# Command line\n\n"
                "<!-- Made by assay-documents from the tables in src/; `make docs` makes it again. "
                "-->\n\n"
                "| command | |\n|---|---|\n");
    for (size_t i = 0; commands[i]; i++) {
        fprintf(to, "| [`assay %s`](#assay-%s) | ", commands[i]->name, commands[i]->name);
        add_cell(commands[i]->line, to);
        fprintf(to, " |\n");
    }
    for (size_t i = 0; commands[i]; i++)
        add_command(commands[i], to);
    fprintf(to, "\n## Report formats\n\n| format | | without `=PATH` |\n|---|---|---|\n");
    for (const struct report_format *f = report_formats; f->name; f++) {
        fprintf(to, "| `%s` | ", f->name);
        add_cell(f->help, to);
        if (f->default_path)
            fprintf(to, " | `%s` |\n", f->default_path);
        else
            fprintf(to, " | standard output |\n");
    }
    add_facts("Exit status", "status", exit_statuses, to);
    add_facts("Environment", "variable", environment, to);
}
