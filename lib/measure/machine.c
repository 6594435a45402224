/*
 * The machine, by uname and sysconf; git's files as gitrepository-layout(5) has them.
 */
#include "measure/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/text.h"

/* HEAD, a ref, .git of a work tree: one short line each. */
#define LINE_MAX_BYTES 4096
/* A repository with 100,000 refs has some 8 MB of them. */
#define PACKED_MAX (16u << 20)
#define CPUINFO_MAX 8192

/* Empty when it cannot be read, or is longer than `max`. */
static struct slice read_file(struct arena *arena, const char *path, size_t max)
{
    char piece[4096];
    DEFER(buf_free)
    struct buf all = buf_limited(max);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return (struct slice){0};
    ssize_t n;
    bool whole = true;
    while (whole && ((n = read(fd, piece, sizeof(piece))) > 0 || (n < 0 && errno == EINTR)))
        whole = n < 0 || result_ok(buf_append(&all, slice_of(piece, (size_t)n)));
    (void)close(fd);
    return whole ? arena_copy(arena, buf_slice(&all)) : (struct slice){0};
}

/* ── git ── */

static bool is_object(struct slice s)
{
    if (s.len != 40 && s.len != 64)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!strchr("0123456789abcdef", s.data[i]) || s.data[i] == '\0')
            return false;
    return true;
}

/* A path taken from a file of git's, which may be relative to where the file lies. */
static const char *beside(struct arena *arena, const char *folder, struct slice path)
{
    if (path.len && path.data[0] == '/')
        return arena_string(arena, path);
    return arena_printf(arena, "%s/%.*s", folder, SLICE_ARG(path));
}

/* The folder of the repository, which is .git, or where a file of that name points; NULL: none. */
static const char *git_folder(struct arena *arena, const char *folder)
{
    char real[PATH_MAX];
    struct stat st;
    if (!realpath(folder, real))
        return NULL;
    for (;;) {
        const char *git = arena_printf(arena, "%s/.git", real);
        if (stat(git, &st) == 0 && S_ISDIR(st.st_mode))
            return git;
        struct slice file = slice_trim(read_file(arena, git, LINE_MAX_BYTES));
        if (slice_starts(file, SLICE("gitdir:")))
            return beside(arena, real, slice_trim(slice_from(file, strlen("gitdir:"))));
        char *last = strrchr(real, '/');
        if (!last || real[0] == '\0')
            return NULL;
        *last = '\0';
    }
}

struct slice machine_packed_ref(struct slice text, struct slice ref)
{
    struct slice line, object;
    while (slice_split(&text, '\n', &line)) {
        struct slice rest = slice_trim(line);
        if (rest.len && (rest.data[0] == '#' || rest.data[0] == '^'))
            continue;
        if (slice_split(&rest, ' ', &object) && slice_eq(rest, ref) && is_object(object))
            return object;
    }
    return (struct slice){0};
}

static bool safe_ref(struct slice ref)
{
    return slice_starts(ref, SLICE("refs/")) && slice_find(ref, SLICE("..")) < 0 &&
           slice_find_byte(ref, '\0') < 0;
}

struct slice machine_revision(struct arena *arena, const char *folder)
{
    const struct slice none = {0};
    const char *git = git_folder(arena, folder);
    if (!git)
        return none;
    struct slice head =
        slice_trim(read_file(arena, arena_printf(arena, "%s/HEAD", git), LINE_MAX_BYTES));
    if (!slice_starts(head, SLICE("ref:")))
        return is_object(head) ? head : none;
    struct slice ref = slice_trim(slice_from(head, strlen("ref:")));
    if (!safe_ref(ref))
        return none;
    /* A work tree of its own shares the refs with the one it was made from. */
    struct slice common =
        slice_trim(read_file(arena, arena_printf(arena, "%s/commondir", git), LINE_MAX_BYTES));
    const char *places[] = {git, common.len ? beside(arena, git, common) : NULL};
    for (size_t i = 0; i < 2 && places[i]; i++) {
        struct slice loose = slice_trim(read_file(
            arena, arena_printf(arena, "%s/%.*s", places[i], SLICE_ARG(ref)), LINE_MAX_BYTES));
        if (is_object(loose))
            return loose;
        struct slice packed =
            read_file(arena, arena_printf(arena, "%s/packed-refs", places[i]), PACKED_MAX);
        struct slice object = machine_packed_ref(packed, ref);
        if (object.len)
            return object;
    }
    return none;
}

/* ── the machine ── */

static struct slice processor(struct arena *arena)
{
    char piece[CPUINFO_MAX];
    int fd = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, piece, sizeof(piece)) : 0;
    if (fd >= 0)
        (void)close(fd);
    struct slice rest = slice_of(piece, n > 0 ? (size_t)n : 0), line;
    while (slice_split(&rest, '\n', &line)) {
        ptrdiff_t colon = slice_find_byte(line, ':');
        if (colon > 0 && slice_starts(line, SLICE("model name")))
            return arena_copy(arena, slice_trim(slice_from(line, (size_t)colon + 1)));
    }
    return (struct slice){0};
}

static void add_text(struct text *t, const char *name, struct slice value)
{
    if (value.len == 0)
        return;
    text_printf(t, "%s\"%s\":", t->len > 1 ? "," : "", name);
    text_add_json(t, value);
}

struct slice machine_json(struct arena *arena, const char *folder)
{
    struct utsname name;
    struct text t = text_in(arena);
    long cores = sysconf(_SC_NPROCESSORS_ONLN), pages = sysconf(_SC_PHYS_PAGES),
         page = sysconf(_SC_PAGESIZE);
    text_printf(&t, "{\"cores\":%ld,\"memory\":%lld", cores, (long long)pages * page);
    if (uname(&name) == 0)
        add_text(&t, "kernel", slice_str(name.release));
    add_text(&t, "processor", processor(arena));
    add_text(&t, "revision", machine_revision(arena, folder));
    text_add_byte(&t, '}');
    return text_slice(&t);
}
