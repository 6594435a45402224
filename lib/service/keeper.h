/*
 * The keeper: a small process of ours between assay and every program it starts, so that nothing is
 * left behind, whatever dies first.
 *
 * Which mechanism, and why. PR_SET_PDEATHSIG alone is not enough: it reaches only the direct child,
 * not what that child started, and it follows the *thread* that forked. A process group is not
 * enough: a daemon leaves it with setsid(). A watcher that scans the system for leftovers guesses.
 * So each program runs below a keeper that
 *
 *   - is a child subreaper (PR_SET_CHILD_SUBREAPER): whatever its descendants do, double forks and
 *     setsid() included, orphans become the keeper's children, and it can find and reap them all;
 *   - holds one end of a socket pair. When assay ends for any reason, SIGKILL included, the kernel
 *     closes the other end; the keeper reads end-of-file and kills everything below it;
 *   - runs in a session of its own with every signal blocked, so a Ctrl-C on the terminal is
 *     assay's to handle and never reaches the keeper or the program.
 *
 * The program in turn has PR_SET_PDEATHSIG(SIGKILL), so it dies with its keeper if that is killed
 * from outside. (Then, and only then, what the program itself started can survive: assay sees the
 * keeper's end of the socket close and kills the program's process group as a last resort.)
 *
 * The keeper also tells what an exit status cannot: how many descendants outlived the program.
 * Finding children needs /proc; where it is not mounted only the process group is killed.
 *
 * After the fork only async-signal-safe calls are made, as assay has other threads. The keeper
 * shares assay's pages until one of them writes; it allocates nothing.
 *
 * Internal to process.c, which is what the rest of the program uses.
 */
#ifndef SERVICE_KEEPER_H
#define SERVICE_KEEPER_H

#include <stdint.h>
#include <sys/types.h>

/* All that is needed to start the program; prepared before the fork, only read after it. */
struct keeper_launch {
    const char *path; /* of the executable; PATH was searched by the caller */
    char *const *argv;
    char *const *environment;
    const char *cwd; /* NULL: stay */
    /* The program's stdin, stdout, stderr. All above 2; the caller closes its copies afterwards. */
    int input, output, errors;
    int64_t linger; /* ns that descendants may outlive the program before they are killed */
};

/* Commands, assay to keeper: one message of a SOCK_SEQPACKET socket each. */
enum keeper_order {
    KEEPER_SIGNAL, /* send `signal` to the program's group */
    KEEPER_STOP,   /* send `signal` to the group; after `grace` SIGKILL to all that is left */
};

struct keeper_command {
    enum keeper_order order;
    int signal;
    int64_t grace; /* ns; 0 kills everything now */
};

/* Reports, keeper to assay: STARTED, ENDED, GONE in this order, or FAILED alone. */
enum keeper_news { KEEPER_STARTED, KEEPER_FAILED, KEEPER_ENDED, KEEPER_GONE };

/* What failed before the program ran, with the words for it. */
#define KEEPER_STAGES(X)                                                                           \
    X(FORK, "a new process could not be made")                                                     \
    X(SETUP, "the new process could not be prepared")                                              \
    X(CWD, "the working directory could not be entered")                                           \
    X(EXEC, "the program could not be executed")

enum keeper_stage {
#define X(name, text) KEEPER_##name,
    KEEPER_STAGES(X)
#undef X
};

struct keeper_report {
    enum keeper_news news;
    pid_t pid;               /* STARTED */
    enum keeper_stage stage; /* FAILED */
    int error;               /* FAILED: errno */
    int status;              /* ENDED: as wait() gives it */
    uint32_t stragglers;     /* GONE: descendants that outlived the program and had to be killed */
    uint32_t forced;         /* ENDED, GONE: 1 when the grace of a stop ran out */
    int64_t at;              /* clock_now() when it happened */
    int64_t user_time;       /* ENDED: CPU time in ns, of the program and its reaped children */
    int64_t system_time;
    int64_t max_resident; /* ENDED: bytes; 0 when it was below our own and is therefore unknown */
};

/*
 * Fork a keeper that starts the program. `*channel` is our end of the socket (close-on-exec,
 * blocking); closing it kills everything. Returns the keeper's pid, to be reaped by the caller
 * after end-of-file on the channel, or -1 with errno.
 */
pid_t keeper_fork(const struct keeper_launch *launch, int *channel);

#endif
