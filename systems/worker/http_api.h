/*
 * The worker's paths: one table of routes from method and path to a handler.
 */
#ifndef WORKER_HTTP_API_H
#define WORKER_HTTP_API_H

#include "core/text.h"
#include "worker.h"

/* A complete request; `context` is the loop. */
void http_api_request(void *context, struct exchange *ex);

/* A request that is too large is refused: append the error in the form that its path has. */
void http_api_refusal(void *context, struct slice path, const char *why, struct text *body);

#endif
