/*
 * The worker's paths: one table of routes from method and path to a handler.
 */
#ifndef WORKER_HTTP_API_H
#define WORKER_HTTP_API_H

#include "worker.h"

/* A complete request; `context` is the worker. */
void http_api_request(void *context, struct exchange *ex);

#endif
