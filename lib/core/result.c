/*
 * The per-thread detail of the last failure, the error table's accessors, and broken invariants.
 */
#include "core/result.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static _Thread_local struct error last;

static const struct {
    const char *name;
    const char *text;
    int exit_status;
    bool retryable;
} table[] = {
#define X(code, name, text, exit_status, retryable)                                                \
    [ERR_##code] = {name, text, exit_status, retryable},
    ERROR_TABLE(X)
#undef X
};

__attribute__((format(printf, 3, 0))) static struct result
record(enum error_code code, struct place place, const char *format, va_list args)
{
    /* The arguments may point into the old text, so it is formatted aside. */
    char text[sizeof(last.text)];
    vsnprintf(text, sizeof(text), format, args);
    last.code = code;
    last.place = place;
    memcpy(last.text, text, sizeof(text));
    return (struct result){code};
}

/* In parentheses, because the header has macros of these names for the analyzer. */
struct result(error_set)(enum error_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct result r = record(code, (struct place){0}, format, args);
    va_end(args);
    return r;
}

struct result(error_at)(enum error_code code, struct place place, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct result r = record(code, place, format, args);
    va_end(args);
    return r;
}

struct result(error_context)(struct result failed, const char *format, ...)
{
    char before[256];
    va_list args;
    va_start(args, format);
    vsnprintf(before, sizeof(before), format, args);
    va_end(args);

    char text[sizeof(last.text) + sizeof(before) + 2];
    snprintf(text, sizeof(text), "%s: %s", before, last.text);
    snprintf(last.text, sizeof(last.text), "%.*s", (int)sizeof(last.text) - 1, text);
    return failed;
}

const struct error *error_last(void)
{
    return &last;
}

const char *error_name(enum error_code code)
{
    return table[code].name;
}

const char *error_text(enum error_code code)
{
    return table[code].text;
}

int error_exit_status(enum error_code code)
{
    return table[code].exit_status;
}

bool error_retryable(enum error_code code)
{
    return table[code].retryable;
}

void must_failed(const char *condition, const char *file, int line, const char *format, ...)
{
    va_list args;
    fprintf(stderr, "assay: this is a defect of assay, please report it: %s:%d: %s: ", file, line,
            condition);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    abort();
}
