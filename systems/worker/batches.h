/*
 * Batches: requests from the lines of a file, answered into another. They live as long as the
 * worker, except that the oldest make room for new ones. One whose answers find no room has failed,
 * and says so.
 */
#ifndef WORKER_BATCHES_H
#define WORKER_BATCHES_H

#include "core/buf.h"
#include "core/jsontext.h"
#include "files.h"

/* When there are so many, the oldest that is over is forgotten for a new one. */
#define BATCHES_MAX 100
#define BATCH_WINDOW_S 86400

enum batch_status {
    BATCH_VALIDATING,
    BATCH_IN_PROGRESS,
    BATCH_COMPLETED,
    BATCH_FAILED,
    BATCH_CANCELLING,
    BATCH_CANCELLED,
    BATCH_EXPIRED,
    BATCH_STATUS_COUNT,
};

struct batch {
    struct batch *next; /* the newest first */
    char id[48];
    enum batch_status status;
    int64_t at[BATCH_STATUS_COUNT]; /* when it became that, seconds since the epoch; 0: not yet */
    int64_t created;
    int64_t due; /* monotonic ns: when it goes on although nobody looks; its keeper's */
    struct slice endpoint, input_file, metadata, input; /* owned */
    size_t position;                                    /* in the input */
    size_t total, completed, failed;
    struct buf output, errors;
    char output_file[48], error_file[48];
    char *fault; /* BATCH_FAILED: its errors as JSON; owned */
};

/* Answers one request: its status, and its body in the arena. */
struct batch_runner {
    void *context;
    struct slice (*run)(void *context, struct arena *arena, struct slice url, struct slice body,
                        unsigned *status);
};

struct batches {
    struct batch *first; /* the newest */
    size_t count;
};

/* Owns the batch from now on. False, and does not: BATCHES_MAX are under way. */
bool batches_add(struct batches *batches, struct batch *batch);
void batches_free(struct batches *batches);

/* A batch over the input, copied; `metadata` is JSON text. */
struct batch *batch_new(struct slice endpoint, struct slice input_file, struct slice input,
                        struct slice metadata);
void batch_free(struct batch *batch);

/* Go on with it: one change of status, or at most `lines` requests. */
void batch_advance(struct batch *batch, struct files *files, const struct batch_runner *runner,
                   size_t lines, int64_t now_s);

/* Completed, failed, cancelled or expired: it does not change any more. */
bool batch_over(const struct batch *batch);

/* False when it is over already. */
bool batch_cancel(struct batch *batch, int64_t now_s);

/* Append its object of OpenAI's API. */
void batch_show(const struct batch *batch, struct text *out);

#endif
