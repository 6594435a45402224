/*
 * From the words of a test to the bytes of a request.
 */
#ifndef HARNESS_MESSAGE_H
#define HARNESS_MESSAGE_H

#include "assay/harness.h"
#include "harness/wire.h"

struct message {
    const char *url; /* of the worker */
    const char *method;
    const char *path;           /* appended to the url's own */
    const char *accept;         /* of the Accept header */
    const char *const *headers; /* "Name: value", ends with NULL; replaces ours of that name */
    const char *body;           /* JSON; NULL: none */
};

/* The request in the arena. ERR_VALUE when method, path, a header or the url cannot be sent. */
struct result message_write(struct arena *arena, const struct message *message,
                            struct wire_request *out) MUST_USE;

/* The JSON of a job. ERR_VALUE when a text is not UTF-8, a number not finite or something
 * missing.*/
struct result message_job(struct arena *arena, const struct assay_request *request,
                          const char **out) MUST_USE;

/* "/cancel/a%2Fb" for the job "a/b". */
const char *message_cancel_path(struct arena *arena, const char *job_id);

#endif
