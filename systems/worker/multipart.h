/*
 * multipart/form-data (RFC 7578) of a whole body: strict, without copies, and with a limit to its
 * parts. Enough for an upload of one file with a few fields.
 */
#ifndef WORKER_MULTIPART_H
#define WORKER_MULTIPART_H

#include "core/result.h"

/* More fields than any upload has. */
#define MULTIPART_PARTS_MAX 32

struct part {
    struct slice name;     /* of the field */
    struct slice filename; /* data NULL: it is no file */
    struct slice content;
};

struct multipart {
    size_t count;
    struct part parts[MULTIPART_PARTS_MAX];
};

/*
 * Read the body by its Content-Type. ERR_SYNTAX or ERR_TOO_LARGE with a sentence. Slices lie in the
 * body. Quoted names are taken as they stand: a backslash means nothing, as browsers have it.
 */
struct result multipart_read(struct slice content_type, struct slice body,
                             struct multipart *out) MUST_USE;

/* The content of a field; data NULL when there is none. */
struct slice multipart_field(const struct multipart *m, const char *name);

#endif
