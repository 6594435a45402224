/*
 * Two sides of runs, case by case: what broke, what was fixed, what is flaky, what got slower. A
 * side is one run or several. For outcomes a side is the runs that were named. For times, one run
 * gives one value a case, which shows nothing; so a side of one run takes the results that led up
 * to it along: the last CHANGE_RESULTS passes, of the newer side only as far as they are newer than
 * the older one. A side of several runs is taken as it is. Only results of the host of the newest
 * run of the after side are compared.
 *
 *     broke          passed before, fails after; or new and fails; or, with several runs a side,
 *                    fails significantly more often (Fisher's exact test at COMPARE_LEVEL)
 *     still failing  failed before, fails after
 *     fixed          failed before, passes after; or fails significantly less often
 *     flaky          by the rule of report/outcome.h at the newest run of the after side, and it
 *                    failed on a side or was not flaky before; or both outcomes on a side and no
 *                    significant difference
 *     new, gone      only on one side
 */
#ifndef REPORT_COMPARE_H
#define REPORT_COMPARE_H

#include "report/change.h"
#include "report/outcome.h"

#define COMPARE_LEVEL 0.05

#define COMPARED_TABLE(X)                                                                          \
    X(BROKE, "broke")                                                                              \
    X(STILL_FAILING, "still failing")                                                              \
    X(FIXED, "fixed")                                                                              \
    X(FLAKY, "flaky")                                                                              \
    X(NEW, "new")                                                                                  \
    X(GONE, "gone")                                                                                \
    X(UNCHANGED, "unchanged")

enum compared_kind {
#define X(code, name) COMPARED_##code,
    COMPARED_TABLE(X)
#undef X
        COMPARED_KINDS
};

const char *compared_kind_name(enum compared_kind kind);

/* One of the two sides. */
struct compare_side {
    const char *name;     /* as the user said it */
    bool load;            /* it is of loads (report/load_compare.h) */
    const uint32_t *runs; /* indices in past.runs, or in past.loads, rising */
    size_t run_count;
    const char *poisoned;  /* of a baseline: why it is no good; NULL */
    size_t passed, failed; /* results of its runs */
};

struct compared_metric {
    struct change change;
    struct interval interval; /* of the ratio; NaN unless the kind is slower, faster or unclear */
    double p;                 /* adjusted for all that were asked about */
    enum change_kind kind;
    bool measured; /* there are values on a side */
};

struct compared_case {
    struct past_case of;
    enum compared_kind kind;
    struct {
        size_t passed, failed, other; /* of the named runs; other: skipped, cancelled */
    } before, after;
    struct slice reason;    /* why it did not pass, of the newest run in which it did not */
    struct outcome outcome; /* at the newest run of the after side */
    struct slice last_good, first_bad; /* ids of runs; may be empty */
    struct compared_metric metrics[PAST_METRICS];
    bool flaky_before; /* by the rule, at the newest run of the before side */
    bool quarantined;  /* its failures are shown and do not count */
};

struct comparison {
    struct compare_side before, after;
    const struct past *past;
    double threshold;
    struct compared_case *cases; /* in the order of their keys */
    size_t count, kinds[COMPARED_KINDS];
    size_t broke;       /* not in quarantine */
    size_t still_flaky; /* unchanged ones that pass and are flaky, as they were */
    size_t slower, faster, unclear, unknown, steady; /* cases with such a metric */
    struct slice host;                               /* whose times are compared */
    bool other_host; /* the before side never ran there: no times are compared */
    double
        ratio; /* median over all cases of the ratio of their times, where there are enough; NaN */
    double spells; /* the largest factor of any case */
};

/* A side by its runs and baselines: "last", "main", "20261121-10,20261121-11". ERR_USAGE when some
 * are loads and some are not. */
struct result compare_side_find(struct past *past, const char *name,
                                struct compare_side *out) MUST_USE;

/* Compare two sides; everything lives in past->arena. ERR_USAGE when they share a run. `now`:
   wall time, by which quarantine ends. */
struct result compare_sides(struct past *past, const struct compare_side *before,
                            const struct compare_side *after, double threshold, int64_t now,
                            struct comparison **out) MUST_USE;

/* Something broke or got slower. */
bool compare_worse(const struct comparison *comparison);

/* For people, and as JSON. `color` is whether to use it. */
const char *compare_text(struct arena *arena, const struct comparison *comparison, bool color);
const char *compare_markdown(struct arena *arena, const struct comparison *comparison);
json_t *compare_json(struct arena *arena, const struct comparison *comparison);

#endif
