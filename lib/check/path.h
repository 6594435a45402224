/*
 * JSONPath exactly as RFC 9535 has it, over jansson's values. A query is parsed once (with the type
 * rules of function expressions checked) and selects many times; a parsed query is immutable, so
 * threads may share it.
 */
#ifndef CHECK_PATH_H
#define CHECK_PATH_H

#include "core/jsontext.h"

struct path;

/*
 * One selected node: the value and how it was reached. Nodes live in the arena given to
 * path_select and borrow names and values from the document.
 */
struct path_node {
    const json_t *value;
    const struct path_node *parent; /* NULL: this is the root */
    struct slice name;              /* the member of `parent`; data is NULL for an element */
    size_t index;                   /* the element of `parent`, when there is no name */
};

/* A nodelist, in the order of the RFC; members of an object come in the order of the document. */
struct path_nodes {
    const struct path_node **items;
    size_t count;
};

/*
 * Parse a query into the arena. On failure ERR_SYNTAX (not well-formed, or a function expression
 * that is not well-typed) or ERR_TOO_LARGE (nested deeper than LIMIT_DEPTH), with the character
 * position (from 1) and what was expected there. `text` may go away afterwards.
 */
struct result path_parse(struct arena *arena, struct slice text, struct path **out) MUST_USE;

/*
 * Select from `root`, which must outlive the nodes. Selecting nothing is success. On failure
 * ERR_TOO_LARGE: more than LIMIT_PATH_NODES nodes were visited, the document is nested deeper than
 * LIMIT_DEPTH below a descendant segment, or a regular expression met its limits.
 */
struct result path_select(const struct path *path, const json_t *root, struct arena *arena,
                          struct path_nodes *out) MUST_USE;

/* A singular query (RFC 9535, 2.3.5.1) selects at most one node whatever the document. */
bool path_singular(const struct path *path);

/* The query as it was written. */
struct slice path_text(const struct path *path);

/* The node's normalized path (RFC 9535, 2.7), "$['choices'][0]", or JSON Pointer, "/choices/0". */
struct slice path_normalized(struct arena *arena, const struct path_node *node);
struct slice path_pointer(struct arena *arena, const struct path_node *node);

#endif
