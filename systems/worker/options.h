/*
 * The command line of assay-worker: one table of options gives the parser, --help and the manual
 * page. The names are those of the original worker and its specification; what the stub adds says
 * so.
 */
#ifndef WORKER_OPTIONS_H
#define WORKER_OPTIONS_H

#include <stdio.h>

#include "timing.h"

struct options {
    const char *worker_id; /* NULL: one is made up */
    const char *engine;    /* NULL: the stub */
    const char *model;
    const char *host;
    const char *callback_url; /* NULL: nobody is told */
    const char *api_key;      /* NULL: OpenAI's paths are open to everybody */
    uint64_t port;            /* 0: any free one */
    uint64_t threads;         /* event loops */
    uint64_t gpu_device;
    uint64_t max_tokens_out;
    uint64_t kv_cache_mb;
    uint64_t inference_timeout_s;
    uint64_t engine_timeout_s;
    uint64_t drain_timeout_s;
    uint64_t max_tokens_in; /* 0: as many as there are */
    struct timing first_token, delay;
    double metrics_interval_ms, prefill_ms, slowdown;
    bool kv_cache_limit; /* the cache can be full */
    bool stub_mode;
    bool no_faults;
    bool help, help_faults, version;
};

/* Read the arguments; `options` gets the defaults first. ERR_USAGE with a suggestion. */
struct result options_read(struct options *options, int argc, char *const *argv) MUST_USE;

void options_help(FILE *to);

/* One row of the table, as people see it. */
struct option_text {
    const char *name, *argument, *help; /* argument: NULL when it takes none */
};

/* The i-th option; false when there are not so many. */
bool options_text(size_t i, struct option_text *text);

#endif
