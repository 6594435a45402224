/*
 * The names that ${…} may use, in scopes: a case sees its own (matrix and row values, generated
 * ones, what its steps save), then its suite's variables and services, then what is always there.
 * A name is known with its value before the run, or only known to exist until the run gives it one.
 */
#ifndef PLAN_NAMES_H
#define PLAN_NAMES_H

#include "suite/template.h"

struct name {
    struct slice name;
    json_t *value; /* NULL: only the run knows */
    struct name *next;
};

struct names {
    struct arena *arena;
    const struct names *outer; /* looked at next; NULL at the outermost */
    struct name *first;        /* latest first */
};

struct names *names_new(struct arena *arena, const struct names *outer);

/* Known with its value (owned by the arena), or with NULL only to exist. */
void names_add(struct names *names, struct slice name, json_t *value);

const struct name *names_find(const struct names *names, struct slice name);

/* Report every ${…} below `node` that names nothing. */
void names_check(const struct names *names, const struct node *node, struct diagnostics *d);

/* Fill what is known before the run; faults go to `d` and the node comes back as it was. */
const struct node *names_fill(const struct names *names, struct arena *arena,
                              const struct node *node, struct diagnostics *d);

/* Names that are always there and get their value in the run: uuid, now, attempt, trial. */
extern const char *const names_always[];

/* "NAME" of "env.NAME"; false when it is another kind of name. */
bool names_environment(struct slice name, struct slice *variable);

/* The value of ${env.NAME:-default}. ERR_VALUE when it is not set and has no default. */
struct result names_environment_value(struct arena *arena, const struct template_name *name,
                                      json_t **value) MUST_USE;

#endif
