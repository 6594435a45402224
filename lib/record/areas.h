/*
 * A run by area: cases with a tag "area:NAME" are counted under that name, so that a run of a
 * conformance suite ends with what holds in each area and what does not. Workload: a handful of
 * areas, any number of cases.
 */
#ifndef RECORD_AREAS_H
#define RECORD_AREAS_H

#include "record/event.h"

/* Of each area so many cases that did not pass are kept by name. */
#define AREA_FAULTS 20
/* Of more areas than this the last one stands for all others. */
#define AREAS_MAX 200

struct area {
    struct slice name;
    size_t passed, failed; /* an error counts as failed */
    size_t not_run;        /* skipped or cancelled */
    struct area_fault {
        struct slice id, rule; /* the case, and what it is for when it says so */
    } faults[AREA_FAULTS];     /* the first of those that failed */
    size_t fault_count;
};

struct areas;

struct areas *areas_new(void);
void areas_free(struct areas *areas);

/* A finished case, copied as far as needed; one without an area changes nothing. */
void areas_add(struct areas *areas, const struct case_result *result);

/* All areas by name; none when there is but one, which says no more than the run does. */
const struct area *areas_sorted(struct areas *areas, size_t *count);

#endif
