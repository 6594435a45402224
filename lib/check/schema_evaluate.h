/*
 * Checking an instance against compiled nodes: what the functions of the keyword table share.
 *
 * An instance is first checked without collecting anything, which stops at the first fault; only an
 * invalid one is checked again with `faults` to collect them in.
 */
#ifndef CHECK_SCHEMA_EVALUATE_H
#define CHECK_SCHEMA_EVALUATE_H

#include "check/path.h"
#include "check/schema_node.h"

/* Faults in the order they were found. */
struct faults {
    struct schema_fault *items;
    unsigned *ranks; /* per fault: 0 is the most telling */
    size_t count, capacity;
    size_t total;   /* of which the first `count` are kept */
    size_t misfits; /* of type, const and enum: they tell that another alternative was meant */
};

struct validation {
    struct arena *arena;
    struct faults *faults; /* NULL: only whether it is valid is asked */
    unsigned rank;         /* added to the rank of every fault */
    unsigned depth;
    size_t steps;
};

/* Which members or elements of an instance some keyword has looked at. */
struct marks {
    size_t count;
    bool *seen; /* per member in the order of the object, or per element */
};

/* The resources entered on the way, for $dynamicRef. */
struct schema_scope {
    const struct schema_resource *resource;
    const struct schema_scope *outer;
};

/* One subschema being applied to one instance. */
struct evaluation {
    struct validation *v;
    const struct schema_node *node;
    const struct path_node *at;
    const struct schema_scope *scope;
    struct marks *marks; /* NULL: nobody asks */
    const struct evaluation *outer;
    bool valid;
};

/* Apply a subschema at `at`; `e` is the evaluation it belongs to. Faults go where e's go. */
struct result schema_evaluate(struct evaluation *e, const struct schema_node *node,
                              const struct path_node *at, struct marks *marks,
                              bool *valid) MUST_USE;

/* The same, asking only whether it is valid. */
struct result schema_evaluate_quietly(struct evaluation *e, const struct schema_node *node,
                                      const struct path_node *at, struct marks *marks,
                                      bool *valid) MUST_USE;

/* The instance does not satisfy keyword `k` (NULL: the schema is false). */
void schema_fault_at(struct evaluation *e, const struct schema_keyword *k,
                     const struct path_node *at, const char *format, ...) PRINTF_LIKE(4, 5);
void schema_faults_append(struct arena *arena, struct faults *to, const struct faults *from);
#define schema_fault(e, k, ...) schema_fault_at((e), (k), (e)->at, __VA_ARGS__)

/* A value for a message: JSON, cut when it is long. Empty when no message is wanted. */
const char *schema_shown(const struct evaluation *e, const json_t *value);

/* Marks for an instance, none set; NULL for what has no members or elements. */
struct marks *schema_marks_for(struct arena *arena, const json_t *instance);
void schema_marks_add(struct marks *to, const struct marks *from);

#endif
