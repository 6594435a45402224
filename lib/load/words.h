/*
 * Texts of a wanted length, for prompts of which only the length matters. They are made of common
 * English words of three to seven letters, each of which byte-pair tokenizers in use have as one
 * token with the blank before it: so many words are about so many tokens. What a service counts
 * differs by the few tokens of its chat template, and by more with tokenizers made for other
 * languages; its own count stands in the results where it gives one.
 */
#ifndef LOAD_WORDS_H
#define LOAD_WORDS_H

#include "core/random.h"
#include "core/text.h"

/* Append so many words with blanks between them: letters and blanks only, so nothing to escape. */
void words_add(struct text *t, uint32_t count, struct random *random);

#endif
