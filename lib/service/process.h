/*
 * A program started by assay: a service, or the program of an `exec` step. It runs in a session and
 * process group of its own below a keeper (service/keeper.h), so that it and all it starts end with
 * it, with assay, or when asked; its output is delivered as it comes.
 *
 * Everything happens on one libuv loop: call only from the loop's thread, and expect the events
 * from inside uv_run. Nothing here installs a SIGCHLD handler.
 */
#ifndef SERVICE_PROCESS_H
#define SERVICE_PROCESS_H

#include <sys/types.h>
#include <uv.h>

#include "core/result.h"

struct process;

/* How long descendants may outlive their program before they count as left behind (and are
 * killed): the time shells need to wind up a pipeline. cargo-nextest has the same 100 ms. */
#define PROCESS_LINGER (100 * 1000000LL)

enum process_stream { PROCESS_STDOUT, PROCESS_STDERR };

struct process_options {
    /* Ends with NULL. argv[0] without a slash is searched for in PATH. */
    const char *const *argv;
    /* "NAME=value" over the inherited environment, ends with NULL; NULL: nothing added. */
    const char *const *environment;
    const char *cwd;    /* NULL: ours */
    struct slice input; /* its stdin (given as an unnamed file); empty: /dev/null */
    size_t keep;        /* bytes kept of each stream, the last ones; 0: none (see on_output) */
    int64_t linger;     /* ns; 0: PROCESS_LINGER */
};

enum process_fate {
    PROCESS_EXITED,    /* `code` is the exit status */
    PROCESS_SIGNALLED, /* `code` is the signal */
    PROCESS_LOST,      /* its keeper was killed from outside, and the program with it */
};

struct process_end {
    enum process_fate fate;
    int code;
    bool core_dumped;
    bool forced;            /* it did not end within the grace of process_stop and was killed */
    uint32_t stragglers;    /* descendants that outlived it and were killed; final in on_exit */
    int64_t started, ended; /* clock_now() */
    int64_t user_time, system_time; /* CPU time in ns, of it and the children it waited for */
    /* Largest resident set in bytes; 0 when it stayed below assay's own size, which Linux counts
     * in before the exec and so hides it. */
    int64_t max_resident;
};

struct process_events {
    void *context;
    /* A piece of output as it was read; cut anywhere. `bytes` is valid during the call. Optional.*/
    void (*on_output)(void *context, enum process_stream stream, struct slice bytes);
    /* At once when the program itself has ended; all it had written was delivered before (what it
     * started may write until on_exit). `stragglers` is not known yet. Optional. */
    void (*on_end)(void *context, const struct process_end *end);
    /* Last, exactly once: nothing of it is left. process_free may be called from here on; `end`
     * goes with the process. */
    void (*on_exit)(void *context, const struct process_end *end);
};

/*
 * Start a program; returns when its exec succeeded or failed, as uv_spawn does (about half a
 * millisecond). The options are copied as far as needed. On failure (ERR_SPAWN; ERR_IO when the
 * system has no more processes or descriptors) there is no process and no event will come; the text
 * names the program and where it was looked for.
 */
struct result process_start(uv_loop_t *loop, const struct process_options *options,
                            struct process_events events, struct process **out) MUST_USE;

/* The program's pid, which is also its process group and session. Valid until on_end. */
pid_t process_pid(const struct process *process);

/* The pid of its keeper: the root of the tree of everything it started. */
pid_t process_keeper(const struct process *process);

/* Send a signal to the program's process group. Nothing happens once it has ended. */
void process_signal(struct process *process, int signal);

/*
 * End it: `signal` (then SIGCONT, should it be stopped) to the group, and after `grace` nanoseconds
 * SIGKILL to everything that is left, wherever it hid. With SIGKILL or a grace of 0 everything is
 * killed at once. Any time and any number of times; the shortest grace wins. on_exit follows.
 */
void process_stop(struct process *process, int signal, int64_t grace);

/* What was kept of a stream (the last `keep` bytes), and how many bytes there were in all. */
struct slice process_output(const struct process *process, enum process_stream stream);
uint64_t process_output_total(const struct process *process, enum process_stream stream);

/* Only from on_exit on. NULL is allowed. */
void process_free(struct process *process);

/* "exited with status 3", "was killed by signal 11 (SIGSEGV), core dumped". Returns `out`. */
#define PROCESS_END_TEXT 96
const char *process_end_text(char out[PROCESS_END_TEXT], const struct process_end *end);

/* "SIGTERM" for 15 ("signal" for one without a name), and back from "SIGTERM" or "TERM" in any case
 * (else ERR_VALUE). */
const char *process_signal_name(int signal);
struct result process_signal_named(struct slice name, int *signal) MUST_USE;

#endif
