/*
 * What jobs need to know of a worker beyond <assay/harness.h>.
 */
#ifndef HARNESS_WORKER_H
#define HARNESS_WORKER_H

#include "assay/harness.h"

/* Is it one of ours, started here and not running elsewhere? */
bool worker_is_ours(const struct assay_worker *worker);

/* Its program is going to end, because it was asked to. */
void worker_expect_end(struct assay_worker *worker);

/*
 * A call to the worker failed with `error`, recorded on this thread. When it has ended that is the
 * reason, and the record says so: returns ASSAY_ERROR_DIED. Else the worker's last lines are added
 * and `error` returned.
 */
enum assay_error worker_blame(struct assay_worker *worker, enum assay_error error);

#endif
