/*
 * The commands of `assay` and their options, as tables: the parser, --help, the man pages and the
 * shell completions all come from them. A command is a row and a file of its own.
 */
#ifndef SRC_COMMAND_H
#define SRC_COMMAND_H

#include <assay/assay.h>

/* What the options of all commands are read into. */
struct invocation {
    struct arena *arena; /* holds the lists */
    const struct command *command;
    struct assay_selection selection;
    struct assay_streams streams;
    struct assay_load_options load;
    struct assay_strings reports;
    struct assay_strings webhooks;
    struct assay_strings words; /* arguments that are no options */
    struct assay_strings typed; /* all arguments */
    const char *store, *resume, *rerun_failed, *color, *flaky, *measure, *shard, *seed,
        *webhook_when;
    const char *retention, *comparison, *order, *threshold, *owner, *reason, *expires;
    int64_t timeout_ns;
    uint32_t jobs, max_failures, results, keep;
    int64_t older_ns;
    const char *cache;
    bool open, risk, fail_fast, quiet, verbose, json, reference, scenario, help, dry_run, compact;
};

enum option_kind {
    OPTION_FLAG,     /* bool */
    OPTION_TEXT,     /* const char *; the last one wins */
    OPTION_LIST,     /* struct assay_strings; may be given often */
    OPTION_COUNT,    /* uint32_t, 1 or more */
    OPTION_DURATION, /* int64_t nanoseconds */
};

struct option {
    const char *name; /* without the dashes; NULL ends a table */
    char letter;      /* of the short form, or 0 */
    enum option_kind kind;
    size_t offset;            /* in struct invocation */
    const char *argument;     /* what to call its value: "N"; NULL for flags */
    bool optional;            /* the value may be left out: `--resume` means `--resume last` */
    const char *absent;       /* the value then */
    const char *const *words; /* all values there are, NULL-ended; NULL: any */
    const char *help;
    const char *heading; /* of the group that begins with this one; NULL: it goes on */
};

struct example {
    const char *command, *what; /* NULL ends a table */
};

struct command {
    const char *name;
    const char *words;                   /* "SUITE…", "[RUN]"; "" when it takes none */
    const char *line;                    /* one line for the list of commands */
    const char *text;                    /* some paragraphs */
    const struct option *const *options; /* tables, NULL-ended */
    const struct example *examples;
    int (*run)(struct invocation *invocation);
};

/* All commands, in the order of the help; ends with NULL. */
extern const struct command *const commands[];

extern const struct command command_run, command_plan, command_load, command_report,
    command_compare, command_history, command_baseline, command_quarantine, command_store,
    command_init, command_schema, command_version, command_help;

/* What else people and scripts need to know of the whole program; each ends with a NULL. */
struct fact {
    const char *name, *meaning;
};
extern const struct fact exit_statuses[]; /* "0", "all passed" */
extern const struct fact environment[];   /* variables it looks at */

/* Options of several commands. */
extern const struct option options_common[];    /* --color, --help */
extern const struct option options_selection[]; /* --set, --filter, … */
extern const struct option options_store[];     /* --store */
extern const struct option options_kept[];      /* --keep, of what adds to the store */
extern const struct option options_detail[];    /* --quiet, --verbose */
extern const struct option options_reports[];   /* --report */
extern const struct option options_webhooks[];  /* --webhook, --webhook-when */

/* What the options above say. */
struct assay_webhooks webhooks_of(const struct invocation *invocation);

/* Print a command's help, or that of all for NULL. */
void help_print(const struct command *command, FILE *to, bool color, int columns);

const struct command *command_find(const char *name);

/* Say that there is none of this name, and which is near; the exit status. */
int command_unknown(const char *by, const char *name);

#endif
