/*
 * Errors in OpenAI's form: {"error":{"message","type","param","code"}}, all four keys always there.
 */
#ifndef WORKER_OPENAI_ERROR_H
#define WORKER_OPENAI_ERROR_H

#include "core/arena.h"

struct openai_error {
    unsigned status;
    const char *message;
    const char *type;  /* "invalid_request_error", "server_error", … */
    const char *param; /* the path of the parameter at fault; NULL: none */
    const char *code;  /* NULL: none */
};

/* Fill in a refusal (400, invalid_request_error); `param` and `code` may be NULL. Always false, so
 * that a reader can return it. The message is made in the arena. */
bool openai_refuse(struct arena *arena, struct openai_error *error, const char *param,
                   const char *code, const char *format, ...) PRINTF_LIKE(5, 6);

/* The text of the answer. */
struct slice openai_error_json(struct arena *arena, const struct openai_error *error);

#endif
