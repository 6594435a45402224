/*
 * Everything a run may ask, written before it begins: from a prompt, a file of prompts, a
 * distribution of lengths or a trace. Request number n of a run asks the same whatever became of
 * the others and however many threads there are; with the same seed, every run asks the same.
 *
 * Workload: up to LIMIT_LOAD_INPUTS requests and LIMIT_LOAD_WRITTEN_BYTES of them, shared by all
 * threads and only read while a run goes on.
 */
#ifndef LOAD_STOCK_H
#define LOAD_STOCK_H

#include "load/distribution.h"
#include "load/inputs.h"
#include "load/target.h"

/*    code      name       what */
#define STOCK_ORDER_TABLE(X)                                                                       \
    X(FILE, "file", "one after the other, as they stand in the file")                              \
    X(SHUFFLED, "shuffled", "each once, in an order by the seed, and then all again")              \
    X(RANDOM, "random", "any, whatever came before")

enum stock_order {
#define X(code, name, what) STOCK_##code,
    STOCK_ORDER_TABLE(X)
#undef X
        STOCK_ORDER_COUNT
};

extern const char *const stock_order_names[STOCK_ORDER_COUNT + 1]; /* ends with NULL */

/* Different prompts that are made up, when nobody says how many. */
#define STOCK_DISTINCT 1000

struct stock_options {
    const char *system;           /* in front of every prompt; NULL: nothing */
    uint32_t shared_prefix;       /* so many tokens more there, the same of all; 0: none */
    const struct inputs *prompts; /* NULL: the target's prompt, or made up */
    const struct inputs *trace;   /* request n is its n-th row; NULL: none */
    uint32_t trace_count;         /* so many rows of it */
    bool has_prompt_tokens, has_output_tokens;
    struct distribution prompt_tokens, output_tokens; /* of what rows do not say */
    bool has_turns;
    struct distribution turns; /* questions of a conversation */
    uint32_t distinct;         /* 0: STOCK_DISTINCT */
    enum stock_order order;
    uint64_t seed;
};

/* A request, or the first of a conversation. */
struct stock_item {
    struct slice wire; /* a whole HTTP/1.1 request */
    size_t body_at;
    const struct form *form;     /* NULL: the body is as it was given */
    const struct target *target; /* how its answer is read; NULL: as the stock's target says */
    const struct slice *later;   /* what is asked in later turns: messages or texts, by the form */
    uint32_t later_count;
};

struct stock {
    const struct target *target;
    struct stock_item *items;
    uint32_t count;
    bool serials; /* a serial number is written into some of the requests */
    enum stock_order order;
    const uint32_t *shuffled; /* STOCK_SHUFFLED: items in their order */
    uint64_t seed;
    uint32_t turns; /* of the longest conversation; 1: there are none */
    size_t longest; /* bytes of the longest request */
    uint64_t bytes; /* of all */
};

/*
 * Write it all. Everything lives in the arena; target and inputs must outlive it. ERR_USAGE for
 * options that do not go together, ERR_VALUE with file and line for a row that this API cannot be
 * asked, ERR_TOO_LARGE.
 */
struct result stock_build(struct arena *arena, const struct target *target,
                          const struct stock_options *options, struct stock *out) MUST_USE;

/* Which item request or conversation `number` asks. */
uint32_t stock_item(const struct stock *stock, uint64_t number);

/* A generator for what is called `name` of request `number`, the same in every run of a seed. */
struct random stock_random(uint64_t seed, uint64_t number, struct slice name);

#endif
