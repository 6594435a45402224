/*
 * One load that several machines made together, as one: every value of every machine is counted
 * once, so percentiles are those of all, not means of means.
 *
 * Workload: a handful of loads of one service, at the same time.
 */
#ifndef REPORT_LOAD_MERGE_H
#define REPORT_LOAD_MERGE_H

#include "report/load_data.h"

/* No more loads are added up: a thousand machines do not look at one screen. */
#define LOAD_MERGE_MOST 1000

/*
 * Counts and rates add up; times are put together by the machines' clocks, to a row of the
 * timeline; objectives are judged anew; and what is invalid on one machine is invalid. ERR_USAGE
 * when they are not parts of one load: another API, other objectives, another schedule but for its
 * rate, or another time. All live in `arena`, but what load_data_free frees.
 */
struct result load_merge(struct arena *arena, struct load_data *const *parts, size_t count,
                         struct load_data **out) MUST_USE;

#endif
