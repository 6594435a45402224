/*
 * OpenAI's paths below /v1: a table of routes from method and path to a handler, and its errors.
 */
#ifndef WORKER_OPENAI_H
#define WORKER_OPENAI_H

#include "worker.h"

/* A complete request whose path begins with /v1. Answers, or makes a job of it. */
void openai_request_received(struct loop *loop, struct exchange *ex, const struct pace *pace);

#endif
