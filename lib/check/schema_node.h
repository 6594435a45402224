/*
 * A compiled schema: nodes, one per subschema, each with the keywords that mean something in it.
 * check/schema_compile.c builds them, check/schema_validate.c and the keyword files walk them.
 * Immutable once compiled.
 */
#ifndef CHECK_SCHEMA_NODE_H
#define CHECK_SCHEMA_NODE_H

#include "check/schema_keyword.h"

/* A name that a reference may use instead of a path. The one of `$recursiveAnchor` is empty. */
struct schema_anchor {
    struct slice name;
    bool dynamic;
    const struct schema_node *node;
    const struct schema_anchor *next;
};

/* A schema with a URI of its own: a document, or a part of one that has `$id`. */
struct schema_resource {
    struct slice uri;      /* absolute when it can be, without fragment; "" for one without */
    struct slice location; /* "#", "#/$defs/part", "http://example.org/b#": for messages */
    const json_t *root;
    const struct schema_node *node;
    unsigned draft;        /* one bit of enum schema_draft_bit */
    unsigned vocabularies; /* bits of enum schema_vocabulary */
    bool assert_formats;
    const struct schema_anchor *anchors;
    struct schema_resource *next;
};

/* One keyword of one subschema. */
struct schema_keyword {
    const struct keyword_kind *kind;
    const json_t *value;
    const struct schema_node **nodes; /* subschemas, in the order of the value or of `names` */
    size_t node_count;
    const char **names;                /* of a map of subschemas, sorted; else NULL */
    const struct schema_node *target;  /* of a reference */
    struct slice dynamic;              /* the anchor to look for; data is NULL for a static one */
    const struct schema_keyword *next; /* in the order of the keyword table */
};

struct schema_node {
    const json_t *json;
    struct slice location; /* "#/properties/name" */
    const struct schema_resource *resource;
    const struct schema_keyword *keywords; /* none when the schema is true or false */
    bool wants_marks;                      /* has unevaluatedItems or unevaluatedProperties */
};

struct schema {
    const struct schema_node *root;
};

/* The keyword `id` of a node, or NULL. */
const struct schema_keyword *schema_sibling(const struct schema_node *node, enum keyword_id id);

/* The subschema for `name` in a map of subschemas, or NULL. */
const struct schema_node *schema_named(const struct schema_keyword *map, const char *name);

#endif
