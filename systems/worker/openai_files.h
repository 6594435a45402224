/*
 * /v1/files and /v1/batches. A batch works when somebody looks at it, so that time plays no part in
 * a test: a new one is "validating", the first look finds it "in_progress" (or "failed"), and every
 * further look does BATCH_LINES_PER_LOOK of its requests, until it is "completed". A cancelled one
 * is "cancelling", and "cancelled" at the next look; one that nobody looked at for its completion
 * window is "expired".
 */
#ifndef WORKER_OPENAI_FILES_H
#define WORKER_OPENAI_FILES_H

#include "openai_call.h"

#define BATCH_LINES_PER_LOOK 1000

/* The worker's files and batches, with a lock that each handler holds. */
struct openai_store *openai_store_new(void);
void openai_store_free(struct openai_store *store);

void openai_list_files(struct api_call *call);
void openai_upload_file(struct api_call *call);
void openai_show_file(struct api_call *call); /* and …/content */
void openai_delete_file(struct api_call *call);
void openai_list_batches(struct api_call *call);
void openai_create_batch(struct api_call *call);
void openai_show_batch(struct api_call *call);
void openai_cancel_batch(struct api_call *call);

#endif
