/*
 * What a plain scalar of YAML 1.2 stands for (core schema, YAML 1.2.2 section 10.3.2).
 */
#ifndef SUITE_SCALAR_H
#define SUITE_SCALAR_H

#include "suite/node.h"

/*
 * Set kind and value of `out`: null, true, integers (decimal, 0x, 0o), reals, and else a string.
 * Integers beyond 64 bits become reals. ERR_VALUE for infinity, NaN and what no double can hold.
 */
struct result scalar_resolve(struct slice text, struct node *out) MUST_USE;

#endif
