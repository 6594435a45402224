/*
 * How calls of the harness fail: the public error of a failure of ours, and the text that
 * assay_last_error shows, per thread.
 */
#ifndef HARNESS_FAILURE_H
#define HARNESS_FAILURE_H

#include "assay/errors.h"
#include "core/result.h"

/* Of one failure with the log lines beside it. */
#define FAILURE_TEXT 4096

/* Record a failure; returns `error`. */
enum assay_error harness_fail(enum assay_error error, const char *format, ...) PRINTF_LIKE(2, 3);

/* Record the last failure of core/result.h; returns its kind. ASSAY_OK records nothing. */
enum assay_error harness_result(struct result r);

/* Put a worker's last lines below the text of the last failure; none when there are none. */
void harness_add_log(struct slice log);

#endif
