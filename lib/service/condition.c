/*
 * The condition of a process, from /proc.
 */
#include "service/condition.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "core/parse.h"

/* A server keeps one back to refuse with, and needs one or two to accept. */
#define DESCRIPTORS_SPARE 2

/* The beginning of /proc/PID/NAME; empty when it cannot be read. */
static struct slice read_file(struct arena *arena, pid_t pid, const char *name)
{
    enum { SIZE = 4096 };
    char path[64];
    char *text = arena_alloc(arena, SIZE);
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return (struct slice){0};
    ssize_t n = read(fd, text, SIZE);
    (void)close(fd);
    return slice_of(text, n > 0 ? (size_t)n : 0);
}

/* "4711 (name, with anything in it) T 1 …": the letter behind the last bracket. */
static char state_of(struct arena *arena, pid_t pid)
{
    struct slice stat = read_file(arena, pid, "stat");
    for (size_t i = stat.len; i-- > 0;)
        if (stat.data[i] == ')')
            return i + 2 < stat.len ? stat.data[i + 2] : '\0';
    return '\0';
}

/* "Max open files            1024                 1048576              files": the first number. */
static uint64_t descriptor_limit(struct arena *arena, pid_t pid)
{
    struct slice rest = read_file(arena, pid, "limits"), line, word;
    while (slice_split(&rest, '\n', &line)) {
        if (!slice_starts(line, SLICE("Max open files")))
            continue;
        line = slice_trim(slice_from(line, 14));
        uint64_t limit = 0;
        if (slice_split(&line, ' ', &word) && result_ok(parse_unsigned(word, UINT64_MAX, &limit)))
            return limit;
    }
    return 0;
}

static uint64_t descriptors(pid_t pid)
{
    char path[64];
    uint64_t count = 0;
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    if (!folder)
        return 0;
    for (const struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    (void)closedir(folder);
    return count;
}

struct slice process_condition(struct arena *arena, pid_t pid)
{
    char state = pid > 0 ? state_of(arena, pid) : '\0';
    if (state == 'T')
        return SLICE("is stopped by a signal (state T)");
    if (state == 't')
        return SLICE("is held by a debugger (state t)");
    uint64_t limit = pid > 0 ? descriptor_limit(arena, pid) : 0,
             open = limit ? descriptors(pid) : 0;
    if (limit && open + DESCRIPTORS_SPARE >= limit)
        return slice_str(arena_printf(arena, "has %llu of its %llu descriptors open",
                                      (unsigned long long)open, (unsigned long long)limit));
    return (struct slice){0};
}
