/*
 * Picking a few values out of a JSON text without building it: the answers of services on the hot
 * path, where an event is a few hundred bytes and only its token, its end or its usage is wanted.
 * Nothing is allocated or copied. The structure of the whole text is checked; what only a full
 * parser sees (duplicate names, broken UTF-8, lone surrogates) is let pass.
 */
#ifndef LOAD_SCAN_H
#define LOAD_SCAN_H

#include "core/slice.h"

enum scan_kind {
    SCAN_ABSENT,
    SCAN_NULL,
    SCAN_BOOLEAN,
    SCAN_NUMBER,
    SCAN_STRING,
    SCAN_ARRAY,
    SCAN_OBJECT,
};

struct scan_value {
    enum scan_kind kind;
    uint32_t elements; /* of an array */
    struct slice text; /* as written; of a string what is between the quotes, escapes and all */
};

/* Where a value is: names of members, "0" for the first element of an array. */
#define SCAN_DEPTH 4
struct scan_path {
    struct slice names[SCAN_DEPTH];
    uint32_t depth;
};

/* At most so many paths at once. */
#define SCAN_PATHS 16

/*
 * Find the values of `count` paths. False when the text is not JSON or is nested deeper than
 * LIMIT_DEPTH; what was found until then stays. Of members with the same name the last counts.
 */
bool scan_json(struct slice text, const struct scan_path *paths, size_t count,
               struct scan_value *values);

/* A whole number of 0 or more; -1 for everything else. */
int64_t scan_count(const struct scan_value *value);

/* A string with something in it. */
static inline bool scan_has_text(const struct scan_value *value)
{
    return value->kind == SCAN_STRING && value->text.len > 0;
}

#endif
