/*
 * What a program is started with: its environment, its path, its three descriptors; and the words
 * for everything that can go wrong with them.
 */
#include "service/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"

/* Descriptors that are closed at the end of launch_program unless given out (-1). */
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

ssize_t launch_receive(int channel, struct keeper_report *report)
{
    ssize_t n;
    do {
        n = recv(channel, report, sizeof(*report), 0);
    } while (n < 0 && errno == EINTR);
    return n;
}

void launch_reap(pid_t keeper)
{
    while (waitpid(keeper, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* Fork the keeper and hear whether the program runs. */
static struct result start_keeper(const struct keeper_launch *what, int *channel, pid_t *keeper,
                                  pid_t *program)
{
    *keeper = keeper_fork(what, channel);
    ENSURE(*keeper > 0, ERR_IO, "cannot start \"%s\": no new process: %s", what->argv[0],
           strerror(errno));
    struct keeper_report first;
    ssize_t n = launch_receive(*channel, &first);
    if (n == (ssize_t)sizeof(first) && first.news == KEEPER_STARTED) {
        *program = first.pid;
        return RESULT_OK;
    }
    close_fd(channel);
    launch_reap(*keeper);
    if (n == (ssize_t)sizeof(first))
        return launch_failed(what, &first);
    return error_set(ERR_IO, "cannot start \"%s\": its keeper was killed", what->argv[0]);
}

static int give_out(int *fd)
{
    int given = *fd;
    *fd = -1;
    return given;
}

struct result launch_program(const struct process_options *options, struct launched *out)
{
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

    out->started = clock_now();
    TRY(start_keeper(&what, &files.channel, &out->keeper, &out->program));
    out->channel = give_out(&files.channel);
    out->streams[PROCESS_STDOUT] = give_out(&files.output[0]);
    out->streams[PROCESS_STDERR] = give_out(&files.errors[0]);
    return RESULT_OK;
}
