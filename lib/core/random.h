/*
 * A seeded random generator (xoshiro256**, seeded through SplitMix64; Blackman and Vigna, 2018):
 * the same seed gives the same sequence on every machine and version. Not for secrets.
 */
#ifndef CORE_RANDOM_H
#define CORE_RANDOM_H

#include "core/slice.h"

struct random {
    uint64_t state[4];
};

struct random random_seeded(uint64_t seed);

/* A generator of its own for the thing called `name`: adding things elsewhere changes nothing. */
struct random random_for(uint64_t seed, struct slice name);

uint64_t random_next(struct random *r);

/* Uniform in [low, high], both included; low <= high. */
int64_t random_between(struct random *r, int64_t low, int64_t high);

/* Uniform in [0, 1), 53 bits. */
double random_unit(struct random *r);

/* A seed from the system's entropy, for when the user gave none; below 2^53, so JSON keeps it. */
uint64_t random_fresh_seed(void);

/* A random UUID (version 4) from system entropy, lower case. */
#define UUID_TEXT 37
const char *random_uuid(char out[UUID_TEXT]);

#endif
