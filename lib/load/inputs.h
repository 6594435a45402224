/*
 * Files of what a load asks for, and when: JSON lines or CSV, a row for each request or
 * conversation. What a row has is known by the names of its members or columns, which are those of
 * the forms in common use:
 *
 *   what is asked    prompt, text, input, input_text, question: a text; messages: as OpenAI has
 * them; conversations: as ShareGPT has them ({"from": "human", "value": …}); system, system_prompt:
 * in front of a text or how long      input_tokens, prompt_tokens, input_length (Mooncake),
 * ContextTokens (Azure), "Request tokens" (BurstGPT); hash_ids (Mooncake): blocks of 512 tokens, of
 * which equal ones are the same its answer       max_tokens, max_completion_tokens, output_tokens,
 * output_length (Mooncake), GeneratedTokens (Azure), "Response tokens" (BurstGPT); model when at_s,
 * at_ms; timestamp (Mooncake): ms; Timestamp (BurstGPT): s; TIMESTAMP (Azure): a date. Any of the
 * three may be a date: 2023-11-16 18:17:03.9799600
 *
 * Sources: github.com/kvcache-ai/Mooncake FAST25-release/traces (JSON lines, blocks of 512 tokens);
 * github.com/Azure/AzurePublicDataset AzureLLMInferenceDataset2023.md and …2024.md;
 * github.com/HPMLL/BurstGPT; {"body": {…}} rows are OpenAI's batch files.
 *
 * Other members are passed over. A row that says neither what nor when is wrong.
 */
#ifndef LOAD_INPUTS_H
#define LOAD_INPUTS_H

#include "core/arena.h"

/* Tokens that one of Mooncake's hash_ids stands for. */
#define INPUT_BLOCK_TOKENS 512

struct input_message {
    struct slice json; /* as OpenAI has it: {"role":"user","content":"…"} */
    struct slice text; /* what is between the quotes of its content, escapes and all; data NULL: it
                          is no text */
    bool user, assistant;
};

struct input {
    const struct input_message *messages; /* none: a prompt is to be made up, … */
    uint32_t message_count;
    uint32_t tokens;        /* … of so many tokens; 0: it does not say */
    const uint64_t *blocks; /* … made of these */
    uint32_t block_count;
    uint32_t max_tokens; /* 0: it does not say */
    struct slice model;  /* a JSON string with its quotes; empty: it does not say */
    int64_t at;          /* ns after the first of a trace */
    uint32_t line;
};

struct inputs {
    const char *path;
    struct input *items; /* of a trace in the order of time, else of the file */
    uint32_t count;
};

/*
 * Read a file; of a trace every row says when. Everything lives in the arena. ERR_IO, ERR_TOO_LARGE
 * (LIMIT_LOAD_INPUT_BYTES, LIMIT_LOAD_INPUTS), and ERR_SYNTAX or ERR_VALUE with file and line.
 */
struct result inputs_read(struct arena *arena, const char *path, bool trace,
                          struct inputs *out) MUST_USE;

/* The same with a text; `name` is the path, whose end tells its form. */
struct result inputs_parse(struct arena *arena, const char *name, struct slice text, bool trace,
                           struct inputs *out) MUST_USE;

#endif
