/*
 * The file of a report.
 */
#include "record/report_file.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/text.h"

static struct result unknown_format(struct slice name, const char *const *names)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text list = text_in(arena);
    for (size_t i = 0; names[i]; i++)
        text_printf(&list, "%s%s", i ? ", " : "", names[i]);
    const char *nearest = slice_nearest(name, names);
    return error_set(ERR_USAGE, "there is no report format \"%.*s\"%s%s%s; there are %s",
                     SLICE_ARG(name), nearest ? ": did you mean \"" : "", nearest ? nearest : "",
                     nearest ? "\"?" : "", text_str(&list));
}

struct result report_named(struct slice argument, const char *const *names, size_t *which,
                           struct slice *path)
{
    ptrdiff_t equals = slice_find_byte(argument, '=');
    struct slice name = equals >= 0 ? slice_part(argument, 0, (size_t)equals) : argument;
    *path = equals >= 0 ? slice_from(argument, (size_t)equals + 1) : (struct slice){0};
    *which = 0;
    while (names[*which] && !slice_is(name, names[*which]))
        ++*which;
    if (!names[*which])
        return unknown_format(name, names);
    ENSURE(equals < 0 || path->len > 0, ERR_USAGE,
           "--report %s= names no file: give a path, or - for standard output", names[*which]);
    return RESULT_OK;
}

static char *string_of(struct slice s, const char *suffix)
{
    size_t more = strlen(suffix);
    char *string = mem_alloc(s.len + more + 1);
    memcpy(string, s.data, s.len);
    memcpy(string + s.len, suffix, more + 1);
    return string;
}

static void forget(struct report_file *file)
{
    mem_free(file->path);
    mem_free(file->temporary);
    *file = (struct report_file){0};
}

struct result report_file_open(struct slice path, bool streamed, struct report_file *out)
{
    char suffix[32];
    struct stat status;

    *out = (struct report_file){.to = stdout};
    if (slice_is(path, "-"))
        return RESULT_OK;
    out->path = string_of(path, "");
    bool device = stat(out->path, &status) == 0 && !S_ISREG(status.st_mode);
    if (!streamed && !device) {
        snprintf(suffix, sizeof(suffix), ".%ld.part", (long)getpid());
        out->temporary = string_of(path, suffix);
    }
    out->to = fopen(out->temporary ? out->temporary : out->path, "we");
    if (out->to)
        return RESULT_OK;
    struct result failed =
        error_set(ERR_IO, "cannot write the report %s: %s", out->path, strerror(errno));
    forget(out);
    return failed;
}

static struct result finish(struct report_file *file, struct result written)
{
    FILE *to = file->to;
    file->to = NULL;
    bool closed = !file->path || fclose(to) == 0;
    TRY(written);
    ENSURE(closed, ERR_IO, "%s", strerror(errno));
    if (file->temporary)
        ENSURE(rename(file->temporary, file->path) == 0, ERR_IO, "cannot rename %s: %s",
               file->temporary, strerror(errno));
    return RESULT_OK;
}

struct result report_file_close(struct report_file *file, struct result written)
{
    struct result finished = finish(file, written);
    if (!result_ok(finished)) {
        finished = error_context(finished, "report %s", file->path ? file->path : "-");
        if (file->temporary)
            unlink(file->temporary);
    }
    forget(file);
    return finished;
}

void report_file_drop(struct report_file *file)
{
    if (file->path)
        fclose(file->to);
    if (file->temporary)
        unlink(file->temporary);
    forget(file);
}
