/*
 * The answer to a chat or completion request, streamed or whole. Its choices are generated one
 * after the other; a choice is one text, or one piece for each function it calls. What has to be
 * JSON is made beforehand and said by the stub's echo, so that it too comes as tokens cut by the
 * seed.
 *
 *     while (openai_answer_next(a, &options, out)) { run a generation with them } then _finish
 *
 * No I/O but in openai_answer_finish.
 */
#ifndef WORKER_OPENAI_ANSWER_H
#define WORKER_OPENAI_ANSWER_H

#include "generation.h"
#include "openai_request.h"

struct openai_answer;
struct exchange;

/* Takes over the arena, in which the request was read; the request is copied. */
struct openai_answer *openai_answer_new(struct arena *arena, const struct openai_request *request,
                                        const struct openai_model *model,
                                        const struct engine *engine);
void openai_answer_free(struct openai_answer *a);

/* Streamed: the exchange has to be begun as an event stream before the first piece. */
bool openai_answer_streams(const struct openai_answer *a);
struct slice openai_answer_id(const struct openai_answer *a);
uint64_t openai_answer_prompt_tokens(const struct openai_answer *a);

/*
 * Set in `options` what the next generation is: engine, request, max_tokens, stop and frames; the
 * rest is the caller's. Its opening goes to `out`. False when there is none, also after a
 * generation that failed.
 */
bool openai_answer_next(struct openai_answer *a, struct generation_options *options,
                        struct buf *out);

/* All is generated: write what is left to `out` and the exchange, and end it. */
void openai_answer_finish(struct openai_answer *a, struct exchange *ex, struct buf *out);

/* The same without an exchange, for an answer that is not streamed: status and body, which live as
 * long as the answer. */
struct slice openai_answer_whole(struct openai_answer *a, unsigned *status);

#endif
