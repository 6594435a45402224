/*
 * Completions for bash, zsh and fish. What an option's value can be is known from its words, or
 * from how its argument is called: FORMAT is a report format, SUITE a file.
 */
#include <string.h>

#include "documents.h"
#include "record/sink.h"

enum offer { OFFER_NOTHING, OFFER_FILES, OFFER_WORDS };

static const struct placeholder {
    const char *name; /* as in struct option and struct command */
    enum offer offer;
    const char *word; /* one word to offer; NULL: those of a table */
} placeholders[] = {
    {"SUITE…", OFFER_FILES, NULL}, {"[FILE]", OFFER_FILES, NULL}, {"[RUN]", OFFER_WORDS, "last"},
    {"RUN", OFFER_WORDS, "last"},  {"URL", OFFER_WORDS, "none"},  {"FORMAT[=PATH]", OFFER_WORDS},
    {"[COMMAND]", OFFER_WORDS},    {"", OFFER_NOTHING},
};

static const struct placeholder *placeholder_find(const char *name)
{
    const struct placeholder *p = placeholders;
    while (*p->name && strcmp(p->name, name) != 0)
        p++;
    return p;
}

static void add_commands(FILE *to)
{
    for (size_t i = 0; commands[i]; i++)
        fprintf(to, "%s%s", i ? " " : "", commands[i]->name);
}

/* Words to offer, with blanks between them. */
static void add_words(const struct placeholder *p, FILE *to)
{
    if (p->word)
        fputs(p->word, to);
    else if (strcmp(p->name, "[COMMAND]") == 0)
        add_commands(to);
    else
        for (const struct report_format *f = report_formats; f->name; f++)
            fprintf(to, "%s%s", f == report_formats ? "" : " ", f->name);
}

static enum offer option_offers(const struct option *o)
{
    return o->words ? OFFER_WORDS : placeholder_find(o->argument)->offer;
}

static void add_option_words(const struct option *o, FILE *to)
{
    if (!o->words)
        add_words(placeholder_find(o->argument), to);
    for (size_t i = 0; o->words && o->words[i]; i++)
        fprintf(to, "%s%s", i ? " " : "", o->words[i]);
}

/* The first sentence of an explanation, without its full stop, in single quotes of a shell: `quote`
   is how the shell writes a quote there, `escaped` what else needs a backslash. */
static void add_sentence(const char *text, const char *quote, const char *escaped, FILE *to)
{
    const char *end = strstr(text, ". ");
    size_t length = end ? (size_t)(end - text) : strlen(text);
    if (length && text[length - 1] == '.')
        length--;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\'') {
            fputs(quote, to);
            continue;
        }
        if (strchr(escaped, text[i]))
            fputc('\\', to);
        fputc(text[i], to);
    }
}

/* ── bash ── */

/* A row "run:--report|run:-r) words=… ;;" for an option with a value. */
static void add_bash_value(const struct command *command, const struct option *o, FILE *to)
{
    fprintf(to, "    %s:--%s", command->name, o->name);
    if (o->letter)
        fprintf(to, " | %s:-%c", command->name, o->letter);
    fprintf(to, ")\n");
    if (option_offers(o) == OFFER_WORDS) {
        fprintf(to, "        words='");
        add_option_words(o, to);
        fprintf(to, "'\n");
    }
    fprintf(to, "        ;;\n");
}

static void add_bash_rest(const struct command *command, FILE *to)
{
    fprintf(to, "    %s:*)\n        if [[ $current == -* ]]; then\n            words='",
            command->name);
    const char *between = "";
    for (const struct option *const *table = command->options; *table; table++)
        for (const struct option *o = *table; o->name; o++, between = " ")
            fprintf(to, "%s--%s", between, o->name);
    fprintf(to, "'\n");
    const struct placeholder *p = placeholder_find(command->words);
    if (p->offer == OFFER_FILES) {
        fprintf(to, "        else\n            files=yes\n");
    } else if (p->offer == OFFER_WORDS) {
        fprintf(to, "        else\n            words='");
        add_words(p, to);
        fprintf(to, "'\n");
    }
    fprintf(to, "        fi\n        ;;\n");
}

void document_bash(FILE *to)
{
    fprintf(to, "# Completion of assay for bash.\n"
                "_assay()\n"
                "{\n"
                "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
                "    local command=${COMP_WORDS[1]} words='' files=''\n"
                "    # Bash makes three words of --name=value.\n"
                "    if [[ $current == = ]]; then\n"
                "        current=''\n"
                "    elif [[ $previous == = ]]; then\n"
                "        previous=${COMP_WORDS[COMP_CWORD-2]}\n"
                "    fi\n"
                "    ((COMP_CWORD > 1)) || command=''\n"
                "    case $command:$previous in\n"
                "    :*)\n"
                "        words='");
    add_commands(to);
    fprintf(to, "'\n        ;;\n");
    for (size_t i = 0; commands[i]; i++) {
        for (const struct option *const *table = commands[i]->options; *table; table++)
            for (const struct option *o = *table; o->name; o++)
                if (o->argument)
                    add_bash_value(commands[i], o, to);
        add_bash_rest(commands[i], to);
    }
    fprintf(to, "    esac\n"
                "    COMPREPLY=()\n"
                "    if [[ $files ]]; then\n"
                "        compopt -o filenames 2>/dev/null\n"
                "        mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
                "    elif [[ $words ]]; then\n"
                "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
                "    fi\n"
                "}\n"
                "complete -F _assay assay\n");
}

/* ── zsh ── */

/* What may stand for an argument: ":RUN:(last)". */
static void add_zsh_action(const char *name, enum offer offer, const struct option *o, FILE *to)
{
    fprintf(to, ":%s:", name);
    if (offer == OFFER_FILES)
        fprintf(to, "_files");
    if (offer != OFFER_WORDS)
        return;
    fputc('(', to);
    if (o)
        add_option_words(o, to);
    else
        add_words(placeholder_find(name), to);
    fputc(')', to);
}

static void add_zsh_option(const struct option *o, FILE *to)
{
    bool often = o->kind == OPTION_LIST;
    const char *long_end = o->argument ? "=" : "", *short_end = o->argument ? "+" : "";
    fprintf(to, " \\\n            ");
    if (o->letter && often)
        fprintf(to, "'*'{-%c%s,--%s%s}'", o->letter, short_end, o->name, long_end);
    else if (o->letter)
        fprintf(to, "'(-%c --%s)'{-%c%s,--%s%s}'", o->letter, o->name, o->letter, short_end,
                o->name, long_end);
    else
        fprintf(to, "'%s--%s%s", often ? "*" : "", o->name, long_end);
    fputc('[', to);
    add_sentence(o->help, "'\\''", "[]:", to);
    fputc(']', to);
    if (o->optional)
        fputc(':', to);
    if (o->argument)
        add_zsh_action(o->argument, option_offers(o), o, to);
    fputc('\'', to);
}

void document_zsh(FILE *to)
{
    fprintf(to, "#compdef assay\n"
                "# Completion of assay for zsh.\n"
                "_assay() {\n"
                "    local -a commands=(\n");
    for (size_t i = 0; commands[i]; i++) {
        fprintf(to, "        '%s:", commands[i]->name);
        add_sentence(commands[i]->line, "'\\''", ":", to);
        fprintf(to, "'\n");
    }
    fprintf(to, "    )\n"
                "    if (( CURRENT == 2 )); then\n"
                "        _describe -t commands command commands\n"
                "        return\n"
                "    fi\n"
                "    shift words\n"
                "    (( CURRENT-- ))\n"
                "    case $words[1] in\n");
    for (size_t i = 0; commands[i]; i++) {
        const struct command *command = commands[i];
        fprintf(to, "        %s)\n            _arguments -s -S", command->name);
        for (const struct option *const *table = command->options; *table; table++)
            for (const struct option *o = *table; o->name; o++)
                add_zsh_option(o, to);
        if (*command->words) {
            fprintf(to, " \\\n            '*");
            add_zsh_action(command->words, placeholder_find(command->words)->offer, NULL, to);
            fprintf(to, "'");
        }
        fprintf(to, "\n            ;;\n");
    }
    fprintf(to, "    esac\n}\n_assay \"$@\"\n");
}

/* ── fish ── */

static void add_fish_option(const struct command *command, const struct option *o, FILE *to)
{
    fprintf(to, "complete -c assay -n '__fish_seen_subcommand_from %s' -l %s", command->name,
            o->name);
    if (o->letter)
        fprintf(to, " -s %c", o->letter);
    if (o->argument && !o->optional)
        fprintf(to, " -x");
    if (o->argument && option_offers(o) == OFFER_WORDS) {
        fprintf(to, " -a '");
        add_option_words(o, to);
        fprintf(to, "'");
    }
    fprintf(to, " -d '");
    add_sentence(o->help, "\\'", "\\", to);
    fprintf(to, "'\n");
}

void document_fish(FILE *to)
{
    fprintf(to, "# Completion of assay for fish.\ncomplete -c assay -f\n");
    for (size_t i = 0; commands[i]; i++) {
        const struct command *command = commands[i];
        const struct placeholder *p = placeholder_find(command->words);
        fprintf(to, "complete -c assay -n __fish_use_subcommand -a %s -d '", command->name);
        add_sentence(command->line, "\\'", "\\", to);
        fprintf(to, "'\n");
        for (const struct option *const *table = command->options; *table; table++)
            for (const struct option *o = *table; o->name; o++)
                add_fish_option(command, o, to);
        if (p->offer == OFFER_NOTHING)
            continue;
        fprintf(to, "complete -c assay -n '__fish_seen_subcommand_from %s' ", command->name);
        if (p->offer == OFFER_FILES) {
            fprintf(to, "-F\n");
        } else {
            fprintf(to, "-a '");
            add_words(p, to);
            fprintf(to, "'\n");
        }
    }
}
