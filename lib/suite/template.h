/*
 * Interpolation: ${name} and ${env.NAME:-default} inside strings of a suite, $${ for a literal ${.
 * A whole string that is one ${…} keeps the value's type; otherwise values are put in as text
 * (strings as they are, everything else as compact JSON).
 *
 *     template = "${" name [ ":-" fallback ] "}"
 *     name     = [A-Za-z_] *[A-Za-z0-9_.-]
 *     fallback = anything up to the next "}"
 *
 * Before a "{" a pair of dollars stands for one dollar, so that everything can be written: ${x} is
 * a template, $${x} the text ${x}, $$${x} a dollar and a template. Elsewhere a dollar is a dollar.
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

/* Call `visit` for every ${…} below `node`, keys of maps included; report faults of syntax. */
void template_each(const struct node *node, struct diagnostics *d,
                   void (*visit)(void *context, const struct template_name *name), void *context);

/*
 * `node` with its templates filled: the same node when it has none. Keys of maps are filled too.
 * What keeps a ${…} stays a template whole: values put in beside it are escaped, so that the next
 * fill leaves them alone. Fails with the scope's own error, placed at the ${…} unless it has a
 * place, with ERR_SYNTAX for a broken ${…}, and with ERR_SUITE when two keys become the same.
 */
struct result template_fill(struct arena *arena, const struct node *node,
                            const struct template_scope *scope, const struct node **out) MUST_USE;

/* The same for one string; a value of another type is put in as text. */
struct result template_fill_text(struct arena *arena, struct slice text, struct place at,
                                 const struct template_scope *scope, struct slice *out) MUST_USE;

#endif
