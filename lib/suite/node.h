/*
 * A suite as a tree of nodes, each with its place in the text. The tree is what every later stage
 * reads: it is never changed in place; filling templates makes new nodes where values change and
 * shares the rest. Nodes live in the arena they were made in.
 */
#ifndef SUITE_NODE_H
#define SUITE_NODE_H

#include "core/jsontext.h"
#include "core/place.h"

enum node_kind {
    NODE_NULL,
    NODE_BOOL,
    NODE_INTEGER,
    NODE_REAL,
    NODE_STRING,
    NODE_LIST,
    NODE_MAP,
};

struct node;

struct node_entry {
    struct slice key;
    struct place key_at;
    const struct node *value;
};

struct node {
    enum node_kind kind;
    bool has_template; /* this string, or something below, holds ${…} or $${: to be filled */
    struct place at;
    size_t count; /* items or entries */
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct slice string;
        const struct node *const *items;
        const struct node_entry *entries; /* in the order of the text, keys unique */
    };
};

/* The value of `key` in a map; NULL when it is absent, or when `map` is NULL or no map. */
const struct node *node_get(const struct node *map, const char *key);
const struct node_entry *node_entry(const struct node *map, const char *key);

/*
 * Values with a default for an absent (NULL) node. The tree was checked against its shape before,
 * so a node of another kind is our defect (MUST).
 */
struct slice node_string(const struct node *node, struct slice absent);
int64_t node_integer(const struct node *node, int64_t absent);
double node_number(const struct node *node, double absent);
bool node_boolean(const struct node *node, bool absent);
int64_t node_duration(const struct node *node, int64_t absent); /* "500ms" → nanoseconds */

/* A scalar as text: strings as they are, numbers and booleans as JSON, null as "null"; maps and
 * lists as compact JSON. */
struct slice node_text(struct arena *arena, const struct node *node);

/* "map", "list", "string", …: for messages. */
const char *node_kind_name(enum node_kind kind);

/* A copy of `node` in the arena; what it points to is shared. */
const struct node *node_new(struct arena *arena, struct node node);

/* As a JSON value owned by the arena. */
json_t *node_json(struct arena *arena, const struct node *node);

/* A JSON value as nodes that all stand at `at`. Strings are taken as they are: not templates. */
const struct node *node_from_json(struct arena *arena, const json_t *value, struct place at);

/* A map with the entries of `over` on top of those of `under` (either may be NULL), not deep. */
const struct node *node_merge(struct arena *arena, const struct node *under,
                              const struct node *over);

#endif
