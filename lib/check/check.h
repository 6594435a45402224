/*
 * Checks: observation × expectation → verdicts. Every check is a row in one table (its name, the
 * shape of its expectation, the parts of the observation it needs), which gives the reader, the
 * JSON Schema and the reference page. One file per family of checks.
 */
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

#include "check/observation.h"
#include "suite/shape.h"

/* What one check found. Texts live in the observation's arena. */
struct verdict {
    const char *check; /* "status", "json $.status", "time ttft": names the check and its part */
    bool passed;
    bool impossible; /* the check could not be made at all: the case is an error, not failed */
    struct slice expected; /* short: "≥ 3", "201", "matches ^http" */
    struct slice actual;   /* short; "(no data)" when nothing was seen */
    const char *message;   /* NULL when passed; else one sentence, maybe followed by a diff */
    struct place at;       /* of the expectation in the suite */
    struct verdict *next;
};

struct verdicts {
    struct arena *arena;
    struct verdict *first, **end;
    size_t count, failed;
};

struct verdicts verdicts_in(struct arena *arena);

struct check_kind {
    const char *name;
    const struct shape *shape;
    unsigned needs; /* it can be made when all of these can be seen (enum observed) */
    const char *help;
    const char *example; /* JSON text of a whole `expect` entry's value */
    /* Append one verdict or more. Called only when `needs` was seen. */
    void (*run)(struct observation *o, const struct node *expected, struct verdicts *out);
};

/* All checks, in the order of the reference page; ends with NULL. */
extern const struct check_kind *const check_kinds[];

/* The same as fields of an `expect` shape. */
extern const struct field check_fields[];

const struct check_kind *check_find(struct slice name);

/*
 * Make every check of `expect` (a filled map). A check whose data was not seen gets a failed
 * verdict. `pass_rate` is not made here: it belongs to several executions (lib/run).
 */
void check_run(struct observation *o, const struct node *expect, struct verdicts *out);

/*
 * Report, while reading, the checks of `expect` that a step yielding only `yields` (enum observed)
 * can never see data for, and an `expect` without any check.
 */
void check_applicable(const struct node *expect, unsigned yields, const char *step,
                      struct diagnostics *d);

/* For the files of checks: append a verdict. Passing texts may be empty. */
struct verdict *verdict_add(struct verdicts *out, const char *check, struct place at, bool passed);

#endif
