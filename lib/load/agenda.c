/*
 * The heap.
 */
#include "load/agenda.h"

#include "core/clock.h"
#include "core/memory.h"
#include "core/result.h"

static bool before(const struct agenda_entry *a, const struct agenda_entry *b)
{
    return a->when != b->when ? a->when < b->when : a->noted < b->noted;
}

void agenda_note(struct agenda *agenda, int64_t when, void *who)
{
    GROW(agenda->entries, agenda->count, agenda->room);
    struct agenda_entry entry = {when, agenda->noted++, who};
    uint32_t at = agenda->count++;
    for (; at > 0 && before(&entry, &agenda->entries[(at - 1) / 2]); at = (at - 1) / 2)
        agenda->entries[at] = agenda->entries[(at - 1) / 2];
    agenda->entries[at] = entry;
}

int64_t agenda_next(const struct agenda *agenda)
{
    return agenda->count > 0 ? agenda->entries[0].when : CLOCK_NEVER;
}

void *agenda_take(struct agenda *agenda)
{
    MUST(agenda->count > 0, "nobody to take");
    void *who = agenda->entries[0].who;
    struct agenda_entry entry = agenda->entries[--agenda->count];
    uint32_t at = 0;
    for (uint32_t child = 1; child < agenda->count; child = 2 * at + 1) {
        if (child + 1 < agenda->count &&
            before(&agenda->entries[child + 1], &agenda->entries[child]))
            child++;
        if (before(&entry, &agenda->entries[child]))
            break;
        agenda->entries[at] = agenda->entries[child];
        at = child;
    }
    agenda->entries[at] = entry;
    return who;
}

void agenda_free(struct agenda *agenda)
{
    mem_free(agenda->entries);
    *agenda = (struct agenda){0};
}
