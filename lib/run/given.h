/*
 * Generated values (`given`): made from a seed, the corners first, and made smaller as long as the
 * case still fails.
 */
#ifndef RUN_GIVEN_H
#define RUN_GIVEN_H

#include "suite/node.h"

/*
 * Example number `number` (from 0) of the generators: an object with a value for every name, owned
 * by the arena. The first example has every smallest value, the second every largest one, the
 * others are drawn; each depends only on the seed and its number.
 */
json_t *given_example(struct arena *arena, const struct node *given, uint64_t seed,
                      uint32_t number);

/* Candidates of one step of shrinking: as many as a case has trials for it (run/case_run.c). */
#define GIVEN_SIMPLER_MAX 500

/*
 * Simpler neighbours of `values`, the boldest first: an array of objects that each have one value
 * made simpler; at most GIVEN_SIMPLER_MAX of them. Empty when nothing is left to simplify.
 */
json_t *given_simpler(struct arena *arena, const struct node *given, const json_t *values);

#endif
