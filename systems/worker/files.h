/*
 * The files of /v1/files, in memory, with a ceiling to all of them together: enough for batches in
 * tests. They live as long as the worker.
 */
#ifndef WORKER_FILES_H
#define WORKER_FILES_H

#include "core/text.h"

/* All files and batches together; and how many. */
#define FILES_BYTES_MAX (64u << 20)
#define FILES_COUNT_MAX 10000

struct file {
    struct file *next;                   /* the newest first */
    char id[48];                         /* file-… */
    int64_t created;                     /* seconds since the epoch */
    struct slice name, purpose, content; /* owned */
};

struct files {
    struct file *first;
    size_t count, bytes;
};

void files_free(struct files *files);

/* A new file, its parts copied; NULL when there is no room. */
struct file *files_add(struct files *files, struct slice name, struct slice purpose,
                       struct slice content);

/* NULL when there is none. */
struct file *files_find(const struct files *files, struct slice id);
void files_remove(struct files *files, struct file *file);

/* Append the file's object of OpenAI's API. */
void files_show(const struct file *file, struct text *out);

#endif
