/*
 * /v1/files and /v1/batches. A batch goes on when somebody looks at it, so that a test need not
 * wait: a new one is "validating", the first look finds it "in_progress" (or "failed"), and every
 * further look does BATCH_LINES_PER_LOOK of its requests, until it is "completed". A cancelled one
 * is "cancelling", and "cancelled" at the next look. Of one that nobody looks at, each of these
 * takes BATCH_STEP; so a test has that long to see it, or to cancel it. One that is not over within
 * its completion window is "expired".
 */
#ifndef WORKER_OPENAI_FILES_H
#define WORKER_OPENAI_FILES_H

#include "openai_call.h"

#define BATCH_LINES_PER_LOOK 1000
#define BATCH_STEP NS_PER_S

/* And from then on, a few at a time, for the loop has other things to do. */
#define BATCH_LINES_PER_STEP 50
#define BATCH_PAUSE (20 * NS_PER_MS)

/* The worker's files and batches, with a lock that each handler holds. */
struct openai_store *openai_store_new(void);
void openai_store_free(struct openai_store *store);

/* Go on with the batches that are due; returns when the next one is, CLOCK_NEVER without one. */
int64_t openai_work_on_batches(struct worker *w, int64_t now);

void openai_list_files(struct api_call *call);
void openai_upload_file(struct api_call *call);
void openai_show_file(struct api_call *call); /* and …/content */
void openai_delete_file(struct api_call *call);
void openai_list_batches(struct api_call *call);
void openai_create_batch(struct api_call *call);
void openai_show_batch(struct api_call *call);
void openai_cancel_batch(struct api_call *call);

#endif
