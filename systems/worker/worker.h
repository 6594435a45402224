/*
 * The worker: a loop with a server on it, the jobs that run, and its life from starting to drained.
 * Everything belongs to the loop's thread.
 *
 *     starting ─ (callback answered) ─ ready ⇄ busy ─ (shutdown or SIGTERM) ─ draining ─ exit
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include "core/buf.h"
#include "core/random.h"
#include "jobs.h"
#include "metrics.h"
#include "net/server.h"
#include "options.h"
#include "request.h"

struct worker {
    uv_loop_t *loop;
    struct server *server;
    uv_signal_t terminate, interrupt;
    uv_timer_t drain_timer;
    struct schedule schedule;
    struct jobs jobs;
    struct metrics metrics;
    const struct engine *engine;
    const struct options *options;
    struct pace pace;
    struct load load;
    uint64_t vram_bytes;
    int64_t started;                   /* monotonic ns */
    bool starting, draining, stopping; /* stopping: the server closes its connections */
    int exit_status;
    struct buf out; /* events of the turn, or a reply, on their way to the server */
    struct slice worker_id, model;
    struct slice health_facts;  /* the unchanging part of /health, as JSON members */
    struct arena *arena;        /* for what lives as long as the worker */
    struct openai_store *store; /* files and batches; NULL until there is one */
    char made_up_id[UUID_TEXT];
};

/*
 * Run a worker until it is shut down; returns the exit status. Its address goes to stdout when it
 * listens. `engine` outlives it.
 */
int worker_run(const struct options *options, const struct engine *engine);

/* "starting", "ready", "busy" or "draining". */
const char *worker_state(const struct worker *w);

/* False while it shuts down, and when its engine can do no more work. */
bool worker_healthy(const struct worker *w);

/* Run a job on the exchange, which becomes its event stream. No job of that id may run already. */
void worker_execute(struct worker *w, struct exchange *ex, const struct execute_request *request,
                    const struct pace *pace);

/* The same for an answer of OpenAI's form, which the job takes over; its id is the answer's. */
void worker_answer(struct worker *w, struct exchange *ex, struct openai_answer *answer,
                   const struct pace *pace);

/* End the job's stream with the reason CANCELLED; false when no such job runs. */
bool worker_cancel(struct worker *w, struct slice job_id);

/* Refuse new work, let jobs finish within the drain timeout, then end. Again: end them now. */
void worker_shut_down(struct worker *w);

#endif
