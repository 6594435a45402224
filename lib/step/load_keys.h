/*
 * The keys of a load: what a scenario and the `load` step say, and the options of `assay load` they
 * stand for. One table gives the reader, the schema, the reference page and the step.
 */
#ifndef STEP_LOAD_KEYS_H
#define STEP_LOAD_KEYS_H

#include <assay/assay.h>

#include "suite/shape.h"

/* For shapes that hold more besides (a scenario). */
extern const struct field load_fields[];

/* The `load` step's value. */
extern const struct shape load_shape;

/*
 * The options that a load's keys stand for, allocated in the arena; `*out` has no others. Paths
 * are relative to `folder`. ERR_VALUE, with its place, for a value no option could have.
 */
struct result load_keys_read(struct arena *arena, const struct node *load, struct slice folder,
                             struct assay_load_options *out) MUST_USE;

/*
 * Lay what `over` says on top of `*under`. What a given option excludes goes: --concurrency puts a
 * rate of the file out of force.
 */
void load_keys_lay(const struct assay_load_options *over, struct assay_load_options *under);

/* A load's keys on top of another's, with the same rule. */
const struct node *load_keys_merge(struct arena *arena, const struct node *under,
                                   const struct node *over);

/* How long a load takes when all is well, ns; CLOCK_NEVER when its keys do not say (a template). */
int64_t load_keys_duration(const struct node *load);

/*
 * The thread's last error about an option ("--rate x: …"), in the words of the file: the key's name
 * and its place. What is about an option of `over`, those of the command line (or NULL), stays as
 * it is; that nothing is at the url has the url's place, and other errors have the load's. Returns
 * the same code.
 */
struct result load_keys_blame(const struct node *load, const struct assay_load_options *over,
                              struct result result) MUST_USE;

#endif
