/*
 * Regular expressions: PCRE2 with its JIT compiler, always with limits on steps, depth and heap.
 * Compiling costs tens of microseconds and the same few patterns are asked for in thousands of
 * cases, so each thread keeps the REGEX_CACHED most recently used ones; nobody owns or frees one.
 */
#ifndef CHECK_REGEX_H
#define CHECK_REGEX_H

#include "core/arena.h"

/* Whose rules a pattern follows. */
enum regex_dialect {
    REGEX_PERL,    /* PCRE2's own: what people expect of `matches` */
    REGEX_ECMA,    /* ECMA-262 with the u flag: `pattern` of JSON Schema */
    REGEX_IREGEXP, /* RFC 9485: match() and search() of JSONPath */
};

/* Added to a dialect with |. */
#define REGEX_CASELESS 0x10u /* letters match whatever their case */
#define REGEX_WHOLE 0x20u    /* the match must span the whole subject */

/* Patterns kept per thread. */
#define REGEX_CACHED 64

/* One group of a match. */
struct regex_group {
    bool set; /* it took part in the match */
    size_t start, end;
};

struct regex_match {
    bool found;
    size_t start, end;                /* byte offsets of the whole match, when found */
    const struct regex_group *groups; /* from group 1, in memory of the arena */
    size_t group_count;
};

/* ERR_SYNTAX with the character position (from 1) in the pattern when it is not one. */
struct result regex_check(struct slice pattern, unsigned dialect_and_flags) MUST_USE;

/*
 * Search `subject`. Text that is valid UTF-8 is matched by characters, other bytes one by one;
 * offsets are in bytes either way. On failure ERR_SYNTAX as for regex_check, or ERR_TOO_LARGE when
 * a limit was met, which is never a "no match". regex_matches is for when the groups do not matter.
 */
struct result regex_search(struct slice pattern, unsigned dialect_and_flags, struct slice subject,
                           struct arena *arena, struct regex_match *out) MUST_USE;
struct result regex_matches(struct slice pattern, unsigned dialect_and_flags, struct slice subject,
                            bool *out) MUST_USE;

#endif
