/*
 * Things that tests of workers use again and again: prompts, models, limits.
 */
#ifndef ASSAY_FIXTURES_H
#define ASSAY_FIXTURES_H

#include <assay/assay.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_MILLISECOND 1000000LL /* in nanoseconds */
#define ASSAY_SECOND 1000000000LL

/* ---- prompts ---- */

#define ASSAY_PROMPT_HELLO "Hello! How are you today?"
#define ASSAY_PROMPT_HAIKU "Write a haiku about the sea."
#define ASSAY_PROMPT_TRANSFORMER "Explain how a transformer neural network works."
#define ASSAY_PROMPT_JSON "Write a JSON object with the fields \"name\" and \"age\"."
#define ASSAY_PROMPT_COUNT "Count from 1 to 10."

/* ---- how long a test may take and how much it asks for ---- */

struct assay_limits {
    int64_t timeout_ns;
    uint32_t max_tokens;
};

#define ASSAY_LIMITS_DEFAULT ((struct assay_limits){30 * ASSAY_SECOND, 10})
#define ASSAY_LIMITS_FAST ((struct assay_limits){10 * ASSAY_SECOND, 5})
#define ASSAY_LIMITS_LONG ((struct assay_limits){60 * ASSAY_SECOND, 100})

/* ---- models ---- */

/* What is known about a model without loading it. */
struct assay_model {
    const char *path; /* of its file: see assay_model_file */
    uint32_t layers, kv_heads, head_dim, vocab_size;
};

/* No model at all, for stub mode. */
#define ASSAY_MODEL_MOCK ((struct assay_model){"/dev/null", 2, 2, 32, 1000})

/* Qwen2.5-0.5B-Instruct, quantized to Q4_K_M: the smallest that answers with sense. */
#define ASSAY_MODEL_QWEN2_5_0_5B                                                                   \
    ((struct assay_model){"models/Qwen2.5-0.5B-Instruct-Q4_K_M.gguf", 24, 2, 64, 151936})

/*
 * Where the model's file is: below the folder in the environment's ASSAY_MODELS, below the working
 * directory, or at its path when that begins with a slash. NULL when it is at none of these, so
 * that a test can be skipped. Valid until the next call on this thread.
 */
ASSAY_PUBLIC const char *assay_model_file(struct assay_model model);

#ifdef __cplusplus
}
#endif

#endif
