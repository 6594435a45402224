/*
 * Numbers of JSON compared and divided without rounding. A real is taken for the shortest decimal
 * that reads back as it, which is what its author wrote: 19.99 is a multiple of 0.01.
 */
#ifndef CHECK_SCHEMA_NUMBER_H
#define CHECK_SCHEMA_NUMBER_H

#include "core/jsontext.h"

/* < 0, 0 or > 0; both must be numbers. */
int number_compare(const json_t *a, const json_t *b);

/* `divisor` must be greater than 0. */
bool number_is_multiple(const json_t *value, const json_t *divisor);

/* 1, 1.0 and 1e2 are; 1.5 and "1" are not. */
bool number_is_integer(const json_t *value);

/* The shortest decimal that reads back as `real`: "0.1". Returns `out`. */
#define NUMBER_TEXT 32
const char *number_shortest(char out[NUMBER_TEXT], double real);

/* A number that counts something: negative ones give 0, those beyond size_t its maximum. */
size_t number_count(const json_t *value);

#endif
