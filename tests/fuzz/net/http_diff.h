/*
 * What an HTTP parser understood, in a form that two can be compared by. Ours and llhttp's are read
 * in files of their own, because their names collide.
 */
#ifndef TESTS_NET_HTTP_DIFF_H
#define TESTS_NET_HTTP_DIFF_H

#include "core/buf.h"

struct reading {
    struct buf text; /* messages: start line, headers, body, trailers, end */
    size_t complete; /* `text` up to the end of the last complete message */
    bool failed;
    char why[200]; /* ours: the sentence; llhttp's: the name of the error */
};

void reading_add(struct reading *r, struct slice s);
void reading_add_number(struct reading *r, const char *what, unsigned number);

/* Without the blanks around the value, which llhttp leaves. */
void reading_add_header(struct reading *r, struct slice name, struct slice value);
void reading_add_end(struct reading *r, bool keep_alive);

/* Feed `input` and its end to llhttp in its strict mode. */
void reading_by_llhttp(struct reading *r, bool response, struct slice input);

#endif
