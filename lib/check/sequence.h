/*
 * Patterns over sequences of names, for the order of a stream's events:
 *
 *     pattern     = alternative *("|" alternative)
 *     alternative = 1*(item ["*" / "+" / "?" / "{" m "}" / "{" m ",}" / "{" m "," n "}"])
 *     item        = name / "any" / "(" pattern ")"
 *
 * with blanks between items. A name is anything without blanks and ( ) | * + ? { }. The whole
 * sequence must fit. Matching is by sets of states: linear in the sequence, whatever the pattern.
 */
#ifndef CHECK_SEQUENCE_H
#define CHECK_SEQUENCE_H

#include "core/arena.h"

/* States of a pattern: "token{1,1000}" takes a thousand; more is a mistake. */
#define SEQUENCE_STATES 10000u
/* Bytes of a pattern: making states recurses over it. */
#define SEQUENCE_BYTES 4096u

struct sequence;

/* ERR_SYNTAX with the character, or ERR_TOO_LARGE for a pattern beyond the limits above. */
struct result sequence_parse(struct arena *arena, struct slice pattern,
                             struct sequence **out) MUST_USE;

struct sequence_report {
    bool fits;
    size_t at;             /* index of the first name that does not fit, or the count: too short */
    struct slice expected; /* what could have come there: "token or end", "the end" */
};

/* `name_of(names, i)` is the i-th of `count` names. */
struct sequence_report sequence_match(const struct sequence *sequence, struct arena *arena,
                                      struct slice (*name_of)(const void *names, size_t i),
                                      const void *names, size_t count);

#endif
