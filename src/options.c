/*
 * The reader of command lines.
 */
#include "options.h"

#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/parse.h"

static const char *const color_words[] = {"auto", "always", "never", NULL};

const struct option options_common[] = {
    {"color", 0, OPTION_TEXT, offsetof(struct invocation, color), "WHEN", .words = color_words,
     .help = "Colours: auto (on a terminal, the default), always or never. NO_COLOR is honoured."},
    {"help", 'h', OPTION_FLAG, offsetof(struct invocation, help), .help = "Show this help."},
    {NULL},
};

const struct option options_selection[] = {
    {"set", 's', OPTION_LIST, offsetof(struct invocation, selection.sets), "NAME=VALUE",
     .help = "Give a variable of the suites another value. May be given often."},
    {"filter", 'f', OPTION_TEXT, offsetof(struct invocation, selection.filter), "EXPR",
     .help = "Only cases for which the expression holds: id, tag, model, path and suite with = != "
             "(and * ?), ~ !~ (regular "
             "expressions), and, or, not, parentheses; a word alone means that the id holds it."},
    {"tag", 't', OPTION_LIST, offsetof(struct invocation, selection.tags), "TAG",
     .help = "Only cases with this tag; given often, with any of them."},
    {"case", 'c', OPTION_LIST, offsetof(struct invocation, selection.cases), "ID",
     .help = "Only this case, by its id or suite/id, and those it needs. May be given often."},
    {"shard", 0, OPTION_TEXT, offsetof(struct invocation, shard), "K/N",
     .help = "Only the K-th of N parts. A case stays in its part when others are added."},
    {"seed", 0, OPTION_TEXT, offsetof(struct invocation, seed), "N",
     .help = "Seed of generated values and jitter, to repeat a run. Default: a fresh one, which "
             "the run records."},
    {"timeout", 0, OPTION_DURATION, offsetof(struct invocation, timeout_ns), "TIME",
     .help = "Time limit of cases that say none (default 60s), such as 5s or 2m."},
    {"jobs", 'j', OPTION_COUNT, offsetof(struct invocation, jobs), "N",
     .help = "How many cases run at once. Default: one per processor."},
    {NULL},
};

const struct option options_kept[] = {
    {"keep", 0, OPTION_TEXT, offsetof(struct invocation, retention), "N|AGE",
     .help = "When it has ended, prune the store: keep the newest N runs and loads, or those that "
             "began since AGE, such as 30d. Baselines stay. Default: all are kept."},
    {NULL},
};

const struct option options_store[] = {
    {"store", 0, OPTION_TEXT, offsetof(struct invocation, store), "URL",
     .help =
         "Where results are kept: sqlite:PATH, postgresql://USER@HOST/DATABASE or none. Default "
         "sqlite:.assay/results.db."},
    {NULL},
};

const struct option options_detail[] = {
    {"quiet", 'q', OPTION_FLAG, offsetof(struct invocation, quiet),
     .help = "Only failures and the last line."},
    {"verbose", 'v', OPTION_FLAG, offsetof(struct invocation, verbose),
     .help = "Every case as it ends, and services."},
    {NULL},
};

const struct option options_reports[] = {
    {"report", 'r', OPTION_LIST, offsetof(struct invocation, reports), "FORMAT[=PATH]",
     .help =
         "Write a report: junit, json (CTRF), jsonl (every event), tap, markdown, html, summary, "
         "summary-json or github. "
         "May be given often; - is "
         "standard output."},
    {NULL},
};

static const char *const webhook_words[] = {
    [ASSAY_WEBHOOK_ALWAYS] = "always",
    [ASSAY_WEBHOOK_FAILURES] = "failures",
    [ASSAY_WEBHOOK_CHANGES] = "changes",
    NULL,
};

const struct option options_webhooks[] = {
    {"webhook", 0, OPTION_LIST, offsetof(struct invocation, webhooks), "[FORM=]URL",
     .help = "Tell a URL how the run ended, as json (the default), slack or teams. A URL written "
             "$NAME is taken from the environment. May be given often."},
    {"webhook-when", 0, OPTION_TEXT, offsetof(struct invocation, webhook_when), "WHEN",
     .words = webhook_words,
     .help = "When to tell: always (the default), failures, or changes: something failed that did "
             "not before, or passed that did not before."},
    {NULL},
};

struct assay_webhooks webhooks_of(const struct invocation *invocation)
{
    struct assay_webhooks webhooks = {.targets = invocation->webhooks};
    for (int i = 0; invocation->webhook_when && webhook_words[i]; i++)
        if (strcmp(webhook_words[i], invocation->webhook_when) == 0)
            webhooks.when = (enum assay_webhook_when)i;
    return webhooks;
}

static const struct option *find_by(const struct command *command, const char *name, size_t length,
                                    char letter)
{
    for (const struct option *const *table = command->options; *table; table++)
        for (const struct option *o = *table; o->name; o++)
            if (letter ? o->letter == letter
                       : strlen(o->name) == length && memcmp(o->name, name, length) == 0)
                return o;
    return NULL;
}

const struct option *option_find(const struct command *command, const char *name, size_t length)
{
    return find_by(command, name, length, 0);
}

static bool unknown_option(const struct command *command, const char *name, size_t length,
                           FILE *err)
{
    const char *names[128];
    size_t count = 0;
    for (const struct option *const *table = command->options; *table; table++)
        for (const struct option *o = *table; o->name && count < 127; o++)
            names[count++] = o->name;
    names[count] = NULL;
    const char *near = slice_nearest(slice_of(name, length), names);
    fprintf(err, "assay %s: there is no option --%.*s", command->name, (int)length, name);
    if (near)
        fprintf(err, "; did you mean --%s?", near);
    fprintf(err, "\n`assay %s --help` lists the options.\n", command->name);
    return false;
}

static void append(struct arena *arena, struct assay_strings *list, const char *item)
{
    const char **items = ARENA_ARRAY(arena, const char *, list->count + 1);
    if (list->count)
        memcpy(items, list->items, list->count * sizeof(*items));
    items[list->count] = item;
    *list = (struct assay_strings){items, list->count + 1};
}

static bool word_known(const struct option *o, const char *value)
{
    for (size_t i = 0; o->words[i]; i++)
        if (strcmp(o->words[i], value) == 0)
            return true;
    return false;
}

static bool store_value(const struct command *command, const struct option *o, const char *value,
                        struct invocation *out, FILE *err)
{
    void *field = (char *)out + o->offset;
    uint64_t number;
    if (o->words && !word_known(o, value)) {
        fprintf(err, "assay %s: --%s %s: expected ", command->name, o->name, value);
        for (size_t i = 0; o->words[i]; i++)
            fprintf(err, "%s%s", i == 0 ? "" : o->words[i + 1] ? ", " : " or ", o->words[i]);
        fprintf(err, "\n");
        return false;
    }
    switch (o->kind) {
    case OPTION_FLAG:
        *(bool *)field = true;
        return true;
    case OPTION_TEXT:
        *(const char **)field = value;
        return true;
    case OPTION_LIST:
        append(out->arena, field, value);
        return true;
    case OPTION_COUNT:
        if (result_ok(parse_unsigned(slice_str(value), 100000, &number)) && number > 0) {
            *(uint32_t *)field = (uint32_t)number;
            return true;
        }
        fprintf(err, "assay %s: --%s %s: expected a whole number from 1 to 100000\n", command->name,
                o->name, value);
        return false;
    case OPTION_DURATION:
        if (result_ok(parse_duration(slice_str(value), field)))
            return true;
        fprintf(err, "assay %s: --%s: %s\n", command->name, o->name, error_last()->text);
        return false;
    }
    return false;
}

/* Where the reading of a command line is. */
struct reading {
    const struct command *command;
    int argc;
    char **argv;
    int at;
    struct invocation *out;
    FILE *err;
};

/* The value of an option: `given` with it, else the next argument, unless it may be left out. */
static bool read_value(struct reading *r, const struct option *o, const char *given)
{
    const char *value = given;
    if (!value && o->optional && (r->at == r->argc || r->argv[r->at][0] == '-'))
        value = o->absent;
    if (!value && r->at < r->argc)
        value = r->argv[r->at++];
    if (value)
        return store_value(r->command, o, value, r->out, r->err);
    fprintf(r->err, "assay %s: --%s needs a value: --%s %s\n", r->command->name, o->name, o->name,
            o->argument);
    return false;
}

/* "name" or "name=value", after the dashes. */
static bool read_long(struct reading *r, const char *name)
{
    const char *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    const struct option *o = option_find(r->command, name, length);
    if (!o)
        return unknown_option(r->command, name, length, r->err);
    if (o->kind != OPTION_FLAG)
        return read_value(r, o, equals ? equals + 1 : NULL);
    if (!equals)
        return store_value(r->command, o, "", r->out, r->err);
    fprintf(r->err, "assay %s: --%s takes no value\n", r->command->name, o->name);
    return false;
}

/* Letters after one dash: flags, and at the end one that takes a value ("-xj4", "-x -j 4"). */
static bool read_letters(struct reading *r, const char *letters)
{
    for (; *letters; letters++) {
        const struct option *o = find_by(r->command, NULL, 0, *letters);
        if (!o) {
            fprintf(r->err,
                    "assay %s: there is no option -%c\n`assay %s --help` lists the options.\n",
                    r->command->name, *letters, r->command->name);
            return false;
        }
        if (o->kind != OPTION_FLAG)
            return read_value(r, o, letters[1] ? letters + 1 : NULL);
        if (!store_value(r->command, o, "", r->out, r->err))
            return false;
    }
    return true;
}

bool options_read(const struct command *command, int argc, char **argv, struct invocation *out,
                  FILE *err)
{
    struct reading r = {command, argc, argv, 0, out, err};
    bool options_over = false;
    while (r.at < argc) {
        const char *text = argv[r.at++];
        bool read = true;
        if (options_over || text[0] != '-' || text[1] == '\0')
            append(out->arena, &out->words, text);
        else if (strcmp(text, "--") == 0)
            options_over = true;
        else if (text[1] == '-')
            read = read_long(&r, text + 2);
        else
            read = read_letters(&r, text + 1);
        if (!read)
            return false;
    }
    return true;
}
