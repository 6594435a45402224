/*
 * Memory for notes.
 */
#include "load/notes.h"

#include "core/memory.h"

#define FIRST 64

void notes_free(struct notes *notes)
{
    if (notes->room)
        *notes->room += notes->size * sizeof(*notes->items);
    mem_free(notes->items);
    *notes = (struct notes){.room = notes->room};
}

void notes_grow(struct notes *notes)
{
    uint32_t more = notes->size ? notes->size : FIRST;
    size_t bytes = more * sizeof(*notes->items);
    if (bytes > *notes->room || notes->size > UINT32_MAX / 2) {
        notes->lost = true;
        return;
    }
    *notes->room -= bytes;
    notes->size += more;
    notes->items = mem_resize(notes->items, notes->size * sizeof(*notes->items));
}
