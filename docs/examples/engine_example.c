/*
 * An engine for assay-worker: it answers with the words of the prompt in reverse order. Build it
 * as a shared library and start the worker with it:
 *
 *     cc -shared -fPIC -o reverse.so engine_example.c
 *     assay-worker --engine ./reverse.so --model unused
 */
#include <assay/engine.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reverse {
    uint64_t sequences, bytes;
};

struct sequence {
    size_t left; /* bytes of the prompt that are still to come */
    size_t size;
    char prompt[];
};

static int load(const char *model, void **engine, char *error, size_t error_size)
{
    (void)model; /* there is nothing to read */
    *engine = calloc(1, sizeof(struct reverse));
    if (!*engine)
        snprintf(error, error_size, "no memory");
    return *engine ? 0 : 1;
}

static int64_t count(void *engine, const char *text, size_t len)
{
    int64_t words = 1;
    (void)engine;
    for (size_t i = 0; i < len; i++)
        words += text[i] == ' ';
    return words;
}

static int start(void *engine, const struct assay_engine_request *request, void **sequence,
                 char *error, size_t error_size)
{
    struct reverse *reverse = engine;
    struct sequence *s = malloc(sizeof(*s) + request->prompt_len);
    if (!s) {
        snprintf(error, error_size, "no memory for a prompt of %zu bytes", request->prompt_len);
        return 1;
    }
    memcpy(s->prompt, request->prompt, request->prompt_len);
    s->left = s->size = request->prompt_len;
    reverse->sequences++;
    reverse->bytes += s->size;
    *sequence = s;
    return 0;
}

/* The last word that is left, or the blank behind it. */
static int64_t next(void *engine, void *sequence, char *token, size_t size)
{
    struct sequence *s = sequence;
    (void)engine;
    if (s->left == 0)
        return ASSAY_ENGINE_END;
    size_t from = s->left - 1;
    while (from > 0 && s->prompt[from] != ' ' && s->prompt[from - 1] != ' ' &&
           s->left - from < size)
        from--;
    size_t len = s->left - from;
    memcpy(token, s->prompt + from, len);
    s->left = from;
    return (int64_t)len;
}

static void free_sequence(void *engine, void *sequence)
{
    struct reverse *reverse = engine;
    struct sequence *s = sequence;
    reverse->sequences--;
    reverse->bytes -= s->size;
    free(s);
}

static void usage(void *engine, struct assay_engine_usage *out)
{
    const struct reverse *reverse = engine;
    out->sequences = reverse->sequences;
    out->memory_bytes = sizeof(*reverse) + reverse->bytes;
}

static void unload(void *engine)
{
    free(engine);
}

const struct assay_engine *assay_engine(void)
{
    static const struct assay_engine table = {
        .abi = ASSAY_ENGINE_ABI,
        .size = sizeof(table),
        .name = "reverse",
        .load = load,
        .count = count,
        .start = start,
        .next = next,
        .free = free_sequence,
        .usage = usage,
        .unload = unload,
    };
    return &table;
}
