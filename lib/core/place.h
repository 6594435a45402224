/*
 * Where something stands in a text of the user's: file, line and column. Every node of a suite and
 * every error about one carries a place, so that a message can show the source line and a caret.
 */
#ifndef CORE_PLACE_H
#define CORE_PLACE_H

#include "core/slice.h"

/* A text that was read, kept as long as places point into it. */
struct source {
    const char *name;  /* the path as the user gave it, or "<command line>" */
    struct slice text; /* as it was read, before any tolerant rewriting */
};

struct place {
    const struct source *source; /* NULL: nowhere in particular */
    uint32_t line;               /* from 1; 0 when unknown */
    uint32_t column;             /* from 1, in bytes */
};

/* The text of line `line` (from 1) without its line ending; empty when there is none. */
struct slice source_line(const struct source *source, uint32_t line);

/* The place of byte `offset` of a source. */
struct place source_place(const struct source *source, size_t offset);

#endif
