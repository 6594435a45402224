/*
 * The harness: integration tests of an LLM worker, in C, with whatever test framework you have.
 *
 *     #include <assay/harness.h>
 *
 *     ASSAY_WORKER_CLEANUP struct assay_worker *worker = assay_worker_start(NULL);
 *     assay_assert_started(worker);
 *
 *     struct assay_request request = assay_request("job-1", ASSAY_PROMPT_HAIKU, 30);
 *     ASSAY_RESPONSE_CLEANUP struct assay_response *response = NULL;
 *     assay_assert_ok(assay_execute(worker, &request, &response));
 *     assay_assert_completed(response->events);
 *
 * Every call blocks and has a deadline; times are nanoseconds. A failing call returns one of
 * enum assay_error and leaves a sentence in assay_last_error(). Options and requests are plain
 * structs, zero-initialised for the defaults; nothing of them is kept after the call.
 *
 * Processes: a worker runs below a keeper process that kills it, and everything it has started,
 * when it is stopped or when the test process ends for any reason, SIGKILL included. In a child
 * made by fork() the worker may be used but belongs to the parent, and assay_worker_stop does
 * nothing.
 *
 * Threads: any number may use a worker at once; only stopping it must wait until nobody does. While
 * there are workers the library has one thread of its own, with all signals blocked.
 *
 * Memory: running out of it ends the process with status 3, as there is no test to go on with.
 *
 * This header includes the others: <assay/errors.h>, <assay/events.h>, <assay/response.h>,
 * <assay/asserts.h>, <assay/fixtures.h>. <assay/cmocka.h> and <assay/criterion.h> make asserts fail
 * the way these frameworks want it.
 */
#ifndef ASSAY_HARNESS_H
#define ASSAY_HARNESS_H

#include <sys/types.h>

#include <assay/asserts.h>
#include <assay/errors.h>
#include <assay/events.h>
#include <assay/fixtures.h>
#include <assay/response.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- a worker ---- */

/* A worker under test: started here, or running elsewhere and known by its url. */
struct assay_worker;

/*
 * What to start and how. Zero-initialised it is the reference worker in stub mode.
 *
 * Without `command` the worker gets the usual options: --worker-id test-worker-PORT --model MODEL
 * --gpu-device N --port PORT --callback-url http://localhost:9999/callback (an address that a
 * worker does not call), and --stub-mode when there is no model. Its program is `binary`, else the
 * environment's ASSAY_WORKER_BIN, else "assay-worker" in PATH.
 *
 * In `command`, `arguments` and `environment` these are replaced: {port}, {model}, {gpu},
 * {worker_id}. Any other text in braces stays as it is.
 */
struct assay_worker_options {
    const char *const *command;     /* your own command line, ends with NULL */
    const char *binary;             /* a path or a name in PATH; not with `command` */
    const char *model;              /* path of the model; NULL: stub mode with /dev/null */
    unsigned gpu;                   /* of --gpu-device */
    const char *const *arguments;   /* added to the command line, ends with NULL */
    const char *const *environment; /* "NAME=value", added to ours, ends with NULL */
    const char *directory;          /* where it runs; NULL: here */
    uint16_t port;                  /* 0: a free one */
    const char *url;                /* a worker that runs already, "http://host:port": nothing is
                                       started or stopped; only ready_path and the timeouts apply */
    const char *ready_path;         /* ready when GET answers 2xx; NULL: "/health" */
    const char *log_path;           /* its output is appended here; NULL: kept in memory only */
    int64_t ready_timeout_ns;       /* 0: 30 s */
    int64_t stop_timeout_ns;        /* from SIGTERM to SIGKILL; 0: 5 s */
};

/*
 * Start a worker and wait until it is ready. `options` may be NULL. NULL on failure, with
 * assay_last_error(): its end or its silence before it was ready come with its last log lines. When
 * somebody takes the free port before the worker does, it is started again with another, three
 * times in all.
 */
ASSAY_PUBLIC struct assay_worker *assay_worker_start(const struct assay_worker_options *options);

/*
 * Stop it: SIGTERM, after stop_timeout_ns SIGKILL, and wait until nothing of it is left. The handle
 * is gone whatever comes back. NULL is allowed.
 *   ASSAY_ERROR_DIED         it had ended by itself, or ended with another status than 0 (or 143,
 *                            or by SIGTERM): a crash, or a leak that a sanitizer reports
 *   ASSAY_ERROR_TIMEOUT      it had to be killed
 *   ASSAY_ERROR_LEFT_BEHIND  processes it had started outlived it and a SIGTERM of their own
 *                            and were killed, or its port is still in use
 */
ASSAY_PUBLIC enum assay_error assay_worker_stop(struct assay_worker *worker);

/* Stop every worker that is left. For the teardown of frameworks that leave a failed test by
 * longjmp: variables that would clean up are then skipped. Never while another thread uses one. */
ASSAY_PUBLIC void assay_worker_stop_all(void);

/* For ASSAY_WORKER_CLEANUP. What assay_worker_stop returns is lost: call that one to test it. */
ASSAY_PUBLIC void assay_worker_cleanup(struct assay_worker **worker);

/* Declares a variable that stops its worker when it leaves its scope. */
#define ASSAY_WORKER_CLEANUP __attribute__((cleanup(assay_worker_cleanup)))

/*
 * Wait until it has ended, by itself or after a signal of yours, and tell how: its exit status, or
 * 128 + the signal that killed it. ASSAY_ERROR_TIMEOUT when it still runs, ASSAY_ERROR_INVALID when
 * it runs elsewhere. The handle is still to be stopped.
 */
ASSAY_PUBLIC enum assay_error assay_worker_wait(struct assay_worker *worker, int64_t timeout_ns,
                                                int *status);

/* "http://127.0.0.1:PORT", without a final slash. As long as the handle. */
ASSAY_PUBLIC const char *assay_worker_url(const struct assay_worker *worker);

/* The port of the url. */
ASSAY_PUBLIC uint16_t assay_worker_port(const struct assay_worker *worker);

/* The pid of its program; 0 when it has ended or runs elsewhere. */
ASSAY_PUBLIC pid_t assay_worker_pid(const struct assay_worker *worker);

/* What it wrote to stdout and stderr so far, the last 8 MiB. The caller frees it with free(). */
ASSAY_PUBLIC char *assay_worker_log(struct assay_worker *worker);

/* A TCP port that is free now, and that no worker of this process is given; 0: there is none. */
ASSAY_PUBLIC uint16_t assay_free_port(void);

/* ---- its jobs ---- */

/*
 * One job for POST /execute. Begin with assay_request(): zero is a meaningful value for most
 * fields. Sampling fields that have their default on the wire (temperature 1.0, top_p 1.0, top_k 0,
 * repetition_penalty 1.0, min_p 0.0) are left out of the JSON, which means the same.
 */
struct assay_request {
    const char *job_id;
    const char *prompt;
    uint32_t max_tokens;
    double temperature;
    bool has_seed; /* false: the worker chooses */
    uint64_t seed;
    double top_p;
    uint32_t top_k;
    double repetition_penalty;
    double min_p;
    const char *const *stop;    /* stop sequences, ends with NULL; NULL: none */
    const char *body;           /* sent instead of all the above, right or wrong; NULL: not */
    const char *path;           /* NULL: "/execute" */
    const char *const *headers; /* "Name: value", ends with NULL; replaces ours of that name */
    int64_t timeout_ns;         /* for everything from connecting to the last byte; 0: 120 s */
};

/* A job with temperature 0.7 and seed 42; the rest are the defaults of the wire. */
ASSAY_PUBLIC struct assay_request assay_request(const char *job_id, const char *prompt,
                                                uint32_t max_tokens);

/*
 * Run a job and read its stream to the end. `*response` is always set, with whatever came, and is
 * the caller's to free. ASSAY_OK means: status 200, a complete event stream, each event well
 * formed, in the order of the wire. An error event at its end is a well-formed stream.
 *   ASSAY_ERROR_INVALID   the request cannot be sent: a header or prompt that is not text
 *   ASSAY_ERROR_STATUS    a refusal: another status, see response->status and body
 *   ASSAY_ERROR_PROTOCOL  200, but no event stream, or one that breaks a rule: response->events has
 *                         what could be read. Also when the answer is not over 2 s after its last
 *                         event, or has more than 64 MiB
 *   ASSAY_ERROR_HTTP      no connection, broken HTTP, or the connection ended within the answer
 *   ASSAY_ERROR_DIED      the same, and the worker has ended: how, and its last log lines
 *   ASSAY_ERROR_TIMEOUT   not over within timeout_ns
 */
ASSAY_PUBLIC enum assay_error assay_execute(struct assay_worker *worker,
                                            const struct assay_request *request,
                                            struct assay_response **response);

/*
 * The same, with `callback` called for each event when it comes. When that returns false the
 * connection is closed, which a worker takes as the end of the job; the result is then ASSAY_OK,
 * with response->events->stopped, and what came is not judged.
 */
ASSAY_PUBLIC enum assay_error assay_execute_each(struct assay_worker *worker,
                                                 const struct assay_request *request,
                                                 assay_event_callback *callback, void *context,
                                                 struct assay_response **response);

/* The two forms in which workers take a cancellation. */
enum assay_cancel_form {
    ASSAY_CANCEL_BODY, /* POST /cancel with {"job_id": …} */
    ASSAY_CANCEL_PATH, /* POST /cancel/{job_id} */
};

/* Cancel a job, known or not: ASSAY_OK for 202. 5 s. Errors as for assay_fetch. */
ASSAY_PUBLIC enum assay_error assay_cancel(struct assay_worker *worker, const char *job_id,
                                           enum assay_cancel_form form);

/*
 * GET /health: ASSAY_OK when it answers 200 with a JSON object whose status is "healthy". 5 s.
 * `response` may be NULL; else `*response` is always set and the caller's to free.
 */
ASSAY_PUBLIC enum assay_error assay_health(struct assay_worker *worker,
                                           struct assay_response **response);

/*
 * POST /shutdown: ASSAY_OK when it answers 202 and then, unless it runs elsewhere, exits with
 * status 0 within 30 s. The handle is still to be stopped.
 */
ASSAY_PUBLIC enum assay_error assay_shutdown(struct assay_worker *worker);

/*
 * Any other request: ASSAY_OK when a whole answer came, whatever its status. `body` (JSON) may be
 * NULL. `*response` is always set and the caller's to free. 30 s. Fails with ASSAY_ERROR_INVALID,
 * HTTP, DIED or TIMEOUT.
 */
ASSAY_PUBLIC enum assay_error assay_fetch(struct assay_worker *worker, const char *method,
                                          const char *path, const char *body,
                                          struct assay_response **response);

#ifdef __cplusplus
}
#endif

#endif
