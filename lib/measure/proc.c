/*
 * Reading /proc.
 */
#include "measure/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/parse.h"

/* Files of /proc that are read whole; a status has some 1,500 bytes. */
#define FILE_BYTES 4096
/* A list of children: 400 of them; a process with more is not followed to all. */
#define CHILDREN_BYTES 4096
/* Threads of one process that are looked at one by one; beyond, that costs more than it tells. */
#define THREADS_MAX 256
/* Below this share of a core no thread of a process can be restless, even if many compete. */
#define HOT 0.1
/* Such a share of the time a restless thread runs or waits for a processor. The kernel counts a
   wait when it is over, which may be a few slices of others late. */
#define RESTLESS 0.9
/* Context switches stand in the dearest file of a thread: read with every so many looks. */
#define SWITCHES_EVERY 6
#define PATH_BYTES 64
#define TREE_MAX 4096

/* ── parsing ── */

static bool number(struct slice text, int64_t *out)
{
    return result_ok(parse_integer(text, out));
}

bool proc_parse_stat(struct slice text, struct proc_stat *out)
{
    /* The name stands in parentheses and may hold some: the last one ends it. */
    size_t end = text.len;
    while (end > 0 && text.data[end - 1] != ')')
        end--;
    if (end == 0)
        return false;
    struct slice rest = slice_trim(slice_from(text, end)), field;
    int64_t values[22] = {0}; /* from the 3rd field, the state, on; rss is the 24th */
    size_t count = 0;
    while (count < 22 && slice_split(&rest, ' ', &field)) {
        if (count == 0) {
            if (field.len != 1)
                return false;
            out->state = field.data[0];
        } else if (!number(field, &values[count])) {
            return false;
        }
        count++;
    }
    int64_t ticks = sysconf(_SC_CLK_TCK), page = sysconf(_SC_PAGESIZE);
    int64_t most = INT64_MAX / NS_PER_S;
    if (count < 22 || values[1] < 0 || values[1] > INT32_MAX)
        return false;
    const int64_t used[] = {values[13], values[14], values[17], values[21]};
    for (size_t i = 0; i < 4; i++)
        if (used[i] < 0 || used[i] > most)
            return false;
    out->parent = (pid_t)values[1];
    out->reaped = (values[13] + values[14]) * (NS_PER_S / ticks);
    out->threads = out->state == 'Z' ? 0 : values[17];
    out->rss = values[21] * page;
    return true;
}

bool proc_parse_line(struct slice text, struct slice name, int64_t *out)
{
    struct slice line;
    while (slice_split(&text, '\n', &line)) {
        if (!slice_starts(line, name))
            continue;
        struct slice value = slice_trim(slice_from(line, name.len)), digits;
        return slice_split(&value, ' ', &digits) && number(digits, out) && *out >= 0;
    }
    return false;
}

bool proc_parse_schedstat(struct slice text, int64_t *ran, int64_t *waited)
{
    struct slice rest = text, first, second;
    return slice_split(&rest, ' ', &first) && slice_split(&rest, ' ', &second) &&
           number(first, ran) && number(second, waited) && *ran >= 0 && *waited >= 0;
}

/* ── reading ── */

static struct slice read_at(int folder, const char *path, char *into, size_t size)
{
    int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return (struct slice){0};
    ssize_t n = read(fd, into, size);
    (void)close(fd);
    return slice_of(into, n > 0 ? (size_t)n : 0);
}

bool proc_open(struct proc *p, pid_t pid)
{
    char path[PATH_BYTES];
    *p = (struct proc){.pid = pid, .folder = -1, .stat = -1};
    snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    p->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (p->folder < 0)
        return false;
    p->stat = openat(p->folder, "stat", O_RDONLY | O_CLOEXEC);
    if (p->stat < 0 || clock_getcpuclockid(pid, &p->clock) != 0) {
        proc_close(p);
        return false;
    }
    return true;
}

void proc_close(struct proc *p)
{
    if (p->folder >= 0)
        (void)close(p->folder);
    if (p->stat >= 0)
        (void)close(p->stat);
    p->folder = p->stat = -1;
    mem_free(p->threads);
    p->threads = NULL;
    p->thread_count = p->thread_capacity = 0;
}

bool proc_read(const struct proc *p, struct proc_figures *out)
{
    char text[FILE_BYTES];
    ssize_t n = pread(p->stat, text, sizeof(text), 0);
    if (n <= 0 || !proc_parse_stat(slice_of(text, (size_t)n), &out->stat))
        return false;
    /* It existed a moment ago; in that moment its pid cannot have been given to another. */
    struct timespec t;
    out->cpu = clock_gettime(p->clock, &t) == 0 ? t.tv_sec * NS_PER_S + t.tv_nsec : 0;
    /* Since Linux 6.2 the size of this folder is the number of its entries. */
    struct stat fds;
    bool known = fstatat(p->folder, "fd", &fds, 0) == 0 && fds.st_size > 0;
    out->descriptors = known ? fds.st_size : -1;
    return true;
}

static int64_t count_descriptors(const struct proc *p)
{
    struct stat st;
    if (fstatat(p->folder, "fd", &st, 0) == 0 && st.st_size > 0)
        return st.st_size;
    int fd = openat(p->folder, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (!folder) {
        if (fd >= 0)
            (void)close(fd);
        return 0;
    }
    int64_t count = 0;
    for (const struct dirent *e; (e = readdir(folder));)
        count += e->d_name[0] != '.';
    (void)closedir(folder);
    return count;
}

static void read_io(const struct proc *p, struct proc_details *out)
{
    char text[FILE_BYTES];
    struct slice io = read_at(p->folder, "io", text, sizeof(text));
    out->read_bytes = out->written_bytes = 0;
    (void)proc_parse_line(io, SLICE("read_bytes:"), &out->read_bytes);
    (void)proc_parse_line(io, SLICE("write_bytes:"), &out->written_bytes);
}

/* ── threads ── */

static void visit_children(struct slice list, void (*child)(void *context, pid_t pid),
                           void *context)
{
    struct slice digits;
    int64_t pid;
    while (slice_split(&list, ' ', &digits))
        if (number(digits, &pid) && pid > 0 && pid <= INT32_MAX)
            child(context, (pid_t)pid);
}

static struct proc_thread *thread_of(struct proc *p, pid_t tid)
{
    for (size_t i = 0; i < p->thread_count; i++)
        if (p->threads[i].tid == tid)
            return &p->threads[i];
    GROW(p->threads, p->thread_count, p->thread_capacity);
    p->threads[p->thread_count] = (struct proc_thread){.tid = tid, .ran = -1};
    return &p->threads[p->thread_count++];
}

/* Has it run, or wanted to, all the time since the last look? */
static void judge_thread(struct proc *p, pid_t tid, int64_t ran, int64_t waited, int64_t now)
{
    struct proc_thread *t = thread_of(p, tid);
    int64_t elapsed = now - p->looked_before;
    bool known = t->ran >= 0 && p->looked_before > 0;
    double wanted = (double)(ran - t->ran + waited - t->waited);
    if (!known || wanted < RESTLESS * (double)elapsed || ran == t->ran)
        t->restless_since = 0;
    else if (t->restless_since == 0)
        t->restless_since = p->looked_before;
    t->ran = ran;
    t->waited = waited;
    t->seen = true;
}

static void drop_ended_threads(struct proc *p)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->thread_count; i++) {
        if (!p->threads[i].seen)
            continue;
        p->threads[kept] = p->threads[i];
        p->threads[kept++].seen = false;
    }
    p->thread_count = kept;
}

static void name_restless(const struct proc *p, struct proc_details *out)
{
    for (size_t i = 0; i < p->thread_count; i++) {
        const struct proc_thread *t = &p->threads[i];
        if (t->restless_since && (out->restless == 0 || t->restless_since < out->restless_since)) {
            out->restless = t->tid;
            out->restless_since = t->restless_since;
        }
    }
    char path[PATH_BYTES];
    if (out->restless == 0)
        return;
    snprintf(path, sizeof(path), "task/%d/comm", (int)out->restless);
    struct slice name =
        slice_trim(read_at(p->folder, path, out->restless_name, sizeof(out->restless_name) - 1));
    out->restless_name[name.len < sizeof(out->restless_name) ? name.len : 0] = '\0';
}

/* One thread: its children, its switches, and, of a busy process, whether it rests. */
static void look_at_thread(struct proc *p, const char *tid, bool hot, int64_t now,
                           void (*child)(void *, pid_t), void *context)
{
    char path[PATH_BYTES], text[FILE_BYTES];
    int64_t value, ran, waited;
    snprintf(path, sizeof(path), "task/%.20s/children", tid);
    visit_children(read_at(p->folder, path, text, CHILDREN_BYTES), child, context);
    if (p->looks % SWITCHES_EVERY == 0) {
        snprintf(path, sizeof(path), "task/%.20s/status", tid);
        struct slice status = read_at(p->folder, path, text, sizeof(text));
        if (proc_parse_line(status, SLICE("voluntary_ctxt_switches:"), &value))
            p->voluntary += value;
        if (proc_parse_line(status, SLICE("nonvoluntary_ctxt_switches:"), &value))
            p->involuntary += value;
    }
    if (!hot || !number(slice_str(tid), &value))
        return;
    snprintf(path, sizeof(path), "task/%.20s/schedstat", tid);
    struct slice schedstat = slice_trim(read_at(p->folder, path, text, sizeof(text)));
    if (proc_parse_schedstat(schedstat, &ran, &waited))
        judge_thread(p, (pid_t)value, ran, waited, now);
}

bool proc_look(struct proc *p, int64_t cpu, void (*child)(void *, pid_t), void *context,
               struct proc_details *out)
{
    *out = (struct proc_details){0};
    int fd = openat(p->folder, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *tasks = fd >= 0 ? fdopendir(fd) : NULL;
    if (!tasks) {
        if (fd >= 0)
            (void)close(fd);
        return false;
    }
    int64_t now = clock_now();
    double share =
        p->looked_before ? (double)(cpu - p->cpu_before) / (double)(now - p->looked_before) : 0;
    bool hot = share >= HOT;
    size_t count = 0;
    if (p->looks % SWITCHES_EVERY == 0)
        p->voluntary = p->involuntary = 0;
    for (const struct dirent *e; count <= THREADS_MAX && (e = readdir(tasks));) {
        if (e->d_name[0] == '.')
            continue;
        if (count++ < THREADS_MAX)
            look_at_thread(p, e->d_name, hot, now, child, context);
    }
    (void)closedir(tasks);
    p->looks++;
    out->voluntary = count > THREADS_MAX ? -1 : p->voluntary;
    out->involuntary = count > THREADS_MAX ? -1 : p->involuntary;
    drop_ended_threads(p);
    name_restless(p, out);
    p->cpu_before = cpu;
    p->looked_before = now;
    out->descriptors = count_descriptors(p);
    read_io(p, out);
    return true;
}

int64_t proc_pss(const struct proc *p)
{
    char text[FILE_BYTES];
    int64_t kib = 0;
    struct slice rollup = read_at(p->folder, "smaps_rollup", text, sizeof(text));
    return proc_parse_line(rollup, SLICE("Pss:"), &kib) && kib <= INT64_MAX / 1024 ? kib * 1024 : 0;
}

/* ── a tree, at once ── */

struct walk {
    pid_t *found;
    size_t count, capacity;
};

static void found_child(void *context, pid_t pid)
{
    struct walk *w = context;
    if (w->count >= TREE_MAX)
        return;
    GROW(w->found, w->count, w->capacity);
    w->found[w->count++] = pid;
}

int64_t proc_resident_tree(pid_t root, bool below)
{
    struct walk w = {0};
    int64_t sum = 0;
    found_child(&w, root);
    for (size_t i = 0; i < w.count; i++) {
        struct proc p;
        struct proc_figures figures;
        struct proc_details details;
        if (!proc_open(&p, w.found[i]))
            continue;
        if (proc_read(&p, &figures) && (i > 0 || !below))
            sum += figures.stat.rss;
        (void)proc_look(&p, 0, found_child, &w, &details);
        proc_close(&p);
    }
    mem_free(w.found);
    return sum;
}
