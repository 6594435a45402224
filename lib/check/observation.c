/*
 * What can be derived from an observation, worked out once and only when a check asks for it.
 */
#include "check/observation.h"

#include <stdlib.h>

const json_t *observation_json(struct observation *o, const char **fault)
{
    if (!o->body_json && !o->body_fault) {
        struct slice text = o->seen & OBSERVED_BODY ? o->body : o->standard_output;
        if (!result_ok(jsontext_read_in(o->arena, text, &o->body_json)))
            o->body_fault = arena_string(o->arena, slice_str(error_last()->text));
    }
    *fault = o->body_fault;
    return o->body_json;
}

struct slice observation_header(const struct observation *o, struct slice name)
{
    for (size_t i = 0; i < o->header_count; i++)
        if (slice_eq_nocase(o->headers[i].name, name))
            return o->headers[i].value.data ? o->headers[i].value : SLICE("");
    return slice_of(NULL, 0);
}

static int ascending(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

const int64_t *observation_gaps(struct observation *o, size_t *count)
{
    *count = o->token_count > 1 ? o->token_count - 1 : 0;
    if (*count == 0)
        return NULL;
    int64_t *gaps = ARENA_ARRAY(o->arena, int64_t, *count);
    for (size_t i = 0; i < *count; i++)
        gaps[i] = o->tokens[i + 1].at - o->tokens[i].at;
    qsort(gaps, *count, sizeof(gaps[0]), ascending);
    return gaps;
}
