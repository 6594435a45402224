/*
 * From the options of a worker to the service to be started: the command line with its placeholders
 * filled in.
 */
#ifndef HARNESS_COMMAND_H
#define HARNESS_COMMAND_H

#include "assay/harness.h"
#include "service/service.h"

/* A copy in the arena that can be used as long as that: nothing of the caller's is kept. */
struct assay_worker_options *command_copy(struct arena *arena,
                                          const struct assay_worker_options *options);

/* ERR_VALUE when the options contradict each other or leave out what is needed. */
struct result command_check(const struct assay_worker_options *options) MUST_USE;

/* The service on `port` (0: not known yet). */
void command_service(struct arena *arena, const struct assay_worker_options *options, uint16_t port,
                     struct service_spec *out);

/* What it is called in messages: its program's name, or its url. */
const char *command_name(const struct assay_worker_options *options);

#endif
