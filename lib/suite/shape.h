/*
 * Shapes: what a node may look like. The whole suite format is written as one tree of shapes, and
 * from it come the reader's checks (with "did you mean"), the JSON Schema for editors and the
 * reference page. A key described here is understood everywhere; one that is not is an error.
 */
#ifndef SUITE_SHAPE_H
#define SUITE_SHAPE_H

#include "suite/diagnostics.h"
#include "suite/node.h"

enum shape_kind {
    SHAPE_ANY, /* any value */
    SHAPE_BOOL,
    SHAPE_INTEGER,  /* within [min, max] */
    SHAPE_NUMBER,   /* integer or real, within [min, max] */
    SHAPE_STRING,   /* its length in characters within [min, max] */
    SHAPE_WORD,     /* one of `words` */
    SHAPE_DURATION, /* a string such as "500ms" */
    SHAPE_SIZE,     /* a string such as "64KiB" or a number of bytes */
    SHAPE_LIST,     /* of `of`, count within [min, max] */
    SHAPE_MAP,      /* any keys, values of `of`, count within [min, max] */
    SHAPE_OBJECT,   /* the keys of `fields` and no others */
    SHAPE_EITHER,   /* one of `either` (NULL-ended): a list or map takes the first alternative of
                       its kind, a scalar the first that it fits */
};

struct shape;

struct field {
    const char *name; /* NULL ends a table */
    const struct shape *shape;
    bool required;
    const char *help;    /* one or two sentences, for the schema and the reference */
    const char *example; /* JSON text, or NULL */
};

struct shape {
    const char *name; /* for messages and the reference: "case", "http step"; NULL for plain ones */
    enum shape_kind kind;
    double min, max; /* both 0: no bounds; max below min: none above */
    const struct shape *of;
    const struct shape *const *either;
    const char *const *words;
    const struct field *const *fields; /* several tables, NULL-ended: a kind adds one of its own */
    const char *help;
    /* More than a shape can say (a regex compiles, exactly one step kind, …); may be NULL. Called
       when the node and all below it were found right, so that reading their values is safe except
       where a string holds a template; not called for a scalar that is a template itself. */
    void (*check)(const struct node *node, struct diagnostics *d);
};

/* Plain shapes shared by all. */
extern const struct shape shape_any, shape_bool, shape_string /* not empty */,
    shape_text /* a string, maybe empty */, shape_object /* a map of anything */, shape_duration,
    shape_size, shape_strings /* list of strings */, shape_arguments /* list of
    scalars, not empty */
    ,
    shape_string_map /* map of scalars */, shape_regex, shape_positive /* integer ≥ 1 */,
    shape_count /* integer ≥ 0 */;

/*
 * Check a node against a shape and report every fault. A string that holds a template ${…} fits any
 * scalar shape: its value is checked again once the template is filled.
 */
void shape_check(const struct shape *shape, const struct node *node, struct diagnostics *d);

/*
 * The node with every value that stands in a place for text, and is none, as text: a filled ${n} is
 * a number, and `"command": ["sleep", "${n}"]` means its digits. Shares what it does not change.
 */
const struct node *shape_convert(struct arena *arena, const struct shape *shape,
                                 const struct node *node);

/* What fits, with its article: "a string or a list of strings", "an integer from 0 to 10". */
const char *shape_describe(struct arena *arena, const struct shape *shape);

/* The JSON Schema (draft 2020-12) of a shape; named shapes become $defs, so names are
 * unique (MUST). A string with a template is allowed for every scalar. Arena-owned. */
json_t *shape_schema(struct arena *arena, const struct shape *shape, const char *title);

/* The reference page (Markdown): a section per named shape, a table row per key. */
struct slice shape_reference(struct arena *arena, const struct shape *shape, const char *title);

#endif
