/*
 * OpenAI's errors.
 */
#include "openai_error.h"

#include "core/text.h"

bool openai_refuse(struct arena *arena, struct openai_error *error, const char *param,
                   const char *code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    *error = (struct openai_error){.status = 400,
                                   .message = arena_vprintf(arena, format, args),
                                   .type = "invalid_request_error",
                                   .param = param,
                                   .code = code};
    va_end(args);
    return false;
}

static void add_member(struct text *t, const char *name, const char *value)
{
    text_printf(t, ",\"%s\":", name);
    if (value)
        text_add_json(t, slice_str(value));
    else
        text_add_str(t, "null");
}

struct slice openai_error_json(struct arena *arena, const struct openai_error *error)
{
    struct text t = text_in(arena);
    text_add_str(&t, "{\"error\":{\"message\":");
    text_add_json(&t, slice_str(error->message));
    add_member(&t, "type", error->type);
    add_member(&t, "param", error->param);
    add_member(&t, "code", error->code);
    text_add_str(&t, "}}");
    return text_slice(&t);
}
