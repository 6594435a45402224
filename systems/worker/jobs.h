/*
 * The jobs that run now, by their id: for cancelling, and for refusing an id that is in use.
 */
#ifndef WORKER_JOBS_H
#define WORKER_JOBS_H

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

/* One request for tokens under way: about 350 bytes and the engine's sequence. */
struct job {
    struct wake wake;
    struct generation generation;
    struct exchange *exchange;
    struct openai_answer *answer; /* what the events become; NULL: /execute's stream */
    struct pace pace;             /* of the answer's generations */
    struct job *next;             /* in its bucket */
    bool parked; /* the client does not keep up: no turn before it has taken what there is */
    size_t id_len;
    char id[];
};

struct jobs {
    struct job **buckets;
    size_t bucket_count, count;
};

/* A new job under `id`, zeroed; NULL when that id is in use. */
struct job *jobs_add(struct jobs *jobs, struct slice id);

/* NULL when there is none. */
struct job *jobs_find(const struct jobs *jobs, struct slice id);

/* Take it out and free it (not what it points to). */
void jobs_remove(struct jobs *jobs, struct job *job);

/* Any one of them; NULL when there is none. */
struct job *jobs_any(const struct jobs *jobs);

/* Give back the table; no job may be left. */
void jobs_free(struct jobs *jobs);

static inline struct slice job_id(const struct job *job)
{
    return slice_of(job->id, job->id_len);
}

#endif
