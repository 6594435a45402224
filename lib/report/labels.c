/*
 * Names to numbers: open addressing with linear probing, at most half full.
 */
#include "report/labels.h"

static uint32_t slot_of(const struct labels *labels, struct slice name)
{
    uint32_t mask = labels->slot_count - 1, at = (uint32_t)slice_hash(name) & mask;
    while (labels->slots[at] && !slice_eq(labels->names[labels->slots[at] - 1], name))
        at = (at + 1) & mask;
    return at;
}

static void grow(struct labels *labels)
{
    struct slice *names = labels->names;
    labels->capacity = labels->capacity ? labels->capacity * 2 : 16;
    labels->slot_count = labels->capacity * 2;
    labels->names = ARENA_ARRAY(labels->arena, struct slice, labels->capacity);
    labels->slots = ARENA_ARRAY(labels->arena, uint32_t, labels->slot_count);
    for (uint32_t i = 0; i < labels->count; i++) {
        labels->names[i] = names[i];
        labels->slots[slot_of(labels, names[i])] = i + 1;
    }
}

uint32_t labels_find(const struct labels *labels, struct slice name)
{
    if (labels->count == 0)
        return LABEL_NONE;
    uint32_t number = labels->slots[slot_of(labels, name)];
    return number ? number - 1 : LABEL_NONE;
}

uint32_t labels_number(struct labels *labels, struct slice name)
{
    uint32_t found = labels_find(labels, name);
    if (found != LABEL_NONE)
        return found;
    if (labels->count == labels->capacity)
        grow(labels);
    labels->names[labels->count] = name;
    labels->slots[slot_of(labels, name)] = labels->count + 1;
    return labels->count++;
}
