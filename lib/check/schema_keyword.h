/*
 * The table of JSON Schema's keywords: in which drafts and which vocabulary each exists, what its
 * value must look like, and what checks an instance. Compiling goes by the table alone, in its
 * order, which is also the order of checking: the cheap and telling ones first, those that need to
 * know what the others saw (unevaluated…) last.
 */
#ifndef CHECK_SCHEMA_KEYWORD_H
#define CHECK_SCHEMA_KEYWORD_H

#include "check/schema.h"

enum schema_draft_bit { D04 = 1, D06 = 2, D07 = 4, D19 = 8, D20 = 16 };

#define FROM_D19 (D19 | D20)
#define FROM_D07 (D07 | FROM_D19)
#define FROM_D06 (D06 | FROM_D07)
#define EVERY_DRAFT (D04 | FROM_D06)
#define UNTIL_D07 (D04 | D06 | D07)
#define UNTIL_D19 (UNTIL_D07 | D19)

enum schema_vocabulary {
    IN_CORE = 1,
    IN_APPLICATOR = 2,
    IN_UNEVALUATED = 4,
    IN_VALIDATION = 8,
    IN_FORMAT = 16,
    IN_ALL = 31,
};

/* What the value of a keyword must be. */
enum keyword_shape {
    SHAPE_ANY,
    SHAPE_BOOLEAN,
    SHAPE_NUMBER,
    SHAPE_POSITIVE,
    SHAPE_COUNT,
    SHAPE_STRING,
    SHAPE_PATTERN,
    SHAPE_STRINGS,
    SHAPE_TYPE,
    SHAPE_LIST,
    SHAPE_REFERENCE,
    SHAPE_SCHEMA,
    SHAPE_SCHEMAS,
    SHAPE_SCHEMA_OR_LIST,
    SHAPE_SCHEMA_MAP,
    SHAPE_PATTERN_MAP,
    SHAPE_STRINGS_MAP,
    SHAPE_DEPENDENCIES,
};

/* clang-format off */
/*    id                     name                     drafts       vocabulary      shape                 check */
#define KEYWORD_TABLE(X)                                                                                                      \
    X(REF,                   "$ref",                  EVERY_DRAFT, IN_CORE,        SHAPE_REFERENCE,      reference)           \
    X(DYNAMIC_REF,           "$dynamicRef",           D20,         IN_CORE,        SHAPE_REFERENCE,      reference)           \
    X(RECURSIVE_REF,         "$recursiveRef",         D19,         IN_CORE,        SHAPE_REFERENCE,      reference)           \
    X(DEFS,                  "$defs",                 FROM_D19,    IN_CORE,        SHAPE_SCHEMA_MAP,     nothing)             \
    X(DEFINITIONS,           "definitions",           EVERY_DRAFT, IN_CORE,        SHAPE_SCHEMA_MAP,     nothing)             \
    X(TYPE,                  "type",                  EVERY_DRAFT, IN_VALIDATION,  SHAPE_TYPE,           type)                \
    X(CONST,                 "const",                 FROM_D06,    IN_VALIDATION,  SHAPE_ANY,            const)               \
    X(ENUM,                  "enum",                  EVERY_DRAFT, IN_VALIDATION,  SHAPE_LIST,           enum)                \
    X(REQUIRED,              "required",              EVERY_DRAFT, IN_VALIDATION,  SHAPE_STRINGS,        required)            \
    X(EXCLUSIVE_MINIMUM_04,  "exclusiveMinimum",      D04,         IN_VALIDATION,  SHAPE_BOOLEAN,        nothing)             \
    X(EXCLUSIVE_MAXIMUM_04,  "exclusiveMaximum",      D04,         IN_VALIDATION,  SHAPE_BOOLEAN,        nothing)             \
    X(MINIMUM,               "minimum",               EVERY_DRAFT, IN_VALIDATION,  SHAPE_NUMBER,         bound)               \
    X(MAXIMUM,               "maximum",               EVERY_DRAFT, IN_VALIDATION,  SHAPE_NUMBER,         bound)               \
    X(EXCLUSIVE_MINIMUM,     "exclusiveMinimum",      FROM_D06,    IN_VALIDATION,  SHAPE_NUMBER,         bound)               \
    X(EXCLUSIVE_MAXIMUM,     "exclusiveMaximum",      FROM_D06,    IN_VALIDATION,  SHAPE_NUMBER,         bound)               \
    X(MULTIPLE_OF,           "multipleOf",            EVERY_DRAFT, IN_VALIDATION,  SHAPE_POSITIVE,       multiple)            \
    X(MIN_LENGTH,            "minLength",             EVERY_DRAFT, IN_VALIDATION,  SHAPE_COUNT,          size)                \
    X(MAX_LENGTH,            "maxLength",             EVERY_DRAFT, IN_VALIDATION,  SHAPE_COUNT,          size)                \
    X(PATTERN,               "pattern",               EVERY_DRAFT, IN_VALIDATION,  SHAPE_PATTERN,        pattern)             \
    X(FORMAT,                "format",                EVERY_DRAFT, IN_FORMAT,      SHAPE_STRING,         format)              \
    X(MIN_ITEMS,             "minItems",              EVERY_DRAFT, IN_VALIDATION,  SHAPE_COUNT,          size)                \
    X(MAX_ITEMS,             "maxItems",              EVERY_DRAFT, IN_VALIDATION,  SHAPE_COUNT,          size)                \
    X(UNIQUE_ITEMS,          "uniqueItems",           EVERY_DRAFT, IN_VALIDATION,  SHAPE_BOOLEAN,        unique)              \
    X(MIN_PROPERTIES,        "minProperties",         EVERY_DRAFT, IN_VALIDATION,  SHAPE_COUNT,          size)                \
    X(MAX_PROPERTIES,        "maxProperties",         EVERY_DRAFT, IN_VALIDATION,  SHAPE_COUNT,          size)                \
    X(DEPENDENT_REQUIRED,    "dependentRequired",     FROM_D19,    IN_VALIDATION,  SHAPE_STRINGS_MAP,    dependencies)        \
    X(PROPERTY_NAMES,        "propertyNames",         FROM_D06,    IN_APPLICATOR,  SHAPE_SCHEMA,         property_names)      \
    X(PROPERTIES,            "properties",            EVERY_DRAFT, IN_APPLICATOR,  SHAPE_SCHEMA_MAP,     properties)          \
    X(PATTERN_PROPERTIES,    "patternProperties",     EVERY_DRAFT, IN_APPLICATOR,  SHAPE_PATTERN_MAP,    pattern_properties)  \
    X(ADDITIONAL_PROPERTIES, "additionalProperties",  EVERY_DRAFT, IN_APPLICATOR,  SHAPE_SCHEMA,         additional_properties)\
    X(DEPENDENT_SCHEMAS,     "dependentSchemas",      FROM_D19,    IN_APPLICATOR,  SHAPE_SCHEMA_MAP,     dependencies)        \
    X(DEPENDENCIES,          "dependencies",          EVERY_DRAFT, IN_APPLICATOR,  SHAPE_DEPENDENCIES,   dependencies)        \
    X(PREFIX_ITEMS,          "prefixItems",           D20,         IN_APPLICATOR,  SHAPE_SCHEMAS,        items)               \
    X(ITEMS,                 "items",                 D20,         IN_APPLICATOR,  SHAPE_SCHEMA,         items)               \
    X(ITEMS_OR_LIST,         "items",                 UNTIL_D19,   IN_APPLICATOR,  SHAPE_SCHEMA_OR_LIST, items)               \
    X(ADDITIONAL_ITEMS,      "additionalItems",       UNTIL_D19,   IN_APPLICATOR,  SHAPE_SCHEMA,         items)               \
    X(MIN_CONTAINS,          "minContains",           FROM_D19,    IN_VALIDATION,  SHAPE_COUNT,          nothing)             \
    X(MAX_CONTAINS,          "maxContains",           FROM_D19,    IN_VALIDATION,  SHAPE_COUNT,          nothing)             \
    X(CONTAINS,              "contains",              FROM_D06,    IN_APPLICATOR,  SHAPE_SCHEMA,         contains)            \
    X(ALL_OF,                "allOf",                 EVERY_DRAFT, IN_APPLICATOR,  SHAPE_SCHEMAS,        all_of)              \
    X(ANY_OF,                "anyOf",                 EVERY_DRAFT, IN_APPLICATOR,  SHAPE_SCHEMAS,        any_of)              \
    X(ONE_OF,                "oneOf",                 EVERY_DRAFT, IN_APPLICATOR,  SHAPE_SCHEMAS,        any_of)              \
    X(NOT,                   "not",                   EVERY_DRAFT, IN_APPLICATOR,  SHAPE_SCHEMA,         not)                 \
    X(THEN,                  "then",                  FROM_D07,    IN_APPLICATOR,  SHAPE_SCHEMA,         nothing)             \
    X(ELSE,                  "else",                  FROM_D07,    IN_APPLICATOR,  SHAPE_SCHEMA,         nothing)             \
    X(IF,                    "if",                    FROM_D07,    IN_APPLICATOR,  SHAPE_SCHEMA,         if)                  \
    X(CONTENT_SCHEMA,        "contentSchema",         FROM_D19,    IN_CORE,        SHAPE_SCHEMA,         nothing)             \
    X(UNEVALUATED_ITEMS,     "unevaluatedItems",      FROM_D19,    IN_UNEVALUATED, SHAPE_SCHEMA,         unevaluated)         \
    X(UNEVALUATED_PROPERTIES, "unevaluatedProperties", FROM_D19,    IN_UNEVALUATED, SHAPE_SCHEMA,         unevaluated)
/* clang-format on */

enum keyword_id {
#define X(id, name, drafts, vocabulary, shape, check) KEYWORD_##id,
    KEYWORD_TABLE(X)
#undef X
        KEYWORD_COUNT
};

struct evaluation;
struct schema_keyword;

typedef struct result keyword_check(struct evaluation *e, const struct schema_keyword *k);

struct keyword_kind {
    enum keyword_id id;
    unsigned drafts, vocabulary;
    enum keyword_shape shape;
    const char *name;
    keyword_check *check;
};

extern const struct keyword_kind keyword_kinds[KEYWORD_COUNT];

/* schema_check_type() and so on; schema_check_nothing() is for keywords that only hold subschemas
 * or are looked at by another keyword. */
#define X(id, name, drafts, vocabulary, shape, check) keyword_check schema_check_##check;
KEYWORD_TABLE(X)
#undef X

#endif
