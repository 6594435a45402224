/*
 * The answer cache: answers of models, kept as files by the SHA-256 of the whole request (method,
 * URL, headers but credentials, body). For suites that ask paid models the same thing on every
 * change of a validator. Opt-in, and never for what is about time: an answer from here has no
 * times. Nothing of the request is written, only its hash, and no answer that holds a secret.
 *
 * One file per answer, written beside and renamed, so that runs may share a folder. Reading a small
 * file blocks the loop for some ten microseconds; an answer of a model takes a second.
 */
#ifndef STEP_ANSWERS_H
#define STEP_ANSWERS_H

#include "check/observation.h"

struct answers;

/* `max_age` in ns; CLOCK_NEVER: for ever. The folder is made when the first answer is kept. */
struct answers *answers_in(struct arena *arena, const char *folder, int64_t max_age);

/* A kept answer: what of an exchange is needed to see it again. */
struct answer {
    int status;
    const struct header *headers;
    size_t header_count;
    struct slice body;
};

/* False when there is none, it is too old, or the file is damaged; `key` is a SHA256_HEX. */
bool answers_find(const struct answers *answers, struct arena *arena, const char *key,
                  struct answer *out);

/* A failure is not worth the run: it is logged. */
void answers_keep(const struct answers *answers, struct arena *arena, const char *key,
                  const struct answer *answer);

#endif
