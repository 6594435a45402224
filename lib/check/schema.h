/*
 * JSON Schema over jansson's values: draft 2020-12 with all its vocabularies, and the older drafts
 * that are still spoken in the field. A schema is compiled once (references resolved, patterns and
 * the shape of every keyword's value checked) and validates many instances; a compiled schema is
 * immutable, so threads may share it.
 *
 * Nothing is ever fetched. A reference may lead to the schema itself, the embedded metaschemas, or
 * a document handed in; any other is an error that names it.
 */
#ifndef CHECK_SCHEMA_H
#define CHECK_SCHEMA_H

#include "core/jsontext.h"

struct schema;

enum schema_draft {
    SCHEMA_2020_12,
    SCHEMA_2019_09,
    SCHEMA_DRAFT_07,
    SCHEMA_DRAFT_06,
    SCHEMA_DRAFT_04,
};

/* A further document that references may lead to. */
struct schema_document {
    const char *uri; /* absolute, where it would have been fetched from */
    const json_t *root;
};

/* All zero is the usual choice. */
struct schema_options {
    enum schema_draft draft;                 /* for documents that have no $schema */
    bool assert_formats;                     /* `format` is otherwise an annotation */
    const char *uri;                         /* of the schema, absolute; NULL: it has none */
    const struct schema_document *documents; /* further documents */
    size_t document_count;
};

/*
 * Compile into the arena. `root` and the documents' roots must outlive the schema. `options` may be
 * NULL. On failure the text names the place in the schema:
 * ERR_VALUE      not a valid schema: a keyword has a wrong value, or a reference leads nowhere
 * ERR_NOT_FOUND  a reference leads to a document that was not handed in
 * ERR_UNSUPPORTED  $schema or a required vocabulary is not one we know
 * ERR_TOO_LARGE  nested deeper than LIMIT_DEPTH
 */
struct result schema_compile(struct arena *arena, const json_t *root,
                             const struct schema_options *options, struct schema **out) MUST_USE;

/* What is wrong with an instance, in memory of the arena given to schema_validate. */
struct schema_fault {
    struct slice pointer; /* of the value in the instance, as JSON Pointer: "/items/0" */
    struct slice path;    /* the same as normalized JSONPath: "$['items'][0]" */
    struct slice schema;  /* of the keyword: "#/properties/items/items/type" */
    struct slice text;    /* "expected string, got 42" */
};

struct schema_report {
    bool valid;
    struct schema_fault *faults; /* at most as many as asked for, the most telling first */
    size_t count;
    size_t more; /* how many further ones there are */
};

/*
 * Validate. An invalid instance is success with `valid` false. On failure ERR_VALUE: the schema
 * refers to itself without going down in the instance; or ERR_TOO_LARGE: schema and instance nest
 * too deep, more than LIMIT_SCHEMA_STEPS subschemas were applied, or a regular expression met its
 * limits.
 */
struct result schema_validate(const struct schema *schema, const json_t *instance, size_t most,
                              struct arena *arena, struct schema_report *out) MUST_USE;

#endif
