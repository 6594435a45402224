/*
 * The two dialects that are not PCRE2's own, rewritten into it: ECMA-262 with the u flag (JSON
 * Schema) and I-Regexp, RFC 9485 (JSONPath). I-Regexp is read by the same rules, as its section 5.3
 * allows, except for the dot. What means one thing there and another in PCRE2 is spelled out, and
 * what only PCRE2 knows (\A, (?>…), a++, verbs, POSIX classes) is refused or made literal.
 */
#ifndef CHECK_REGEX_DIALECT_H
#define CHECK_REGEX_DIALECT_H

#include "core/text.h"

struct regex_translation {
    struct text text;  /* the pattern for PCRE2 */
    size_t *out_at;    /* per byte of the original: length of `text` when it was reached */
    bool dot_iregexp;  /* "." stops at \n and \r only */
    struct slice from; /* the original, valid UTF-8 */
};

/* Translate; on failure `*fault_at` is the byte of the original it is about, and the text of
 * the error says only what is wrong there. */
struct result regex_translate(struct regex_translation *translation, size_t *fault_at) MUST_USE;

/* The byte of the original that byte `out` of the translation came from. */
size_t regex_origin(const struct regex_translation *translation, size_t out);

#endif
