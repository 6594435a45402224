/*
 * A load out of the store, as the reports see it: the same struct load_report that the end of a
 * load shows, made again from what was kept, so that every report of a load can be made later.
 *
 * Workload: one load for a report; for a comparison or a history some dozens, one after the other,
 * each in an arena of its own: a megabyte of histograms and a few KB for each second.
 */
#ifndef REPORT_LOAD_DATA_H
#define REPORT_LOAD_DATA_H

#include "load/print.h"
#include "record/store_load.h"

struct load_data {
    struct run_info run;
    struct slice name;
    const json_t *parameters; /* {"plan": …, "request": …, …} */
    bool ended;               /* false: only plan and seconds are known */
    struct load_report report;

    struct target target; /* what `report` points to */
    struct timeline *timeline;
    struct load_plan plan;
    struct slo slos[SLO_MOST_OBJECTIVES];
    struct belief belief;
    struct judgement judgement;
};

/* Read the load of this run; everything lives in `arena`, but what the timeline has is freed by
 * load_data_free. ERR_USAGE when it is no load, ERR_STORE
 * when what was kept cannot be read. */
struct result load_data_read(struct store *store, struct arena *arena, const struct run_info *run,
                             struct load_data **out) MUST_USE;
void load_data_free(struct load_data **data); /* for DEFER */

/* INVALID, or nothing was answered, or it never ended: its numbers say nothing of the service.
 * NULL: it can be believed. */
const char *load_data_disbelief(struct arena *arena, const struct load_data *data);

#endif
