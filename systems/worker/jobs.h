/*
 * The jobs that run now: by their id for all loops, so that any of them can cancel one and none
 * accepts an id that is in use; and a list for each loop, whose jobs nobody else touches. The lock
 * of the table is taken when a job begins, is cancelled and ends, never for a token.
 */
#ifndef WORKER_JOBS_H
#define WORKER_JOBS_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/slice.h"
#include "generation.h"
#include "schedule.h"

struct exchange;
struct openai_answer;

/* How a job is paced: from the command line, and changed by a request's headers. In ns. */
struct pace {
    struct timing first_token, delay;
    int64_t metrics_interval, prefill;
    int64_t timeout; /* less than that of the worker when the request has a deadline */
    double slowdown;
};

/* One request for tokens under way: about 400 bytes and the engine's sequence. */
struct job {
    struct wake wake;
    struct generation generation;
    struct exchange *exchange;
    struct openai_answer *answer; /* what the events become; NULL: /execute's stream */
    struct pace pace;             /* of the answer's generations */
    struct job_list *owner;
    struct job *previous, *next; /* in its loop's list */
    struct job *next_in_bucket;
    struct job *next_cancelled;
    bool known;  /* it is in the table; until it is cancelled or over */
    bool parked; /* the client does not keep up: no turn before it has taken what there is */
    size_t id_len;
    char id[];
};

/* The jobs of one loop: only its thread looks at them, save at `cancelled`. */
struct job_list {
    struct job *first;
    size_t count;
    struct job *cancelled; /* by other loops; the lock of the table guards it */
    uv_async_t *news;      /* tells the loop of them */
};

struct jobs {
    pthread_mutex_t lock;
    struct job **buckets;
    size_t bucket_count;
    _Atomic size_t known; /* jobs in the table */
    _Atomic size_t alive; /* and those that were cancelled and are not removed yet */
};

void jobs_init(struct jobs *jobs);

/* A new job of the loop under `id`, zeroed; NULL when that id is in use. */
struct job *jobs_add(struct jobs *jobs, struct job_list *owner, struct slice id);

/*
 * From now on nobody finds the job of this id. True when there was one: it is in `*mine` when it is
 * one of `list`; otherwise `*mine` is NULL and its loop gets news, and jobs_take_cancelled there.
 */
bool jobs_cancel(struct jobs *jobs, struct slice id, const struct job_list *list,
                 struct job **mine);

/* A job of this loop that another one has cancelled; NULL when there is none. */
struct job *jobs_take_cancelled(struct jobs *jobs, struct job_list *list);

/* Take a job of this loop out and free it (not what it points to). */
void jobs_remove(struct jobs *jobs, struct job *job);

/* Give back the table; no job may be left. */
void jobs_free(struct jobs *jobs);

static inline struct slice job_id(const struct job *job)
{
    return slice_of(job->id, job->id_len);
}

#endif
