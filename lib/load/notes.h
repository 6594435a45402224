/*
 * The events of a request as they came, for those who want them all: the event log and the figures
 * of other tools. What the metrics need is not among it; a load that nobody looks at so closely
 * keeps none.
 *
 * Workload: an addition for each event of a stream; memory grows by doubling, within what a thread
 * may have for all requests under way.
 */
#ifndef LOAD_NOTES_H
#define LOAD_NOTES_H

#include "load/answer.h"

struct note {
    int64_t received, read; /* ns; notes of one read have the same */
    int32_t tokens; /* of the answer until then, as the service counts; -1: it does not say */
    enum answer_kind kind;
};

/* What all notes of a thread may hold, in bytes. */
#define NOTES_BYTES ((size_t)128 << 20)

struct notes {
    struct note *items; /* owned */
    uint32_t count, size;
    size_t *room; /* bytes that are left to all notes of the thread */
    bool lost;    /* there was no room for all */
};

static inline struct notes notes_within(size_t *room)
{
    return (struct notes){.room = room};
}

void notes_free(struct notes *notes);

/* Of the next request. */
static inline void notes_clear(struct notes *notes)
{
    notes->count = 0;
    notes->lost = false;
}

void notes_grow(struct notes *notes);

static inline void notes_add(struct notes *notes, struct note note)
{
    if (notes->count == notes->size)
        notes_grow(notes);
    if (notes->count < notes->size)
        notes->items[notes->count++] = note;
}

#endif
