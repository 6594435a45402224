/*
 * Programs on the loop: three descriptors of each are polled, the keeper's reports and the
 * program's two streams, until the keeper has ended.
 */
#include "service/process.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/memory.h"
#include "service/launch.h"

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

/* ---- the end ---- */

static void close_fd(int *fd)
{
    (void)close(*fd);
    *fd = -1;
}

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
    launch_reap(p->keeper);
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
        ssize_t n = launch_receive(p->channel, &r);
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

static void stream_begin(struct process *p, uv_loop_t *loop, enum process_stream which, int fd)
{
    struct stream *s = &p->streams[which];
    *s = (struct stream){.process = p, .which = which, .fd = fd};
    s->kept = buf_limited(p->keep ? p->keep * 2 : 1);
    poll_begin(p, loop, &s->poll, s->fd, s, stream_readable);
}

struct result process_start(uv_loop_t *loop, const struct process_options *options,
                            struct process_events events, struct process **out)
{
    MUST(events.on_exit != NULL, "a process needs on_exit");
    MUST(options->argv && options->argv[0], "a process needs a program");
    struct launched launched;
    TRY(launch_program(options, &launched));

    struct process *p = NEW(struct process);
    p->magic = PROCESS_MAGIC;
    p->events = events;
    p->pid = launched.program;
    p->keeper = launched.keeper;
    p->keep = options->keep;
    p->end.started = launched.started;
    p->channel = launched.channel;
    poll_begin(p, loop, &p->reports, p->channel, p, report_readable);
    stream_begin(p, loop, PROCESS_STDOUT, launched.streams[PROCESS_STDOUT]);
    stream_begin(p, loop, PROCESS_STDERR, launched.streams[PROCESS_STDERR]);
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
