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
    struct slice detail;   /* JSON: the votes of a graded validator; empty: none */
    struct verdict *next;
};

struct verdicts {
    struct arena *arena;
    struct verdict *first, *last;
    size_t count, failed;
};

struct verdicts verdicts_in(struct arena *arena);

/* A key of a check's map that needs more than the check itself: `ttft` of `time`. */
struct check_part {
    const char *name; /* NULL ends a table */
    unsigned needs;
};

struct check_kind {
    const char *name;
    const struct shape *shape;
    unsigned needs;     /* it can be made when all of these can be seen (enum observed) … */
    unsigned needs_any; /* … and, when not 0, at least one of these */
    const struct check_part *parts; /* or NULL */
    const char *help;
    const char *example; /* JSON text of a whole `expect` entry's value */
    /* Append one verdict or more. Called only when the needs of the kind (not of its parts) were
       seen. NULL for pass_rate. */
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

/* The objectives that a load was judged by, a verdict each; `at` is where the load stands. */
void check_objectives(struct observation *o, struct place at, struct verdicts *out);

/* What people call a part of an observation: "an HTTP status". */
const char *observed_name(enum observed part);

/*
 * Report, while reading, the checks of `expect` that a step yielding only `yields` (enum observed)
 * can never see data for, and an `expect` without any check.
 */
void check_applicable(const struct node *expect, unsigned yields, const char *step,
                      struct diagnostics *d);

/* For the files of checks: append a verdict. Passing texts may be empty. */
struct verdict *verdict_add(struct verdicts *out, const char *check, struct place at, bool passed);

/* A failed verdict with its words; `expected` and `actual` are short. */
struct verdict *verdict_failed(struct verdicts *out, const char *check, struct place at,
                               struct slice expected, struct slice actual, const char *format, ...)
    PRINTF_LIKE(6, 7);

/* A failed verdict because nothing was there to be checked: `actual` is "(no data)". */
struct verdict *verdict_no_data(struct verdicts *out, const char *check, struct place at,
                                struct slice expected, const char *message);

/* The check could not be made: the thread's last error, or a sentence of one's own. */
struct verdict *verdict_impossible(struct verdicts *out, const char *check, struct place at,
                                   const char *message);

#endif
