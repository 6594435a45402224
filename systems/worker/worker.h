/*
 * The worker: event loops, each on a thread of its own with a server, the jobs of its connections
 * and their counters; and what they have in common: the worker's life from starting to drained, the
 * ids of jobs, what slows jobs down, files and batches.
 *
 *     starting ─ (callback answered) ─ ready ⇄ busy ─ (shutdown or SIGTERM) ─ draining ─ exit
 *
 * A connection and its jobs belong to one loop from beginning to end, so that a token touches
 * nothing that another loop writes (but the count of a limited KV cache). What has to reach another
 * loop, a cancellation or the end, is noted where that loop finds it, and its `news` wakes it.
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/buf.h"
#include "core/random.h"
#include "jobs.h"
#include "metrics.h"
#include "net/server.h"
#include "options.h"
#include "request.h"

/* A cache line: what one thread writes often and others read is kept that far apart. */
#define WORKER_APART _Alignas(64)

/* One of the worker's loops: its thread's own, save where something else is said. */
struct loop {
    struct worker *worker;
    uv_loop_t uv;
    uv_thread_t thread;
    bool has_thread; /* the first loop runs on the thread of worker_run */
    struct server *server;
    uv_async_t news; /* others send it: something of `worker` or `jobs.cancelled` has changed */
    bool open;       /* `news` can be sent; worker->lock guards it */
    uv_timer_t drain_timer;
    uv_timer_t batch_timer; /* while batches are under way that were begun here */
    struct schedule schedule;
    struct job_list jobs;
    bool draining, stopping; /* stopping: the server closes its connections */
    struct buf out;          /* events of the turn, or a reply, on their way to the server */
    struct metrics metrics;  /* others read it */
};

struct worker {
    /* Unchanging while loops run. */
    const struct engine *engine;
    const struct options *options;
    struct pace pace;
    uint64_t vram_bytes;
    int64_t started; /* monotonic ns */
    struct slice worker_id, model;
    struct slice health_facts; /* the unchanging part of /health, as JSON members */
    struct arena *arena;       /* for what lives as long as the worker */
    char made_up_id[UUID_TEXT];
    struct loop **loops; /* the first listens, hears signals and makes the ready callback */
    size_t loop_count;
    uv_signal_t terminate, interrupt;

    /* For all loops, with locks and counters of their own. */
    struct openai_store *store; /* files and batches */
    pthread_mutex_t lock;       /* of loop->open */
    _Atomic bool starting;
    _Atomic unsigned shut_downs; /* how often it was asked to; more than once: at once */
    _Atomic int exit_status;
    WORKER_APART struct jobs jobs;
    WORKER_APART struct load load;
};

/*
 * Run a worker until it is shut down; returns the exit status. Its address goes to stdout when it
 * listens. `engine` outlives it.
 */
int worker_run(const struct options *options, const struct engine *engine);

/* "starting", "ready", "busy" or "draining". */
const char *worker_state(const struct worker *w);

bool worker_draining(const struct worker *w);

/* False while it shuts down, and when its engine can do no more work. */
bool worker_healthy(const struct worker *w);

/* What all loops have counted. */
struct metrics worker_metrics(const struct worker *w);

/* Run a job on the exchange, which becomes its event stream; false, and nothing is done, when a job
 * of that id is running. */
bool worker_execute(struct loop *loop, struct exchange *ex, const struct execute_request *request,
                    const struct pace *pace);

/* The same for an answer of OpenAI's form, which the job takes over; its id is the answer's. */
void worker_answer(struct loop *loop, struct exchange *ex, struct openai_answer *answer,
                   const struct pace *pace);

/* End the job's stream with the reason CANCELLED, at once or, when it is another loop's, as soon as
 * that loop comes to it; false when no such job runs. */
bool worker_cancel(struct loop *loop, struct slice job_id);

/* A batch was begun on this loop, which goes on with it from `due` on. */
void worker_watch_batches(struct loop *loop, int64_t due);

/* Refuse new work, let jobs finish within the drain timeout, then end. Again: end them now. */
void worker_shut_down(struct loop *loop);

#endif
