/*
 * Where a report is written. One that is read when it is complete appears complete: it is written
 * beside its place and renamed, so that nobody reads half of one.
 */
#ifndef RECORD_REPORT_FILE_H
#define RECORD_REPORT_FILE_H

#include <stdio.h>

#include "core/result.h"

/*
 * What `--report FORMAT[=PATH]` asks for: which of the `names` (NULL-ended), and the path, which is
 * NULL when there is none. ERR_USAGE says which there are.
 */
struct result report_named(struct slice argument, const char *const *names, size_t *which,
                           struct slice *path) MUST_USE;

struct report_file {
    FILE *to;
    char *path;      /* where it shall be; NULL: standard output, which is not ours to close */
    char *temporary; /* where it is until complete; NULL when written in place */
};

/*
 * `path` "-" is standard output. `streamed`: read while it is written, so in place; as is whatever
 * is there and no file (/dev/stderr, a pipe).
 */
struct result report_file_open(struct slice path, bool streamed, struct report_file *out) MUST_USE;

/* It is complete, when `written` is OK; else it goes, and its failure is told with its path. */
struct result report_file_close(struct report_file *file, struct result written) MUST_USE;

/* It is not written after all: nothing stays of it. */
void report_file_drop(struct report_file *file);

#endif
