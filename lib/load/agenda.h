/*
 * Who goes on when: users and conversations between an answer and the next question, the earliest
 * first (a binary heap). Of those that are due at the same time, the one that was noted first.
 *
 * Workload: an entry for each user who thinks, up to some hundred thousand a thread; a few
 * comparisons a request.
 */
#ifndef LOAD_AGENDA_H
#define LOAD_AGENDA_H

#include <stdint.h>

struct agenda_entry {
    int64_t when;
    uint64_t noted; /* the how manieth it is */
    void *who;
};

struct agenda {
    struct agenda_entry *entries; /* NULL while there never were any */
    uint32_t count, room;
    uint64_t noted;
};

void agenda_note(struct agenda *agenda, int64_t when, void *who);

/* When the first is due; CLOCK_NEVER: there is none. */
int64_t agenda_next(const struct agenda *agenda);

/* Takes the first off; there must be one. */
void *agenda_take(struct agenda *agenda);

void agenda_free(struct agenda *agenda);

#endif
