/*
 * What became of a case over the runs: its outcomes with the rule of report/outcome.h, first bad
 * and last good run, and per metric its median, its 90th percentile and its trend (Theil and Sen),
 * which is only said when Kendall's test, allowing for the machine's spells, is below CHANGE_LEVEL.
 */
#ifndef REPORT_HISTORY_H
#define REPORT_HISTORY_H

#include "report/change.h"
#include "report/outcome.h"
#include "report/quarantine.h"

struct history_metric {
    size_t count;       /* values; 0: the case has no such metric */
    double median, p90; /* ns */
    double slope;       /* ns a run */
    double p;           /* of there being a trend */
};

struct history_case {
    struct past_case of;
    const struct past_result *results; /* oldest first */
    size_t count;
    struct outcome outcome;
    struct history_metric metrics[PAST_METRICS];
    const struct quarantined *quarantine; /* also an expired one; NULL: none */
};

struct history {
    const struct past *past;
    struct history_case *cases; /* broken, flaky, passing, unknown; each by key */
    size_t count;
    int64_t now;
};

/* The last `results` results of one case, or of every case there is for NULL. */
struct result history_read(struct past *past, const struct past_case *one, size_t results,
                           int64_t now, struct history **out) MUST_USE;

bool history_has_trend(const struct history_metric *metric);

/* For people: a line or two a case; with `details` everything. And as JSON. */
const char *history_text(struct arena *arena, const struct history *history, bool details,
                         bool color);
json_t *history_json(struct arena *arena, const struct history *history);

#endif
