/*
 * Interpolation: ${name} and ${env.NAME:-default} inside strings of a suite, $${ for a literal ${.
 * A whole string that is one ${…} keeps the value's type; otherwise values are put in as text
 * (strings as they are, everything else as compact JSON).
 */
#ifndef SUITE_TEMPLATE_H
#define SUITE_TEMPLATE_H

#include "suite/diagnostics.h"
#include "suite/node.h"

struct template_name {
    struct slice name;     /* what stands between ${ and } or :- */
    struct slice fallback; /* what follows :- */
    bool has_fallback;
    struct place at; /* of the ${ */
};

/*
 * The value of a name: set `*value` (borrowed until the fill returns), or leave it NULL to keep
 * this ${…} as it stands for a later fill.
 */
struct template_scope {
    struct result (*lookup)(void *context, const struct template_name *name, json_t **value);
    void *context;
};

/* Does this text hold a ${ that is not escaped? */
bool template_present(struct slice text);

/* Call `visit` for every ${…} below `node`, keys of maps included. Faults of syntax are reported.
 */
void template_each(const struct node *node, struct diagnostics *d,
                   void (*visit)(void *context, const struct template_name *name), void *context);

/*
 * `node` with its templates filled: the same node when it has none. Keys of maps are filled too.
 * Fails with the scope's own error, placed at the ${…}.
 */
struct result template_fill(struct arena *arena, const struct node *node,
                            const struct template_scope *scope, const struct node **out) MUST_USE;

/* The same for one string; a value of another type is put in as text. */
struct result template_fill_text(struct arena *arena, struct slice text, struct place at,
                                 const struct template_scope *scope, struct slice *out) MUST_USE;

#endif
