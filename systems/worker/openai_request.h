/*
 * The bodies of POST /v1/chat/completions, /v1/completions and /v1/embeddings, read and validated.
 * The first thing that is wrong is reported, as OpenAI does; parameters unknown here are ignored,
 * a null is the same as leaving it out.
 */
#ifndef WORKER_OPENAI_REQUEST_H
#define WORKER_OPENAI_REQUEST_H

#include "core/jsontext.h"
#include "openai_error.h"
#include "stop.h"

/* Choices of one request, over all its prompts: OpenAI's own limit for n. */
#define OPENAI_CHOICES_MAX 128
/* Tools a request may offer: OpenAI's own limit. */
#define OPENAI_TOOLS_MAX 128
/* Log probabilities of one request, alternatives included: some 250 MiB with the longest tokens. */
#define OPENAI_SCORES_MAX 100000
/* Characters of a prompt: what an engine takes (engine.h). */
#define OPENAI_PROMPT_MAX 32768
/* Texts of one embeddings request, and numbers in its answer: some 12 MiB of JSON. */
#define OPENAI_INPUTS_MAX 2048
#define OPENAI_NUMBERS_MAX (1u << 20)
#define OPENAI_DIMENSIONS 384
#define OPENAI_DIMENSIONS_MAX 3072

enum openai_form { OPENAI_CHAT, OPENAI_COMPLETION };

/* What the API serves. */
struct openai_model {
    struct slice name;
    uint32_t tokens_max; /* highest max_tokens */
};

/* A function that the answer calls. */
struct openai_call {
    struct slice name, arguments; /* the arguments as JSON text, valid for the schema */
};

/* A valid request. Everything lives in the arena or in the body. */
struct openai_request {
    enum openai_form form;
    bool stream, include_usage, logprobs, echo, parallel_calls;
    int64_t n, seed, max_tokens; /* max_tokens 0: not given */
    int64_t top_logprobs;
    double temperature, top_p;
    size_t stop_count;
    struct slice stop[STOP_COUNT_MAX];
    size_t prompt_count;
    const struct slice *prompts; /* for the engine; chat has one */
    size_t call_count;
    struct openai_call *calls; /* chat: the functions called instead of an answer in text */
    struct slice json;         /* chat: the answer by response_format; data NULL: none asked for */
};

struct openai_inputs {
    size_t count;
    struct slice *texts;
    uint32_t dimensions;
    bool base64;
};

/* False when refused; `*error` says why. */
bool openai_read(struct arena *arena, enum openai_form form, const struct openai_model *model,
                 struct slice body, struct openai_request *out,
                 struct openai_error *error) MUST_USE;
bool openai_read_embeddings(struct arena *arena, const struct openai_model *model,
                            struct slice body, struct openai_inputs *out,
                            struct openai_error *error) MUST_USE;

/* The parameter of that name in a valid request without it: 42, as for /execute. */
#define OPENAI_SEED 42

#endif
