/*
 * Areas: a short list that is searched from its end, as cases of one area mostly come together.
 */
#include "record/areas.h"

#include <stdlib.h>

#include "core/memory.h"

#define AREA_TAG SLICE("area:")

struct areas {
    struct arena *arena;
    struct area *list;
    size_t count, capacity;
};

struct areas *areas_new(void)
{
    struct areas *areas = NEW(struct areas);
    areas->arena = arena_new();
    return areas;
}

void areas_free(struct areas *areas)
{
    arena_free(areas->arena);
    mem_free(areas->list);
    mem_free(areas);
}

static struct area *find(struct areas *areas, struct slice name)
{
    for (size_t i = areas->count; i-- > 0;) /* mostly the one before */
        if (slice_eq(areas->list[i].name, name))
            return &areas->list[i];
    if (areas->count == AREAS_MAX)
        return &areas->list[AREAS_MAX - 1];
    if (areas->count == AREAS_MAX - 1)
        name = SLICE("all others");
    GROW(areas->list, areas->count, areas->capacity);
    struct area *area = &areas->list[areas->count++];
    *area = (struct area){.name = arena_copy(areas->arena, name)};
    return area;
}

static void count(struct areas *areas, struct area *area, const struct case_result *r)
{
    switch (r->status) {
    case CASE_PASSED:
        area->passed++;
        break;
    case CASE_FAILED:
    case CASE_ERROR:
        area->failed++;
        if (area->fault_count < AREA_FAULTS)
            area->faults[area->fault_count++] = (struct area_fault){
                arena_copy(areas->arena, r->id), arena_copy(areas->arena, r->describe)};
        break;
    default:
        area->not_run++;
    }
}

void areas_add(struct areas *areas, const struct case_result *result)
{
    for (size_t i = 0; i < result->tag_count; i++)
        if (slice_starts(result->tags[i], AREA_TAG) && result->tags[i].len > AREA_TAG.len)
            count(areas, find(areas, slice_from(result->tags[i], AREA_TAG.len)), result);
}

static int by_name(const void *a, const void *b)
{
    return slice_cmp(((const struct area *)a)->name, ((const struct area *)b)->name);
}

static int by_id(const void *a, const void *b)
{
    return slice_cmp(((const struct area_fault *)a)->id, ((const struct area_fault *)b)->id);
}

const struct area *areas_sorted(struct areas *areas, size_t *count)
{
    *count = areas->count > 1 ? areas->count : 0;
    if (*count == 0)
        return NULL;
    qsort(areas->list, areas->count, sizeof(*areas->list), by_name);
    for (size_t i = 0; i < areas->count; i++)
        qsort(areas->list[i].faults, areas->list[i].fault_count, sizeof(areas->list[i].faults[0]),
              by_id);
    return areas->list;
}
