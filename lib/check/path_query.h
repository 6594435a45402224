/*
 * A parsed JSONPath query: what check/path_parse.c builds and check/path.c walks. The names are
 * those of RFC 9535's grammar.
 */
#ifndef CHECK_PATH_QUERY_H
#define CHECK_PATH_QUERY_H

#include "check/path.h"

enum path_selector_kind {
    SELECTOR_NAME,
    SELECTOR_WILDCARD,
    SELECTOR_INDEX,
    SELECTOR_SLICE,
    SELECTOR_FILTER,
};

struct path_slice {
    bool has_start, has_end;
    int64_t start, end, step;
};

struct path_selector {
    enum path_selector_kind kind;
    union {
        struct slice name; /* NUL-terminated beyond its length */
        int64_t index;
        struct path_slice slice;
        const struct path_logical *filter;
    };
    const struct path_selector *next;
};

struct path_segment {
    bool descendant;
    const struct path_selector *selectors; /* at least one */
    const struct path_segment *next;
};

struct path_query {
    bool relative;                       /* from @ rather than $ */
    bool singular;                       /* by its form */
    const struct path_segment *segments; /* NULL: the start itself */
};

/* The types of function expressions (2.4.1). */
enum path_type { TYPE_VALUE, TYPE_LOGICAL, TYPE_NODES };

enum path_function_name {
    FUNCTION_LENGTH,
    FUNCTION_COUNT,
    FUNCTION_MATCH,
    FUNCTION_SEARCH,
    FUNCTION_VALUE
};

#define PATH_ARGUMENTS 2

/* What can be compared, or given to a function. */
struct path_operand {
    enum { OPERAND_LITERAL, OPERAND_QUERY, OPERAND_FUNCTION } kind;
    union {
        const json_t *literal;
        struct path_query query;
        const struct path_call *call;
    };
};

struct path_call {
    enum path_function_name function;
    enum path_type type;
    struct path_operand arguments[PATH_ARGUMENTS];
};

enum path_comparison {
    COMPARE_EQUAL,
    COMPARE_NOT_EQUAL,
    COMPARE_LESS_OR_EQUAL,
    COMPARE_GREATER_OR_EQUAL,
    COMPARE_LESS,
    COMPARE_GREATER,
};

/* A logical expression. */
struct path_logical {
    enum { LOGICAL_OR, LOGICAL_AND, LOGICAL_NOT, LOGICAL_COMPARISON, LOGICAL_TEST } kind;
    const struct path_logical *left, *right; /* OR, AND; NOT has only `left` */
    enum path_comparison comparison;
    struct path_operand operands[2]; /* COMPARISON; TEST has only the first */
};

struct path {
    struct slice text;
    struct path_query query;
};

#endif
