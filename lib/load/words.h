/*
 * Texts of a wanted length, for prompts of which only the length matters. They are made of 512
 * common English words, each of which is one token with the blank before it in the byte-pair
 * tokenizers of GPT-2, GPT-4 (cl100k_base), GPT-4o (o200k_base), Llama 2 and Llama 3: so many words
 * are so many tokens there (js-tiktoken 1.0.21, llama-tokenizer-js 1.2.2, llama3-tokenizer-js
 * 1.2.0). What a service counts differs by the few tokens of its chat template,
 * and by more with other tokenizers; its own count stands in the results where it gives one.
 */
#ifndef LOAD_WORDS_H
#define LOAD_WORDS_H

#include "core/random.h"
#include "core/text.h"

/* Append so many words with blanks between them: letters and blanks only, so nothing to escape. */
void words_add(struct text *t, uint32_t count, struct random *random);

#endif
