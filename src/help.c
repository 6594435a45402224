/*
 * --help, from the tables.
 */
#include <string.h>

#include "command.h"

/* Text wrapped at words, every line after the first indented. */
static void print_wrapped(FILE *to, const char *text, int indent, int columns)
{
    int at = indent, width = columns > 100 ? 100 : columns;
    while (*text) {
        size_t length = strcspn(text, " \n");
        if (at > indent && at + 1 + (int)length > width) {
            fprintf(to, "\n%*s", indent, "");
            at = indent;
        }
        if (at > indent) {
            fputc(' ', to);
            at++;
        }
        fprintf(to, "%.*s", (int)length, text);
        at += (int)length;
        text += length;
        if (*text == '\n') {
            fprintf(to, "\n%*s", indent, "");
            at = indent;
        }
        text += *text != '\0';
    }
    fputc('\n', to);
}

static void print_option(const struct option *o, FILE *to, int columns)
{
    char left[64];
    const char *between = o->argument ? o->optional ? " [" : " " : "",
               *after = o->optional ? "]" : "";
    if (o->letter)
        snprintf(left, sizeof(left), "-%c, --%s%s%s%s", o->letter, o->name, between,
                 o->argument ? o->argument : "", after);
    else
        snprintf(left, sizeof(left), "    --%s%s%s%s", o->name, between,
                 o->argument ? o->argument : "", after);
    fprintf(to, "  %-28s ", left);
    if (strlen(left) > 28)
        fprintf(to, "\n%*s", 31, "");
    print_wrapped(to, o->help, 31, columns);
}

static void print_all(FILE *to, const char *bold, const char *plain)
{
    fprintf(to,
            "%sAssay tests AI inference services.%s\n\nUsage: assay COMMAND "
            "[OPTION…]\n\n%sCommands%s\n",
            bold, plain, bold, plain);
    for (size_t i = 0; commands[i]; i++)
        fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->line);
    fprintf(to, "\n%sExit status%s\n", bold, plain);
    for (const struct fact *f = exit_statuses; f->name; f++)
        fprintf(to, "  %-10s %s\n", f->name, f->meaning);
    fprintf(to, "\n`assay COMMAND --help` tells more of each. Begin with `assay init`, then\n"
                "`assay run assay.jsonc`.\n");
}

void help_print(const struct command *command, FILE *to, bool color, int columns)
{
    const char *bold = color ? "\033[1m" : "", *plain = color ? "\033[0m" : "";
    if (!command) {
        print_all(to, bold, plain);
        return;
    }
    fprintf(to, "%sassay %s%s – %s\n\nUsage: assay %s [OPTION…]%s%s\n\n", bold, command->name,
            plain, command->line, command->name, *command->words ? " " : "", command->words);
    print_wrapped(to, command->text, 0, columns);
    if (!command->options[0]->heading)
        fprintf(to, "\n%sOptions%s\n", bold, plain);
    for (const struct option *const *table = command->options; *table; table++)
        for (const struct option *o = *table; o->name; o++) {
            if (o->heading)
                fprintf(to, "\n%s%s%s\n", bold, o->heading, plain);
            print_option(o, to, columns);
        }
    if (!command->examples)
        return;
    fprintf(to, "\n%sExamples%s\n", bold, plain);
    for (const struct example *e = command->examples; e->command; e++)
        fprintf(to, "  %s\n      %s\n", e->command, e->what);
}
