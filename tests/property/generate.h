/*
 * Random requests for the property test: what is asked, in which of the worker's three forms, and
 * how the answer is to be framed. A scenario depends on a seed and its number alone, so that each
 * can be run again by itself.
 */
#ifndef PROPERTY_GENERATE_H
#define PROPERTY_GENERATE_H

#include "core/text.h"

#define STOPS_MAX 4

enum wire { WIRE_EXECUTE, WIRE_CHAT, WIRE_COMPLETIONS };

/* One request. A scenario has two, and both have to say the same. */
struct variant {
    bool stream;
    const char *framing;  /* a fault that breaks nothing, or "" */
    const char *pace;     /* a header, or NULL; WIRE_EXECUTE only */
    const char *sampling; /* more members of the body that change nothing */
    uint64_t seed;        /* differs only where it must play no part */
};

struct scenario {
    uint64_t number;
    enum wire wire;
    bool echo;         /* the answer is the text; else the text is a prompt like any other */
    struct slice text; /* valid UTF-8 */
    struct slice stops[STOPS_MAX];
    size_t stop_count;
    uint32_t max_tokens; /* 0: none is named, not for WIRE_EXECUTE */
    bool has_temperature, has_seed;
    int temperature; /* in tenths */
    unsigned n;      /* choices; 1 for WIRE_EXECUTE */
    bool logprobs, usage;
    struct variant variants[2];
};

struct scenario scenario_random(struct arena *arena, uint64_t seed, uint64_t number);

/* How the same is asked in plain framing: without stop sequences, the rules are applied to it. */
struct variant scenario_reference(const struct scenario *s);

/* The body of the request. `id` is of its job; `with_stops` is false for the reference. */
struct slice scenario_body(struct arena *arena, const struct scenario *s, const struct variant *v,
                           const char *id, bool with_stops);

const char *scenario_path(const struct scenario *s);

/*
 * The i-th simplification of the scenario: false when there are no more; `*changed` tells whether
 * this one differs from it.
 */
bool scenario_smaller(struct arena *arena, const struct scenario *s, size_t i,
                      struct scenario *smaller, bool *changed);

#endif
