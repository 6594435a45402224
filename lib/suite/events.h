/*
 * libfyaml's events as nodes. The event parser is used, not its document builder: it holds a few
 * tokens at a time, so that reading a suite takes the memory of its nodes and little more.
 */
#ifndef SUITE_EVENTS_H
#define SUITE_EVENTS_H

#include "suite/diagnostics.h"
#include "suite/node.h"

enum events_form {
    EVENTS_JSON,
    EVENTS_YAML,
    EVENTS_OLDER, /* JSON whose strings are never templates */
};

/*
 * Read `text`, which has the length of the source's and gives it its places: the source itself, or
 * strict JSON made of it. Strings of the nodes point into the source or live in the arena. NULL,
 * and faults in `d`, when it cannot be read.
 */
const struct node *events_read(struct arena *arena, const struct source *source, struct slice text,
                               enum events_form form, struct diagnostics *d);

#endif
