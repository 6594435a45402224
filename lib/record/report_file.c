/*
 * The file of a report.
 */
#include "record/report_file.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/memory.h"

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
