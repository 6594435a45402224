/*
 * What runs come to: counts, rates and times by suite, model, tag, resource, service and host, how
 * well the workers were used, and what was waited for.
 *
 * A pass rate is of those cases that were carried out to a verdict: passed / (passed + failed +
 * error); skipped and cancelled ones say nothing. Its interval is Wilson's, for 95 %. Times are of
 * cases that began and were not cancelled, whatever their verdict. Percentiles are by nearest rank
 * (statistics_percentile): always a time that was measured.
 *
 * Workload: a million cases in some tenths of a second. The cases are sorted by time once; every
 * group then gets its own in order.
 */
#ifndef REPORT_AGGREGATE_H
#define REPORT_AGGREGATE_H

#include "report/run_data.h"
#include "report/statistics.h"

#define AGGREGATE_CONFIDENCE 0.95

struct time_summary {
    size_t count;
    int64_t total, least, mean, most, p50, p90, p95, p99; /* ns; 0 when there are none */
};

struct aggregate_row {
    struct slice name;
    size_t counts[CASE_STATUS_COUNT], cases;
    size_t slow, flaky, leaky, timed_out;
    double pass_rate;     /* NaN: no verdict */
    struct interval rate; /* in which it lies */
    struct time_summary times;
    int64_t queued; /* ns that cases waited for their turn */
};

enum aggregate_by {
    AGGREGATE_SUITE,
    AGGREGATE_MODEL,
    AGGREGATE_TAG,
    AGGREGATE_RESOURCE,
    AGGREGATE_SERVICE,
    AGGREGATE_HOST,
    AGGREGATE_RUN,
    AGGREGATE_BY_COUNT
};

const char *aggregate_by_name(enum aggregate_by by); /* "suite" */

struct aggregate_table {
    struct aggregate_row *rows; /* most failures first, then most cases, then by name */
    size_t count;
};

/* How the workers of one run were used. */
struct run_use {
    const struct run_info *run;
    size_t cases;
    int64_t busy;      /* ns of all cases, one after another */
    double speed_up;   /* busy / duration: as if one worker had done it */
    double efficiency; /* speed_up / jobs: the share of the workers' time that was used */
    size_t workers;    /* that had a case */
    struct worker_use {
        size_t cases;
        int64_t busy;
        double share; /* of the run's duration */
    } *by_worker;
};

struct wait_time {
    struct slice name; /* "jobs", "resource gpu"; "" when it is not known */
    size_t cases;
    int64_t queued; /* ns */
};

struct aggregate {
    struct aggregate_row all;
    struct aggregate_table by[AGGREGATE_BY_COUNT]; /* a case without a model is in no model's row */
    const struct check_count *checks;
    size_t check_count;
    struct run_use *runs;
    size_t run_count;
    struct wait_time *waits; /* the longest first */
    size_t wait_count;
};

/* Does the table say more than the row of all cases? */
bool aggregate_says_more(const struct aggregate *aggregate, enum aggregate_by by);

/* Everything lives in `data->arena`. */
struct aggregate *aggregate_run(const struct run_data *data);

#endif
