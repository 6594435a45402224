/*
 * Programs on the loop: everything that needs memory is prepared here before the keeper is forked;
 * afterwards three descriptors are polled: the keeper's reports and the program's two streams.
 */
#include "service/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/memory.h"
#include "service/keeper.h"

#define PROCESS_MAGIC 0x70726f63u

/* One read; and how many of them before the loop's other work gets its turn. A pipe holds 64 KiB,
 * so this also drains whatever a program had written when it ended. */
#define READ_BYTES (64u << 10)
#define READS_AT_ONCE 16

/* Longer graces are a day: keeps deadlines far from overflow. */
#define GRACE_MAX (24 * 3600 * NS_PER_S)

struct stream {
    struct process *process;
    enum process_stream which;
    uv_poll_t poll;
    int fd; /* -1 once closed */
    struct buf kept;
    uint64_t total;
};

struct process {
    unsigned magic;
    struct process_events events;
    pid_t pid, keeper;
    size_t keep;
    struct stream streams[2];
    uv_poll_t reports;
    int channel;
    int handles; /* still open in the loop */
    bool ended;  /* on_end was called */
    bool exited; /* on_exit was called */
    struct process_end end;
};

/* ---- preparing the launch ---- */

/* Descriptors that are closed at the end of process_start unless taken (-1). */
struct launch_files {
    int input, output[2], errors[2], channel;
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static void close_files(struct launch_files *f)
{
    close_fd(&f->input);
    close_fd(&f->output[0]);
    close_fd(&f->output[1]);
    close_fd(&f->errors[0]);
    close_fd(&f->errors[1]);
    close_fd(&f->channel);
}

/* When assay itself was started without stdin, say, new descriptors fall on 0–2, where the program
 * is about to get its own. */
static void above_streams(int *fd)
{
    if (*fd < 0 || *fd > STDERR_FILENO)
        return;
    int moved = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    (void)close(*fd);
    *fd = moved;
}

static bool open_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) != 0) {
        ends[0] = ends[1] = -1;
        return false;
    }
    above_streams(&ends[0]);
    above_streams(&ends[1]);
    return ends[0] >= 0 && ends[1] >= 0;
}

/* Input is a file without a name: the program may read it when and as far as it likes, and nobody
 * has to feed a pipe. */
static int open_input(struct slice input)
{
    int fd = input.len == 0 ? open("/dev/null", O_RDONLY | O_CLOEXEC)
                            : memfd_create("assay-stdin", MFD_CLOEXEC);
    while (fd >= 0 && input.len > 0) {
        ssize_t n = write(fd, input.data, input.len);
        if (n < 0)
            close_fd(&fd);
        else
            input = slice_from(input, (size_t)n);
    }
    if (fd >= 0)
        (void)lseek(fd, 0, SEEK_SET); /* refused by /dev/null, which has no position */
    above_streams(&fd);
    return fd;
}

static struct result open_files(const struct process_options *options, struct launch_files *f)
{
    f->input = open_input(options->input);
    ENSURE(f->input >= 0, ERR_IO, "cannot prepare the input of \"%s\": %s", options->argv[0],
           strerror(errno));
    ENSURE(open_pipe(f->output) && open_pipe(f->errors), ERR_IO,
           "cannot make pipes for \"%s\": %s (see `ulimit -n`)", options->argv[0], strerror(errno));
    return RESULT_OK;
}

/* execve wants strings it could write to. */
static char *string_copy(struct arena *arena, const char *s)
{
    size_t size = strlen(s) + 1;
    return memcpy(arena_alloc(arena, size), s, size);
}

static bool same_name(const char *a, const char *b)
{
    size_t name = strcspn(a, "=");
    return name == strcspn(b, "=") && memcmp(a, b, name) == 0;
}

static bool is_among(const char *variable, const char *const *list)
{
    for (; *list; list++)
        if (same_name(variable, *list))
            return true;
    return false;
}

/* The inherited environment with `added` over it. */
static char **environment_of(struct arena *arena, const char *const *added)
{
    static const char *const none[] = {NULL};
    if (added == NULL)
        added = none;
    size_t inherited = 0, more = 0;
    while (environ[inherited])
        inherited++;
    while (added[more])
        more++;
    char **all = ARENA_ARRAY(arena, char *, inherited + more + 1);
    size_t n = 0;
    for (size_t i = 0; i < inherited; i++)
        if (!is_among(environ[i], added))
            all[n++] = environ[i];
    for (size_t i = 0; i < more; i++)
        all[n++] = string_copy(arena, added[i]);
    return all;
}

static char **arguments_of(struct arena *arena, const char *const *argv)
{
    size_t count = 0;
    while (argv[count])
        count++;
    char **copy = ARENA_ARRAY(arena, char *, count + 1);
    for (size_t i = 0; i < count; i++)
        copy[i] = string_copy(arena, argv[i]);
    return copy;
}

static const char *variable(char *const *environment, const char *name)
{
    for (; *environment; environment++)
        if (same_name(*environment, name))
            return *environment + strlen(name);
    return NULL;
}

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* As a shell would: a name with a slash is a path (seen from the program's working directory), any
 * other is looked for in the PATH that the program will have. */
static struct result find_program(struct arena *arena, const char *name, char *const *environment,
                                  const char **path)
{
    ENSURE(name[0] != '\0', ERR_SPAWN, "cannot start a program without a name");
    *path = name;
    if (strchr(name, '/'))
        return RESULT_OK;
    const char *folders = variable(environment, "PATH=");
    if (folders == NULL)
        folders = "/usr/local/bin:/usr/bin:/bin";
    struct slice rest = slice_str(folders), folder;
    while (slice_split(&rest, ':', &folder)) {
        *path = arena_printf(arena, "%.*s/%s", SLICE_ARG(folder), name);
        if (folder.len > 0 && is_program(*path))
            return RESULT_OK;
    }
    return error_set(ERR_SPAWN, "cannot start \"%s\": there is no such program in PATH (%s)", name,
                     folders);
}

static const char *exec_hint(int error, const char *path)
{
    switch (error) {
    case ENOENT:
        return access(path, F_OK) == 0 ? "; the file is there, so its interpreter is missing: see "
                                         "its #! line, or `ldd`"
                                       : "";
    case EACCES:
        return "; is it a file with execute permission?";
    case ENOEXEC:
        return "; a script needs a #! line, a binary this machine's architecture";
    default:
        return "";
    }
}

static struct result launch_failed(const struct keeper_launch *launch,
                                   const struct keeper_report *report)
{
    static const char *const stages[] = {
#define X(name, text) [KEEPER_##name] = text,
        KEEPER_STAGES(X)
#undef X
    };
    if (report->stage == KEEPER_CWD)
        return error_set(ERR_SPAWN, "cannot start \"%s\": %s: %s: %s", launch->argv[0],
                         stages[report->stage], launch->cwd, strerror(report->error));
    if (report->stage == KEEPER_EXEC)
        return error_set(ERR_SPAWN, "cannot start \"%s\"%s%s: %s%s", launch->argv[0],
                         launch->cwd ? " in " : "", launch->cwd ? launch->cwd : "",
                         strerror(report->error), exec_hint(report->error, launch->path));
    return error_set(ERR_IO, "cannot start \"%s\": %s: %s", launch->argv[0], stages[report->stage],
                     strerror(report->error));
}

static ssize_t receive(int channel, struct keeper_report *report)
{
    ssize_t n;
    do {
        n = recv(channel, report, sizeof(*report), 0);
    } while (n < 0 && errno == EINTR);
    return n;
}

static void reap_keeper(pid_t keeper)
{
    while (waitpid(keeper, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* Fork the keeper and hear whether the program runs. */
static struct result launch(const struct keeper_launch *what, int *channel, pid_t *keeper,
                            pid_t *program)
{
    *keeper = keeper_fork(what, channel);
    ENSURE(*keeper > 0, ERR_IO, "cannot start \"%s\": no new process: %s", what->argv[0],
           strerror(errno));
    struct keeper_report first;
    ssize_t n = receive(*channel, &first);
    if (n == (ssize_t)sizeof(first) && first.news == KEEPER_STARTED) {
        *program = first.pid;
        return RESULT_OK;
    }
    close_fd(channel);
    reap_keeper(*keeper);
    if (n == (ssize_t)sizeof(first))
        return launch_failed(what, &first);
    return error_set(ERR_IO, "cannot start \"%s\": its keeper was killed", what->argv[0]);
}

/* ---- the end ---- */

static void handle_closed(uv_handle_t *handle)
{
    struct process *p = handle->data;
    MAGIC_CHECK(p, PROCESS_MAGIC);
    if (--p->handles > 0)
        return;
    p->exited = true;
    p->events.on_exit(p->events.context, &p->end);
}

static void stream_close(struct stream *s)
{
    if (s->fd < 0)
        return;
    s->poll.data = s->process;
    uv_close((uv_handle_t *)&s->poll, handle_closed);
    close_fd(&s->fd);
}

/* ---- output ---- */

/* The buffer holds up to twice what is kept, so that old bytes are moved away only now and then. */
static void stream_keep(struct stream *s, struct slice bytes)
{
    size_t keep = s->process->keep;
    s->total += bytes.len;
    if (keep == 0)
        return;
    if (bytes.len > keep)
        bytes = slice_from(bytes, bytes.len - keep);
    size_t together = s->kept.len + bytes.len;
    if (together > s->kept.max)
        buf_drop(&s->kept, together - keep < s->kept.len ? together - keep : s->kept.len);
    struct result r = buf_append(&s->kept, bytes);
    MUST(result_ok(r), "%zu bytes into %zu of %zu", bytes.len, s->kept.len, s->kept.max);
}

static void stream_read(struct stream *s)
{
    struct process *p = s->process;
    char bytes[READ_BYTES];
    for (int i = 0; i < READS_AT_ONCE && s->fd >= 0; i++) {
        ssize_t n = read(s->fd, bytes, sizeof(bytes));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            stream_close(s);
            return;
        }
        struct slice got = slice_of(bytes, (size_t)n);
        stream_keep(s, got);
        if (p->events.on_output)
            p->events.on_output(p->events.context, s->which, got);
    }
}

static void stream_readable(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    struct stream *s = poll->data;
    MAGIC_CHECK(s->process, PROCESS_MAGIC);
    stream_read(s);
}

/* ---- reports ---- */

static void program_ended(struct process *p)
{
    stream_read(&p->streams[PROCESS_STDOUT]);
    stream_read(&p->streams[PROCESS_STDERR]);
    p->ended = true;
    if (p->events.on_end)
        p->events.on_end(p->events.context, &p->end);
}

static void take_report(struct process *p, const struct keeper_report *r)
{
    p->end.forced = r->forced != 0;
    if (r->news == KEEPER_GONE) {
        p->end.stragglers = r->stragglers;
        return;
    }
    MUST(r->news == KEEPER_ENDED && !p->ended, "news %d", (int)r->news);
    bool signalled = WIFSIGNALED(r->status);
    p->end.fate = signalled ? PROCESS_SIGNALLED : PROCESS_EXITED;
    p->end.code = signalled ? WTERMSIG(r->status) : WEXITSTATUS(r->status);
    p->end.core_dumped = signalled && WCOREDUMP(r->status);
    p->end.ended = r->at;
    p->end.user_time = r->user_time;
    p->end.system_time = r->system_time;
    p->end.max_resident = r->max_resident;
    program_ended(p);
}

/* The keeper has ended: orderly after KEEPER_GONE, or killed by somebody. */
static void keeper_ended(struct process *p)
{
    if (!p->ended) {
        (void)kill(-p->pid, SIGKILL);
        p->end.fate = PROCESS_LOST;
        p->end.code = SIGKILL;
        p->end.ended = clock_now();
        program_ended(p);
    }
    reap_keeper(p->keeper);
    for (size_t i = 0; i < 2; i++) {
        stream_read(&p->streams[i]);
        stream_close(&p->streams[i]);
    }
    uv_close((uv_handle_t *)&p->reports, handle_closed);
    close_fd(&p->channel);
}

static void report_readable(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    struct process *p = poll->data;
    MAGIC_CHECK(p, PROCESS_MAGIC);
    for (;;) {
        struct keeper_report r;
        ssize_t n = receive(p->channel, &r);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n != (ssize_t)sizeof(r)) {
            keeper_ended(p);
            return;
        }
        take_report(p, &r);
    }
}

/* ---- the interface ---- */

static void poll_begin(struct process *p, uv_loop_t *loop, uv_poll_t *poll, int fd, void *data,
                       uv_poll_cb on_readable)
{
    int failed = uv_poll_init(loop, poll, fd);
    if (failed == 0)
        failed = uv_poll_start(poll, UV_READABLE, on_readable);
    MUST(failed == 0, "polling descriptor %d: %s", fd, uv_strerror(failed));
    poll->data = data;
    p->handles++;
}

static void stream_begin(struct process *p, uv_loop_t *loop, enum process_stream which, int *fd)
{
    struct stream *s = &p->streams[which];
    *s = (struct stream){.process = p, .which = which, .fd = *fd};
    s->kept = buf_limited(p->keep ? p->keep * 2 : 1);
    *fd = -1;
    poll_begin(p, loop, &s->poll, s->fd, s, stream_readable);
}

struct result process_start(uv_loop_t *loop, const struct process_options *options,
                            struct process_events events, struct process **out)
{
    MUST(events.on_exit != NULL, "a process needs on_exit");
    MUST(options->argv && options->argv[0], "a process needs a program");
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    DEFER(close_files)
    struct launch_files files = {-1, {-1, -1}, {-1, -1}, -1};

    struct keeper_launch what = {.argv = arguments_of(arena, options->argv),
                                 .environment = environment_of(arena, options->environment),
                                 .cwd = options->cwd,
                                 .linger = options->linger ? options->linger : PROCESS_LINGER};
    TRY(find_program(arena, options->argv[0], what.environment, &what.path));
    TRY(open_files(options, &files));
    what.input = files.input;
    what.output = files.output[1];
    what.errors = files.errors[1];

    int64_t started = clock_now();
    pid_t keeper, program = 0;
    TRY(launch(&what, &files.channel, &keeper, &program));

    struct process *p = NEW(struct process);
    p->magic = PROCESS_MAGIC;
    p->events = events;
    p->pid = program;
    p->keeper = keeper;
    p->keep = options->keep;
    p->end.started = started;
    p->channel = files.channel;
    files.channel = -1;
    poll_begin(p, loop, &p->reports, p->channel, p, report_readable);
    stream_begin(p, loop, PROCESS_STDOUT, &files.output[0]);
    stream_begin(p, loop, PROCESS_STDERR, &files.errors[0]);
    *out = p;
    return RESULT_OK;
}

pid_t process_pid(const struct process *process)
{
    return process->pid;
}

pid_t process_keeper(const struct process *process)
{
    return process->keeper;
}

static void command(struct process *p, struct keeper_command c)
{
    /* A keeper that does not listen any more has ended, and its end is on its way to us. */
    if (p->channel >= 0)
        (void)!send(p->channel, &c, sizeof(c), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void process_signal(struct process *process, int signal)
{
    MAGIC_CHECK(process, PROCESS_MAGIC);
    command(process, (struct keeper_command){.order = KEEPER_SIGNAL, .signal = signal});
}

void process_stop(struct process *process, int signal, int64_t grace)
{
    MAGIC_CHECK(process, PROCESS_MAGIC);
    MUST(grace >= 0, "grace %lld", (long long)grace);
    if (signal == SIGKILL)
        grace = 0;
    command(process, (struct keeper_command){.order = KEEPER_STOP,
                                             .signal = signal,
                                             .grace = grace < GRACE_MAX ? grace : GRACE_MAX});
}

struct slice process_output(const struct process *process, enum process_stream stream)
{
    struct slice kept = buf_slice(&process->streams[stream].kept);
    return kept.len > process->keep ? slice_from(kept, kept.len - process->keep) : kept;
}

uint64_t process_output_total(const struct process *process, enum process_stream stream)
{
    return process->streams[stream].total;
}

void process_free(struct process *process)
{
    if (process == NULL)
        return;
    MAGIC_CHECK(process, PROCESS_MAGIC);
    MUST(process->exited, "process %d has not ended", (int)process->pid);
    buf_free(&process->streams[PROCESS_STDOUT].kept);
    buf_free(&process->streams[PROCESS_STDERR].kept);
    process->magic = 0;
    mem_free(process);
}
