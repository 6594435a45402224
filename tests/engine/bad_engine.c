/*
 * An engine that does wrong what the name of its model says: crash, abort, hang, leak, utf8,
 * negative, long, count, refuse, empty, fail; a model that is called load cannot be loaded. It
 * gives one good token first.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assay/engine.h"

static const char *mode;
static uint64_t sequences;

static int is(const char *name)
{
    return strcmp(mode, name) == 0;
}

static int load(const char *model, void **engine, char *error, size_t error_size)
{
    static int something;
    mode = model;
    *engine = &something;
    snprintf(error, error_size, "it is no model");
    return is("load");
}

static int64_t count(void *engine, const char *text, size_t len)
{
    (void)engine;
    (void)text;
    return is("count") ? -3 : (int64_t)len;
}

static int start(void *engine, const struct assay_engine_request *request, void **sequence,
                 char *error, size_t error_size)
{
    (void)engine;
    (void)request;
    snprintf(error, error_size, "not this one");
    if (is("refuse"))
        return 1;
    *sequence = calloc(1, sizeof(int));
    sequences++;
    return 0;
}

static int64_t next(void *engine, void *sequence, char *token, size_t size)
{
    int *calls = sequence;
    (void)engine;
    if ((*calls)++ == 0) {
        memcpy(token, "good", 4);
        return 4;
    }
    if (is("crash"))
        raise(SIGSEGV);
    if (is("abort"))
        abort();
    while (is("hang"))
        pause();
    if (is("utf8"))
        memcpy(token, "\xff\xfe", 2);
    if (is("leak"))
        return ASSAY_ENGINE_END;
    return is("negative") ? -7
           : is("long")   ? (int64_t)size + 1
           : is("empty")  ? 0
           : is("fail")   ? ASSAY_ENGINE_FAILED
                          : 2;
}

static void free_sequence(void *engine, void *sequence)
{
    (void)engine;
    if (is("leak"))
        return;
    sequences--;
    free(sequence);
}

static void usage(void *engine, struct assay_engine_usage *out)
{
    (void)engine;
    out->sequences = sequences;
    out->memory_bytes = 1000 + sequences * sizeof(int);
}

const struct assay_engine *assay_engine(void)
{
    static const struct assay_engine table = {
        .abi = ASSAY_ENGINE_ABI,
        .size = sizeof(table),
        .name = "bad",
        .load = load,
        .count = count,
        .start = start,
        .next = next,
        .free = free_sequence,
        .usage = usage,
    };
    return &table;
}
