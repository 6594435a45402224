/*
 * The keeper's whole life: start the program, listen to assay and for ended children, kill what has
 * to be killed, report, end. It is a loop over poll with one deadline. See the header for why it
 * exists; remember when changing it that nothing here may allocate or take a lock.
 */
#include "service/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"

/* Where the keeper has its socket once everything inherited is closed. */
#define CHANNEL 3

/* Killed children are looked for again this often: the kernel's list of children may miss some
 * that move while it is read. */
#define KILL_AGAIN (20 * NS_PER_MS)

/* Without /proc we cannot know what is left; this long we wait for it to end. */
#define BLIND_WAIT (1 * NS_PER_S)

/* KiB by which resident sizes may be off: Linux counts pages in batches on each CPU. */
#define RESIDENT_SLACK 2048

struct keeper {
    const struct keeper_launch *launch;
    pid_t self;
    pid_t program;     /* also its process group and session */
    bool ended;        /* the program was reaped; its group id may not be used any more */
    bool stopping;     /* KEEPER_STOP came, or assay is gone */
    bool killing;      /* the deadline has passed */
    bool outlived;     /* the program had ended when the killing began */
    bool blind;        /* there is no /proc to find children with */
    bool forced;       /* the program had been asked to stop and had to be killed */
    int stop_signal;   /* of KEEPER_STOP */
    int64_t deadline;  /* then all that is left is killed */
    long own_resident; /* KiB, when the program was forked */
    uint32_t stragglers;
};

static void report(int channel, struct keeper_report r)
{
    r.at = clock_now();
    /* Assay may be gone; then nobody needs to know. */
    (void)!send(channel, &r, sizeof(r), MSG_NOSIGNAL);
}

/* ---- the program's side of the fork ---- */

/* Filled by the child in the memory it shares with the keeper until its exec (vfork). */
struct launch_failure {
    enum keeper_stage stage;
    int error;
};

static bool take_over_streams(const struct keeper_launch *launch)
{
    return dup2(launch->input, STDIN_FILENO) >= 0 && dup2(launch->output, STDOUT_FILENO) >= 0 &&
           dup2(launch->errors, STDERR_FILENO) >= 0 &&
           close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC) == 0;
}

/* Linux has so many, and numbers them from 1. */
#define KERNEL_SIGNALS 64

/* Default dispositions first and the mask second, so that no handler of assay's ever runs here. */
static bool default_signals(void)
{
    /* By the system call: glibc refuses its own two signals, which whoever started us may have had
     * ignored. All zero is SIG_DFL without flags. */
    static const struct {
        void *handler;
        unsigned long flags;
        void *restorer;
        uint64_t mask;
    } action;
    for (int s = 1; s <= KERNEL_SIGNALS; s++)
        (void)syscall(SYS_rt_sigaction, s, &action, NULL, sizeof(action.mask)); /* not SIGKILL */
    sigset_t none;
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

static bool dies_with(pid_t keeper)
{
    /* The keeper may have been killed before the prctl: then we have another parent already. */
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == keeper;
}

static void become_program(const struct keeper_launch *launch, pid_t keeper,
                           volatile struct launch_failure *failure)
{
    failure->stage = KEEPER_SETUP;
    if (setsid() >= 0 && dies_with(keeper) && take_over_streams(launch)) {
        failure->stage = KEEPER_CWD;
        if (launch->cwd == NULL || chdir(launch->cwd) == 0) {
            failure->stage = KEEPER_EXEC;
            if (default_signals())
                execve(launch->path, launch->argv, launch->environment);
        }
    }
    failure->error = errno;
}

/* vfork: the keeper waits until the exec, so the failure needs no pipe and no pages are copied. */
static bool start_program(struct keeper *k, int channel)
{
    struct rusage own;
    getrusage(RUSAGE_SELF, &own);
    k->own_resident = own.ru_maxrss;

    volatile struct launch_failure failure = {KEEPER_FORK, 0};
    /* Between vfork and exec only system calls are made, on memory of ours: what vfork forbids to
     * the careless. posix_spawn cannot set a death signal. */
    // NOLINTNEXTLINE(bugprone-unsafe-functions,clang-analyzer-security.insecureAPI.vfork)
    pid_t pid = vfork();
    if (pid == 0) {
        become_program(k->launch, k->self, &failure); // NOLINT(clang-analyzer-unix.Vfork)
        _exit(127);
    }
    if (pid < 0)
        failure.error = errno;
    if (failure.error != 0) {
        if (pid > 0)
            (void)waitpid(pid, NULL, 0);
        report(channel, (struct keeper_report){
                            .news = KEEPER_FAILED, .stage = failure.stage, .error = failure.error});
        return false;
    }
    k->program = pid;
    report(channel, (struct keeper_report){.news = KEEPER_STARTED, .pid = pid});
    return true;
}

/* ---- killing ---- */

/* Do `visit` for every child; false when /proc does not say. */
static bool each_child(struct keeper *k, void (*visit)(struct keeper *k, pid_t child))
{
    int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    char bytes[1024];
    pid_t pid = 0;
    for (;;) {
        ssize_t n = read(fd, bytes, sizeof(bytes));
        if (n <= 0)
            break;
        for (ssize_t i = 0; i < n; i++) {
            if (bytes[i] >= '0' && bytes[i] <= '9') {
                pid = pid * 10 + (bytes[i] - '0');
            } else if (pid > 0) {
                visit(k, pid);
                pid = 0;
            }
        }
    }
    close(fd);
    return true;
}

/*
 * A child of ours is ours to signal: its pid cannot be given away before we reap it. While a child
 * is still in the program's group that group's id is taken too, so the group can be killed as a
 * whole, which leaves a process that keeps forking no time between two of its forks.
 */
static void kill_child(struct keeper *k, pid_t child)
{
    if (getpgid(child) == k->program)
        (void)kill(-k->program, SIGKILL);
    (void)kill(child, SIGKILL);
}

/* False when there is no way left to kill more. Called again until no child is left. */
static bool kill_everything(struct keeper *k)
{
    if (!k->killing) {
        k->killing = true;
        k->outlived = k->ended;
        k->forced = !k->ended && k->stopping && k->stop_signal != SIGKILL;
    }
    if (!k->ended)
        (void)kill(-k->program, SIGKILL);
    if (each_child(k, kill_child)) {
        k->deadline = clock_now() + KILL_AGAIN;
        return true;
    }
    bool given_up = k->blind;
    k->blind = true;
    k->deadline = clock_now() + BLIND_WAIT;
    return !given_up;
}

/* A child that left the group has not heard the signal of a stop. */
static void pass_on_stop(struct keeper *k, pid_t child)
{
    if (getpgid(child) != k->program)
        (void)kill(child, k->stop_signal);
}

/* ---- what happens ---- */

static int64_t timeval_ns(struct timeval t)
{
    return (int64_t)t.tv_sec * NS_PER_S + (int64_t)t.tv_usec * NS_PER_US;
}

static void program_ended(struct keeper *k, int status, const struct rusage *usage)
{
    k->ended = true;
    /* Linux counts the pages of whoever forked into the maximum; a larger one is the program's. */
    bool known = usage->ru_maxrss > k->own_resident + RESIDENT_SLACK;
    report(CHANNEL, (struct keeper_report){
                        .news = KEEPER_ENDED,
                        .status = status,
                        .forced = k->forced,
                        .user_time = timeval_ns(usage->ru_utime),
                        .system_time = timeval_ns(usage->ru_stime),
                        .max_resident = known ? (int64_t)usage->ru_maxrss * 1024 : 0,
                    });
    if (k->stopping) {
        (void)each_child(k, pass_on_stop);
    } else {
        k->deadline = clock_now() + k->launch->linger;
    }
}

/* Reap what has ended; false when no child is left. */
static bool reap(struct keeper *k)
{
    for (;;) {
        int status = 0;
        struct rusage usage;
        pid_t pid = wait4(-1, &status, WNOHANG | __WALL, &usage);
        if (pid == 0)
            return true;
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid < 0)
            return false;
        if (pid == k->program && !k->ended)
            program_ended(k, status, &usage);
        else if (k->outlived)
            k->stragglers++;
    }
}

static void stop(struct keeper *k, int signal, int64_t grace)
{
    if (!k->ended)
        (void)kill(-k->program, SIGCONT); /* a stopped process hears nothing but SIGKILL */
    k->stop_signal = signal;
    if (k->ended && !k->stopping)
        (void)each_child(k, pass_on_stop);
    k->stopping = true;
    int64_t deadline = clock_now() + grace;
    if (deadline < k->deadline)
        k->deadline = deadline;
}

/* False when assay is gone, which is the order to kill everything. */
static bool obey(struct keeper *k)
{
    struct keeper_command c;
    ssize_t n = recv(CHANNEL, &c, sizeof(c), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n != (ssize_t)sizeof(c)) {
        stop(k, SIGKILL, 0);
        return false;
    }
    if (!k->ended)
        (void)kill(-k->program, c.signal);
    if (c.order == KEEPER_STOP)
        stop(k, c.signal, c.grace);
    return true;
}

static int milliseconds_until(int64_t when)
{
    if (when == CLOCK_NEVER)
        return -1;
    int64_t left = when - clock_now();
    return left <= 0 ? 0 : (int)((left + NS_PER_MS - 1) / NS_PER_MS);
}

static void keep(struct keeper *k, int ended_children)
{
    struct pollfd fds[] = {{.fd = CHANNEL, .events = POLLIN},
                           {.fd = ended_children, .events = POLLIN}};
    while (reap(k)) {
        fds[0].revents = fds[1].revents = 0;
        (void)poll(fds, 2, milliseconds_until(k->deadline));
        if (fds[1].revents) {
            struct signalfd_siginfo info;
            (void)!read(ended_children, &info, sizeof(info));
        }
        if (fds[0].revents && !obey(k))
            fds[0].fd = -1;
        if (clock_now() >= k->deadline && !kill_everything(k))
            break;
    }
    report(CHANNEL, (struct keeper_report){
                        .news = KEEPER_GONE, .stragglers = k->stragglers, .forced = k->forced});
}

/* Only the socket is kept: other keepers' sockets must close with assay, and whoever reads assay's
 * output must see its end. */
static bool let_go_of_inherited(int channel)
{
    if (channel != CHANNEL && dup2(channel, CHANNEL) < 0)
        return false;
    for (int fd = 0; fd < CHANNEL; fd++)
        (void)close(fd);
    (void)!chdir("/");
    return close_range(CHANNEL + 1, ~0u, 0) == 0;
}

static void run_keeper(const struct keeper_launch *launch, int channel)
{
    struct keeper k = {.launch = launch, .self = getpid(), .deadline = CLOCK_NEVER};
    (void)setsid();
    (void)prctl(PR_SET_NAME, "assay-keeper");
    /* An inherited "ignore" would let children vanish unseen. */
    struct sigaction action = {.sa_handler = SIG_DFL};
    (void)sigaction(SIGCHLD, &action, NULL);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
        report(channel, (struct keeper_report){
                            .news = KEEPER_FAILED, .stage = KEEPER_SETUP, .error = errno});
        return;
    }
    if (!start_program(&k, channel))
        return;

    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    int ended_children = -1;
    if (let_go_of_inherited(channel))
        ended_children = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    /* Without either we cannot keep our promise; ending takes the program with us. */
    if (ended_children >= 0)
        keep(&k, ended_children);
}

/* ThreadSanitizer has locks of its own, which only its fork() knows to let go. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define _Fork fork
#endif
#endif

pid_t keeper_fork(const struct keeper_launch *launch, int *channel)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return -1;
    /* Blocked over the fork and in the keeper for good; the program gets a clean mask. _Fork runs
     * no atfork handlers, which belong to libraries that may hold locks in other threads. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = _Fork();
    if (pid == 0) {
        (void)close(ends[0]);
        run_keeper(launch, ends[1]);
        _exit(0);
    }
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)close(ends[1]);
    if (pid < 0) {
        (void)close(ends[0]);
        errno = error;
        return -1;
    }
    *channel = ends[0];
    return pid;
}
