/*
 * What the generations of one worker share, and slow each other down by: how many run, and the
 * memory their keys and values take. Counted by all loops together: once per job, and with a limit
 * to the cache once per token.
 */
#ifndef WORKER_LOAD_H
#define WORKER_LOAD_H

#include <stdatomic.h>
#include <stdint.h>

/* Keys and values of one token in the model the stub stands for (Qwen2.5-0.5B-Instruct: 24 layers,
 * 2 heads of 64, two bytes each). */
#define LOAD_TOKEN_BYTES (24 * 2 * 64 * 2 * 2)

struct load {
    _Atomic uint64_t running;    /* generations under way */
    _Atomic uint64_t cache_used; /* tokens in the cache */
    uint64_t cache_max;          /* tokens it has room for; 0: it is not limited */
};

#endif
