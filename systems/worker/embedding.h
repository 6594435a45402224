/*
 * Embeddings without a model: the same text gives the same unit vector on every machine, and texts
 * that share words lie near each other, so that a similarity search over them finds something.
 */
#ifndef WORKER_EMBEDDING_H
#define WORKER_EMBEDDING_H

#include "engine.h"
#include "openai_request.h"

/* Fill `vector`, of length 1. Case and order of words play no part. */
void embedding_of(struct slice text, float *vector, uint32_t dimensions);

/* The answer of /v1/embeddings, in the arena. */
struct slice embedding_answer(struct arena *arena, const struct openai_inputs *inputs,
                              const struct openai_model *model, const struct engine *engine);

#endif
