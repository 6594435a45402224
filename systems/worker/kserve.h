/*
 * The Open Inference Protocol (KServe v2) over HTTP: health, metadata, and inference on three small
 * models whose results are exact: identity, add_sub and linear (docs/kserve.md).
 */
#ifndef WORKER_KSERVE_H
#define WORKER_KSERVE_H

#include "worker.h"

/* A complete request whose path begins with /v2; answered on return. */
void kserve_request(struct worker *w, struct exchange *ex);

#endif
