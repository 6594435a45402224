/*
 * Quantities: the numbers, durations and sizes of an expectation, and the short forms they are
 * compared by ("<500ms", ">=0.8", "== 64KiB").
 */
#ifndef CHECK_QUANTITY_H
#define CHECK_QUANTITY_H

#include "check/match.h"

/*
 * An amount and its unit: ns for UNIT_DURATION, bytes for UNIT_BYTES. A long double holds every
 * int64_t and every double exactly, so that 2^53 + 1 is not taken for 2^53.
 */
struct quantity {
    long double amount;
    enum match_unit unit;
};

/* Read "12", "0.8" (UNIT_NONE), "500ms" or "64KiB"; false when it is none of these. */
bool quantity_read(struct slice text, struct quantity *out);

/*
 * The operand of a comparison as a quantity, false when it is none. A bare number counts in `unit`;
 * a string counts only with a unit of its own, unless `unit` asks for one ("0", "512").
 */
bool quantity_of_node(const struct node *operand, enum match_unit unit, struct quantity *out);

/*
 * The actual value as a quantity in `unit`, false when it is none. A number counts in `context`
 * (what the check says its numbers are); a string ("450ms") counts when it reads as one in `unit`.
 */
bool quantity_of_json(const json_t *actual, enum match_unit unit, enum match_unit context,
                      struct quantity *out);

/* For people: "3", "0.1", "500 ms", "1.50 MiB". */
struct slice quantity_shown(struct arena *arena, struct quantity q);

/* The same with nothing rounded away: "500400000 ns". */
struct slice quantity_exact(struct arena *arena, struct quantity q);

/*
 * A short form: one of < <= > >= == !=, blanks, and a number, duration or size, and nothing else.
 * Any other text is a literal.
 */
struct short_form {
    const char *operator; /* "lt", "le", "gt", "ge", "eq", "ne" */
    struct node operand;  /* a number, or a string such as "500ms"; points into `text` */
};

bool quantity_short_form(struct slice text, struct short_form *out);

#endif
