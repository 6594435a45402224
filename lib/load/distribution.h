/*
 * How a quantity varies from request to request: lengths of prompts and answers, turns of a
 * conversation, the time a user thinks. Written as 512, uniform:100..1000, normal:512,128,
 * lognormal:512,400 (mean and standard deviation of the quantity itself, not of its logarithm) or
 * exponential:2s.
 *
 * Drawing changes nothing but the generator it is given, so that the same seed gives the same
 * values wherever they are drawn.
 */
#ifndef LOAD_DISTRIBUTION_H
#define LOAD_DISTRIBUTION_H

#include "core/random.h"
#include "core/result.h"

#define DISTRIBUTION_TABLE(X)                                                                      \
    X(CONSTANT, "constant")                                                                        \
    X(UNIFORM, "uniform")                                                                          \
    X(NORMAL, "normal")                                                                            \
    X(LOGNORMAL, "lognormal")                                                                      \
    X(EXPONENTIAL, "exponential")

enum distribution_kind {
#define X(code, name) DISTRIBUTION_##code,
    DISTRIBUTION_TABLE(X)
#undef X
        DISTRIBUTION_KIND_COUNT
};

struct distribution {
    enum distribution_kind kind;
    double a, b;        /* constant: value; uniform: from, to; else mean and standard deviation */
    double least, most; /* no value is outside; a draw that is, is repeated */
};

/*
 * Read whole numbers from `least` to `most`, or durations up to `most` (in nanoseconds then).
 * ERR_USAGE with `option` before the text.
 */
struct result distribution_counts(const char *option, const char *text, uint32_t least,
                                  uint32_t most, struct distribution *out) MUST_USE;
struct result distribution_times(const char *option, const char *text, int64_t most,
                                 struct distribution *out) MUST_USE;

/* A whole number within its bounds. */
int64_t distribution_draw(const struct distribution *d, struct random *random);

/* The building blocks: with mean 1, and with mean 0 and standard deviation 1. */
double draw_exponential(struct random *random);
double draw_normal(struct random *random);

#endif
