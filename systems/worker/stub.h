/*
 * The stub engine: answers without a model, the same for the same prompt and seed on every machine.
 *
 * A prompt that begins with "echo:" is answered with the rest of the prompt, cut into tokens of 1
 * to 6 bytes, and then the end of the sequence. The seed decides where it is cut, never what it
 * says: so a test can have any text, and meet it with any token boundaries.
 *
 * Any other prompt is answered with words, punctuation and emoji of many scripts without an end;
 * max_tokens or a stop sequence ends it. Temperature 0 is greedy: the seed plays no part then.
 *
 * A prompt counts as one token for every four bytes begun. One token in four that has characters of
 * several bytes is cut inside one of them, as byte-level tokenizers do.
 */
#ifndef WORKER_STUB_H
#define WORKER_STUB_H

#include "engine.h"

extern const struct engine stub_engine;

#endif
