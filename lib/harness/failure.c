/*
 * The last failure of each thread.
 */
#include "harness/failure.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char last[FAILURE_TEXT];

static const struct {
    const char *name, *text;
} table[] = {[ASSAY_OK] = {"OK", "success"},
#define X(name, text) [ASSAY_ERROR_##name] = {#name, text},
             ASSAY_ERROR_TABLE(X)
#undef X
};
#define TABLE_COUNT (sizeof(table) / sizeof(table[0]))

const char *assay_error_name(enum assay_error error)
{
    return (size_t)error < TABLE_COUNT ? table[error].name : "?";
}

const char *assay_error_text(enum assay_error error)
{
    return (size_t)error < TABLE_COUNT ? table[error].text : "no error of the harness";
}

const char *assay_last_error(void)
{
    return last;
}

enum assay_error harness_fail(enum assay_error error, const char *format, ...)
{
    char text[FAILURE_TEXT]; /* the arguments may point into the old text */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    memcpy(last, text, sizeof(last));
    return error;
}

enum assay_error harness_result(struct result r)
{
    static const enum assay_error errors[] = {
        [ERR_USAGE] = ASSAY_ERROR_INVALID,       [ERR_SUITE] = ASSAY_ERROR_INVALID,
        [ERR_SYNTAX] = ASSAY_ERROR_INVALID,      [ERR_VALUE] = ASSAY_ERROR_INVALID,
        [ERR_NOT_FOUND] = ASSAY_ERROR_INVALID,   [ERR_TOO_LARGE] = ASSAY_ERROR_PROTOCOL,
        [ERR_PROTOCOL] = ASSAY_ERROR_HTTP,       [ERR_CONNECT] = ASSAY_ERROR_HTTP,
        [ERR_CLOSED] = ASSAY_ERROR_HTTP,         [ERR_TIMEOUT] = ASSAY_ERROR_TIMEOUT,
        [ERR_CANCELLED] = ASSAY_ERROR_INVALID,   [ERR_TLS] = ASSAY_ERROR_HTTP,
        [ERR_SPAWN] = ASSAY_ERROR_SPAWN,         [ERR_DIED] = ASSAY_ERROR_DIED,
        [ERR_STORE] = ASSAY_ERROR_INVALID,       [ERR_IO] = ASSAY_ERROR_SPAWN,
        [ERR_UNSUPPORTED] = ASSAY_ERROR_INVALID,
    };
    return result_ok(r) ? ASSAY_OK : harness_fail(errors[r.code], "%s", error_last()->text);
}

void harness_add_log(struct slice log)
{
    size_t used = strlen(last), room = sizeof(last) - used;
    log = slice_trim(log);
    if (log.len > 0)
        snprintf(last + used, room, "\nits last lines:\n%.*s", SLICE_ARG(log));
}
