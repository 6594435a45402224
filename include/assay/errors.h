/*
 * What a call of the harness can end with. The kind is a number to compare, the sentence beside it
 * (`assay_last_error`) says what was expected, what came, and what the worker last wrote.
 */
#ifndef ASSAY_ERRORS_H
#define ASSAY_ERRORS_H

#include <assay/assay.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Every kind of failure: name and meaning. */
#define ASSAY_ERROR_TABLE(X)                                                                       \
    X(INVALID, "the call itself is wrong")                                                         \
    X(SPAWN, "the worker could not be started")                                                    \
    X(READY_TIMEOUT, "the worker was not ready in time")                                           \
    X(DIED, "the worker ended when it should not, or not as it should")                            \
    X(LEFT_BEHIND, "the worker ended and left processes or its port in use")                       \
    X(HTTP, "no connection, or an answer that is not HTTP or not complete")                        \
    X(STATUS, "a whole answer, but not the one asked for")                                         \
    X(PROTOCOL, "an event stream that breaks the rules of the wire")                               \
    X(TIMEOUT, "it took too long")

/* ASSAY_OK, ASSAY_ERROR_INVALID, ASSAY_ERROR_SPAWN and so on, as in the table. */
enum assay_error {
    ASSAY_OK,
#define X(name, text) ASSAY_ERROR_##name,
    ASSAY_ERROR_TABLE(X)
#undef X
};

/* "READY_TIMEOUT"; "OK" for ASSAY_OK; "?" for a number that is none of them. */
ASSAY_PUBLIC const char *assay_error_name(enum assay_error error);

/* "the worker was not ready in time". */
ASSAY_PUBLIC const char *assay_error_text(enum assay_error error);

/*
 * What the last failed call of this thread met: a sentence, often followed by lines of the worker's
 * log. "" before the first failure. Valid until the next call of the harness on this thread.
 */
ASSAY_PUBLIC const char *assay_last_error(void);

#ifdef __cplusplus
}
#endif

#endif
