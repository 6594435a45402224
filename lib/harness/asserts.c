/*
 * Asserts: a rule is asked, and a failure goes through the hook. The hook may leave by longjmp, so
 * nothing is held when it is called; the text lies in memory of the thread.
 */
#include "assay/asserts.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/text.h"
#include "harness/failure.h"
#include "harness/rules.h"

static void print_and_abort(void *context, const char *file, int line, const char *text)
{
    (void)context;
    fflush(stdout);
    fprintf(stderr, "%s:%d: %s\n", file, line, text);
    abort();
}

/* A hook belongs to the process, as test frameworks have it: one for all threads. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static assay_failure_hook *the_hook = print_and_abort;
static void *the_context;

void assay_set_failure_hook(assay_failure_hook *hook, void *context)
{
    pthread_mutex_lock(&lock);
    the_hook = hook ? hook : print_and_abort;
    the_context = context;
    pthread_mutex_unlock(&lock);
}

__attribute__((format(printf, 3, 4))) static bool fail(const char *file, int line,
                                                       const char *format, ...)
{
    static _Thread_local char text[FAILURE_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    pthread_mutex_lock(&lock);
    assay_failure_hook *hook = the_hook;
    void *context = the_context;
    pthread_mutex_unlock(&lock);
    hook(context, file, line, text);
    return false;
}

static bool holds(struct result rule, const char *file, int line)
{
    return result_ok(rule) || fail(file, line, "%s", error_last()->text);
}

/* ---- calls ---- */

bool assay_check_started(const struct assay_worker *worker, const char *file, int line)
{
    return worker != NULL ||
           fail(file, line, "expected a worker, got NULL: %s", assay_last_error());
}

bool assay_check_error(enum assay_error got, enum assay_error expected, const char *call,
                       const char *file, int line)
{
    if (got == expected)
        return true;
    return fail(file, line, "%s: expected %s, got %s%s%s", call, assay_error_name(expected),
                assay_error_name(got), got ? ": " : "", got ? assay_last_error() : "");
}

bool assay_check_status(const struct assay_response *response, int expected, const char *file,
                        int line)
{
    if (!response)
        return fail(file, line, "expected status %d, got no response", expected);
    if (response->status == expected)
        return true;
    if (response->status == 0)
        return fail(file, line, "expected status %d, got no answer: %s", expected,
                    response->error_text);
    char body[4 * LIMIT_SHOWN_BYTES / 2];
    struct arena *arena = arena_new();
    struct slice shown =
        text_shown(arena, slice_of(response->body, response->body_length), LIMIT_SHOWN_BYTES / 2);
    snprintf(body, sizeof(body), "%.*s", SLICE_ARG(shown));
    arena_free(arena); /* now: the hook may not come back */
    return fail(file, line, "expected status %d, got %d: %s", expected, response->status, body);
}

/* ---- streams ---- */

bool assay_check_order(const struct assay_events *events, const char *file, int line)
{
    return holds(rule_order(events), file, line);
}

bool assay_check_terminal(const struct assay_events *events, const char *file, int line)
{
    return holds(rule_terminal(events), file, line);
}

bool assay_check_tokens_contiguous(const struct assay_events *events, const char *file, int line)
{
    return holds(rule_tokens_contiguous(events), file, line);
}

bool assay_check_utf8(const struct assay_events *events, const char *file, int line)
{
    return holds(rule_utf8(events), file, line);
}

bool assay_check_token_count(const struct assay_events *events, size_t least, size_t most,
                             const char *file, int line)
{
    return holds(rule_token_count(events, least, most), file, line);
}

bool assay_check_text(const struct assay_events *events, const char *expected, const char *file,
                      int line)
{
    return holds(rule_text(events, expected), file, line);
}

bool assay_check_completed(const struct assay_events *events, const char *file, int line)
{
    return holds(rule_completed(events), file, line);
}

bool assay_check_stop_reason(const struct assay_events *events, const char *expected,
                             const char *file, int line)
{
    return holds(rule_stop_reason(events, expected), file, line);
}

bool assay_check_error_code(const struct assay_events *events, const char *expected,
                            const char *file, int line)
{
    return holds(rule_error_code(events, expected), file, line);
}

bool assay_check_same_tokens(const struct assay_events *events, const struct assay_events *others,
                             const char *file, int line)
{
    return holds(rule_same_tokens(events, others), file, line);
}
